// SPDX-License-Identifier: GPL-2.0-only
/* Messages of all sizes: every byte comes back, and is paid for. */
#include "tap.h"

static char msg[HUGE_SIZE], got[HUGE_SIZE + 1];

/* Calls @each with sizes on both sides of where a layout may change. */
static void around_boundaries(void (*each)(size_t), size_t max)
{
	size_t size, delta;

	for (size = 1; size <= 72; size++)
		each(size);
	/* Headers of up to 64 bytes stand before the content. */
	for (size = 128; size <= 4096; size *= 2)
		for (delta = 0; delta <= 66; delta++)
			each(size - 65 + delta);
	for (size = 8192; size <= max; size *= 2)
		for (delta = 0; delta < 3 && size - 1 + delta <= max; delta++) {
			each(size - 1 + delta);
			each(size - 25 + delta);
		}
	for (size = 4096 * 3; size < 4096 * 12; size += 4096)
		for (delta = 0; delta < 3; delta++)
			each(size - 1 + delta);
}

static void round_trip_nonblock(size_t len)
{
	static int fd = -1;

	if (fd < 0)
		fd = q_open(O_RDWR | O_NONBLOCK);
	fill_pattern(msg, len, len);
	EQ(write(fd, msg, len), len);
	EQ(read(fd, got, sizeof(got)), len);
	CHECK(!memcmp(msg, got, len), "%zu bytes came back changed", len);
}

static void round_trip_plain(size_t len)
{
	int fd = q_open(O_RDWR);

	fill_pattern(msg, len, len + 1);
	EQ(write(fd, msg, len), len);
	EQ(read(fd, got, len), len);
	CHECK(!memcmp(msg, got, len), "%zu bytes came back changed", len);
	EQ(read(fd, got, len), 0);
	close(fd);
}

/* In pieces that end neither where pages do nor where headers do. */
static void round_trip_pieces(size_t len)
{
	size_t done = 0, piece = len / 3 + 1;
	int fd = q_open(O_RDWR);
	ssize_t ret;

	fill_pattern(msg, len, len + 2);
	EQ(write(fd, msg, len), len);
	while ((ret = read(fd, got + done, piece)) > 0)
		done += ret;
	EQ(ret, 0);
	EQ(done, len);
	CHECK(!memcmp(msg, got, len), "%zu bytes came back changed", len);
	close(fd);
}

static void whole_nonblock(void)
{
	param_set("msg_max_size", HUGE_SIZE);
	around_boundaries(round_trip_nonblock, HUGE_SIZE);
}

static void whole_plain(void)
{
	param_set("msg_max_size", HUGE_SIZE);
	around_boundaries(round_trip_plain, HUGE_SIZE);
}

static void in_pieces(void)
{
	param_set("msg_max_size", HUGE_SIZE);
	around_boundaries(round_trip_pieces, HUGE_SIZE);
}

static void many_at_once(void)
{
	static const size_t lengths[] = {
		1, HUGE_SIZE, 2, 65537, 3, 4073, 4, 4096, 5, 1048575, 6, 4072,
	};
	int fd = q_open(O_RDWR | O_NONBLOCK);
	size_t i;

	param_set("msg_max_size", HUGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		fill_pattern(msg, lengths[i], i);
		EQ(write(fd, msg, lengths[i]), lengths[i]);
	}
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		fill_pattern(msg, lengths[i], i);
		get_msg(fd, msg, lengths[i]);
	}
}

static void no_old_bytes(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK);
	size_t len;

	param_set("msg_max_size", HUGE_SIZE);
	/* get_msg() looks at what is behind the end, too. */
	memset(msg, 'o', HUGE_SIZE);
	for (len = HUGE_SIZE; len; len /= 3) {
		EQ(write(fd, msg, HUGE_SIZE), HUGE_SIZE);
		EQ(write(fd, "short", 5), 5);
		EQ(write(fd, msg, len), len);
		EQ(write(fd, "s", 1), 1);
		get_msg(fd, msg, HUGE_SIZE);
		get_str(fd, "short");
		get_msg(fd, msg, len);
		get_str(fd, "s");
	}
}

static void costs_footprint(size_t len)
{
	static int fd = -1;
	long before = stat_of("queued_bytes"), cost;

	if (fd < 0)
		fd = q_open(O_WRONLY | O_NONBLOCK);
	EQ(write(fd, msg, len), len);
	cost = stat_of("queued_bytes") - before;
	CHECK(cost == footprint(len), "%zu bytes cost %ld, elsewhere %ld", len,
	      cost, footprint(len));
	/* Whatever that is: it holds the message, and little more than that. */
	CHECK(cost > (long)len && cost < 2 * (long)len + 160,
	      "%zu bytes cost %ld", len, cost);
}

static void charged(void)
{
	long bytes, cost;
	ssize_t len;
	int fd;

	param_set("msg_max_size", 65536);
	around_boundaries(costs_footprint, 65536);

	fd = q_open(O_RDONLY | O_NONBLOCK);
	for (bytes = stat_of("queued_bytes"); bytes; bytes -= cost) {
		len = read(fd, got, sizeof(got));
		cost = footprint(len);
		EQ(stat_of("queued_bytes"), bytes - cost);
	}
	expect_empty();
}

static const struct tap_test tests[] = {
	{ "O_NONBLOCK: 1 byte to 1 MiB, byte for byte", whole_nonblock },
	{ "blocking: 1 byte to 1 MiB, byte for byte", whole_plain },
	{ "blocking: 1 byte to 1 MiB in pieces, byte for byte", in_pieces },
	{ "long and short messages side by side", many_at_once },
	{ "a short message after a long one shows no old bytes",
	  no_old_bytes },
	{ "queued_bytes is what each message costs", charged },
};

TAP_MAIN(tests)
