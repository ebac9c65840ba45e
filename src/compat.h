/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels from 5.10 on, and the only place with
 * checks of the kernel's version.
 */
#ifndef KMSGQ_COMPAT_H
#define KMSGQ_COMPAT_H

#include <linux/namei.h>
#include <linux/proc_fs.h>
#include <linux/version.h>

/*
 * 359745d78351 ("proc: remove PDE_DATA() completely"), v5.17, and in the 5.14
 * of Red Hat's EL 9
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 17, 0) && \
	!defined(RHEL_RELEASE_CODE)
#define pde_data(inode) PDE_DATA(inode)
#endif

/*
 * fa6fe07d1536 ("VFS: rename lookup_one_len family to lookup_noperm and remove
 * permission check"), v6.16
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
static inline struct dentry *lookup_noperm_unlocked(struct qstr *name,
						    struct dentry *base)
{
	return lookup_one_len_unlocked(name->name, base, name->len);
}
#endif

/* c6585011bc1d ("splice: Remove generic_file_splice_read()"), v6.5 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define copy_splice_read generic_file_splice_read
#endif

#endif /* KMSGQ_COMPAT_H */
