// SPDX-License-Identifier: GPL-2.0-only
/*
 * One message: where its bytes are, and what memory it takes.
 */
#include "msg.h"

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

/**
 * DOC: memory of messages
 *
 * Caches of our own, one for each power of two of bytes, and one for chunks:
 *
 * - a message of a power of two of bytes does not take twice that, as it would
 *   from kmalloc() with a header before it;
 * - kmem_cache_destroy() complains of an object that was not freed, so each
 *   unload of the module shows that nothing has leaked;
 * - they have a constructor. That of a cache which has one is not zeroed at
 *   each allocation where the kernel is so set up (init_on_alloc), since all
 *   of it is overwritten before anybody can read it: a message is filled to its
 *   length, and read no further. What init_on_free promises is kept.
 */

/*
 * The writer may have no right to much memory, so a failure is its own affair:
 * charged to its cgroup, no warning in the log, and ENOMEM rather than the OOM
 * killer (Documentation/core-api/memory-allocation.rst).
 */
#define MSGQ_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* From 32 bytes: less is smaller than the header. */
#define MSGQ_MIN_ORDER 5
#define MSGQ_MAX_ORDER 12

/* A constructor makes SLUB keep its pointer behind the object. */
#define MSGQ_SLAB_OVERHEAD sizeof(void *)

static struct kmem_cache *msgq_msg_cache[MSGQ_MAX_ORDER - MSGQ_MIN_ORDER + 1]
	__ro_after_init;
static struct kmem_cache *msgq_chunk_cache __ro_after_init;

static const char *const msgq_msg_cache_name[] __initconst = {
	"kmsgq_32", "kmsgq_64", "kmsgq_128", "kmsgq_256", "kmsgq_512",
	"kmsgq_1024", "kmsgq_2048", "kmsgq_4096",
};

/**
 * msgq_nr_chunks() - how many chunks a message's content takes
 * @len: length of the content in bytes
 *
 * Return: the number of chunks, 0 for content that is kept in one piece.
 */
static size_t msgq_nr_chunks(size_t len)
{
	return likely(len <= MSGQ_CHUNK) ? 0 : DIV_ROUND_UP(len, MSGQ_CHUNK);
}

/**
 * msgq_order() - which cache a message is from
 * @len: length of the content in bytes, 1 or more
 * @nr_chunks: msgq_nr_chunks(@len)
 *
 * Return: the power of two that holds the content, or the table of its chunks.
 */
static unsigned int msgq_order(size_t len, size_t nr_chunks)
{
	u32 size = unlikely(nr_chunks) ? nr_chunks * sizeof(void *) : len;

	return fls((size - 1) | (BIT(MSGQ_MIN_ORDER) - 1));
}

/**
 * msgq_size() - how much memory the objects of a message take
 * @order: msgq_order() of the message
 * @nr_chunks: msgq_nr_chunks() of the message
 *
 * Return: the number of bytes.
 */
static u32 msgq_size(unsigned int order, size_t nr_chunks)
{
	return sizeof(struct msgq_msg) + BIT(order) + MSGQ_SLAB_OVERHEAD +
	       nr_chunks * (MSGQ_CHUNK + MSGQ_SLAB_OVERHEAD);
}

/**
 * msgq_footprint() - how much memory a message takes
 * @len: length of its content in bytes, 1 or more
 *
 * Never less for a longer message.
 *
 * Return: the number of bytes.
 */
u32 msgq_footprint(size_t len)
{
	size_t nr = msgq_nr_chunks(len);

	return msgq_size(msgq_order(len, nr), nr);
}

/**
 * msgq_msg_free() - free a message
 * @msg: a message that is in no queue
 */
void msgq_msg_free(struct msgq_msg *msg)
{
	size_t nr = msgq_nr_chunks(msg->len);
	unsigned int order = msgq_order(msg->len, nr);
	void **chunks = (void **)msg->content;

	/* See DOC above: the kernel leaves this to us too. */
	if (want_init_on_free()) {
		size_t i;

		for (i = 0; i < nr; i++)
			memzero_explicit(chunks[i], MSGQ_CHUNK);
		if (!nr)
			memzero_explicit(msg->content, msg->len);
	}
	if (unlikely(nr))
		kmem_cache_free_bulk(msgq_chunk_cache, nr, chunks);
	kmem_cache_free(msgq_msg_cache[order - MSGQ_MIN_ORDER], msg);
}

/**
 * msgq_msg_alloc() - allocate a message
 * @len: length of its content in bytes, 1 or more
 *
 * The content is not initialized: fill all of it, by msgq_msg_span(). May
 * sleep. The memory is charged to the current task's cgroup.
 *
 * Return: the message, to be given to msgq_enqueue() or msgq_msg_free(); NULL
 * where there is no memory.
 */
struct msgq_msg *msgq_msg_alloc(size_t len)
{
	size_t nr = msgq_nr_chunks(len);
	unsigned int order = msgq_order(len, nr);
	struct kmem_cache *cache = msgq_msg_cache[order - MSGQ_MIN_ORDER];
	struct msgq_msg *msg = kmem_cache_alloc(cache, MSGQ_GFP);

	if (!msg)
		return NULL;
	/* All of them or none. */
	if (unlikely(nr) && !kmem_cache_alloc_bulk(msgq_chunk_cache, MSGQ_GFP,
						   nr, (void **)msg->content)) {
		kmem_cache_free(cache, msg);
		return NULL;
	}
	msg->len = len;
	msg->footprint = msgq_size(order, nr);
	return msg;
}

/**
 * msgq_ctor() - makes the caches be those of constructed objects
 * @object: an object
 */
static void msgq_ctor(void *object)
{
}

/**
 * msgq_msg_exit() - destroy the caches; all messages have been freed
 */
void msgq_msg_exit(void)
{
	size_t i;

	/* kmem_cache_destroy(NULL) does nothing */
	for (i = 0; i < ARRAY_SIZE(msgq_msg_cache); i++)
		kmem_cache_destroy(msgq_msg_cache[i]);
	kmem_cache_destroy(msgq_chunk_cache);
}

/**
 * msgq_msg_init() - create the caches
 *
 * Return: 0 or -ENOMEM.
 */
int __init msgq_msg_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(msgq_msg_cache); i++) {
		unsigned int size = BIT(MSGQ_MIN_ORDER + i);

		msgq_msg_cache[i] =
			kmem_cache_create_usercopy(msgq_msg_cache_name[i],
						   sizeof(struct msgq_msg) + size,
						   0, SLAB_ACCOUNT,
						   sizeof(struct msgq_msg), size,
						   msgq_ctor);
		if (!msgq_msg_cache[i])
			goto fail;
	}
	msgq_chunk_cache = kmem_cache_create_usercopy("kmsgq_chunk", MSGQ_CHUNK,
						      0, SLAB_ACCOUNT, 0,
						      MSGQ_CHUNK, msgq_ctor);
	if (msgq_chunk_cache)
		return 0;
fail:
	msgq_msg_exit();
	return -ENOMEM;
}
