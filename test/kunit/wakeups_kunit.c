// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: who is woken for which change.
 *
 * Of the tasks, one when the queue stops being empty (full), and by each that
 * has been there and leaves something the next. Of the pollers, one for each
 * message, and for room one for each time that one has found the queue full.
 * Wakers stand in for both: they stay in the wait queue and count.
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
	kmsgq_test_out(test, 0, SIZE_MAX, true);
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
	kmsgq_test_out(test, 0, SIZE_MAX, true);
	kmsgq_test_out(test, 1, SIZE_MAX, false);
	kmsgq_test_lease(test, 0, 2);
	kmsgq_test_lease(test, 1, 3);
	task = kmsgq_test_task(test, &t->q.readers);
	other = kmsgq_test_task(test, &t->q.readers);
	poller = kmsgq_test_poller(test, &t->q, EPOLLIN, true);

	kmsgq_test_back(test, 0, true);
	EXPECT_WOKEN(test, task, 1);
	EXPECT_WOKEN(test, poller, 1);
	kmsgq_test_back(test, 1, false);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 1);
	kmsgq_lease_return(&t->q, &t->leases[0], NULL, 0);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 1);
	/* A reader that leaves only such as came back wakes the next, too. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, task, 1);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 2);
	EXPECT_WOKEN(test, task, 1);
	kmsgq_lease_return(&t->q, &t->leases[1], NULL, 0);
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

static void a_writer_for_room(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *first, *second;

	fill(test);
	kmsgq_test_out(test, 0, SIZE_MAX, false);
	KUNIT_ASSERT_EQ(test, put(test, 9), 0);
	kmsgq_test_back(test, 0, false);
	/* One more than fits: the first read makes no room. */
	first = kmsgq_test_task(test, &t->q.writers);
	second = kmsgq_test_task(test, &t->q.writers);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, first, 0);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, first, 1);
	/* It was not full: who was woken is on the way. */
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, first, 0);
	EXPECT_WOKEN(test, second, 0);

	/* A writer that leaves room wakes the next, the last one nobody. */
	kmsgq_test_leave(first);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	EXPECT_WOKEN(test, second, 1);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	KUNIT_EXPECT_TRUE(test, kmsgq_is_full(&t->q));
	EXPECT_WOKEN(test, second, 0);
}

/* There is room when the memory leaves the account, and not before. */
static void a_writer_for_memory(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *task = kmsgq_test_task(test, &t->q.writers);
	struct kmsgq_waker *poller = kmsgq_test_poller(test, &t->q, EPOLLOUT,
						       false);

	fill(test);
	/* The one that did fit last has woken nobody. */
	kmsgq_test_woken(task);
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	kmsgq_test_lease(test, 0, 0);
	kmsgq_test_lease(test, 1, 0);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 0);
	kmsgq_lease_return(&t->q, &t->leases[1], NULL, 0);
	EXPECT_WOKEN(test, task, 0);
	EXPECT_WOKEN(test, poller, 0);
	kmsgq_lease_end(&t->q, &t->leases[0], false);
	EXPECT_WOKEN(test, task, 1);
	EXPECT_WOKEN(test, poller, 1);

	/* The same if it moves to the dead queue. */
	fill(test);
	kmsgq_test_woken(task);
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	kmsgq_test_lease(test, 0, 0);
	kmsgq_lease_return(&t->q, &t->leases[0], &t->dead, 1);
	EXPECT_WOKEN(test, task, 1);
	EXPECT_WOKEN(test, poller, 1);
}

/* No poller is woken for room that none asked for. */
static void a_poller_for_room(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *poller = kmsgq_test_poller(test, &t->q, EPOLLOUT,
						       true);
	struct kmsgq_waker *other = kmsgq_test_poller(test, &t->q, EPOLLOUT,
						      true);
	int i;

	KUNIT_EXPECT_TRUE(test, kmsgq_has_room(&t->q));
	fill(test);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, poller, 0);

	fill(test);
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	EXPECT_WOKEN(test, poller, 0);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, poller, 1);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, poller, 0);

	/* Two have found it full: one for each time that there is room. */
	fill(test);
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, poller, 1);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	EXPECT_WOKEN(test, poller, 0);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, poller, 1);

	/* The one that was woken writes, and leaves room: so for the next. */
	fill(test);
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, 3 * KMSGQ_TEST_ROOM);
	KUNIT_EXPECT_EQ(test, kmsgq_test_woken(poller) +
			      kmsgq_test_woken(other), 2);
	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	EXPECT_WOKEN(test, poller, 1);
}

/* However often others have looked, who looks then is woken. */
static void a_poller_after_many_looks(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *poller = kmsgq_test_poller(test, &t->q, EPOLLOUT,
						       true);

	fill(test);
	/* As 2^32 - 1 polls of the full queue leave it. */
	t->q.full_seen = U32_MAX;
	KUNIT_EXPECT_FALSE(test, kmsgq_has_room(&t->q));
	KUNIT_EXPECT_GE(test, kmsgq_test_take(&t->q), 0);
	EXPECT_WOKEN(test, poller, 1);
}

static void passed_on(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_waker *reader = kmsgq_test_task(test, &t->q.readers);
	struct kmsgq_waker *writer = kmsgq_test_task(test, &t->q.writers);
	struct kmsgq_waker *in = kmsgq_test_poller(test, &t->q, EPOLLIN, true);
	struct kmsgq_waker *out = kmsgq_test_poller(test, &t->q, EPOLLOUT, true);

	/* Empty: only writers have something to come for. */
	kmsgq_pass_on(&t->q, EPOLLIN | EPOLLOUT);
	EXPECT_WOKEN(test, reader, 0);
	EXPECT_WOKEN(test, in, 0);
	EXPECT_WOKEN(test, writer, 1);
	EXPECT_WOKEN(test, out, 1);

	KUNIT_ASSERT_EQ(test, put(test, 0), 0);
	kmsgq_test_woken(reader);
	kmsgq_test_woken(writer);
	kmsgq_test_woken(in);
	kmsgq_pass_on(&t->q, EPOLLIN);
	EXPECT_WOKEN(test, reader, 1);
	EXPECT_WOKEN(test, in, 1);
	EXPECT_WOKEN(test, writer, 0);
	EXPECT_WOKEN(test, out, 0);

	/* Full: only readers have. */
	fill(test);
	kmsgq_test_woken(reader);
	kmsgq_test_woken(writer);
	kmsgq_test_woken(in);
	kmsgq_pass_on(&t->q, EPOLLIN | EPOLLOUT);
	EXPECT_WOKEN(test, reader, 1);
	EXPECT_WOKEN(test, in, 1);
	EXPECT_WOKEN(test, writer, 0);
	EXPECT_WOKEN(test, out, 0);

	/* All that is left has come back. */
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
	KUNIT_CASE(a_writer_for_room),
	KUNIT_CASE(a_writer_for_memory),
	KUNIT_CASE(a_poller_for_room),
	KUNIT_CASE(a_poller_after_many_looks),
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
