// SPDX-License-Identifier: GPL-2.0-only
/* Signals that come while a read waits for a message, or a write for room. */
#define _GNU_SOURCE
#include <sys/time.h>

#include "polls.h"

/* What the two kinds of waiting calls have in common here. */
struct side {
	struct call *(*start)(void);	/* one that waits */
	void (*let_go_on)(void);
	const char *want;	/* what is in the queue when it has gone on */
};

static struct call *start_read(void)
{
	struct call *reader;

	param_set("read_wait", 1);
	reader = call_read(0);
	call_asleep(reader);
	return reader;
}

static struct call *start_write(void)
{
	struct call *writer;

	if (!stat_of("queued")) {
		limit_queue(MAX_SIZE, 1);
		send_str("first");
	}
	writer = call_write("waits", 5);
	call_asleep(writer);
	return writer;
}

static void send_one(void)
{
	send_str("waits");
}

static void take_one(void)
{
	expect_next("first");
}

static const struct side reading = { start_read, send_one, NULL };
static const struct side writing = { start_write, take_one, "waits" };

/* The waiting call has gone on, and done its work exactly once. */
static void goes_on(const struct side *side, struct call *c)
{
	side->let_go_on();
	EQ(call_join(c), 5);
	if (side->want)
		expect_next(side->want);
	else
		CHECK(!memcmp(c->buf, "waits", 5), "read %.5s", c->buf);
	expect_empty();
}

/* The waiting call is over, and has left no trace: the next one works. */
static void left_nothing(const struct side *side, long enqueued)
{
	EQ(stat_of("enqueued"), enqueued);
	goes_on(side, side->start());
}

static void interrupted(const struct side *side)
{
	struct call *c = side->start();
	long enqueued = stat_of("enqueued");

	EQ(kill(c->pid, SIGUSR1), 0);
	EQ(call_join(c), -1);
	EQ(errno, EINTR);
	left_nothing(side, enqueued);
}

static void restarted(const struct side *side)
{
	struct call *c;
	long sleeps;
	int i;

	call_sa_flags = SA_RESTART;
	c = side->start();
	sleeps = call_sleeps(c);
	for (i = 0; i < 3; i++) {
		EQ(kill(c->pid, SIGUSR1), 0);
		UNTIL(call_sleeps(c) > sleeps);
		call_asleep(c);
		sleeps = call_sleeps(c);
	}
	goes_on(side, c);
}

static void killed(const struct side *side)
{
	struct call *c = side->start();
	long enqueued = stat_of("enqueued");

	call_kill(c, SIGKILL);
	left_nothing(side, enqueued);
}

static void stop(struct call *c)
{
	siginfo_t info;

	EQ(kill(c->pid, SIGSTOP), 0);
	EQ(waitid(P_PID, c->pid, &info, WSTOPPED), 0);
}

static void stopped(const struct side *side)
{
	struct call *c = side->start();

	stop(c);
	EQ(kill(c->pid, SIGCONT), 0);
	call_asleep(c);
	goes_on(side, c);
}

static void stopped_blocks_nobody(const struct side *side)
{
	int i;

	/* The first in line is stopped, then the second: it is the other's turn. */
	for (i = 0; i < 2; i++) {
		struct call *calls[2] = { side->start(), side->start() };

		stop(calls[i]);
		side->let_go_on();
		EQ(call_join(calls[!i]), 5);
		EQ(kill(calls[i]->pid, SIGCONT), 0);
		call_asleep(calls[i]);
		if (side->want)
			expect_next("waits");
		else
			send_one();
		EQ(call_join(calls[i]), 5);
		drain_queue();
	}
}

static void stopped_misses_nothing(const struct side *side)
{
	struct call *c = side->start();

	stop(c);
	side->let_go_on();
	EQ(kill(c->pid, SIGCONT), 0);
	EQ(call_join(c), 5);
}

static ssize_t read_in_two(struct call *c, int fd)
{
	EQ(read(fd, c->buf, 3), 3);
	raise(SIGSTOP);
	return read(fd, c->buf + 3, c->len - 3);
}

static void stopped_in_message(void)
{
	struct call *c;
	siginfo_t info;
	int i;

	send_str("abcdef");
	c = call_start(read_in_two, -1, O_RDONLY, NULL, 64);
	EQ(waitid(P_PID, c->pid, &info, WSTOPPED), 0);
	for (i = 1; i <= 100; i++) {
		send_numbered(i, i);
		expect_numbered(i, i);
	}
	EQ(kill(c->pid, SIGCONT), 0);
	EQ(call_join(c), 3);
	CHECK(!memcmp(c->buf, "abcdef", 6), "read %.6s", c->buf);
}

static ssize_t epoll_and_read(struct call *c, int fd)
{
	int ep = watch(fd, EPOLLIN | EPOLLEXCLUSIVE);
	ssize_t ret;

	do {
		wait_in_epoll(ep);
		ret = read(fd, c->buf, c->len);
	} while (ret < 0 && errno == EAGAIN);
	return ret;
}

static void stopped_in_epoll(void)
{
	int i, j;

	for (i = 0; i < 2; i++) {
		struct call *calls[2];

		for (j = 0; j < 2; j++) {
			calls[j] = call_start(epoll_and_read, -1,
					      O_RDONLY | O_NONBLOCK, NULL, 64);
			call_asleep(calls[j]);
		}
		stop(calls[i]);
		send_str("first");
		call_join_str(calls[!i], "first");
		EQ(kill(calls[i]->pid, SIGCONT), 0);
		send_str("second");
		call_join_str(calls[i], "second");
	}
}

#define BOTH_SIDES(what)						\
	static void what##_read(void) { what(&reading); }		\
	static void what##_write(void) { what(&writing); }

BOTH_SIDES(interrupted)
BOTH_SIDES(restarted)
BOTH_SIDES(killed)
BOTH_SIDES(stopped)
BOTH_SIDES(stopped_blocks_nobody)
BOTH_SIDES(stopped_misses_nothing)

static void interrupted_poll(void)
{
	struct call *c;

	call_sa_flags = SA_RESTART;	/* which says nothing to poll */
	c = start_poll(-1, O_RDONLY, POLLIN);
	EQ(kill(c->pid, SIGUSR1), 0);
	EQ(call_join(c), -1);
	EQ(errno, EINTR);
}

static void alarm_for_self(void)
{
	char byte;

	/* The usual way to limit a wait. */
	param_set("read_wait", 1);
	catch_signal(SIGALRM, 0);
	ualarm(1000, 1000);
	FAILS(read(q_open(O_RDONLY), &byte, 1), EINTR);
	CHECK(caught, "no signal");
}

/* Signals that come all the time, in the middle of calls. */
static void start_signals(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } };

	catch_signal(SIGALRM, 0);
	EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void calls_that_need_not_wait(void)
{
	int plain = q_open(O_RDONLY), nonblock = q_open(O_RDWR | O_NONBLOCK);
	int writer = q_open(O_WRONLY);
	char buf[8];

	start_signals();
	while (caught < 3000) {
		EQ(read(plain, buf, sizeof(buf)), 0);
		FAILS(read(nonblock, buf, sizeof(buf)), EAGAIN);
		EQ(write(writer, "x", 1), 1);
		EQ(read(nonblock, buf, sizeof(buf)), 1);
		EQ(write(nonblock, "x", 1), 1);
		EQ(read(nonblock, buf, sizeof(buf)), 1);
	}
	limit_queue(MAX_SIZE, 1);
	EQ(write(nonblock, "x", 1), 1);
	while (caught < 6000)
		FAILS(write(nonblock, "x", 1), EAGAIN);
}

static const struct tap_test tests[] = {
	{ "a waiting read gets EINTR", interrupted_read },
	{ "a waiting write gets EINTR, nothing is queued",
	  interrupted_write },
	{ "SA_RESTART: a waiting read continues to wait", restarted_read },
	{ "SA_RESTART: a waiting write continues to wait", restarted_write },
	{ "SIGKILL ends a waiting read", killed_read },
	{ "SIGKILL ends a waiting write, nothing is queued", killed_write },
	{ "SIGSTOP and SIGCONT: a read continues to wait", stopped_read },
	{ "SIGSTOP and SIGCONT: a write continues to wait", stopped_write },
	{ "a stopped waiting reader blocks no other",
	  stopped_blocks_nobody_read },
	{ "a stopped waiting writer blocks no other",
	  stopped_blocks_nobody_write },
	{ "a stopped reader finds the message that arrived meanwhile",
	  stopped_misses_nothing_read },
	{ "a stopped writer finds the space that was freed meanwhile",
	  stopped_misses_nothing_write },
	{ "a reader stopped in the middle of a message blocks no other",
	  stopped_in_message },
	{ "a reader stopped in epoll, exclusively, blocks no other",
	  stopped_in_epoll },
	{ "a waiting poll gets EINTR", interrupted_poll },
	{ "an alarm limits a wait", alarm_for_self },
	{ "calls that need not wait never get EINTR",
	  calls_that_need_not_wait },
};

TAP_MAIN(tests)
