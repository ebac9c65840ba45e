// SPDX-License-Identifier: GPL-2.0-only
/* Reads without O_NONBLOCK, as by a shell: a message, then end of file. */
#include "tap.h"

static void message_then_eof(void)
{
	int fd = q_open(O_RDONLY), i;

	send_numbered(1, 3);
	get_str(fd, "message 1");
	/* For as long as the open lasts, whatever comes in. */
	for (i = 0; i < 3; i++) {
		get_eof(fd);
		send_str("late");
	}
	EQ(stat_of("queued"), 5);
	close(fd);
	expect_numbered(2, 3);
}

static void each_open_takes_one(void)
{
	int fd, i;
	char want[16];

	send_numbered(1, 3);
	for (i = 1; i <= 3; i++) {
		fd = q_open(O_RDONLY);
		snprintf(want, sizeof(want), "message %d", i);
		get_str(fd, want);
		get_eof(fd);
		close(fd);
	}
	get_eof(q_open(O_RDONLY));
}

static void opens_side_by_side(void)
{
	int first = q_open(O_RDONLY), second = q_open(O_RDONLY);

	send_numbered(1, 2);
	get_str(second, "message 1");
	get_str(first, "message 2");
	get_eof(first);
	get_eof(second);
}

static void empty_is_not_sticky(void)
{
	int fd = q_open(O_RDONLY);

	get_eof(fd);
	get_eof(fd);
	send_str("now");
	get_str(fd, "now");
	get_eof(fd);
}

static void read_0_bytes(void)
{
	int fd = q_open(O_RDONLY);
	char byte;

	param_set("read_wait", 1);
	EQ(read(fd, &byte, 0), 0);	/* and does not wait */
	EQ(read(fd, NULL, 0), 0);
	send_str("ab");
	EQ(read(fd, &byte, 0), 0);
	EQ(stat_of("queued"), 1);
	EQ(read(fd, &byte, 1), 1);
	EQ(read(fd, &byte, 0), 0);
	get_str(fd, "b");
	EQ(read(fd, &byte, 0), 0);
	get_eof(fd);
}

static void own_writes(void)
{
	int fd = q_open(O_RDWR);

	EQ(write(fd, "one", 3), 3);
	EQ(write(fd, "two", 3), 3);
	get_str(fd, "one");
	get_eof(fd);
	EQ(write(fd, "three", 5), 5);
	get_eof(fd);
	expect_next("two");
	expect_next("three");
}

static void wait_for_message(void)
{
	struct call *reader;

	param_set("read_wait", 1);
	reader = call_read(0);
	call_asleep(reader);
	send_str("wanted");
	call_join_str(reader, "wanted");
	expect_empty();
}

static void no_wait_for_what_is_there(void)
{
	int fd = q_open(O_RDONLY);

	param_set("read_wait", 1);
	send_numbered(1, 2);
	get_str(fd, "message 1");
	get_eof(fd);
	expect_next("message 2");
	get_eof(fd);
}

static void wait_switched_off(void)
{
	struct call *readers[4];
	size_t i;

	param_set("read_wait", 1);
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i] = call_read(0);
		call_asleep(readers[i]);
	}
	param_set("read_wait", 0);
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		EQ(call_join(readers[i]), 0);
}

static ssize_t read_until_message(struct call *c, int fd)
{
	ssize_t ret;

	do {
		ret = read(fd, c->buf, c->len);
	} while (!ret);
	return ret;
}

static void wait_switched_on(void)
{
	struct call *reader = call_start(read_until_message, -1, O_RDONLY,
					 NULL, 100);

	param_set("read_wait", 1);
	call_asleep(reader);
	send_str("at last");
	call_join_str(reader, "at last");
}

static void wait_without_losing_to_writer(void)
{
	int fd = q_open(O_RDWR);
	struct call *reader;

	/* One that waits holds nothing that a writer of the same file needs. */
	param_set("read_wait", 1);
	reader = call_start(read_until_message, fd, 0, NULL, 100);
	call_asleep(reader);
	EQ(write(fd, "hello", 5), 5);
	call_join_str(reader, "hello");
}

static const struct tap_test tests[] = {
	{ "a message, then end of file as long as the open lasts",
	  message_then_eof },
	{ "each open takes one message", each_open_takes_one },
	{ "opens side by side take a message each", opens_side_by_side },
	{ "an empty queue gives 0, and may be tried again",
	  empty_is_not_sticky },
	{ "a read of 0 bytes takes nothing", read_0_bytes },
	{ "a file that also writes reads one message", own_writes },
	{ "read_wait: a read of an empty queue waits", wait_for_message },
	{ "read_wait: a message that is there is read at once",
	  no_wait_for_what_is_there },
	{ "read_wait switched off: waiting readers return 0",
	  wait_switched_off },
	{ "read_wait switched on: the next read waits", wait_switched_on },
	{ "read_wait: a waiting file can be written to",
	  wait_without_losing_to_writer },
};

TAP_MAIN(tests)
