// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the queue is full: exactly when a message of msg_max_size does not fit
 * any more, for every writer alike.
 */
#include "tap.h"

static char msg[HUGE_SIZE];

/* How many messages of @len go in before the queue says that it is full. */
static long fits(size_t len)
{
	int fd = q_open(O_WRONLY | O_NONBLOCK);
	long before = stat_of("queued"), count = 0;

	while (write(fd, msg, len) == (ssize_t)len)
		count++;
	EQ(errno, EAGAIN);
	FAILS(write(fd, msg, 1), EAGAIN);
	EQ(stat_of("queued") - before, count);
	close(fd);
	return count;
}

static void take(long count)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	while (count--)
		CHECK(read(fd, msg, sizeof(msg)) > 0, "read: %s",
		      strerror(errno));
	close(fd);
}

static void largest_messages(void)
{
	static const long sizes[] = { 1, 8, 9, 1024, 4072, 4073, 65536,
				      HUGE_SIZE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		limit_queue(sizes[i], 5);
		EQ(fits(sizes[i]), 5);
		take(5);
		/* A byte less has room for one less, a byte more for none. */
		param_set("queue_max_bytes", 5 * footprint(sizes[i]) - 1);
		EQ(fits(sizes[i]), 4);
		take(4);
		param_set("queue_max_bytes", 5 * footprint(sizes[i]) + 1);
		EQ(fits(sizes[i]), 5);
		take(5);
	}
}

static void small_messages(void)
{
	long small = footprint(1), large = footprint(MAX_SIZE), i;
	long before = 3 * large / small * small;

	/* Small ones go in while a large one would fit. */
	limit_queue(MAX_SIZE, 4);
	EQ(fits(1), 3 * large / small + 1);
	/* It takes exactly the last one too many to make it full. */
	take(1);
	EQ(write(q_open(O_WRONLY | O_NONBLOCK), msg, MAX_SIZE), MAX_SIZE);
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), msg, 1), EAGAIN);
	for (i = before + large; i > 3 * large; i -= small) {
		FAILS(write(q_open(O_WRONLY | O_NONBLOCK), msg, 1), EAGAIN);
		take(1);
	}
	EQ(write(q_open(O_WRONLY | O_NONBLOCK), msg, 1), 1);
}

static void room_for_one(void)
{
	int fd = q_open(O_RDWR | O_NONBLOCK);

	limit_queue(MAX_SIZE, 1);
	EQ(write(fd, "x", 1), 1);
	FAILS(write(fd, "y", 1), EAGAIN);
	get_str(fd, "x");
	EQ(write(fd, "y", 1), 1);
	get_str(fd, "y");
}

static void lowered_below_content(void)
{
	limit_queue(MAX_SIZE, 4);
	send_numbered(1, 3);
	EQ(fits(MAX_SIZE) > 0, true);
	param_set("queue_max_bytes", footprint(MAX_SIZE));
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), msg, 1), EAGAIN);
	/* Nothing is dropped; there is no room before all are taken. */
	expect_numbered(1, 3);
	while (stat_of("queued")) {
		FAILS(write(q_open(O_WRONLY | O_NONBLOCK), msg, 1), EAGAIN);
		take(1);
	}
	send_str("room again");
	expect_next("room again");
}

static void wait_for_room(void)
{
	struct call *writer;

	limit_queue(MAX_SIZE, 3);
	fill_queue();
	writer = call_write("waited", 6);
	call_asleep(writer);
	EQ(stat_of("queued"), 3);
	take(1);
	EQ(call_join(writer), 6);
	take(2);
	expect_next("waited");
}

static void smaller_messages_make_room(void)
{
	struct call *writers[2];

	/* Full, for a message of 1024 would not fit; one of 8 does. */
	limit_queue(MAX_SIZE, 1);
	send_str("x");
	writers[0] = call_write("1", 1);
	call_asleep(writers[0]);
	writers[1] = call_write("2", 1);
	call_asleep(writers[1]);
	param_set("msg_max_size", 8);
	EQ(call_join(writers[0]), 1);
	EQ(call_join(writers[1]), 1);
}

static void lowered_below_waiting(void)
{
	static const size_t lengths[] = { 499, 500, 1, 501 };
	struct call *writers[ARRAY_SIZE(lengths)];
	size_t i;

	/* Each of them has to look, wherever it is in the line. */
	limit_queue(MAX_SIZE, 1);
	fill_queue();
	for (i = 0; i < ARRAY_SIZE(writers); i++) {
		writers[i] = call_write(msg, lengths[i]);
		call_asleep(writers[i]);
	}
	param_set("msg_max_size", 499);
	for (i = 1; i < ARRAY_SIZE(writers); i += 2) {
		EQ(call_join(writers[i]), -1);
		EQ(errno, EMSGSIZE);
	}
	/* The others, in whichever order they went to sleep again. */
	call_asleep(writers[0]);
	call_asleep(writers[2]);
	take(1);
	UNTIL(call_returned(writers[0]) || call_returned(writers[2]));
	if (call_settled(writers[0]) || call_settled(writers[2]))
		take(1);
	EQ(call_join(writers[0]), lengths[0]);
	EQ(call_join(writers[2]), lengths[2]);
}

static const struct tap_test tests[] = {
	{ "full to the byte, with messages of msg_max_size",
	  largest_messages },
	{ "full to the byte, with small messages", small_messages },
	{ "the smallest queue holds one message", room_for_one },
	{ "queue_max_bytes lowered: no message is discarded",
	  lowered_below_content },
	{ "a blocking write waits for space", wait_for_room },
	{ "msg_max_size lowered: waiting writers find space",
	  smaller_messages_make_room },
	{ "msg_max_size lowered: EMSGSIZE for a waiting longer message",
	  lowered_below_waiting },
};

TAP_MAIN(tests)
