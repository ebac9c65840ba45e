// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callers whose memory takes long to come, as from a slow disk: their calls
 * stand still in the middle of the copy, and must be in nobody's way.
 */
#define _GNU_SOURCE
#include "stall.h"

static const int modes[] = { O_RDONLY, O_RDONLY | O_NONBLOCK };

static void reader_blocks_nobody(void)
{
	struct stall stall;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		send_numbered(1, 3);
		stall = start_stalled(lazy_read, modes[i]);
		expect_next("message 2");
		send_numbered(4, 4);
		expect_numbered(3, 4);
		stall.gate->state = GIVE;
		call_join_str(stall.call, "message 1");
		expect_empty();
	}
}

/* Three messages, two of them in the hands of stalled readers. */
static void start_two(struct stall *first, struct stall *second, int flags)
{
	send_numbered(1, 3);
	*first = start_stalled(lazy_read, flags);
	*second = start_stalled(lazy_read, flags);
}

static void put_back_in_order(void)
{
	struct stall first, second;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		start_two(&first, &second, modes[i]);
		fail_it(&first);
		fail_it(&second);
		expect_numbered(1, 3);

		start_two(&first, &second, modes[i]);
		fail_it(&second);
		fail_it(&first);
		expect_numbered(1, 3);
		expect_empty();
	}
}

static void put_back_to_the_end(void)
{
	struct stall first, second;

	/* The queue has run empty meanwhile, and got a new message. */
	start_two(&first, &second, O_RDONLY);
	expect_next("message 3");
	expect_empty();
	fail_it(&second);
	send_numbered(4, 4);
	fail_it(&first);
	send_numbered(5, 5);
	expect_numbered(1, 2);
	expect_numbered(4, 5);
	expect_empty();
}

static void one_of_two_fails(void)
{
	struct stall first, second;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		start_two(&first, &second, modes[i]);
		fail_it(&first);
		give(&second, 9);
		expect_next("message 1");
		expect_next("message 3");
		expect_empty();
	}
}

static struct call *start_waiting(void)
{
	struct call *reader = call_read(0);

	call_asleep(reader);
	return reader;
}

/* Keep the file open: a close would also wake the waiting reader. */
static ssize_t lazy_read_and_stay(struct call *c, int fd)
{
	ssize_t ret = lazy_read(c, fd);

	pause();
	return ret;
}

static void let_fail(struct stall *stall)
{
	stall->gate->state = FAIL;
}

static void put_back_by(call_fn fn, void (*end)(struct stall *))
{
	struct stall stall;
	struct call *reader;
	size_t i;

	param_set("read_wait", 1);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		send_str("put back");
		stall = start_stalled(fn, modes[i]);
		reader = start_waiting();
		end(&stall);
		call_join_str(reader, "put back");
	}
	expect_empty();
}

static void put_back_wakes(void)
{
	put_back_by(lazy_read_and_stay, let_fail);
}

static void put_back_wakes_poll(void)
{
	struct stall stall;
	struct pollfd p = { .fd = q_open(O_RDONLY), .events = POLLIN };

	send_str("put back");
	stall = start_stalled(lazy_read_and_stay, O_RDONLY);
	EQ(poll(&p, 1, 0), 0);
	let_fail(&stall);
	EQ(poll(&p, 1, -1), 1);
	expect_next("put back");
}

static void kill_it(struct stall *stall)
{
	call_kill(stall->call, SIGKILL);
}

static void killed_reader(void)
{
	put_back_by(lazy_read, kill_it);
}

static void later_piece(void)
{
	int fd = q_open(O_RDONLY);
	struct stall stall;
	char piece[4];

	send_numbered(1, 2);
	EQ(read(fd, piece, 4), 4);
	stall = start(lazy_read, fd, 0);
	UNTIL(stall.gate->stalled);
	fail_it(&stall);
	get_str(fd, "age 1");
	get_eof(fd);
	expect_next("message 2");
}

static void sharer_can_be_killed(void)
{
	int fd = q_open(O_RDONLY);
	struct stall first, second;

	send_numbered(1, 1);
	first = start(lazy_read, fd, 0);
	UNTIL(first.gate->stalled);
	second = start(lazy_read, fd, 0);
	call_asleep(second.call);
	call_kill(second.call, SIGKILL);
	give(&first, 9);
}

static void writer_blocks_nobody(void)
{
	struct stall stall = start_stalled(lazy_write, O_WRONLY);

	send_numbered(1, 2);
	expect_numbered(1, 2);
	expect_empty();
	send_numbered(3, 3);
	give(&stall, 7);
	expect_next("message 3");
	expect_next("stalled");
}

static void writer_holds_no_room(void)
{
	struct stall stall;

	limit_queue(MAX_SIZE, 1);
	stall = start_stalled(lazy_write, O_WRONLY);
	send_str("faster");
	stall.gate->state = GIVE;
	call_asleep(stall.call);
	EQ(stat_of("queued"), 1);
	expect_next("faster");
	EQ(call_join(stall.call), 7);
	expect_next("stalled");

	/* And with O_NONBLOCK it is told so. */
	stall = start_stalled(lazy_write, O_WRONLY | O_NONBLOCK);
	send_str("faster");
	stall.gate->state = GIVE;
	EQ(call_join(stall.call), -1);
	EQ(errno, EAGAIN);
	expect_next("faster");
	expect_empty();
}

static void writer_fails(void)
{
	struct stall stall;

	limit_queue(MAX_SIZE, 1);
	stall = start_stalled(lazy_write, O_WRONLY);
	fail_it(&stall);
	expect_empty();
	stall = start_stalled(lazy_write, O_WRONLY);
	call_kill(stall.call, SIGKILL);
	expect_empty();
	send_str("room");
	expect_next("room");
}

static void woken_writer_stalls(void)
{
	struct stall stall;
	struct call *writer;

	/*
	 * Whoever can write memory that stalls could otherwise put all other
	 * writers to sleep for good, one wake-up each.
	 */
	limit_queue(MAX_SIZE, 1);
	send_str("x");
	stall = start(lazy_write, -1, O_WRONLY);
	UNTIL(stall.gate->stalled || call_settled(stall.call));
	writer = call_write("faster", 6);
	call_asleep(writer);
	expect_next("x");
	EQ(call_join(writer), 6);
	expect_next("faster");
	give(&stall, 7);
	expect_next("stalled");
}

/* Whoever shares the file gets the rest, never the message behind it. */
static void rest_of_half_a_message(void)
{
	struct stall stall;
	struct call *sharer;
	char want[100];
	int fd, eof;

	for (eof = 0; eof < 2; eof++) {
		param_set("read_eof", eof);
		fd = q_open(O_RDONLY);
		fill_pattern(want, sizeof(want), eof);
		send_msg(want, sizeof(want));
		send_str("behind it");
		stall = start(lazy_read, fd, 0);
		UNTIL(stall.gate->stalled);
		sharer = call_start(one_read, fd, 0, NULL, 100);
		call_asleep(sharer);
		give(&stall, 64);
		EQ(call_join(sharer), 36);
		CHECK(!memcmp(sharer->buf, want + 64, 36), "other bytes");
		close(fd);
		expect_next("behind it");
		expect_empty();
	}
}

static const struct tap_test tests[] = {
	{ "a stalled reader does not delay others", reader_blocks_nobody },
	{ "messages that stalled readers put back are in order",
	  put_back_in_order },
	{ "messages put back come before younger ones",
	  put_back_to_the_end },
	{ "one of two stalled readers fails", one_of_two_fails },
	{ "a message put back wakes a waiting reader", put_back_wakes },
	{ "a message put back wakes a poller", put_back_wakes_poll },
	{ "a stalled reader that is killed puts the message back",
	  killed_reader },
	{ "a stall in a later piece loses nothing", later_piece },
	{ "a task that shares the file of a reader stalled in half a message gets the rest",
	  rest_of_half_a_message },
	{ "a task that shares a stalled reader's file can be killed",
	  sharer_can_be_killed },
	{ "a stalled writer does not delay others", writer_blocks_nobody },
	{ "a stalled writer takes no space", writer_holds_no_room },
	{ "a stalled writer that fails or is killed leaves nothing",
	  writer_fails },
	{ "a writer that stalls when woken does not delay others",
	  woken_writer_stalls },
};

TAP_MAIN(tests)
