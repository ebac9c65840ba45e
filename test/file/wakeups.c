// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is woken: one for one, never a herd, and never nobody. A task that was
 * woken in vain has gone to sleep once more, and the kernel counts that.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "tap.h"

#define WAITERS	8

/* After this time, the backstop may wake tasks that cannot continue. */
#define BACKSTOP	0.015

static char msg[MAX_SIZE + 1];

static struct call *waiters[WAITERS];
static long sleeps[WAITERS];
static double since;		/* only() or start_*() returned then */

static void start_readers(void)
{
	size_t i;

	param_set("read_wait", 1);
	for (i = 0; i < WAITERS; i++) {
		waiters[i] = call_read(0);
		call_asleep(waiters[i]);
		sleeps[i] = call_sleeps(waiters[i]);
	}
	since = seconds();
}

static void start_writers(size_t len)
{
	size_t i;

	for (i = 0; i < WAITERS; i++) {
		waiters[i] = call_write(msg, len);
		call_asleep(waiters[i]);
		sleeps[i] = call_sleeps(waiters[i]);
	}
	since = seconds();
}

static size_t returned(void)
{
	size_t i, count = 0;

	for (i = 0; i < WAITERS; i++)
		count += call_returned(waiters[i]);
	return count;
}

/*
 * Exactly @count have continued; the others were not woken all at once. The
 * backstop may wake some: one or two if it was pending, more if there was time.
 */
static void only(size_t count)
{
	size_t i, woken = 0;

	UNTIL(returned() >= count);
	for (i = 0; i < WAITERS; i++) {
		if (call_returned(waiters[i]))
			continue;
		call_asleep(waiters[i]);
		woken += call_sleeps(waiters[i]) != sleeps[i];
		sleeps[i] = call_sleeps(waiters[i]);
	}
	CHECK(woken <= 3 || seconds() - since >= BACKSTOP,
	      "%zu that cannot continue were woken, too", woken);
	EQ(returned(), count);
	since = seconds();
}

static void one_reader(void)
{
	size_t i;

	start_readers();
	for (i = 1; i <= WAITERS; i++) {
		send_str("x");
		only(i);
	}
	expect_empty();
}

static void two_readers(void)
{
	int fd = q_open(O_WRONLY);
	size_t i;

	start_readers();
	for (i = 2; i <= WAITERS; i += 2) {
		EQ(write(fd, msg, 1), 1);
		EQ(write(fd, msg, 1), 1);
		/* One that finds nothing left may be woken, and sleeps on. */
		UNTIL(returned() >= i);
		EQ(returned(), i);
	}
	expect_empty();
}

static void one_writer(void)
{
	size_t i;

	limit_queue(MAX_SIZE, 1);
	fill_queue();
	start_writers(MAX_SIZE);
	for (i = 1; i <= WAITERS; i++) {
		EQ(read(q_open(O_RDONLY), msg, MAX_SIZE), MAX_SIZE);
		only(i);
		EQ(stat_of("queued"), 1);
	}
}

static void larger_limit(void)
{
	limit_queue(MAX_SIZE, 2);
	fill_queue();
	start_writers(1);
	/* Room for the last one, and not a byte more. */
	param_set("queue_max_bytes", 3 * footprint(MAX_SIZE) +
				     (WAITERS - 1) * footprint(1));
	UNTIL(returned() == WAITERS);
	EQ(stat_of("queued"), 2 + WAITERS);
}

static void room_for_many(void)
{
	size_t i;

	limit_queue(MAX_SIZE, 4);
	fill_queue();
	start_writers(1);
	/* Room for one of msg_max_size: the first small one makes it full. */
	EQ(read(q_open(O_RDONLY), msg, MAX_SIZE), MAX_SIZE);
	only(1);
	EQ(read(q_open(O_RDONLY), msg, MAX_SIZE), MAX_SIZE);
	only(WAITERS);
	for (i = 0; i < WAITERS; i++)
		EQ(call_join(waiters[i]), 1);
}

static void room_too_small(void)
{
	/* Two small ones and a large one: full until both small ones are out. */
	limit_queue(MAX_SIZE, 2);
	send_numbered(1, 2);
	fill_queue();
	EQ(stat_of("queued"), 3);
	start_writers(1);
	expect_next("message 1");
	only(0);
	expect_next("message 2");
	only(1);
}

static void nothing_new(void)
{
	char byte;

	start_readers();
	FAILS(write(q_open(O_WRONLY), msg, MAX_SIZE + 1), EMSGSIZE);
	FAILS(write(q_open(O_WRONLY), bad_address(), 1), EFAULT);
	EQ(write(q_open(O_WRONLY), msg, 0), 0);
	FAILS(read(q_open(O_RDONLY | O_NONBLOCK), &byte, 1), EAGAIN);
	only(0);
}

static ssize_t read_badly(struct call *c, int fd)
{
	(void)c;
	return read(fd, bad_address(), 8);
}

static void fault_passes_on(void)
{
	struct call *bad[3], *good;
	size_t i;

	/* Those who are first in line can't take it: it is the next one's. */
	param_set("read_wait", 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bad[i] = call_start(read_badly, -1, O_RDONLY, NULL, 0);
		call_asleep(bad[i]);
	}
	good = call_read(0);
	call_asleep(good);
	send_str("for the good one");
	call_join_str(good, "for the good one");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		/* One that closed its file may have woken the good one, too. */
		if (i && call_settled(bad[i])) {
			call_kill(bad[i], SIGKILL);
			continue;
		}
		EQ(call_join(bad[i]), -1);
		EQ(errno, EFAULT);
	}
}

static ssize_t write_badly(struct call *c, int fd)
{
	(void)c;
	return write(fd, bad_address(), 8);
}

static void bad_writers_pass_on(void)
{
	struct call *bad[3], *good;
	size_t i;

	limit_queue(MAX_SIZE, 1);
	send_str("x");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bad[i] = call_start(write_badly, -1, O_WRONLY, NULL, 0);
		call_settled(bad[i]);	/* may fail at once, too */
	}
	good = call_write("good", 4);
	call_asleep(good);
	expect_next("x");
	EQ(call_join(good), 4);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EQ(call_join(bad[i]), -1);
		EQ(errno, EFAULT);
	}
	expect_next("good");
}

/*
 * The parent and the victim on one processor, the parent before all others:
 * so the victim is woken, but has not run when the signal comes.
 */
static void above_others(void)
{
	struct sched_param first = { .sched_priority = 1 };

	on_processor(0, sched_getcpu());
	EQ(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first), 0);
}

/* Who lives on has its file open: no close passes a wake-up on in its place. */
static ssize_t live_on(struct call *c, ssize_t ret)
{
	c->ret = ret;
	pause();
	return ret;
}

static ssize_t read_and_live_on(struct call *c, int fd)
{
	return live_on(c, read(fd, c->buf, c->len));
}

static ssize_t write_and_live_on(struct call *c, int fd)
{
	return live_on(c, write(fd, c->buf, c->len));
}

/* Ends a call by a signal; whether it has gone through first does not matter. */
static void end(struct call *c, int sig)
{
	EQ(kill(c->pid, sig), 0);
	UNTIL(sig == SIGKILL ? call_returned(c) : c->ret);
}

static void bury(struct call *c)
{
	EQ(kill(c->pid, SIGKILL), 0);
	EQ(waitpid(c->pid, NULL, 0), c->pid);
}

static void message_for_the_killed(int sig)
{
	int round;

	param_set("read_wait", 1);
	above_others();
	for (round = 0; round < 50; round++) {
		struct call *victim, *other;
		long dequeued = stat_of("dequeued");

		victim = call_start(read_and_live_on, -1, O_RDONLY, NULL,
				    MAX_SIZE);
		call_asleep(victim);
		other = call_read(0);
		call_asleep(other);
		send_str("x");
		end(victim, sig);
		/* It took the message, or else the other has to have it. */
		UNTIL(stat_of("dequeued") > dequeued);
		if (call_settled(other))
			send_str("x");
		call_join_str(other, "x");
		expect_empty();
		bury(victim);
	}
}

static void message_after_the_kill(void)
{
	int round;

	/* Killed, but it has not run yet: what comes now is for the living. */
	param_set("read_wait", 1);
	above_others();
	for (round = 0; round < 50; round++) {
		struct call *victim = call_read(0), *other;

		call_asleep(victim);
		other = call_read(0);
		call_asleep(other);
		EQ(kill(victim->pid, SIGKILL), 0);
		send_str("for the living");
		bury(victim);
		call_join_str(other, "for the living");
	}
}

static void room_for_the_killed(int sig)
{
	int round;

	limit_queue(MAX_SIZE, 1);
	above_others();
	for (round = 0; round < 50; round++) {
		struct call *victim, *other;
		long enqueued;

		send_str("x");
		enqueued = stat_of("enqueued");
		victim = call_start(write_and_live_on, -1, O_WRONLY, "v", 1);
		call_asleep(victim);
		other = call_write("o", 1);
		call_asleep(other);
		expect_next("x");
		end(victim, sig);
		UNTIL(stat_of("enqueued") > enqueued);
		if (call_settled(other))
			expect_next("v");
		EQ(call_join(other), 1);
		expect_next("o");
		expect_empty();
		bury(victim);
	}
}

static void message_for_the_killed_kill(void)
{
	message_for_the_killed(SIGKILL);
}

static void message_for_the_killed_eintr(void)
{
	message_for_the_killed(SIGUSR1);
}

static void room_for_the_killed_kill(void)
{
	room_for_the_killed(SIGKILL);
}

static void room_for_the_killed_eintr(void)
{
	room_for_the_killed(SIGUSR1);
}

static const struct tap_test tests[] = {
	{ "a message wakes one of 8 readers", one_reader },
	{ "two messages at once wake two of 8 readers", two_readers },
	{ "a message taken wakes one of 8 writers", one_writer },
	{ "a larger limit lets all writers continue", larger_limit },
	{ "space for many messages wakes many writers", room_for_many },
	{ "space that is too small wakes no writer", room_too_small },
	{ "calls that change nothing wake no reader", nothing_new },
	{ "a message that faulting readers put back wakes the next",
	  fault_passes_on },
	{ "the space that faulting writers leave wakes the next",
	  bad_writers_pass_on },
	{ "a reader killed when woken passes the message on",
	  message_for_the_killed_kill },
	{ "a reader interrupted when woken passes the message on",
	  message_for_the_killed_eintr },
	{ "a message that comes after the kill is for the next reader",
	  message_after_the_kill },
	{ "a writer killed when woken passes the space on",
	  room_for_the_killed_kill },
	{ "a writer interrupted when woken passes the space on",
	  room_for_the_killed_eintr },
};

TAP_MAIN(tests)
