// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: who is woken for which change.
 *
 * Of the tasks, one when the queue stops being empty, or has space for a page or
 * no message; and each that leaves something wakes the next. Of the pollers, one
 * for each message, and all when the queue stops being full. Wakers stand in for
 * both: they stay in the wait queue and count.
 */
#include "support.h"

#define EXPECT_WOKEN(test, waker, times) \
	KUNIT_EXPECT_EQ(test, kmsgq_test_woken(waker), times)

static int put(struct kunit *test, u32 number)
{
	struct kmsgq_test *t = test->priv;

	return kmsgq_test_put(test, &t->q, KMSGQ_TEST_MAX, number);
}

static void fill(struct kunit *test)
{
	while (!put(test, 0))
		;
}

static void a_reader_for_the_first_message(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *first = kmsgq_test_task(test, &t->q.readers);
	struct kmsgq_waker *second = kmsgq_test_task(test, &t->q.readers);

	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	EXPECT_WOKEN(test, first, 1);
	EXPECT_WOKEN(test, second, 0);
	/* The first one is on its way, and will see to the others. */
	KUNIT_ASSERT_EQ(test, put(test, 1), 0);
	KUNIT_ASSERT_EQ(test, put(test, 2), 0);
	EXPECT_WOKEN(test, first, 0);
	kmsgq_test_leave(first);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, second, 1);
	kmsgq_test_out(test, 0, SIZE_MAX, 0);
	EXPECT_WOKEN(test, second, 1);
	/* The last message is taken: there is nothing to come for. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 2);
	EXPECT_WOKEN(test, second, 0);
}

static void a_reader_for_a_return(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *task, *other, *poller;
	int i;

	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, put(test, i), 0);
	kmsgq_test_out(test, 0, SIZE_MAX, 0);
	kmsgq_test_out(test, 1, SIZE_MAX, 0);
	kmsgq_test_lease(test, 2, 2);
	kmsgq_test_lease(test, 3, 3);
	task = kmsgq_test_task(test, &t->q.readers);
	other = kmsgq_test_task(test, &t->q.readers);
	poller = kmsgq_test_poller(test, &t->q, EPOLLIN, true);

	kmsgq_test_back(test, 0);
	EXPECT_WOKEN(test, task, 1);
	EXPECT_WOKEN(test, poller, 1);
	kmsgq_test_back(test, 1);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 1);
	kmsgq_lease_return(&t->q, &t->leases[2], NULL, 0);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 1);
	/* A reader that leaves only such as came back wakes the next, too. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, task, 1);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 2);
	EXPECT_WOKEN(test, task, 1);
	kmsgq_lease_return(&t->q, &t->leases[3], NULL, 0);
	EXPECT_WOKEN(test, task, 1);
	EXPECT_WOKEN(test, poller, 1);
	EXPECT_WOKEN(test, other, 0);
}

static void a_poller_per_message(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *plain[2], *exclusive[2], *out;
	int i;

	plain[0] = kmsgq_test_poller(test, &t->q, EPOLLIN, false);
	plain[1] = kmsgq_test_poller(test, &t->q, EPOLLIN | EPOLLOUT, false);
	out = kmsgq_test_poller(test, &t->q, EPOLLOUT, true);
	exclusive[0] = kmsgq_test_poller(test, &t->q, EPOLLIN, true);
	exclusive[1] = kmsgq_test_poller(test, &t->q, EPOLLIN, true);
	for (i = 0; i < KMSGQ_TEST_ROOM; i++) {
		KUNIT_ASSERT_EQ(test, put(test, i), 0);
		EXPECT_WOKEN(test, plain[0], 1);
		EXPECT_WOKEN(test, plain[1], 1);
		EXPECT_WOKEN(test, exclusive[0], 1);
		EXPECT_WOKEN(test, exclusive[1], 0);
	}
	/* Whoever waits for room alone is not woken in place of a reader. */
	EXPECT_WOKEN(test, out, 0);
}

/* Half of the full mark is less than a page here. */
static void a_writer_for_space(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *first, *second;
	int left;

	fill(test);
	kmsgq_test_out(test, 0, SIZE_MAX, 0);
	KUNIT_ASSERT_EQ(test, put(test, 9), 0);
	kmsgq_test_back(test, 0);
	/* One more than fits: the first read makes no space. */
	first = kmsgq_test_task(test, &t->q.writers);
	second = kmsgq_test_task(test, &t->q.writers);
	for (left = 4; left >= 0; left--) {
		KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
		/* At the mark, and when no message is left. */
		EXPECT_WOKEN(test, first, left <= 1);
	}
	EXPECT_WOKEN(test, second, 0);

	/* A writer that leaves space wakes the next, the last one none. */
	kmsgq_test_leave(first);
	for (left = 3; left >= 0; left--) {
		KUNIT_ASSERT_EQ(test, put(test, 0), 0);
		EXPECT_WOKEN(test, second, left > 0);
	}
	KUNIT_EXPECT_TRUE(test, kmsgq_is_full(&t->q));
}

/* Held messages are no space, but nobody else will make any. */
static void a_writer_beside_held_messages(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *task = kmsgq_test_task(test, &t->q.writers);
	size_t i;

	fill(test);
	for (i = 0; i < 3; i++)
		kmsgq_test_lease(test, i, 0);
	kmsgq_test_woken(task);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, task, 1);
}

/* Space appears when memory is uncharged, and not before. */
static void a_writer_for_memory(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *task = kmsgq_test_task(test, &t->q.writers);
	struct kmsgq_waker *poller = kmsgq_test_poller(test, &t->q, EPOLLOUT,
						       false);
	size_t i;

	fill(test);
	/* The writer of the last message has woken none. */
	kmsgq_test_woken(task);
	for (i = 0; i < KMSGQ_TEST_ROOM; i++)
		kmsgq_test_lease(test, i, 0);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 0);
	kmsgq_lease_return(&t->q, &t->leases[1], NULL, 0);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, task, 1);
	EXPECT_WOKEN(test, poller, 1);
	kmsgq_lease_confirm(&t->q, &t->leases[0]);
	EXPECT_WOKEN(test, task, 1);
	/* The same if it moves to the dead queue. */
	kmsgq_lease_return(&t->q, &t->leases[2], &t->dead, 1);
	EXPECT_WOKEN(test, task, 1);
	EXPECT_WOKEN(test, poller, 0);
}

/* All of them, each time that a full queue has space, and never else. */
static void pollers_for_space(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *pollers[3];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		pollers[i] = kmsgq_test_poller(test, &t->q, EPOLLOUT, i > 0);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	fill(test);
	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		EXPECT_WOKEN(test, pollers[i], 0);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		EXPECT_WOKEN(test, pollers[i], 1);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		EXPECT_WOKEN(test, pollers[i], 0);
}

/* Twice as many sleepers at each expiry, as long as they can continue. */
static void backstop(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *tasks[8];
	size_t i, expiry, woken;

	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		tasks[i] = kmsgq_test_task(test, &t->q.readers);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	EXPECT_WOKEN(test, tasks[0], 1);
	for (expiry = 0; expiry < 3; expiry++) {
		/* As it expires, but without its delay. */
		KUNIT_ASSERT_TRUE(test, timer_pending(&t->q.backstop));
		timer_delete_sync(&t->q.backstop);
		t->q.backstop.function(&t->q.backstop);
		for (i = 0, woken = 0; i < ARRAY_SIZE(tasks); i++)
			woken += kmsgq_test_woken(tasks[i]);
		KUNIT_EXPECT_EQ(test, woken, 1 << expiry);
	}
	/* No message is left: it stops, and begins with one again. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	timer_delete_sync(&t->q.backstop);
	t->q.backstop.function(&t->q.backstop);
	KUNIT_EXPECT_FALSE(test, timer_pending(&t->q.backstop));
	KUNIT_EXPECT_EQ(test, t->q.backstop_wakes, 1);
	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		EXPECT_WOKEN(test, tasks[i], 0);
	/* The next message that leaves sleepers arms it. */
	KUNIT_ASSERT_EQ(test, put(test, 1), 0);
	KUNIT_EXPECT_TRUE(test, timer_pending(&t->q.backstop));
}

static void passed_on(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *reader = kmsgq_test_task(test, &t->q.readers);
	struct kmsgq_waker *writer = kmsgq_test_task(test, &t->q.writers);
	struct kmsgq_waker *in = kmsgq_test_poller(test, &t->q, EPOLLIN, true);
	struct kmsgq_waker *out = kmsgq_test_poller(test, &t->q, EPOLLOUT, true);

	/* Empty: only writers can continue. */
	kmsgq_pass_on(&t->q, EPOLLIN | EPOLLOUT);
	EXPECT_WOKEN(test, reader, 0);
	EXPECT_WOKEN(test, in, 0);
	EXPECT_WOKEN(test, writer, 1);
	/* Pollers for space have all been woken. */
	EXPECT_WOKEN(test, out, 0);

	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	kmsgq_test_woken(reader);
	kmsgq_test_woken(writer);
	kmsgq_test_woken(in);
	kmsgq_pass_on(&t->q, EPOLLIN);
	EXPECT_WOKEN(test, reader, 1);
	EXPECT_WOKEN(test, in, 1);
	EXPECT_WOKEN(test, writer, 0);
	EXPECT_WOKEN(test, out, 0);

	/* Full: only readers can. */
	fill(test);
	kmsgq_test_woken(reader);
	kmsgq_test_woken(writer);
	kmsgq_test_woken(in);
	kmsgq_pass_on(&t->q, EPOLLIN | EPOLLOUT);
	EXPECT_WOKEN(test, reader, 1);
	EXPECT_WOKEN(test, in, 1);
	EXPECT_WOKEN(test, writer, 0);
	EXPECT_WOKEN(test, out, 0);

	/* All that is left was returned. */
	while (kmsgq_test_take(&t->q) >= 0)
		;
	KUNIT_ASSERT_EQ(test, put(test, 1), 0);
	kmsgq_test_lease(test, 0, 1);
	kmsgq_lease_return(&t->q, &t->leases[0], NULL, 0);
	kmsgq_test_woken(reader);
	kmsgq_pass_on(&t->q, EPOLLIN);
	EXPECT_WOKEN(test, reader, 1);
}

static void all_for_new_limits(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *all[6];
	size_t i;

	fill(test);
	all[0] = kmsgq_test_task(test, &t->q.readers);
	all[1] = kmsgq_test_task(test, &t->q.readers);
	all[2] = kmsgq_test_task(test, &t->q.writers);
	all[3] = kmsgq_test_task(test, &t->q.writers);
	all[4] = kmsgq_test_poller(test, &t->q, EPOLLOUT, true);
	all[5] = kmsgq_test_poller(test, &t->q, EPOLLOUT, true);
	kmsgq_test_limit(&t->q, 8, 1);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		EXPECT_WOKEN(test, all[i], 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_reader_for_the_first_message),
	KUNIT_CASE(a_reader_for_a_return),
	KUNIT_CASE(a_poller_per_message),
	KUNIT_CASE(a_writer_for_space),
	KUNIT_CASE(a_writer_beside_held_messages),
	KUNIT_CASE(a_writer_for_memory),
	KUNIT_CASE(pollers_for_space),
	KUNIT_CASE(backstop),
	KUNIT_CASE(passed_on),
	KUNIT_CASE(all_for_new_limits),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_wakeups",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
