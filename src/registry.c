// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registry of queues: creation, look-up, removal.
 */
#include "registry.h"

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "procfs.h"
#include "sysfs.h"

/**
 * DOC: the queues
 *
 * kernel_param_lock() protects the list: the kernel's parameter code holds it
 * around each set, and so around each creation and removal at run time. Init and
 * exit take it to change @kmsgq_state, which decides what a set does.
 *
 * A removal waits: in proc_remove() for opens that are in progress, in
 * kobject_del() for reads and writes of files in sysfs. Neither of these takes
 * kernel_param_lock(). A removed queue has no open files, so no task can reach
 * it.
 */

/* How many messages left at unload are logged one by one. */
#define KMSGQ_DRAIN_LOG_MAX 1000

static LIST_HEAD(kmsgq_entries);
static struct kmsgq_entry *kmsgq_default;
static struct proc_dir_entry *kmsgq_dir;
static struct kobject *kmsgq_queues;

static enum {
	KMSGQ_LOADING,		/* a set is stored for init */
	KMSGQ_RUNNING,		/* it takes effect at once */
	KMSGQ_UNLOADING,	/* it is refused */
} kmsgq_state;

/* The values of the module parameters, until the default queue has them. */
static struct kmsgq_settings kmsgq_params = {
	.config = {
		.msg_max_size = SZ_8K,
		.max_bytes = SZ_32M,
	},
	.read_eof = true,
	.mode = 0666,
};

/* The parameter procfs_name; does not change once init runs. */
char kmsgq_procfs_name[KMSGQ_PROCFS_NAME_SIZE] = KMSGQ_DEFAULT;

/* A value of the parameter queue, for init. */
struct kmsgq_pending {
	struct list_head list;
	char spec[];
};

static LIST_HEAD(kmsgq_pending);

static struct kmsgq_entry *kmsgq_find(const char *name)
{
	struct kmsgq_entry *e;

	list_for_each_entry(e, &kmsgq_entries, list)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

/* Add a queue, with the settings of the default queue, to the list. */
static struct kmsgq_entry *kmsgq_new(const char *name)
{
	struct kmsgq_settings settings = kmsgq_params;
	struct kmsgq_entry *e;

	if (kmsgq_default)
		kmsgq_entry_get_settings(kmsgq_default, &settings);
	e = kmsgq_entry_alloc(name, &settings);
	if (e) {
		kmsgq_sysfs_own(e);
		list_add_tail(&e->list, &kmsgq_entries);
	}
	return e;
}

/* Free a queue that has no file. */
static void kmsgq_free(struct kmsgq_entry *e)
{
	if (e->dead)
		e->dead->dead_users--;
	list_del(&e->list);
	kmsgq_queue_exit(&e->queue);
	kmsgq_sysfs_put(e);
}

/* Add a queue with the settings that @spec, which is changed, describes. */
static struct kmsgq_entry *kmsgq_parse_spec(char *spec)
{
	char *name = strsep(&spec, ","), *val, *key;
	struct kmsgq_entry *e;
	int err;

	if (!kmsgq_is_queue_name(name)) {
		err = kmsgq_reject(NULL, "queue", name,
				   "a name of 1..63 of A-Z a-z 0-9 . _ - that begins with a letter or digit and is not '"
				   KMSGQ_DIR "', and then ,KEY=VALUE for each key");
		return ERR_PTR(err);
	}
	if (kmsgq_find(name))
		return ERR_PTR(-EEXIST);
	e = kmsgq_new(name);
	if (!e)
		return ERR_PTR(-ENOMEM);

	while ((val = strsep(&spec, ","))) {
		key = strsep(&val, "=");
		err = kmsgq_parse_key(&e->settings, name, key, val);
		if (err)
			goto free;
	}
	err = kmsgq_check_settings(&e->settings, name);
	if (err)
		goto free;
	return e;

free:
	kmsgq_free(e);
	return ERR_PTR(err);
}

/* Find the dead queue of a queue that is not enabled; all are in the list. */
static int kmsgq_bind_dead(struct kmsgq_entry *e)
{
	struct kmsgq_entry *dead;

	if (!*e->settings.dead)
		return 0;
	dead = kmsgq_find(e->settings.dead);
	if (!dead || dead == e || *dead->settings.dead)
		return kmsgq_reject(e->label, "dead", e->settings.dead,
				    "another queue, which has no dead queue itself");
	e->dead = dead;
	dead->dead_users++;
	return 0;
}

/* Create the directory and the file of a queue. */
static int kmsgq_publish(struct kmsgq_entry *e)
{
	bool additional = e->label;
	int err;

	err = kmsgq_configure(&e->queue, &e->settings.config) ?:
	      kmsgq_sysfs_add(e, kmsgq_queues) ?:
	      kmsgq_procfs_add(e, additional ? e->name : kmsgq_procfs_name,
			       additional ? kmsgq_dir : NULL);
	if (err)
		pr_err("cannot create the file of the queue %s: error %d\n",
		       e->name, err);
	return err;
}

static void kmsgq_unpublish(struct kmsgq_entry *e)
{
	kmsgq_procfs_remove(e);
	kmsgq_sysfs_remove(e);
}

static int kmsgq_create(char *spec)
{
	struct kmsgq_entry *e = kmsgq_parse_spec(spec);
	int err;

	if (IS_ERR(e))
		return PTR_ERR(e);
	err = kmsgq_bind_dead(e) ?: kmsgq_publish(e);
	if (err) {
		kmsgq_unpublish(e);
		kmsgq_free(e);
		return err;
	}
	kmsgq_entry_enable(e);
	return 0;
}

static int kmsgq_remove(const char *name)
{
	struct kmsgq_entry *e = kmsgq_find(name);
	int err;

	if (!e)
		return -ENOENT;
	if (e == kmsgq_default)
		return kmsgq_reject(NULL, "queue", name,
				    "the name of another queue: this one stays until the module is unloaded");
	if (e->dead_users)
		return -EBUSY;
	err = kmsgq_entry_disable(e);
	if (err)
		return err;
	kmsgq_unpublish(e);
	kmsgq_free(e);
	return 0;
}

/*
 * The parameters' files are in sysfs before init runs, and init could not report
 * a value from there to its writer. parse_args() runs before they are.
 */
static int kmsgq_may_set(void)
{
	if (kmsgq_state == KMSGQ_UNLOADING)
		return -ENODEV;
	if (kmsgq_state == KMSGQ_LOADING &&
	    THIS_MODULE->mkobj.kobj.state_in_sysfs)
		return -EBUSY;
	return 0;
}

/**
 * kmsgq_registry_set_param() - set a module parameter that is a setting
 * @a: the setting
 * @val: the value as text
 *
 * While the module is being loaded, values come one by one, in any order, and
 * init checks them together.
 *
 * Context: Under kernel_param_lock().
 * Return: 0; -EINVAL, reported in the kernel log; -EBUSY before init has run;
 * -ENODEV while the module is being unloaded.
 */
int kmsgq_registry_set_param(const struct kmsgq_attr *a, const char *val)
{
	int err = kmsgq_may_set();

	if (err)
		return err;
	if (kmsgq_state == KMSGQ_LOADING)
		return kmsgq_parse(&kmsgq_params, NULL, a, val);
	return kmsgq_entry_set(kmsgq_default, a, val);
}

/**
 * kmsgq_registry_show_param() - show a module parameter that is a setting
 * @a: the setting
 * @buf: a page for the text
 *
 * Context: Under kernel_param_lock().
 * Return: the length of the text.
 */
int kmsgq_registry_show_param(const struct kmsgq_attr *a, char *buf)
{
	return kmsgq_format(kmsgq_default ? &kmsgq_default->settings :
					    &kmsgq_params, a, buf);
}

/**
 * kmsgq_registry_command() - create or remove an additional queue
 * @spec: NAME[,KEY=VALUE]... or -NAME, may end in a newline
 *
 * While the module is being loaded, specifications are stored, and init creates
 * the queues.
 *
 * Context: Under kernel_param_lock().
 * Return: 0; as kmsgq_registry_set_param(); -ENOMEM; -EEXIST; -ENOENT; -EBUSY
 * for a queue that is open, or another one's dead queue; -ENOTEMPTY.
 */
int kmsgq_registry_command(const char *spec)
{
	size_t size = strlen(spec) + 1;
	struct kmsgq_pending *pending;
	char *text;
	int err;

	err = kmsgq_may_set();
	if (err)
		return err;
	if (kmsgq_state == KMSGQ_LOADING && *spec == '-')
		return kmsgq_reject(NULL, "queue", spec,
				    "a queue to be created, while the module is being loaded");
	pending = kmalloc(sizeof(*pending) + size, GFP_KERNEL);
	if (!pending)
		return -ENOMEM;
	memcpy(pending->spec, spec, size);
	if (kmsgq_state == KMSGQ_LOADING) {
		list_add_tail(&pending->list, &kmsgq_pending);
		return 0;
	}
	text = strim(pending->spec);
	err = *text == '-' ? kmsgq_remove(text + 1) : kmsgq_create(text);
	kfree(pending);
	return err;
}

/**
 * kmsgq_registry_forget() - free the specifications that were stored for init
 *
 * Context: No lock: the module's parameters cannot be reached any more.
 */
void kmsgq_registry_forget(void)
{
	struct kmsgq_pending *pending, *next;

	list_for_each_entry_safe(pending, next, &kmsgq_pending, list) {
		list_del(&pending->list);
		kfree(pending);
	}
}

/* Log and free the messages that are left; users' scripts look for the lines. */
static void kmsgq_drain(void)
{
	struct kmsgq_lease none = {};
	u64 nr = 0, rest_bytes = 0;
	struct kmsgq_entry *e;
	struct kmsgq_msg *msg;

	pr_info("entering cleanup()\n");
	list_for_each_entry(e, &kmsgq_entries, list) {
		while (!IS_ERR(msg = kmsgq_dequeue(&e->queue, &none, SIZE_MAX,
						   0))) {
			if (++nr <= KMSGQ_DRAIN_LOG_MAX)
				pr_info("removed message of size %u%s%s\n",
					msg->len, e->label ? " from " : "",
					e->label ?: "");
			else
				rest_bytes += msg->len;
			kmsgq_finish(&e->queue, msg);
			cond_resched();
		}
	}
	if (nr > KMSGQ_DRAIN_LOG_MAX)
		pr_info("removed %llu more messages of %llu bytes in total\n",
			nr - KMSGQ_DRAIN_LOG_MAX, rest_bytes);
	pr_info("cleanup() finished\n");
}

static void kmsgq_unpublish_all(void)
{
	struct kmsgq_entry *e;

	list_for_each_entry_reverse(e, &kmsgq_entries, list)
		kmsgq_unpublish(e);
}

static void kmsgq_free_all(void)
{
	struct kmsgq_entry *e, *next;

	list_for_each_entry_safe(e, next, &kmsgq_entries, list) {
		/* Its dead queue may be gone already. */
		e->dead = NULL;
		kmsgq_free(e);
	}
	proc_remove(kmsgq_dir);
	kobject_put(kmsgq_queues);
	kmsgq_sysfs_exit();
}

/* Add the queues that the parameters describe to the list. */
static int __init kmsgq_parse_params(void)
{
	struct kmsgq_pending *pending;
	struct kmsgq_entry *e;
	int err;

	err = kmsgq_check_settings(&kmsgq_params, NULL);
	if (err)
		return err;
	kmsgq_default = kmsgq_new(KMSGQ_DEFAULT);
	if (!kmsgq_default)
		return -ENOMEM;
	list_for_each_entry(pending, &kmsgq_pending, list) {
		e = kmsgq_parse_spec(strim(pending->spec));
		/* modprobe takes EEXIST for "loaded already". */
		if (e == ERR_PTR(-EEXIST))
			return kmsgq_reject(NULL, "queue", pending->spec,
					    "a name that no other queue has");
		if (IS_ERR(e))
			return PTR_ERR(e);
	}
	list_for_each_entry(e, &kmsgq_entries, list) {
		err = kmsgq_bind_dead(e);
		if (err)
			return err;
	}
	return 0;
}

static int __init kmsgq_create_all(void)
{
	struct kmsgq_entry *e;
	int err;

	err = kmsgq_parse_params() ?:
	      kmsgq_procfs_check_name(KMSGQ_DIR) ?:
	      kmsgq_procfs_check_name(kmsgq_procfs_name);
	if (err)
		return err;
	kmsgq_dir = proc_mkdir(KMSGQ_DIR, NULL);
	kmsgq_queues = kobject_create_and_add("queues",
					      &THIS_MODULE->mkobj.kobj);
	if (!kmsgq_dir || !kmsgq_queues)
		return -ENOMEM;
	list_for_each_entry(e, &kmsgq_entries, list) {
		err = kmsgq_publish(e);
		if (err)
			return err;
	}
	list_for_each_entry(e, &kmsgq_entries, list) {
		kmsgq_entry_enable(e);
		pr_info("loaded: /proc/%s%s, mode %04o, max message %u bytes, max queue %lu bytes\n",
			e->label ? KMSGQ_DIR "/" : "",
			e->label ?: kmsgq_procfs_name, e->settings.mode,
			e->settings.config.msg_max_size,
			e->settings.config.max_bytes);
	}
	return 0;
}

/**
 * kmsgq_registry_init() - create all queues, or none
 *
 * Context: A set may come at any moment: the parameters' files are in sysfs
 * already.
 * Return: 0 or an error of the steps.
 */
int __init kmsgq_registry_init(void)
{
	int err;

	kernel_param_lock(THIS_MODULE);
	err = kmsgq_create_all();
	kmsgq_state = err ? KMSGQ_UNLOADING : KMSGQ_RUNNING;
	if (err)
		kmsgq_default = NULL;
	kernel_param_unlock(THIS_MODULE);
	if (err) {
		kmsgq_unpublish_all();
		kmsgq_free_all();
	}
	return err;
}

/**
 * kmsgq_registry_exit() - remove all queues, and log what was left in them
 *
 * No file is open: each holds a reference to the module. All files go before the
 * messages, so that none is written in between.
 */
void kmsgq_registry_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	kmsgq_state = KMSGQ_UNLOADING;
	kmsgq_entry_get_settings(kmsgq_default, &kmsgq_params);
	kmsgq_default = NULL;
	kernel_param_unlock(THIS_MODULE);

	kmsgq_unpublish_all();
	kmsgq_drain();
	kmsgq_free_all();
}
