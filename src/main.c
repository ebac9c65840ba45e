// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmsg_queue: FIFO message queues as files in /proc.
 */
#include <linux/module.h>

#include "msg.h"
#include "registry.h"

static int __init kmsgq_init(void)
{
	int err;

	err = kmsgq_msg_init();
	if (err)
		return err;
	/* Last: the queues are in use from now on. */
	err = kmsgq_registry_init();
	if (err)
		goto destroy_caches;
	return 0;

destroy_caches:
	kmsgq_msg_exit();
	return err;
}

static void __exit kmsgq_exit(void)
{
	kmsgq_registry_exit();
	kmsgq_msg_exit();
}

module_init(kmsgq_init);
module_exit(kmsgq_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION("1.0.0");
MODULE_AUTHOR("The kmsg_queue developers");
MODULE_DESCRIPTION("FIFO message queues as files in /proc");
