// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_ack: the last close of a file that holds a message, or has read one in
 * part, returns it, whole, to its place in the order; however it comes about.
 */
#include "ack.h"

static char buf[64];

static void by_close(void)
{
	static const int modes[] = { 0, O_NONBLOCK };
	long dropped = stat_of("dropped"), returned = stat_of("returned");
	long dequeued = stat_of("dequeued");
	size_t i;

	acknowledge();
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		send_numbered(1, 3);
		close(hold(modes[i], "message 1"));
		in_hand(0, 9, 3);
		EQ(stat_of("returned"), ++returned);
		EQ(stat_of("dequeued"), ++dequeued);
		expect_numbered(1, 3);
		EQ(stat_of("returned"), returned);
		EQ(stat_of("dequeued"), dequeued += 3);
	}
	EQ(stat_of("dropped"), dropped);
}

static void half_read(void)
{
	long dropped = stat_of("dropped");
	int fd;

	acknowledge();
	send_numbered(1, 2);
	fd = hold_half();
	in_hand(1, 9, 1);
	EQ(read(fd, buf, 5), 5);
	close(fd);
	in_hand(0, 9, 2);
	EQ(stat_of("dropped"), dropped);
	fd = hold(0, "message 1");
	get_eof(fd);
	expect_next("message 2");
}

static void last_byte_in_pieces(void)
{
	int fd;

	acknowledge();
	send_numbered(1, 1);
	fd = hold_half();
	get_str(fd, "essage 1");
	close(fd);
	in_hand(0, 9, 1);
	expect_next("message 1");
}

static void confirmed_stays_away(void)
{
	int fd;

	acknowledge();
	send_numbered(1, 2);
	fd = hold(0, "message 1");
	get_eof(fd);
	close(fd);
	in_hand(0, 9, 1);
	fd = hold(O_NONBLOCK, "message 2");
	FAILS(read(fd, buf, 1), EAGAIN);
	close(fd);
	expect_empty();
}

static void by_exit(void)
{
	acknowledge();
	send_numbered(1, 2);
	call_join_str(call_start(one_read, -1, O_RDONLY, NULL, 64),
		      "message 1");
	in_hand(0, 9, 2);
	EQ(call_join(call_start(one_read, -1, O_RDONLY, NULL, 4)), 4);
	in_hand(0, 9, 2);
	expect_next("message 1");
}

static void by_kill(void)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGSEGV };
	size_t i;

	acknowledge();
	send_numbered(1, 2);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		/* The whole message, and a part. */
		struct call *holder = start_holder(-1, 0, i % 2 ? 64 : 4);

		in_hand(1, 9, 1);
		call_kill(holder, signals[i]);
		UNTIL(!stat_of("held"));
		in_hand(0, 9, 2);
	}
	expect_next("message 1");
}

static ssize_t read_and_exec(struct call *c, int fd)
{
	EQ(read(fd, c->buf, c->len), 9);
	execlp("true", "true", NULL);
	return -1;
}

static void by_exec(void)
{
	/* The descriptor has O_CLOEXEC. */
	acknowledge();
	send_numbered(1, 1);
	call_join(call_start(read_and_exec, -1, O_RDONLY, NULL, 64));
	in_hand(0, 9, 1);
	expect_next("message 1");
}

#define FILES	100

/* Files that hold a message each close in this order: all is as it was. */
static void close_in_order(int (*nth)(int))
{
	int fds[FILES], i;
	char text[16];

	acknowledge();
	send_numbered(0, FILES + 9);
	for (i = 0; i < FILES; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		fds[i] = hold(0, text);
	}
	send_numbered(FILES + 10, FILES + 19);
	for (i = 0; i < FILES; i++) {
		close(fds[nth(i)]);
		EQ(stat_of("held"), FILES - 1 - i);
		EQ(stat_of("queued"), i + 21);
	}
	expect_numbered(0, FILES + 19);
	expect_empty();
}

static int forwards(int i)
{
	return i;
}

static int backwards(int i)
{
	return FILES - 1 - i;
}

/* 37 and 100 have no divisor in common: each comes once. */
static int scattered(int i)
{
	return i * 37 % FILES;
}

static void closed_forwards(void)
{
	close_in_order(forwards);
}

static void closed_backwards(void)
{
	close_in_order(backwards);
}

static void closed_scattered(void)
{
	close_in_order(scattered);
}

static void between_others(void)
{
	int first, second, third;

	/* Taken and returned again and again, among older and younger ones. */
	acknowledge();
	send_numbered(1, 5);
	first = hold(0, "message 1");
	second = hold(0, "message 2");
	third = hold(0, "message 3");
	close(second);
	second = hold(0, "message 2");
	close(third);
	close(first);
	first = hold(0, "message 1");
	third = hold(0, "message 3");
	close(first);
	close(second);
	get_eof(third);
	close(third);
	send_numbered(6, 6);
	expect_numbered(1, 2);
	expect_numbered(4, 6);
	expect_empty();
}

static void to_an_empty_queue(void)
{
	int first, second;

	acknowledge();
	send_numbered(1, 2);
	first = hold(0, "message 1");
	second = hold(0, "message 2");
	in_hand(2, 9, 0);
	close(second);
	send_numbered(3, 3);
	close(first);
	send_numbered(4, 4);
	expect_numbered(1, 4);
	expect_empty();
}

static void to_a_full_queue(void)
{
	int fd;

	/* It counts all the time, so there is room for it. */
	acknowledge();
	limit_queue(MAX_SIZE, 3);
	send_numbered(1, 1);
	fd = hold(0, "message 1");
	fill_queue();
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), "x", 1), EAGAIN);
	close(fd);
	EQ(stat_of("held"), 0);
	EQ(stat_of("queued"), 3);
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), "x", 1), EAGAIN);
	expect_next("message 1");
}

static void to_smaller_limits(void)
{
	int fd;

	acknowledge();
	send_numbered(1, 2);
	fd = hold(0, "message 1");
	param_set("msg_max_size", 1);
	param_set("queue_max_bytes", footprint(1));
	close(fd);
	in_hand(0, 9, 2);
	expect_numbered(1, 2);
}

static void wakes_a_reader(void)
{
	struct call *reader;
	int fd, half;

	acknowledge();
	param_set("read_wait", 1);
	for (half = 0; half < 2; half++) {
		send_numbered(1, 1);
		fd = half ? hold_half() : hold(0, "message 1");
		reader = call_read(0);
		call_asleep(reader);
		close(fd);
		call_join_str(reader, "message 1");
		UNTIL(!stat_of("held"));
		drain_queue();
	}
}

static void death_wakes_a_reader(void)
{
	struct call *holder, *reader;

	acknowledge();
	param_set("read_wait", 1);
	send_numbered(1, 1);
	holder = start_holder(-1, 0, 64);
	reader = call_read(0);
	call_asleep(reader);
	call_kill(holder, SIGKILL);
	call_join_str(reader, "message 1");
}

static ssize_t epoll_in(struct call *c, int fd)
{
	(void)c;
	return wait_in_epoll(watch(fd, EPOLLIN | EPOLLEXCLUSIVE));
}

static void wakes_pollers(void)
{
	struct call *poller;
	int fd, in_epoll;

	acknowledge();
	for (in_epoll = 0; in_epoll < 2; in_epoll++) {
		send_numbered(1, 1);
		fd = hold(0, "message 1");
		if (in_epoll) {
			poller = call_start(epoll_in, -1, O_RDONLY | O_NONBLOCK,
					    NULL, 0);
			call_asleep(poller);
		} else {
			poller = start_poll(-1, O_RDONLY | O_NONBLOCK, POLLIN);
		}
		close(fd);
		EQ(call_join(poller), POLLIN);
		drain_queue();
	}
}

static void last_close_only(void)
{
	struct call *sharer;
	int fd, copy;

	acknowledge();
	send_numbered(1, 1);
	fd = hold(0, "message 1");
	copy = dup(fd);
	sharer = call_start(wait_in_poll, fd, 0, &(int){ POLLIN }, sizeof(int));
	EQ(call_join(sharer), POLLIN);
	in_hand(1, 9, 0);
	close(fd);
	in_hand(1, 9, 0);
	close(copy);
	in_hand(0, 9, 1);
	expect_next("message 1");
}

static void fault_returns_at_once(void)
{
	long returned = stat_of("returned");
	int fd;

	acknowledge();
	send_numbered(1, 2);
	fd = q_open(O_RDONLY);
	FAILS(read(fd, bad_address(), 9), EFAULT);
	in_hand(0, 9, 2);
	EQ(stat_of("returned"), returned + 1);
	get_str(fd, "message 1");
}

static const struct tap_test tests[] = {
	{ "closed: the message is at the head again", by_close },
	{ "closed in the middle of a message: it returns complete", half_read },
	{ "closed after the last piece: the message returns complete",
	  last_byte_in_pieces },
	{ "a confirmed message does not return", confirmed_stays_away },
	{ "a process exits", by_exit },
	{ "a process is killed", by_kill },
	{ "a process executes another program", by_exec },
	{ "100 files are closed as they were opened", closed_forwards },
	{ "100 files are closed in reverse", closed_backwards },
	{ "100 files are closed in any order", closed_scattered },
	{ "taken and returned between older and younger ones",
	  between_others },
	{ "returned to an empty queue", to_an_empty_queue },
	{ "returned to a full queue", to_a_full_queue },
	{ "returned where the limits are lower now", to_smaller_limits },
	{ "a message returned wakes a reader", wakes_a_reader },
	{ "the death of its holder wakes a reader", death_wakes_a_reader },
	{ "a message returned wakes pollers", wakes_pollers },
	{ "only the last close returns the message", last_close_only },
	{ "a bad address returns a message at once", fault_returns_at_once },
};

TAP_MAIN(tests)
