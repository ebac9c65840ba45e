/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The directory of a queue in sysfs.
 */
#ifndef KMSGQ_SYSFS_H
#define KMSGQ_SYSFS_H

#include "entry.h"

void kmsgq_sysfs_own(struct kmsgq_entry *e);
int kmsgq_sysfs_add(struct kmsgq_entry *e, struct kobject *parent);
void kmsgq_sysfs_remove(struct kmsgq_entry *e);
void kmsgq_sysfs_put(struct kmsgq_entry *e);
void kmsgq_sysfs_exit(void);

#endif /* KMSGQ_SYSFS_H */
