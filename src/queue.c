// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FIFO of messages: order, limits, accounting, and who is woken when.
 */
#include "queue.h"

#include <linux/err.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

/**
 * DOC: the queue
 *
 * A singly linked list under one spinlock, which is held for a few
 * instructions: messages are allocated, filled, emptied and freed outside.
 * Process context only; every function may be called from any number of tasks
 * at once, and none holds a lock on return.
 *
 * Full is one condition for all writers, whatever their message's size: a
 * message of the largest size would not fit. So writers can be woken one by
 * one: where one of them can't go on, none can.
 *
 * A task sleeps only after it has found, under the lock and with itself on the
 * wait queue already, that it can't go on. So whoever changes the queue and
 * then, having held the lock, finds a wait queue empty, needs no barrier: a
 * task that is just about to be added will see the change.
 *
 * Each message put in (or back) wakes one reader. Room wakes one writer, and
 * a writer that leaves room behind wakes the next, since one large message
 * taken out may make room for many small ones. A writer that was woken and
 * then fails passes the room on, by msgq_pass_on_room().
 */

/**
 * msgq_init() - make an empty queue
 * @q: the queue
 * @config: its limits
 */
void msgq_init(struct msg_queue *q, const struct msgq_config *config)
{
	*q = (struct msg_queue){ .tail = &q->head };
	spin_lock_init(&q->lock);
	init_waitqueue_head(&q->readers.tasks);
	init_waitqueue_head(&q->readers.polls);
	init_waitqueue_head(&q->writers.tasks);
	init_waitqueue_head(&q->writers.polls);
	msgq_configure(q, config);
}

/**
 * msgq_configure() - change the limits of a queue
 * @q: the queue
 * @config: the new limits
 *
 * Drops no message: a queue that holds more than the new limits allow is full
 * until it has been read. Wakes everybody who waits: what each waits for has
 * changed.
 */
void msgq_configure(struct msg_queue *q, const struct msgq_config *config)
{
	spin_lock(&q->lock);
	WRITE_ONCE(q->config.msg_max_size, config->msg_max_size);
	q->config.max_bytes = config->max_bytes;
	q->config.read_wait = config->read_wait;
	WRITE_ONCE(q->full_above, config->max_bytes -
				  msgq_footprint(config->msg_max_size));
	spin_unlock(&q->lock);

	wake_up_interruptible_all(&q->readers.tasks);
	wake_up_interruptible_all(&q->writers.tasks);
	wake_up_interruptible_all(&q->writers.polls);
}

/**
 * msgq_get_stats() - read the counters, all of the same moment
 * @q: the queue
 * @stats: where they are stored
 */
void msgq_get_stats(struct msg_queue *q, struct msgq_stats *stats)
{
	spin_lock(&q->lock);
	stats->queued = q->enqueued - q->dequeued;
	stats->queued_bytes = q->bytes;
	stats->enqueued = q->enqueued;
	stats->dequeued = q->dequeued;
	stats->dropped = q->dropped;
	spin_unlock(&q->lock);
}

/**
 * msgq_is_full() - would a message of the largest size not fit
 * @q: the queue
 *
 * Exact under @q->lock; without, it was so at some moment.
 *
 * Return: true if it would not.
 */
static bool msgq_is_full(const struct msg_queue *q)
{
	return READ_ONCE(q->bytes) > READ_ONCE(q->full_above);
}

/**
 * msgq_use_poll_credit() - is a poller of the writers' side to be woken
 * @q: the queue, its lock held
 *
 * There is a credit for each time that a poller was told that the queue was
 * full, so nobody is woken from a queue that never was.
 *
 * Return: true if one is to be woken.
 */
static bool msgq_use_poll_credit(struct msg_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (!q->poll_credits || msgq_is_full(q))
		return false;
	q->poll_credits--;
	return true;
}

/**
 * msgq_wake() - wake one of those who wait, if anybody does
 * @wq: where they wait: one task is woken, or one of the exclusive pollers
 *	beside all others
 * @events: what pollers wait for
 *
 * The queue's lock is not held, but has been since the change.
 */
static inline void msgq_wake(wait_queue_head_t *wq, __poll_t events)
{
	/* No barrier is needed: see DOC above. */
	if (waitqueue_active(wq))
		wake_up_interruptible_poll(wq, events);
}

/**
 * msgq_wake_readers() - wake one reader for a message that has come
 * @q: the queue
 */
static inline void msgq_wake_readers(struct msg_queue *q)
{
	msgq_wake(&q->readers.tasks, 0);
	msgq_wake(&q->readers.polls, EPOLLIN | EPOLLRDNORM);
}

/**
 * msgq_wake_writers() - wake one writer where there is room
 * @q: the queue
 * @tasks: there is room: wake a task
 * @polls: as msgq_use_poll_credit() said: wake a poller
 */
static inline void msgq_wake_writers(struct msg_queue *q, bool tasks, bool polls)
{
	if (tasks)
		msgq_wake(&q->writers.tasks, 0);
	if (polls)
		msgq_wake(&q->writers.polls, EPOLLOUT | EPOLLWRNORM);
}

/**
 * msgq_enqueue() - put a message in, behind all others
 * @q: the queue
 * @msg: the message, its content filled; the queue's on success, else still
 *	the caller's
 *
 * Return: 0, -EMSGSIZE where @msg is too long, or -EAGAIN where the queue is
 * full.
 */
int msgq_enqueue(struct msg_queue *q, struct msgq_msg *msg)
{
	bool room, polls;
	int err;

	msg->next = NULL;

	spin_lock(&q->lock);
	err = msgq_admit(q, msg->len);
	if (err) {
		spin_unlock(&q->lock);
		return err;
	}
	msg->seq = q->enqueued++;
	WRITE_ONCE(*q->tail, msg);
	q->tail = &msg->next;
	WRITE_ONCE(q->bytes, q->bytes + msg->footprint);
	room = !msgq_is_full(q);
	polls = msgq_use_poll_credit(q);
	spin_unlock(&q->lock);

	msgq_wake_readers(q);
	msgq_wake_writers(q, room, polls);
	return 0;
}

/**
 * msgq_dequeue() - take the oldest message out
 * @q: the queue
 * @max_len: how long it may be, in bytes
 *
 * Return: the message, now the caller's; ERR_PTR(-EAGAIN) where the queue is
 * empty; ERR_PTR(-EMSGSIZE) where the message is longer, and stays.
 */
struct msgq_msg *msgq_dequeue(struct msg_queue *q, size_t max_len)
{
	struct msgq_msg *msg;
	bool room, polls;

	/* Readers who find nothing leave the lock to who brings something. */
	if (!READ_ONCE(q->head))
		return ERR_PTR(-EAGAIN);

	spin_lock(&q->lock);
	msg = q->head;
	if (!msg || msg->len > max_len) {
		spin_unlock(&q->lock);
		return ERR_PTR(msg ? -EMSGSIZE : -EAGAIN);
	}
	WRITE_ONCE(q->head, msg->next);
	if (!q->head)
		q->tail = &q->head;
	q->dequeued++;
	WRITE_ONCE(q->bytes, q->bytes - msg->footprint);
	room = !msgq_is_full(q);
	polls = msgq_use_poll_credit(q);
	spin_unlock(&q->lock);

	msgq_wake_writers(q, room, polls);
	return msg;
}

/**
 * msgq_requeue() - put a message back that could not be delivered
 * @q: the queue
 * @msg: a message that msgq_dequeue() gave, now the queue's again
 *
 * It goes before every message that is younger, so also several that are put
 * back at once by several readers keep their order. Never fails: the queue may
 * hold more than its limit for a while, by what readers had in hand.
 */
void msgq_requeue(struct msg_queue *q, struct msgq_msg *msg)
{
	struct msgq_msg **link = &q->head;

	spin_lock(&q->lock);
	/* Older ones have been put back too: no more than there are readers. */
	while (*link && (*link)->seq < msg->seq)
		link = &(*link)->next;
	msg->next = *link;
	WRITE_ONCE(*link, msg);
	if (!msg->next)
		q->tail = &msg->next;
	q->dequeued--;
	WRITE_ONCE(q->bytes, q->bytes + msg->footprint);
	spin_unlock(&q->lock);

	msgq_wake_readers(q);
}

/**
 * msgq_drop() - free a message that was taken out and not wholly delivered
 * @q: the queue that it was in
 * @msg: a message that msgq_dequeue() gave
 */
void msgq_drop(struct msg_queue *q, struct msgq_msg *msg)
{
	spin_lock(&q->lock);
	q->dropped++;
	spin_unlock(&q->lock);
	msgq_msg_free(msg);
}

/**
 * msgq_poll_readable() - is there a message, for poll
 * @q: the queue; the poller is on @q->readers.polls already
 *
 * Return: true if there is one.
 */
bool msgq_poll_readable(struct msg_queue *q)
{
	bool readable;

	spin_lock(&q->lock);
	readable = q->head;
	spin_unlock(&q->lock);
	return readable;
}

/**
 * msgq_poll_writable() - would a message of the largest size fit, for poll
 * @q: the queue; the poller is on @q->writers.polls already
 *
 * Return: true if it would; else the poller will be woken when it does.
 */
bool msgq_poll_writable(struct msg_queue *q)
{
	bool writable;

	spin_lock(&q->lock);
	writable = !msgq_is_full(q);
	if (!writable)
		q->poll_credits++;
	spin_unlock(&q->lock);
	return writable;
}

/**
 * msgq_reader_settled() - need a reader not wait
 * @q: the queue; a task that will sleep is on @q->readers.tasks already
 * @state: set to 0 if there is a message; for an empty queue to -EAGAIN where
 *	readers wait, else to -ENODATA
 *
 * Return: true if it need not.
 */
static bool msgq_reader_settled(struct msg_queue *q, int *state)
{
	spin_lock(&q->lock);
	*state = 0;
	if (!q->head)
		*state = q->config.read_wait ? -EAGAIN : -ENODATA;
	spin_unlock(&q->lock);
	return *state != -EAGAIN;
}

/**
 * msgq_wait_readable() - wait for a message, if the queue is so configured
 * @q: the queue
 *
 * May sleep. The message may be gone again when this returns: msgq_dequeue()
 * tells.
 *
 * Return: 0 if there was a message, -ENODATA if the queue is empty and readers
 * don't wait, -ERESTARTSYS if a signal came.
 */
int msgq_wait_readable(struct msg_queue *q)
{
	int state, err;

	err = wait_event_interruptible_exclusive(q->readers.tasks,
						 msgq_reader_settled(q, &state));
	/* The signal may be the task's end: the message is for another. */
	if (!err && !state && signal_pending(current)) {
		/* It has used the only wake-up that a message may have had. */
		msgq_wake_readers(q);
		err = -ERESTARTSYS;
	}
	return err ?: state;
}

/**
 * msgq_writer_settled() - need a writer not wait
 * @q: the queue; a task that will sleep is on @q->writers.tasks already
 * @len: the message's length in bytes
 * @nonblock: the writer gives up where the queue is full
 * @admit: set as msgq_admit() says
 *
 * Return: true if it need not.
 */
static bool msgq_writer_settled(struct msg_queue *q, size_t len, bool nonblock,
				int *admit)
{
	spin_lock(&q->lock);
	*admit = msgq_admit(q, len);
	/* An edge-triggered poller may sleep now without another poll(). */
	if (*admit == -EAGAIN && nonblock)
		q->poll_credits++;
	spin_unlock(&q->lock);
	return *admit != -EAGAIN || nonblock;
}

/**
 * msgq_wait_room() - wait for room, where there was none
 * @q: the queue
 * @len: length of the message that is to go in, in bytes
 * @nonblock: don't wait
 *
 * May sleep unless @nonblock. The room may be gone again when this returns:
 * msgq_enqueue() tells. A caller that then does not enqueue has to call
 * msgq_pass_on_room().
 *
 * Return: 0, -EMSGSIZE where the message is too long, -EAGAIN where the queue
 * is full and @nonblock, -ERESTARTSYS if a signal came.
 */
int msgq_wait_room(struct msg_queue *q, size_t len, bool nonblock)
{
	int admit, err;

	err = wait_event_interruptible_exclusive(q->writers.tasks,
						 msgq_writer_settled(q, len,
								     nonblock,
								     &admit));
	if (!err && !admit && !nonblock && signal_pending(current))
		return -ERESTARTSYS;
	return err ?: admit;
}

/**
 * msgq_pass_on_room() - wake the next writer in place of one that gave up
 * @q: the queue
 *
 * For a writer that failed after msgq_wait_room(): the wake-up that it
 * used may have been the only one for the room that is left.
 */
void msgq_pass_on_room(struct msg_queue *q)
{
	bool room;

	spin_lock(&q->lock);
	room = !msgq_is_full(q);
	spin_unlock(&q->lock);
	msgq_wake_writers(q, room, false);
}
