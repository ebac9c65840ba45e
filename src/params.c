// SPDX-License-Identifier: GPL-2.0-only
/*
 * The settings of a queue and the module's parameters: values and checks alone.
 */
#include "params.h"

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "registry.h"

#define KMSGQ_MODE_BITS 0666

/*
 * The first queue's settings, and what a further queue has where its entry says
 * nothing. Set under kernel_param_lock(), which the kernel's parameter code
 * holds around each set, and once the queue is there also under its lock.
 */
struct kmsgq_settings kmsgq_params = {
	.config = {
		.msg_max_size = 8192,
		.max_bytes = SZ_32M,
	},
	.read_eof = true,
	.mode = 0666,
};

char kmsgq_procfs_name[KMSGQ_PROCFS_NAME_SIZE] = KMSGQ_FIRST;

/* What an entry of the parameter queue may set. */
#define KMSGQ_KEYS "mode uid gid msg_max_size queue_max_bytes read_wait read_eof read_ack containers max_deliveries dead"

#define KMSGQ_SETTING(_file, _perm, _key, _param, _kind, _member, _min, _max,	\
		      _allowed)							\
	{									\
		.attr = { .name = _file, .mode = _perm },			\
		.key = _key, .param = _param, .allowed = _allowed,		\
		.kind = _kind,							\
		.offset = offsetof(struct kmsgq_settings, _member),		\
		.min = _min, .max = _max,					\
	}

/* A setting that is a parameter of the same name, and may be changed live. */
#define KMSGQ_LIVE(_name, _kind, _member, _min, _max, _allowed)			\
	KMSGQ_SETTING(#_name, 0644, #_name, #_name, _kind, _member, _min, _max,	\
		      _allowed)

struct kmsgq_attr kmsgq_setting_attrs[KMSGQ_NR_SETTINGS] = {
	[KMSGQ_MSG_MAX_SIZE] =
	KMSGQ_LIVE(msg_max_size, KMSGQ_UINT, config.msg_max_size, 1, SZ_1M,
		   "1..1048576 bytes"),
	[KMSGQ_QUEUE_MAX_BYTES] =
	KMSGQ_LIVE(queue_max_bytes, KMSGQ_ULONG, config.max_bytes, 0, 0,
		   "a number of bytes, enough for one message of msg_max_size"),
	[KMSGQ_READ_WAIT] =
	KMSGQ_LIVE(read_wait, KMSGQ_BOOL, config.read_wait, 0, 0, "Y or N"),
	[KMSGQ_READ_EOF] =
	KMSGQ_LIVE(read_eof, KMSGQ_BOOL, read_eof, 0, 0, "Y or N"),
	[KMSGQ_READ_ACK] =
	KMSGQ_LIVE(read_ack, KMSGQ_BOOL, read_ack, 0, 0, "Y or N"),
	[KMSGQ_CONTAINERS] =
	KMSGQ_LIVE(containers, KMSGQ_BOOL, containers, 0, 0, "Y or N"),
	[KMSGQ_MODE] =
	KMSGQ_SETTING("mode", 0444, "mode", "procfs_file_mode", KMSGQ_OCTAL,
		      mode, 1, KMSGQ_MODE_BITS,
		      "octal permissions of 0001..0666 without an execute bit"),
	/* The last id is no id: it says "leave it" in chown(2). */
	[KMSGQ_UID] =
	KMSGQ_SETTING("uid", 0444, "uid", "procfs_uid", KMSGQ_UINT, uid,
		      0, UINT_MAX - 1, "an id of 0..4294967294"),
	[KMSGQ_GID] =
	KMSGQ_SETTING("gid", 0444, "gid", "procfs_gid", KMSGQ_UINT, gid,
		      0, UINT_MAX - 1, "an id of 0..4294967294"),
	[KMSGQ_MAX_DELIVERIES] =
	KMSGQ_SETTING("max_deliveries", 0444, "max_deliveries", NULL, KMSGQ_UINT,
		      max_deliveries, 1, 1000, "1..1000, with dead="),
	/* "dead" is the counter. */
	[KMSGQ_DEAD] =
	KMSGQ_SETTING("dead_queue", 0444, "dead", NULL, KMSGQ_NAME, dead, 0, 0,
		      "another queue, which has no dead queue itself, with max_deliveries="),
};

/**
 * kmsgq_reject() - report what is wrong with a value
 * @entry: name of the queue whose entry has it; NULL for a module parameter
 * @what: the key or the parameter
 * @val: the value
 * @allowed: what it may be
 *
 * Return: -EINVAL.
 */
int kmsgq_reject(const char *entry, const char *what, const char *val,
		 const char *allowed)
{
	/*
	 * A write to sysfs ends in a newline. Root's typing error may be long:
	 * a record that printk() cuts has no newline, and does not show.
	 */
	int shown = min_t(size_t, strcspn(val, "\n"), 80);

	pr_err("parameter %s%s%s%.80s: '%*pE' is not allowed, it must be %s\n",
	       entry ? "queue: entry '" : "", entry ?: "",
	       entry ? "', key " : "", what, shown, val, allowed);
	return -EINVAL;
}

/**
 * kmsgq_is_queue_name() - may a further queue have this name
 * @name: the name
 *
 * Return: true for [A-Za-z0-9][A-Za-z0-9._-]{0,62}.
 */
bool kmsgq_is_queue_name(const char *name)
{
	const char *c;

	for (c = name; *c; c++)
		if (!isascii(*c) || !(isalnum(*c) || (c > name && strchr("._-", *c))))
			return false;
	return c > name && c - name < KMSGQ_NAME_SIZE;
}

/**
 * kmsgq_parse() - set one setting
 * @s: where it is set
 * @entry: name of the queue whose entry it is; NULL for the first queue
 * @a: which setting
 * @val: the value as text, may end in a newline
 *
 * Return: 0 or -EINVAL; the kernel log says why.
 */
int kmsgq_parse(struct kmsgq_settings *s, const char *entry,
		const struct kmsgq_attr *a, const char *val)
{
	void *field = (void *)s + a->offset;
	bool octal = a->kind == KMSGQ_OCTAL, valid;
	unsigned int n;

	switch (a->kind) {
	case KMSGQ_BOOL:
		valid = !kstrtobool(val, field);
		break;
	case KMSGQ_ULONG:
		valid = !kstrtoul(val, 0, (unsigned long *)field);
		break;
	case KMSGQ_NAME:
		valid = kmsgq_is_queue_name(val);
		if (valid)
			strscpy(field, val, KMSGQ_NAME_SIZE);
		break;
	default:
		valid = !kstrtouint(val, octal ? 8 : 0, &n) &&
			n >= a->min && n <= a->max &&
			!(octal && n & ~KMSGQ_MODE_BITS);
		if (valid)
			*(unsigned int *)field = n;
	}
	return valid ? 0 : kmsgq_reject(entry, entry ? a->key : a->param, val,
					a->allowed);
}

/**
 * kmsgq_parse_key() - set one setting of a further queue
 * @s: where it is set
 * @entry: name of the queue
 * @key: the setting, as an entry calls it
 * @val: the value as text, or NULL where there is no "="
 *
 * Return: 0 or -EINVAL; the kernel log says why.
 */
int kmsgq_parse_key(struct kmsgq_settings *s, const char *entry, const char *key,
		    const char *val)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kmsgq_setting_attrs); i++)
		if (!strcmp(kmsgq_setting_attrs[i].key, key))
			return kmsgq_parse(s, entry, &kmsgq_setting_attrs[i],
					   val ?: "");
	return kmsgq_reject(entry, key, val ?: "",
			    "given to one of the keys " KMSGQ_KEYS);
}

/**
 * kmsgq_format() - write a setting or a counter as text
 * @base: the struct kmsgq_settings, or kmsgq_counters, that it is in
 * @a: which one
 * @buf: a page for the text
 *
 * Return: the length of the text.
 */
int kmsgq_format(const void *base, const struct kmsgq_attr *a, char *buf)
{
	const void *field = base + a->offset;

	switch (a->kind) {
	case KMSGQ_COUNTER:
		return sysfs_emit(buf, "%llu\n", *(const u64 *)field);
	case KMSGQ_BOOL:
		return sysfs_emit(buf, "%c\n", *(const bool *)field ? 'Y' : 'N');
	case KMSGQ_ULONG:
		return sysfs_emit(buf, "%lu\n", *(const unsigned long *)field);
	case KMSGQ_OCTAL:
		return sysfs_emit(buf, "%04o\n", *(const unsigned int *)field);
	case KMSGQ_NAME:
		return sysfs_emit(buf, "%s\n", (const char *)field);
	default:
		return sysfs_emit(buf, "%u\n", *(const unsigned int *)field);
	}
}

/**
 * kmsgq_check_settings() - check what settings have to do with each other
 * @s: the settings, each of them allowed
 * @entry: as for kmsgq_parse()
 *
 * Return: 0 or -EINVAL; the kernel log says why.
 */
int kmsgq_check_settings(const struct kmsgq_settings *s, const char *entry)
{
	u32 least = kmsgq_footprint(s->config.msg_max_size);
	char val[24], allowed[96];

	if (s->config.max_bytes < least) {
		snprintf(val, sizeof(val), "%lu", s->config.max_bytes);
		snprintf(allowed, sizeof(allowed),
			 "at least %u bytes for one message of msg_max_size=%u",
			 least, s->config.msg_max_size);
		return kmsgq_reject(entry, "queue_max_bytes", val, allowed);
	}
	if (!s->max_deliveries != !*s->dead)
		return kmsgq_reject(entry, s->max_deliveries ? "dead" :
							       "max_deliveries",
				    "", "given with the other one of the two");
	return 0;
}

/**
 * kmsgq_param_set() - set a parameter that is a setting of the first queue
 * @val: the value as text, or NULL where only the name was given
 * @kp: the parameter; its argument is the setting
 *
 * Called under kernel_param_lock().
 *
 * Return: 0 or -EINVAL; -ENODEV while the module is being unloaded.
 */
static int kmsgq_param_set(const char *val, const struct kernel_param *kp)
{
	const struct kmsgq_attr *a = kp->arg;

	return kmsgq_registry_set_param(a, val ?: a->kind == KMSGQ_BOOL ? "Y" : "");
}

/**
 * kmsgq_param_get() - show such a parameter
 * @buf: a page for the text
 * @kp: the parameter
 *
 * Called under kernel_param_lock().
 *
 * Return: the length of the text.
 */
static int kmsgq_param_get(char *buf, const struct kernel_param *kp)
{
	return kmsgq_format(&kmsgq_params, kp->arg, buf);
}

/**
 * kmsgq_param_set_name() - set procfs_name
 * @val: the value
 * @kp: the parameter
 *
 * The rules are procfs's own: it WARNs at a name that breaks one
 * (__proc_create() in fs/proc/generic.c).
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_param_set_name(const char *val, const struct kernel_param *kp)
{
	size_t len = strlen(val);

	if (!len || len >= KMSGQ_PROCFS_NAME_SIZE || strchr(val, '/') ||
	    !strcmp(val, ".") || !strcmp(val, "..") ||
	    !strcmp(val, KMSGQ_DIR) || strspn(val, "0123456789") == len)
		return kmsgq_reject(NULL, kp->name, val,
				    "a file name of 1..255 bytes, without '/', no number, not '.', '..' or '"
				    KMSGQ_DIR "'");
	strscpy(kmsgq_procfs_name, val, sizeof(kmsgq_procfs_name));
	return 0;
}

/**
 * kmsgq_param_set_queue() - set queue: make or remove a further queue
 * @val: NAME[,KEY=VALUE]... or -NAME
 * @kp: the parameter
 *
 * Return: as kmsgq_registry_command().
 */
static int kmsgq_param_set_queue(const char *val, const struct kernel_param *kp)
{
	return kmsgq_registry_command(val);
}

/**
 * kmsgq_param_free_queue() - the module is gone, or was never there
 * @arg: unused
 */
static void kmsgq_param_free_queue(void *arg)
{
	kmsgq_registry_forget();
}

static const struct kernel_param_ops kmsgq_param_ops = {
	/* A bool may be given by its name alone. */
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = kmsgq_param_set,
	.get = kmsgq_param_get,
};

static const struct kernel_param_ops kmsgq_name_ops = {
	.set = kmsgq_param_set_name,
	.get = param_get_string,
};

static const struct kernel_param_ops kmsgq_queue_ops = {
	.set = kmsgq_param_set_queue,
	.free = kmsgq_param_free_queue,
};

static struct kparam_string kmsgq_name_string = {
	.maxlen = sizeof(kmsgq_procfs_name),
	.string = kmsgq_procfs_name,
};

module_param_cb(msg_max_size, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_MSG_MAX_SIZE], 0644);
__MODULE_PARM_TYPE(msg_max_size, "uint");
MODULE_PARM_DESC(msg_max_size,
		 "largest message, in bytes: 1..1048576, may be changed live (default 8192)");

module_param_cb(queue_max_bytes, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_QUEUE_MAX_BYTES], 0644);
__MODULE_PARM_TYPE(queue_max_bytes, "ulong");
MODULE_PARM_DESC(queue_max_bytes,
		 "memory that the queue may hold, in bytes, every message counted with its overhead: at least one message of msg_max_size, may be changed live (default 33554432)");

module_param_cb(read_wait, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_READ_WAIT], 0644);
__MODULE_PARM_TYPE(read_wait, "bool");
MODULE_PARM_DESC(read_wait,
		 "reads of an empty queue without O_NONBLOCK wait for a message: Y or N, may be changed live (default N)");

module_param_cb(read_eof, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_READ_EOF], 0644);
__MODULE_PARM_TYPE(read_eof, "bool");
MODULE_PARM_DESC(read_eof,
		 "reads without O_NONBLOCK get end of file after each message, else they go on with the next: Y or N, may be changed live, for files opened afterwards (default Y)");

module_param_cb(read_ack, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_READ_ACK], 0644);
__MODULE_PARM_TYPE(read_ack, "bool");
MODULE_PARM_DESC(read_ack,
		 "a message stays its reader's until that open file reads again, and returns to the queue if the file is closed before: Y or N, may be changed live, for files opened afterwards (default N)");

module_param_cb(containers, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_CONTAINERS], 0644);
__MODULE_PARM_TYPE(containers, "bool");
MODULE_PARM_DESC(containers,
		 "processes outside the initial pid namespace may open the file: Y or N, may be changed live (default N)");

module_param_cb(procfs_file_mode, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_MODE], 0444);
__MODULE_PARM_TYPE(procfs_file_mode, "octal");
MODULE_PARM_DESC(procfs_file_mode,
		 "permissions of the file, always octal: 0001..0666 without an execute bit (default 0666)");

module_param_cb(procfs_uid, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_UID], 0444);
__MODULE_PARM_TYPE(procfs_uid, "uint");
MODULE_PARM_DESC(procfs_uid,
		 "numeric user id of the file's owner: 0..4294967294 (default 0)");

module_param_cb(procfs_gid, &kmsgq_param_ops,
		&kmsgq_setting_attrs[KMSGQ_GID], 0444);
__MODULE_PARM_TYPE(procfs_gid, "uint");
MODULE_PARM_DESC(procfs_gid,
		 "numeric group id of the file's group: 0..4294967294 (default 0)");

module_param_cb(procfs_name, &kmsgq_name_ops, &kmsgq_name_string, 0444);
__MODULE_PARM_TYPE(procfs_name, "string");
MODULE_PARM_DESC(procfs_name,
		 "name of the file in /proc, 1..255 bytes, not in use there (default msg_queue)");

module_param_cb(queue, &kmsgq_queue_ops, NULL, 0200);
__MODULE_PARM_TYPE(queue, "string");
MODULE_PARM_DESC(queue,
		 "one more queue, /proc/msg_queues/NAME, may be repeated: NAME[,KEY=VALUE]..., keys "
		 KMSGQ_KEYS
		 " (default: as the parameters above); written live it makes a queue, and -NAME removes one");
