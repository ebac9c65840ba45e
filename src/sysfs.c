// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory of a queue in sysfs: its settings and its counters, one value a
 * file.
 */
#include "registry.h"

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#define KMSGQ_COUNTER_ATTR(_name)					\
	{								\
		.attr = { .name = #_name, .mode = 0444 },		\
		.kind = KMSGQ_COUNTER,					\
		.offset = offsetof(struct kmsgq_counters, _name),	\
	}

static struct kmsgq_attr kmsgq_counter_attrs[] = {
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
};

/* All of them, filled in by kmsgq_sysfs_init(). */
static struct attribute *kmsgq_attrs[KMSGQ_NR_SETTINGS +
				     ARRAY_SIZE(kmsgq_counter_attrs) + 1];

static const struct attribute_group kmsgq_group = {
	.attrs = kmsgq_attrs,
};

static const struct attribute_group *kmsgq_groups[] = {
	&kmsgq_group,
	NULL,
};

/**
 * kmsgq_entry_set() - change a setting of a queue that is in use
 * @e: the queue
 * @a: the setting
 * @val: the new value as text
 *
 * Return: 0 or -EINVAL; the kernel log says why.
 */
int kmsgq_entry_set(struct kmsgq_entry *e, const struct kmsgq_attr *a,
		    const char *val)
{
	const size_t size = a->kind == KMSGQ_BOOL ? sizeof(bool) :
			    a->kind == KMSGQ_ULONG ? sizeof(unsigned long) :
						     sizeof(unsigned int);
	struct kmsgq_settings parsed, new;
	bool fits;
	int err;

	err = kmsgq_parse(&parsed, kmsgq_entry_label(e), a, val);
	if (err)
		return err;

	spin_lock(&e->queue.lock);
	new = *e->settings;
	memcpy((void *)&new + a->offset, (void *)&parsed + a->offset, size);
	fits = new.config.max_bytes >= kmsgq_footprint(new.config.msg_max_size);
	if (fits)
		memcpy((void *)e->settings + a->offset,
		       (void *)&new + a->offset, size);
	spin_unlock(&e->queue.lock);

	if (!fits)
		return kmsgq_check_settings(&new, kmsgq_entry_label(e));
	kmsgq_configure(&e->queue, &e->settings->config);
	return 0;
}

/**
 * kmsgq_attr_show() - read a setting or a counter
 * @kobj: the queue's directory
 * @attr: the file
 * @buf: a page for the text
 *
 * Return: the length of the text.
 */
static ssize_t kmsgq_attr_show(struct kobject *kobj, struct attribute *attr,
			       char *buf)
{
	struct kmsgq_entry *e = container_of(kobj, struct kmsgq_entry, kobj);
	struct kmsgq_attr *a = container_of(attr, struct kmsgq_attr, attr);
	struct kmsgq_counters counters;

	if (a->kind != KMSGQ_COUNTER)
		return kmsgq_format(e->settings, a, buf);
	kmsgq_get_counters(&e->queue, &counters);
	return kmsgq_format(&counters, a, buf);
}

/**
 * kmsgq_attr_store() - change a setting
 * @kobj: the queue's directory
 * @attr: the file, one that may be written
 * @buf: the value as text
 * @count: its length in bytes
 *
 * Return: @count or -EINVAL.
 */
static ssize_t kmsgq_attr_store(struct kobject *kobj, struct attribute *attr,
				const char *buf, size_t count)
{
	struct kmsgq_entry *e = container_of(kobj, struct kmsgq_entry, kobj);

	return kmsgq_entry_set(e, container_of(attr, struct kmsgq_attr, attr),
			       buf) ?: count;
}

static const struct sysfs_ops kmsgq_sysfs_ops = {
	.show = kmsgq_attr_show,
	.store = kmsgq_attr_store,
};

/**
 * kmsgq_kobj_release() - the last user of a queue's directory is gone
 * @kobj: the directory
 */
static void kmsgq_kobj_release(struct kobject *kobj)
{
	complete(&container_of(kobj, struct kmsgq_entry, kobj)->kobj_gone);
}

struct kobj_type kmsgq_ktype = {
	.release = kmsgq_kobj_release,
	.sysfs_ops = &kmsgq_sysfs_ops,
	.default_groups = kmsgq_groups,
};

/**
 * kmsgq_sysfs_init() - make the list of a queue's settings and counters
 */
void __init kmsgq_sysfs_init(void)
{
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(kmsgq_setting_attrs); i++)
		kmsgq_attrs[n++] = &kmsgq_setting_attrs[i].attr;
	for (i = 0; i < ARRAY_SIZE(kmsgq_counter_attrs); i++)
		kmsgq_attrs[n++] = &kmsgq_counter_attrs[i].attr;
}
