/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a message.
 */
#ifndef KMSGQ_MSG_H
#define KMSGQ_MSG_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/types.h>

/*
 * Content up to this length, in bytes, is stored in one piece with its header;
 * longer content in chunks of pages.
 */
#define KMSGQ_INLINE_MAX 2048

/* @deliveries stops here. */
#define KMSGQ_DELIVERIES_MAX ((1 << 10) - 1)

/**
 * struct kmsgq_msg - one message
 * @next: the next younger message in the list of its queue, or the next message
 *	in its list of spares; under that queue's lock
 * @node: in place of @next, in the tree of messages that returned to their
 *	queue; under the same lock
 * @seq: place in the order of its queue; set by kmsgq_enqueue()
 * @stamp: time of the write, in jiffies of get_jiffies_64()
 * @len: length of the content in bytes, 1 to 1 MiB
 * @deliveries: how often a read_ack reader received some of it, up to
 *	%KMSGQ_DELIVERIES_MAX
 * @charged: the message was dequeued, but is still charged to its queue
 * @footprint: memory that the message takes, in bytes: kmsgq_footprint(@len)
 * @content: the content, or the addresses of the chunks that hold it: see
 *	kmsgq_msg_span()
 *
 * A message is in a queue, or held by an open file (struct kmsgq_lease), or it
 * belongs to the task that allocated or dequeued it. Once it has been in a
 * queue, the word of @len, @deliveries and @charged is only written under that
 * queue's lock.
 */
struct kmsgq_msg {
	union {
		struct kmsgq_msg *next;
		struct rb_node node;
	};
	u64 seq;
	u64 stamp;
	u32 len:21;
	u32 deliveries:10;
	u32 charged:1;
	u32 footprint;
	u8 content[] __aligned(sizeof(void *));
};

int kmsgq_msg_init(void);
void kmsgq_msg_exit(void);

u32 kmsgq_footprint(size_t len);
struct kmsgq_msg *kmsgq_msg_alloc(size_t len, struct kmsgq_msg **spare);
void kmsgq_msg_free(struct kmsgq_msg *msg, struct kmsgq_msg **spare);

/**
 * kmsgq_chunk_shift() - size of the chunks of a message
 * @len: length of the content in bytes, more than %KMSGQ_INLINE_MAX
 *
 * A page for up to two chunks, else two pages: each chunk costs a check and a
 * call for each copy, but larger ones are hard to get where memory is
 * fragmented.
 *
 * Return: their size in bytes, as a power of two.
 */
static inline unsigned int kmsgq_chunk_shift(size_t len)
{
	return PAGE_SHIFT + (len > 2 * PAGE_SIZE);
}

/**
 * kmsgq_msg_span() - find a part of a message's content
 * @msg: a message that belongs to the caller
 * @offset: where the part begins, in bytes, less than @msg's length
 * @len: length that is wanted, in bytes; reduced to what is contiguous
 *
 * Return: the address of the part.
 */
static inline void *kmsgq_msg_span(struct kmsgq_msg *msg, size_t offset,
				   size_t *len)
{
	unsigned int shift;
	size_t within;

	if (likely(msg->len <= KMSGQ_INLINE_MAX))
		return msg->content + offset;
	shift = kmsgq_chunk_shift(msg->len);
	within = offset & (BIT(shift) - 1);
	*len = min_t(size_t, *len, BIT(shift) - within);
	return ((void **)msg->content)[offset >> shift] + within;
}

#endif /* KMSGQ_MSG_H */
