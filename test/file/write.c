// SPDX-License-Identifier: GPL-2.0-only
/* Writes that go in or are refused: lengths, limits, nothing in between. */
#include "tap.h"

static char big[HUGE_SIZE + 1];

static const int modes[] = { O_WRONLY, O_WRONLY | O_NONBLOCK };

static void one_write_one_message(void)
{
	int plain = q_open(O_WRONLY), nonblock = q_open(O_RDWR | O_NONBLOCK);

	EQ(write(plain, "first", 5), 5);
	EQ(write(nonblock, "second", 6), 6);
	EQ(write(plain, "third", 5), 5);
	EQ(write(plain, "fourth", 6), 6);
	EQ(stat_of("queued"), 4);
	get_str(nonblock, "first");
	get_str(nonblock, "second");
	get_str(nonblock, "third");
	get_str(nonblock, "fourth");
	expect_empty();
}

static void bytes_as_they_are(void)
{
	static const char msg[] = "\n\0\n a\0\xff\x80\r\n\n";
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	send_msg(msg, sizeof(msg));
	send_msg("\n", 1);
	send_msg("", 1);
	get_msg(fd, msg, sizeof(msg));
	get_msg(fd, "\n", 1);
	get_msg(fd, "", 1);
}

static void nothing_from_0_bytes(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(modes[i]);

		EQ(write(fd, "x", 0), 0);
		EQ(write(fd, NULL, 0), 0);
		close(fd);
	}
	EQ(stat_of("enqueued"), stat_of("dequeued"));
	expect_empty();
}

static void nothing_from_0_bytes_when_full(void)
{
	size_t i;

	limit_queue(MAX_SIZE, 1);
	fill_queue();
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		EQ(write(q_open(modes[i]), "x", 0), 0);
	EQ(stat_of("queued"), 1);
}

static void longest(void)
{
	size_t i;

	fill_pattern(big, MAX_SIZE, 1);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		EQ(write(q_open(modes[i]), big, MAX_SIZE), MAX_SIZE);
	get_msg(q_open(O_RDONLY), big, MAX_SIZE);
	get_msg(q_open(O_RDONLY), big, MAX_SIZE);
	expect_empty();
}

static void refuse_too_long(void)
{
	static const size_t lengths[] = {
		MAX_SIZE + 1, 2 * MAX_SIZE, 4096, 65536, HUGE_SIZE,
		HUGE_SIZE + 1,
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(modes[i]);

		for (j = 0; j < ARRAY_SIZE(lengths); j++)
			FAILS(write(fd, big, lengths[j]), EMSGSIZE);
		EQ(write(fd, "fits", 4), 4);
		close(fd);
		expect_next("fits");
	}
	expect_empty();
}

static void too_long_does_not_wait(void)
{
	size_t i;

	limit_queue(MAX_SIZE, 1);
	fill_queue();
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		FAILS(write(q_open(modes[i]), big, MAX_SIZE + 1), EMSGSIZE);
}

static void live_msg_max_size(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK);

	fill_pattern(big, 2000, 2);
	param_set("msg_max_size", 2000);
	EQ(write(fd, big, 2000), 2000);
	FAILS(write(fd, big, 2001), EMSGSIZE);
	param_set("msg_max_size", 1);
	FAILS(write(fd, big, 2), EMSGSIZE);
	EQ(write(fd, "1", 1), 1);
	/* What is in already stays whole. */
	get_msg(fd, big, 2000);
	get_str(fd, "1");
	param_set("msg_max_size", HUGE_SIZE);
	FAILS(write(fd, big, HUGE_SIZE + 1), EMSGSIZE);
	EQ(write(fd, big, HUGE_SIZE), HUGE_SIZE);
	get_msg(fd, big, HUGE_SIZE);
	expect_empty();
}

static void read_only_and_write_only(void)
{
	char byte;

	FAILS(write(q_open(O_RDONLY), "x", 1), EBADF);
	FAILS(read(q_open(O_WRONLY), &byte, 1), EBADF);
	expect_empty();
}

static void ten_thousand_in_order(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK), i;
	char msg[32];

	for (i = 0; i < 10000; i++) {
		snprintf(msg, sizeof(msg), "message %d", i);
		EQ(write(fd, msg, strlen(msg)), strlen(msg));
	}
	EQ(stat_of("queued"), 10000);
	for (i = 0; i < 10000; i++) {
		snprintf(msg, sizeof(msg), "message %d", i);
		EQ(read(fd, big, sizeof(big)), strlen(msg));
		CHECK(!memcmp(big, msg, strlen(msg)), "%.20s, not %s", big,
		      msg);
	}
	expect_empty();
}

static const struct tap_test tests[] = {
	{ "each write is one message, also of one open file",
	  one_write_one_message },
	{ "newlines, NULs and other bytes are content", bytes_as_they_are },
	{ "a write of 0 bytes queues nothing", nothing_from_0_bytes },
	{ "a write of 0 bytes does not wait for space",
	  nothing_from_0_bytes_when_full },
	{ "a message of msg_max_size goes in whole", longest },
	{ "a longer message is refused by EMSGSIZE, never cut",
	  refuse_too_long },
	{ "EMSGSIZE comes at once from a full queue", too_long_does_not_wait },
	{ "msg_max_size changes for files that are open",
	  live_msg_max_size },
	{ "a file opened one way refuses the other", read_only_and_write_only },
	{ "10,000 messages are read in the order of their writes",
	  ten_thousand_in_order },
};

TAP_MAIN(tests)
