// SPDX-License-Identifier: GPL-2.0-only
/* poll and select: what a call would not wait for. */
#include <sys/select.h>

#include "polls.h"

#define ALL	(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI)

/* What poll says now. */
static int events(int fd)
{
	return poll_now(fd, ALL);
}

#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)

static const int modes[] = { 0, O_NONBLOCK };

static void in_while_messages(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(O_RDONLY | modes[i]);

		EQ(events(fd), 0);
		send_numbered(1, 2);
		EQ(events(fd), IN);
		expect_next("message 1");
		EQ(events(fd), IN);
		expect_next("message 2");
		EQ(events(fd), 0);
	}
}

static void in_with_read_wait(void)
{
	param_set("read_wait", 1);
	in_while_messages();
}

static void plain_eof(void)
{
	int fd = q_open(O_RDONLY);

	/* A read would give the end of file: HUP comes once one did. */
	send_numbered(1, 2);
	get_str(fd, "message 1");
	EQ(events(fd), IN);
	expect_next("message 2");
	EQ(events(fd), IN);
	send_numbered(2, 2);
	get_eof(fd);
	EQ(events(fd), IN | POLLHUP);
	expect_next("message 2");
	EQ(events(fd), IN | POLLHUP);
	EQ(events(q_open(O_RDONLY)), 0);
}

static void plain_in_the_middle(void)
{
	int fd = q_open(O_RDONLY);
	char byte;

	send_str("ab");
	EQ(read(fd, &byte, 1), 1);
	EQ(events(fd), IN);
	EQ(events(q_open(O_RDONLY)), 0);
	get_str(fd, "b");
	EQ(events(fd), IN);
	get_eof(fd);
	EQ(events(fd), IN | POLLHUP);
}

static void nonblock_no_hup(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	send_numbered(1, 2);
	get_str(fd, "message 1");
	EQ(events(fd), IN);
	get_str(fd, "message 2");
	EQ(events(fd), 0);
	/* Nor after an end of file in its plain days. */
	EQ(fcntl(fd, F_SETFL, 0), 0);
	send_str("plain");
	get_str(fd, "plain");
	get_eof(fd);
	EQ(events(fd), IN | POLLHUP);
	EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	EQ(events(fd), 0);
}

static void out_while_room(void)
{
	size_t i;
	int fd;

	limit_queue(MAX_SIZE, 2);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = q_open(O_WRONLY | modes[i]);
		EQ(events(fd), OUT);
		send_str("1");
		EQ(events(fd), OUT);
		send_str("2");
		EQ(stat_of("queued"), 2);
		/* Room for small ones, but not for one of msg_max_size. */
		while (stat_of("queued_bytes") <= footprint(MAX_SIZE)) {
			EQ(events(fd), OUT);
			send_str("3");
		}
		EQ(events(fd), 0);
		FAILS(write(q_open(O_WRONLY | O_NONBLOCK), "x", 1), EAGAIN);
		expect_next("1");
		EQ(events(fd), OUT);
		expect_next("2");
		while (stat_of("queued"))
			expect_next("3");
	}
}

static void out_at_each_size(void)
{
	static const long sizes[] = { 1, 8, 9, 1000, 4072, 4073, 100000 };
	int fd = q_open(O_WRONLY);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		limit_queue(sizes[i], 1);
		EQ(events(fd), OUT);
		send_str("x");
		EQ(events(fd), 0);
		param_set("queue_max_bytes", footprint(1) +
					     footprint(sizes[i]) - 1);
		EQ(events(fd), 0);
		param_set("queue_max_bytes", footprint(1) +
					     footprint(sizes[i]));
		EQ(events(fd), OUT);
		expect_next("x");
	}
}

static void one_way(void)
{
	limit_queue(MAX_SIZE, 2);
	send_str("x");
	EQ(events(q_open(O_RDONLY)), IN);
	EQ(events(q_open(O_WRONLY)), OUT);
	EQ(events(q_open(O_RDWR)), IN | OUT);
	EQ(events(q_open(O_RDWR | O_NONBLOCK)), IN | OUT);
	fill_queue();
	EQ(events(q_open(O_RDWR)), IN);
	EQ(events(q_open(O_WRONLY)), 0);
}

static void both_at_once(void)
{
	int fd = q_open(O_RDWR);

	send_str("x");
	get_str(fd, "x");
	EQ(events(fd), IN | OUT);
	get_eof(fd);
	EQ(events(fd), IN | OUT | POLLHUP);
}

static void message_wakes(void)
{
	struct call *pollers[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		pollers[i] = start_poll(-1, O_RDONLY | modes[i % 2], IN);
	send_str("x");
	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		EQ(call_join(pollers[i]), IN);
}

static void room_wakes(void)
{
	struct call *pollers[4];
	size_t i;

	limit_queue(MAX_SIZE, 1);
	send_str("x");
	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		pollers[i] = start_poll(-1, O_WRONLY | modes[i % 2], OUT);
	expect_next("x");
	for (i = 0; i < ARRAY_SIZE(pollers); i++)
		EQ(call_join(pollers[i]), OUT);
}

static void limits_wake(void)
{
	struct call *poller;

	limit_queue(MAX_SIZE, 1);
	send_str("x");
	poller = start_poll(-1, O_WRONLY, OUT);
	param_set("queue_max_bytes", 2 * footprint(MAX_SIZE));
	EQ(call_join(poller), OUT);

	limit_queue(MAX_SIZE, 1);
	poller = start_poll(-1, O_WRONLY, OUT);
	param_set("msg_max_size", 8);
	EQ(call_join(poller), OUT);
}

static void eof_wakes(void)
{
	int fd = q_open(O_RDONLY);
	struct call *poller = start_poll(fd, 0, 0);

	send_str("x");
	get_str(fd, "x");
	call_asleep(poller);
	get_eof(fd);
	EQ(call_join(poller), POLLHUP);
}

static void last_byte_wakes(void)
{
	int fd = q_open(O_RDONLY);
	struct call *reader, *poller;

	/* The reader is first; then the next read need not wait. */
	param_set("read_wait", 1);
	reader = call_start(one_read, fd, 0, NULL, 64);
	call_asleep(reader);
	poller = start_poll(fd, 0, IN);
	send_str("x");
	call_join_str(reader, "x");
	EQ(call_join(poller), IN);
}

static void other_side_does_not_wake(void)
{
	struct call *reader, *writer;
	long reader_sleeps, writer_sleeps;

	limit_queue(MAX_SIZE, 2);
	reader = start_poll(-1, O_RDONLY, IN);
	reader_sleeps = call_sleeps(reader);
	param_set("msg_max_size", MAX_SIZE - 1);
	call_asleep(reader);
	EQ(call_sleeps(reader), reader_sleeps);

	send_str("x");
	EQ(call_join(reader), IN);
	fill_queue();
	writer = start_poll(-1, O_WRONLY, OUT);
	writer_sleeps = call_sleeps(writer);
	EQ(events(q_open(O_RDONLY)), IN);
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), "x", 1), EAGAIN);
	call_asleep(writer);
	EQ(call_sleeps(writer), writer_sleeps);
	expect_next("x");
	EQ(call_join(writer), OUT);
}

static void select_too(void)
{
	int in = q_open(O_RDONLY), out = q_open(O_WRONLY);
	struct timeval now = { 0 };
	fd_set reads, writes;

	limit_queue(MAX_SIZE, 1);
	FD_ZERO(&reads);
	FD_ZERO(&writes);
	FD_SET(in, &reads);
	FD_SET(out, &writes);
	EQ(select(out + 1, &reads, &writes, NULL, &now), 1);
	EQ(FD_ISSET(out, &writes) && !FD_ISSET(in, &reads), true);
	send_str("x");
	FD_SET(in, &reads);
	EQ(select(out + 1, &reads, &writes, NULL, &now), 1);
	EQ(!FD_ISSET(out, &writes) && FD_ISSET(in, &reads), true);
}

static const struct tap_test tests[] = {
	{ "IN while the queue has messages", in_while_messages },
	{ "IN while the queue has messages, with read_wait",
	  in_with_read_wait },
	{ "blocking: IN at this file's end of file, and HUP after it",
	  plain_eof },
	{ "blocking: IN in the middle of a message", plain_in_the_middle },
	{ "O_NONBLOCK: no HUP", nonblock_no_hup },
	{ "OUT while a write of msg_max_size would not wait",
	  out_while_room },
	{ "OUT to the byte, for each msg_max_size", out_at_each_size },
	{ "only the ways that a file is open", one_way },
	{ "OUT in addition to IN and HUP", both_at_once },
	{ "a message wakes all pollers", message_wakes },
	{ "space wakes all pollers", room_wakes },
	{ "new limits that make space wake a poller", limits_wake },
	{ "an end of file read by another task wakes a poller", eof_wakes },
	{ "a message's last byte read by another task wakes a poller",
	  last_byte_wakes },
	{ "pollers are not woken for nothing", other_side_does_not_wake },
	{ "select agrees with poll", select_too },
};

TAP_MAIN(tests)
