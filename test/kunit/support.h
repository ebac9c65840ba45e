/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the KUnit suites of queue.c and msg.c share.
 */
#ifndef KMSGQ_SUPPORT_H
#define KMSGQ_SUPPORT_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/poll.h>

#include "queue.h"

/* Unless a case sets other limits: the largest message, and how many fit. */
#define KMSGQ_TEST_MAX		64
#define KMSGQ_TEST_ROOM		4

/* How many messages a case may have out of the queue. */
#define KMSGQ_TEST_HAND		64

/**
 * struct kmsgq_test - what each case gets as its test->priv, freed at its end
 * @q: an empty queue whose readers wait
 * @dead: another one
 * @hand: messages that the case has dequeued, and no lease has. A failed
 *	assertion ends the case where it is: what it left here, and in @leases, does
 *	not leak
 * @leases: of messages of @q
 */
struct kmsgq_test {
	struct kmsgq_queue q;
	struct kmsgq_queue dead;
	struct kmsgq_msg *hand[KMSGQ_TEST_HAND];
	struct kmsgq_lease leases[KMSGQ_TEST_HAND];
};

int kmsgq_test_init(struct kunit *test);
void kmsgq_test_limit(struct kmsgq_queue *q, u32 max, unsigned long room);

struct kmsgq_msg *kmsgq_test_msg(struct kunit *test, size_t len, u32 number);
u32 kmsgq_test_number(struct kmsgq_msg *msg);
int kmsgq_test_put(struct kunit *test, struct kmsgq_queue *q, size_t len,
		   u32 number);
int kmsgq_test_take(struct kmsgq_queue *q);
u32 kmsgq_test_out(struct kunit *test, size_t i, size_t space, unsigned int flags);
void kmsgq_test_back(struct kunit *test, size_t i);
void kmsgq_test_lease(struct kunit *test, size_t i, u32 number);

bool kmsgq_test_differ(struct kunit *test, struct kmsgq_queue *q,
		       const struct kmsgq_counters *want);

/* All counters that are not named are 0; not looked at: the age, high water. */
#define KMSGQ_EXPECT_COUNTERS(test, q, ...)				\
	KUNIT_EXPECT_FALSE(test, kmsgq_test_differ(test, q,		\
		&(struct kmsgq_counters){ __VA_ARGS__ }))

/**
 * struct kmsgq_waker - waits in the place of a task or a poller, and counts
 * @res: has it leave the wait queue at the end of the case
 * @entry: in the wait queue
 * @wq: the wait queue
 * @events: what a poller waits for; 0 for a task
 * @count: how often it was woken. Unlike a task it stays in the wait queue
 */
struct kmsgq_waker {
	struct kunit_resource res;
	struct wait_queue_entry entry;
	wait_queue_head_t *wq;
	__poll_t events;
	atomic_t count;
};

struct kmsgq_waker *kmsgq_test_task(struct kunit *test, wait_queue_head_t *wq);
struct kmsgq_waker *kmsgq_test_poller(struct kunit *test,
				      struct kmsgq_queue *q, __poll_t events,
				      bool exclusive);
int kmsgq_test_woken(struct kmsgq_waker *waker);
void kmsgq_test_leave(struct kmsgq_waker *waker);

/**
 * struct kmsgq_thread - a task of a case
 * @res: stops it at the end of the case
 * @task: the task
 * @work: what it does; a signal, which comes when it is to stop, has to end it
 * @data: of the case
 * @number: which of the case's threads it is
 * @result: what @work returned
 * @started: it takes signals
 * @done: @work has returned
 */
struct kmsgq_thread {
	struct kunit_resource res;
	struct task_struct *task;
	int (*work)(struct kmsgq_thread *thread);
	void *data;
	unsigned int number;
	int result;
	struct completion started;
	struct completion done;
};

struct kmsgq_thread *kmsgq_test_thread(struct kunit *test,
				       int (*work)(struct kmsgq_thread *thread),
				       void *data, unsigned int number, int cpu);
bool kmsgq_test_ends(struct kmsgq_thread *thread);

#endif /* KMSGQ_SUPPORT_H */
