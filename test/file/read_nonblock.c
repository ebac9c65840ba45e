// SPDX-License-Identifier: GPL-2.0-only
/* Reads with O_NONBLOCK: one whole message each, and never a wait. */
#include "tap.h"

static char buf[64];

static void message_by_message(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	send_numbered(1, 3);
	get_str(fd, "message 1");
	get_str(fd, "message 2");
	get_str(fd, "message 3");
	FAILS(read(fd, buf, sizeof(buf)), EAGAIN);
}

static void empty(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK), i;

	for (i = 0; i < 3; i++) {
		FAILS(read(fd, buf, sizeof(buf)), EAGAIN);
		FAILS(read(fd, buf, 1), EAGAIN);
		EQ(write(fd, "again", 5), 5);
		get_str(fd, "again");
	}
}

static void never_waits(void)
{
	param_set("read_wait", 1);
	empty();
}

static void read_0_bytes(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	EQ(read(fd, buf, 0), 0);
	EQ(read(fd, NULL, 0), 0);
	send_str("stays");
	EQ(read(fd, buf, 0), 0);
	get_str(fd, "stays");
}

static void short_buffer_keeps(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	send_str("message 1 is longer");
	send_numbered(2, 2);
	FAILS(read(fd, buf, 9), EMSGSIZE);
	FAILS(read(fd, buf, 18), EMSGSIZE);
	EQ(stat_of("queued"), 2);
	/* A reader with room gets it, and the order is as before. */
	expect_next("message 1 is longer");
	get_str(fd, "message 2");
}

static void short_buffer_writes_nothing(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);
	size_t i;

	send_numbered(1, 1);
	memset(buf, '-', sizeof(buf));
	FAILS(read(fd, buf, 8), EMSGSIZE);
	for (i = 0; i < sizeof(buf); i++)
		EQ(buf[i], '-');
}

static void set_flags(int fd, int flags)
{
	EQ(fcntl(fd, F_SETFL, flags), 0);
}

static void switched_on_between(void)
{
	int fd = q_open(O_RDONLY);

	send_numbered(1, 3);
	get_str(fd, "message 1");
	get_eof(fd);
	set_flags(fd, O_NONBLOCK);
	get_str(fd, "message 2");
	get_str(fd, "message 3");
	FAILS(read(fd, buf, sizeof(buf)), EAGAIN);
}

static void switched_on_in_the_middle(void)
{
	long dropped = stat_of("dropped");
	int fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	EQ(read(fd, buf, 3), 3);
	set_flags(fd, O_NONBLOCK);
	FAILS(read(fd, buf, 5), EMSGSIZE);
	get_str(fd, "sage 1");
	get_str(fd, "message 2");
	FAILS(read(fd, buf, sizeof(buf)), EAGAIN);
	EQ(stat_of("dropped"), dropped);
}

static void switched_off(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	send_numbered(1, 3);
	get_str(fd, "message 1");
	set_flags(fd, 0);
	get_str(fd, "message 2");
	get_eof(fd);
	expect_next("message 3");
}

static const struct tap_test tests[] = {
	{ "one message for each read, no end of file between",
	  message_by_message },
	{ "an empty queue gives EAGAIN", empty },
	{ "an empty queue gives EAGAIN with read_wait, too", never_waits },
	{ "a read of 0 bytes takes nothing", read_0_bytes },
	{ "a short buffer gives EMSGSIZE, and the message stays first",
	  short_buffer_keeps },
	{ "a short buffer is not written to", short_buffer_writes_nothing },
	{ "O_NONBLOCK switched on after the end of file",
	  switched_on_between },
	{ "O_NONBLOCK switched on in a message gives its rest first",
	  switched_on_in_the_middle },
	{ "O_NONBLOCK switched off", switched_off },
};

TAP_MAIN(tests)
