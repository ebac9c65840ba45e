// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmsg_queue: FIFOs of messages behind files in /proc.
 */
#include <linux/module.h>

#include "msg.h"
#include "registry.h"

/**
 * kmsgq_init() - load the module
 *
 * Return: 0, or the error of the step that failed.
 */
static int __init kmsgq_init(void)
{
	int err;

	err = kmsgq_msg_init();
	if (err)
		return err;
	/* Comes last: from now on the queues are in use. */
	err = kmsgq_registry_init();
	if (err)
		goto destroy_caches;
	return 0;

destroy_caches:
	kmsgq_msg_exit();
	return err;
}

/**
 * kmsgq_exit() - unload the module
 */
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
MODULE_DESCRIPTION("FIFO message queues behind files in /proc");
