/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One message: where its bytes are, and what memory it takes.
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
 * Content up to this length, in bytes, is kept in one piece with its header;
 * longer content in chunks of pages.
 */
#define KMSGQ_INLINE_MAX 2048

/* @deliveries stops here. */
#define KMSGQ_DELIVERIES_MAX ((1 << 11) - 1)

/**
 * struct kmsgq_msg - one message
 * @next: the next younger message in the list of its queue, under that
 *	queue's lock
 * @node: in place of @next, in the tree of messages that came back to their
 *	queue, under the same lock
 * @seq: place in the order of its queue; set by kmsgq_enqueue()
 * @stamp: when it was put in, in jiffies of get_jiffies_64()
 * @len: length of the content in bytes, 1 to 1 MiB
 * @deliveries: how often a read_ack reader got some of it, up to
 *	%KMSGQ_DELIVERIES_MAX
 * @footprint: memory that the message takes, in bytes: kmsgq_footprint(@len)
 * @content: the content, or the addresses of the chunks that hold it: see
 *	kmsgq_msg_span()
 *
 * A message is in a queue, or held by an open file (struct kmsgq_lease), or it
 * belongs to the task that allocated or dequeued it.
 */
struct kmsgq_msg {
	union {
		struct kmsgq_msg *next;
		struct rb_node node;
	};
	u64 seq;
	u64 stamp;
	u32 len:21;
	u32 deliveries:11;
	u32 footprint;
	u8 content[] __aligned(sizeof(void *));
};

int kmsgq_msg_init(void);
void kmsgq_msg_exit(void);

u32 kmsgq_footprint(size_t len);
struct kmsgq_msg *kmsgq_msg_alloc(size_t len, struct kmsgq_msg **spare);
void kmsgq_msg_free(struct kmsgq_msg *msg, struct kmsgq_msg **spare);

/**
 * kmsgq_chunk_shift() - how large the chunks of a message are
 * @len: length of the content in bytes, more than %KMSGQ_INLINE_MAX
 *
 * A page for up to two of them, else two: each chunk costs a check and a call
 * for each copy, but larger ones are hard to get where memory is fragmented.
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
 * @len: how much is wanted, in bytes; reduced to how much is contiguous
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
