// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of queue.c: producers, consumers and such as give back, on all
 * CPUs at once.
 *
 * Every message carries a number, of its producer's own range. In the end each
 * has been read once, whatever happened to it before. All wait as read(2) and
 * write(2) do: a wake-up that is lost shows as a case that does not end.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/sched/signal.h>

#include "support.h"

/* The most producers, and how many messages each puts in. */
#define PRODUCERS	8
#define EACH		2000

/* How many messages a consumer may have out at a time. */
#define OUT		5

/**
 * struct crowd - what the threads of a case share
 * @test: what the case has: the queues
 * @producers: how many of them there are
 * @left: how many messages are still to be read to their end
 * @all_read: none is
 * @wrong: how often one was doubled, out of order, or not what was put in
 * @seen: a bit for each message that was read to its end
 */
struct crowd {
	struct kmsgq_test *test;
	unsigned int producers;
	atomic_t left;
	struct completion all_read;
	atomic_t wrong;
	unsigned long seen[BITS_TO_LONGS(PRODUCERS * EACH)];
};

/* Put a range of numbers in. Returns 0, or the error that ended it. */
static int produce(struct kmsgq_thread *thread)
{
	struct kmsgq_queue *q = thread->q;
	u32 i;

	for (i = 0; i < EACH; i++) {
		u32 number = thread->number * EACH + i;
		/* Some are as short as can be, some of the largest size. */
		size_t len = number % 5 ? sizeof(number) : KMSGQ_TEST_MAX;
		struct kmsgq_msg *msg = kmsgq_msg_alloc(len, &q->spare);
		int err;

		if (!msg)
			return -ENOMEM;
		memcpy(msg->content, &number, sizeof(number));
		while ((err = kmsgq_enqueue(q, msg)) == -EAGAIN) {
			err = kmsgq_wait_room(q, len);
			if (err)
				break;
		}
		if (err) {
			kmsgq_msg_free(msg, &q->spare);
			return err;
		}
	}
	return 0;
}

/* A message was read to its end, and is no longer in the account. */
static void have_read(struct crowd *crowd, u32 number)
{
	if (number >= crowd->producers * EACH ||
	    test_and_set_bit(number, crowd->seen))
		atomic_inc(&crowd->wrong);
	if (atomic_dec_and_test(&crowd->left))
		complete(&crowd->all_read);
}

/*
 * The next message, waiting for it; ERR_PTR(-ENODATA) when all have been read,
 * since then readers are to wait no longer; ERR_PTR(-ERESTARTSYS).
 */
static struct kmsgq_msg *next(struct kmsgq_queue *q, size_t room, bool keep)
{
	struct kmsgq_msg *msg;

	while ((msg = kmsgq_dequeue(q, room, false, keep)) == ERR_PTR(-EAGAIN)) {
		int err = kmsgq_wait_readable(q);

		if (err)
			return ERR_PTR(err);
	}
	return msg;
}

/* Of each producer, numbers only rise if nobody returns any. */
static int consume(struct kmsgq_thread *thread)
{
	struct crowd *crowd = thread->data;
	u32 least[PRODUCERS] = {};

	for (;;) {
		struct kmsgq_msg *msg = next(thread->q, SIZE_MAX, false);
		u32 number, producer;

		if (IS_ERR(msg))
			return PTR_ERR(msg);
		number = kmsgq_test_number(msg);
		producer = number / EACH % PRODUCERS;
		if (msg->deliveries || number < least[producer])
			atomic_inc(&crowd->wrong);
		least[producer] = number;
		kmsgq_msg_free(msg, &thread->q->spare);
		have_read(crowd, number);
	}
}

/*
 * The only reader takes some, and returns them in another order: they come
 * again in the right one, before all younger ones.
 */
static int consume_again(struct kmsgq_thread *thread)
{
	struct crowd *crowd = thread->data;
	struct kmsgq_queue *q = thread->q;
	u32 i, nr, round, numbers[OUT], least[PRODUCERS] = {};
	struct kmsgq_msg *out[OUT];

	for (round = 0;; round++) {
		bool keep = round % 2;

		/* What is there, and at least one. */
		out[0] = next(q, SIZE_MAX, keep);
		if (IS_ERR(out[0]))
			return PTR_ERR(out[0]);
		for (nr = 1; nr < OUT; nr++) {
			out[nr] = kmsgq_dequeue(q, SIZE_MAX, false, keep);
			if (IS_ERR(out[nr]))
				break;
		}
		for (i = 0; i < nr; i++)
			numbers[i] = kmsgq_test_number(out[i]);
		/* 3 is prime to OUT: another order, of all of them. */
		for (i = 0; i < OUT; i++) {
			u32 k = (i * 3 + round) % OUT;

			if (k < nr)
				kmsgq_return(q, out[k], keep);
		}
		for (i = 0; i < nr; i++) {
			u32 producer = numbers[i] / EACH % PRODUCERS;
			int number = kmsgq_test_take(q);

			if (number != numbers[i] || number < least[producer]) {
				atomic_inc(&crowd->wrong);
				return -EINVAL;
			}
			least[producer] = number;
			have_read(crowd, number);
		}
	}
}

/* Workers return some messages, not delivered, half read or whole. */
static int work(struct kmsgq_thread *thread)
{
	struct crowd *crowd = thread->data;
	struct kmsgq_queue *q = thread->q;
	struct kmsgq_lease lease = {};
	u32 number, round;

	for (round = thread->number;; round++) {
		struct kmsgq_msg *msg = round % 3 ?
			next(q, SIZE_MAX, true) : next(q, 1, false);

		if (IS_ERR(msg))
			return PTR_ERR(msg);
		if (!(round % 7)) {
			kmsgq_return(q, msg, true);
			continue;
		}
		number = kmsgq_test_number(msg);
		kmsgq_lease_set(q, &lease, msg, 1);
		/* Twice in a row: the same message, unless another takes it. */
		if (round % 4 < 2) {
			kmsgq_lease_return(q, &lease, &crowd->test->dead, 2);
			continue;
		}
		kmsgq_lease_set(q, &lease, msg, msg->len);
		kmsgq_lease_end(q, &lease, false);
		have_read(crowd, number);
	}
}

/* Those that were delivered too often; deliveries begin again there. */
static int consume_dead(struct kmsgq_thread *thread)
{
	struct crowd *crowd = thread->data;
	struct kmsgq_queue *dead = &crowd->test->dead;

	for (;;) {
		struct kmsgq_msg *msg = next(dead, SIZE_MAX, false);
		u32 number;

		if (IS_ERR(msg))
			return PTR_ERR(msg);
		number = kmsgq_test_number(msg);
		if (msg->deliveries)
			atomic_inc(&crowd->wrong);
		kmsgq_msg_free(msg, &dead->spare);
		have_read(crowd, number);
	}
}

static struct crowd *gather(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	crowd->test = t;
	crowd->producers = min(num_online_cpus() + 1, PRODUCERS + 0U);
	atomic_set(&crowd->left, crowd->producers * EACH);
	init_completion(&crowd->all_read);
	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, 20);
	kmsgq_test_limit(&t->dead, KMSGQ_TEST_MAX, 5);
	return crowd;
}

/* Threads by turns on all CPUs. */
static void start(struct kunit *test, struct crowd *crowd,
		  int (*fn)(struct kmsgq_thread *thread),
		  struct kmsgq_thread **threads, unsigned int nr)
{
	int cpu = cpumask_first(cpu_online_mask);
	unsigned int i;

	for (i = 0; i < nr; i++) {
		threads[i] = kmsgq_test_thread(test, fn, crowd, i, cpu);
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	}
}

/* Wait until all has been read, and end the threads, the readers first. */
static void expect_all_read(struct kunit *test, struct crowd *crowd,
			    struct kmsgq_thread **threads, unsigned int readers)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_config config = t->q.config;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, kmsgq_test_comes(&crowd->all_read));
	config.read_wait = false;
	kmsgq_configure(&t->q, &config);
	kmsgq_configure(&t->dead, &config);
	for (i = 0; i < readers + crowd->producers; i++) {
		KUNIT_ASSERT_TRUE(test, kmsgq_test_ends(threads[i]));
		KUNIT_EXPECT_EQ(test, threads[i]->result,
				i < readers ? -ENODATA : 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&crowd->wrong), 0);
	KUNIT_EXPECT_EQ(test, bitmap_weight(crowd->seen, PRODUCERS * EACH),
			crowd->producers * EACH);
}

static void all_cpus(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct crowd *crowd = gather(test);
	u32 nr = crowd->producers, all = nr * EACH;
	struct kmsgq_thread *threads[2 * PRODUCERS];

	start(test, crowd, consume, threads, nr);
	start(test, crowd, produce, threads + nr, nr);
	expect_all_read(test, crowd, threads, nr);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = all, .dequeued = all);
}

static void one_reader_returns(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct crowd *crowd = gather(test);
	u32 nr = crowd->producers, all = nr * EACH;
	struct kmsgq_thread *threads[1 + PRODUCERS];

	start(test, crowd, consume_again, threads, 1);
	start(test, crowd, produce, threads + 1, nr);
	expect_all_read(test, crowd, threads, 1);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = all,
			      .dequeued = 2 * all, .returned = all);
}

/* What is returned twice goes to the dead queue, which is small; one reads it. */
static void workers_return(struct kunit *test)
{
	struct kmsgq_test *t = test->priv;
	struct crowd *crowd = gather(test);
	u32 nr = crowd->producers, all = nr * EACH;
	struct kmsgq_thread *threads[1 + 2 * PRODUCERS];
	struct kmsgq_counters q;

	threads[0] = kmsgq_test_thread(test, consume_dead, crowd, 0, -1);
	start(test, crowd, work, threads + 1, nr);
	start(test, crowd, produce, threads + 1 + nr, nr);
	expect_all_read(test, crowd, threads, 1 + nr);
	kmsgq_get_counters(&t->q, &q);
	KUNIT_EXPECT_GT(test, q.returned, 0);
	KUNIT_EXPECT_GT(test, q.dead, 0);
	KMSGQ_EXPECT_COUNTERS(test, &t->q, .enqueued = all,
			      .dequeued = all + q.returned,
			      .returned = q.returned, .dead = q.dead);
	KMSGQ_EXPECT_COUNTERS(test, &t->dead, .enqueued = q.dead,
			      .dequeued = q.dead);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(all_cpus),
	KUNIT_CASE(one_reader_returns),
	KUNIT_CASE(workers_return),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_threads",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
