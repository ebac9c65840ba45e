// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmsg_queue: a FIFO of messages behind a file in /proc.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "msg.h"
#include "params.h"
#include "procfs.h"
#include "stats.h"

/* How many messages left at unload are logged one by one. */
#define KMSGQ_DRAIN_LOG_MAX 1000

static struct kmsgq_file kmsgq_file;

/**
 * kmsgq_drain() - free the messages that are left, and log them
 * @q: the queue; nobody else uses it any more
 *
 * The users' scripts look for these lines.
 */
static void kmsgq_drain(struct msg_queue *q)
{
	u64 nr = 0, rest_bytes = 0;
	struct msgq_msg *msg;

	pr_info("entering cleanup()\n");
	while (!IS_ERR(msg = msgq_dequeue(q, SIZE_MAX))) {
		if (++nr <= KMSGQ_DRAIN_LOG_MAX)
			pr_info("removed message of size %u\n", msg->len);
		else
			rest_bytes += msg->len;
		msgq_msg_free(msg);
		cond_resched();
	}
	if (nr > KMSGQ_DRAIN_LOG_MAX)
		pr_info("removed %llu more messages of %llu bytes in all\n",
			nr - KMSGQ_DRAIN_LOG_MAX, rest_bytes);
	pr_info("cleanup() finished\n");
}

/**
 * kmsgq_init() - load the module
 *
 * Return: 0, or the error of the step that failed.
 */
static int __init kmsgq_init(void)
{
	int err;

	err = msgq_msg_init();
	if (err)
		return err;
	err = kmsgq_params_attach(&kmsgq_file);
	if (err)
		goto destroy_caches;
	err = kmsgq_stats_create(&kmsgq_file);
	if (err)
		goto detach;
	/* Comes last: from now on the queue is in use. */
	err = kmsgq_params_create_file(&kmsgq_file);
	if (err)
		goto remove_stats;
	return 0;

remove_stats:
	kmsgq_stats_remove();
detach:
	kmsgq_params_detach();
destroy_caches:
	msgq_msg_exit();
	return err;
}

/**
 * kmsgq_exit() - unload the module
 *
 * No file is open: each held a reference to the module. The file goes first,
 * so that nothing is written behind the back of the drain.
 */
static void __exit kmsgq_exit(void)
{
	kmsgq_file_remove(&kmsgq_file);
	kmsgq_stats_remove();
	kmsgq_params_detach();
	kmsgq_drain(&kmsgq_file.queue);
	msgq_msg_exit();
}

module_init(kmsgq_init);
module_exit(kmsgq_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION("1.0.0");
MODULE_AUTHOR("The kmsg_queue developers");
MODULE_DESCRIPTION("FIFO message queue behind a file in /proc");
