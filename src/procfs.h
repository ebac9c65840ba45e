/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file in /proc: open, read, write, poll and close of a queue.
 */
#ifndef KMSGQ_PROCFS_H
#define KMSGQ_PROCFS_H

#include <linux/uidgid.h>

#include "queue.h"

struct proc_dir_entry;

/**
 * struct kmsgq_file - a queue and its file in /proc
 * @queue: the messages
 * @entry: the file
 */
struct kmsgq_file {
	struct msg_queue queue;
	struct proc_dir_entry *entry;
};

int kmsgq_file_create(struct kmsgq_file *kf, const char *name, umode_t mode,
		      kuid_t uid, kgid_t gid);
void kmsgq_file_remove(struct kmsgq_file *kf);

#endif /* KMSGQ_PROCFS_H */
