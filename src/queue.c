// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FIFO of messages: order, account, leases, sleeping and waking.
 */
#include "queue.h"

#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "compat.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * DOC: the queue
 *
 * A singly linked list under one spinlock, which is held for a few
 * instructions: messages are allocated, filled, emptied and freed outside.
 * Process context only; every function may be called by any number of tasks at
 * once, and none holds a lock on return.
 *
 * Messages leave from the head, so those that are returned are all older than
 * the list. They are in a tree: many may be returned at once, in any order, when
 * workers die.
 *
 * A message is charged to the queue until it is freed. One exception: a reader
 * with space for all of a message in one piece (at most 2 KiB) uncharges it when
 * it dequeues it, under the same lock. If its copy fails, the message is charged
 * again, and the queue may exceed its limit by that much for each reader. For
 * larger messages that would be without bound.
 *
 * Full is one condition for all writers, whatever the size of their messages: a
 * message of the largest size would not fit. So writers can be woken one by
 * one: if one of them cannot continue, none can.
 *
 * A task sleeps only after it has found, under the lock and while on the wait
 * queue, that it cannot continue. So a task that has changed the queue and
 * released the lock needs no barrier before it looks for sleepers
 * (waitqueue_active()): if a sleeper took the lock before, its place on the wait
 * queue is visible; if later, it saw the change.
 *
 * A message in an empty queue wakes one sleeping reader, and each reader that
 * leaves messages wakes the next. Writers are woken for a page of space, or half
 * the queue, or when no message is left, and each writer that leaves space wakes
 * the next: to wake one for each message would cost two context switches a
 * message. A task that was woken and fails passes the wake-up on.
 *
 * The backstop: a woken task may get no processor (SCHED_IDLE, a cgroup's quota).
 * Messages and a sleeping reader, or space and a sleeping writer, imply a pending
 * timer, which wakes more of them at each expiry.
 *
 * Pollers return to user space first, where they may stop for good: they get a
 * wake-up for each message, and all of them one when the queue stops being full.
 */

/* Memory of the messages in a queue's list of spares. */
#define KMSGQ_SPARES_MAX	SZ_256K

/* Space for which a sleeping writer is woken at once, in bytes. */
#define KMSGQ_WAKE_SPACE	4096UL

#define KMSGQ_BACKSTOP_MS	20
#define KMSGQ_BACKSTOP_MAX	SZ_64K

/* May run beside any function but kmsgq_queue_exit(), and takes no lock of ours. */
static void kmsgq_backstop(struct timer_list *timer)
{
	struct kmsgq_queue *q = container_of(timer, struct kmsgq_queue, backstop);
	bool readers, writers;

	/* Pairs with kmsgq_arm_backstop(): it sees no timer, or we its change. */
	smp_mb();
	/* waitqueue_active(): ordered by the barrier */
	readers = waitqueue_active(&q->readers) && !kmsgq_is_empty(q);
	/* waitqueue_active(): likewise */
	writers = waitqueue_active(&q->writers) && !kmsgq_is_full(q);
	if (!readers && !writers) {
		q->backstop_wakes = 1;
		return;
	}
	if (readers)
		wake_up_interruptible_nr(&q->readers, q->backstop_wakes);
	if (writers)
		wake_up_interruptible_nr(&q->writers, q->backstop_wakes);
	q->backstop_wakes = min(2 * q->backstop_wakes, KMSGQ_BACKSTOP_MAX);
	mod_timer(timer, jiffies + msecs_to_jiffies(KMSGQ_BACKSTOP_MS));
}

static noinline void kmsgq_arm_backstop(struct kmsgq_queue *q)
{
	smp_mb();	/* see kmsgq_backstop() */
	if (!timer_pending(&q->backstop))
		mod_timer(&q->backstop,
			  jiffies + msecs_to_jiffies(KMSGQ_BACKSTOP_MS));
}

/*
 * Wake one of the tasks that can continue, if @wake, and cover the others. The
 * queue's lock is not held, but was after the change: see DOC.
 */
static __always_inline void kmsgq_wake_task(struct kmsgq_queue *q,
					    wait_queue_head_t *wq, bool wake)
{
	if (likely(!waitqueue_active(wq)))	/* ordered by q->lock */
		return;
	if (wake)
		wake_up_interruptible(wq);
	if (waitqueue_active(wq))		/* ordered by q->lock */
		kmsgq_arm_backstop(q);
}

/* A message has arrived; @was_empty: in an empty queue. */
static inline void kmsgq_wake_readers(struct kmsgq_queue *q, bool was_empty)
{
	kmsgq_wake_task(q, &q->readers, was_empty);
	if (waitqueue_active(&q->polls))	/* ordered by q->lock */
		wake_up_interruptible_poll(&q->polls, EPOLLIN | EPOLLRDNORM);
}

/* The queue has space; @wake: enough to wake a task. */
static void kmsgq_wake_writers(struct kmsgq_queue *q, bool wake)
{
	if (!kmsgq_is_full(q))
		kmsgq_wake_task(q, &q->writers, wake);
}

static void kmsgq_wake_polling_writers(struct kmsgq_queue *q)
{
	/* All: an exclusive one may not write. */
	if (waitqueue_active(&q->polls))	/* ordered by q->lock */
		__wake_up(&q->polls, TASK_INTERRUPTIBLE, 0,
			  poll_to_key(EPOLLOUT | EPOLLWRNORM));
}

static noinline void kmsgq_wake_for_space(struct kmsgq_queue *q,
					  unsigned long before)
{
	unsigned long mark = READ_ONCE(q->wake_below);
	bool page = before > mark && READ_ONCE(q->bytes) <= mark;

	kmsgq_wake_writers(q, page || kmsgq_is_empty(q));
}

/* A message was dequeued or uncharged; @before: q->bytes before that. */
static inline void kmsgq_made_space(struct kmsgq_queue *q, unsigned long before)
{
	if (unlikely(waitqueue_active(&q->writers)))	/* ordered by q->lock */
		kmsgq_wake_for_space(q, before);
	if (unlikely(before > READ_ONCE(q->full_above)) && !kmsgq_is_full(q))
		kmsgq_wake_polling_writers(q);
}

static noinline void kmsgq_free_list(struct kmsgq_msg *msg)
{
	while (msg) {
		struct kmsgq_msg *next = msg->next;

		kmsgq_msg_free(msg, NULL);
		msg = next;
	}
}

static bool kmsgq_spare_fits(const struct kmsgq_queue *q, u32 footprint)
{
	unsigned long sum = q->spare_bytes + footprint;

	return sum <= KMSGQ_SPARES_MAX && q->bytes + sum <= q->config.max_bytes;
}

/*
 * Move the spare to the list, to make way for a message of @footprint that is
 * about to be freed.
 */
static noinline void kmsgq_push_spare(struct kmsgq_queue *q, u32 footprint)
{
	struct kmsgq_msg *msg;

	lockdep_assert_held(&q->lock);
	if (!kmsgq_spare_fits(q, footprint))
		return;
	msg = xchg(&q->spare, NULL);
	if (!msg)
		return;
	/* Once for each change of the messages' size. */
	if (msg->len > KMSGQ_INLINE_MAX || !kmsgq_spare_fits(q, msg->footprint)) {
		kmsgq_msg_free(msg, NULL);
		return;
	}
	msg->next = q->spares;
	q->spares = msg;
	q->spare_bytes += msg->footprint;
}

/* Move a message of the list to the spare, for the next writer. */
static void kmsgq_pop_spare(struct kmsgq_queue *q)
{
	struct kmsgq_msg *msg = q->spares, *next;
	u32 footprint;

	lockdep_assert_held(&q->lock);
	if (READ_ONCE(q->spare))
		return;
	/* As the spare, it may be gone at once. */
	next = msg->next;
	footprint = msg->footprint;
	if (!cmpxchg(&q->spare, NULL, msg)) {
		q->spares = next;
		q->spare_bytes -= footprint;
	}
}

/* Detach what the limit has no space for, to be freed without the lock. */
static noinline struct kmsgq_msg *kmsgq_trim_spares(struct kmsgq_queue *q)
{
	struct kmsgq_msg *first = q->spares, **end = &first;

	lockdep_assert_held(&q->lock);
	while (*end && q->bytes + q->spare_bytes > q->config.max_bytes) {
		q->spare_bytes -= (*end)->footprint;
		end = &(*end)->next;
	}
	q->spares = *end;
	*end = NULL;
	return first;
}

/* Return spares to be freed without the lock. */
static struct kmsgq_msg *kmsgq_charge(struct kmsgq_queue *q, u32 footprint)
{
	unsigned long bytes = q->bytes + footprint;

	lockdep_assert_held(&q->lock);
	WRITE_ONCE(q->bytes, bytes);
	if (bytes > q->high_water_bytes)
		q->high_water_bytes = bytes;
	return likely(!q->spares) ? NULL : kmsgq_trim_spares(q);
}

static void kmsgq_uncharge(struct kmsgq_queue *q, u32 footprint)
{
	lockdep_assert_held(&q->lock);
	WRITE_ONCE(q->bytes, q->bytes - footprint);
	if (READ_ONCE(q->spare))
		kmsgq_push_spare(q, footprint);
}

/**
 * kmsgq_queue_init() - initialize an empty queue
 * @q: the queue; it takes no message until kmsgq_configure() was called
 */
void kmsgq_queue_init(struct kmsgq_queue *q)
{
	*q = (struct kmsgq_queue){
		.name = "",
		.tail = &q->head,
		.tree = RB_ROOT_CACHED,
		.backstop_wakes = 1,
	};
	spin_lock_init(&q->lock);
	init_waitqueue_head(&q->readers);
	init_waitqueue_head(&q->writers);
	init_waitqueue_head(&q->polls);
	/* Pinned, or it moves to a busy processor, which may serve no timers. */
	timer_setup(&q->backstop, kmsgq_backstop, TIMER_PINNED);
}

/**
 * kmsgq_queue_exit() - stop the timer and free the spares of an empty queue
 * @q: the queue, no longer in use
 *
 * Context: May sleep.
 */
void kmsgq_queue_exit(struct kmsgq_queue *q)
{
	timer_delete_sync(&q->backstop);
	if (q->spare)
		kmsgq_msg_free(q->spare, NULL);
	kmsgq_free_list(q->spares);
}

/**
 * kmsgq_configure() - change the settings of a queue
 * @q: the queue
 * @config: the new settings; copied
 *
 * Discards no message: a queue that has more than the new limits allow is full
 * until it has been read. Wakes every task that waits, since what it waits for
 * has changed.
 *
 * Return: 0, or -EINVAL if kmsgq_config_fits() says no.
 */
int kmsgq_configure(struct kmsgq_queue *q, const struct kmsgq_config *config)
{
	struct kmsgq_msg *excess;
	unsigned long full;

	if (!kmsgq_config_fits(config))
		return -EINVAL;
	full = config->max_bytes - kmsgq_footprint(config->msg_max_size);

	spin_lock(&q->lock);
	WRITE_ONCE(q->config.msg_max_size, config->msg_max_size);
	q->config.max_bytes = config->max_bytes;
	q->config.read_wait = config->read_wait;
	WRITE_ONCE(q->full_above, full);
	WRITE_ONCE(q->wake_below, full - min(full / 2, KMSGQ_WAKE_SPACE));
	excess = kmsgq_trim_spares(q);
	spin_unlock(&q->lock);

	wake_up_interruptible_all(&q->readers);
	wake_up_interruptible_all(&q->writers);
	kmsgq_wake_polling_writers(q);
	kmsgq_free_list(excess);
	return 0;
}

static struct kmsgq_msg *kmsgq_first(const struct kmsgq_queue *q)
{
	struct rb_node *node = rb_first_cached(&q->tree);

	lockdep_assert_held(&q->lock);
	return unlikely(node) ? rb_entry(node, struct kmsgq_msg, node) : q->head;
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
	*counters = (struct kmsgq_counters){
		.queued = kmsgq_queued(q),
		.queued_bytes = q->bytes,
		.held = q->held,
		.enqueued = q->enqueued,
		.dequeued = q->dequeued,
		.dropped = q->dropped,
		.returned = q->returned,
		.dead = q->dead,
		.high_water_bytes = q->high_water_bytes,
	};
	first = kmsgq_first(q);
	now = get_jiffies_64();
	stamp = first ? first->stamp : now;
	spin_unlock(&q->lock);

	counters->waiting_readers = atomic_read(&q->waiting_readers);
	counters->waiting_writers = atomic_read(&q->waiting_writers);
	counters->oldest_age_ms = jiffies64_to_msecs(now - stamp);
}

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
 * kmsgq_enqueue() - append a message
 * @q: the queue
 * @msg: the message, its content filled; the queue's on success, else still
 *	the caller's
 *
 * Return: 0, -EMSGSIZE if @msg is too long, or -EAGAIN if the queue is full.
 */
int kmsgq_enqueue(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	struct kmsgq_msg *excess;
	bool was_empty;
	int err;

	spin_lock(&q->lock);
	err = kmsgq_admit(q, msg->len);
	if (unlikely(err)) {
		if (err == -EAGAIN)
			trace_kmsgq_full(q);
		spin_unlock(&q->lock);
		return err;
	}
	was_empty = kmsgq_is_empty(q);
	msg->deliveries = 0;
	msg->charged = false;
	kmsgq_append(q, msg);
	q->enqueued++;
	/* A message in an empty queue is likely to be the next spare itself. */
	if (!was_empty && q->spares)
		kmsgq_pop_spare(q);
	excess = kmsgq_charge(q, msg->footprint);
	trace_kmsgq_enqueue(q, msg);
	spin_unlock(&q->lock);

	kmsgq_wake_readers(q, was_empty);
	/* A writer that leaves space wakes the next. */
	if (unlikely(waitqueue_active(&q->writers)))	/* ordered by q->lock */
		kmsgq_wake_writers(q, true);
	if (unlikely(excess))
		kmsgq_free_list(excess);
	return 0;
}

/**
 * kmsgq_dequeue_first() - remove the oldest message under the lock
 * @q: the queue
 * @lease: as for kmsgq_dequeue()
 * @space: likewise
 * @flags: likewise
 *
 * Return: as kmsgq_dequeue().
 */
struct kmsgq_msg *kmsgq_dequeue_first(struct kmsgq_queue *q,
				      struct kmsgq_lease *lease, size_t space,
				      unsigned int flags)
{
	unsigned long before;
	struct kmsgq_msg *msg;
	bool hold;

	spin_lock(&q->lock);
	msg = kmsgq_first(q);
	if (unlikely(!msg || lease->msg ||
		     (msg->len > space && flags & KMSGQ_WHOLE))) {
		spin_unlock(&q->lock);
		return ERR_PTR(lease->msg ? -EBUSY : msg ? -EMSGSIZE : -EAGAIN);
	}
	if (likely(msg == q->head)) {
		WRITE_ONCE(q->head, msg->next);
		if (!q->head)
			q->tail = &q->head;
	} else {
		rb_erase_cached(&msg->node, &q->tree);
	}
	q->dequeued++;
	before = q->bytes;
	hold = flags & KMSGQ_HOLD || msg->len > space;
	if (unlikely(hold || msg->len > KMSGQ_INLINE_MAX)) {
		msg->charged = true;
		q->held++;
		if (hold) {
			WRITE_ONCE(lease->msg, msg);
			lease->offset = 0;
		}
	} else {
		kmsgq_uncharge(q, msg->footprint);
	}
	trace_kmsgq_dequeue(q, msg);
	spin_unlock(&q->lock);

	/* A reader that leaves messages wakes the next, before it copies. */
	if (unlikely(waitqueue_active(&q->readers)) &&	/* ordered by q->lock */
	    !kmsgq_is_empty(q))
		kmsgq_wake_task(q, &q->readers, true);
	kmsgq_made_space(q, before);
	return msg;
}

/**
 * kmsgq_finish_charged() - uncharge a message that was delivered
 * @q: the queue
 * @msg: the message; see kmsgq_finish()
 */
void kmsgq_finish_charged(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	unsigned long before;

	spin_lock(&q->lock);
	before = q->bytes;
	q->held--;
	kmsgq_uncharge(q, msg->footprint);
	spin_unlock(&q->lock);
	kmsgq_made_space(q, before);
}

/* Link a message in at its old place: O(log n) for n returned messages. */
static void kmsgq_put_back(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	struct rb_node **link = &q->tree.rb_root.rb_node, *parent = NULL, *node;
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
	rb_link_node(&msg->node, parent, &node);
	/* kmsgq_is_empty() reads the root without the lock; as rb_erase(). */
	WRITE_ONCE(*link, node);
	rb_insert_color_cached(&msg->node, &q->tree, leftmost);
}

/* @lease: that has the message, or NULL; @tail: not to its old place. */
static void kmsgq_requeue(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			  struct kmsgq_msg *msg, bool tail)
{
	struct kmsgq_msg *excess = NULL;
	bool was_empty;

	spin_lock(&q->lock);
	was_empty = kmsgq_is_empty(q);
	if (msg->charged)
		q->held--;
	else
		excess = kmsgq_charge(q, msg->footprint);
	msg->charged = false;
	if (lease)
		WRITE_ONCE(lease->msg, NULL);
	q->returned++;
	if (tail)
		kmsgq_append(q, msg);
	else
		kmsgq_put_back(q, msg);
	trace_kmsgq_return(q, msg);
	spin_unlock(&q->lock);

	kmsgq_wake_readers(q, was_empty);
	kmsgq_free_list(excess);
}

/**
 * kmsgq_return() - return a message that could not be delivered to its place
 * @q: the queue
 * @msg: a message of kmsgq_dequeue() that is in no lease; now the queue's again
 *
 * Never fails: a message in one piece that was uncharged may make the queue
 * exceed its limit.
 */
void kmsgq_return(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	kmsgq_requeue(q, NULL, msg, false);
}

/**
 * kmsgq_lease_advance() - note that a part of a held message was delivered
 * @q: the queue that it came from
 * @lease: the lease, its open file locked
 * @len: length of the part, in bytes, 1 or more
 */
void kmsgq_lease_advance(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			 size_t len)
{
	struct kmsgq_msg *msg = lease->msg;

	spin_lock(&q->lock);
	if (!lease->offset && msg->deliveries < KMSGQ_DELIVERIES_MAX)
		msg->deliveries++;
	lease->offset += len;
	spin_unlock(&q->lock);
	/* Ordered by q->lock, as waitqueue_active(): see DOC. */
	if (unlikely(atomic_read(&lease->waiting)))
		wake_up_interruptible_all(&q->readers);
}

/* @counter: what became of the message, or NULL if it was confirmed. */
static void kmsgq_lease_end(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			    u32 footprint, u64 *counter)
{
	unsigned long before;

	spin_lock(&q->lock);
	before = q->bytes;
	q->held--;
	kmsgq_uncharge(q, footprint);
	if (counter)
		(*counter)++;
	else
		trace_kmsgq_confirm(q, lease->msg);
	WRITE_ONCE(lease->msg, NULL);
	spin_unlock(&q->lock);
	kmsgq_made_space(q, before);
}

/**
 * kmsgq_lease_confirm() - free the message that an open file has read
 * @q: the queue that it came from
 * @lease: the lease, its open file locked
 */
void kmsgq_lease_confirm(struct kmsgq_queue *q, struct kmsgq_lease *lease)
{
	struct kmsgq_msg *msg = lease->msg;

	kmsgq_lease_end(q, lease, msg->footprint, NULL);
	kmsgq_msg_free(msg, &q->spare);
}

/**
 * kmsgq_lease_drop() - free the message that an open file has partly read
 * @q: the queue that it came from
 * @lease: the lease, its open file no longer in use
 */
void kmsgq_lease_drop(struct kmsgq_queue *q, struct kmsgq_lease *lease)
{
	struct kmsgq_msg *msg = lease->msg;

	kmsgq_lease_end(q, lease, msg->footprint, &q->dropped);
	kmsgq_msg_free(msg, &q->spare);
}

/* Never are the locks of both queues held. Return false if @dead is full. */
static bool kmsgq_move_to_dead(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			       struct kmsgq_queue *dead)
{
	u32 footprint = lease->msg->footprint;

	if (kmsgq_enqueue(dead, lease->msg))
		return false;
	/* The message belongs to @dead now. */
	kmsgq_lease_end(q, lease, footprint, &q->dead);
	return true;
}

/**
 * kmsgq_lease_return() - return the message that an open file holds
 * @q: the queue that it came from
 * @lease: the lease, its open file locked or no longer in use
 * @dead: where a message goes that was delivered too often, or NULL
 * @max_deliveries: how often is too often
 *
 * Never fails: a message that @dead does not take goes to the tail of @q.
 */
void kmsgq_lease_return(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			struct kmsgq_queue *dead, u32 max_deliveries)
{
	bool exhausted = dead && lease->msg->deliveries >= max_deliveries;

	if (!exhausted || !kmsgq_move_to_dead(q, lease, dead))
		kmsgq_requeue(q, lease, lease->msg, exhausted);
}

/**
 * kmsgq_lease_info() - read what fdinfo shows of a lease
 * @q: the queue
 * @lease: the lease, its open file in use by any number of tasks
 * @info: where it is stored; all 0 if no byte of a message has been delivered
 */
void kmsgq_lease_info(struct kmsgq_queue *q, const struct kmsgq_lease *lease,
		      struct kmsgq_lease_info *info)
{
	*info = (struct kmsgq_lease_info){};
	spin_lock(&q->lock);
	if (lease->msg && lease->offset) {
		info->len = lease->msg->len;
		info->deliveries = lease->msg->deliveries;
		info->seq = lease->msg->seq;
	}
	spin_unlock(&q->lock);
}

/**
 * kmsgq_is_readable() - check whether a read would not block
 * @q: the queue; a poller is on its @polls already
 * @lease: the lease of the open file that reads
 * @nonblock: the read confirms a held message and fails rather than block
 *
 * Return: true if it would not.
 */
bool kmsgq_is_readable(struct kmsgq_queue *q, const struct kmsgq_lease *lease,
		       bool nonblock)
{
	bool readable;

	spin_lock(&q->lock);
	readable = !kmsgq_is_empty(q) ||
		   (lease->msg && lease->offset &&
		    (nonblock || lease->offset < lease->msg->len));
	spin_unlock(&q->lock);
	return readable;
}

/**
 * kmsgq_is_writable() - check whether a write of any size would not block
 * @q: the queue; a poller is on its @polls already
 *
 * Return: true if it would not.
 */
bool kmsgq_is_writable(struct kmsgq_queue *q)
{
	bool full;

	spin_lock(&q->lock);
	full = kmsgq_is_full(q);
	if (full)
		trace_kmsgq_full(q);
	spin_unlock(&q->lock);
	return !full;
}

/*
 * Sleep until woken if @err is -EAGAIN, and leave the wait queue. Not
 * wait_event(): that would put a task that was woken on the wait queue again
 * before it looks (200 instructions, 4 % of a message's way to a sleeping reader).
 */
static __always_inline int kmsgq_sleep(wait_queue_head_t *wq,
				       struct wait_queue_entry *wait,
				       atomic_t *waiting, int err)
{
	if (err == -EAGAIN) {
		err = 0;
		if (!signal_pending(current))
			schedule();
	}
	finish_wait(wq, wait);
	atomic_dec(waiting);
	/* A signal that kills this task must not have it take a message. */
	return !err && signal_pending(current) ? -ERESTARTSYS : err;
}

static int kmsgq_wait_readable(struct kmsgq_queue *q,
			       const struct kmsgq_lease *lease)
{
	DEFINE_WAIT(wait);
	int err = 0;

	atomic_inc(&q->waiting_readers);
	prepare_to_wait_exclusive(&q->readers, &wait, TASK_INTERRUPTIBLE);
	spin_lock(&q->lock);
	if (kmsgq_is_empty(q) && !lease->msg)
		err = q->config.read_wait ? -EAGAIN : -ENODATA;
	spin_unlock(&q->lock);
	return kmsgq_sleep(&q->readers, &wait, &q->waiting_readers, err);
}

/**
 * kmsgq_dequeue_wait() - wait for a message, and remove it
 * @q: the queue
 * @lease: as for kmsgq_dequeue()
 * @space: likewise
 * @flags: likewise
 *
 * Ends, too, when @lease has a message: another task that shares the open file may
 * have read a part of one.
 *
 * Context: May sleep, if the queue is so configured (read_wait).
 * Return: as kmsgq_dequeue(), but if the queue is empty, ERR_PTR(-ENODATA) where
 * readers do not wait, or ERR_PTR(-ERESTARTSYS) if a signal arrived.
 */
struct kmsgq_msg *kmsgq_dequeue_wait(struct kmsgq_queue *q,
				     struct kmsgq_lease *lease, size_t space,
				     unsigned int flags)
{
	struct kmsgq_msg *msg;

	atomic_inc(&lease->waiting);
	/* Another reader may take the message that this one was woken for. */
	do {
		int err = kmsgq_wait_readable(q, lease);

		msg = err ? ERR_PTR(err) :
			    kmsgq_dequeue_first(q, lease, space, flags);
	} while (msg == ERR_PTR(-EAGAIN));
	atomic_dec(&lease->waiting);
	if (IS_ERR(msg))
		kmsgq_pass_on(q, EPOLLIN);
	return msg;
}

static int kmsgq_wait_writable(struct kmsgq_queue *q, size_t len)
{
	DEFINE_WAIT(wait);
	int err;

	atomic_inc(&q->waiting_writers);
	prepare_to_wait_exclusive(&q->writers, &wait, TASK_INTERRUPTIBLE);
	spin_lock(&q->lock);
	err = kmsgq_admit(q, len);
	spin_unlock(&q->lock);
	return kmsgq_sleep(&q->writers, &wait, &q->waiting_writers, err);
}

/**
 * kmsgq_enqueue_wait() - wait for space, and append a message
 * @q: the queue
 * @msg: as for kmsgq_enqueue()
 *
 * A caller that fails calls kmsgq_pass_on() next.
 *
 * Context: May sleep.
 * Return: 0, -EMSGSIZE if @msg is too long, -ERESTARTSYS if a signal arrived.
 */
int kmsgq_enqueue_wait(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	int err;

	/* Another writer may take the space that this one was woken for. */
	do {
		err = kmsgq_wait_writable(q, msg->len) ?: kmsgq_enqueue(q, msg);
	} while (err == -EAGAIN);
	return err;
}

/**
 * kmsgq_pass_on() - hand an unused wake-up to the next waiter
 * @q: the queue
 * @events: EPOLLIN for a reader, EPOLLOUT for a writer
 *
 * For any task that may have been woken and takes no message or space: the
 * wake-up that it used may have been the only one.
 */
void kmsgq_pass_on(struct kmsgq_queue *q, __poll_t events)
{
	if (events & EPOLLIN && !kmsgq_is_empty(q))
		kmsgq_wake_readers(q, true);
	if (events & EPOLLOUT)
		kmsgq_wake_writers(q, true);
}
