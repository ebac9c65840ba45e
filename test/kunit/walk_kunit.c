// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit test of queue.c: a long random walk beside a model.
 *
 * The model knows of each message only where it is, its place in the order and
 * how often it was delivered. From that follow which message comes next, whether
 * the queue is full, and every counter: after each step all of them are
 * compared. The walk is the same each time, so that a failure can be repeated.
 */
#include "support.h"

#define STEPS		6000
#define MAX_DELIVERIES	2

/* How many of the largest messages the queues have room for. */
#define ROOM		30
#define DEAD_ROOM	1

/* Where a message is; all but FREE and DEAD have come from the queue. */
enum where { FREE, QUEUED, IN_HAND, KEPT, LEASED, DEAD };

/* The model: a message's number is its place here, and in hand or leases. */
struct model {
	struct {
		enum where where;
		u32 len, seq, deliveries;
	} msgs[KMSGQ_TEST_HAND];
	u32 next_seq, dead_seq;
	u64 high_water;
	struct kmsgq_counters q, dead;
	u32 random;
};

static u32 random(struct model *m, u32 below)
{
	m->random = m->random * 1664525 + 1013904223;
	return (m->random >> 8) % below;
}

/* The first of those that are there, from a random one on; -1: none. */
static int any(struct model *m, enum where where)
{
	int i, from = random(m, KMSGQ_TEST_HAND);

	for (i = 0; i < KMSGQ_TEST_HAND; i++) {
		int k = (from + i) % KMSGQ_TEST_HAND;

		if (m->msgs[k].where == where)
			return k;
	}
	return -1;
}

static int oldest(struct model *m, enum where where)
{
	int i, found = -1;

	for (i = 0; i < KMSGQ_TEST_HAND; i++)
		if (m->msgs[i].where == where &&
		    (found < 0 || m->msgs[i].seq < m->msgs[found].seq))
			found = i;
	return found;
}

static u64 bytes(struct model *m, bool dead)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < KMSGQ_TEST_HAND; i++) {
		enum where where = m->msgs[i].where;

		if (dead ? where == DEAD : where == QUEUED || where == KEPT ||
					   where == LEASED)
			sum += kmsgq_footprint(m->msgs[i].len);
	}
	return sum;
}

static u64 count(struct model *m, enum where where)
{
	u64 nr = 0;
	int i;

	for (i = 0; i < KMSGQ_TEST_HAND; i++)
		nr += m->msgs[i].where == where;
	return nr;
}

static bool full(struct model *m, bool dead)
{
	return bytes(m, dead) > ((dead ? DEAD_ROOM : ROOM) - 1) *
				kmsgq_footprint(KMSGQ_TEST_MAX);
}

static void check(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	struct kmsgq_counters got;

	m->q.queued = count(m, QUEUED);
	m->q.held = count(m, KEPT) + count(m, LEASED);
	m->q.queued_bytes = bytes(m, false);
	m->high_water = max(m->high_water, m->q.queued_bytes);
	m->dead.queued = count(m, DEAD);
	m->dead.queued_bytes = bytes(m, true);
	KUNIT_ASSERT_FALSE(test, kmsgq_test_differ(test, &t->q, &m->q));
	KUNIT_ASSERT_FALSE(test, kmsgq_test_differ(test, &t->dead, &m->dead));
	kmsgq_get_counters(&t->q, &got);
	KUNIT_ASSERT_EQ(test, got.high_water_bytes, m->high_water);
	KUNIT_ASSERT_EQ(test, got.queued,
			got.enqueued - got.dequeued + got.returned);
	KUNIT_ASSERT_EQ(test, kmsgq_is_full(&t->q), full(m, false));
	KUNIT_ASSERT_EQ(test, kmsgq_is_empty(&t->q), !m->q.queued);
}

static void put(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	u32 len = 4 + random(m, KMSGQ_TEST_MAX - 3);
	int i = any(m, FREE);

	if (i < 0)
		return;
	if (full(m, false)) {
		KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, len, i),
				-EAGAIN);
		return;
	}
	KUNIT_ASSERT_EQ(test, kmsgq_test_put(test, &t->q, len, i), 0);
	m->msgs[i].where = QUEUED;
	m->msgs[i].len = len;
	m->msgs[i].deliveries = 0;
	m->msgs[i].seq = m->next_seq++;
	m->q.enqueued++;
}

static void take(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	bool keep = random(m, 2), whole = random(m, 2);
	u32 room = random(m, 2) ? KMSGQ_TEST_MAX : 4 + random(m, 30);
	struct kmsgq_msg *msg = kmsgq_dequeue(&t->q, room, whole, keep);
	int i = oldest(m, QUEUED);

	if (i < 0 || (whole && m->msgs[i].len > room)) {
		KUNIT_ASSERT_PTR_EQ(test, msg,
				    (struct kmsgq_msg *)ERR_PTR(i < 0 ?
								-EAGAIN :
								-EMSGSIZE));
		return;
	}
	KUNIT_ASSERT_FALSE(test, IS_ERR(msg));
	t->hand[i] = msg;
	KUNIT_ASSERT_EQ(test, kmsgq_test_number(msg), i);
	KUNIT_ASSERT_EQ(test, (u32)msg->len, m->msgs[i].len);
	KUNIT_ASSERT_EQ(test, (u32)msg->deliveries, m->msgs[i].deliveries);
	m->msgs[i].where = keep || m->msgs[i].len > room ? KEPT : IN_HAND;
	m->q.dequeued++;
}

static void put_back(struct kunit *test, struct model *m)
{
	bool kept = random(m, 2);
	int i = any(m, kept ? KEPT : IN_HAND);

	if (i < 0)
		return;
	kmsgq_test_back(test, i, kept);
	m->msgs[i].where = QUEUED;
	m->q.returned++;
}

static void finish(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	int i = any(m, IN_HAND);

	if (i < 0)
		return;
	kmsgq_msg_free(t->hand[i], &t->q.spare);
	t->hand[i] = NULL;
	m->msgs[i].where = FREE;
}

static void lease(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	int i = any(m, KEPT);

	if (i < 0)
		return;
	kmsgq_lease_set(&t->q, &t->leases[i], t->hand[i], 1);
	kmsgq_lease_set(&t->q, &t->leases[i], t->hand[i], 2);
	t->hand[i] = NULL;
	m->msgs[i].where = LEASED;
	m->msgs[i].deliveries++;
}

static void confirm(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	bool dropped = random(m, 2);
	int i = any(m, LEASED);

	if (i < 0)
		return;
	kmsgq_lease_end(&t->q, &t->leases[i], dropped);
	m->msgs[i].where = FREE;
	m->q.dropped += dropped;
}

static void give_back(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	bool dead = random(m, 4);
	int i = any(m, LEASED);

	if (i < 0)
		return;
	kmsgq_lease_return(&t->q, &t->leases[i], dead ? &t->dead : NULL,
			   MAX_DELIVERIES);
	if (!dead || m->msgs[i].deliveries < MAX_DELIVERIES) {
		m->msgs[i].where = QUEUED;
		m->q.returned++;
	} else if (full(m, true)) {
		m->msgs[i].where = QUEUED;
		m->msgs[i].seq = m->next_seq++;
		m->q.returned++;
	} else {
		m->msgs[i].where = DEAD;
		m->msgs[i].seq = m->dead_seq++;
		m->q.dead++;
		m->dead.enqueued++;
	}
}

static void take_dead(struct kunit *test, struct model *m)
{
	struct kmsgq_test *t = test->priv;
	int i = oldest(m, DEAD);

	KUNIT_ASSERT_EQ(test, kmsgq_test_take(&t->dead), i < 0 ? -EAGAIN : i);
	if (i < 0)
		return;
	m->msgs[i].where = FREE;
	m->dead.dequeued++;
}

static void walk(struct kunit *test)
{
	/* Some twice: the queue fills and is emptied, by turns. */
	static void (*const steps[])(struct kunit *test, struct model *m) = {
		put, put, put, take, take, take, take, put_back, lease, lease,
		finish, confirm, give_back, give_back, take_dead,
	};
	struct kmsgq_test *t = test->priv;
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	u32 step, full_steps = 0;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->random = 1;
	kmsgq_test_limit(&t->q, KMSGQ_TEST_MAX, ROOM);
	kmsgq_test_limit(&t->dead, KMSGQ_TEST_MAX, DEAD_ROOM);
	for (step = 0; step < STEPS; step++) {
		/* For a while mostly in, then mostly out. */
		if (step % 500 < 250 && step % 3)
			put(test, m);
		else
			steps[random(m, ARRAY_SIZE(steps))](test, m);
		check(test, m);
		full_steps += full(m, false);
	}
	/* The walk has been everywhere. */
	KUNIT_EXPECT_GT(test, full_steps, 30);
	KUNIT_EXPECT_GT(test, m->q.dead, 30);
	KUNIT_EXPECT_GT(test, m->q.dropped, 30);
	KUNIT_EXPECT_GT(test, m->next_seq - m->q.enqueued, 3);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(walk),
	{}
};

static struct kunit_suite suite = {
	.name = "kmsgq_walk",
	.init = kmsgq_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
