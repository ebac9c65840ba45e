/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queues that there are: made, found and removed, each with its file in
 * /proc and its directory in sysfs.
 */
#ifndef KMSGQ_REGISTRY_H
#define KMSGQ_REGISTRY_H

#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/types.h>

#include "params.h"
#include "queue.h"

struct proc_dir_entry;

/**
 * struct kmsgq_entry - a queue, its file and its settings
 * @queue: the messages
 * @settings: the settings: &kmsgq_params for the first queue, else &@own
 * @own: settings of a further queue
 * @name: what it is called in sysfs, and in /proc unless it is the first
 * @dead: where messages go that were returned too often, or NULL; does not
 *	change while the file may be opened
 * @dead_users: for how many queues this is @dead; under kernel_param_lock()
 * @live: the file may be opened; under @queue.lock
 * @opens: how many open files there are; likewise
 * @file: the file in /proc, or NULL
 * @kobj: the directory in sysfs
 * @kobj_gone: nobody uses @kobj any more
 * @list: in the order in which they were made; under kernel_param_lock()
 */
struct kmsgq_entry {
	struct kmsgq_queue queue;
	struct kmsgq_settings *settings;
	struct kmsgq_settings own;
	char name[KMSGQ_NAME_SIZE];
	struct kmsgq_entry *dead;
	unsigned int dead_users;
	bool live;
	unsigned int opens;
	struct proc_dir_entry *file;
	struct kobject kobj;
	struct completion kobj_gone;
	struct list_head list;
};

int kmsgq_registry_init(void);
void kmsgq_registry_exit(void);

int kmsgq_registry_set_param(const struct kmsgq_attr *a, const char *val);
int kmsgq_registry_command(const char *words);
void kmsgq_registry_forget(void);

const char *kmsgq_entry_label(const struct kmsgq_entry *e);
int kmsgq_entry_get(struct kmsgq_entry *e);
void kmsgq_entry_put(struct kmsgq_entry *e);

/* sysfs.c */
extern struct kobj_type kmsgq_ktype;
void kmsgq_sysfs_init(void);
int kmsgq_entry_set(struct kmsgq_entry *e, const struct kmsgq_attr *a,
		    const char *val);

#endif /* KMSGQ_REGISTRY_H */
