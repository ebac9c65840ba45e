// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue with its settings, and who may open it.
 */
#include "entry.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>

/**
 * kmsgq_entry_alloc() - allocate a queue that no task can reach yet
 * @name: its name
 * @settings: its settings; copied
 *
 * Return: the entry, its queue not configured yet; NULL if no memory is
 * available.
 */
struct kmsgq_entry *kmsgq_entry_alloc(const char *name,
				      const struct kmsgq_settings *settings)
{
	struct kmsgq_entry *e = kzalloc(sizeof(*e), GFP_KERNEL);

	if (!e)
		return NULL;
	strscpy(e->name, name, sizeof(e->name));
	e->label = strcmp(name, KMSGQ_DEFAULT) ? e->name : NULL;
	spin_lock_init(&e->lock);
	e->settings = *settings;
	kmsgq_queue_init(&e->queue);
	e->queue.name = e->name;
	return e;
}

/**
 * kmsgq_entry_free() - free a queue
 * @e: the entry, which no task can reach any more; kmsgq_queue_exit() was called
 */
void kmsgq_entry_free(struct kmsgq_entry *e)
{
	kfree(e);
}

/**
 * kmsgq_entry_set() - change a setting of a queue that is in use
 * @e: the entry
 * @a: the setting, one that can be changed at run time
 * @val: the new value as text
 *
 * Context: Takes @e's lock until the queue has the new value, so that two
 * changes cannot leave the queue with the older one.
 * Return: 0; -EINVAL, reported in the kernel log.
 */
int kmsgq_entry_set(struct kmsgq_entry *e, const struct kmsgq_attr *a,
		    const char *val)
{
	struct kmsgq_settings new;
	int err;

	/* Reports an invalid value before the lock is taken. */
	err = kmsgq_parse(&new, e->label, a, val);
	if (err)
		return err;

	spin_lock(&e->lock);
	new = e->settings;
	kmsgq_parse(&new, e->label, a, val);
	err = kmsgq_configure(&e->queue, &new.config);
	if (!err)
		kmsgq_parse(&e->settings, e->label, a, val);
	spin_unlock(&e->lock);

	return err ? kmsgq_check_settings(&new, e->label) : 0;
}

/**
 * kmsgq_entry_get_settings() - copy the settings, all of the same moment
 * @e: the entry
 * @settings: where they are stored
 */
void kmsgq_entry_get_settings(struct kmsgq_entry *e,
			      struct kmsgq_settings *settings)
{
	spin_lock(&e->lock);
	*settings = e->settings;
	spin_unlock(&e->lock);
}

/**
 * kmsgq_entry_enable() - allow a queue's file to be opened
 * @e: the entry
 */
void kmsgq_entry_enable(struct kmsgq_entry *e)
{
	spin_lock(&e->lock);
	e->enabled = true;
	spin_unlock(&e->lock);
}

/**
 * kmsgq_entry_disable() - have all later opens of a queue's file fail
 * @e: the entry, left alone unless its queue is empty and not open
 *
 * Return: 0, -EBUSY if it is open, or -ENOTEMPTY.
 */
int kmsgq_entry_disable(struct kmsgq_entry *e)
{
	int err = 0;

	spin_lock(&e->lock);
	if (e->opens)
		err = -EBUSY;
	else if (!kmsgq_is_empty(&e->queue))
		err = -ENOTEMPTY;
	else
		e->enabled = false;
	spin_unlock(&e->lock);
	return err;
}

/**
 * kmsgq_entry_check_access() - check whether the current task may open a queue
 * @e: the entry
 * @mode: FMODE_READ, FMODE_WRITE or both
 *
 * The settings decide, in addition to the inode: procfs lets its owner change
 * that, and root of a container that shares the host's user namespace. The rules
 * are those of acl_permission_check() and generic_permission() in fs/namei.c: the
 * first class that matches, then the capabilities.
 *
 * Return: 0 or -EACCES.
 */
int kmsgq_entry_check_access(const struct kmsgq_entry *e, fmode_t mode)
{
	const struct kmsgq_settings *s = &e->settings;
	unsigned int granted = s->mode, wanted = 0;

	if (!READ_ONCE(s->containers) &&
	    task_active_pid_ns(current) != &init_pid_ns)
		return -EACCES;

	if (mode & FMODE_READ)
		wanted |= MAY_READ;
	if (mode & FMODE_WRITE)
		wanted |= MAY_WRITE;
	if (!wanted)	/* access mode 3, for ioctl(2) alone, needs both */
		wanted = MAY_READ | MAY_WRITE;
	if (uid_eq(current_fsuid(), make_kuid(&init_user_ns, s->uid)))
		granted >>= 6;
	else if (in_group_p(make_kgid(&init_user_ns, s->gid)))
		granted >>= 3;
	if (!(wanted & ~granted) ||
	    (wanted == MAY_READ && capable(CAP_DAC_READ_SEARCH)) ||
	    capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

/**
 * kmsgq_entry_get() - count an open file
 * @e: the entry; the caller is in a call of its file in /proc
 *
 * Return: 0; -ENOENT if the queue is not enabled.
 */
int kmsgq_entry_get(struct kmsgq_entry *e)
{
	bool enabled;

	spin_lock(&e->lock);
	enabled = e->enabled;
	e->opens += enabled;
	spin_unlock(&e->lock);
	return enabled ? 0 : -ENOENT;
}

/**
 * kmsgq_entry_put() - an open file was closed
 * @e: the entry, which may be removed at once
 */
void kmsgq_entry_put(struct kmsgq_entry *e)
{
	spin_lock(&e->lock);
	e->opens--;
	spin_unlock(&e->lock);
}
