/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An open file: open, poll, close, fdinfo.
 */
#ifndef KMSGQ_FILE_H
#define KMSGQ_FILE_H

#include <linux/fs.h>

int kmsgq_open(struct inode *inode, struct file *file);

#endif /* KMSGQ_FILE_H */
