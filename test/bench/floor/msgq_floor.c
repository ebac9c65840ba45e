// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor of any queue behind a file in /proc: two system calls and two
 * copies, to and from one buffer that everybody shares. No lock, no
 * allocation, no order: what a real queue costs more is for being one.
 *
 * For the benchmark alone; never installed.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

static char msgq_floor_buf[SZ_64K];
static size_t msgq_floor_len;

static ssize_t msgq_floor_read(struct file *file, char __user *ubuf,
			       size_t len, loff_t *ppos)
{
	len = min(len, msgq_floor_len);
	return copy_to_user(ubuf, msgq_floor_buf, len) ? -EFAULT : len;
}

static ssize_t msgq_floor_write(struct file *file, const char __user *ubuf,
				size_t len, loff_t *ppos)
{
	if (len > sizeof(msgq_floor_buf))
		return -EMSGSIZE;
	if (copy_from_user(msgq_floor_buf, ubuf, len))
		return -EFAULT;
	msgq_floor_len = len;
	return len;
}

static int msgq_floor_open(struct inode *inode, struct file *file)
{
	return stream_open(inode, file);
}

static const struct proc_ops msgq_floor_ops = {
	.proc_open	= msgq_floor_open,
	.proc_read	= msgq_floor_read,
	.proc_write	= msgq_floor_write,
};

static int __init msgq_floor_init(void)
{
	if (!proc_create("msgq_floor", 0600, NULL, &msgq_floor_ops))
		return -ENOMEM;
	return 0;
}

static void __exit msgq_floor_exit(void)
{
	remove_proc_entry("msgq_floor", NULL);
}

module_init(msgq_floor_init);
module_exit(msgq_floor_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Least cost of a file in /proc that takes and gives bytes");
