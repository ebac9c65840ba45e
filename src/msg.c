// SPDX-License-Identifier: GPL-2.0-only
/*
 * One message: where its bytes are, and what memory it takes.
 */
#include "msg.h"

#include <linux/bitops.h>
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
 * allocations would go on to the page allocator anyway (14 % more instructions in
 * a deep queue of messages of 8 KiB, on 7.3).
 *
 * Fresh objects are zeroed where the kernel is so configured (init_on_alloc),
 * which costs more than all else for large messages. Each queue therefore keeps
 * one spare message and uses it again if the next one has the same size, as
 * pipes keep pages (tmp_page in fs/pipe.c). Nothing stale can be read: a message
 * is filled to its length, and read no further. A spare would weaken
 * init_on_free and hide bugs from KASAN and KMSAN, so there is none with these.
 */

/*
 * The writer may be unprivileged, so a failure is its own affair: the memory is
 * charged to its cgroup, nothing is logged, and it gets ENOMEM before the OOM
 * killer runs (Documentation/core-api/memory-allocation.rst).
 */
#define KMSGQ_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* The smallest size class holds 32 bytes. */
#define KMSGQ_MIN_ORDER 5

/* The longest message that is kept for reuse, in bytes. */
#define KMSGQ_SPARE_MAX SZ_64K

/* SLAB_ACCOUNT keeps the address of the object's cgroup beside each object. */
#define KMSGQ_OBJ_OVERHEAD sizeof(void *)

/**
 * struct kmsgq_class - the messages of one size
 * @name: of the cache, as in /proc/slabinfo
 * @size: of an object, in bytes: the header and the power of two, and then what
 *	would be left over in slabs of 4 to 32 KiB. So @size is all the memory
 *	that an object takes, to 2 % (3 % without 64-bit pointers).
 * @cache: where its objects come from
 */
struct kmsgq_class {
	const char *name;
	unsigned int size;
	struct kmem_cache *cache;
};

static struct kmsgq_class kmsgq_classes[] __ro_after_init = {
	{ "kmsgq_32", 80 },	{ "kmsgq_64", 112 },	{ "kmsgq_128", 176 },
	{ "kmsgq_256", 312 },	{ "kmsgq_512", 584 },	{ "kmsgq_1024", 1088 },
	{ "kmsgq_2048", 2184 },
};

/**
 * kmsgq_nr_chunks() - how many chunks a message's content takes
 * @len: length of the content in bytes
 *
 * Return: the number of chunks, 0 for content that is kept in one piece.
 */
static size_t kmsgq_nr_chunks(size_t len)
{
	return likely(len <= KMSGQ_INLINE_MAX) ? 0 :
	       DIV_ROUND_UP(len, BIT(kmsgq_chunk_shift(len)));
}

/**
 * kmsgq_class_of() - the size class that a message's header comes from
 * @len: length of the content in bytes, 1 or more
 *
 * Return: the class, which has room for the content or the table of its chunks.
 */
static struct kmsgq_class *kmsgq_class_of(size_t len)
{
	size_t nr = kmsgq_nr_chunks(len);
	u32 size = unlikely(nr) ? nr * sizeof(void *) : len;

	return &kmsgq_classes[fls((size - 1) | (BIT(KMSGQ_MIN_ORDER) - 1)) -
			      KMSGQ_MIN_ORDER];
}

/**
 * kmsgq_footprint() - how much memory a message takes
 * @len: length of its content in bytes, 1 or more
 *
 * Never less for a longer message.
 *
 * Return: the number of bytes.
 */
u32 kmsgq_footprint(size_t len)
{
	return kmsgq_class_of(len)->size + KMSGQ_OBJ_OVERHEAD +
	       (kmsgq_nr_chunks(len) << kmsgq_chunk_shift(len));
}

/**
 * kmsgq_msg_release() - give a message's memory back to the allocator
 * @msg: a message that is in no queue
 * @nr_chunks: how many chunks it has
 */
static void kmsgq_msg_release(struct kmsgq_msg *msg, size_t nr_chunks)
{
	unsigned int order = kmsgq_chunk_shift(msg->len) - PAGE_SHIFT;
	unsigned long *chunks = (unsigned long *)msg->content;

	while (unlikely(nr_chunks--))
		free_pages(chunks[nr_chunks], order);
	kmem_cache_free(kmsgq_class_of(msg->len)->cache, msg);
}

/**
 * kmsgq_msg_free() - free a message, or keep it as the spare one
 * @msg: a message that is in no queue; no longer the caller's
 * @spare: where its queue keeps a message for reuse; NULL to keep none
 *
 * May be called by any number of tasks at once: @spare is exchanged atomically.
 */
void kmsgq_msg_free(struct kmsgq_msg *msg, struct kmsgq_msg **spare)
{
	if (!IS_ENABLED(CONFIG_KASAN) && !IS_ENABLED(CONFIG_KMSAN) && spare &&
	    !want_init_on_free() && msg->len <= KMSGQ_SPARE_MAX &&
	    !READ_ONCE(*spare) && !cmpxchg(spare, NULL, msg))
		return;
	kmsgq_msg_release(msg, kmsgq_nr_chunks(msg->len));
}

/**
 * kmsgq_msg_alloc_fresh() - allocate a message from the allocator
 * @len: length of its content in bytes, 1 or more
 *
 * Apart from kmsgq_msg_alloc() so that the common case saves no registers.
 *
 * Return: the message, or NULL.
 */
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
	msg->deliveries = 0;
	chunks = (unsigned long *)msg->content;
	for (i = 0; unlikely(i < nr); i++) {
		/* As a compound page, for usercopy to check it as one object. */
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
 * Return: the message, to be given to kmsgq_enqueue() or kmsgq_msg_free(); NULL
 * if there is no memory.
 */
struct kmsgq_msg *kmsgq_msg_alloc(size_t len, struct kmsgq_msg **spare)
{
	struct kmsgq_msg *msg = READ_ONCE(*spare);

	if (likely(msg))
		msg = xchg(spare, NULL);
	/* Only messages of the same class have the same footprint. */
	if (unlikely(!msg || msg->footprint != kmsgq_footprint(len))) {
		if (msg)
			kmsgq_msg_release(msg, kmsgq_nr_chunks(msg->len));
		return kmsgq_msg_alloc_fresh(len);
	}
	msg->len = len;
	msg->deliveries = 0;
	return msg;
}

/**
 * kmsgq_msg_exit() - destroy the caches; all messages have been freed
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
