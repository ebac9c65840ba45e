/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One message: where its bytes are, and what memory it takes.
 */
#ifndef KMSGQ_MSG_H
#define KMSGQ_MSG_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

/*
 * Content up to this length, in bytes, is kept in one piece; longer content in
 * pieces of it. Single pages can be had however fragmented the memory is.
 */
#define MSGQ_CHUNK 4096

/**
 * struct msgq_msg - one message
 * @next: the message behind this one; valid while in a queue, under its lock
 * @seq: place in the order of all messages of its queue; set by msgq_enqueue()
 * @len: length of the content in bytes, 1 or more
 * @footprint: memory that the message takes, in bytes: msgq_footprint(@len)
 * @content: the content, or the addresses of the chunks that hold it: see
 *	msgq_msg_span()
 *
 * A message is in a queue, or belongs to whoever allocated or dequeued it.
 */
struct msgq_msg {
	struct msgq_msg *next;
	u64 seq;
	u32 len;
	u32 footprint;
	u8 content[] __aligned(sizeof(void *));
};

int msgq_msg_init(void);
void msgq_msg_exit(void);

u32 msgq_footprint(size_t len);
struct msgq_msg *msgq_msg_alloc(size_t len);
void msgq_msg_free(struct msgq_msg *msg);

/**
 * msgq_msg_span() - where a part of a message's content is
 * @msg: a message that belongs to the caller
 * @offset: where the part begins, in bytes, less than @msg's length
 * @len: how much is wanted, in bytes; set to how much of it is contiguous
 *
 * Return: the address of the part.
 */
static inline void *msgq_msg_span(struct msgq_msg *msg, size_t offset,
				  size_t *len)
{
	if (likely(msg->len <= MSGQ_CHUNK))
		return msg->content + offset;
	*len = min_t(size_t, *len, MSGQ_CHUNK - offset % MSGQ_CHUNK);
	return ((void **)msg->content)[offset / MSGQ_CHUNK] +
	       offset % MSGQ_CHUNK;
}

#endif /* KMSGQ_MSG_H */
