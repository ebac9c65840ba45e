// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_ack: a message that was read is held by its open file, and counts in
 * queue_max_bytes, until that file reads again. That read confirms it, and so
 * does fsync; nothing else.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/uio.h>

#include "ack.h"

static char buf[64];

/* In files without O_NONBLOCK: which of the four. */
static void set(int read_eof, int read_wait)
{
	param_set("read_eof", read_eof);
	param_set("read_wait", read_wait);
	acknowledge();
}

static void held_until_eof(void)
{
	int fd;

	set(1, 0);
	send_numbered(1, 2);
	fd = hold(0, "message 1");
	in_hand(1, 9, 1);
	EQ(stat_of("dequeued") - stat_of("returned"),
	   stat_of("enqueued") - 1);
	get_eof(fd);
	in_hand(0, 9, 1);
	close(fd);
	expect_next("message 2");
}

static void next_confirms_nonblock(void)
{
	int fd;

	set(1, 0);
	send_numbered(1, 3);
	fd = hold(O_NONBLOCK, "message 1");
	in_hand(1, 9, 2);
	get_str(fd, "message 2");
	in_hand(1, 9, 1);
	get_str(fd, "message 3");
	in_hand(1, 9, 0);
	FAILS(read(fd, buf, 1), EAGAIN);
	in_hand(0, 9, 0);
}

static void next_confirms_stream(void)
{
	int fd;

	set(0, 0);
	send_numbered(1, 2);
	fd = hold(0, "message 1");
	get_str(fd, "message 2");
	in_hand(1, 9, 0);
	get_eof(fd);
	in_hand(0, 9, 0);
}

static ssize_t read_two(struct call *c, int fd)
{
	EQ(read(fd, c->buf, c->len) > 0, true);
	return read(fd, c->buf, c->len);
}

static void confirmed_before_waiting(void)
{
	struct call *reader;

	set(0, 1);
	send_numbered(1, 1);
	reader = call_start(read_two, -1, O_RDONLY, NULL, 64);
	call_asleep(reader);
	in_hand(0, 9, 0);
	send_numbered(2, 2);
	call_join_str(reader, "message 2");
	/* It has held that one, and returned it at its end. */
	expect_numbered(2, 2);
}

static void no_bytes(void)
{
	const struct iovec iov[] = { { buf, 0 }, { NULL, 0 } };
	static const int modes[] = { 0, O_NONBLOCK };
	size_t i;

	set(1, 0);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd;

		send_numbered(1, 1);
		fd = hold(modes[i], "message 1");
		EQ(read(fd, buf, 0), 0);
		EQ(readv(fd, iov, 2), 0);
		EQ(readv(fd, iov, 0), 0);
		in_hand(1, 9, 0);
		close(fd);
		expect_numbered(1, 1);
	}
}

static void fsync_confirms(void)
{
	static const int modes[] = { 0, O_NONBLOCK };
	size_t i;

	set(1, 0);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd;

		send_numbered(1, 2);
		fd = hold(modes[i], "message 1");
		EQ(i ? fdatasync(fd) : fsync(fd), 0);
		in_hand(0, 9, 1);
		EQ(fsync(fd), 0);
		in_hand(0, 9, 1);
		close(fd);
		in_hand(0, 9, 1);
		expect_numbered(2, 2);
	}
}

static void fsync_of_half(void)
{
	int fd;

	set(1, 0);
	send_numbered(1, 1);
	fd = hold_half();
	EQ(fsync(fd), 0);
	/* There was no message whose last byte it had. */
	in_hand(1, 9, 0);
	get_str(fd, "essage 1");
	in_hand(1, 9, 0);
	EQ(fsync(fd), 0);
	in_hand(0, 9, 0);
	get_eof(fd);
}

static void fsync_of_nothing(void)
{
	int ack;

	for (ack = 0; ack < 2; ack++) {
		param_set("read_ack", ack);
		EQ(fsync(q_open(O_RDONLY)), 0);
		EQ(fsync(q_open(O_WRONLY)), 0);
		EQ(fsync(q_open(O_RDWR | O_NONBLOCK)), 0);
	}
}

static void nothing_else(void)
{
	struct stat st;
	int fd, copy;

	set(1, 0);
	send_numbered(1, 1);
	fd = q_open(O_RDWR);
	get_str(fd, "message 1");
	EQ(poll_now(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	EQ(write(fd, "message 2", 9), 9);
	EQ(fstat(fd, &st), 0);
	FAILS(lseek(fd, 0, SEEK_CUR), ESPIPE);
	FAILS(pread(fd, buf, 9, 0), ESPIPE);
	copy = dup(fd);
	close(copy);
	EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	EQ(fcntl(fd, F_SETFL, 0), 0);
	expect_next("message 2");
	in_hand(1, 9, 0);
	close(fd);
	expect_numbered(1, 1);
}

static void confirmed_before_all_else(void)
{
	int fd;

	set(0, 0);
	send_numbered(1, 4);
	fd = hold(0, "message 1");
	FAILS(read(fd, bad_address(), 9), EFAULT);
	in_hand(0, 9, 3);
	get_str(fd, "message 2");
	close(fd);

	fd = hold(O_NONBLOCK, "message 2");
	FAILS(read(fd, buf, 8), EMSGSIZE);
	in_hand(0, 9, 2);
	expect_numbered(3, 4);
}

static void pieces_confirm_nothing(void)
{
	int fd, i;

	set(1, 0);
	send_numbered(1, 1);
	fd = q_open(O_RDONLY);
	for (i = 0; i < 9; i++) {
		EQ(read(fd, buf, 1), 1);
		in_hand(1, 9, 0);
	}
	get_eof(fd);
	in_hand(0, 9, 0);
}

static void fault_in_a_piece(void)
{
	int fd;

	set(1, 0);
	send_numbered(1, 1);
	fd = hold_half();
	FAILS(read(fd, bad_address(), 9), EFAULT);
	in_hand(1, 9, 0);
	get_str(fd, "essage 1");
	in_hand(1, 9, 0);
	close(fd);
	expect_numbered(1, 1);
}

static void takes_room(void)
{
	struct call *writer;
	int fd;

	set(1, 0);
	limit_queue(MAX_SIZE, 1);
	send_str("x");
	fd = hold(0, "x");
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), "y", 1), EAGAIN);
	EQ(poll_now(q_open(O_WRONLY), POLLOUT), 0);
	writer = call_write("y", 1);
	call_asleep(writer);
	get_eof(fd);
	EQ(call_join(writer), 1);
	expect_next("y");

	send_str("x");
	fd = hold(0, "x");
	writer = call_write("y", 1);
	call_asleep(writer);
	EQ(fsync(fd), 0);
	EQ(call_join(writer), 1);
	expect_next("y");
}

static void setting_when_opened(void)
{
	int without, with;

	param_set("read_ack", 0);
	without = q_open(O_RDONLY);
	acknowledge();
	with = q_open(O_RDONLY);
	param_set("read_ack", 0);
	send_numbered(1, 2);
	get_str(with, "message 1");
	in_hand(1, 9, 1);
	acknowledge();
	get_str(without, "message 2");
	in_hand(1, 9, 0);
	close(without);
	in_hand(1, 9, 0);
	close(with);
	expect_numbered(1, 1);
}

static void many_files(void)
{
	char text[16];
	int fds[50], i;

	set(1, 0);
	send_numbered(0, 49);
	for (i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		fds[i] = hold(i % 2 ? O_NONBLOCK : 0, text);
	}
	EQ(stat_of("held"), 50);
	for (i = 0; i < 50; i += 2)
		get_eof(fds[i]);
	for (i = 1; i < 50; i += 2)
		FAILS(read(fds[i], buf, 1), EAGAIN);
	in_hand(0, 9, 0);
}

static const struct tap_test tests[] = {
	{ "held until the read of the end of file", held_until_eof },
	{ "O_NONBLOCK: the next read confirms, EAGAIN too",
	  next_confirms_nonblock },
	{ "read_eof=N: the next read confirms, of an empty queue too",
	  next_confirms_stream },
	{ "a read that waits has confirmed before", confirmed_before_waiting },
	{ "a read of 0 bytes confirms nothing", no_bytes },
	{ "fsync confirms, and takes nothing", fsync_confirms },
	{ "fsync of a file in the middle of a message", fsync_of_half },
	{ "fsync of a file that holds nothing", fsync_of_nothing },
	{ "nothing else confirms", nothing_else },
	{ "a read that fails has confirmed before", confirmed_before_all_else },
	{ "a message in pieces is held from the first to the last",
	  pieces_confirm_nothing },
	{ "a bad address in a piece loses nothing", fault_in_a_piece },
	{ "a held message takes space; confirming wakes a writer", takes_room },
	{ "read_ack is that of the moment of the open", setting_when_opened },
	{ "50 files hold a message each", many_files },
};

TAP_MAIN(tests)
