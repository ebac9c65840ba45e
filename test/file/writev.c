// SPDX-License-Identifier: GPL-2.0-only
/* writev: each vector is a message. readv: one message over the vectors. */
#include <signal.h>
#include <sys/uio.h>

#include "tap.h"

#define VECTORS	1024	/* the most that one call may have */

static char big[2 * MAX_SIZE], got[64];

static struct iovec vector(const void *base, size_t len)
{
	return (struct iovec){ .iov_base = (void *)base, .iov_len = len };
}

static void each_vector_a_message(void)
{
	const struct iovec iov[] = {
		vector("message 1", 9), vector("message 2", 9), vector("3", 1),
	};

	EQ(writev(q_open(O_WRONLY), iov, 3), 19);
	EQ(stat_of("queued"), 3);
	EQ(writev(q_open(O_WRONLY | O_NONBLOCK), iov, 1), 9);
	expect_numbered(1, 2);
	expect_next("3");
	expect_next("message 1");
	expect_empty();
}

static void empty_vectors(void)
{
	const struct iovec iov[] = {
		vector(NULL, 0), vector("message 1", 9), vector("", 0),
		vector("message 2", 9), vector("x", 0),
	};
	int fd = q_open(O_WRONLY);

	EQ(writev(fd, iov, 5), 18);
	EQ(writev(fd, iov, 1), 0);
	EQ(writev(fd, iov, 0), 0);
	EQ(stat_of("queued"), 2);
	expect_numbered(1, 2);
}

static void most_vectors(void)
{
	static char texts[VECTORS][16];
	static struct iovec iov[VECTORS];
	size_t sum = 0;
	int i;

	for (i = 0; i < VECTORS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "message %d", i + 1);
		iov[i] = vector(texts[i], strlen(texts[i]));
		sum += iov[i].iov_len;
	}
	EQ(writev(q_open(O_WRONLY), iov, VECTORS), sum);
	EQ(stat_of("queued"), VECTORS);
	expect_numbered(1, VECTORS);
}

static void too_long_in_the_middle(void)
{
	const struct iovec iov[] = {
		vector("message 1", 9), vector("message 2", 9),
		vector(big, MAX_SIZE + 1), vector("message 3", 9),
	};
	int fd = q_open(O_WRONLY);

	EQ(writev(fd, iov, 4), 18);
	EQ(stat_of("queued"), 2);
	FAILS(writev(fd, iov + 2, 2), EMSGSIZE);
	expect_numbered(1, 2);
	expect_empty();
}

static void bad_address_in_the_middle(void)
{
	const struct iovec iov[] = {
		vector("message 1", 9), vector("message 2", 9),
		vector(bad_address(), 9), vector("message 3", 9),
	};
	int fd = q_open(O_WRONLY);

	EQ(writev(fd, iov, 4), 18);
	EQ(stat_of("queued"), 2);
	FAILS(writev(fd, iov + 2, 2), EFAULT);
	expect_numbered(1, 2);
	expect_empty();
}

static void full_in_the_middle(void)
{
	const struct iovec iov[] = {
		vector(big, MAX_SIZE), vector(big, MAX_SIZE),
		vector(big, MAX_SIZE), vector(big, MAX_SIZE),
	};
	int fd = q_open(O_WRONLY | O_NONBLOCK);

	limit_queue(MAX_SIZE, 3);
	EQ(writev(fd, iov, 4), 3 * MAX_SIZE);
	EQ(stat_of("queued"), 3);
	FAILS(writev(fd, iov, 4), EAGAIN);
	EQ(stat_of("queued"), 3);
}

static ssize_t write_three(struct call *c, int fd)
{
	const struct iovec iov[] = {
		vector(c->buf, c->len), vector(c->buf, c->len),
		vector(c->buf, c->len),
	};

	return writev(fd, iov, 3);
}

static void wait_in_the_middle(void)
{
	struct call *writer;

	limit_queue(MAX_SIZE, 2);
	writer = call_start(write_three, -1, O_WRONLY, big, MAX_SIZE);
	call_asleep(writer);
	EQ(stat_of("queued"), 2);
	get_msg(q_open(O_RDONLY), big, MAX_SIZE);
	EQ(call_join(writer), 3 * MAX_SIZE);
	EQ(stat_of("queued"), 2);
}

static void signal_in_the_middle(void)
{
	struct call *writer;

	limit_queue(MAX_SIZE, 2);
	writer = call_start(write_three, -1, O_WRONLY, big, MAX_SIZE);
	call_asleep(writer);
	EQ(kill(writer->pid, SIGUSR1), 0);
	/* What went in is told, so that the writer knows where to go on. */
	EQ(call_join(writer), 2 * MAX_SIZE);
	EQ(stat_of("queued"), 2);

	writer = call_start(write_three, -1, O_WRONLY, big, MAX_SIZE);
	call_asleep(writer);
	EQ(kill(writer->pid, SIGUSR1), 0);
	EQ(call_join(writer), -1);
	EQ(errno, EINTR);
	EQ(stat_of("queued"), 2);
}

static void readv_scatters(void)
{
	static const int flags[] = { O_RDONLY, O_RDONLY | O_NONBLOCK };
	char a[4], b[1], c[64];
	const struct iovec iov[] = {
		vector(a, sizeof(a)), vector(NULL, 0), vector(b, sizeof(b)),
		vector(c, sizeof(c)),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = q_open(flags[i]);

		send_str("abcdEfghij");
		send_str("other");
		memset(c, '-', sizeof(c));
		EQ(readv(fd, iov, 4), 10);
		CHECK(!memcmp(a, "abcd", 4) && b[0] == 'E' &&
		      !memcmp(c, "fghij-", 6), "%.4s %c %.6s", a, b[0], c);
		expect_next("other");
	}
}

static void readv_short(void)
{
	char a[4], b[4];
	const struct iovec iov[] = { vector(a, 4), vector(b, 4) };
	int plain = q_open(O_RDONLY);

	send_str("abcdefghij");
	FAILS(readv(q_open(O_RDONLY | O_NONBLOCK), iov, 2), EMSGSIZE);
	EQ(readv(plain, iov, 2), 8);
	CHECK(!memcmp(a, "abcd", 4) && !memcmp(b, "efgh", 4), "%.4s %.4s", a,
	      b);
	EQ(readv(plain, iov, 2), 2);
	CHECK(!memcmp(a, "ij", 2), "%.2s", a);
	EQ(readv(plain, iov, 2), 0);
}

static void readv_nothing(void)
{
	const struct iovec iov[] = { vector(got, 0), vector(NULL, 0) };

	send_str("stays");
	EQ(readv(q_open(O_RDONLY), iov, 2), 0);
	EQ(readv(q_open(O_RDONLY | O_NONBLOCK), iov, 0), 0);
	expect_next("stays");
}

static const struct tap_test tests[] = {
	{ "each vector is a message, in order", each_vector_a_message },
	{ "empty vectors are passed over", empty_vectors },
	{ "1024 messages by one call", most_vectors },
	{ "a vector that is too long: the count of those before",
	  too_long_in_the_middle },
	{ "a vector at a bad address: the count of those before",
	  bad_address_in_the_middle },
	{ "O_NONBLOCK and full: the count of those before",
	  full_in_the_middle },
	{ "plain and full: waits in the middle", wait_in_the_middle },
	{ "a signal in the middle: the count of those before",
	  signal_in_the_middle },
	{ "readv scatters one message", readv_scatters },
	{ "readv with little room is a short buffer", readv_short },
	{ "readv of no bytes takes nothing", readv_nothing },
};

TAP_MAIN(tests)
