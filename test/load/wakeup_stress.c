// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many tasks wait at once, in every way, on a queue that is nearly always empty
 * or full. A lost wake-up leaves all of them asleep, and the subtest's deadline
 * shows it.
 */
#include "polls.h"

#define WORKERS		4	/* of each kind */
#define SECONDS		2

struct item {
	int writer;		/* -1: the end */
	unsigned int number;
	char rest[32];
};

static struct {
	volatile int stop;
	long written, taken;
} *shared;

/* How a worker waits. */
static enum { BLOCK, POLL, LEVEL, EDGE, EXCLUSIVE } way;

static bool time_is_up(void)
{
	static double start;

	if (!start)
		start = seconds();
	return seconds() - start > SECONDS;
}

static int epoll_for(int fd, uint32_t events)
{
	if (way == EDGE || way == EXCLUSIVE)
		events |= EPOLLET;
	if (way == EXCLUSIVE)
		events |= EPOLLEXCLUSIVE;
	return watch(fd, events);
}

/* Waits until @fd may be ready; @ep is the worker's own, made here. */
static void wait_until_ready(int fd, int *ep, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (way == POLL) {
		EQ(poll(&p, 1, -1), 1);
		return;
	}
	if (*ep < 0)
		*ep = epoll_for(fd, events);
	CHECK(wait_in_epoll(*ep) > 0, "epoll: %s", strerror(errno));
}

static void write_item(int fd, int *ep, const struct item *item)
{
	while (write(fd, item, sizeof(*item)) != sizeof(*item)) {
		EQ(errno, EAGAIN);
		wait_until_ready(fd, ep, POLLOUT);
	}
}

static ssize_t writer(struct call *c, int fd)
{
	struct item item = { .writer = c->buf[0] };
	int ep = -1;

	for (; !shared->stop; item.number++) {
		write_item(fd, &ep, &item);
		__atomic_fetch_add(&shared->written, 1, __ATOMIC_SEQ_CST);
	}
	return 0;
}

/* One message; a plain reader opens the file for each. */
static void read_item(int fd, int *ep, struct item *item)
{
	ssize_t ret;

	for (;;) {
		int once = way == BLOCK ? q_open(O_RDONLY) : fd;

		ret = read(once, item, sizeof(*item));
		if (way == BLOCK)
			close(once);
		if (ret == sizeof(*item))
			return;
		/* 0: the parent has switched read_wait off for a moment. */
		if (way == BLOCK && !ret)
			continue;
		EQ(ret, -1);
		EQ(errno, EAGAIN);
		wait_until_ready(fd, ep, POLLIN);
	}
}

static ssize_t reader(struct call *c, int fd)
{
	unsigned int next[WORKERS] = { 0 };
	struct item item;
	int in = -1, out = -1;

	(void)c;
	for (;;) {
		read_item(fd, &in, &item);
		if (item.writer < 0)
			break;
		CHECK(item.number >= next[item.writer],
		      "writer %d: message %u after %u", item.writer,
		      item.number, next[item.writer]);
		next[item.writer] = item.number + 1;
		__atomic_fetch_add(&shared->taken, 1, __ATOMIC_SEQ_CST);
	}
	/* The end is for everybody: pass it on. */
	write_item(fd, &out, &item);
	return 0;
}

static void (*meanwhile)(void);

static void traffic(void)
{
	struct item end = { .writer = -1 };
	struct call *writers[WORKERS], *readers[WORKERS];
	int flags = way == BLOCK ? 0 : O_NONBLOCK;
	char i;

	shared = shared_memory(sizeof(*shared));
	limit_queue(sizeof(struct item), 2);
	param_set("read_wait", 1);
	for (i = 0; i < WORKERS; i++) {
		readers[(int)i] = call_start(reader, -1, O_RDWR | flags, NULL,
					     0);
		writers[(int)i] = call_start(writer, -1, O_WRONLY | flags, &i,
					     1);
	}
	while (!time_is_up())
		if (meanwhile)
			meanwhile();
		else
			usleep(10000);
	shared->stop = 1;
	for (i = 0; i < WORKERS; i++)
		EQ(call_join(writers[(int)i]), 0);
	EQ(write(q_open(O_WRONLY), &end, sizeof(end)), sizeof(end));
	for (i = 0; i < WORKERS; i++)
		EQ(call_join(readers[(int)i]), 0);
	EQ(shared->taken, shared->written);
	EQ(stat_of("queued"), 1);
	CHECK(shared->taken > 100, "no traffic: %ld messages", shared->taken);
}

#define TRAFFIC(name, WAY)		\
	static void name(void)		\
	{				\
		way = WAY;		\
		traffic();		\
	}

TRAFFIC(blocking, BLOCK)
TRAFFIC(polling, POLL)
TRAFFIC(level, LEVEL)
TRAFFIC(edge, EDGE)
TRAFFIC(exclusive, EXCLUSIVE)

static void change_limits(void)
{
	static int step;
	long size = footprint(sizeof(struct item));

	param_set("read_wait", step % 3 > 0);
	param_set("queue_max_bytes", (1 + step % 5) * size);
	step++;
	usleep(1000);
	param_set("read_wait", 1);
}

static void limits_change(void)
{
	meanwhile = change_limits;
	blocking();
}

static void limits_change_polled(void)
{
	meanwhile = change_limits;
	polling();
}

/*
 * In rounds, since a later caller would cover up for a wake-up that was
 * lost: some wait, then messages come (or room) and at the same time some of
 * them are killed, or interrupted, or can't take what they were woken for.
 */
#define DOOMED	6
#define GOOD	2

static struct call *doomed[DOOMED], *good[GOOD];

static ssize_t doomed_read(struct call *c, int fd)
{
	return read(fd, c->buf[0] ? bad_address() : c->buf, c->len);
}

static ssize_t doomed_write(struct call *c, int fd)
{
	return write(fd, c->buf[0] ? bad_address() : c->buf, c->len);
}

/*
 * They stand in line, a good one behind each half of the doomed. The first of
 * each half has a bad address, the others get a signal.
 */
static void line_up(call_fn fn, int flags)
{
	size_t i, j;

	for (i = 0; i < GOOD; i++) {
		for (j = i; j < DOOMED; j += GOOD) {
			doomed[j] = call_start(fn, -1, flags,
					       (char[8]){ j < GOOD }, 8);
			call_settled(doomed[j]);
		}
		good[i] = call_start(fn, -1, flags, (char[8]){ 0 }, 8);
		call_asleep(good[i]);
	}
}

static void send_signals(int round)
{
	size_t i;

	for (i = GOOD; i < DOOMED; i++)
		kill(doomed[i]->pid, (i + round) % 2 ? SIGKILL : SIGUSR1);
}

/* Only the good ones still wait. */
static void reap_doomed(void)
{
	size_t i;

	for (i = 0; i < DOOMED; i++) {
		kill(doomed[i]->pid, SIGKILL);
		EQ(waitpid(doomed[i]->pid, NULL, 0), doomed[i]->pid);
	}
}

static void take_one(void)
{
	char msg[8];
	int fd = q_open(O_RDONLY);

	EQ(read(fd, msg, sizeof(msg)), 8);
	close(fd);
}

/* Lets the good ones that still wait go on, by @event for each. */
static void finish_good(void (*event)(void))
{
	size_t i, asleep = 0;

	/* Count first: a task that was woken in vain is last in line now. */
	for (i = 0; i < GOOD; i++)
		asleep += call_settled(good[i]);
	while (asleep--)
		event();
	for (i = 0; i < GOOD; i++)
		EQ(call_join(good[i]), 8);
}

static void send_one(void)
{
	send_numbered(1, 1);
}

static void doomed_readers(void)
{
	int round;

	param_set("read_wait", 1);
	for (round = 0; !time_is_up(); round++) {
		line_up(doomed_read, O_RDONLY);
		if (round % 2)
			send_numbered(1, 2);
		send_signals(round / 2);
		if (!(round % 2))
			send_numbered(1, 2);
		/* Two messages for two, whoever else had them in hand. */
		UNTIL(stat_of("queued") == 0);
		reap_doomed();
		UNTIL(stat_of("queued") == 0);
		finish_good(send_one);
		expect_empty();
	}
}

static void doomed_writers(void)
{
	int round;

	limit_queue(8, 2);
	for (round = 0; !time_is_up(); round++) {
		fill_queue();
		line_up(doomed_write, O_WRONLY);
		if (round % 2)
			send_signals(round / 2);
		take_one();
		take_one();
		if (!(round % 2))
			send_signals(round / 2);
		/* Room for two, and two at least are there. */
		UNTIL(stat_of("queued") == 2);
		reap_doomed();
		finish_good(take_one);
		while (stat_of("queued"))
			take_one();
	}
}

static const struct tap_test tests[] = {
	{ "4 writers and 4 readers that wait", blocking },
	{ "4 writers and 4 readers with poll", polling },
	{ "4 writers and 4 readers with level-triggered epoll", level },
	{ "4 writers and 4 readers with edge-triggered epoll", edge },
	{ "4 writers and 4 readers with EPOLLEXCLUSIVE", exclusive },
	{ "limits that change while all wait", limits_change },
	{ "limits that change while all poll", limits_change_polled },
	{ "waiting readers that fault, are killed and interrupted",
	  doomed_readers },
	{ "waiting writers that fault, are killed and interrupted",
	  doomed_writers },
};

TAP_MAIN(tests)
