/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of a queue in /proc: created, checked, removed.
 */
#ifndef KMSGQ_PROCFS_H
#define KMSGQ_PROCFS_H

#include "entry.h"

int kmsgq_procfs_check_name(const char *name);
int kmsgq_procfs_add(struct kmsgq_entry *e, const char *name,
		     struct proc_dir_entry *dir);
void kmsgq_procfs_remove(struct kmsgq_entry *e);

#endif /* KMSGQ_PROCFS_H */
