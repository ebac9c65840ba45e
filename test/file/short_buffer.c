// SPDX-License-Identifier: GPL-2.0-only
/* Buffers of every length, up to one byte more than the message has. */
#include "tap.h"

#define LONGEST	300

static char msg[LONGEST], buf[LONGEST + 1];

static void plain_pieces(void)
{
	size_t size, len;

	for (size = 1; size <= LONGEST + 1; size++) {
		int fd = q_open(O_RDONLY);

		fill_pattern(msg, LONGEST, size);
		send_msg(msg, LONGEST);
		send_str("next");
		for (len = 0; len < LONGEST; len += size) {
			size_t rest = LONGEST - len;

			EQ(read(fd, buf + len, size),
			   rest < size ? rest : size);
		}
		CHECK(!memcmp(buf, msg, LONGEST), "pieces of %zu differ", size);
		EQ(read(fd, buf, size), 0);
		close(fd);
		expect_next("next");
	}
}

static void nonblock_whole(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);
	size_t size;

	fill_pattern(msg, LONGEST, 1);
	send_msg(msg, LONGEST);
	for (size = 1; size < LONGEST; size++)
		FAILS(read(fd, buf, size), EMSGSIZE);
	EQ(stat_of("queued"), 1);
	for (; size <= LONGEST + 1; size++) {
		EQ(read(fd, buf, size), LONGEST);
		CHECK(!memcmp(buf, msg, LONGEST), "a buffer of %zu differs",
		      size);
		send_msg(msg, LONGEST);
	}
}

static void every_length(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK);
	size_t len;

	for (len = 1; len <= LONGEST; len++) {
		fill_pattern(msg, len, len);
		EQ(write(fd, msg, len), len);
		if (len > 1)
			FAILS(read(fd, buf, len - 1), EMSGSIZE);
		EQ(read(fd, buf, len), len);
		CHECK(!memcmp(buf, msg, len), "%zu bytes differ", len);
	}
}

/* As the read builtin of shells does it, which then closes the file. */
static void line_by_bytes(void)
{
	static const char *const lines[] = { "hello 1\n", "\n", "x\n" };
	long dropped = stat_of("dropped");
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		send_str(lines[i]);
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		int fd = q_open(O_RDONLY);

		for (len = 0; !len || buf[len - 1] != '\n'; len++)
			EQ(read(fd, buf + len, 1), 1);
		CHECK(len == strlen(lines[i]) && !memcmp(buf, lines[i], len),
		      "line %zu: %.*s", i, (int)len, buf);
		close(fd);
	}
	EQ(stat_of("dropped"), dropped);
	expect_empty();
}

static const struct tap_test tests[] = {
	{ "blocking: pieces of every length make the message", plain_pieces },
	{ "O_NONBLOCK: EMSGSIZE below the length, the message from it on",
	  nonblock_whole },
	{ "O_NONBLOCK: the exact length is enough for every message",
	  every_length },
	{ "a shell's read takes a line byte by byte", line_by_bytes },
};

TAP_MAIN(tests)
