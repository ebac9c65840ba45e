// SPDX-License-Identifier: GPL-2.0-only
/* Closing a file in the middle of a message: its rest is dropped, counted. */
#include "tap.h"

static char buf[64];

static void rest_is_dropped(void)
{
	long dropped = stat_of("dropped"), dequeued = stat_of("dequeued");
	int fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	EQ(read(fd, buf, 3), 3);
	EQ(stat_of("dropped"), dropped);
	close(fd);
	EQ(stat_of("dropped"), dropped + 1);
	EQ(stat_of("dequeued"), dequeued + 1);
	expect_next("message 2");
	expect_empty();
}

static void read_to_the_end(void)
{
	long dropped = stat_of("dropped");
	int fd = q_open(O_RDONLY);

	/* All its bytes are delivered, though end of file was not asked for. */
	send_str("abc");
	EQ(read(fd, buf, 2), 2);
	EQ(read(fd, buf, 1), 1);
	close(fd);
	EQ(stat_of("dropped"), dropped);
}

static void nothing_read(void)
{
	long dropped = stat_of("dropped");

	send_numbered(1, 1);
	close(q_open(O_RDONLY));
	close(q_open(O_RDWR));
	close(q_open(O_WRONLY));
	EQ(stat_of("dropped"), dropped);
	expect_numbered(1, 1);
}

static void nonblock_drops_nothing(void)
{
	long dropped = stat_of("dropped");
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	send_numbered(1, 1);
	FAILS(read(fd, buf, 3), EMSGSIZE);
	close(fd);
	EQ(stat_of("dropped"), dropped);
	expect_numbered(1, 1);
}

static void fault_drops_nothing(void)
{
	long dropped = stat_of("dropped");
	int fd = q_open(O_RDONLY);

	send_numbered(1, 1);
	FAILS(read(fd, bad_address(), 3), EFAULT);
	close(fd);
	EQ(stat_of("dropped"), dropped);
	expect_numbered(1, 1);
}

static ssize_t read_and_die(struct call *c, int fd)
{
	EQ(read(fd, c->buf, c->len), c->len);
	kill(getpid(), SIGKILL);
	return 0;
}

static void killed_reader(void)
{
	long dropped = stat_of("dropped");
	int status;

	send_numbered(1, 2);
	waitpid(call_start(read_and_die, -1, O_RDONLY, NULL, 4)->pid, &status,
		0);
	UNTIL(references() == 0);
	EQ(stat_of("dropped"), dropped + 1);
	expect_next("message 2");
}

static void long_one(void)
{
	static char msg[HUGE_SIZE];
	long dropped = stat_of("dropped");
	int fd = q_open(O_RDONLY);

	param_set("msg_max_size", HUGE_SIZE);
	send_msg(msg, HUGE_SIZE);
	send_str("next");
	EQ(read(fd, msg, 5000), 5000);
	close(fd);
	EQ(stat_of("dropped"), dropped + 1);
	expect_next("next");
}

static const struct tap_test tests[] = {
	{ "the rest of a message is dropped, and counted", rest_is_dropped },
	{ "a message read to its last byte is not counted",
	  read_to_the_end },
	{ "an open that has read nothing drops nothing", nothing_read },
	{ "a short buffer with O_NONBLOCK drops nothing",
	  nonblock_drops_nothing },
	{ "a message that could not be delivered is not dropped",
	  fault_drops_nothing },
	{ "a reader killed in the middle counts, too", killed_reader },
	{ "the rest of a message of 1 MiB", long_one },
};

TAP_MAIN(tests)
