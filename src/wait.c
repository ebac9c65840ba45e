// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks that sleep until there is a message, or room for one. Who wakes them is
 * in queue.c.
 */
#include "queue.h"

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

#include "trace.h"

/**
 * kmsgq_readable() - need a reader not wait
 * @q: the queue, its lock held
 * @len: unused
 *
 * Return: 0 if there is a message; for an empty queue -EAGAIN if readers wait,
 * else -ENODATA.
 */
static int kmsgq_readable(const struct kmsgq_queue *q, size_t len)
{
	if (!kmsgq_is_empty(q))
		return 0;
	return q->config.read_wait ? -EAGAIN : -ENODATA;
}

/**
 * kmsgq_writable() - need a writer not wait
 * @q: the queue, its lock held
 * @len: the message's length in bytes
 *
 * Return: as kmsgq_admit().
 */
static int kmsgq_writable(const struct kmsgq_queue *q, size_t len)
{
	int err = kmsgq_admit(q, len);

	if (err == -EAGAIN)
		trace_kmsgq_full(q);
	return err;
}

/**
 * kmsgq_wait() - sleep until somebody wakes, if there is need to
 * @q: the queue
 * @wq: where to sleep
 * @waiting: counts who is here
 * @state: whether there is need to, called with @q's lock held and the task on
 *	@wq: -EAGAIN if so
 * @len: for @state
 *
 * Not wait_event(): that would put a task that was woken on @wq again before it
 * looks: 200 instructions, 4 % of a message's way to a sleeping reader.
 *
 * Return: 0 if it is worth a try now; -ERESTARTSYS if a signal came; else what
 * @state gave.
 */
static __always_inline int
kmsgq_wait(struct kmsgq_queue *q, wait_queue_head_t *wq, atomic_t *waiting,
	   int (*state)(const struct kmsgq_queue *q, size_t len), size_t len)
{
	DEFINE_WAIT(wait);
	int err;

	atomic_inc(waiting);
	prepare_to_wait_exclusive(wq, &wait, TASK_INTERRUPTIBLE);
	spin_lock(&q->lock);
	err = state(q, len);
	spin_unlock(&q->lock);
	if (err == -EAGAIN) {
		err = 0;
		if (!signal_pending(current))
			schedule();
	}
	finish_wait(wq, &wait);
	atomic_dec(waiting);
	/* The signal may kill this task: then it must not take a message. */
	return !err && signal_pending(current) ? -ERESTARTSYS : err;
}

/**
 * kmsgq_wait_readable() - wait for a message, if the queue is so configured
 * @q: the queue
 *
 * May sleep. There may be none when this returns: kmsgq_dequeue() tells. A
 * caller that then does not dequeue has to call kmsgq_pass_on().
 *
 * Return: 0 if there may be a message, -ENODATA if the queue is empty and
 * readers do not wait, -ERESTARTSYS if a signal came.
 */
int kmsgq_wait_readable(struct kmsgq_queue *q)
{
	return kmsgq_wait(q, &q->readers, &q->waiting_readers, kmsgq_readable,
			  0);
}

/**
 * kmsgq_wait_room() - wait for room
 * @q: the queue
 * @len: length of the message that is to go in, in bytes
 *
 * May sleep. There may be none when this returns: kmsgq_enqueue() tells. A
 * caller that then does not enqueue has to call kmsgq_pass_on().
 *
 * Return: 0 if there may be room, -EMSGSIZE if the message is too long,
 * -ERESTARTSYS if a signal came.
 */
int kmsgq_wait_room(struct kmsgq_queue *q, size_t len)
{
	return kmsgq_wait(q, &q->writers, &q->waiting_writers, kmsgq_writable,
			  len);
}
