/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIFO of messages: order, account, leases, sleeping and waking.
 */
#ifndef KMSGQ_QUEUE_H
#define KMSGQ_QUEUE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "msg.h"

/* Space for the name of a queue, in bytes, with its NUL. */
#define KMSGQ_NAME_SIZE 64

/* Flags of kmsgq_dequeue(): refuse a message that is longer than the buffer. */
#define KMSGQ_WHOLE	BIT(0)
/* Have the open file hold the message. */
#define KMSGQ_HOLD	BIT(1)

/**
 * struct kmsgq_config - settings that take effect in the queue itself
 * @msg_max_size: largest message, in bytes, 1 to 1 MiB
 * @max_bytes: memory that the queue may use, in bytes as kmsgq_footprint()
 *	counts them
 * @read_wait: kmsgq_dequeue_wait() waits for a message
 */
struct kmsgq_config {
	u32 msg_max_size;
	unsigned long max_bytes;
	bool read_wait;
};

/**
 * struct kmsgq_counters - counters of a queue, all of the same moment
 * @queued: messages in the queue
 * @queued_bytes: memory of these and of @held, as kmsgq_footprint() counts it
 * @held: messages out of the queue that are still charged to it
 * @enqueued: messages appended by kmsgq_enqueue(), ever
 * @dequeued: messages removed by kmsgq_dequeue(), ever
 * @dropped: those of @dequeued that were freed before their last byte was read
 * @returned: how often a message was returned
 * @dead: those of @dequeued that were moved to the dead queue
 * @high_water_bytes: the most that @queued_bytes has been
 * @oldest_age_ms: time since the write of the oldest of @queued, in ms
 * @waiting_readers: tasks asleep, or about to sleep, in kmsgq_dequeue_wait()
 * @waiting_writers: likewise, in kmsgq_enqueue_wait()
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
 * struct kmsgq_lease - a message that an open file holds
 * @msg: the message, or NULL. It is charged to the queue that it came from
 * @offset: how many bytes of it have been delivered
 * @waiting: tasks in kmsgq_dequeue_wait(), which also take the rest of @msg
 *
 * @msg and @offset are written under the queue's lock and the lock of the open
 * file, so either is enough to read them.
 */
struct kmsgq_lease {
	struct kmsgq_msg *msg;
	size_t offset;
	atomic_t waiting;
};

/**
 * struct kmsgq_lease_info - what fdinfo shows of a lease
 * @len: length of the message, in bytes; 0 if no byte of it has been delivered
 * @seq: its place in the order of its queue
 * @deliveries: see struct kmsgq_msg
 */
struct kmsgq_lease_info {
	u32 len;
	u32 deliveries;
	u64 seq;
};

/**
 * struct kmsgq_queue - a FIFO of messages
 * @name: what tracepoints call it; shorter than %KMSGQ_NAME_SIZE
 * @lock: protects every member but @spare, @backstop, @backstop_wakes and the
 *	wait queues, which have their own locks. Taken in process context only,
 *	held for a few instructions
 * @head: the oldest message that was never dequeued, or NULL. Written under
 *	@lock, read without by kmsgq_is_empty()
 * @tail: where the next message is linked in: &@head, or the last one's @next
 * @tree: messages that were returned, by age; each is older than @head. Written
 *	and read as @head
 * @bytes: memory charged to the queue. Written under @lock, read without by
 *	kmsgq_admit()
 * @full_above: the queue is full when @bytes is greater: then a message of
 *	@config.msg_max_size bytes does not fit. Written and read as @bytes
 * @wake_below: sleeping writers are woken when @bytes falls to this
 * @next_seq: @seq of the next message at the tail
 * @enqueued: see struct kmsgq_counters, as for the next six
 * @dequeued: see there
 * @dropped: see there
 * @returned: see there
 * @dead: see there
 * @held: see there
 * @high_water_bytes: see there
 * @config: the settings in effect; @config.msg_max_size is written and read as
 *	@bytes
 * @spare: a message for reuse, or NULL; exchanged atomically, see msg.c
 * @spares: more of them, in one piece each, linked by @next
 * @spare_bytes: memory of @spares. @bytes and this never exceed
 *	@config.max_bytes together, unless @bytes does alone
 * @readers: tasks that wait for a message, all of them exclusive
 * @writers: tasks that wait for space, all of them exclusive
 * @waiting_readers: see struct kmsgq_counters
 * @waiting_writers: see there
 * @polls: poll, select and epoll, for both, by key. Separate from the tasks: an
 *	EPOLLEXCLUSIVE poller counts as one woken task too, but need not take the
 *	message, which a sleeping reader would then miss
 * @backstop: wakes sleepers that a woken task should have woken
 * @backstop_wakes: how many tasks @backstop wakes next; its function's own
 */
struct kmsgq_queue {
	const char *name;
	spinlock_t lock;	/* see above */
	struct kmsgq_msg *head;
	struct kmsgq_msg **tail;
	struct rb_root_cached tree;
	unsigned long bytes;
	unsigned long full_above;
	unsigned long wake_below;
	u64 next_seq;
	u64 enqueued;
	u64 dequeued;
	u64 dropped;
	u64 returned;
	u64 dead;
	u64 held;
	u64 high_water_bytes;
	struct kmsgq_config config;
	struct kmsgq_msg *spare;
	struct kmsgq_msg *spares;
	unsigned long spare_bytes;
	wait_queue_head_t readers;
	wait_queue_head_t writers;
	atomic_t waiting_readers;
	atomic_t waiting_writers;
	wait_queue_head_t polls;
	struct timer_list backstop;
	int backstop_wakes;
};

void kmsgq_queue_init(struct kmsgq_queue *q);
void kmsgq_queue_exit(struct kmsgq_queue *q);
int kmsgq_configure(struct kmsgq_queue *q, const struct kmsgq_config *config);
void kmsgq_get_counters(struct kmsgq_queue *q, struct kmsgq_counters *counters);

int kmsgq_enqueue(struct kmsgq_queue *q, struct kmsgq_msg *msg);
struct kmsgq_msg *kmsgq_dequeue_first(struct kmsgq_queue *q,
				      struct kmsgq_lease *lease, size_t space,
				      unsigned int flags);
int kmsgq_enqueue_wait(struct kmsgq_queue *q, struct kmsgq_msg *msg);
struct kmsgq_msg *kmsgq_dequeue_wait(struct kmsgq_queue *q,
				     struct kmsgq_lease *lease, size_t space,
				     unsigned int flags);
void kmsgq_finish_charged(struct kmsgq_queue *q, struct kmsgq_msg *msg);
void kmsgq_return(struct kmsgq_queue *q, struct kmsgq_msg *msg);

void kmsgq_lease_advance(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			 size_t len);
void kmsgq_lease_confirm(struct kmsgq_queue *q, struct kmsgq_lease *lease);
void kmsgq_lease_drop(struct kmsgq_queue *q, struct kmsgq_lease *lease);
void kmsgq_lease_return(struct kmsgq_queue *q, struct kmsgq_lease *lease,
			struct kmsgq_queue *dead, u32 max_deliveries);
void kmsgq_lease_info(struct kmsgq_queue *q, const struct kmsgq_lease *lease,
		      struct kmsgq_lease_info *info);

bool kmsgq_is_readable(struct kmsgq_queue *q, const struct kmsgq_lease *lease,
		       bool nonblock);
bool kmsgq_is_writable(struct kmsgq_queue *q);
void kmsgq_pass_on(struct kmsgq_queue *q, __poll_t events);

/**
 * kmsgq_finish() - free a message that was delivered
 * @q: the queue
 * @msg: a message of kmsgq_dequeue() that is in no lease
 */
static inline void kmsgq_finish(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	if (unlikely(msg->charged))
		kmsgq_finish_charged(q, msg);
	kmsgq_msg_free(msg, &q->spare);
}

/**
 * kmsgq_config_fits() - check whether a queue has space for its largest message
 * @config: the settings
 *
 * Return: true if it has.
 */
static inline bool kmsgq_config_fits(const struct kmsgq_config *config)
{
	return config->max_bytes >= kmsgq_footprint(config->msg_max_size);
}

/**
 * kmsgq_is_full() - check whether a message of the largest size does not fit
 * @q: the queue
 *
 * Exact under the queue's lock; without it, true of some moment.
 *
 * Return: true if it does not.
 */
static inline bool kmsgq_is_full(const struct kmsgq_queue *q)
{
	return unlikely(READ_ONCE(q->bytes) > READ_ONCE(q->full_above));
}

/**
 * kmsgq_is_empty() - check whether the queue has no message
 * @q: the queue
 *
 * Exact under the queue's lock; without it, true of some moment during the call.
 * The list only shrinks while the tree is empty. So if the tree was empty when it
 * was read, and the list was empty when it was read later, there was a moment at
 * which both were. Read in the other order, a message could be returned and
 * another written in between, to a queue that never was empty.
 *
 * Return: true if it has none.
 */
static inline bool kmsgq_is_empty(const struct kmsgq_queue *q)
{
	/* Acquire: the tree before the list, see above. */
	return !smp_load_acquire(&q->tree.rb_root.rb_node) && !READ_ONCE(q->head);
}

/**
 * kmsgq_dequeue() - remove the oldest message
 * @q: the queue
 * @lease: the lease of the open file that reads
 * @space: how many bytes of the message the reader can take, 1 or more
 * @flags: KMSGQ_WHOLE: leave the message where it is if it is longer than
 *	@space. KMSGQ_HOLD: store it in @lease; without this flag, only if it is
 *	longer than @space, since the file may then hold it for long. Without
 *	KMSGQ_WHOLE, the caller holds the lock of the open file
 *
 * A message that is not stored in @lease is the caller's, who calls
 * kmsgq_finish() or kmsgq_return() next.
 *
 * Return: the message; ERR_PTR(-EAGAIN) if the queue is empty; ERR_PTR(-EBUSY) if
 * @lease has a message; ERR_PTR(-EMSGSIZE) if KMSGQ_WHOLE and the message is
 * longer than @space.
 */
static inline struct kmsgq_msg *
kmsgq_dequeue(struct kmsgq_queue *q, struct kmsgq_lease *lease, size_t space,
	      unsigned int flags)
{
	/* Readers of an empty queue do not contend with writers for the lock. */
	if (kmsgq_is_empty(q))
		return ERR_PTR(-EAGAIN);
	return kmsgq_dequeue_first(q, lease, space, flags);
}

/**
 * kmsgq_queued() - number of messages in the queue
 * @q: the queue, its lock held
 *
 * Return: the number.
 */
static inline u64 kmsgq_queued(const struct kmsgq_queue *q)
{
	return q->enqueued - q->dequeued + q->returned;
}

/**
 * kmsgq_admit() - check whether a message may be appended
 * @q: the queue
 * @len: the message's length in bytes
 *
 * Full is one condition for all writers: see DOC in queue.c. Exact under the
 * queue's lock; without it, true of some moment.
 *
 * Return: 0, -EMSGSIZE if the message is too long, or -EAGAIN if the queue is
 * full.
 */
static inline int kmsgq_admit(const struct kmsgq_queue *q, size_t len)
{
	if (unlikely(len > READ_ONCE(q->config.msg_max_size)))
		return -EMSGSIZE;
	return kmsgq_is_full(q) ? -EAGAIN : 0;
}

#endif /* KMSGQ_QUEUE_H */
