// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FIFO of messages: order, limits, accounting, and who is woken when.
 */
#include "queue.h"

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/poll.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * DOC: the queue
 *
 * A singly linked list under one spinlock, which is held for a few
 * instructions: messages are allocated, filled, emptied and freed outside.
 * Process context only; every function may be called from any number of tasks
 * at once, and none holds a lock on return.
 *
 * Messages leave from the head, so those that come back are all older than the
 * list. They are kept apart, in a tree: many may come back at once, in any
 * order, when workers die.
 *
 * Memory stays in the account until it is freed: only a reader that is sure to
 * finish with the message takes it off as it takes the message out. So a task
 * may hold any number of messages through open files, but the queue is full
 * then.
 *
 * Full is one condition for all writers, whatever their message's size: a
 * message of the largest size would not fit. So writers can be woken one by
 * one: where one of them cannot go on, none can.
 *
 * A task sleeps only after it has found, under the lock and with itself on the
 * wait queue already, that it cannot go on. So a task that has changed the queue
 * and released the lock needs no barrier before it looks for sleepers: one that
 * it does not see will see the change.
 *
 * Of the tasks asleep in a call, one is woken when the queue stops being empty
 * (full), and each task that takes a message (room) and leaves some wakes the
 * next. A task that was woken and fails passes the wake-up on, so there is
 * always one on its way while there is something to take. Pollers return to user
 * space first, where they may stop for good: they get a wake-up for each
 * message.
 */

/**
 * kmsgq_queue_init() - make an empty queue
 * @q: the queue
 * @config: its limits
 */
void kmsgq_queue_init(struct kmsgq_queue *q, const struct kmsgq_config *config)
{
	*q = (struct kmsgq_queue){
		.name = "",
		.tail = &q->head,
		.returned = RB_ROOT_CACHED,
	};
	spin_lock_init(&q->lock);
	init_waitqueue_head(&q->readers);
	init_waitqueue_head(&q->writers);
	init_waitqueue_head(&q->polls);
	kmsgq_configure(q, config);
}

/**
 * kmsgq_queue_exit() - free what an empty queue keeps
 * @q: the queue, no longer in use
 */
void kmsgq_queue_exit(struct kmsgq_queue *q)
{
	if (q->spare)
		kmsgq_msg_free(q->spare, NULL);
}

/**
 * kmsgq_configure() - change the limits of a queue
 * @q: the queue
 * @config: the new limits
 *
 * Drops no message: a queue that holds more than the new limits allow is full
 * until it has been read. Wakes everybody who waits: what each waits for has
 * changed.
 */
void kmsgq_configure(struct kmsgq_queue *q, const struct kmsgq_config *config)
{
	spin_lock(&q->lock);
	WRITE_ONCE(q->config.msg_max_size, config->msg_max_size);
	q->config.max_bytes = config->max_bytes;
	q->config.read_wait = config->read_wait;
	WRITE_ONCE(q->full_above, config->max_bytes -
				  kmsgq_footprint(config->msg_max_size));
	spin_unlock(&q->lock);

	wake_up_interruptible_all(&q->readers);
	wake_up_interruptible_all(&q->writers);
	__wake_up(&q->polls, TASK_INTERRUPTIBLE, 0,
		  poll_to_key(EPOLLOUT | EPOLLWRNORM));
}

/**
 * kmsgq_first() - find the oldest message
 * @q: the queue, its lock held
 *
 * Return: the message, or NULL.
 */
static struct kmsgq_msg *kmsgq_first(const struct kmsgq_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (unlikely(q->returned.rb_leftmost))
		return rb_entry(q->returned.rb_leftmost, struct kmsgq_msg, node);
	return q->head;
}

/**
 * kmsgq_get_counters() - read the counters, all of the same moment
 * @q: the queue
 * @counters: where they are stored
 */
void kmsgq_get_counters(struct kmsgq_queue *q, struct kmsgq_counters *counters)
{
	struct kmsgq_msg *first;
	u64 stamp, now;

	spin_lock(&q->lock);
	*counters = q->count;
	counters->enqueued = q->next_seq - q->retailed;
	counters->queued = kmsgq_queued(q);
	counters->queued_bytes = q->bytes;
	first = kmsgq_first(q);
	now = get_jiffies_64();
	stamp = first ? first->stamp : now;
	spin_unlock(&q->lock);

	counters->waiting_readers = atomic_read(&q->waiting_readers);
	counters->waiting_writers = atomic_read(&q->waiting_writers);
	counters->oldest_age_ms = jiffies64_to_msecs(now - stamp);
}

/**
 * kmsgq_charge() - count a message's memory in the account
 * @q: the queue, its lock held
 * @footprint: of the message, in bytes
 */
static void kmsgq_charge(struct kmsgq_queue *q, u32 footprint)
{
	unsigned long bytes = q->bytes + footprint;

	lockdep_assert_held(&q->lock);
	WRITE_ONCE(q->bytes, bytes);
	if (bytes > q->count.high_water_bytes)
		q->count.high_water_bytes = bytes;
}

/**
 * struct kmsgq_wakeups - who is to be woken for a change of the account
 * @task: there is room where there was none: wake a sleeping writer
 * @poll: there is room that a poller may wait for
 */
struct kmsgq_wakeups {
	bool task;
	bool poll;
};

/**
 * kmsgq_poller_for_room() - is a poller to be woken for room
 * @q: the queue, its lock held
 *
 * No poller is woken by a queue that was never full.
 *
 * Return: true if one is; it is counted as woken.
 */
static bool kmsgq_poller_for_room(struct kmsgq_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (likely(!q->full_seen) || kmsgq_is_full(q))
		return false;
	q->full_seen--;
	return true;
}

/**
 * kmsgq_uncharge() - take a message's memory off the account
 * @q: the queue, its lock held
 * @footprint: of the message, in bytes
 *
 * Return: what kmsgq_wake_writers() is to do when the lock has been released.
 */
static struct kmsgq_wakeups kmsgq_uncharge(struct kmsgq_queue *q, u32 footprint)
{
	struct kmsgq_wakeups wakeups;
	bool was_full = kmsgq_is_full(q);

	lockdep_assert_held(&q->lock);
	WRITE_ONCE(q->bytes, q->bytes - footprint);
	wakeups.task = was_full && !kmsgq_is_full(q);
	wakeups.poll = kmsgq_poller_for_room(q);
	return wakeups;
}

/**
 * kmsgq_wake() - wake one of those who wait, if anybody does
 * @wq: where they wait: one task is woken, or one of the exclusive pollers
 *	beside all others
 * @events: what has happened, for pollers; 0 for tasks
 *
 * The queue's lock is not held, but has been since the change.
 */
static inline void kmsgq_wake(wait_queue_head_t *wq, __poll_t events)
{
	/* No barrier is needed: see DOC above. */
	if (waitqueue_active(wq))
		wake_up_interruptible_poll(wq, events);
}

/**
 * kmsgq_wake_writers() - wake those who can use the room
 * @q: the queue, its lock not held
 * @wakeups: of kmsgq_uncharge()
 */
static inline void kmsgq_wake_writers(struct kmsgq_queue *q,
				      struct kmsgq_wakeups wakeups)
{
	if (unlikely(wakeups.task))
		kmsgq_wake(&q->writers, 0);
	if (unlikely(wakeups.poll))
		kmsgq_wake(&q->polls, EPOLLOUT | EPOLLWRNORM);
}

/**
 * kmsgq_wake_readers() - wake those who can use a message that has come
 * @q: the queue, its lock not held
 * @was_empty: there was no other
 */
static inline void kmsgq_wake_readers(struct kmsgq_queue *q, bool was_empty)
{
	if (was_empty)
		kmsgq_wake(&q->readers, 0);
	kmsgq_wake(&q->polls, EPOLLIN | EPOLLRDNORM);
}

/**
 * kmsgq_append() - link a message in at the tail
 * @q: the queue, its lock held
 * @msg: the message
 */
static void kmsgq_append(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	lockdep_assert_held(&q->lock);
	msg->next = NULL;
	msg->seq = q->next_seq++;
	msg->stamp = get_jiffies_64();
	WRITE_ONCE(*q->tail, msg);
	q->tail = &msg->next;
}

/**
 * kmsgq_enqueue() - put a message in, behind all others
 * @q: the queue
 * @msg: the message, its content filled; the queue's on success, else still
 *	the caller's
 *
 * Return: 0, -EMSGSIZE if @msg is too long, or -EAGAIN if the queue is full.
 */
int kmsgq_enqueue(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	bool was_empty, poll;
	int err;

	spin_lock(&q->lock);
	err = kmsgq_admit(q, msg->len);
	if (unlikely(err)) {
		spin_unlock(&q->lock);
		return err;
	}
	was_empty = kmsgq_is_empty(q);
	kmsgq_append(q, msg);
	kmsgq_charge(q, msg->footprint);
	poll = kmsgq_poller_for_room(q);
	trace_kmsgq_enqueue(q, msg);
	spin_unlock(&q->lock);

	kmsgq_wake_readers(q, was_empty);
	/* A writer that leaves room wakes the next. */
	if (unlikely(waitqueue_active(&q->writers)) && !kmsgq_is_full(q))
		kmsgq_wake(&q->writers, 0);
	if (unlikely(poll))
		kmsgq_wake(&q->polls, EPOLLOUT | EPOLLWRNORM);
	return 0;
}

/**
 * kmsgq_dequeue() - take the oldest message out
 * @q: the queue
 * @room: how many bytes of it the reader can take
 * @whole: leave it where it is if it is longer than @room
 * @keep: leave it in the account in any case; else only if it is longer than
 *	@room, since the reader may then have it for long
 *
 * Return: the message, now the caller's, and in the account if @keep or longer
 * than @room; ERR_PTR(-EAGAIN) if the queue is empty; ERR_PTR(-EMSGSIZE) if
 * @whole and the message is longer than @room.
 */
struct kmsgq_msg *kmsgq_dequeue(struct kmsgq_queue *q, size_t room, bool whole,
				bool keep)
{
	struct kmsgq_wakeups wakeups = {};
	struct kmsgq_msg *msg;

	/*
	 * Check without the lock first, so that readers of an empty queue do
	 * not contend with writers.
	 */
	if (kmsgq_is_empty(q))
		return ERR_PTR(-EAGAIN);

	spin_lock(&q->lock);
	msg = kmsgq_first(q);
	if (!msg || (whole && msg->len > room)) {
		spin_unlock(&q->lock);
		return ERR_PTR(msg ? -EMSGSIZE : -EAGAIN);
	}
	if (likely(msg == q->head)) {
		WRITE_ONCE(q->head, msg->next);
		if (!q->head)
			q->tail = &q->head;
	} else {
		rb_erase_cached(&msg->node, &q->returned);
	}
	q->count.dequeued++;
	if (keep || msg->len > room)
		q->count.held++;
	else
		wakeups = kmsgq_uncharge(q, msg->footprint);
	trace_kmsgq_dequeue(q, msg);
	spin_unlock(&q->lock);

	/* A reader that leaves messages wakes the next, before it copies. */
	if (unlikely(waitqueue_active(&q->readers)) && !kmsgq_is_empty(q))
		kmsgq_wake(&q->readers, 0);
	kmsgq_wake_writers(q, wakeups);
	return msg;
}

/**
 * kmsgq_put_back() - link a message in at its old place
 * @q: the queue, its lock held
 * @msg: the message; all others that came back keep their order with it
 *
 * O(log n) for n messages that came back.
 */
static void kmsgq_put_back(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	struct rb_node **link = &q->returned.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	lockdep_assert_held(&q->lock);
	while (*link) {
		parent = *link;
		if (msg->seq < rb_entry(parent, struct kmsgq_msg, node)->seq) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&msg->node, parent, link);
	rb_insert_color_cached(&msg->node, &q->returned, leftmost);
}

/**
 * kmsgq_return() - put a message back that could not be delivered
 * @q: the queue
 * @msg: a message of kmsgq_dequeue(), now the queue's again
 * @kept: it is still in the account
 *
 * Never fails: the queue may hold more than its limit for a while, by what
 * readers had in hand.
 */
void kmsgq_return(struct kmsgq_queue *q, struct kmsgq_msg *msg, bool kept)
{
	bool was_empty;

	spin_lock(&q->lock);
	was_empty = kmsgq_is_empty(q);
	if (kept)
		q->count.held--;
	else
		kmsgq_charge(q, msg->footprint);
	q->count.returned++;
	kmsgq_put_back(q, msg);
	trace_kmsgq_return(q, msg);
	spin_unlock(&q->lock);

	kmsgq_wake_readers(q, was_empty);
}

/**
 * kmsgq_lease_set() - have an open file hold a message, or more of it
 * @q: the queue that it came from
 * @lease: the file's
 * @msg: the message, in the account
 * @offset: how many bytes of it have been delivered, 1 or more
 */
void kmsgq_lease_set(struct kmsgq_queue *q, struct kmsgq_lease *lease,
		     struct kmsgq_msg *msg, size_t offset)
{
	spin_lock(&q->lock);
	if (!lease->msg && msg->deliveries < KMSGQ_DELIVERIES_MAX)
		msg->deliveries++;
	lease->msg = msg;
	lease->offset = offset;
	spin_unlock(&q->lock);
}

/**
 * kmsgq_lease_end() - free the message that an open file holds
 * @q: the queue that it came from
 * @lease: the file's, which holds a message
 * @dropped: it was not read to its end
 */
void kmsgq_lease_end(struct kmsgq_queue *q, struct kmsgq_lease *lease,
		     bool dropped)
{
	struct kmsgq_msg *msg = lease->msg;
	struct kmsgq_wakeups wakeups;

	spin_lock(&q->lock);
	lease->msg = NULL;
	q->count.held--;
	q->count.dropped += dropped;
	wakeups = kmsgq_uncharge(q, msg->footprint);
	if (!dropped)
		trace_kmsgq_confirm(q, msg);
	spin_unlock(&q->lock);

	kmsgq_wake_writers(q, wakeups);
	kmsgq_msg_free(msg, &q->spare);
}

/**
 * kmsgq_lease_bury() - move the message that an open file holds to another queue
 * @q: the queue that it came from
 * @lease: the file's, which holds a message
 * @dead: the other queue. Never are both queues' locks held
 *
 * Return: true; false if @dead does not take the message, which is held as
 * before then.
 */
static bool kmsgq_lease_bury(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			     struct kmsgq_queue *dead)
{
	struct kmsgq_msg *msg = lease->msg;
	u32 deliveries = msg->deliveries, footprint = msg->footprint;
	struct kmsgq_wakeups wakeups;

	msg->deliveries = 0;
	if (kmsgq_enqueue(dead, msg)) {
		msg->deliveries = deliveries;
		return false;
	}
	/* @msg is somebody else's now. */
	spin_lock(&q->lock);
	lease->msg = NULL;
	q->count.held--;
	q->count.dead++;
	wakeups = kmsgq_uncharge(q, footprint);
	spin_unlock(&q->lock);
	kmsgq_wake_writers(q, wakeups);
	return true;
}

/**
 * kmsgq_lease_return() - put back the message that an open file holds
 * @q: the queue that it came from
 * @lease: the file's, which holds a message; nobody else uses it any more
 * @dead: where a message goes that was delivered too often, or NULL
 * @max_deliveries: how often is too often
 *
 * Never fails: a message that @dead does not take goes to the tail of @q.
 */
void kmsgq_lease_return(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			struct kmsgq_queue *dead, u32 max_deliveries)
{
	bool exhausted = dead && lease->msg->deliveries >= max_deliveries;
	bool was_empty;

	if (exhausted && kmsgq_lease_bury(q, lease, dead))
		return;

	spin_lock(&q->lock);
	was_empty = kmsgq_is_empty(q);
	q->count.held--;
	q->count.returned++;
	if (exhausted) {
		kmsgq_append(q, lease->msg);
		q->retailed++;
	} else {
		kmsgq_put_back(q, lease->msg);
	}
	trace_kmsgq_return(q, lease->msg);
	lease->msg = NULL;
	spin_unlock(&q->lock);

	kmsgq_wake_readers(q, was_empty);
}

/**
 * kmsgq_has_room() - would a message of the largest size fit
 * @q: the queue
 *
 * For a caller that goes away if not: a poller, on @q->polls already, or a
 * writer that does not wait, which may have an edge-triggered poller.
 *
 * Return: true if it would; else a poller will be woken when it does.
 */
bool kmsgq_has_room(struct kmsgq_queue *q)
{
	bool full;

	spin_lock(&q->lock);
	full = kmsgq_is_full(q);
	q->full_seen += full;
	if (full)
		trace_kmsgq_full(q);
	spin_unlock(&q->lock);
	return !full;
}

/**
 * kmsgq_pass_on() - wake the next in place of one that will not come
 * @q: the queue
 * @events: EPOLLIN for a reader, EPOLLOUT for a writer
 *
 * For whoever was woken, or may have been, and takes no message (no room): the
 * wake-up that it used may have been the only one.
 */
void kmsgq_pass_on(struct kmsgq_queue *q, __poll_t events)
{
	if (events & EPOLLIN && !kmsgq_is_empty(q))
		kmsgq_wake_readers(q, true);
	if (events & EPOLLOUT && !kmsgq_is_full(q)) {
		kmsgq_wake(&q->writers, 0);
		kmsgq_wake(&q->polls, EPOLLOUT | EPOLLWRNORM);
	}
}
