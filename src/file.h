/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An open file of a queue: open, read, write, poll and close.
 */
#ifndef KMSGQ_FILE_H
#define KMSGQ_FILE_H

#include <linux/proc_fs.h>

extern const struct proc_ops kmsgq_proc_ops;

#endif /* KMSGQ_FILE_H */
