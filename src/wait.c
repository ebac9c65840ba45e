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
 * kmsgq_reader_settled() - need a reader not wait
 * @q: the queue; a task that will sleep is on @q->readers already
 * @state: set to 0 if there is a message; for an empty queue to -EAGAIN if
 *	readers wait, else to -ENODATA
 *
 * Return: true if it need not.
 */
static bool kmsgq_reader_settled(struct kmsgq_queue *q, int *state)
{
	spin_lock(&q->lock);
	*state = 0;
	if (kmsgq_is_empty(q))
		*state = q->config.read_wait ? -EAGAIN : -ENODATA;
	spin_unlock(&q->lock);
	return *state != -EAGAIN;
}

/**
 * kmsgq_wait_readable() - wait for a message, if the queue is so configured
 * @q: the queue
 *
 * May sleep. The message may be gone again when this returns: kmsgq_dequeue()
 * tells.
 *
 * Return: 0 if there was a message, -ENODATA if the queue is empty and readers
 * do not wait, -ERESTARTSYS if a signal came.
 */
int kmsgq_wait_readable(struct kmsgq_queue *q)
{
	int state, err;

	atomic_inc(&q->waiting_readers);
	err = wait_event_interruptible_exclusive(q->readers,
						 kmsgq_reader_settled(q, &state));
	atomic_dec(&q->waiting_readers);
	/*
	 * If the signal kills this task, it will not take the message: pass the
	 * wake-up on.
	 */
	if (!err && !state && signal_pending(current)) {
		kmsgq_pass_on(q, EPOLLIN);
		err = -ERESTARTSYS;
	}
	return err ?: state;
}

/**
 * kmsgq_writer_settled() - need a writer not wait
 * @q: the queue; a task that will sleep is on @q->writers already
 * @len: the message's length in bytes
 * @admit: set as kmsgq_admit() says
 *
 * Return: true if it need not.
 */
static bool kmsgq_writer_settled(struct kmsgq_queue *q, size_t len, int *admit)
{
	spin_lock(&q->lock);
	*admit = kmsgq_admit(q, len);
	if (*admit == -EAGAIN)
		trace_kmsgq_full(q);
	spin_unlock(&q->lock);
	return *admit != -EAGAIN;
}

/**
 * kmsgq_wait_room() - wait for room
 * @q: the queue
 * @len: length of the message that is to go in, in bytes
 *
 * May sleep. The room may be gone again when this returns: kmsgq_enqueue()
 * tells. A caller that then does not enqueue has to call kmsgq_pass_on().
 *
 * Return: 0, -EMSGSIZE if the message is too long, -ERESTARTSYS if a signal
 * came.
 */
int kmsgq_wait_room(struct kmsgq_queue *q, size_t len)
{
	int admit, err;

	atomic_inc(&q->waiting_writers);
	err = wait_event_interruptible_exclusive(q->writers,
						 kmsgq_writer_settled(q, len,
								      &admit));
	atomic_dec(&q->waiting_writers);
	if (!err && !admit && signal_pending(current))
		return -ERESTARTSYS;
	return err ?: admit;
}
