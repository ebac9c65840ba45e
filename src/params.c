// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameters.
 */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "registry.h"

/* Under kernel_param_lock(), as all functions here but kmsgq_param_free_queue(). */
static int kmsgq_param_set(const char *val, const struct kernel_param *kp)
{
	const struct kmsgq_attr *a = kmsgq_find_param(kp->name);

	/* A bool may be given by its name alone. */
	return kmsgq_registry_set_param(a, val ?: a->kind == KMSGQ_BOOL ? "Y" : "");
}

static int kmsgq_param_get(char *buf, const struct kernel_param *kp)
{
	return kmsgq_registry_show_param(kmsgq_find_param(kp->name), buf);
}

/* procfs WARNs at a name that breaks one of these rules: __proc_create(). */
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

static int kmsgq_param_set_queue(const char *val, const struct kernel_param *kp)
{
	return kmsgq_registry_command(val);
}

/* The module has been unloaded, or its load failed. */
static void kmsgq_param_free_queue(void *arg)
{
	kmsgq_registry_forget();
}

static const struct kernel_param_ops kmsgq_param_ops = {
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

/* A parameter that is a setting. */
#define KMSGQ_PARAM(_name, _type, _perm, _description)			\
	module_param_cb(_name, &kmsgq_param_ops, NULL, _perm);		\
	__MODULE_PARM_TYPE(_name, _type);				\
	MODULE_PARM_DESC(_name, _description)

KMSGQ_PARAM(msg_max_size, "uint", 0644,
	    "largest message, in bytes: 1..1048576; can be changed at run time (default 8192)");
KMSGQ_PARAM(queue_max_bytes, "ulong", 0644,
	    "memory that the queue may use, in bytes, including overhead: enough for one message of msg_max_size; can be changed at run time (default 33554432)");
KMSGQ_PARAM(read_wait, "bool", 0644,
	    "blocking reads wait while the queue is empty: Y or N; can be changed at run time (default N)");
KMSGQ_PARAM(read_eof, "bool", 0644,
	    "blocking reads return end of file after each message; if N, continue with the next message: Y or N; can be changed at run time, for files opened afterwards (default Y)");
KMSGQ_PARAM(read_ack, "bool", 0644,
	    "a message is held by its reader until that open file reads again, and returns to the queue if the file is closed before: Y or N; can be changed at run time, for files opened afterwards (default N)");
KMSGQ_PARAM(containers, "bool", 0644,
	    "processes outside the initial PID namespace may open the file: Y or N; can be changed at run time (default N)");
KMSGQ_PARAM(procfs_file_mode, "octal", 0444,
	    "permissions of the file, always octal: 0001..0666 without an execute bit (default 0666)");
KMSGQ_PARAM(procfs_uid, "uint", 0444,
	    "numeric user ID of the file's owner: 0..4294967294 (default 0)");
KMSGQ_PARAM(procfs_gid, "uint", 0444,
	    "numeric group ID of the file's group: 0..4294967294 (default 0)");

module_param_cb(procfs_name, &kmsgq_name_ops, &kmsgq_name_string, 0444);
__MODULE_PARM_TYPE(procfs_name, "string");
MODULE_PARM_DESC(procfs_name,
		 "name of the file in /proc, 1..255 bytes, not in use there (default msg_queue)");

module_param_cb(queue, &kmsgq_queue_ops, NULL, 0200);
__MODULE_PARM_TYPE(queue, "string");
MODULE_PARM_DESC(queue,
		 "additional queue, /proc/msg_queues/NAME; may be repeated: NAME[,KEY=VALUE]... (default: as the parameters above), with the keys that kmsg_queue(5) lists; at run time, creates a queue, and -NAME removes one");
