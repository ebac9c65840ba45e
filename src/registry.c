// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues that there are: made, found and removed.
 */
#include "registry.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "file.h"

/**
 * DOC: the queues
 *
 * kernel_param_lock() protects the list: the kernel's parameter code holds it
 * around each set, and so around each live making and removing. Init and exit
 * take it to change @kmsgq_state, which says what a set may do.
 *
 * To remove a queue is to wait: proc_remove() for the opens that are under way,
 * kobject_del() for the readers and writers of its files in sysfs. Neither of
 * these takes kernel_param_lock(), and both take no more than the queue's own
 * lock. A removed queue has no open files, so nothing else can reach it.
 */

/* How many messages left at unload are logged one by one. */
#define KMSGQ_DRAIN_LOG_MAX 1000

static LIST_HEAD(kmsgq_entries);
static struct kmsgq_entry *kmsgq_first_entry;
static struct proc_dir_entry *kmsgq_dir;
static struct kobject *kmsgq_queues;

static enum {
	KMSGQ_LOADING,		/* a set is kept for init */
	KMSGQ_RUNNING,		/* it has effect at once */
	KMSGQ_UNLOADING,	/* it is refused */
} kmsgq_state;

/**
 * struct kmsgq_words - a value of the parameter queue that init has to look at
 * @list: in the order in which they came
 * @text: the value
 */
struct kmsgq_words {
	struct list_head list;
	char text[];
};

static LIST_HEAD(kmsgq_pending);

/**
 * kmsgq_entry_label() - what the kernel log calls a queue's entry
 * @e: the queue
 *
 * Return: the name; NULL for the first queue, whose settings are parameters.
 */
const char *kmsgq_entry_label(const struct kmsgq_entry *e)
{
	return e->settings == &kmsgq_params ? NULL : e->name;
}

/**
 * kmsgq_entry_find() - look a queue up
 * @name: what it is called in sysfs
 *
 * Under kernel_param_lock().
 *
 * Return: the queue, or NULL.
 */
static struct kmsgq_entry *kmsgq_entry_find(const char *name)
{
	struct kmsgq_entry *e;

	list_for_each_entry(e, &kmsgq_entries, list)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

/**
 * kmsgq_entry_free() - free a queue that has no file
 * @e: the queue, empty
 */
static void kmsgq_entry_free(struct kmsgq_entry *e)
{
	if (e->dead)
		e->dead->dead_users--;
	list_del(&e->list);
	kobject_put(&e->kobj);
	wait_for_completion(&e->kobj_gone);
	kmsgq_queue_exit(&e->queue);
	kfree(e);
}

/**
 * kmsgq_entry_new() - make a queue that nobody sees yet
 * @name: what it is called
 * @settings: its settings; NULL for @own of its own, as kmsgq_params
 *
 * Under kernel_param_lock().
 *
 * Return: the queue, at the end of the list; or NULL.
 */
static struct kmsgq_entry *kmsgq_entry_new(const char *name,
					   struct kmsgq_settings *settings)
{
	struct kmsgq_entry *e = kzalloc(sizeof(*e), GFP_KERNEL);

	if (!e)
		return NULL;
	e->own = kmsgq_params;
	e->settings = settings ?: &e->own;
	strscpy(e->name, name, sizeof(e->name));
	kmsgq_queue_init(&e->queue, &e->settings->config);
	e->queue.name = e->name;
	init_completion(&e->kobj_gone);
	kobject_init(&e->kobj, &kmsgq_ktype);
	list_add_tail(&e->list, &kmsgq_entries);
	return e;
}

/**
 * kmsgq_entry_parse() - make a queue as an entry describes it
 * @text: NAME[,KEY=VALUE]..., will be changed
 *
 * Under kernel_param_lock().
 *
 * Return: the queue, as of kmsgq_entry_new(); ERR_PTR(-EINVAL), and the kernel
 * log says why; ERR_PTR(-EEXIST); ERR_PTR(-ENOMEM).
 */
static struct kmsgq_entry *kmsgq_entry_parse(char *text)
{
	char *name = strsep(&text, ","), *val, *key;
	struct kmsgq_entry *e;
	int err;

	if (!kmsgq_is_queue_name(name)) {
		err = kmsgq_reject(NULL, "queue", name,
				   "a name of 1..63 of A-Z a-z 0-9 . _ - that begins with a letter or digit, and then ,KEY=VALUE for each key");
		return ERR_PTR(err);
	}
	if (kmsgq_entry_find(name))
		return ERR_PTR(-EEXIST);
	e = kmsgq_entry_new(name, NULL);
	if (!e)
		return ERR_PTR(-ENOMEM);

	while ((val = strsep(&text, ","))) {
		key = strsep(&val, "=");
		err = kmsgq_parse_key(&e->own, name, key, val);
		if (err)
			goto free;
	}
	err = kmsgq_check_settings(&e->own, name);
	if (err)
		goto free;
	kmsgq_configure(&e->queue, &e->own.config);
	return e;

free:
	kmsgq_entry_free(e);
	return ERR_PTR(err);
}

/**
 * kmsgq_entry_bind() - find the dead queue of a queue
 * @e: the queue, not in use yet
 *
 * Under kernel_param_lock(), with all queues in the list.
 *
 * Return: 0; -EINVAL, and the kernel log says why.
 */
static int kmsgq_entry_bind(struct kmsgq_entry *e)
{
	struct kmsgq_entry *dead;

	if (!*e->settings->dead)
		return 0;
	dead = kmsgq_entry_find(e->settings->dead);
	if (!dead || dead == e || *dead->settings->dead)
		return kmsgq_reject(e->name, "dead", e->settings->dead,
				    kmsgq_setting_attrs[KMSGQ_DEAD].allowed);
	e->dead = dead;
	dead->dead_users++;
	return 0;
}

/**
 * kmsgq_entry_publish() - make a queue's directory and file
 * @e: the queue; its file cannot be opened yet
 *
 * Return: 0 or an error of the making; the kernel log says which.
 */
static int kmsgq_entry_publish(struct kmsgq_entry *e)
{
	bool first = e == kmsgq_first_entry;
	int err;

	err = kobject_add(&e->kobj, kmsgq_queues, "%s", e->name) ?:
	      kmsgq_file_make(e, first ? kmsgq_procfs_name : e->name,
			      first ? NULL : kmsgq_dir);
	if (err)
		pr_err("cannot create the file of the queue %s: error %d\n",
		       e->name, err);
	return err;
}

/**
 * kmsgq_entry_set_live() - let a queue's file be opened, or not any more
 * @e: the queue
 * @live: whether it may be
 */
static void kmsgq_entry_set_live(struct kmsgq_entry *e, bool live)
{
	spin_lock(&e->queue.lock);
	e->live = live;
	spin_unlock(&e->queue.lock);
}

/**
 * kmsgq_entry_unpublish() - remove a queue's file and directory
 * @e: the queue, not live
 *
 * Waits for those who are in a call of either; none begins after it.
 */
static void kmsgq_entry_unpublish(struct kmsgq_entry *e)
{
	proc_remove(e->file);
	e->file = NULL;
	if (e->kobj.state_in_sysfs)
		kobject_del(&e->kobj);
}

/**
 * kmsgq_entry_get() - open a queue
 * @e: the queue; in a call of its file in /proc
 *
 * Return: 0; -ENOENT if the queue is not there yet, or no longer.
 */
int kmsgq_entry_get(struct kmsgq_entry *e)
{
	bool live;

	spin_lock(&e->queue.lock);
	live = e->live;
	e->opens += live;
	spin_unlock(&e->queue.lock);
	return live ? 0 : -ENOENT;
}

/**
 * kmsgq_entry_put() - close a queue
 * @e: the queue, not to be used any more: it may be removed at once
 */
void kmsgq_entry_put(struct kmsgq_entry *e)
{
	spin_lock(&e->queue.lock);
	e->opens--;
	spin_unlock(&e->queue.lock);
}

/**
 * kmsgq_entry_remove() - remove a further queue while the module is in use
 * @name: its name
 *
 * Under kernel_param_lock().
 *
 * Return: 0; -EINVAL for the first queue; -ENOENT; -EBUSY while it is open or
 * another queue's dead queue; -ENOTEMPTY.
 */
static int kmsgq_entry_remove(const char *name)
{
	struct kmsgq_entry *e = kmsgq_entry_find(name);
	int err = 0;

	if (!e)
		return -ENOENT;
	if (e == kmsgq_first_entry)
		return kmsgq_reject(NULL, "queue", name,
				    "the name of another queue: this one stays until the module is unloaded");
	if (e->dead_users)
		return -EBUSY;

	spin_lock(&e->queue.lock);
	if (e->opens)
		err = -EBUSY;
	else if (!kmsgq_is_empty(&e->queue))
		err = -ENOTEMPTY;
	else
		e->live = false;
	spin_unlock(&e->queue.lock);
	if (err)
		return err;

	kmsgq_entry_unpublish(e);
	kmsgq_entry_free(e);
	return 0;
}

/**
 * kmsgq_entry_make() - make a further queue while the module is in use
 * @text: as for kmsgq_entry_parse()
 *
 * Under kernel_param_lock().
 *
 * Return: 0, or an error of the steps.
 */
static int kmsgq_entry_make(char *text)
{
	struct kmsgq_entry *e = kmsgq_entry_parse(text);
	int err;

	if (IS_ERR(e))
		return PTR_ERR(e);
	err = kmsgq_entry_bind(e) ?: kmsgq_entry_publish(e);
	if (err) {
		kmsgq_entry_unpublish(e);
		kmsgq_entry_free(e);
		return err;
	}
	kmsgq_entry_set_live(e, true);
	return 0;
}

/**
 * kmsgq_registry_set_param() - set a setting of the first queue
 * @a: the setting
 * @val: the value as text
 *
 * While the module is being loaded values come one by one, in any order, and are
 * checked together by init. Under kernel_param_lock().
 *
 * Return: 0; -EINVAL; -ENODEV while the module is being unloaded.
 */
int kmsgq_registry_set_param(const struct kmsgq_attr *a, const char *val)
{
	switch (kmsgq_state) {
	case KMSGQ_LOADING:
		return kmsgq_parse(&kmsgq_params, NULL, a, val);
	case KMSGQ_RUNNING:
		return kmsgq_entry_set(kmsgq_first_entry, a, val);
	default:
		return -ENODEV;
	}
}

/**
 * kmsgq_registry_command() - make or remove a further queue
 * @words: NAME[,KEY=VALUE]... or -NAME, may end in a newline
 *
 * While the module is being loaded they are kept, and init makes the queues.
 * Under kernel_param_lock().
 *
 * Return: 0; -ENODEV while the module is being unloaded; else as
 * kmsgq_entry_make() or kmsgq_entry_remove().
 */
int kmsgq_registry_command(const char *words)
{
	struct kmsgq_words *kept;
	size_t size = strlen(words) + 1;
	char *text;
	int err = 0;

	if (kmsgq_state == KMSGQ_UNLOADING)
		return -ENODEV;
	if (kmsgq_state == KMSGQ_LOADING && *words == '-')
		return kmsgq_reject(NULL, "queue", words,
				    "a queue to be made, while the module is being loaded");
	kept = kmalloc(sizeof(*kept) + size, GFP_KERNEL);
	if (!kept)
		return -ENOMEM;
	memcpy(kept->text, words, size);
	if (kmsgq_state == KMSGQ_LOADING) {
		list_add_tail(&kept->list, &kmsgq_pending);
		return 0;
	}
	text = strim(kept->text);
	err = *text == '-' ? kmsgq_entry_remove(text + 1) :
			     kmsgq_entry_make(text);
	kfree(kept);
	return err;
}

/**
 * kmsgq_registry_forget() - free what was kept for an init that did not come
 *
 * Under no lock: the module cannot be reached any more.
 */
void kmsgq_registry_forget(void)
{
	struct kmsgq_words *kept, *next;

	list_for_each_entry_safe(kept, next, &kmsgq_pending, list) {
		list_del(&kept->list);
		kfree(kept);
	}
}

/**
 * kmsgq_registry_drain() - free the messages that are left, and log them
 *
 * The users' scripts look for these lines.
 */
static void kmsgq_registry_drain(void)
{
	u64 nr = 0, rest_bytes = 0;
	struct kmsgq_entry *e;
	struct kmsgq_msg *msg;

	pr_info("entering cleanup()\n");
	list_for_each_entry(e, &kmsgq_entries, list) {
		const char *label = kmsgq_entry_label(e);

		while (!IS_ERR(msg = kmsgq_dequeue(&e->queue, SIZE_MAX, false,
						   false))) {
			if (++nr <= KMSGQ_DRAIN_LOG_MAX)
				pr_info("removed message of size %u%s%s\n",
					msg->len, label ? " from " : "",
					label ?: "");
			else
				rest_bytes += msg->len;
			kmsgq_msg_free(msg, NULL);
			cond_resched();
		}
	}
	if (nr > KMSGQ_DRAIN_LOG_MAX)
		pr_info("removed %llu more messages of %llu bytes in all\n",
			nr - KMSGQ_DRAIN_LOG_MAX, rest_bytes);
	pr_info("cleanup() finished\n");
}

/**
 * kmsgq_registry_clear() - remove all queues
 * @drain: log what is left in them, as there was time to put something in
 *
 * Nobody else uses the list any more. All files go before the drain, so that
 * nothing is written behind its back.
 */
static void kmsgq_registry_clear(bool drain)
{
	struct kmsgq_entry *e, *next;

	list_for_each_entry_reverse(e, &kmsgq_entries, list) {
		kmsgq_entry_set_live(e, false);
		kmsgq_entry_unpublish(e);
	}
	if (drain)
		kmsgq_registry_drain();
	list_for_each_entry_safe(e, next, &kmsgq_entries, list) {
		/* Its dead queue may be gone already. */
		e->dead = NULL;
		kmsgq_entry_free(e);
	}
	proc_remove(kmsgq_dir);
	kobject_put(kmsgq_queues);
}

/**
 * kmsgq_registry_parse() - make the queues that the parameters describe
 *
 * Return: 0; -EINVAL, and the kernel log says why; -ENOMEM.
 */
static int __init kmsgq_registry_parse(void)
{
	struct kmsgq_words *kept;
	struct kmsgq_entry *e;
	int err;

	err = kmsgq_check_settings(&kmsgq_params, NULL);
	if (err)
		return err;
	kmsgq_first_entry = kmsgq_entry_new(KMSGQ_FIRST, &kmsgq_params);
	if (!kmsgq_first_entry)
		return -ENOMEM;
	list_for_each_entry(kept, &kmsgq_pending, list) {
		e = kmsgq_entry_parse(strim(kept->text));
		/* modprobe takes EEXIST for "loaded already". */
		if (e == ERR_PTR(-EEXIST))
			return kmsgq_reject(NULL, "queue", kept->text,
					    "a name that no other queue has");
		if (IS_ERR(e))
			return PTR_ERR(e);
	}
	list_for_each_entry(e, &kmsgq_entries, list) {
		err = kmsgq_entry_bind(e);
		if (err)
			return err;
	}
	return 0;
}

/**
 * kmsgq_registry_fill() - make the first queues, and their files
 *
 * Return: 0 or an error of the steps.
 */
static int __init kmsgq_registry_fill(void)
{
	struct kmsgq_entry *e;
	int err;

	err = kmsgq_registry_parse() ?:
	      kmsgq_file_may_be(KMSGQ_DIR) ?:
	      kmsgq_file_may_be(kmsgq_procfs_name);
	if (err)
		return err;
	kmsgq_dir = proc_mkdir(KMSGQ_DIR, NULL);
	kmsgq_queues = kobject_create_and_add("queues",
					      &THIS_MODULE->mkobj.kobj);
	if (!kmsgq_dir || !kmsgq_queues)
		return -ENOMEM;
	list_for_each_entry(e, &kmsgq_entries, list) {
		err = kmsgq_entry_publish(e);
		if (err)
			return err;
	}
	list_for_each_entry(e, &kmsgq_entries, list) {
		bool first = e == kmsgq_first_entry;

		kmsgq_entry_set_live(e, true);
		pr_info("loaded: /proc/%s%s, mode %04o, messages of up to %u bytes, queue of up to %lu bytes\n",
			first ? "" : KMSGQ_DIR "/",
			first ? kmsgq_procfs_name : e->name, e->settings->mode,
			e->settings->config.msg_max_size,
			e->settings->config.max_bytes);
	}
	return 0;
}

/**
 * kmsgq_registry_init() - make all queues, or none
 *
 * Context: The parameters' files are in sysfs before the module's init function
 * runs, so a set may come at any moment.
 *
 * Return: 0 or an error of the steps.
 */
int __init kmsgq_registry_init(void)
{
	int err;

	kmsgq_sysfs_init();

	kernel_param_lock(THIS_MODULE);
	err = kmsgq_registry_fill();
	kmsgq_state = err ? KMSGQ_UNLOADING : KMSGQ_RUNNING;
	kernel_param_unlock(THIS_MODULE);
	if (err)
		kmsgq_registry_clear(false);
	return err;
}

/**
 * kmsgq_registry_exit() - remove all queues, and log what was left in them
 *
 * No file is open: each held a reference to the module.
 */
void kmsgq_registry_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	kmsgq_state = KMSGQ_UNLOADING;
	kernel_param_unlock(THIS_MODULE);
	kmsgq_registry_clear(true);
}
