// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: which message comes next.
 *
 * Messages carry numbers in the order in which they were put in. The next one
 * is always that with the least number of all in the queue, whether it was
 * there all the time or has come back.
 */
#include "support.h"

/* A message that does not fit its reader stays, or is held. */
static void short_of_space(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_lease *lease = &t->leases[0];
	struct kmsgq_msg *msg;

	KUNIT_EXPECT_EQ(test, PTR_ERR(kmsgq_dequeue(&t->q, lease, 0, KMSGQ_WHOLE)),
			-EAGAIN);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 20, 1), 0);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 10, 2), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmsgq_dequeue(&t->q, lease, 0, KMSGQ_WHOLE)),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmsgq_dequeue(&t->q, lease, 19,
						    KMSGQ_WHOLE | KMSGQ_HOLD)),
			-EMSGSIZE);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 2, .enqueued = 2,
			      .queued_bytes = kmsgq_footprint(20) +
					      kmsgq_footprint(10));

	msg = kmsgq_dequeue(&t->q, lease, 20, KMSGQ_WHOLE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	t->hand[0] = msg;
	KUNIT_EXPECT_EQ(test, kmsgq_test_number(msg), 1);
	KUNIT_EXPECT_EQ(test, (u32)msg->len, 20);
	KUNIT_EXPECT_EQ(test, kmsgq_test_out(test, 1, 9, 0), 2);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = 2, .dequeued = 2,
			      .held = 1, .queued_bytes = kmsgq_footprint(10));
	/* A file that holds a message takes no other. */
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 20, 3), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmsgq_dequeue(&t->q, &t->leases[1], 20,
						    KMSGQ_WHOLE)), -EBUSY);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 3);
}

/* The k-th of the 120 orders of five, as digits of the factorial base. */
static void permute(unsigned int k, u8 to[5])
{
	u8 left[] = { 0, 1, 2, 3, 4 };
	unsigned int i, digit;

	for (i = 0; i < 5; i++) {
		digit = k % (5 - i);
		k /= 5 - i;
		to[i] = left[digit];
		memmove(left + digit, left + digit + 1, 4 - digit);
	}
}

/*
 * Five readers give up, in each of the orders in which they can. Behind their
 * messages are none or three others, and one that comes when two are back.
 */
static void returns_in_any_order(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	unsigned int k, i;
	u8 to[5];

	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, 20);
	for (k = 0; k < 240; k++) {
		unsigned int behind = k < 120 ? 0 : 3;
		unsigned int flags = k % 3 ? KMSGQ_HOLD : 0;

		permute(k % 120, to);
		for (i = 0; i < 5 + behind; i++)
			KUNIT_ASSERT_EQ(test,
					kmsgq_test_put(test, &t->q, 8, i), 0);
		for (i = 0; i < 5; i++)
			KUNIT_ASSERT_EQ(test, kmsgq_test_out(test, i, SIZE_MAX,
							     flags), i);
		for (i = 0; i < 5; i++) {
			if (i == 2)
				KUNIT_ASSERT_EQ(test,
						kmsgq_test_put(test, &t->q, 8,
							       5 + behind), 0);
			kmsgq_test_back(test, to[i]);
		}
		for (i = 0; i < 6 + behind; i++)
			KUNIT_ASSERT_EQ(test, kmsgq_test_take(&t->q), i);
		KUNIT_ASSERT_EQ(test, kmsgq_test_take(&t->q), -EAGAIN);
	}
}

/* Some that came back are taken, and come back, while others are still out. */
static void returns_of_returned(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	const int n = KMSGQ_TEST_HAND;
	int round, i;

	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, n);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 8, i), 0);
	for (round = 1; round < n; round++) {
		for (i = 0; i < round; i++)
			KUNIT_ASSERT_EQ(test, kmsgq_test_out(test, i, SIZE_MAX,
							     0), i);
		/* The odd ones first, and from the youngest on. */
		for (i = round - 1; i >= 0; i--)
			if (i % 2)
				kmsgq_test_back(test, i);
		if (round > 1)
			KUNIT_ASSERT_EQ(test, kmsgq_test_out(test, 1, SIZE_MAX,
							     0), 1);
		for (i = 0; i < round; i++)
			if (t->hand[i])
				kmsgq_test_back(test, i);
	}
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), i);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(short_of_space),
	KUNIT_CASE(returns_in_any_order),
	KUNIT_CASE(returns_of_returned),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_fifo",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
