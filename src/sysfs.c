// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory of a queue in sysfs: its settings and its counters, one value a
 * file.
 */
#include "sysfs.h"

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sysfs.h>

#define KMSGQ_COUNTER_ATTR(_name)					\
	{								\
		.attr = { .name = #_name, .mode = 0444 },		\
		.kind = KMSGQ_COUNTER,					\
		.offset = offsetof(struct kmsgq_counters, _name),	\
	}

static struct kmsgq_attr kmsgq_counter_attrs[] __ro_after_init = {
	KMSGQ_COUNTER_ATTR(queued),
	KMSGQ_COUNTER_ATTR(queued_bytes),
	KMSGQ_COUNTER_ATTR(held),
	KMSGQ_COUNTER_ATTR(enqueued),
	KMSGQ_COUNTER_ATTR(dequeued),
	KMSGQ_COUNTER_ATTR(dropped),
	KMSGQ_COUNTER_ATTR(returned),
	KMSGQ_COUNTER_ATTR(dead),
	KMSGQ_COUNTER_ATTR(high_water_bytes),
	KMSGQ_COUNTER_ATTR(oldest_age_ms),
	KMSGQ_COUNTER_ATTR(waiting_readers),
	KMSGQ_COUNTER_ATTR(waiting_writers),
	{ }
};

/* Entries that were not freed, and one for the module until its exit. */
static atomic_t kmsgq_nr_entries = ATOMIC_INIT(1);
static DECLARE_COMPLETION(kmsgq_no_entries);

static void kmsgq_entry_gone(void)
{
	if (atomic_dec_and_test(&kmsgq_nr_entries))
		complete(&kmsgq_no_entries);
}

static ssize_t kmsgq_attr_show(struct kobject *kobj, struct attribute *attr,
			       char *buf)
{
	struct kmsgq_entry *e = container_of(kobj, struct kmsgq_entry, kobj);
	struct kmsgq_attr *a = container_of(attr, struct kmsgq_attr, attr);
	struct kmsgq_counters counters;

	if (a->kind != KMSGQ_COUNTER)
		return kmsgq_format(&e->settings, a, buf);
	kmsgq_get_counters(&e->queue, &counters);
	return kmsgq_format(&counters, a, buf);
}

static ssize_t kmsgq_attr_store(struct kobject *kobj, struct attribute *attr,
				const char *buf, size_t count)
{
	struct kmsgq_entry *e = container_of(kobj, struct kmsgq_entry, kobj);

	/* chmod(2) can make such a file writable; as module_attr_store(). */
	if (!(attr->mode & 0200))
		return -EIO;
	return kmsgq_entry_set(e, container_of(attr, struct kmsgq_attr, attr),
			       buf) ?: count;
}

static const struct sysfs_ops kmsgq_sysfs_ops = {
	.show = kmsgq_attr_show,
	.store = kmsgq_attr_store,
};

/* May run long after kmsgq_sysfs_put() (CONFIG_DEBUG_KOBJECT_RELEASE). */
static void kmsgq_kobj_release(struct kobject *kobj)
{
	kmsgq_entry_free(container_of(kobj, struct kmsgq_entry, kobj));
	kmsgq_entry_gone();
}

/* Not const: kobject_init() of Linux 5.10 takes no const type. */
static struct kobj_type kmsgq_ktype = {
	.release = kmsgq_kobj_release,
	.sysfs_ops = &kmsgq_sysfs_ops,
};

/**
 * kmsgq_sysfs_own() - have the directory own its queue
 * @e: an entry of kmsgq_entry_alloc(); kmsgq_sysfs_put() frees it from now on
 */
void kmsgq_sysfs_own(struct kmsgq_entry *e)
{
	atomic_inc(&kmsgq_nr_entries);
	kobject_init(&e->kobj, &kmsgq_ktype);
}

/**
 * kmsgq_sysfs_add() - create the directory of a queue
 * @e: the entry
 * @parent: the directory of all queues
 *
 * Return: 0 or an error of kobject_add() or sysfs_create_file(); in either case,
 * kmsgq_sysfs_remove() removes what was created.
 */
int kmsgq_sysfs_add(struct kmsgq_entry *e, struct kobject *parent)
{
	int err = kobject_add(&e->kobj, parent, "%s", e->name);
	const struct kmsgq_attr *a;

	for (a = kmsgq_setting_attrs; !err && a->key; a++)
		err = sysfs_create_file(&e->kobj, &a->attr);
	for (a = kmsgq_counter_attrs; !err && a->attr.name; a++)
		err = sysfs_create_file(&e->kobj, &a->attr);
	return err;
}

/**
 * kmsgq_sysfs_remove() - remove the directory of a queue
 * @e: the entry; may have no directory
 *
 * Context: Waits for reads and writes of its files that are in progress.
 */
void kmsgq_sysfs_remove(struct kmsgq_entry *e)
{
	if (e->kobj.state_in_sysfs)
		kobject_del(&e->kobj);
}

/**
 * kmsgq_sysfs_put() - free a queue, once no task uses its directory
 * @e: an entry of kmsgq_sysfs_own(), with no directory; kmsgq_queue_exit() was
 *	called
 */
void kmsgq_sysfs_put(struct kmsgq_entry *e)
{
	kobject_put(&e->kobj);
}

/**
 * kmsgq_sysfs_exit() - wait until all queues have been freed
 *
 * Context: May sleep. kmsgq_sysfs_put() was called for all of them.
 */
void kmsgq_sysfs_exit(void)
{
	kmsgq_entry_gone();
	wait_for_completion(&kmsgq_no_entries);
}
