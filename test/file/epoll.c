// SPDX-License-Identifier: GPL-2.0-only
/* epoll: level-triggered, edge-triggered and one waiter for each event. */
#include "polls.h"

static void level_in(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK), ep = watch(fd, EPOLLIN);

	EQ(reported(ep), 0);
	send_numbered(1, 2);
	EQ(reported(ep), EPOLLIN);
	EQ(reported(ep), EPOLLIN);
	get_str(fd, "message 1");
	EQ(reported(ep), EPOLLIN);
	get_str(fd, "message 2");
	EQ(reported(ep), 0);
}

static void level_out(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK), ep = watch(fd, EPOLLOUT);

	limit_queue(MAX_SIZE, 1);
	EQ(reported(ep), EPOLLOUT);
	EQ(reported(ep), EPOLLOUT);
	EQ(write(fd, "x", 1), 1);
	EQ(reported(ep), 0);
	get_str(fd, "x");
	EQ(reported(ep), EPOLLOUT);
}

static void edge_in(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);
	int ep = watch(fd, EPOLLIN | EPOLLET);
	char byte;

	EQ(reported(ep), 0);
	send_numbered(1, 1);
	EQ(reported(ep), EPOLLIN);
	EQ(reported(ep), 0);
	/* Each further message is an event, whatever is still unread. */
	send_numbered(2, 2);
	EQ(reported(ep), EPOLLIN);
	EQ(reported(ep), 0);
	get_str(fd, "message 1");
	EQ(reported(ep), 0);
	get_str(fd, "message 2");
	FAILS(read(fd, &byte, 1), EAGAIN);
	EQ(reported(ep), 0);
	send_numbered(3, 3);
	EQ(reported(ep), EPOLLIN);
	get_str(fd, "message 3");
}

static void edge_out(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK), i;
	int ep = watch(fd, EPOLLOUT | EPOLLET);

	limit_queue(MAX_SIZE, 1);
	EQ(reported(ep), EPOLLOUT);
	EQ(reported(ep), 0);
	for (i = 0; i < 3; i++) {
		EQ(write(fd, "x", 1), 1);
		EQ(reported(ep), 0);
		FAILS(write(fd, "y", 1), EAGAIN);
		EQ(reported(ep), 0);
		/* Told that it is full, it has to hear of the room. */
		expect_next("x");
		EQ(reported(ep), EPOLLOUT);
		EQ(reported(ep), 0);
	}
}

static void edge_in_when_put_back(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);
	int ep = watch(fd, EPOLLIN | EPOLLET);

	send_str("x");
	EQ(reported(ep), EPOLLIN);
	FAILS(read(q_open(O_RDONLY), bad_address(), 8), EFAULT);
	EQ(reported(ep), EPOLLIN);
	get_str(fd, "x");
}

/* Waits in an epoll of its own; data: the events to watch. */
static ssize_t sleep_in_epoll(struct call *c, int fd)
{
	uint32_t events;

	memcpy(&events, c->buf, sizeof(events));
	return wait_in_epoll(watch(fd, events));
}

/* The same, and then does what it was told that it can do. */
static ssize_t work_in_epoll(struct call *c, int fd)
{
	ssize_t events = sleep_in_epoll(c, fd);
	char byte = 'x';

	if (events == EPOLLIN)
		EQ(read(fd, &byte, 1), 1);
	/* Space wakes all that wait for it: others may have been faster. */
	while (events == EPOLLOUT && write(fd, &byte, 1) != 1) {
		EQ(errno, EAGAIN);
		events = sleep_in_epoll(c, fd);
	}
	return events;
}

static struct call *start_in_epoll(call_fn fn, int flags, uint32_t events)
{
	struct call *waiter = call_start(fn, -1, flags | O_NONBLOCK, &events,
					 sizeof(events));

	call_asleep(waiter);
	return waiter;
}

static struct call *start_epoll(int flags, uint32_t events)
{
	return start_in_epoll(sleep_in_epoll, flags, events);
}

static struct call *start_worker(int flags, uint32_t events)
{
	return start_in_epoll(work_in_epoll, flags, events | EPOLLEXCLUSIVE);
}

static size_t how_many_returned(struct call **waiters, size_t count)
{
	size_t i, returned = 0;

	for (i = 0; i < count; i++)
		returned += call_returned(waiters[i]);
	return returned;
}

/* One of @waiters returns for each call of @event, the others sleep on. */
static void one_for_each(struct call **waiters, size_t count,
			 void (*event)(void))
{
	long sleeps[8];
	size_t i, done;

	for (i = 0; i < count; i++)
		sleeps[i] = call_sleeps(waiters[i]);
	for (done = 1; done <= count; done++) {
		event();
		UNTIL(how_many_returned(waiters, count) >= done);
		for (i = 0; i < count; i++) {
			if (call_returned(waiters[i]))
				continue;
			call_asleep(waiters[i]);
			EQ(call_sleeps(waiters[i]), sleeps[i]);
		}
		EQ(how_many_returned(waiters, count), done);
	}
}

static void send_one(void)
{
	send_str("x");
}

static void exclusive_in(void)
{
	struct call *waiters[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		waiters[i] = start_worker(O_RDONLY, EPOLLIN);
	one_for_each(waiters, ARRAY_SIZE(waiters), send_one);
}

static void exclusive_out(void)
{
	struct call *waiters[4];
	size_t i;

	limit_queue(MAX_SIZE, 1);
	send_str("x");
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		waiters[i] = start_worker(O_WRONLY, EPOLLOUT);
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		expect_next("x");
		UNTIL(how_many_returned(waiters, ARRAY_SIZE(waiters)) >= i + 1);
		EQ(how_many_returned(waiters, ARRAY_SIZE(waiters)), i + 1);
	}
}

static void shared_wakes_all(void)
{
	struct call *waiters[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		waiters[i] = start_epoll(O_RDONLY,
					 EPOLLIN | (i % 2 ? EPOLLET : 0));
	send_str("x");
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		EQ(call_join(waiters[i]), EPOLLIN);
}

static void beside_a_reader(void)
{
	struct call *watcher, *reader;

	/*
	 * A watcher that is told need not come: the waiting reader has to get
	 * the message whoever was there first.
	 */
	param_set("read_wait", 1);
	watcher = start_epoll(O_RDONLY, EPOLLIN | EPOLLEXCLUSIVE);
	reader = call_read(0);
	call_asleep(reader);
	send_str("x");
	call_join_str(reader, "x");

	send_str("y");
	CHECK(call_join(watcher) == EPOLLIN, "the watcher was not told");
}

static void beside_a_writer(void)
{
	struct call *watcher, *writer;

	limit_queue(MAX_SIZE, 1);
	send_str("x");
	watcher = start_epoll(O_WRONLY, EPOLLOUT | EPOLLEXCLUSIVE);
	writer = call_write("y", 1);
	call_asleep(writer);
	expect_next("x");
	EQ(call_join(writer), 1);
	expect_next("y");
	CHECK(call_join(watcher) == EPOLLOUT, "the watcher was not told");
}

static void closed_while_watched(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK), ep = watch(fd, EPOLLIN);

	close(fd);
	send_str("x");
	EQ(reported(ep), 0);
	EQ(references(), 0);
	expect_next("x");
}

static const struct tap_test tests[] = {
	{ "level-triggered IN as long as the queue has messages", level_in },
	{ "level-triggered OUT as long as the queue has space", level_out },
	{ "edge-triggered IN once for each message", edge_in },
	{ "edge-triggered OUT once after each full queue", edge_out },
	{ "edge-triggered IN for a message that was put back",
	  edge_in_when_put_back },
	{ "EPOLLEXCLUSIVE: a message wakes one waiter", exclusive_in },
	{ "EPOLLEXCLUSIVE: no waiter misses the space", exclusive_out },
	{ "without EPOLLEXCLUSIVE a message wakes all", shared_wakes_all },
	{ "EPOLLEXCLUSIVE alongside a waiting reader", beside_a_reader },
	{ "EPOLLEXCLUSIVE alongside a waiting writer", beside_a_writer },
	{ "a watched file can be closed", closed_while_watched },
};

TAP_MAIN(tests)
