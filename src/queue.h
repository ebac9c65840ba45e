/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIFO of messages: order, limits, accounting, and who is woken when.
 */
#ifndef KMSGQ_QUEUE_H
#define KMSGQ_QUEUE_H

#include <linux/atomic.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "msg.h"

/* Room for the name of a queue, in bytes, with its NUL. */
#define KMSGQ_NAME_SIZE 64

/**
 * struct kmsgq_config - what an administrator may change while a queue is in use
 * @msg_max_size: largest message, in bytes, 1 to 1 MiB
 * @max_bytes: memory that the queue may hold, in bytes as kmsgq_footprint()
 *	counts them; kmsgq_footprint(@msg_max_size) or more
 * @read_wait: kmsgq_wait_readable() waits for a message
 */
struct kmsgq_config {
	u32 msg_max_size;
	unsigned long max_bytes;
	bool read_wait;
};

/**
 * struct kmsgq_counters - counters of a queue, all of the same moment
 * @queued: messages in the queue: @enqueued - @dequeued + @returned
 * @queued_bytes: memory of these and of @held, as kmsgq_footprint() counts it
 * @held: messages out of the queue that still count in @queued_bytes
 * @enqueued: messages ever put in at the tail as new ones
 * @dequeued: messages ever taken out
 * @dropped: those of @dequeued that were freed before their last byte was read
 * @returned: how often a message that had been taken out was put back
 * @dead: those of @dequeued that were moved to the dead queue
 * @high_water_bytes: the most that @queued_bytes has been
 * @oldest_age_ms: how long the oldest of @queued has been there, in ms
 * @waiting_readers: tasks asleep in kmsgq_wait_readable()
 * @waiting_writers: tasks asleep in kmsgq_wait_room()
 */
struct kmsgq_counters {
	u64 queued;
	u64 queued_bytes;
	u64 held;
	u64 enqueued;
	u64 dequeued;
	u64 dropped;
	u64 returned;
	u64 dead;
	u64 high_water_bytes;
	u64 oldest_age_ms;
	u64 waiting_readers;
	u64 waiting_writers;
};

/**
 * struct kmsgq_lease - a message that an open file has from the queue
 * @msg: the message, or NULL. It still counts in the queue's account
 * @offset: how many bytes of it have been delivered, 1 or more
 *
 * Written under the queue's lock and the lock of the open file, so either is
 * enough to read it.
 */
struct kmsgq_lease {
	struct kmsgq_msg *msg;
	size_t offset;
};

/**
 * struct kmsgq_queue - a FIFO of messages
 * @name: what tracepoints call it; shorter than %KMSGQ_NAME_SIZE
 * @lock: protects every member but the wait queues, which have their own locks,
 *	and @spare. Taken in process context only, held for a few instructions
 * @head: the oldest message that was never taken out, or NULL. Written under
 *	@lock, read without by kmsgq_is_empty()
 * @tail: where the next message is linked in: &@head, or the last one's @next
 * @returned: messages that were put back, by age; each is older than @head.
 *	Written and read as @head
 * @bytes: memory of the messages in the queue and of those that still count in
 *	it, as kmsgq_footprint() counts it. Written under @lock, read without by
 *	kmsgq_admit()
 * @full_above: the queue is full when @bytes is greater: then a message of
 *	@config.msg_max_size bytes does not fit. Written and read as @bytes
 * @full_seen: how often a poller, or a writer that does not wait, has found the
 *	queue full: no more pollers than that may be asleep because of it. 64
 *	bits, so that it cannot wrap
 * @next_seq: @seq of the next message at the tail
 * @count: the counters that are not derived; @enqueued is: see
 *	kmsgq_get_counters()
 * @retailed: how many of @count.returned went to the tail
 * @config: the limits in effect; @config.msg_max_size is written and read as
 *	@bytes
 * @spare: a message for reuse, or NULL; exchanged atomically, see msg.c
 * @readers: tasks that wait for a message, all of them exclusive
 * @writers: tasks that wait for room, all of them exclusive
 * @waiting_readers: how many tasks are in kmsgq_wait_readable()
 * @waiting_writers: how many tasks are in kmsgq_wait_room()
 * @polls: poll, select and epoll, for both, by key. Apart from the tasks: an
 *	EPOLLEXCLUSIVE poller counts as one woken task too, but need not come and
 *	take the message, which a sleeping reader beside it would then miss
 */
struct kmsgq_queue {
	const char *name;
	spinlock_t lock;	/* see above */
	struct kmsgq_msg *head;
	struct kmsgq_msg **tail;
	struct rb_root_cached returned;
	unsigned long bytes;
	unsigned long full_above;
	u64 full_seen;
	u64 next_seq;
	struct kmsgq_counters count;
	u64 retailed;
	struct kmsgq_config config;
	struct kmsgq_msg *spare;
	wait_queue_head_t readers;
	wait_queue_head_t writers;
	atomic_t waiting_readers;
	atomic_t waiting_writers;
	wait_queue_head_t polls;
};

void kmsgq_queue_init(struct kmsgq_queue *q, const struct kmsgq_config *config);
void kmsgq_queue_exit(struct kmsgq_queue *q);
void kmsgq_configure(struct kmsgq_queue *q, const struct kmsgq_config *config);
void kmsgq_get_counters(struct kmsgq_queue *q, struct kmsgq_counters *counters);

int kmsgq_enqueue(struct kmsgq_queue *q, struct kmsgq_msg *msg);
struct kmsgq_msg *kmsgq_dequeue(struct kmsgq_queue *q, size_t room, bool whole,
				bool keep);
void kmsgq_return(struct kmsgq_queue *q, struct kmsgq_msg *msg, bool kept);

void kmsgq_lease_set(struct kmsgq_queue *q, struct kmsgq_lease *lease,
		     struct kmsgq_msg *msg, size_t offset);
void kmsgq_lease_end(struct kmsgq_queue *q, struct kmsgq_lease *lease,
		     bool dropped);
void kmsgq_lease_return(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			struct kmsgq_queue *dead, u32 max_deliveries);

bool kmsgq_has_room(struct kmsgq_queue *q);
int kmsgq_wait_readable(struct kmsgq_queue *q);
int kmsgq_wait_room(struct kmsgq_queue *q, size_t len);
void kmsgq_pass_on(struct kmsgq_queue *q, __poll_t events);

/**
 * kmsgq_is_full() - would a message of the largest size not fit
 * @q: the queue
 *
 * Exact under the queue's lock; without, it was so at some moment.
 *
 * Return: true if it would not.
 */
static inline bool kmsgq_is_full(const struct kmsgq_queue *q)
{
	return unlikely(READ_ONCE(q->bytes) > READ_ONCE(q->full_above));
}

/**
 * kmsgq_is_empty() - is there no message
 * @q: the queue
 *
 * Exact under the queue's lock; without, it was so at some moment.
 *
 * Return: true if there is none.
 */
static inline bool kmsgq_is_empty(const struct kmsgq_queue *q)
{
	return !READ_ONCE(q->head) && !READ_ONCE(q->returned.rb_leftmost);
}

/**
 * kmsgq_queued() - how many messages are there
 * @q: the queue, its lock held
 *
 * Return: the number.
 */
static inline u64 kmsgq_queued(const struct kmsgq_queue *q)
{
	return q->next_seq - q->retailed - q->count.dequeued + q->count.returned;
}

/**
 * kmsgq_admit() - may a message go in
 * @q: the queue
 * @len: the message's length in bytes
 *
 * Full is one condition for all writers: see DOC in queue.c. Exact under the
 * queue's lock; without, it was so at some moment.
 *
 * Return: 0, -EMSGSIZE for a message that is too long, or -EAGAIN for a full
 * queue.
 */
static inline int kmsgq_admit(const struct kmsgq_queue *q, size_t len)
{
	if (unlikely(len > READ_ONCE(q->config.msg_max_size)))
		return -EMSGSIZE;
	return kmsgq_is_full(q) ? -EAGAIN : 0;
}

#endif /* KMSGQ_QUEUE_H */
