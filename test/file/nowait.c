// SPDX-License-Identifier: GPL-2.0-only
/* RWF_NOWAIT: a call that never waits, whatever O_NONBLOCK says. */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "tap.h"

static char buf[64];

static ssize_t read_now(int fd, size_t len)
{
	struct iovec iov = { buf, len };

	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
}

static ssize_t write_now(int fd, const char *text)
{
	struct iovec iov = { (void *)text, strlen(text) };

	return pwritev2(fd, &iov, 1, -1, RWF_NOWAIT);
}

static const int modes[] = { 0, O_NONBLOCK };

static void transfers(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(O_RDWR | modes[i]);

		EQ(write_now(fd, "message 1"), 9);
		EQ(write_now(fd, "message 2"), 9);
		EQ(stat_of("queued"), 2);
		EQ(read_now(fd, sizeof(buf)), 9);
		CHECK(!memcmp(buf, "message 1", 9), "%.9s", buf);
		expect_next("message 2");
		close(fd);
	}
}

static void empty(void)
{
	size_t i;
	int wait;

	for (wait = 0; wait < 2; wait++) {
		param_set("read_wait", wait);
		for (i = 0; i < ARRAY_SIZE(modes); i++)
			FAILS(read_now(q_open(O_RDONLY | modes[i]), 9),
			      EAGAIN);
	}
}

static void full(void)
{
	size_t i;

	limit_queue(MAX_SIZE, 1);
	fill_queue();
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		FAILS(write_now(q_open(O_WRONLY | modes[i]), "x"), EAGAIN);
	EQ(stat_of("queued"), 1);
}

static void shared_with_a_waiting_reader(void)
{
	int fd = q_open(O_RDONLY);
	struct call *reader;

	/* It has the open file to itself while it waits. */
	param_set("read_wait", 1);
	reader = call_start(one_read, fd, 0, NULL, 64);
	call_asleep(reader);
	FAILS(read_now(fd, 9), EAGAIN);
	call_asleep(reader);
	send_str("message 1");
	call_join_str(reader, "message 1");
}

static void the_rest(void)
{
	int fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	EQ(read(fd, buf, 3), 3);
	EQ(read_now(fd, sizeof(buf)), 6);
	CHECK(!memcmp(buf, "sage 1", 6), "%.6s", buf);
	expect_next("message 2");
}

static void little_room(void)
{
	int fd = q_open(O_RDONLY);

	send_numbered(1, 1);
	FAILS(read_now(fd, 8), EMSGSIZE);
	EQ(stat_of("queued"), 1);
	EQ(read(fd, buf, 3), 3);
	FAILS(read_now(fd, 5), EMSGSIZE);
	EQ(read_now(fd, 6), 6);
}

static void after_the_end(void)
{
	int fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	get_str(fd, "message 1");
	EQ(read_now(fd, sizeof(buf)), 9);
	FAILS(read_now(fd, sizeof(buf)), EAGAIN);
	get_eof(fd);
}

static void with_a_position(void)
{
	struct iovec iov = { buf, 9 };

	send_numbered(1, 1);
	FAILS(preadv2(q_open(O_RDONLY), &iov, 1, 0, RWF_NOWAIT), ESPIPE);
	FAILS(pwritev2(q_open(O_WRONLY), &iov, 1, 0, RWF_NOWAIT), ESPIPE);
	expect_numbered(1, 1);
	expect_empty();
}

static const struct tap_test tests[] = {
	{ "reads and writes what needs no waiting", transfers },
	{ "an empty queue: EAGAIN, with read_wait too", empty },
	{ "a full queue: EAGAIN", full },
	{ "a file on which another waits: EAGAIN",
	  shared_with_a_waiting_reader },
	{ "the rest of a message", the_rest },
	{ "a short buffer: EMSGSIZE", little_room },
	{ "this open's end of file does not matter", after_the_end },
	{ "with a position: ESPIPE", with_a_position },
};

TAP_MAIN(tests)
