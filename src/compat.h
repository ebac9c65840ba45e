/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels from 5.10 on. Kbuild looks into the kernel's
 * headers for what they have.
 */
#ifndef KMSGQ_COMPAT_H
#define KMSGQ_COMPAT_H

#include <linux/proc_fs.h>

/* 359745d78351 ("proc: remove PDE_DATA() completely"), v5.17 */
#ifdef KMSGQ_PDE_DATA
#define pde_data(inode) PDE_DATA(inode)
#endif

#endif /* KMSGQ_COMPAT_H */
