/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registry of queues: creation, look-up, removal.
 */
#ifndef KMSGQ_REGISTRY_H
#define KMSGQ_REGISTRY_H

#include "settings.h"

/* Space for the name of a file in /proc, in bytes, with its NUL. */
#define KMSGQ_PROCFS_NAME_SIZE	256

extern char kmsgq_procfs_name[KMSGQ_PROCFS_NAME_SIZE];

int kmsgq_registry_init(void);
void kmsgq_registry_exit(void);

int kmsgq_registry_set_param(const struct kmsgq_attr *a, const char *val);
int kmsgq_registry_show_param(const struct kmsgq_attr *a, char *buf);
int kmsgq_registry_command(const char *spec);
void kmsgq_registry_forget(void);

#endif /* KMSGQ_REGISTRY_H */
