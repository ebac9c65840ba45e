// SPDX-License-Identifier: GPL-2.0-only
/*
 * max_deliveries=N,dead=QUEUE: a message that is returned for the Nth time
 * goes to the tail of the dead queue, or, where it cannot, of its own.
 */
#define _GNU_SOURCE
#include "ack.h"

#define JOBS	"jobs"
#define DEAD	"jobs-dead"

static char buf[MAX_SIZE];

/* Makes both queues, and uses the first. */
static void make(int deliveries, const char *dead_has)
{
	char words[200];

	snprintf(words, sizeof(words), DEAD "%s", dead_has);
	make_queue(words);
	snprintf(words, sizeof(words),
		 JOBS ",read_ack=Y,max_deliveries=%d,dead=" DEAD, deliveries);
	make_queue(words);
	use_queue(JOBS);
}

static long stat_in(const char *queue, const char *name)
{
	long value;

	use_queue(queue);
	value = stat_of(name);
	use_queue(JOBS);
	return value;
}

static void dead_has(const char *want)
{
	use_queue(DEAD);
	expect_next(want);
	use_queue(JOBS);
}

static void last_return(void)
{
	long deliveries;
	int i;

	for (deliveries = 1; deliveries <= 3; deliveries++) {
		long dead;

		make(deliveries, "");
		send_numbered(1, 2);
		for (i = 1; i < deliveries; i++) {
			close(hold(0, "message 1"));
			in_hand(0, 9, 2);
			EQ(stat_of("returned"), i);
			EQ(stat_of("dead"), 0);
		}
		close(hold(0, "message 1"));
		in_hand(0, 9, 1);
		dead = stat_of("dead");
		EQ(dead, 1);
		EQ(stat_of("dropped"), 0);
		EQ(stat_in(DEAD, "queued"), 1);
		EQ(stat_in(DEAD, "enqueued"), 1);
		dead_has("message 1");
		expect_next("message 2");
		expect_empty();
		EQ(try_queue_words("-" JOBS), 0);
		EQ(try_queue_words("-" DEAD), 0);
	}
}

static void half_reads_count(void)
{
	make(2, "");
	send_numbered(1, 1);
	close(hold_half());
	in_hand(0, 9, 1);
	close(hold_half());
	expect_empty();
	dead_has("message 1");
}

static void faults_do_not_count(void)
{
	int i;

	make(2, "");
	send_numbered(1, 1);
	for (i = 0; i < 10; i++)
		FAILS(read(q_open(i % 2 ? O_RDONLY : O_RDONLY | O_NONBLOCK),
			   bad_address(), 9), EFAULT);
	EQ(stat_of("returned"), 10);
	EQ(stat_of("dead"), 0);
	in_hand(0, 9, 1);
	close(hold(0, "message 1"));
	in_hand(0, 9, 1);
	close(hold(0, "message 1"));
	dead_has("message 1");
}

static void refused_does_not_count(void)
{
	int i, fd;

	/* A buffer that is too short takes nothing. */
	make(1, "");
	send_numbered(1, 1);
	for (i = 0; i < 10; i++) {
		fd = q_open(O_RDONLY | O_NONBLOCK);
		FAILS(read(fd, buf, 8), EMSGSIZE);
		close(fd);
	}
	in_hand(0, 9, 1);
}

static void order_at_the_tail(void)
{
	int fds[5], i;
	char text[16];

	/* As each was returned, not as it was written. */
	make(1, "");
	send_numbered(0, 4);
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		fds[i] = hold(0, text);
	}
	for (i = 4; i >= 0; i--)
		close(fds[i]);
	for (i = 4; i >= 0; i--) {
		snprintf(text, sizeof(text), "message %d", i);
		dead_has(text);
	}
}

static void counts_from_0_there(void)
{
	int fd;

	make(1, ",read_ack=Y");
	send_numbered(1, 1);
	close(hold(0, "message 1"));
	use_queue(DEAD);
	fd = hold(0, "message 1");
	EQ(fdinfo(fd, "kmsgq-deliveries"), 1);
	close(fd);
	/* It has no dead queue itself. */
	fd = hold(0, "message 1");
	EQ(fdinfo(fd, "kmsgq-deliveries"), 2);
	get_eof(fd);
	use_queue(JOBS);
}

/* Three messages, of which the first is returned for the last time. */
static void return_first(void)
{
	send_numbered(1, 3);
	close(hold(0, "message 1"));
}

static void stays_at_own_tail(void)
{
	EQ(stat_of("dead"), 0);
	EQ(stat_of("dropped"), 0);
	EQ(stat_of("returned"), 1);
	/* At the tail once more, but written once. */
	EQ(stat_of("enqueued"), 3);
	in_hand(0, 9, 3);
	expect_numbered(2, 3);
	expect_next("message 1");
}

static void dead_is_full(void)
{
	make(1, "");
	use_queue(DEAD);
	limit_queue(MAX_SIZE, 1);
	fill_queue();
	use_queue(JOBS);
	return_first();
	EQ(stat_in(DEAD, "queued"), 1);
	stays_at_own_tail();
}

static void dead_takes_shorter_ones(void)
{
	make(1, ",msg_max_size=8");
	return_first();
	EQ(stat_in(DEAD, "queued"), 0);
	stays_at_own_tail();
}

static void later_when_there_is_room(void)
{
	int fd;

	make(1, "");
	use_queue(DEAD);
	limit_queue(MAX_SIZE, 1);
	fill_queue();
	use_queue(JOBS);
	send_numbered(1, 2);
	close(hold(0, "message 1"));
	use_queue(DEAD);
	drain_queue();
	use_queue(JOBS);
	expect_next("message 2");
	fd = hold(0, "message 1");
	/* Its deliveries are counted on. */
	EQ(fdinfo(fd, "kmsgq-deliveries"), 2);
	close(fd);
	expect_empty();
	dead_has("message 1");
}

static void own_queue_full_too(void)
{
	int fd;

	make(1, "");
	use_queue(DEAD);
	limit_queue(MAX_SIZE, 1);
	fill_queue();
	use_queue(JOBS);
	limit_queue(MAX_SIZE, 2);
	send_str("x");
	fd = hold(0, "x");
	fill_queue();
	close(fd);
	EQ(stat_of("dropped"), 0);
	EQ(stat_of("queued"), 2);
	memset(buf, 'f', sizeof(buf));
	fd = q_open(O_RDONLY | O_NONBLOCK);
	get_msg(fd, buf, MAX_SIZE);
	get_str(fd, "x");
	FAILS(read(fd, buf, 1), EAGAIN);
}

static void room_is_given_back(void)
{
	struct call *writer;
	int fd;

	/* What has gone to the dead queue takes no room here. */
	make(1, "");
	limit_queue(MAX_SIZE, 1);
	send_str("x");
	fd = hold(0, "x");
	writer = call_write("y", 1);
	call_asleep(writer);
	close(fd);
	EQ(call_join(writer), 1);
	EQ(stat_of("queued_bytes"), footprint(1));
	EQ(stat_in(DEAD, "queued_bytes"), footprint(1));
	dead_has("x");
	expect_next("y");
}

static void wakes_its_reader(void)
{
	struct call *reader;
	int fd;

	make(1, ",read_wait=Y");
	send_numbered(1, 1);
	fd = hold(0, "message 1");
	use_queue(DEAD);
	reader = call_read(0);
	call_asleep(reader);
	use_queue(JOBS);
	close(fd);
	call_join_str(reader, "message 1");
}

static void own_tail_wakes(void)
{
	struct call *reader;
	int fd;

	make(1, ",msg_max_size=8");
	param_set("read_wait", 1);
	send_numbered(1, 1);
	fd = hold(0, "message 1");
	reader = call_read(0);
	call_asleep(reader);
	close(fd);
	call_join_str(reader, "message 1");
}

static void confirmed_in_time(void)
{
	int fd;

	make(2, "");
	send_numbered(1, 1);
	close(hold(0, "message 1"));
	fd = hold(0, "message 1");
	get_eof(fd);
	close(fd);
	expect_empty();
	EQ(stat_of("dead"), 0);
	EQ(stat_in(DEAD, "enqueued"), 0);
}

static const struct tap_test tests[] = {
	{ "returned for the Nth time: to the dead queue", last_return },
	{ "half reads count", half_reads_count },
	{ "bad addresses do not count", faults_do_not_count },
	{ "short buffers do not count", refused_does_not_count },
	{ "messages come to its tail in the order of their return",
	  order_at_the_tail },
	{ "deliveries start at 0 in the dead queue", counts_from_0_there },
	{ "the dead queue is full: to the tail of its own", dead_is_full },
	{ "the dead queue takes only shorter messages: to the tail of its own",
	  dead_takes_shorter_ones },
	{ "the message goes to the dead queue once that has space",
	  later_when_there_is_room },
	{ "both queues are full: no message is discarded", own_queue_full_too },
	{ "a message that has gone to the dead queue leaves its space",
	  room_is_given_back },
	{ "a message wakes a reader of the dead queue", wakes_its_reader },
	{ "a message at the tail of its own queue wakes a reader",
	  own_tail_wakes },
	{ "a message confirmed before its last delivery is not returned",
	  confirmed_in_time },
};

TAP_MAIN(tests)
