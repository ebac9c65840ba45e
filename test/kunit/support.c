// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module of the KUnit tests, and what its suites share. It holds queue.c
 * and msg.c itself, so its caches have the names of kmsg_queue's: only one of
 * the two modules may be loaded.
 */
#include "support.h"

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

/* How long anything may take that has to come: a guard against a hang. */
#define KMSGQ_TEST_PATIENCE_MS	120000

/*
 * KUnit frees a case's resources in reverse order, also after a failed
 * assertion: first its threads stop and its wakers leave, then the queues go.
 */
static void kmsgq_test_free(struct kunit_resource *res)
{
	struct kmsgq_test *t = res->data;
	size_t i;

	for (i = 0; i < KMSGQ_TEST_HAND; i++) {
		if (t->hand[i])
			kmsgq_msg_free(t->hand[i], NULL);
		if (t->leases[i].msg)
			kmsgq_lease_confirm(&t->q, &t->leases[i]);
	}
	while (kmsgq_test_take(&t->q) >= 0 || kmsgq_test_take(&t->dead) >= 0)
		;
	kmsgq_queue_exit(&t->q);
	kmsgq_queue_exit(&t->dead);
	kfree(t);
}

static int kmsgq_test_alloc(struct kunit_resource *res, void *context)
{
	struct kmsgq_config config = {
		.msg_max_size = KMSGQ_TEST_MAX,
		.max_bytes = KMSGQ_TEST_ROOM * kmsgq_footprint(KMSGQ_TEST_MAX),
		.read_wait = true,
	};
	struct kmsgq_test *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	kmsgq_queue_init(&t->q);
	kmsgq_queue_init(&t->dead);
	kmsgq_configure(&t->q, &config);
	kmsgq_configure(&t->dead, &config);
	/* Pending, so that a slow case is not woken by it: see case backstop. */
	mod_timer(&t->q.backstop, jiffies + 24 * 3600 * HZ);
	mod_timer(&t->dead.backstop, jiffies + 24 * 3600 * HZ);
	res->data = t;
	return 0;
}

/* The init function of each suite. */
int kmsgq_test_init(struct kunit *test)
{
	test->priv = kunit_alloc_resource(test, kmsgq_test_alloc,
					  kmsgq_test_free, GFP_KERNEL, NULL);
	return test->priv ? 0 : -ENOMEM;
}

/* Have room for @room messages of the largest size, which is @max. */
void kmsgq_test_limit(struct kmsgq_queue *q, u32 max, unsigned long room)
{
	struct kmsgq_config config = {
		.msg_max_size = max,
		.max_bytes = room * kmsgq_footprint(max),
		.read_wait = true,
	};

	kmsgq_configure(q, &config);
}

/* A message that begins with as many bytes of @number as it has room for. */
struct kmsgq_msg *kmsgq_test_msg(struct kunit *test, size_t len, u32 number)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_msg *msg = kmsgq_msg_alloc(len, &t->q.spare);
	size_t part = min(len, sizeof(number));

	KUNIT_ASSERT_NOT_NULL(test, msg);
	memcpy(kmsgq_msg_span(msg, 0, &part), &number, part);
	return msg;
}

u32 kmsgq_test_number(struct kmsgq_msg *msg)
{
	u32 number = 0;
	size_t part = min_t(size_t, msg->len, sizeof(number));

	memcpy(&number, kmsgq_msg_span(msg, 0, &part), part);
	return number;
}

/* Returns what kmsgq_enqueue() does; a message that it refuses is freed. */
int kmsgq_test_put(struct kunit *test, struct kmsgq_queue *q, size_t len,
		   u32 number)
{
	struct kmsgq_msg *msg = kmsgq_test_msg(test, len, number);
	int err = kmsgq_enqueue(q, msg);

	if (err)
		kmsgq_msg_free(msg, &q->spare);
	return err;
}

/* Returns the number of the message, which is freed, or the error. */
int kmsgq_test_take(struct kmsgq_queue *q)
{
	struct kmsgq_lease none = {};
	struct kmsgq_msg *msg = kmsgq_dequeue(q, &none, SIZE_MAX, 0);
	int number;

	if (IS_ERR(msg))
		return PTR_ERR(msg);
	number = kmsgq_test_number(msg);
	kmsgq_finish(q, msg);
	return number;
}

/* Dequeue a message, to leases[@i] or hand[@i]; returns its number. */
u32 kmsgq_test_out(struct kunit *test, size_t i, size_t space, unsigned int flags)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_msg *msg = kmsgq_dequeue(&t->q, &t->leases[i], space, flags);

	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	if (!t->leases[i].msg)
		t->hand[i] = msg;
	return kmsgq_test_number(msg);
}

/* Return what kmsgq_test_out() dequeued. */
void kmsgq_test_back(struct kunit *test, size_t i)
{
	struct kmsgq_test *t = test->priv;

	if (t->leases[i].msg)
		kmsgq_lease_return(&t->q, &t->leases[i], NULL, 0);
	else
		kmsgq_return(&t->q, t->hand[i]);
	t->hand[i] = NULL;
}

/* Deliver the oldest message, which should have this number, to leases[@i]. */
void kmsgq_test_lease(struct kunit *test, size_t i, u32 number)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_msg *msg = kmsgq_dequeue(&t->q, &t->leases[i], SIZE_MAX,
					      KMSGQ_HOLD);

	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	kmsgq_lease_advance(&t->q, &t->leases[i], msg->len);
	KUNIT_ASSERT_EQ(test, kmsgq_test_number(msg), number);
}

/* Says which counters are not as they should be; true if there is one. */
bool kmsgq_test_differ(struct kunit *test, struct kmsgq_queue *q,
		       const struct kmsgq_counters *want)
{
#define COUNTER(name) { #name, offsetof(struct kmsgq_counters, name) }
	static const struct {
		const char *name;
		size_t offset;
	} all[] = {
		COUNTER(queued), COUNTER(queued_bytes), COUNTER(held),
		COUNTER(enqueued), COUNTER(dequeued), COUNTER(dropped),
		COUNTER(returned), COUNTER(dead), COUNTER(waiting_readers),
		COUNTER(waiting_writers),
	};
#undef COUNTER
	struct kmsgq_counters got;
	bool differ = false;
	size_t i;

	kmsgq_get_counters(q, &got);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		u64 is = *(u64 *)((void *)&got + all[i].offset);
		u64 should = *(const u64 *)((const void *)want + all[i].offset);

		if (is == should)
			continue;
		kunit_err(test, "%s is %llu instead of %llu", all[i].name, is,
			  should);
		differ = true;
	}
	return differ;
}

static int kmsgq_waker_wake(struct wait_queue_entry *entry, unsigned int mode,
			    int flags, void *key)
{
	struct kmsgq_waker *waker = container_of(entry, struct kmsgq_waker,
						 entry);

	/* As fs/select.c and fs/eventpoll.c do. */
	if (waker->events && key && !(key_to_poll(key) & waker->events))
		return 0;
	atomic_inc(&waker->count);
	return 1;
}

/* May be called more than once. */
void kmsgq_test_leave(struct kmsgq_waker *waker)
{
	spin_lock_irq(&waker->wq->lock);
	list_del_init(&waker->entry.entry);
	spin_unlock_irq(&waker->wq->lock);
}

static void kmsgq_waker_free(struct kunit_resource *res)
{
	kmsgq_test_leave(res->data);
}

static struct kmsgq_waker *kmsgq_waker(struct kunit *test,
				       wait_queue_head_t *wq, __poll_t events,
				       bool exclusive)
{
	struct kmsgq_waker *waker = kunit_kzalloc(test, sizeof(*waker),
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, waker);
	waker->wq = wq;
	waker->events = events;
	init_waitqueue_func_entry(&waker->entry, kmsgq_waker_wake);
	if (exclusive)
		add_wait_queue_exclusive(wq, &waker->entry);
	else
		add_wait_queue(wq, &waker->entry);
	kunit_add_resource(test, NULL, kmsgq_waker_free, &waker->res, waker);
	return waker;
}

/* Wait as a task in kmsgq_wait_readable() or kmsgq_wait_room() does. */
struct kmsgq_waker *kmsgq_test_task(struct kunit *test, wait_queue_head_t *wq)
{
	return kmsgq_waker(test, wq, 0, true);
}

/* Wait as poll(2) does, or if @exclusive as with EPOLLEXCLUSIVE. */
struct kmsgq_waker *kmsgq_test_poller(struct kunit *test,
				      struct kmsgq_queue *q, __poll_t events,
				      bool exclusive)
{
	return kmsgq_waker(test, &q->polls, events, exclusive);
}

/* How often it was woken since it was asked last. */
int kmsgq_test_woken(struct kmsgq_waker *waker)
{
	return atomic_xchg(&waker->count, 0);
}

static int kmsgq_thread_run(void *data)
{
	struct kmsgq_thread *thread = data;

	allow_signal(SIGTERM);
	complete(&thread->started);
	thread->result = thread->work(thread);
	complete_all(&thread->done);
	return 0;
}

static void kmsgq_thread_free(struct kunit_resource *res)
{
	struct kmsgq_thread *thread = res->data;

	send_sig(SIGTERM, thread->task, 1);
	kthread_stop(thread->task);
	put_task_struct(thread->task);
}

/* Start a thread on @cpu; -1: on any. */
struct kmsgq_thread *kmsgq_test_thread(struct kunit *test,
				       int (*work)(struct kmsgq_thread *thread),
				       void *data, unsigned int number, int cpu)
{
	struct kmsgq_thread *thread = kunit_kzalloc(test, sizeof(*thread),
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, thread);
	thread->work = work;
	thread->data = data;
	thread->number = number;
	init_completion(&thread->started);
	init_completion(&thread->done);
	thread->task = kthread_create(kmsgq_thread_run, thread, "kmsgq_test/%u",
				      number);
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread->task));
	get_task_struct(thread->task);
	if (cpu >= 0)
		kthread_bind(thread->task, cpu);
	wake_up_process(thread->task);
	wait_for_completion(&thread->started);
	kunit_add_resource(test, NULL, kmsgq_thread_free, &thread->res, thread);
	return thread;
}

/* Returns true if the thread's work ends. */
bool kmsgq_test_ends(struct kmsgq_thread *thread)
{
	unsigned long patience = msecs_to_jiffies(KMSGQ_TEST_PATIENCE_MS);

	return wait_for_completion_timeout(&thread->done, patience);
}

/* The kernel runs the suites after this. */
static int __init kmsgq_kunit_init(void)
{
	return kmsgq_msg_init();
}

static void __exit kmsgq_kunit_exit(void)
{
	kmsgq_msg_exit();
}

module_init(kmsgq_kunit_init);
module_exit(kmsgq_kunit_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of kmsg_queue");
