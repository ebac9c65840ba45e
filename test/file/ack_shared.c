// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_ack: those who share an open file, by dup, fork or threads, share what
 * it holds. One read of it at a time; who looks, or closes, waits for nobody.
 */
#define _GNU_SOURCE
#include "stall.h"
#include "ack.h"

static char buf[64];

static void any_confirms(void)
{
	int fd, copy;

	acknowledge();
	send_numbered(1, 2);
	fd = hold(0, "message 1");
	copy = dup(fd);
	get_eof(copy);
	in_hand(0, 9, 1);
	close(fd);
	close(copy);
	expect_numbered(2, 2);
}

static ssize_t close_and_sleep(struct call *c, int fd)
{
	(void)c;
	close(fd);
	return poll(NULL, 0, -1);
}

static void child_confirms(void)
{
	int fd;

	acknowledge();
	send_numbered(1, 2);
	fd = hold(O_NONBLOCK, "message 1");
	call_join_str(call_start(one_read, fd, 0, NULL, 64), "message 2");
	in_hand(1, 9, 0);
	/* The child's exit has returned nothing: this is the last one. */
	close(fd);
	expect_numbered(2, 2);
}

static void child_keeps_it(void)
{
	struct call *child;
	int fd;

	acknowledge();
	send_numbered(1, 1);
	fd = q_open(O_RDONLY);
	child = start_holder(fd, 0, 64);
	close(fd);
	in_hand(1, 9, 0);
	call_kill(child, SIGKILL);
	UNTIL(!stat_of("held"));
	in_hand(0, 9, 1);
}

static void child_that_closed(void)
{
	struct call *child;
	int fd;

	/* As a shell's command with 3<&-. */
	acknowledge();
	send_numbered(1, 1);
	fd = hold(0, "message 1");
	child = call_start(close_and_sleep, fd, 0, NULL, 0);
	call_asleep(child);
	in_hand(1, 9, 0);
	close(fd);
	in_hand(0, 9, 1);
	call_kill(child, SIGKILL);
}

/* A child whose read of the shared file stands still, in the first message. */
static struct stall stall_in(int fd)
{
	struct stall stall;

	send_numbered(1, 2);
	stall = start(lazy_read, fd, 0);
	UNTIL(stall.gate->stalled);
	return stall;
}

static void one_read_at_a_time_nonblock(void)
{
	struct stall stall;
	int fd;

	acknowledge();
	fd = q_open(O_RDONLY | O_NONBLOCK);
	stall = stall_in(fd);
	FAILS(read(fd, buf, sizeof(buf)), EAGAIN);
	FAILS(fsync(fd), EAGAIN);
	EQ(stat_of("queued"), 1);
	give(&stall, 9);
	in_hand(1, 9, 1);
	get_str(fd, "message 2");
	in_hand(1, 9, 0);
}

static void one_read_at_a_time_plain(void)
{
	struct call *second;
	struct stall stall;
	int fd;

	acknowledge();
	fd = q_open(O_RDONLY);
	stall = stall_in(fd);
	second = call_start(one_read, fd, 0, NULL, 64);
	call_asleep(second);
	give(&stall, 9);
	/* Its own read confirms, and is at the end of file. */
	EQ(call_join(second), 0);
	in_hand(0, 9, 1);
}

static void fault_while_shared(void)
{
	int way;

	acknowledge();
	for (way = 0; way < 2; way++) {
		int fd = q_open(O_RDONLY);
		struct stall stall = stall_in(fd);

		if (way)
			call_kill(stall.call, SIGKILL);
		else
			fail_it(&stall);
		in_hand(0, 9, 2);
		get_str(fd, "message 1");
		close(fd);
		expect_numbered(1, 2);
	}
}

/* What must not wait for a copy that stands still. */
static ssize_t look_at(struct call *c, int fd)
{
	char path[64];
	int info, copy;

	EQ(poll_now(fd, POLLIN | POLLOUT) & POLLOUT, 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	EQ(read(info, c->buf, c->len) > 0, true);
	close(info);
	copy = dup(fd);
	close(copy);
	close(fd);
	return 0;
}

static void looking_waits_for_nobody(void)
{
	static const int modes[] = { 0, O_NONBLOCK };
	size_t i;

	acknowledge();
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(O_RDONLY | modes[i]);
		struct stall stall = stall_in(fd);
		struct call *child = call_start(look_at, fd, 0, NULL, 4000);

		CHECK(!call_settled(child), "it waits for a stalled copy");
		EQ(call_join(child), 0);
		give(&stall, 9);
		close(fd);
		expect_numbered(1, 2);
	}
}

#define THREADS	4
#define EACH	500

static int shared_fd;
static volatile int got;

static void *read_many(void *unused)
{
	char text[64];
	ssize_t len;

	for (;;) {
		len = read(shared_fd, text, sizeof(text));
		if (len > 0)
			__atomic_fetch_add(&got, 1, __ATOMIC_RELAXED);
		else if (!len || errno != EAGAIN || !stat_of("queued"))
			return unused;
	}
}

static void threads(void)
{
	static const int modes[] = { 0, O_NONBLOCK };
	pthread_t thread[THREADS];
	size_t i, j;

	acknowledge();
	param_set("read_eof", 0);
	for (j = 0; j < ARRAY_SIZE(modes); j++) {
		long returned = stat_of("returned");

		send_numbered(1, THREADS * EACH);
		shared_fd = q_open(O_RDONLY | modes[j]);
		got = 0;
		for (i = 0; i < THREADS; i++)
			EQ(pthread_create(&thread[i], NULL, read_many, NULL),
			   0);
		for (i = 0; i < THREADS; i++)
			EQ(pthread_join(thread[i], NULL), 0);
		EQ(got, THREADS * EACH);
		CHECK(stat_of("held") <= 1, "one file holds %ld messages",
		      stat_of("held"));
		EQ(fsync(shared_fd), 0);
		close(shared_fd);
		EQ(stat_of("returned"), returned);
		expect_empty();
	}
}

static const struct tap_test tests[] = {
	{ "dup: a read of either descriptor confirms", any_confirms },
	{ "fork: a read of the child confirms", child_confirms },
	{ "fork: the child keeps it when the parent has closed",
	  child_keeps_it },
	{ "fork: a child that has closed keeps nothing", child_that_closed },
	{ "O_NONBLOCK: one read at a time, EAGAIN for others",
	  one_read_at_a_time_nonblock },
	{ "blocking: one read at a time, others wait",
	  one_read_at_a_time_plain },
	{ "a stalled read that fails or is killed returns the message",
	  fault_while_shared },
	{ "poll, fdinfo and close do not wait for a stalled read",
	  looking_waits_for_nobody },
	{ "threads take messages, each once", threads },
};

TAP_MAIN(tests)
