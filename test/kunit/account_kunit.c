// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: what is counted, and when the queue is full.
 *
 * The account holds the memory of a message from when it is put in until it is
 * freed; only a reader that is sure to finish takes it off before.
 */
#include <linux/jiffies.h>

#include "support.h"

#define F	kmsgq_footprint(KMSGQ_TEST_MAX)

static int put(struct kunit *test, u32 number)
{
	struct kmsgq_test *t = test->priv;

	return kmsgq_test_put(test, &t->q, KMSGQ_TEST_MAX, number);
}

static void fill(struct kunit *test)
{
	int i;

	for (i = 0; i < KMSGQ_TEST_ROOM; i++)
		KUNIT_ASSERT_EQ(test, put(test, i), 0);
}

/* Full is one condition for all: the largest message would not fit. */
static void full(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	int i;

	for (i = 0; i < KMSGQ_TEST_ROOM; i++) {
		KUNIT_EXPECT_TRUE(test, kmsgq_has_room(&t->q));
		KUNIT_EXPECT_EQ(test, put(test, i), 0);
	}
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	KUNIT_EXPECT_EQ(test, kmsgq_admit(&t->q, 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 1, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	KUNIT_ASSERT_EQ(test, kmsgq_admit(&t->q, 1), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_wait_room(&t->q, 1), 0);
	/* A single byte in the way of the largest one is enough. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 1, i), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 1, 0), -EAGAIN);
	for (i = 1; i <= KMSGQ_TEST_ROOM; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), i);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = 5, .dequeued = 5);
}

/* What a reader may have for long keeps the queue full until it is freed. */
static void kept(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;

	fill(test);
	kmsgq_test_out(test, 0, SIZE_MAX, true);
	kmsgq_test_out(test, 1, KMSGQ_TEST_MAX - 1, false);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 2, .queued_bytes = 4 * F,
			      .held = 2, .enqueued = 4, .dequeued = 2);
	KUNIT_EXPECT_EQ(test, put(test, 4), -EAGAIN);

	/* To deliver some of it, or all, changes nothing. */
	kmsgq_lease_set(&t->q, &t->leases[0], t->hand[0], 1);
	kmsgq_lease_set(&t->q, &t->leases[0], t->hand[0], KMSGQ_TEST_MAX);
	t->hand[0] = NULL;
	KUNIT_EXPECT_EQ(test, put(test, 4), -EAGAIN);
	kmsgq_lease_end(&t->q, &t->leases[0], false);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 2, .queued_bytes = 3 * F,
			      .held = 1, .enqueued = 4, .dequeued = 2);
	KUNIT_EXPECT_EQ(test, put(test, 4), 0);

	/* What was in the account all the time is not counted twice. */
	kmsgq_test_back(test, 1, true);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 4, .queued_bytes = 4 * F,
			      .enqueued = 5, .dequeued = 2, .returned = 1);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 1);
}

/* What is read at once makes room at once, and comes back whatever is there. */
static void not_kept(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;

	fill(test);
	kmsgq_test_out(test, 0, KMSGQ_TEST_MAX, false);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 3, .queued_bytes = 3 * F,
			      .enqueued = 4, .dequeued = 1);
	KUNIT_EXPECT_EQ(test, put(test, 4), 0);
	kmsgq_test_back(test, 0, false);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 5, .queued_bytes = 5 * F,
			      .enqueued = 5, .dequeued = 1, .returned = 1);
	KUNIT_EXPECT_EQ(test, put(test, 5), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	KUNIT_EXPECT_EQ(test, put(test, 5), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 1);
	KUNIT_EXPECT_EQ(test, put(test, 5), 0);
}

static u64 high_water(struct kmsgq_queue *q)
{
	struct kmsgq_counters counters;

	kmsgq_get_counters(q, &counters);
	return counters.high_water_bytes;
}

static void high_water_never_falls(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, high_water(&t->q), 0);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	KUNIT_ASSERT_EQ(test, put(test, 1), 0);
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 2 * F);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	KUNIT_ASSERT_EQ(test, put(test, 2), 0);
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 2 * F);
	kmsgq_test_out(test, 0, SIZE_MAX, false);
	while (!put(test, 3))
		;
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 4 * F);
	/* By a return it exceeds the limit. */
	kmsgq_test_back(test, 0, false);
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 5 * F);
	while (kmsgq_test_take(&t->q) >= 0)
		;
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 5 * F);
}

static void live_limits_drop_nothing(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, put(test, i), 0);
	kmsgq_test_limit(&t->q, 8, 1);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 3, .queued_bytes = 3 * F,
			      .enqueued = 3);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 9, 0), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 8, 0), -EAGAIN);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), i);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 8, 0), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 8, 0), -EAGAIN);
	kmsgq_test_limit(&t->q, 9, 2);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, &t->q, 9, 0), 0);
}

static u64 age_ms(struct kmsgq_queue *q)
{
	struct kmsgq_counters counters;

	kmsgq_get_counters(q, &counters);
	return counters.oldest_age_ms;
}

/* The age is that of the oldest in the queue, since its write, for years. */
static void age(struct kunit *test)
{
	const u64 years = 30ULL * 365 * 24 * 3600;
	struct kmsgq_test *t = test->priv;
	u64 ms;

	KUNIT_EXPECT_EQ(test, age_ms(&t->q), 0);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	kmsgq_test_out(test, 0, SIZE_MAX, true);
	t->hand[0]->stamp -= years * HZ;
	KUNIT_EXPECT_EQ(test, age_ms(&t->q), 0);
	kmsgq_test_back(test, 0, true);
	KUNIT_ASSERT_EQ(test, put(test, 1), 0);
	ms = age_ms(&t->q);
	KUNIT_EXPECT_GE(test, ms, years * 1000);
	KUNIT_EXPECT_LT(test, ms, (years + 3600) * 1000);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	KUNIT_EXPECT_LT(test, age_ms(&t->q), 3600 * 1000);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(full),
	KUNIT_CASE(kept),
	KUNIT_CASE(not_kept),
	KUNIT_CASE(high_water_never_falls),
	KUNIT_CASE(live_limits_drop_nothing),
	KUNIT_CASE(age),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_account",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
