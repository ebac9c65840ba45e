// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's parameters and their checks.
 */
#include "params.h"

#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "procfs.h"

#define KMSGQ_NAME_MAX		255
#define KMSGQ_MODE_BITS		0666

/*
 * All of these are protected by kernel_param_lock(): the kernel's parameter
 * code holds it around each set and get.
 */
static struct msgq_config kmsgq_limits = {
	.msg_max_size = 1024,
	.max_bytes = SZ_32M,
	.read_wait = false,
};

static char kmsgq_name[KMSGQ_NAME_MAX + 1] = "msg_queue";
static char kmsgq_mode[sizeof("0666")] = "0666";
static unsigned int kmsgq_uid;
static unsigned int kmsgq_gid;

/* The queue that live changes go to; NULL until it is initialized. */
static struct kmsgq_file *kmsgq_live;

/**
 * kmsgq_param_reject() - tell what is wrong with a parameter
 * @val: the value
 * @kp: the parameter
 * @allowed: what it may be
 *
 * Return: -EINVAL.
 */
static int kmsgq_param_reject(const char *val, const struct kernel_param *kp,
			      const char *allowed)
{
	/* A write to sysfs ends in a newline; root's typing error may be long. */
	int shown = min_t(size_t, strcspn(val, "\n"), 80);

	pr_err("parameter %s: '%*pE' is not allowed, it must be %s\n",
	       kp->name, shown, val, allowed);
	return -EINVAL;
}

/**
 * kmsgq_check_limits() - does a message of the largest size fit into the queue
 * @limits: what to check
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_check_limits(const struct msgq_config *limits)
{
	unsigned long least = msgq_footprint(limits->msg_max_size);

	if (limits->max_bytes >= least)
		return 0;
	pr_err("parameter queue_max_bytes: %lu is not allowed, it must be at least %lu bytes for one message of msg_max_size=%u\n",
	       limits->max_bytes, least, limits->msg_max_size);
	return -EINVAL;
}

/**
 * kmsgq_set_limits() - take new limits, and put them in force where in use
 * @limits: the new limits
 *
 * While the module is being loaded they come one by one, and are checked
 * together by kmsgq_params_attach(). Called under kernel_param_lock().
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_set_limits(const struct msgq_config *limits)
{
	if (kmsgq_live) {
		int err = kmsgq_check_limits(limits);

		if (err)
			return err;
		msgq_configure(&kmsgq_live->queue, limits);
	}
	kmsgq_limits = *limits;
	return 0;
}

/**
 * kmsgq_set_msg_max_size() - set msg_max_size
 * @val: the value as text
 * @kp: the parameter
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_set_msg_max_size(const char *val,
				  const struct kernel_param *kp)
{
	struct msgq_config limits = kmsgq_limits;

	if (kstrtou32(val, 0, &limits.msg_max_size) ||
	    !limits.msg_max_size || limits.msg_max_size > SZ_1M)
		return kmsgq_param_reject(val, kp, "1..1048576 bytes");
	return kmsgq_set_limits(&limits);
}

/**
 * kmsgq_set_queue_max_bytes() - set queue_max_bytes
 * @val: the value as text
 * @kp: the parameter
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_set_queue_max_bytes(const char *val,
				     const struct kernel_param *kp)
{
	struct msgq_config limits = kmsgq_limits;

	if (kstrtoul(val, 0, &limits.max_bytes))
		return kmsgq_param_reject(val, kp,
					  "a number of bytes, enough for one message of msg_max_size");
	return kmsgq_set_limits(&limits);
}

/**
 * kmsgq_set_read_wait() - set read_wait
 * @val: the value as text, or NULL where only the name was given
 * @kp: the parameter
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_set_read_wait(const char *val, const struct kernel_param *kp)
{
	struct msgq_config limits = kmsgq_limits;

	limits.read_wait = true;
	if (val && kstrtobool(val, &limits.read_wait))
		return kmsgq_param_reject(val, kp, "Y or N");
	return kmsgq_set_limits(&limits);
}

/**
 * kmsgq_set_name() - set procfs_name
 * @val: the value
 * @kp: the parameter
 *
 * The rules are procfs's own: it WARNs at a name that breaks one
 * (__proc_create() in fs/proc/generic.c).
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_set_name(const char *val, const struct kernel_param *kp)
{
	size_t len = strlen(val);

	if (!len || len > KMSGQ_NAME_MAX || strchr(val, '/') ||
	    !strcmp(val, ".") || !strcmp(val, "..") ||
	    strspn(val, "0123456789") == len)
		return kmsgq_param_reject(val, kp,
					  "a file name of 1..255 bytes, without '/', not '.' or '..', not a number");
	strscpy(kmsgq_name, val, sizeof(kmsgq_name));
	return 0;
}

/**
 * kmsgq_set_mode() - set procfs_file_mode
 * @val: the value as text, octal with or without a leading 0
 * @kp: the parameter
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_set_mode(const char *val, const struct kernel_param *kp)
{
	unsigned int mode;

	if (kstrtouint(val, 8, &mode) || !mode || mode & ~KMSGQ_MODE_BITS)
		return kmsgq_param_reject(val, kp,
					  "octal permissions of 0001..0666 without an execute bit");
	snprintf(kmsgq_mode, sizeof(kmsgq_mode), "%04o", mode);
	return 0;
}

/**
 * kmsgq_set_id() - set procfs_uid or procfs_gid
 * @val: the value as text
 * @kp: the parameter
 *
 * Return: 0 or -EINVAL.
 */
static int kmsgq_set_id(const char *val, const struct kernel_param *kp)
{
	unsigned int id;

	/* The last id is no id: it says "leave it" in chown(2). */
	if (kstrtouint(val, 0, &id) || id == UINT_MAX)
		return kmsgq_param_reject(val, kp, "an id of 0..4294967294");
	*(unsigned int *)kp->arg = id;
	return 0;
}

static const struct kernel_param_ops kmsgq_msg_max_size_ops = {
	.set = kmsgq_set_msg_max_size,
	.get = param_get_uint,
};

module_param_cb(msg_max_size, &kmsgq_msg_max_size_ops,
		&kmsgq_limits.msg_max_size, 0644);
__MODULE_PARM_TYPE(msg_max_size, "uint");
MODULE_PARM_DESC(msg_max_size,
		 "largest message, in bytes: 1..1048576, may be changed live (default 1024)");

static const struct kernel_param_ops kmsgq_queue_max_bytes_ops = {
	.set = kmsgq_set_queue_max_bytes,
	.get = param_get_ulong,
};

module_param_cb(queue_max_bytes, &kmsgq_queue_max_bytes_ops,
		&kmsgq_limits.max_bytes, 0644);
__MODULE_PARM_TYPE(queue_max_bytes, "ulong");
MODULE_PARM_DESC(queue_max_bytes,
		 "memory that the queue may hold, in bytes, every message counted with its overhead: at least one message of msg_max_size, may be changed live (default 33554432)");

static const struct kernel_param_ops kmsgq_read_wait_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = kmsgq_set_read_wait,
	.get = param_get_bool,
};

module_param_cb(read_wait, &kmsgq_read_wait_ops, &kmsgq_limits.read_wait,
		0644);
__MODULE_PARM_TYPE(read_wait, "bool");
MODULE_PARM_DESC(read_wait,
		 "reads of an empty queue without O_NONBLOCK wait for a message: Y or N, may be changed live (default N)");

static const struct kernel_param_ops kmsgq_name_ops = {
	.set = kmsgq_set_name,
	.get = param_get_string,
};

static struct kparam_string kmsgq_name_string = {
	.maxlen = sizeof(kmsgq_name),
	.string = kmsgq_name,
};

module_param_cb(procfs_name, &kmsgq_name_ops, &kmsgq_name_string, 0444);
__MODULE_PARM_TYPE(procfs_name, "string");
MODULE_PARM_DESC(procfs_name,
		 "name of the file in /proc, 1..255 bytes, not in use there (default msg_queue)");

static const struct kernel_param_ops kmsgq_mode_ops = {
	.set = kmsgq_set_mode,
	.get = param_get_string,
};

static struct kparam_string kmsgq_mode_string = {
	.maxlen = sizeof(kmsgq_mode),
	.string = kmsgq_mode,
};

module_param_cb(procfs_file_mode, &kmsgq_mode_ops, &kmsgq_mode_string, 0444);
__MODULE_PARM_TYPE(procfs_file_mode, "octal");
MODULE_PARM_DESC(procfs_file_mode,
		 "permissions of the file, always octal: 0001..0666 without an execute bit (default 0666)");

static const struct kernel_param_ops kmsgq_id_ops = {
	.set = kmsgq_set_id,
	.get = param_get_uint,
};

module_param_cb(procfs_uid, &kmsgq_id_ops, &kmsgq_uid, 0444);
__MODULE_PARM_TYPE(procfs_uid, "uint");
MODULE_PARM_DESC(procfs_uid,
		 "numeric user id of the file's owner: 0..4294967294 (default 0)");
module_param_cb(procfs_gid, &kmsgq_id_ops, &kmsgq_gid, 0444);
__MODULE_PARM_TYPE(procfs_gid, "uint");
MODULE_PARM_DESC(procfs_gid,
		 "numeric group id of the file's group: 0..4294967294 (default 0)");

/**
 * kmsgq_params_attach() - initialize a queue by the parameters
 * @kf: the queue; changes of live parameters go to it from now on
 *
 * The parameters' files are in sysfs before the module's init function runs,
 * so a live change may come at any moment.
 *
 * Return: 0 or -EINVAL.
 */
int kmsgq_params_attach(struct kmsgq_file *kf)
{
	int err;

	kernel_param_lock(THIS_MODULE);
	err = kmsgq_check_limits(&kmsgq_limits);
	if (!err) {
		msgq_init(&kf->queue, &kmsgq_limits);
		kmsgq_live = kf;
	}
	kernel_param_unlock(THIS_MODULE);
	return err;
}

/**
 * kmsgq_params_detach() - stop live changes
 */
void kmsgq_params_detach(void)
{
	kernel_param_lock(THIS_MODULE);
	kmsgq_live = NULL;
	kernel_param_unlock(THIS_MODULE);
}

/**
 * kmsgq_params_create_file() - make a queue's file by the parameters
 * @kf: the queue
 *
 * Return: 0, -EINVAL where the name is in use, or another error of
 * kmsgq_file_create().
 */
int kmsgq_params_create_file(struct kmsgq_file *kf)
{
	unsigned int mode;
	int err;

	err = kstrtouint(kmsgq_mode, 8, &mode) ?:
	      kmsgq_file_create(kf, kmsgq_name, mode,
				make_kuid(&init_user_ns, kmsgq_uid),
				make_kgid(&init_user_ns, kmsgq_gid));
	if (err == -EEXIST) {
		pr_err("parameter procfs_name: '%s' is not allowed, it must not be in use in /proc\n",
		       kmsgq_name);
		return -EINVAL;
	}
	if (err) {
		pr_err("cannot create /proc/%s: error %d\n", kmsgq_name, err);
		return err;
	}
	pr_info("loaded: /proc/%s, mode %s, messages of up to %u bytes, queue of up to %lu bytes\n",
		kmsgq_name, kmsgq_mode, kmsgq_limits.msg_max_size,
		kmsgq_limits.max_bytes);
	return 0;
}
