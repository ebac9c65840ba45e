// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c and msg.c, as a module of their own which holds both:
 * built only where make is given CONFIG_KMSGQ_KUNIT=m. Its caches have the
 * names of kmsg_queue's, so only one of the two may be loaded.
 */
#include "queue.h"

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>

/* Largest message in most cases, and how many of them have room. */
#define KMSGQ_TEST_MAX		64
#define KMSGQ_TEST_ROOM		4

/* How long anything may take that has to come: a guard against a hang. */
#define KMSGQ_TEST_PATIENCE_MS	60000

/* The tests of all CPUs: most producers, and the messages of each. */
#define KMSGQ_TEST_PRODUCERS	16
#define KMSGQ_TEST_EACH		5000

/**
 * struct kmsgq_waker - counts wake-ups in the place of a sleeping task
 * @entry: in a wait queue
 * @count: how often it was woken
 */
struct kmsgq_waker {
	struct wait_queue_entry entry;
	atomic_t count;
};

/**
 * kmsgq_waker_woken() - called in place of waking a task
 * @entry: the waker's
 * @mode: unused
 * @flags: unused
 * @key: unused
 *
 * Return: 1: one exclusive waiter was woken, others need not be.
 */
static int kmsgq_waker_woken(struct wait_queue_entry *entry, unsigned int mode,
			     int flags, void *key)
{
	atomic_inc(&container_of(entry, struct kmsgq_waker, entry)->count);
	return 1;
}

/**
 * kmsgq_waker_add() - wait as a task in a call does
 * @waker: who waits
 * @wq: where
 */
static void kmsgq_waker_add(struct kmsgq_waker *waker, wait_queue_head_t *wq)
{
	atomic_set(&waker->count, 0);
	init_waitqueue_func_entry(&waker->entry, kmsgq_waker_woken);
	add_wait_queue_exclusive(wq, &waker->entry);
}

/**
 * kmsgq_waker_counts() - how often, since it was asked last
 * @waker: who waits
 *
 * Return: the number of wake-ups.
 */
static int kmsgq_waker_counts(struct kmsgq_waker *waker)
{
	return atomic_xchg(&waker->count, 0);
}

/**
 * kmsgq_test_limit() - configure a test's queue
 * @q: the queue
 * @max: largest message, in bytes
 * @room: how many of them have room
 */
static void kmsgq_test_limit(struct msg_queue *q, u32 max, unsigned long room)
{
	struct msgq_config config = {
		.msg_max_size = max,
		.max_bytes = room * msgq_footprint(max),
		.read_wait = true,
	};

	msgq_configure(q, &config);
}

/**
 * kmsgq_test_msg() - make a message, its first byte filled
 * @test: the test
 * @len: its length
 * @first: the byte
 *
 * Return: the message.
 */
static struct msgq_msg *kmsgq_test_msg(struct kunit *test, size_t len, u8 first)
{
	struct msgq_msg *msg = msgq_msg_alloc(len);
	size_t part = 1;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	*(u8 *)msgq_msg_span(msg, 0, &part) = first;
	return msg;
}

/**
 * kmsgq_test_put() - put a message in
 * @test: the test
 * @len: the message's length
 * @first: its first byte
 *
 * Return: what msgq_enqueue() says; a message that it refuses is freed.
 */
static int kmsgq_test_put(struct kunit *test, size_t len, u8 first)
{
	struct msgq_msg *msg = kmsgq_test_msg(test, len, first);
	int err = msgq_enqueue(test->priv, msg);

	if (err)
		msgq_msg_free(msg);
	return err;
}

/**
 * kmsgq_test_take() - take a message out
 * @test: the test
 *
 * Return: its first byte, or the error of msgq_dequeue().
 */
static int kmsgq_test_take(struct kunit *test)
{
	struct msgq_msg *msg = msgq_dequeue(test->priv, SIZE_MAX);
	size_t part = 1;
	int first;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	first = *(u8 *)msgq_msg_span(msg, 0, &part);
	msgq_msg_free(msg);
	return first;
}

/**
 * kmsgq_test_queued() - check the counters against each other
 * @test: the test
 * @queued: how many messages there should be
 * @bytes: and their memory
 */
static void kmsgq_test_queued(struct kunit *test, u64 queued, u64 bytes)
{
	struct msgq_stats stats;

	msgq_get_stats(test->priv, &stats);
	KUNIT_EXPECT_EQ(test, stats.queued, queued);
	KUNIT_EXPECT_EQ(test, stats.queued_bytes, bytes);
	KUNIT_EXPECT_EQ(test, stats.enqueued - stats.dequeued, queued);
}

/**
 * kmsgq_test_order() - first in, first out, also when it runs empty between
 * @test: the test
 */
static void kmsgq_test_order(struct kunit *test)
{
	int round, i;

	kmsgq_test_limit(test->priv, KMSGQ_TEST_MAX, 100);
	for (round = 0; round < 3; round++) {
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), -EAGAIN);
		for (i = 0; i < 100; i++)
			KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 1 + i % 64, i), 0);
		for (i = 0; i < 100; i++)
			KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), i);
	}
	kmsgq_test_queued(test, 0, 0);
}

/**
 * kmsgq_test_too_long() - a message above the limit is refused, whole
 * @test: the test
 */
static void kmsgq_test_too_long(struct kunit *test)
{
	struct msg_queue *q = test->priv;

	KUNIT_EXPECT_EQ(test, msgq_admit(q, KMSGQ_TEST_MAX), 0);
	KUNIT_EXPECT_EQ(test, msgq_admit(q, KMSGQ_TEST_MAX + 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, msgq_admit(q, SIZE_MAX), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, msgq_wait_room(q, KMSGQ_TEST_MAX + 1, false),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, 1), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX + 1, 2),
			-EMSGSIZE);
	kmsgq_test_queued(test, 1, msgq_footprint(KMSGQ_TEST_MAX));
}

/**
 * kmsgq_test_full() - full is where a message of the largest size has no room
 * @test: the test
 */
static void kmsgq_test_full(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	int i;

	for (i = 0; i < KMSGQ_TEST_ROOM; i++) {
		KUNIT_EXPECT_TRUE(test, msgq_poll_writable(q));
		KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, i), 0);
	}
	KUNIT_EXPECT_FALSE(test, msgq_poll_writable(q));
	KUNIT_EXPECT_EQ(test, msgq_wait_room(q, 1, true), -EAGAIN);
	/* Also for the smallest one. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 1, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), 0);
	KUNIT_EXPECT_EQ(test, msgq_wait_room(q, 1, true), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 1, i), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 1, 0), -EAGAIN);
	for (i = 1; i <= KMSGQ_TEST_ROOM; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), i);
	kmsgq_test_queued(test, 0, 0);
}

/**
 * kmsgq_test_footprint() - what a message takes, and what is accounted for it
 * @test: the test
 */
static void kmsgq_test_footprint(struct kunit *test)
{
	static const u32 sizes[] = {
		1, 31, 32, 33, 64, 65, 1023, 1024, 1025, 2049, 4095, 4096,
		4097, 8192, 8193, 100000, SZ_1M - 1, SZ_1M,
	};
	u64 bytes = 0;
	u32 len, last = 0;
	size_t i;

	for (len = 1; len <= SZ_1M; len += len < 20000 ? 1 : 4095) {
		u32 footprint = msgq_footprint(len);

		KUNIT_ASSERT_GE(test, footprint, last);
		/* All of the content, and no more than double, and a header. */
		KUNIT_ASSERT_GT(test, footprint, len + sizeof(struct msgq_msg));
		KUNIT_ASSERT_LE(test, footprint, 2 * len + 64 + SZ_4K);
		last = footprint;
	}

	kmsgq_test_limit(test->priv, SZ_1M, 4);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, sizes[i], i), 0);
		bytes += msgq_footprint(sizes[i]);
		kmsgq_test_queued(test, i + 1, bytes);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, kmsgq_test_take(test), i);
		bytes -= msgq_footprint(sizes[i]);
		kmsgq_test_queued(test, ARRAY_SIZE(sizes) - i - 1, bytes);
	}
	KUNIT_EXPECT_EQ(test, bytes, 0);
}

/**
 * kmsgq_test_max_len() - a message too long for its reader stays at the head
 * @test: the test
 */
static void kmsgq_test_max_len(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct msgq_msg *msg;

	KUNIT_EXPECT_EQ(test, PTR_ERR(msgq_dequeue(q, 0)), -EAGAIN);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, 20, 1), 0);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, 10, 2), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(msgq_dequeue(q, 0)), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, PTR_ERR(msgq_dequeue(q, 19)), -EMSGSIZE);
	kmsgq_test_queued(test, 2, msgq_footprint(20) + msgq_footprint(10));
	msg = msgq_dequeue(q, 20);
	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	KUNIT_EXPECT_EQ(test, msg->len, 20);
	msgq_msg_free(msg);
	kmsgq_test_queued(test, 1, msgq_footprint(10));
}

/**
 * kmsgq_test_requeue() - what is put back comes before all that is younger
 * @test: the test
 */
static void kmsgq_test_requeue(struct kunit *test)
{
	/* In which order five readers give up, and who of them does not. */
	static const u8 orders[][5] = {
		{ 0, 1, 2, 3, 4 }, { 4, 3, 2, 1, 0 }, { 2, 0, 4, 1, 3 },
	};
	struct msg_queue *q = test->priv;
	struct msgq_msg *hand[5];
	size_t i, round;

	kmsgq_test_limit(q, KMSGQ_TEST_MAX, 20);
	for (round = 0; round < ARRAY_SIZE(orders); round++) {
		/* With others behind them, and alone. */
		size_t behind = round == 1 ? 0 : 3;

		for (i = 0; i < 5 + behind; i++)
			KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, 8, i), 0);
		for (i = 0; i < 5; i++) {
			hand[i] = msgq_dequeue(q, SIZE_MAX);
			KUNIT_ASSERT_FALSE(test, IS_ERR(hand[i]));
		}
		kmsgq_test_queued(test, behind, behind * msgq_footprint(8));
		for (i = 0; i < 5; i++)
			msgq_requeue(q, hand[orders[round][i]]);
		/* The tail is right again too. */
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, 8, 5 + behind), 0);
		kmsgq_test_queued(test, 6 + behind,
				  (6 + behind) * msgq_footprint(8));
		for (i = 0; i < 6 + behind; i++)
			KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), i);
		kmsgq_test_queued(test, 0, 0);
	}
}

/**
 * kmsgq_test_requeue_full() - putting back never fails, and then nothing fits
 * @test: the test
 */
static void kmsgq_test_requeue_full(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct msgq_msg *msg;
	int i;

	for (i = 0; i < KMSGQ_TEST_ROOM; i++)
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, i), 0);
	msg = msgq_dequeue(q, SIZE_MAX);
	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, i), 0);
	msgq_requeue(q, msg);
	kmsgq_test_queued(test, KMSGQ_TEST_ROOM + 1,
			  (KMSGQ_TEST_ROOM + 1) * msgq_footprint(KMSGQ_TEST_MAX));
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 1, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 1, 0), -EAGAIN);
}

/**
 * kmsgq_test_drop() - what was taken and not delivered is counted
 * @test: the test
 */
static void kmsgq_test_drop(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct msgq_stats stats;

	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, 1, 0), 0);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, 1, 1), 0);
	msgq_drop(q, msgq_dequeue(q, SIZE_MAX));
	msgq_get_stats(q, &stats);
	KUNIT_EXPECT_EQ(test, stats.enqueued, 2);
	KUNIT_EXPECT_EQ(test, stats.dequeued, 1);
	KUNIT_EXPECT_EQ(test, stats.dropped, 1);
	KUNIT_EXPECT_EQ(test, stats.queued, 1);
}

/**
 * kmsgq_test_drain() - many of all sizes, and nothing is left of them
 * @test: the test
 */
static void kmsgq_test_drain(struct kunit *test)
{
	u64 bytes = 0;
	u32 i;

	kmsgq_test_limit(test->priv, SZ_16K, 10000);
	for (i = 0; i < 10000; i++) {
		u32 len = 1 + i * 7919 % SZ_16K;

		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, len, i), 0);
		bytes += msgq_footprint(len);
	}
	kmsgq_test_queued(test, i, bytes);
	for (i = 0; i < 10000; i++)
		KUNIT_ASSERT_EQ(test, kmsgq_test_take(test), (u8)i);
	kmsgq_test_queued(test, 0, 0);
}

/**
 * kmsgq_test_configure() - live changes drop nothing, and wake who waits
 * @test: the test
 */
static void kmsgq_test_configure(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct kmsgq_waker reader, writers[2], poller;
	size_t i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, i), 0);

	kmsgq_waker_add(&reader, &q->readers.tasks);
	kmsgq_waker_add(&writers[0], &q->writers.tasks);
	kmsgq_waker_add(&writers[1], &q->writers.tasks);
	kmsgq_waker_add(&poller, &q->writers.polls);
	kmsgq_test_limit(q, 8, 1);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&reader), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writers[0]), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writers[1]), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&poller), 1);
	remove_wait_queue(&q->readers.tasks, &reader.entry);
	remove_wait_queue(&q->writers.tasks, &writers[0].entry);
	remove_wait_queue(&q->writers.tasks, &writers[1].entry);
	remove_wait_queue(&q->writers.polls, &poller.entry);

	kmsgq_test_queued(test, 3, 3 * msgq_footprint(KMSGQ_TEST_MAX));
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 9, 0), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 8, 0), -EAGAIN);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), i);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 8, 0), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 8, 0), -EAGAIN);
	kmsgq_test_limit(q, 9, 2);
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 9, 0), 0);
}

/**
 * kmsgq_test_poll() - a poller is woken for room only where it was told "full"
 * @test: the test
 */
static void kmsgq_test_poll(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct kmsgq_waker writer, reader;
	int i;

	kmsgq_waker_add(&writer, &q->writers.polls);
	kmsgq_waker_add(&reader, &q->readers.polls);
	KUNIT_EXPECT_FALSE(test, msgq_poll_readable(q));
	for (i = 0; i < KMSGQ_TEST_ROOM; i++) {
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, i), 0);
		KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&reader), 1);
		KUNIT_EXPECT_TRUE(test, msgq_poll_readable(q));
	}
	/* Nobody was told, so nobody is woken. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writer), 0);

	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, i), 0);
	KUNIT_EXPECT_FALSE(test, msgq_poll_writable(q));
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writer), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), 2);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writer), 0);

	/* EAGAIN of a call is as good as poll's answer. */
	while (!kmsgq_test_put(test, KMSGQ_TEST_MAX, 0))
		;
	KUNIT_EXPECT_EQ(test, msgq_wait_room(q, 1, true), -EAGAIN);
	KUNIT_EXPECT_GE(test, kmsgq_test_take(test), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writer), 1);

	remove_wait_queue(&q->writers.polls, &writer.entry);
	remove_wait_queue(&q->readers.polls, &reader.entry);
}

/**
 * kmsgq_test_wake_one() - one message, one reader; room, one writer
 * @test: the test
 */
static void kmsgq_test_wake_one(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct kmsgq_waker readers[2], writers[2];
	struct msgq_msg *msg;
	int i;

	kmsgq_waker_add(&readers[0], &q->readers.tasks);
	kmsgq_waker_add(&readers[1], &q->readers.tasks);
	for (i = 0; i < KMSGQ_TEST_ROOM; i++) {
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, i), 0);
		KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&readers[0]), 1);
		KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&readers[1]), 0);
	}

	kmsgq_waker_add(&writers[0], &q->writers.tasks);
	kmsgq_waker_add(&writers[1], &q->writers.tasks);
	msg = msgq_dequeue(q, SIZE_MAX);
	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writers[0]), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writers[1]), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&readers[0]), 0);

	/* The one that was woken fails: another has to be. */
	remove_wait_queue(&q->writers.tasks, &writers[0].entry);
	msgq_pass_on_room(q);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writers[1]), 1);

	/* A message that comes back is as good as a new one. */
	msgq_requeue(q, msg);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&readers[0]), 1);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&readers[1]), 0);

	/* Where nothing is left to go on with, nobody is woken. */
	msgq_pass_on_room(q);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writers[1]), 0);
	for (i = 0; i < KMSGQ_TEST_ROOM; i++)
		KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), i);
	KUNIT_EXPECT_GT(test, kmsgq_waker_counts(&writers[1]), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&readers[0]), 0);

	/* A writer that leaves room behind wakes the next one. */
	KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, kmsgq_waker_counts(&writers[1]), 1);
	remove_wait_queue(&q->writers.tasks, &writers[1].entry);
	remove_wait_queue(&q->readers.tasks, &readers[0].entry);
	remove_wait_queue(&q->readers.tasks, &readers[1].entry);
}

/**
 * struct kmsgq_threads - tasks that work on one queue
 * @q: the queue
 * @done: how many have done their work
 * @seen: a bit for each message that was read, in the tests of all CPUs
 * @requeue: consumers put some back, as a reader with a bad address does
 * @producers: how many of them there are
 * @left: how many messages are still to be read
 * @wrong: how often one was out of order, doubled or refused
 */
struct kmsgq_threads {
	struct msg_queue *q;
	atomic_t done;
	unsigned long *seen;
	bool requeue;
	unsigned int producers;
	atomic_t left;
	atomic_t wrong;
};

/**
 * struct kmsgq_thread - one of them
 * @all: what they share
 * @task: the task
 * @number: which one it is, of its kind
 */
struct kmsgq_thread {
	struct kmsgq_threads *all;
	struct task_struct *task;
	unsigned int number;
};

/**
 * kmsgq_thread_end() - have done the work, and wait to be stopped
 * @thread: the caller
 *
 * Return: 0.
 */
static int kmsgq_thread_end(struct kmsgq_thread *thread)
{
	atomic_inc(&thread->all->done);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/**
 * kmsgq_thread_get() - take a message, and wait for it
 * @q: the queue
 *
 * Return: the message.
 */
static struct msgq_msg *kmsgq_thread_get(struct msg_queue *q)
{
	struct msgq_msg *msg;

	while (IS_ERR(msg = msgq_dequeue(q, SIZE_MAX)))
		msgq_wait_readable(q);
	return msg;
}

/**
 * kmsgq_thread_put() - put a number in, and wait for room
 * @all: the threads and their queue
 * @number: the number
 */
static void kmsgq_thread_put(struct kmsgq_threads *all, u32 number)
{
	/* Some are as short as can be, some of the largest size. */
	size_t len = number % 5 ? sizeof(number) : KMSGQ_TEST_MAX;
	struct msgq_msg *msg = msgq_msg_alloc(len);

	if (!msg) {
		atomic_inc(&all->wrong);
		return;
	}
	memcpy(msg->content, &number, sizeof(number));
	while (msgq_enqueue(all->q, msg))
		msgq_wait_room(all->q, len, false);
}

/**
 * kmsgq_thread_read_one() - a reader's work: take one message
 * @data: the thread
 *
 * Return: 0.
 */
static int kmsgq_thread_read_one(void *data)
{
	struct kmsgq_thread *thread = data;

	msgq_msg_free(kmsgq_thread_get(thread->all->q));
	return kmsgq_thread_end(thread);
}

/**
 * kmsgq_thread_write_one() - a writer's work: put one message in
 * @data: the thread
 *
 * Return: 0.
 */
static int kmsgq_thread_write_one(void *data)
{
	struct kmsgq_thread *thread = data;

	kmsgq_thread_put(thread->all, 1);
	return kmsgq_thread_end(thread);
}

/**
 * kmsgq_thread_produce() - put many numbers in
 * @data: the thread
 *
 * Return: 0.
 */
static int kmsgq_thread_produce(void *data)
{
	struct kmsgq_thread *thread = data;
	u32 i;

	for (i = 0; i < KMSGQ_TEST_EACH; i++)
		kmsgq_thread_put(thread->all,
				 thread->number * KMSGQ_TEST_EACH + i);
	return kmsgq_thread_end(thread);
}

/**
 * kmsgq_thread_consume() - take what the producers put in
 * @data: the thread
 *
 * Return: 0.
 */
static int kmsgq_thread_consume(void *data)
{
	struct kmsgq_thread *thread = data;
	struct kmsgq_threads *all = thread->all;
	u32 expected[KMSGQ_TEST_PRODUCERS] = {};
	u32 turn = 0;

	while (atomic_dec_if_positive(&all->left) >= 0) {
		struct msgq_msg *msg = kmsgq_thread_get(all->q);
		u32 number, producer;

		while (all->requeue && !(++turn % 7)) {
			msgq_requeue(all->q, msg);
			msg = kmsgq_thread_get(all->q);
		}
		memcpy(&number, msg->content, sizeof(number));
		msgq_msg_free(msg);
		producer = number / KMSGQ_TEST_EACH;
		if (producer >= all->producers ||
		    test_and_set_bit(number, all->seen)) {
			atomic_inc(&all->wrong);
			continue;
		}
		/* One that another has put back may well be older. */
		if (!all->requeue && number < expected[producer])
			atomic_inc(&all->wrong);
		expected[producer] = number + 1;
	}
	return kmsgq_thread_end(thread);
}

/**
 * kmsgq_threads_start() - start threads, by turns on all CPUs
 * @test: the test
 * @all: what they share
 * @fn: their work
 * @threads: the threads
 * @nr: how many there are
 */
static void kmsgq_threads_start(struct kunit *test, struct kmsgq_threads *all,
				int (*fn)(void *), struct kmsgq_thread *threads,
				unsigned int nr)
{
	unsigned int i, cpu = cpumask_first(cpu_online_mask);

	all->q = test->priv;
	for (i = 0; i < nr; i++) {
		threads[i].all = all;
		threads[i].number = i;
		threads[i].task = kthread_create(fn, &threads[i],
						 "kmsgq_test/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(threads[i].task));
		kthread_bind(threads[i].task, cpu);
		wake_up_process(threads[i].task);
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	}
}

/**
 * kmsgq_threads_stop() - wait for their end, for they use the test's memory
 * @threads: the threads
 * @nr: how many there are
 */
static void kmsgq_threads_stop(struct kmsgq_thread *threads, unsigned int nr)
{
	while (nr--)
		kthread_stop(threads[nr].task);
}

/**
 * kmsgq_test_comes() - wait for a number to be reached, and not exceeded
 * @number: the number
 * @want: what it should be
 *
 * Return: true if it has come, and stays for a while.
 */
static bool kmsgq_test_comes(atomic_t *number, int want)
{
	int ms;

	for (ms = 0; ms < KMSGQ_TEST_PATIENCE_MS; ms++) {
		if (atomic_read(number) == want)
			break;
		usleep_range(1000, 1100);
	}
	usleep_range(20000, 21000);
	return atomic_read(number) == want;
}

/**
 * kmsgq_test_sleepers() - how many tasks wait
 * @wq: where
 *
 * Return: the number of tasks.
 */
static int kmsgq_test_sleepers(wait_queue_head_t *wq)
{
	struct list_head *entry;
	int nr = 0;

	spin_lock_irq(&wq->lock);
	list_for_each(entry, &wq->head)
		nr++;
	spin_unlock_irq(&wq->lock);
	return nr;
}

/**
 * kmsgq_test_asleep() - wait for a number of tasks to sleep
 * @wq: where
 * @want: how many
 *
 * Return: true if they do.
 */
static bool kmsgq_test_asleep(wait_queue_head_t *wq, int want)
{
	int ms;

	for (ms = 0; ms < KMSGQ_TEST_PATIENCE_MS; ms++) {
		if (kmsgq_test_sleepers(wq) == want)
			return true;
		usleep_range(1000, 1100);
	}
	return false;
}

/**
 * kmsgq_test_readers() - tasks that wait get one message each, by turns
 * @test: the test
 */
static void kmsgq_test_readers(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct kmsgq_threads all = {};
	struct kmsgq_thread threads[10];
	int i, nr = ARRAY_SIZE(threads);

	kmsgq_threads_start(test, &all, kmsgq_thread_read_one, threads, nr);
	KUNIT_EXPECT_TRUE(test, kmsgq_test_asleep(&q->readers.tasks, nr));
	for (i = 1; i <= nr; i++) {
		KUNIT_EXPECT_EQ(test, kmsgq_test_put(test, 8, i), 0);
		KUNIT_EXPECT_TRUE(test, kmsgq_test_comes(&all.done, i));
		KUNIT_EXPECT_EQ(test, kmsgq_test_sleepers(&q->readers.tasks),
				nr - i);
	}
	kmsgq_threads_stop(threads, nr);
	kmsgq_test_queued(test, 0, 0);
}

/**
 * kmsgq_test_writers() - tasks that wait for room go on by turns
 * @test: the test
 */
static void kmsgq_test_writers(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct kmsgq_threads all = {};
	struct kmsgq_thread threads[10];
	int i, nr = ARRAY_SIZE(threads);

	/* Room for one message of whatever size. */
	kmsgq_test_limit(q, KMSGQ_TEST_MAX, 1);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, KMSGQ_TEST_MAX, 0), 0);
	kmsgq_threads_start(test, &all, kmsgq_thread_write_one, threads, nr);
	KUNIT_EXPECT_TRUE(test, kmsgq_test_asleep(&q->writers.tasks, nr));
	for (i = 1; i <= nr; i++) {
		KUNIT_EXPECT_GE(test, kmsgq_test_take(test), 0);
		KUNIT_EXPECT_TRUE(test, kmsgq_test_comes(&all.done, i));
		KUNIT_EXPECT_EQ(test, kmsgq_test_sleepers(&q->writers.tasks),
				nr - i);
	}
	kmsgq_threads_stop(threads, nr);
	kmsgq_test_queued(test, 1, msgq_footprint(4));
}

/**
 * kmsgq_test_large_for_small() - one large message makes room for many
 * @test: the test
 */
static void kmsgq_test_large_for_small(struct kunit *test)
{
	struct msg_queue *q = test->priv;
	struct kmsgq_threads all = {};
	struct kmsgq_thread threads[10];
	int nr = ARRAY_SIZE(threads);

	kmsgq_test_limit(q, SZ_64K, 1);
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, SZ_64K, 0), 0);
	kmsgq_threads_start(test, &all, kmsgq_thread_write_one, threads, nr);
	KUNIT_EXPECT_TRUE(test, kmsgq_test_asleep(&q->writers.tasks, nr));
	/* The largest may now be as small as these: all of them have room. */
	kmsgq_test_limit(q, 4, 1 + (msgq_footprint(SZ_64K) / msgq_footprint(4)));
	KUNIT_EXPECT_TRUE(test, kmsgq_test_asleep(&q->writers.tasks, nr));
	KUNIT_EXPECT_EQ(test, kmsgq_test_take(test), 0);
	KUNIT_EXPECT_TRUE(test, kmsgq_test_comes(&all.done, nr));
	kmsgq_threads_stop(threads, nr);
	kmsgq_test_queued(test, nr, nr * msgq_footprint(4));
}

/**
 * kmsgq_test_threads() - producers and consumers on all CPUs at once
 * @test: the test
 * @requeue: consumers put some back
 */
static void kmsgq_test_threads(struct kunit *test, bool requeue)
{
	unsigned int nr = min(num_online_cpus() + 1, KMSGQ_TEST_PRODUCERS + 0U);
	struct kmsgq_threads all = { .producers = nr, .requeue = requeue };
	struct kmsgq_thread *threads;

	kmsgq_test_limit(test->priv, KMSGQ_TEST_MAX, 20);
	threads = kunit_kcalloc(test, 2 * nr, sizeof(*threads), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, threads);
	all.seen = kunit_kcalloc(test, BITS_TO_LONGS(nr * KMSGQ_TEST_EACH),
				 sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all.seen);
	atomic_set(&all.left, nr * KMSGQ_TEST_EACH);

	kmsgq_threads_start(test, &all, kmsgq_thread_consume, threads, nr);
	kmsgq_threads_start(test, &all, kmsgq_thread_produce, threads + nr, nr);
	KUNIT_EXPECT_TRUE(test, kmsgq_test_comes(&all.done, 2 * nr));
	kmsgq_threads_stop(threads, 2 * nr);

	KUNIT_EXPECT_EQ(test, atomic_read(&all.wrong), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_full(all.seen, nr * KMSGQ_TEST_EACH));
	kmsgq_test_queued(test, 0, 0);
}

/**
 * kmsgq_test_all_cpus() - nothing is lost, doubled or reordered
 * @test: the test
 */
static void kmsgq_test_all_cpus(struct kunit *test)
{
	kmsgq_test_threads(test, false);
}

/**
 * kmsgq_test_all_cpus_requeue() - nothing is lost or doubled by putting back
 * @test: the test
 */
static void kmsgq_test_all_cpus_requeue(struct kunit *test)
{
	kmsgq_test_threads(test, true);
}

/**
 * kmsgq_test_fill() - go over a message's content by its spans
 * @test: the test
 * @msg: the message
 * @check: compare with what was filled in, else fill
 */
static void kmsgq_test_fill(struct kunit *test, struct msgq_msg *msg, bool check)
{
	size_t done, part, i;

	for (done = 0; done < msg->len; done += part) {
		u8 *span;

		part = msg->len - done;
		span = msgq_msg_span(msg, done, &part);
		KUNIT_ASSERT_GT(test, part, 0);
		KUNIT_ASSERT_LE(test, done + part, msg->len);
		for (i = 0; i < part; i++) {
			u8 byte = (done + i) % 251;

			if (check)
				KUNIT_ASSERT_EQ(test, span[i], byte);
			else
				span[i] = byte;
		}
	}
}

/**
 * kmsgq_test_spans() - all of a message's bytes are there, in all sizes
 * @test: the test
 */
static void kmsgq_test_spans(struct kunit *test)
{
	static const u32 sizes[] = {
		1, 32, 33, 4095, 4096, 4097, 8191, 8192, 8193, 65537, SZ_1M,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 len = sizes[i];
		struct msgq_msg *msg = msgq_msg_alloc(len);
		size_t part = 2;

		KUNIT_ASSERT_NOT_NULL(test, msg);
		KUNIT_EXPECT_EQ(test, msg->len, len);
		KUNIT_EXPECT_EQ(test, msg->footprint, msgq_footprint(len));
		kmsgq_test_fill(test, msg, false);
		kmsgq_test_fill(test, msg, true);
		/* A part within one chunk, and one across its end. */
		if (len >= 2) {
			KUNIT_EXPECT_EQ(test, *(u8 *)msgq_msg_span(msg, len - 2, &part),
					(len - 2) % 251);
			KUNIT_EXPECT_EQ(test, part, len % MSGQ_CHUNK == 1 ? 1 : 2);
		}
		msgq_msg_free(msg);
	}
}

/**
 * kmsgq_test_no_memory() - each allocation fails in turn
 * @test: the test
 *
 * What is not freed then shows when the module is unloaded. The kernel has to
 * be told before that allocations which may wait may fail too:
 * failslab/ignore-gfp-wait in debugfs.
 */
static void kmsgq_test_no_memory(struct kunit *test)
{
#if IS_ENABLED(CONFIG_FAILSLAB)
	static const u32 sizes[] = { 1, 4096, 4097, SZ_64K };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int nth, failed = 0;
		bool passed = false;

		for (nth = 1; !passed && nth < 1000; nth++) {
			struct msgq_msg *msg;

			WRITE_ONCE(current->fail_nth, nth);
			msg = msgq_msg_alloc(sizes[i]);
			/* Some of what fails is the kernel's own, which copes. */
			passed = READ_ONCE(current->fail_nth);
			WRITE_ONCE(current->fail_nth, 0);
			if (msg)
				msgq_msg_free(msg);
			failed += !msg;
			KUNIT_EXPECT_TRUE(test, msg || !passed);
		}
		KUNIT_EXPECT_TRUE(test, passed);
		/* The message, and in larger ones the chunks. */
		KUNIT_EXPECT_GE(test, failed, sizes[i] > MSGQ_CHUNK ? 2 : 1);
	}
#else
	kunit_skip(test, "the kernel has no CONFIG_FAILSLAB");
#endif
}

/**
 * kmsgq_test_init() - give each case an empty queue
 * @test: the test
 *
 * Return: 0 or -ENOMEM.
 */
static int kmsgq_test_init(struct kunit *test)
{
	struct msgq_config config = {
		.msg_max_size = KMSGQ_TEST_MAX,
		.max_bytes = KMSGQ_TEST_ROOM * msgq_footprint(KMSGQ_TEST_MAX),
		.read_wait = true,
	};

	test->priv = kunit_kzalloc(test, sizeof(struct msg_queue), GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	msgq_init(test->priv, &config);
	return 0;
}

/**
 * kmsgq_test_exit() - free what a case has left
 * @test: the test
 */
static void kmsgq_test_exit(struct kunit *test)
{
	while (kmsgq_test_take(test) >= 0)
		;
}

static struct kunit_case kmsgq_test_cases[] = {
	KUNIT_CASE(kmsgq_test_order),
	KUNIT_CASE(kmsgq_test_too_long),
	KUNIT_CASE(kmsgq_test_full),
	KUNIT_CASE(kmsgq_test_footprint),
	KUNIT_CASE(kmsgq_test_max_len),
	KUNIT_CASE(kmsgq_test_requeue),
	KUNIT_CASE(kmsgq_test_requeue_full),
	KUNIT_CASE(kmsgq_test_drop),
	KUNIT_CASE(kmsgq_test_drain),
	KUNIT_CASE(kmsgq_test_configure),
	KUNIT_CASE(kmsgq_test_poll),
	KUNIT_CASE(kmsgq_test_wake_one),
	KUNIT_CASE(kmsgq_test_readers),
	KUNIT_CASE(kmsgq_test_writers),
	KUNIT_CASE(kmsgq_test_large_for_small),
	KUNIT_CASE(kmsgq_test_all_cpus),
	KUNIT_CASE(kmsgq_test_all_cpus_requeue),
	KUNIT_CASE(kmsgq_test_spans),
	KUNIT_CASE(kmsgq_test_no_memory),
	{}
};

static struct kunit_suite kmsgq_test_suite = {
	.name = "kmsg_queue",
	.init = kmsgq_test_init,
	.exit = kmsgq_test_exit,
	.test_cases = kmsgq_test_cases,
};

/* The kernel runs them when the module is loaded, after its init. */
kunit_test_suites(&kmsgq_test_suite);

/**
 * kmsgq_kunit_init() - load the module
 *
 * Return: 0 or -ENOMEM.
 */
static int __init kmsgq_kunit_init(void)
{
	return msgq_msg_init();
}

/**
 * kmsgq_kunit_exit() - unload the module
 */
static void __exit kmsgq_kunit_exit(void)
{
	msgq_msg_exit();
}

module_init(kmsgq_kunit_init);
module_exit(kmsgq_kunit_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of kmsg_queue");
