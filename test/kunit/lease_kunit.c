// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: messages that an open file holds until they are
 * confirmed, come back, or were delivered too often and go to the dead queue.
 */
#include "support.h"

#define F	kmsgq_footprint(KMSGQ_TEST_MAX)

static void fill(struct kunit *test, struct kmsgq_queue *q, u32 number)
{
	while (!kmsgq_test_put(test, q, KMSGQ_TEST_MAX, number))
		number++;
}

/* Back without a dead queue. */
static void give_back(struct kunit *test, size_t i)
{
	struct kmsgq_test *t = test->priv;

	kmsgq_lease_return(&t->q, &t->leases[i], NULL, 0);
	KUNIT_EXPECT_NULL(test, t->leases[i].msg);
}

static void held_until_confirmed(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;

	fill(test, &t->q, 0);
	kmsgq_test_lease(test, 0, 0);
	kmsgq_test_lease(test, 1, 1);
	KUNIT_EXPECT_EQ(test, t->leases[0].offset, KMSGQ_TEST_MAX);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 2, .queued_bytes = 4 * F,
			      .held = 2, .enqueued = 4, .dequeued = 2);
	kmsgq_lease_confirm(&t->q, &t->leases[0]);
	KUNIT_EXPECT_NULL(test, t->leases[0].msg);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 2, .queued_bytes = 3 * F,
			      .held = 1, .enqueued = 4, .dequeued = 2);
	/* The same, but the last reader has not read all of it. */
	kmsgq_lease_drop(&t->q, &t->leases[1]);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 2, .queued_bytes = 2 * F,
			      .enqueued = 4, .dequeued = 2, .dropped = 1);
}

/* One for each time that it is delivered, in however many parts. */
static void deliveries(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	u32 times, part;

	fill(test, &t->q, 0);
	for (times = 1; times <= KMSGQ_DELIVERIES_MAX + 2; times++) {
		kmsgq_test_out(test, 0, SIZE_MAX, KMSGQ_HOLD);
		for (part = 1; part < 5; part++)
			kmsgq_lease_advance(&t->q, &t->leases[0], 1);
		KUNIT_EXPECT_EQ(test, t->leases[0].offset, 4);
		KUNIT_ASSERT_EQ(test, (u32)t->leases[0].msg->deliveries,
				min_t(u32, times, KMSGQ_DELIVERIES_MAX));
		KUNIT_ASSERT_EQ(test, (u32)t->leases[0].msg->len, KMSGQ_TEST_MAX);
		give_back(test, 0);
	}
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 4, .queued_bytes = 4 * F,
			      .enqueued = 4, .dequeued = times - 1,
			      .returned = times - 1);
	/* What is returned without a byte delivered, by EFAULT, is no delivery. */
	kmsgq_test_out(test, 0, SIZE_MAX, KMSGQ_HOLD);
	KUNIT_EXPECT_EQ(test, kmsgq_test_out(test, 1, SIZE_MAX, KMSGQ_HOLD), 1);
	kmsgq_test_back(test, 1);
	kmsgq_test_lease(test, 1, 1);
	KUNIT_EXPECT_EQ(test, (u32)t->leases[1].msg->deliveries, 1);
}

/* Workers die in any order: nothing of it shows in that of the messages. */
static void back_to_their_places(struct kunit *test)
{
	static const u8 order[] = { 2, 0, 3, 1 };
	struct kmsgq_test *t = test->priv;
	size_t i;

	fill(test, &t->q, 0);
	for (i = 0; i < 4; i++)
		kmsgq_test_lease(test, i, i);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), -EAGAIN);
	for (i = 0; i < 4; i++)
		give_back(test, order[i]);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 4, .queued_bytes = 4 * F,
			      .enqueued = 4, .dequeued = 4, .returned = 4);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), i);
}

static void too_often(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *poller = kmsgq_test_poller(test, &t->dead, EPOLLIN,
						       false);
	struct kmsgq_waker *reader = kmsgq_test_task(test, &t->dead.readers);
	struct kmsgq_lease none = {};
	struct kmsgq_msg *msg;
	int times;

	fill(test, &t->q, 0);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->dead, 8, 99), 0);
	kmsgq_test_woken(poller);
	kmsgq_test_woken(reader);
	for (times = 1; times < 3; times++) {
		kmsgq_test_lease(test, 0, 0);
		kmsgq_lease_return(&t->q, &t->leases[0], &t->dead, 3);
		KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 4, .enqueued = 4,
				      .queued_bytes = 4 * F, .dequeued = times,
				      .returned = times);
	}
	KUNIT_EXPECT_EQ(test, kmsgq_test_woken(poller), 0);
	kmsgq_test_lease(test, 0, 0);
	kmsgq_lease_return(&t->q, &t->leases[0], &t->dead, 3);
	KUNIT_EXPECT_NULL(test, t->leases[0].msg);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 3, .queued_bytes = 3 * F,
			      .enqueued = 4, .dequeued = 3, .returned = 2,
			      .dead = 1);
	KMSGQ_EXPECT_COUNTERS(test, &t->dead, .queued = 2, .enqueued = 2,
			      .queued_bytes = kmsgq_footprint(8) + F);
	KUNIT_EXPECT_EQ(test, kmsgq_test_woken(poller), 1);
	/* It was not the first there. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_woken(reader), 0);

	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->dead), 99);
	msg = kmsgq_dequeue(&t->dead, &none, SIZE_MAX, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	t->hand[0] = msg;
	KUNIT_EXPECT_EQ(test, kmsgq_test_number(msg), 0);
	KUNIT_EXPECT_EQ(test, (u32)msg->len, KMSGQ_TEST_MAX);
	KUNIT_EXPECT_EQ(test, (u32)msg->deliveries, 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 1);
}

/*
 * The dead queue is full, or has no room for one so long: the message goes
 * behind all others of its own queue, and to the dead queue the next time.
 */
static void dead_queue_refuses(struct kunit *test, bool full)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *reader;
	u64 dead_bytes = full ? 4 * F : 0;
	u64 dead_nr = full ? 4 : 0;
	int i;

	if (full)
		fill(test, &t->dead, 90);
	else
		kmsgq_test_limit(&t->dead, KMSGQ_TEST_MAX - 1, 4);
	fill(test, &t->q, 0);
	kmsgq_test_lease(test, 0, 0);
	kmsgq_test_lease(test, 1, 1);
	kmsgq_lease_return(&t->q, &t->leases[0], &t->dead, 1);
	kmsgq_lease_return(&t->q, &t->leases[1], &t->dead, 2);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 4, .queued_bytes = 4 * F,
			      .enqueued = 4, .dequeued = 2, .returned = 2);
	KMSGQ_EXPECT_COUNTERS(test, &t->dead, .queued = dead_nr,
			      .enqueued = dead_nr, .queued_bytes = dead_bytes);
	for (i = 1; i <= 3; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), i);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, KMSGQ_TEST_MAX, 4), 0);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 2, .queued_bytes = 2 * F,
			      .enqueued = 5, .dequeued = 5, .returned = 2);

	kmsgq_test_lease(test, 0, 0);
	KUNIT_EXPECT_EQ(test, (u32)t->leases[0].msg->deliveries, 2);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 4);
	reader = kmsgq_test_task(test, &t->q.readers);
	kmsgq_lease_return(&t->q, &t->leases[0], &t->dead, 1);
	/* It is the only one: a reader has to be woken. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_woken(reader), 1);
	kmsgq_test_lease(test, 0, 0);

	while (kmsgq_test_take(&t->dead) >= 0)
		;
	kmsgq_test_limit(&t->dead, KMSGQ_TEST_MAX, 1);
	kmsgq_lease_return(&t->q, &t->leases[0], &t->dead, 1);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->dead), 0);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = 5, .dequeued = 8,
			      .returned = 3, .dead = 1);
	KMSGQ_EXPECT_COUNTERS(test, &t->dead, .enqueued = dead_nr + 1,
			      .dequeued = dead_nr + 1);
}

static void dead_queue_is_full(struct kunit *test)
{
	dead_queue_refuses(test, true);
}

static void too_long_for_the_dead_queue(struct kunit *test)
{
	dead_queue_refuses(test, false);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(held_until_confirmed),
	KUNIT_CASE(deliveries),
	KUNIT_CASE(back_to_their_places),
	KUNIT_CASE(too_often),
	KUNIT_CASE(dead_queue_is_full),
	KUNIT_CASE(too_long_for_the_dead_queue),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_lease",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
