// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: tasks that really sleep, one for one, and one that is
 * woken and gets a signal before it runs. It will not come any more, so whoever
 * sleeps beside it has to be woken.
 */
#include <linux/cpumask.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "support.h"

#define THREADS	8

/* As read(2): returns the number of a message, or the error. */
static int read_one(struct kmsgq_thread *thread)
{
	int number;

	while ((number = kmsgq_test_take(thread->q)) == -EAGAIN) {
		int err = kmsgq_wait_readable(thread->q);

		if (err) {
			kmsgq_pass_on(thread->q, EPOLLIN);
			return err;
		}
	}
	return number;
}

/* As write(2). */
static int write_one(struct kmsgq_thread *thread)
{
	struct kmsgq_queue *q = thread->q;
	u32 number = thread->number;
	struct kmsgq_msg *msg = kmsgq_msg_alloc(sizeof(number), &q->spare);
	int err;

	if (!msg)
		return -ENOMEM;
	memcpy(msg->content, &number, sizeof(number));
	while ((err = kmsgq_enqueue(q, msg)) == -EAGAIN) {
		err = kmsgq_wait_room(q, sizeof(number));
		if (err)
			break;
	}
	if (err) {
		kmsgq_msg_free(msg, &q->spare);
		kmsgq_pass_on(q, EPOLLOUT);
	}
	return err;
}

/* Threads that sleep, in the order of their numbers. */
static void start(struct kunit *test, int (*work)(struct kmsgq_thread *thread),
		  wait_queue_head_t *wq, struct kmsgq_thread **threads, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		threads[i] = kmsgq_test_thread(test, work, NULL, i, -1);
		KUNIT_ASSERT_TRUE(test, kmsgq_test_asleep(wq, i + 1));
	}
}

static void readers_one_for_one(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_thread *threads[THREADS];
	struct kmsgq_config config = t->q.config;
	int i, next;

	start(test, read_one, &t->q.readers, threads, THREADS);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .waiting_readers = THREADS);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 8, i), 0);
		KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(threads[i]));
		KUNIT_EXPECT_EQ(test, threads[i]->result, i);
		KUNIT_EXPECT_TRUE(test, kmsgq_test_asleep(&t->q.readers,
							  THREADS - 1 - i));
	}
	/* Only the first of them wakes a task, which wakes the next. */
	for (next = i; next < i + 3; next++)
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 8, next), 0);
	KUNIT_EXPECT_TRUE(test, kmsgq_test_asleep(&t->q.readers,
						  THREADS - next));
	for (; i < next; i++)
		KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(threads[i]));
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = next, .dequeued = next,
			      .waiting_readers = THREADS - next);

	/* From now on readers do not wait. */
	config.read_wait = false;
	kmsgq_configure(&t->q, &config);
	for (; i < THREADS; i++) {
		KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(threads[i]));
		KUNIT_EXPECT_EQ(test, threads[i]->result, -ENODATA);
	}
	KUNIT_EXPECT_EQ(test, kmsgq_wait_readable(&t->q), -ENODATA);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 8, 0), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_wait_readable(&t->q), 0);
}

static void writers_one_for_one(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_thread *threads[THREADS];
	int i;

	/* Room for one message of whatever size. */
	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, 1);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, KMSGQ_TEST_MAX, 99),
			0);
	start(test, write_one, &t->q.writers, threads, THREADS);
	for (i = 0; i < THREADS; i++) {
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), i ? i - 1 : 99);
		KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(threads[i]));
		KUNIT_EXPECT_EQ(test, threads[i]->result, 0);
		KUNIT_EXPECT_TRUE(test, kmsgq_test_asleep(&t->q.writers,
							  THREADS - 1 - i));
	}
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .queued = 1, .enqueued = THREADS + 1,
			      .dequeued = THREADS,
			      .queued_bytes = kmsgq_footprint(4));
}

/* One large message makes room for all of them: each wakes the next. */
static void large_for_small(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_thread *threads[THREADS];
	int i;

	kmsgq_test_limit(&t->q, SZ_64K, 1);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, SZ_64K, 99), 0);
	kmsgq_test_limit(&t->q, 4, THREADS);
	start(test, write_one, &t->q.writers, threads, THREADS);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 99);
	for (i = 0; i < THREADS; i++)
		KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(threads[i]));
	for (i = 0; i < THREADS; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), i);
}

/*
 * Two that sleep: the first on the CPU of the case, which from here on stays
 * there. So as long as that one is not preempted the first cannot run.
 */
static void start_two(struct kunit *test,
		      int (*work)(struct kmsgq_thread *thread),
		      wait_queue_head_t *wq, struct kmsgq_thread *two[2])
{
	int cpu = cpumask_first(cpu_online_mask);

	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(cpu)), 0);
	two[0] = kmsgq_test_thread(test, work, NULL, 0, cpu);
	KUNIT_ASSERT_TRUE(test, kmsgq_test_asleep(wq, 1));
	two[1] = kmsgq_test_thread(test, work, NULL, 1, -1);
	KUNIT_ASSERT_TRUE(test, kmsgq_test_asleep(wq, 2));
}

static void reader_with_a_signal(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_thread *two[2];
	int err;

	start_two(test, read_one, &t->q.readers, two);
	t->hand[0] = kmsgq_test_msg(test, 8, 7);
	preempt_disable();
	err = kmsgq_enqueue(&t->q, t->hand[0]);
	send_sig(SIGTERM, two[0]->task, 1);
	preempt_enable();
	t->hand[0] = NULL;
	KUNIT_ASSERT_EQ(test, err, 0);

	KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(two[0]));
	KUNIT_EXPECT_EQ(test, two[0]->result, -ERESTARTSYS);
	KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(two[1]));
	KUNIT_EXPECT_EQ(test, two[1]->result, 7);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = 1, .dequeued = 1);
}

static void writer_with_a_signal(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_thread *two[2];
	struct kmsgq_msg *msg;

	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, 1);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, 8, 99), 0);
	start_two(test, write_one, &t->q.writers, two);
	preempt_disable();
	msg = kmsgq_dequeue(&t->q, SIZE_MAX, false, false);
	send_sig(SIGTERM, two[0]->task, 1);
	preempt_enable();
	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	kmsgq_msg_free(msg, NULL);

	KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(two[0]));
	KUNIT_EXPECT_EQ(test, two[0]->result, -ERESTARTSYS);
	KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(two[1]));
	KUNIT_EXPECT_EQ(test, two[1]->result, 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(&t->q), 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(readers_one_for_one),
	KUNIT_CASE(writers_one_for_one),
	KUNIT_CASE(large_for_small),
	KUNIT_CASE(reader_with_a_signal),
	KUNIT_CASE(writer_with_a_signal),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_signals",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
