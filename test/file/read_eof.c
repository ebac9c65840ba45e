// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_eof=N, with and without read_wait, in files without O_NONBLOCK: a stream
 * of messages. read_plain has read_eof=Y: one message for a `cat`.
 */
#include "polls.h"

static char buf[64];

static void set(int read_eof, int read_wait)
{
	param_set("read_eof", read_eof);
	param_set("read_wait", read_wait);
}

static void all_messages(void)
{
	int fd, i;

	set(0, 0);
	fd = q_open(O_RDONLY);
	for (i = 0; i < 3; i++) {
		send_numbered(1, 3);
		get_str(fd, "message 1");
		get_str(fd, "message 2");
		get_str(fd, "message 3");
		/* Of the queue, then; and not for ever. */
		get_eof(fd);
		get_eof(fd);
	}
}

static ssize_t read_twice(struct call *c, int fd)
{
	ssize_t first = read(fd, c->buf, c->len);

	return first < 0 ? first :
	       first + read(fd, c->buf + first, c->len - first);
}

static void all_messages_waiting(void)
{
	struct call *reader;

	set(0, 1);
	send_numbered(1, 1);
	reader = call_start(read_twice, -1, O_RDONLY, NULL, 64);
	call_asleep(reader);
	expect_empty();
	send_numbered(2, 2);
	call_join_str(reader, "message 1message 2");
}

static void each_read_one_message(void)
{
	int fd, i;
	char text[16];

	set(0, 1);
	fd = q_open(O_RDWR);
	for (i = 1; i <= 200; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		EQ(write(fd, text, strlen(text)), strlen(text));
	}
	for (i = 1; i <= 200; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		get_str(fd, text);
	}
	expect_empty();
}

static void in_pieces(void)
{
	int fd;

	set(0, 1);
	fd = q_open(O_RDONLY);
	send_str("abcdef");
	send_str("ghi");
	EQ(read(fd, buf, 4), 4);
	EQ(stat_of("queued"), 1);
	/* A read never goes beyond the end of its message. */
	EQ(read(fd, buf + 4, 60), 2);
	EQ(read(fd, buf + 6, 3), 3);
	CHECK(!memcmp(buf, "abcdefghi", 9), "%.9s", buf);
	expect_empty();
}

static void faults(void)
{
	int fd;

	set(0, 0);
	fd = q_open(O_RDONLY);
	send_numbered(1, 2);
	FAILS(read(fd, bad_address(), 9), EFAULT);
	EQ(stat_of("queued"), 2);
	EQ(read(fd, buf, 3), 3);
	FAILS(read(fd, bad_address(), 9), EFAULT);
	get_str(fd, "sage 1");
	get_str(fd, "message 2");
	get_eof(fd);
}

static void signal_while_waiting(void)
{
	struct call *reader;

	set(0, 1);
	send_numbered(1, 1);
	reader = call_start(read_twice, -1, O_RDONLY, NULL, 64);
	call_asleep(reader);
	EQ(kill(reader->pid, SIGUSR1), 0);
	EQ(call_join(reader), 9 - 1);	/* the second read gave -1 */
	EQ(errno, EINTR);
	send_numbered(2, 2);
	expect_next("message 2");
}

static void setting_when_opened(void)
{
	int message, stream;

	set(1, 0);
	message = q_open(O_RDONLY);
	set(0, 0);
	stream = q_open(O_RDONLY);
	set(1, 0);
	send_numbered(1, 3);
	get_str(message, "message 1");
	get_eof(message);
	get_str(stream, "message 2");
	set(0, 0);
	get_eof(message);
	get_str(stream, "message 3");
	get_eof(stream);
}

static void polls_the_queue(void)
{
	int fd;

	set(0, 0);
	fd = q_open(O_RDONLY);
	EQ(poll_now(fd, POLLIN), 0);
	send_str("ab");
	EQ(poll_now(fd, POLLIN), POLLIN);
	EQ(read(fd, buf, 1), 1);
	EQ(poll_now(fd, POLLIN), POLLIN);
	EQ(poll_now(q_open(O_RDONLY), POLLIN), 0);
	get_str(fd, "b");
	EQ(poll_now(fd, POLLIN), 0);
	get_eof(fd);
	EQ(poll_now(fd, POLLIN), 0);
	send_str("c");
	EQ(poll_now(fd, POLLIN), POLLIN);
	expect_next("c");
	EQ(poll_now(fd, POLLIN), 0);
}

static void nonblock_is_the_same(void)
{
	int read_eof, fd;

	for (read_eof = 0; read_eof < 2; read_eof++) {
		set(read_eof, 1);
		fd = q_open(O_RDONLY | O_NONBLOCK);
		send_numbered(1, 2);
		get_str(fd, "message 1");
		FAILS(read(fd, buf, 3), EMSGSIZE);
		get_str(fd, "message 2");
		FAILS(read(fd, buf, 3), EAGAIN);
		EQ(poll_now(fd, POLLIN), 0);
	}
}

static void dropped_at_close(void)
{
	long dropped = stat_of("dropped");
	int fd;

	set(0, 0);
	fd = q_open(O_RDONLY);
	send_numbered(1, 3);
	get_str(fd, "message 1");
	EQ(read(fd, buf, 1), 1);
	close(fd);
	EQ(stat_of("dropped"), dropped + 1);
	expect_next("message 3");
}

static void shared_by_two(void)
{
	int fd, i;
	struct call *readers[2];

	set(0, 1);
	fd = q_open(O_RDONLY);
	for (i = 0; i < 2; i++) {
		readers[i] = call_start(read_twice, fd, 0, NULL, 64);
		call_asleep(readers[i]);
	}
	send_numbered(1, 4);
	for (i = 0; i < 2; i++)
		EQ(call_join(readers[i]), 18);
	expect_empty();
}

static const struct tap_test tests[] = {
	{ "N, N: all messages, end of file where the queue is empty",
	  all_messages },
	{ "N, Y: all messages, and waits for more", all_messages_waiting },
	{ "N, Y: one read is one message", each_read_one_message },
	{ "N: a short buffer gets a piece of one message", in_pieces },
	{ "N: a bad address loses nothing", faults },
	{ "N, Y: a signal ends the waiting", signal_while_waiting },
	{ "read_eof is that of the moment of the open", setting_when_opened },
	{ "N: polls as the queue does, never HUP", polls_the_queue },
	{ "with O_NONBLOCK read_eof changes nothing", nonblock_is_the_same },
	{ "N: the rest of a message is dropped at close", dropped_at_close },
	{ "N, Y: two share the open file", shared_by_two },
};

TAP_MAIN(tests)
