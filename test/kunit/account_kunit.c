// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: what is counted, where files cannot show it.
 *
 * A message is charged from its write until it is freed; a reader with space for
 * all of a message in one piece uncharges it before it copies.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>

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

/* A message in one piece makes space at once, and always returns. */
static void not_held(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;

	fill(test);
	kmsgq_test_out(test, 0, KMSGQ_TEST_MAX, 0);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 3, .queued_bytes = 3 * F,
			      .enqueued = 4, .dequeued = 1);
	KUNIT_EXPECT_EQ(test, put(test, 4), 0);
	kmsgq_test_back(test, 0);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 5, .queued_bytes = 5 * F,
			      .enqueued = 5, .dequeued = 1, .returned = 1);
	KUNIT_EXPECT_EQ(test, put(test, 5), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	KUNIT_EXPECT_EQ(test, put(test, 5), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 1);
	KUNIT_EXPECT_EQ(test, put(test, 5), 0);
}

static unsigned long spares(struct kmsgq_queue *q)
{
	unsigned long bytes = 0;
	struct kmsgq_msg *msg;

	for (msg = q->spares; msg; msg = msg->next)
		bytes += msg->footprint;
	return bytes;
}

/* Charged bytes and spares together stay within the limit, whatever the sizes. */
static void spares_are_within_the_limit(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	unsigned long limit = 40 * F, most = 0;
	u32 number = 0;
	int round, i;

	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, 40);
	for (round = 0; round < 200; round++) {
		u32 len = round % 2 ? KMSGQ_TEST_MAX : 1;
		int burst = 1 + round * 7 % 45;

		for (i = 0; i < burst; i++) {
			kmsgq_test_put(test, &t->q, len, number++);
			KUNIT_ASSERT_EQ(test, spares(&t->q), t->q.spare_bytes);
			KUNIT_ASSERT_LE(test, t->q.bytes + t->q.spare_bytes, limit);
		}
		while (kmsgq_test_take(&t->q) >= 0)
			KUNIT_ASSERT_LE(test, t->q.bytes + t->q.spare_bytes, limit);
		most = max(most, t->q.spare_bytes);
	}
	if (IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KMSAN) ||
	    want_init_on_free())
		KUNIT_EXPECT_EQ(test, most, 0);
	else
		KUNIT_EXPECT_GT(test, most, limit / 2);
	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, 1);
	KUNIT_EXPECT_LE(test, t->q.spare_bytes, F);
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
	kmsgq_test_out(test, 0, SIZE_MAX, 0);
	while (!put(test, 3))
		;
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 4 * F);
	/* By a return it exceeds the limit. */
	kmsgq_test_back(test, 0);
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 5 * F);
	while (kmsgq_test_take(&t->q) >= 0)
		;
	KUNIT_EXPECT_EQ(test, high_water(&t->q), 5 * F);
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
	kmsgq_test_out(test, 0, SIZE_MAX, KMSGQ_HOLD);
	t->leases[0].msg->stamp -= years * HZ;
	KUNIT_EXPECT_EQ(test, age_ms(&t->q), 0);
	kmsgq_test_back(test, 0);
	KUNIT_ASSERT_EQ(test, put(test, 1), 0);
	ms = age_ms(&t->q);
	KUNIT_EXPECT_GE(test, ms, years * 1000);
	KUNIT_EXPECT_LT(test, ms, (years + 3600) * 1000);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	KUNIT_EXPECT_LT(test, age_ms(&t->q), 3600 * 1000);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(not_held),
	KUNIT_CASE(spares_are_within_the_limit),
	KUNIT_CASE(high_water_never_falls),
	KUNIT_CASE(age),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_account",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
