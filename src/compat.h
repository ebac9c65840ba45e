/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels from 5.10 on. Kbuild looks into the kernel's
 * headers for what they have.
 */
#ifndef KMSGQ_COMPAT_H
#define KMSGQ_COMPAT_H

#include <linux/proc_fs.h>
#include <linux/timer.h>

/* 359745d78351 ("proc: remove PDE_DATA() completely"), v5.17 */
#ifdef KMSGQ_PDE_DATA
#define pde_data(inode) PDE_DATA(inode)
#endif

/* 9b13df3fb64e ("timers: Rename del_timer_sync() to timer_delete_sync()"), v6.2 */
#ifdef KMSGQ_DEL_TIMER_SYNC
#define timer_delete_sync(timer) del_timer_sync(timer)
#endif

#endif /* KMSGQ_COMPAT_H */
