// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters in /sys/module/kmsg_queue/stats.
 */
#include "stats.h"

#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>

#include "procfs.h"

/**
 * struct kmsgq_stat - a counter's file
 * @attr: the file
 * @offset: where the counter is in struct msgq_stats
 */
struct kmsgq_stat {
	struct kobj_attribute attr;
	size_t offset;
};

static struct kobject *kmsgq_stats_kobj;
static struct kmsgq_file *kmsgq_stats_file;

/**
 * kmsgq_stat_show() - read a counter
 * @kobj: the folder
 * @attr: the file
 * @buf: a page for the text
 *
 * Return: the length of the text.
 */
static ssize_t kmsgq_stat_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	struct kmsgq_stat *stat = container_of(attr, struct kmsgq_stat, attr);
	struct msgq_stats stats;

	msgq_get_stats(&kmsgq_stats_file->queue, &stats);
	return sysfs_emit(buf, "%llu\n", *(u64 *)((void *)&stats + stat->offset));
}

static struct kmsgq_stat kmsgq_stats[] = {
	{ __ATTR(queued, 0444, kmsgq_stat_show, NULL),
	  offsetof(struct msgq_stats, queued) },
	{ __ATTR(queued_bytes, 0444, kmsgq_stat_show, NULL),
	  offsetof(struct msgq_stats, queued_bytes) },
	{ __ATTR(enqueued, 0444, kmsgq_stat_show, NULL),
	  offsetof(struct msgq_stats, enqueued) },
	{ __ATTR(dequeued, 0444, kmsgq_stat_show, NULL),
	  offsetof(struct msgq_stats, dequeued) },
	{ __ATTR(dropped, 0444, kmsgq_stat_show, NULL),
	  offsetof(struct msgq_stats, dropped) },
};

/**
 * kmsgq_stats_create() - make the counters' files
 * @kf: the queue, initialized
 *
 * Return: 0 or -ENOMEM.
 */
int kmsgq_stats_create(struct kmsgq_file *kf)
{
	size_t i;
	int err;

	kmsgq_stats_file = kf;
	kmsgq_stats_kobj = kobject_create_and_add("stats",
						  &THIS_MODULE->mkobj.kobj);
	if (!kmsgq_stats_kobj)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(kmsgq_stats); i++) {
		err = sysfs_create_file(kmsgq_stats_kobj,
					&kmsgq_stats[i].attr.attr);
		if (err) {
			kmsgq_stats_remove();
			return err;
		}
	}
	return 0;
}

/**
 * kmsgq_stats_remove() - remove the counters' files
 *
 * Waits for those who are reading one.
 */
void kmsgq_stats_remove(void)
{
	/* Removes the files with the folder. */
	kobject_put(kmsgq_stats_kobj);
}
