/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels from 5.10 on, and the only place with
 * checks of the kernel's version.
 */
#ifndef KMSGQ_COMPAT_H
#define KMSGQ_COMPAT_H

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

#endif /* KMSGQ_COMPAT_H */
