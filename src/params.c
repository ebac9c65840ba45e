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

module_param_cb(msg_max_size, &kmsgq_param_ops, NULL, 0644);
__MODULE_PARM_TYPE(msg_max_size, "uint");
MODULE_PARM_DESC(msg_max_size,
		 "largest message, in bytes: 1..1048576; can be changed at run time (default 8192)");

module_param_cb(queue_max_bytes, &kmsgq_param_ops, NULL, 0644);
__MODULE_PARM_TYPE(queue_max_bytes, "ulong");
MODULE_PARM_DESC(queue_max_bytes,
		 "memory that the queue may use, in bytes, including overhead: enough for one message of msg_max_size; can be changed at run time (default 33554432)");

module_param_cb(read_wait, &kmsgq_param_ops, NULL, 0644);
__MODULE_PARM_TYPE(read_wait, "bool");
MODULE_PARM_DESC(read_wait,
		 "blocking reads wait while the queue is empty: Y or N; can be changed at run time (default N)");

module_param_cb(read_eof, &kmsgq_param_ops, NULL, 0644);
__MODULE_PARM_TYPE(read_eof, "bool");
MODULE_PARM_DESC(read_eof,
		 "blocking reads return end of file after each message; if N, continue with the next message: Y or N; can be changed at run time, for files opened afterwards (default Y)");

module_param_cb(read_ack, &kmsgq_param_ops, NULL, 0644);
__MODULE_PARM_TYPE(read_ack, "bool");
MODULE_PARM_DESC(read_ack,
		 "a message is held by its reader until that open file reads again, and returns to the queue if the file is closed before: Y or N; can be changed at run time, for files opened afterwards (default N)");

module_param_cb(containers, &kmsgq_param_ops, NULL, 0644);
__MODULE_PARM_TYPE(containers, "bool");
MODULE_PARM_DESC(containers,
		 "processes outside the initial PID namespace may open the file: Y or N; can be changed at run time (default N)");

module_param_cb(procfs_file_mode, &kmsgq_param_ops, NULL, 0444);
__MODULE_PARM_TYPE(procfs_file_mode, "octal");
MODULE_PARM_DESC(procfs_file_mode,
		 "permissions of the file, always octal: 0001..0666 without an execute bit (default 0666)");

module_param_cb(procfs_uid, &kmsgq_param_ops, NULL, 0444);
__MODULE_PARM_TYPE(procfs_uid, "uint");
MODULE_PARM_DESC(procfs_uid,
		 "numeric user ID of the file's owner: 0..4294967294 (default 0)");

module_param_cb(procfs_gid, &kmsgq_param_ops, NULL, 0444);
__MODULE_PARM_TYPE(procfs_gid, "uint");
MODULE_PARM_DESC(procfs_gid,
		 "numeric group ID of the file's group: 0..4294967294 (default 0)");

module_param_cb(procfs_name, &kmsgq_name_ops, &kmsgq_name_string, 0444);
__MODULE_PARM_TYPE(procfs_name, "string");
MODULE_PARM_DESC(procfs_name,
		 "name of the file in /proc, 1..255 bytes, not in use there (default msg_queue)");

module_param_cb(queue, &kmsgq_queue_ops, NULL, 0200);
__MODULE_PARM_TYPE(queue, "string");
MODULE_PARM_DESC(queue,
		 "additional queue, /proc/msg_queues/NAME; may be repeated: NAME[,KEY=VALUE]..., keys "
		 KMSGQ_KEYS
		 " (default: as the parameters above); at run time, creates a queue, and -NAME removes one");
