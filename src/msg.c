// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a message.
 */
#include "msg.h"

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

/**
 * DOC: memory of messages
 *
 * The module has its own caches, one for each power of two of content bytes up
 * to KMSGQ_INLINE_MAX:
 *
 * - kmem_cache_destroy() complains about an object that was not freed, so each
 *   unload of the module proves that nothing has leaked;
 * - a message of a power of two of bytes does not take twice that, as it would
 *   with its header from kmalloc();
 * - only the content may be copied to and from user space (usercopy).
 *
 * Chunks are pages, as in pipes: slabs hold so few objects of that size that most
 * allocations would continue to the page allocator anyway (14 % more instructions
 * in a deep queue of messages of 8 KiB, on Linux 7.3).
 *
 * Fresh objects are zeroed where the kernel is so configured (init_on_alloc),
 * and charged to a cgroup, which together cost more than anything else here. A
 * queue therefore has a spare message, which is used again if the next one has
 * the same size, as pipes keep pages (tmp_page in fs/pipe.c). Nothing stale can
 * be read: a message is filled to its length, and read no further. A spare would
 * weaken init_on_free and hide bugs from KASAN and KMSAN, so none is kept with
 * these.
 */

/*
 * The writer may be unprivileged: the memory is charged to its cgroup, a failure
 * is not logged, and the write fails with ENOMEM before the OOM killer runs
 * (Documentation/core-api/memory-allocation.rst).
 */
#define KMSGQ_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* The smallest size class holds 32 bytes. */
#define KMSGQ_MIN_ORDER 5

/* The longest message that is kept as a spare, in bytes. */
#define KMSGQ_SPARE_MAX SZ_64K

/* SLAB_ACCOUNT keeps the address of the object's cgroup with each object. */
#define KMSGQ_OBJ_OVERHEAD sizeof(void *)

/*
 * The messages of one size. @size is the header, a power of two, and then what
 * would be left over in slabs of 4 to 32 KiB: all the memory that an object
 * takes, to 2 % (3 % without 64-bit pointers).
 */
struct kmsgq_class {
	const char *name;
	unsigned int size;
	struct kmem_cache *cache;
};

#define KMSGQ_CLASS(_bytes, _left_over)						\
	{									\
		.name = "kmsgq_" #_bytes,					\
		.size = sizeof(struct kmsgq_msg) + (_bytes) + (_left_over),	\
	}

static struct kmsgq_class kmsgq_classes[] __ro_after_init = {
	KMSGQ_CLASS(32, 0),
	KMSGQ_CLASS(64, 0),
	KMSGQ_CLASS(128, 0),
	KMSGQ_CLASS(256, 8),
	KMSGQ_CLASS(512, 24),
	KMSGQ_CLASS(1024, 16),
	KMSGQ_CLASS(2048, 88),
};

/* The number of chunks, 0 for content that is stored in one piece. */
static size_t kmsgq_nr_chunks(size_t len)
{
	return likely(len <= KMSGQ_INLINE_MAX) ? 0 :
	       DIV_ROUND_UP(len, BIT(kmsgq_chunk_shift(len)));
}

/* The class with space for the content, or for the table of its chunks. */
static struct kmsgq_class *kmsgq_class_of(size_t len)
{
	size_t nr = kmsgq_nr_chunks(len);
	u32 size = unlikely(nr) ? nr * sizeof(void *) : len;

	return &kmsgq_classes[fls((size - 1) | (BIT(KMSGQ_MIN_ORDER) - 1)) -
			      KMSGQ_MIN_ORDER];
}

/**
 * kmsgq_footprint() - memory that a message takes
 * @len: length of its content in bytes, 1 or more
 *
 * Return: the number of bytes, never less for a longer message.
 */
u32 kmsgq_footprint(size_t len)
{
	return kmsgq_class_of(len)->size + KMSGQ_OBJ_OVERHEAD +
	       (kmsgq_nr_chunks(len) << kmsgq_chunk_shift(len));
}

static void kmsgq_msg_release(struct kmsgq_msg *msg, size_t nr_chunks)
{
	unsigned int order = kmsgq_chunk_shift(msg->len) - PAGE_SHIFT;
	unsigned long *chunks = (unsigned long *)msg->content;

	while (unlikely(nr_chunks--))
		free_pages(chunks[nr_chunks], order);
	kmem_cache_free(kmsgq_class_of(msg->len)->cache, msg);
}

/**
 * kmsgq_msg_free() - free a message, or keep it as the spare
 * @msg: a message that is in no queue; no longer the caller's
 * @spare: where its queue keeps its spare; NULL to keep none
 *
 * Any number of tasks may call it at once: @spare is exchanged atomically.
 */
void kmsgq_msg_free(struct kmsgq_msg *msg, struct kmsgq_msg **spare)
{
	if (!IS_ENABLED(CONFIG_KASAN) && !IS_ENABLED(CONFIG_KMSAN) && spare &&
	    !want_init_on_free() && msg->len <= KMSGQ_SPARE_MAX &&
	    !READ_ONCE(*spare) && !cmpxchg(spare, NULL, msg))
		return;
	kmsgq_msg_release(msg, kmsgq_nr_chunks(msg->len));
}

/* Not inlined, so that kmsgq_msg_alloc() saves no registers for a spare. */
static noinline struct kmsgq_msg *kmsgq_msg_alloc_fresh(size_t len)
{
	struct kmsgq_msg *msg = kmem_cache_alloc(kmsgq_class_of(len)->cache,
						 KMSGQ_GFP);
	size_t i, nr = kmsgq_nr_chunks(len);
	unsigned long *chunks;

	if (!msg)
		return NULL;
	msg->footprint = kmsgq_footprint(len);
	msg->len = len;
	chunks = (unsigned long *)msg->content;
	for (i = 0; unlikely(i < nr); i++) {
		/* A compound page: usercopy checks it as one object. */
		chunks[i] = __get_free_pages(KMSGQ_GFP | __GFP_ACCOUNT | __GFP_COMP,
					     kmsgq_chunk_shift(len) - PAGE_SHIFT);
		if (!chunks[i]) {
			kmsgq_msg_release(msg, i);
			return NULL;
		}
	}
	return msg;
}

/**
 * kmsgq_msg_alloc() - allocate a message
 * @len: length of its content in bytes, 1 or more
 * @spare: as for kmsgq_msg_free()
 *
 * The content is not initialized: fill all of it, via kmsgq_msg_span(). May
 * sleep. Fresh memory is charged to the current task's cgroup.
 *
 * Return: the message, for kmsgq_enqueue() or kmsgq_msg_free(); NULL if no memory
 * is available.
 */
struct kmsgq_msg *kmsgq_msg_alloc(size_t len, struct kmsgq_msg **spare)
{
	struct kmsgq_msg *msg = READ_ONCE(*spare);

	if (likely(msg))
		msg = xchg(spare, NULL);
	/* Only messages of the same class have the same footprint. */
	if (unlikely(!msg || (msg->len != len &&
			      msg->footprint != kmsgq_footprint(len)))) {
		if (msg)
			kmsgq_msg_release(msg, kmsgq_nr_chunks(msg->len));
		return kmsgq_msg_alloc_fresh(len);
	}
	msg->len = len;
	return msg;
}

/**
 * kmsgq_msg_exit() - destroy the caches
 *
 * All messages have been freed.
 */
void kmsgq_msg_exit(void)
{
	size_t i;

	/* kmem_cache_destroy(NULL) does nothing */
	for (i = 0; i < ARRAY_SIZE(kmsgq_classes); i++)
		kmem_cache_destroy(kmsgq_classes[i].cache);
}

/**
 * kmsgq_msg_init() - create the caches
 *
 * Return: 0 or -ENOMEM.
 */
int __init kmsgq_msg_init(void)
{
	size_t i;

	/* Each queued message pays for the header. */
	BUILD_BUG_ON(IS_ENABLED(CONFIG_64BIT) && sizeof(struct kmsgq_msg) != 48);
	BUILD_BUG_ON(BIT(KMSGQ_MIN_ORDER + ARRAY_SIZE(kmsgq_classes) - 1) !=
		     KMSGQ_INLINE_MAX);
	for (i = 0; i < ARRAY_SIZE(kmsgq_classes); i++) {
		struct kmsgq_class *class = &kmsgq_classes[i];
		const unsigned int header = sizeof(struct kmsgq_msg);

		class->cache = kmem_cache_create_usercopy(class->name,
							  class->size, 0,
							  SLAB_ACCOUNT, header,
							  class->size - header,
							  NULL);
		if (!class->cache) {
			kmsgq_msg_exit();
			return -ENOMEM;
		}
	}
	return 0;
}
