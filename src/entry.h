/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue with its settings, and who may open it.
 */
#ifndef KMSGQ_ENTRY_H
#define KMSGQ_ENTRY_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "queue.h"
#include "settings.h"

struct proc_dir_entry;

/**
 * struct kmsgq_entry - a queue with its settings
 * @queue: the messages
 * @name: its name in sysfs, and in /proc unless it is the default queue
 * @label: as for kmsgq_reject(): @name, or NULL for the default queue
 * @lock: protects @settings, @enabled and @opens. Taken before @queue's lock
 * @settings: written under @lock; those that can be changed at run time are read
 *	without it, by READ_ONCE()
 * @enabled: the file may be opened
 * @opens: number of open files
 * @dead: where messages go that were returned too often, or NULL; does not
 *	change while @enabled
 * @dead_users: for how many queues this is @dead; under kernel_param_lock()
 * @file: the file in /proc, or NULL
 * @kobj: the directory in sysfs, which frees the entry with its last reference
 * @list: in the order of creation; under kernel_param_lock()
 */
struct kmsgq_entry {
	struct kmsgq_queue queue;
	char name[KMSGQ_NAME_SIZE];
	const char *label;
	spinlock_t lock;	/* see above */
	struct kmsgq_settings settings;
	bool enabled;
	unsigned int opens;
	struct kmsgq_entry *dead;
	unsigned int dead_users;
	struct proc_dir_entry *file;
	struct kobject kobj;
	struct list_head list;
};

struct kmsgq_entry *kmsgq_entry_alloc(const char *name,
				      const struct kmsgq_settings *settings);
void kmsgq_entry_free(struct kmsgq_entry *e);
int kmsgq_entry_set(struct kmsgq_entry *e, const struct kmsgq_attr *a,
		    const char *val);
void kmsgq_entry_get_settings(struct kmsgq_entry *e,
			      struct kmsgq_settings *settings);

void kmsgq_entry_enable(struct kmsgq_entry *e);
int kmsgq_entry_disable(struct kmsgq_entry *e);

int kmsgq_entry_check_access(const struct kmsgq_entry *e, fmode_t mode);
int kmsgq_entry_get(struct kmsgq_entry *e);
void kmsgq_entry_put(struct kmsgq_entry *e);

#endif /* KMSGQ_ENTRY_H */
