/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIFO of messages: order, limits, accounting, and who is woken when.
 */
#ifndef KMSGQ_QUEUE_H
#define KMSGQ_QUEUE_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "msg.h"

/**
 * struct msgq_config - what an administrator may change while a queue is in use
 * @msg_max_size: largest message, in bytes, 1 or more
 * @max_bytes: memory that the queue may hold, in bytes as msgq_footprint()
 *	counts them; msgq_footprint(@msg_max_size) or more
 * @read_wait: msgq_wait_readable() waits for a message
 */
struct msgq_config {
	u32 msg_max_size;
	unsigned long max_bytes;
	bool read_wait;
};

/**
 * struct msgq_stats - counters of a queue
 * @queued: messages in the queue now
 * @queued_bytes: memory that they take, as msgq_footprint() counts it
 * @enqueued: messages ever put in
 * @dequeued: messages ever taken out; one that was put back does not count
 * @dropped: those of @dequeued that were freed by msgq_drop()
 */
struct msgq_stats {
	u64 queued;
	u64 queued_bytes;
	u64 enqueued;
	u64 dequeued;
	u64 dropped;
};

/**
 * struct msgq_waiters - those who wait for one side of a queue
 * @tasks: tasks asleep in a call, all of them exclusive: a wake-up is for one
 * @polls: poll, select and epoll. Apart from @tasks: an EPOLLEXCLUSIVE poller
 *	counts as one woken task too, but need not come and take the message,
 *	which a sleeping reader beside it would then miss
 */
struct msgq_waiters {
	wait_queue_head_t tasks;
	wait_queue_head_t polls;
};

/**
 * struct msg_queue - a FIFO of messages
 * @lock: protects every member but the wait queues, which have their own locks
 * @head: the oldest message, or NULL. Written under @lock, read without by
 *	msgq_dequeue()
 * @tail: where the next message is linked in: &@head, or the last one's @next
 * @bytes: memory of the messages in the queue, as msgq_footprint() counts it.
 *	Written under @lock, read without by msgq_admit()
 * @full_above: the queue is full when @bytes is greater: then a message of
 *	@config.msg_max_size bytes does not fit. Written and read as @bytes
 * @poll_credits: how many pollers may be asleep because the queue was full
 * @enqueued: messages ever put in
 * @dequeued: messages ever taken out and not put back
 * @dropped: messages that were taken out and then freed by msgq_drop()
 * @config: the limits in force; @config.msg_max_size is written and read as
 *	@bytes
 * @readers: those who wait for a message
 * @writers: those who wait for room
 */
struct msg_queue {
	spinlock_t lock;	/* see above */
	struct msgq_msg *head;
	struct msgq_msg **tail;
	unsigned long bytes;
	unsigned long full_above;
	unsigned int poll_credits;
	u64 enqueued;
	u64 dequeued;
	u64 dropped;
	struct msgq_config config;
	struct msgq_waiters readers;
	struct msgq_waiters writers;
};

void msgq_init(struct msg_queue *q, const struct msgq_config *config);
void msgq_configure(struct msg_queue *q, const struct msgq_config *config);
void msgq_get_stats(struct msg_queue *q, struct msgq_stats *stats);

int msgq_enqueue(struct msg_queue *q, struct msgq_msg *msg);
struct msgq_msg *msgq_dequeue(struct msg_queue *q, size_t max_len);
void msgq_requeue(struct msg_queue *q, struct msgq_msg *msg);
void msgq_drop(struct msg_queue *q, struct msgq_msg *msg);

bool msgq_poll_readable(struct msg_queue *q);
bool msgq_poll_writable(struct msg_queue *q);
int msgq_wait_readable(struct msg_queue *q);
int msgq_wait_room(struct msg_queue *q, size_t len, bool nonblock);
void msgq_pass_on_room(struct msg_queue *q);

/**
 * msgq_admit() - may a message go in
 * @q: the queue
 * @len: the message's length in bytes
 *
 * Exact under @q->lock; without, it was so at some moment.
 *
 * Return: 0, -EMSGSIZE for a message that is too long, or -EAGAIN for a full
 * queue.
 */
static inline int msgq_admit(const struct msg_queue *q, size_t len)
{
	if (unlikely(len > READ_ONCE(q->config.msg_max_size)))
		return -EMSGSIZE;
	if (unlikely(READ_ONCE(q->bytes) > READ_ONCE(q->full_above)))
		return -EAGAIN;
	return 0;
}

#endif /* KMSGQ_QUEUE_H */
