// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of msg.c: where the bytes are, what memory they take, and the
 * spare message.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "support.h"

/* Around each change of the layout, and the longest. */
static const u32 lengths[] = {
	1, 31, 32, 33, 64, 65, 128, 129, 256, 257, 512, 513, 1024, 1025,
	2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193, 16384, 16385,
	SZ_64K, SZ_64K + 1, 100000, SZ_1M - 1, SZ_1M,
};

/* Any message that is not in a queue is here, to be freed in any case. */
static struct kmsgq_msg *alloc(struct kunit *test, size_t len)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_msg *none = NULL;

	t->hand[0] = kmsgq_msg_alloc(len, &none);
	KUNIT_ASSERT_NOT_NULL(test, t->hand[0]);
	KUNIT_EXPECT_EQ(test, (u32)t->hand[0]->len, len);
	KUNIT_EXPECT_EQ(test, t->hand[0]->footprint, kmsgq_footprint(len));
	return t->hand[0];
}

static void release(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;

	kmsgq_msg_free(t->hand[0], NULL);
	t->hand[0] = NULL;
}

static void fill_or_check(struct kunit *test, struct kmsgq_msg *msg, bool check)
{
	size_t done, part, i;

	for (done = 0; done < msg->len; done += part) {
		u8 *span;

		part = msg->len - done;
		span = kmsgq_msg_span(msg, done, &part);
		KUNIT_ASSERT_GT(test, part, 0);
		KUNIT_ASSERT_LE(test, done + part, (size_t)msg->len);
		for (i = 0; i < part; i++) {
			u8 byte = (done + i) % 251;

			if (!check)
				span[i] = byte;
			else if (span[i] != byte)
				break;
		}
		KUNIT_ASSERT_EQ_MSG(test, i, part, "byte %zu of %u", done + i,
				    msg->len);
	}
}

/* All bytes are there, and no two are the same: KASAN sees those outside. */
static void spans(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		u32 len = lengths[i];
		struct kmsgq_msg *msg = alloc(test, len);
		size_t part = 2;

		fill_or_check(test, msg, false);
		fill_or_check(test, msg, true);
		/* A part within one chunk, and one across its end. */
		if (len >= 2) {
			u8 *span = kmsgq_msg_span(msg, len - 2, &part);

			KUNIT_EXPECT_EQ(test, *span, (len - 2) % 251);
			KUNIT_EXPECT_EQ(test, part,
					len > KMSGQ_INLINE_MAX &&
					len % BIT(kmsgq_chunk_shift(len)) == 1 ?
					1 : 2);
		}
		release(test);
	}
}

/*
 * The footprint is the size of the object and the pages that a message is made
 * of, and the address of the object's cgroup. So it cannot be less than what a
 * writer pins.
 */
static void footprint_is_memory(struct kunit *test)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		u32 len = lengths[i];
		struct kmsgq_msg *msg = alloc(test, len);
		size_t bytes = ksize(msg) + sizeof(void *);

		if (len > KMSGQ_INLINE_MAX)
			for (k = 0; k << kmsgq_chunk_shift(len) < len; k++)
				bytes += page_size(virt_to_page(((void **)
							msg->content)[k]));
		KUNIT_EXPECT_EQ_MSG(test, kmsgq_footprint(len), bytes, "%u", len);
		release(test);
	}
}

/* Were it less for a longer message, a queue that is not full could refuse it. */
static void footprint_never_falls(struct kunit *test)
{
	u32 len, footprint, last = 0;

	for (len = 1; len <= SZ_1M; len++) {
		footprint = kmsgq_footprint(len);
		KUNIT_ASSERT_GE(test, footprint, last);
		KUNIT_ASSERT_GT(test, footprint, len + sizeof(struct kmsgq_msg));
		last = footprint;
	}
}

static bool spares_are_kept(void)
{
	return !IS_ENABLED(CONFIG_KASAN) && !IS_ENABLED(CONFIG_KMSAN) &&
	       !want_init_on_free();
}

/* Which messages are kept; none where that would hide a bug. */
static void spare_is_kept(struct kunit *test)
{
	static const u32 lens[] = { 1, 2048, 2049, SZ_64K };
	struct kmsgq_test *t = test->priv;
	struct kmsgq_msg **spare = &t->hand[1];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		struct kmsgq_msg *msg = alloc(test, lens[i]);

		t->hand[0] = NULL;
		kmsgq_msg_free(msg, spare);
		KUNIT_EXPECT_PTR_EQ(test, *spare,
				    spares_are_kept() ? msg : NULL);
		/* The first of two stays. */
		msg = *spare;
		kmsgq_msg_free(alloc(test, lens[i]), spare);
		t->hand[0] = NULL;
		KUNIT_EXPECT_PTR_EQ(test, *spare, msg);
		if (msg)
			kmsgq_msg_free(msg, NULL);
		*spare = NULL;
	}
	kmsgq_msg_free(alloc(test, SZ_64K + 1), spare);
	t->hand[0] = NULL;
	KUNIT_EXPECT_NULL(test, *spare);
}

/* A spare message is used for one of the same class, once; else it is freed. */
static void spare_is_used_once(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_msg **spare = &t->hand[1];
	struct kmsgq_msg *kept;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		u32 len = lengths[i];
		u32 other = len <= SZ_64K ? len + 10 * SZ_8K : 1;

		kept = alloc(test, len);
		*spare = kept;
		t->hand[0] = kmsgq_msg_alloc(len, spare);
		KUNIT_ASSERT_PTR_EQ(test, t->hand[0], kept);
		KUNIT_ASSERT_NULL(test, *spare);
		KUNIT_EXPECT_EQ(test, (u32)kept->len, len);
		t->hand[2] = kmsgq_msg_alloc(len, spare);
		KUNIT_ASSERT_NOT_NULL(test, t->hand[2]);
		KUNIT_EXPECT_PTR_NE(test, t->hand[2], kept);
		kmsgq_msg_free(t->hand[2], NULL);
		t->hand[2] = NULL;
		release(test);

		/* Of another class: it must be neither used nor left. */
		*spare = alloc(test, len);
		t->hand[0] = NULL;
		t->hand[2] = kmsgq_msg_alloc(other, spare);
		KUNIT_ASSERT_NOT_NULL(test, t->hand[2]);
		KUNIT_EXPECT_NULL(test, *spare);
		KUNIT_EXPECT_EQ(test, t->hand[2]->footprint,
				kmsgq_footprint(other));
		fill_or_check(test, t->hand[2], false);
		kmsgq_msg_free(t->hand[2], NULL);
		t->hand[2] = NULL;
	}
}

#define TURNS	5000

/* Take the spare one or a fresh one, use it, and leave it for others. */
static int exchange(struct kmsgq_thread *thread)
{
	struct kmsgq_msg **spare = thread->data;
	int turn, doubled = 0;

	for (turn = 0; turn < TURNS && !signal_pending(current); turn++) {
		struct kmsgq_msg *msg = kmsgq_msg_alloc(8, spare);
		int spin;

		if (!msg)
			return -ENOMEM;
		WRITE_ONCE(msg->seq, thread->number);
		for (spin = 0; spin < 20; spin++) {
			cpu_relax();
			doubled += READ_ONCE(msg->seq) != thread->number;
		}
		/* Not kmsgq_msg_free(), which under KASAN keeps none. */
		if (cmpxchg(spare, NULL, msg))
			kmsgq_msg_free(msg, NULL);
		cond_resched();
	}
	return doubled;
}

static void spare_has_one_owner(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_thread *threads[KMSGQ_TEST_HAND];
	unsigned int i, nr = 0, cpu;

	for_each_online_cpu(cpu)
		for (i = 0; i < 2 && nr < KMSGQ_TEST_HAND; i++, nr++)
			threads[nr] = kmsgq_test_thread(test, exchange,
							&t->hand[1], nr, cpu);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(threads[i]));
		KUNIT_EXPECT_EQ(test, threads[i]->result, 0);
	}
	KUNIT_EXPECT_NOT_NULL(test, t->hand[1]);
}

#if IS_ENABLED(CONFIG_FAILSLAB) && IS_ENABLED(CONFIG_FAIL_PAGE_ALLOC)
/* Each allocation for a message fails in turn; how often there was none. */
static int fail_each(struct kunit *test, u32 len)
{
	int nth, failed = 0;
	bool passed = false;

	for (nth = 1; !passed && nth < 1000; nth++) {
		struct kmsgq_msg *none = NULL, *msg;

		WRITE_ONCE(current->fail_nth, nth);
		msg = kmsgq_msg_alloc(len, &none);
		/* The kernel copes with some of those that fail. */
		passed = READ_ONCE(current->fail_nth);
		WRITE_ONCE(current->fail_nth, 0);
		if (msg)
			kmsgq_msg_free(msg, NULL);
		failed += !msg;
		KUNIT_EXPECT_TRUE(test, msg || !passed);
	}
	KUNIT_EXPECT_TRUE(test, passed);
	return failed;
}

#define ROUNDS	200

/*
 * There is a message or there is none, and nothing leaks: an object would show
 * when the module is unloaded, and pages after so many rounds here: 44 MiB if the
 * chunks were lost that came before the one that failed. The kernel has to be
 * asked before to fail allocations that may wait: see guest.
 */
static void no_memory(struct kunit *test)
{
	struct sysinfo before, after;
	int round, failed = 0;

	si_meminfo(&before);
	for (round = 0; round < ROUNDS; round++) {
		failed += fail_each(test, 1) + fail_each(test, 2049) +
			  fail_each(test, SZ_64K);
		cond_resched();
	}
	si_meminfo(&after);
	/*
	 * A message takes 1, 2 and 9 allocations. Now and then the kernel has one
	 * of its own among them, which it does not repeat.
	 */
	KUNIT_EXPECT_GE(test, failed, ROUNDS * 11);
	KUNIT_EXPECT_GT(test, after.freeram + SZ_16M / PAGE_SIZE,
			before.freeram);
}
#else
static void no_memory(struct kunit *test)
{
	kunit_skip(test, "the kernel has no CONFIG_FAILSLAB or CONFIG_FAIL_PAGE_ALLOC");
}
#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(spans),
	KUNIT_CASE(footprint_is_memory),
	KUNIT_CASE(footprint_never_falls),
	KUNIT_CASE(spare_is_kept),
	KUNIT_CASE(spare_is_used_once),
	KUNIT_CASE(spare_has_one_owner),
	KUNIT_CASE(no_memory),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_memory",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
