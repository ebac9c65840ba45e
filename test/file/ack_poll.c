// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_ack: a file that holds a message polls IN where its next read, the one
 * that confirms, does not wait. So the loops of programs work unchanged.
 */
#include "ack.h"

#define ALL	(POLLIN | POLLOUT | POLLPRI)

static char buf[64];

static void nonblock(void)
{
	int fd;

	acknowledge();
	send_numbered(1, 2);
	fd = hold(O_NONBLOCK, "message 1");
	EQ(poll_now(fd, ALL), POLLIN);
	get_str(fd, "message 2");
	/* The read that confirms gives EAGAIN. */
	EQ(poll_now(fd, ALL), POLLIN);
	FAILS(read(fd, buf, 1), EAGAIN);
	EQ(poll_now(fd, ALL), 0);
	EQ(poll_now(q_open(O_RDONLY), ALL), 0);
}

static void nonblock_fsync(void)
{
	int fd;

	acknowledge();
	send_numbered(1, 1);
	fd = hold(O_NONBLOCK, "message 1");
	EQ(fsync(fd), 0);
	EQ(poll_now(fd, ALL), 0);
}

static void with_eof(void)
{
	int fd, wait;

	acknowledge();
	for (wait = 0; wait < 2; wait++) {
		param_set("read_wait", wait);
		send_numbered(1, 1);
		fd = hold(0, "message 1");
		EQ(poll_now(fd, ALL), POLLIN);
		EQ(poll_now(q_open(O_RDONLY), ALL), 0);
		get_eof(fd);
		EQ(poll_now(fd, ALL), POLLIN | POLLHUP);
		close(fd);
	}
}

static void with_eof_fsync(void)
{
	int fd;

	/* The end of file is still to come. */
	acknowledge();
	send_numbered(1, 1);
	fd = hold(0, "message 1");
	EQ(fsync(fd), 0);
	EQ(poll_now(fd, ALL), POLLIN);
	get_eof(fd);
	EQ(poll_now(fd, ALL), POLLIN | POLLHUP);
}

static void stream(void)
{
	int fd, wait;

	/* The queue decides: with read_wait the next read might wait. */
	acknowledge();
	param_set("read_eof", 0);
	for (wait = 0; wait < 2; wait++) {
		param_set("read_wait", wait);
		send_numbered(1, 2);
		fd = hold(0, "message 1");
		EQ(poll_now(fd, ALL), POLLIN);
		get_str(fd, "message 2");
		EQ(poll_now(fd, ALL), 0);
		close(fd);
		expect_next("message 2");
	}
}

static void half(void)
{
	int fd, read_eof;

	acknowledge();
	for (read_eof = 0; read_eof < 2; read_eof++) {
		param_set("read_eof", read_eof);
		send_numbered(1, 1);
		fd = hold_half();
		EQ(poll_now(fd, ALL), POLLIN);
		close(fd);
		expect_next("message 1");
	}
}

static void one_read_an_event(void)
{
	int fd, ep, i;

	acknowledge();
	fd = q_open(O_RDONLY | O_NONBLOCK);
	ep = watch(fd, EPOLLIN);
	send_numbered(1, 20);
	for (i = 0; reported(ep); i++)
		if (read(fd, buf, sizeof(buf)) < 0)
			EQ(errno, EAGAIN);
	/* 20 messages, and what confirmed the last. */
	EQ(i, 21);
	in_hand(0, 9, 0);
}

static void until_eagain(void)
{
	int fd, ep, round;

	acknowledge();
	fd = q_open(O_RDONLY | O_NONBLOCK);
	ep = watch(fd, EPOLLIN | EPOLLET);
	for (round = 0; round < 3; round++) {
		send_numbered(1, 3);
		EQ(reported(ep), EPOLLIN);
		get_str(fd, "message 1");
		get_str(fd, "message 2");
		get_str(fd, "message 3");
		FAILS(read(fd, buf, sizeof(buf)), EAGAIN);
		EQ(reported(ep), 0);
		in_hand(0, 9, 0);
	}
}

static void read_by_another(void)
{
	struct call *poller;
	int fd;

	/* The poller's next read does not wait, though the queue is empty. */
	acknowledge();
	fd = q_open(O_RDONLY | O_NONBLOCK);
	poller = start_poll(fd, 0, POLLIN);
	send_numbered(1, 1);
	EQ(call_join(poller), POLLIN);
	get_str(fd, "message 1");
	poller = call_start(wait_in_poll, fd, 0, &(int){ POLLIN }, sizeof(int));
	EQ(call_join(poller), POLLIN);
}

static const struct tap_test tests[] = {
	{ "O_NONBLOCK: IN while it holds a message", nonblock },
	{ "O_NONBLOCK: no IN after fsync", nonblock_fsync },
	{ "blocking: IN before the end of file, HUP after it", with_eof },
	{ "blocking: IN before the end of file after fsync, too",
	  with_eof_fsync },
	{ "read_eof=N: polls as the queue does", stream },
	{ "IN in the middle of a message", half },
	{ "epoll, one read for each event, leaves none unconfirmed",
	  one_read_an_event },
	{ "epoll, edge-triggered, reading until EAGAIN", until_eagain },
	{ "tasks that share the file poll what it holds", read_by_another },
};

TAP_MAIN(tests)
