// SPDX-License-Identifier: GPL-2.0-only
/* One open file in several hands: by dup, by fork, by threads. */
#include <pthread.h>

#include "polls.h"

static char buf[64];

static void by_dup(void)
{
	int fd = q_open(O_RDONLY), copy = dup(fd);

	send_numbered(1, 2);
	EQ(read(fd, buf, 4), 4);
	EQ(read(copy, buf + 4, 2), 2);
	get_str(fd, "e 1");
	CHECK(!memcmp(buf, "messag", 6), "%.6s", buf);
	get_eof(copy);
	close(fd);
	get_eof(copy);
	expect_next("message 2");
}

static void closed_one_of_two(void)
{
	long dropped = stat_of("dropped");
	int fd = q_open(O_RDONLY), copy = dup(fd);

	send_str("abcd");
	EQ(read(fd, buf, 2), 2);
	close(fd);
	EQ(stat_of("dropped"), dropped);
	get_str(copy, "cd");
	EQ(references(), 1);
	close(copy);
	EQ(stat_of("dropped"), dropped);
	EQ(references(), 0);
}

static void flag_is_shared(void)
{
	int fd = q_open(O_RDONLY), copy = dup(fd);

	EQ(fcntl(copy, F_SETFL, O_NONBLOCK), 0);
	send_numbered(1, 2);
	get_str(fd, "message 1");
	get_str(fd, "message 2");
	FAILS(read(fd, buf, 1), EAGAIN);
}

static struct call *start_few(int fd, size_t len)
{
	return call_start(one_read, fd, 0, NULL, len);
}

static void by_fork(void)
{
	int fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	call_join_str(start_few(fd, 3), "mes");
	EQ(read(fd, buf, 3), 3);
	call_join_str(start_few(fd, 3), "e 1");
	EQ(call_join(start_few(fd, 3)), 0);
	get_eof(fd);
	expect_next("message 2");
}

static void second_waits_first_takes_all(void)
{
	int fd = q_open(O_RDONLY);
	struct call *a, *b;
	ssize_t got_a, got_b;

	param_set("read_wait", 1);
	a = start_few(fd, 64);
	call_asleep(a);
	b = start_few(fd, 64);
	call_asleep(b);
	send_numbered(1, 2);
	got_a = call_join(a);
	got_b = call_join(b);
	CHECK((got_a == 9 && !got_b) || (!got_a && got_b == 9), "%zd and %zd",
	      got_a, got_b);
	expect_next("message 2");
}

static void many_wait_for_pieces(void)
{
	int fd = q_open(O_RDONLY);
	struct call *readers[6];
	int sum = 0, zeros = 0;
	size_t i;

	/* 10 bytes, 4 at a time: three pieces, and the end for the others. */
	param_set("read_wait", 1);
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i] = start_few(fd, 4);
		call_asleep(readers[i]);
	}
	send_str("0123456789");
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		ssize_t ret = call_join(readers[i]);
		char first = readers[i]->buf[0];

		zeros += !ret;
		sum += ret;
		CHECK(!ret || ret == (first == '8' ? 2 : 4), "%zd at %c", ret,
		      first);
	}
	EQ(sum, 10);
	EQ(zeros, 3);
}

/*
 * The message wakes the reader of another file. It gets no processor before this task
 * has read a part.
 */
static void rest_for_second(bool more)
{
	const struct sched_param fifo = { .sched_priority = 1 }, normal = { 0 };
	struct call *other, *second;
	int fd;

	on_processor(0, 0);
	param_set("read_wait", 1);
	param_set("read_eof", 0);
	fd = q_open(O_RDONLY);
	other = call_read(0);
	call_asleep(other);
	second = start_few(fd, 64);
	call_asleep(second);

	EQ(sched_setscheduler(0, SCHED_FIFO, &fifo), 0);
	send_str("0123456789");
	EQ(read(fd, buf, 4), 4);
	if (more)
		send_numbered(1, 2);
	EQ(sched_setscheduler(0, SCHED_OTHER, &normal), 0);

	CHECK(!call_settled(second), "it sleeps on, beside 6 bytes");
	call_join_str(second, "456789");
	if (!more)
		send_numbered(1, 2);
	call_join_str(other, "message 1");
	expect_next("message 2");
}

static void rest_wakes_second(void)
{
	rest_for_second(false);
}

static void rest_before_next(void)
{
	rest_for_second(true);
}

static void waits_apart(void)
{
	int fd = q_open(O_RDWR);
	struct call *reader, *other;

	/* One who waits on a shared file is in nobody's way on others. */
	param_set("read_wait", 1);
	reader = start_few(fd, 64);
	call_asleep(reader);
	other = call_read(0);
	call_asleep(other);
	send_numbered(1, 2);
	EQ(call_join(reader), 9);
	EQ(call_join(other), 9);
}

static void second_can_be_killed(void)
{
	int fd = q_open(O_RDONLY);
	struct call *a, *b, *c;

	param_set("read_wait", 1);
	a = start_few(fd, 64);
	call_asleep(a);
	b = start_few(fd, 64);
	call_asleep(b);
	c = start_few(fd, 64);
	call_asleep(c);
	call_kill(b, SIGKILL);
	call_kill(a, SIGKILL);
	send_str("message 1");
	call_join_str(c, "message 1");
}

static pthread_barrier_t start;

struct piece {
	int fd;
	size_t len;
	char bytes[1024];
};

static void *read_bytes(void *arg)
{
	struct piece *piece = arg;

	pthread_barrier_wait(&start);
	while (read(piece->fd, piece->bytes + piece->len, 1) == 1)
		piece->len++;
	return NULL;
}

/*
 * The bytes 0, 0, 0, 0, 1, 1, 1, 1 and on, as they were sent: each is read
 * once, and those of one thread are in order.
 */
static void share_among_threads(int fd)
{
	static struct piece pieces[4];
	pthread_t threads[ARRAY_SIZE(pieces)];
	int times[256] = { 0 };
	size_t i, j;

	pthread_barrier_init(&start, NULL, ARRAY_SIZE(pieces));
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		pieces[i].fd = fd;
		EQ(pthread_create(&threads[i], NULL, read_bytes, &pieces[i]),
		   0);
	}
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		unsigned char last = 0;

		EQ(pthread_join(threads[i], NULL), 0);
		for (j = 0; j < pieces[i].len; j++) {
			unsigned char byte = pieces[i].bytes[j];

			times[byte]++;
			CHECK(byte >= last, "%d after %d", byte, last);
			last = byte;
		}
	}
	for (i = 0; i < ARRAY_SIZE(times); i++)
		EQ(times[i], 4);
}

static void by_threads(void)
{
	static unsigned char msg[1024];
	size_t i;

	for (i = 0; i < sizeof(msg); i++)
		msg[i] = i / 4;
	send_msg(msg, sizeof(msg));
	send_str("next");
	share_among_threads(q_open(O_RDONLY));
	expect_next("next");
}

static void nonblock_by_threads(void)
{
	unsigned char byte;
	int i;

	for (i = 0; i < 1024; i++) {
		byte = i / 4;
		send_msg(&byte, 1);
	}
	share_among_threads(q_open(O_RDONLY | O_NONBLOCK));
	expect_empty();
}

/*
 * With read_eof=N one reads a message in pieces, another whole ones: each piece is
 * followed by the rest of its message, whoever gets it.
 */
#define ROUNDS	3000

static struct {
	pthread_barrier_t start;
	int fd;
	ssize_t len;
	char buf[8];
} whole;

static void *read_whole(void *unused)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&whole.start);
		whole.len = read(whole.fd, whole.buf, sizeof(whole.buf));
		pthread_barrier_wait(&whole.start);
	}
	return unused;
}

static void pieces_beside_whole(void)
{
	pthread_t thread;
	char piece[3];
	int fd, i;

	param_set("read_eof", 0);
	whole.fd = q_open(O_RDONLY);
	fd = q_open(O_WRONLY);
	EQ(pthread_barrier_init(&whole.start, NULL, 2), 0);
	EQ(pthread_create(&thread, NULL, read_whole, NULL), 0);
	for (i = 0; i < ROUNDS; i++) {
		ssize_t len;

		EQ(write(fd, "abcdef", 6), 6);
		EQ(write(fd, "AB", 2), 2);
		pthread_barrier_wait(&whole.start);
		len = read(whole.fd, piece, sizeof(piece));
		pthread_barrier_wait(&whole.start);
		/* The piece and then the rest; or all, and then the next. */
		CHECK((len == 3 && !memcmp(piece, "abc", 3) && whole.len == 3 &&
		       !memcmp(whole.buf, "def", 3)) ||
		      (len == 2 && !memcmp(piece, "AB", 2) && whole.len == 6 &&
		       !memcmp(whole.buf, "abcdef", 6)),
		      "round %d: \"%.*s\" in a piece, \"%.*s\" beside it", i,
		      (int)len, piece, (int)whole.len, whole.buf);
		if (len == 3)
			get_str(whole.fd, "AB");
	}
	EQ(pthread_join(thread, NULL), 0);
	close(whole.fd);
	expect_empty();
}

/* Sees that half a message is there, and waits for what comes next. */
static ssize_t wait_for_more(struct call *c, int fd)
{
	int ep = watch(fd, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);

	EQ(wait_in_epoll(ep), EPOLLIN);
	*(volatile char *)c->buf = 's';
	return wait_in_epoll(ep);
}

static void eof_wakes_all(void)
{
	struct call *waiters[4];
	int fd = q_open(O_RDONLY);
	size_t i;

	send_str("abcd");
	EQ(read(fd, buf, 2), 2);
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i] = call_start(wait_for_more, fd, 0, "", 1);
		UNTIL(*(volatile char *)waiters[i]->buf == 's');
		call_asleep(waiters[i]);
	}
	/* It is for each of them that its next read gives 0. */
	get_str(fd, "cd");
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		CHECK(!call_settled(waiters[i]), "poller %zu of 4 sleeps on",
		      i + 1);
		EQ(call_join(waiters[i]), EPOLLIN);
	}
	get_eof(fd);
}

static const struct tap_test tests[] = {
	{ "dup: one message in pieces, then end of file for both", by_dup },
	{ "a message is not dropped before the last close",
	  closed_one_of_two },
	{ "O_NONBLOCK is the open file's, not the descriptor's",
	  flag_is_shared },
	{ "fork: one message in pieces, then end of file for all", by_fork },
	{ "read_eof=N: a piece is followed by the rest of its message",
	  pieces_beside_whole },
	{ "the end of file wakes all pollers of the file", eof_wakes_all },
	{ "two wait on one file: one gets the message, the other 0",
	  second_waits_first_takes_all },
	{ "many wait on one file: the pieces, then 0",
	  many_wait_for_pieces },
	{ "read_eof=N: the rest of a message wakes a task that waits on the file",
	  rest_wakes_second },
	{ "read_eof=N: the rest of a message comes before the next message",
	  rest_before_next },
	{ "readers of other files are not held up", waits_apart },
	{ "tasks that wait on one file can be killed", second_can_be_killed },
	{ "threads take a message byte by byte", by_threads },
	{ "O_NONBLOCK: threads take messages, each once",
	  nonblock_by_threads },
};

TAP_MAIN(tests)
