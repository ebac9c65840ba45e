/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIFO of messages: order, limits, accounting, and who is woken when.
 */
#ifndef KMSGQ_QUEUE_H
#define KMSGQ_QUEUE_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

/**
 * struct msgq_msg - one message
 * @next: the message behind this one; valid while in a queue, under its lock
 * @seq: place in the order of all messages of its queue; set by msgq_enqueue()
 * @len: length of the content in bytes, 1 or more
 * @inline_data: the content, or the table of pages that hold it: see
 *	msgq_msg_span()
 *
 * A message is in a queue, or belongs to whoever allocated or dequeued it.
 */
struct msgq_msg {
	struct msgq_msg *next;
	u64 seq;
	u32 len;
	u8 inline_data[] __aligned(sizeof(void *));
};

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
 * @head: the oldest message, or NULL
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

unsigned long msgq_footprint(size_t len);
struct msgq_msg *msgq_msg_alloc(size_t len);
void msgq_msg_free(struct msgq_msg *msg);
void *msgq_msg_span(struct msgq_msg *msg, size_t offset, size_t *len);

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
int msgq_wait_writable(struct msg_queue *q, size_t len, bool nonblock);
void msgq_pass_on_room(struct msg_queue *q);

#endif /* KMSGQ_QUEUE_H */
