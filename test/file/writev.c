// SPDX-License-Identifier: GPL-2.0-only
/* writev: one message of all vectors. readv: one message over the vectors. */
#include <sys/uio.h>

#include "tap.h"

#define VECTORS	1024	/* the most that one call may have */

static char big[HUGE_SIZE], got[HUGE_SIZE];

static struct iovec vector(const void *base, size_t len)
{
	return (struct iovec){ .iov_base = (void *)base, .iov_len = len };
}

static const int modes[] = { 0, O_NONBLOCK };

static void gathers(void)
{
	const struct iovec iov[] = {
		vector("mess", 4), vector("age", 3), vector(" 1", 2),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(O_WRONLY | modes[i]);

		EQ(writev(fd, iov, 3), 9);
		EQ(stat_of("queued"), 1);
		EQ(writev(fd, iov, 1), 4);
		EQ(stat_of("queued"), 2);
		expect_next("message 1");
		expect_next("mess");
		expect_empty();
	}
}

static void empty_vectors(void)
{
	const struct iovec iov[] = {
		vector(NULL, 0), vector("mess", 4), vector("", 0),
		vector("age 1", 5), vector("x", 0),
	};

	EQ(writev(q_open(O_WRONLY), iov, 5), 9);
	EQ(stat_of("queued"), 1);
	expect_numbered(1, 1);
	expect_empty();
}

static void no_bytes(void)
{
	const struct iovec iov[] = { vector("x", 0), vector(NULL, 0) };
	int fd = q_open(O_WRONLY);

	EQ(writev(fd, iov, 2), 0);
	EQ(writev(fd, iov, 0), 0);
	EQ(stat_of("enqueued"), stat_of("dequeued"));
	/* Nor does it wait where any byte would. */
	limit_queue(MAX_SIZE, 1);
	fill_queue();
	EQ(writev(fd, iov, 2), 0);
}

/* @len bytes in @count vectors come back as one message. */
static void in_vectors(size_t len, size_t count)
{
	static struct iovec iov[VECTORS];
	size_t i, done = 0;

	fill_pattern(big, len, len + count);
	for (i = 0; i < count; i++) {
		size_t part = i + 1 < count ? (len - done) / (count - i) +
			      (i % 3) : len - done;

		if (part > len - done)
			part = len - done;
		iov[i] = vector(big + done, part);
		done += part;
	}
	EQ(writev(q_open(O_WRONLY), iov, count), len);
	EQ(stat_of("queued"), 1);
	get_msg(q_open(O_RDONLY | O_NONBLOCK), big, len);
}

static void many_vectors(void)
{
	static const size_t sizes[] = {
		1, 2, 1000, 4095, 4096, 4097, 10000, 65536, 100000, HUGE_SIZE,
	};
	static const size_t counts[] = { 1, 2, 3, 17, VECTORS };
	size_t i, j;

	param_set("msg_max_size", HUGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (j = 0; j < ARRAY_SIZE(counts); j++)
			in_vectors(sizes[i], counts[j]);
	expect_empty();
}

static void too_long_in_all(void)
{
	const struct iovec iov[] = {
		vector(big, MAX_SIZE / 2), vector(big, MAX_SIZE / 2),
		vector(big, 1),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(O_WRONLY | modes[i]);

		FAILS(writev(fd, iov, 3), EMSGSIZE);
		expect_empty();
		EQ(writev(fd, iov, 2), MAX_SIZE);
		EQ(stat_of("queued"), 1);
		get_msg(q_open(O_RDONLY), big, MAX_SIZE);
	}
}

static void bad_vector(void)
{
	struct iovec iov[] = {
		vector("message 1", 9), vector("message 2", 9),
		vector("message 3", 9),
	};
	size_t i, at;

	for (at = 0; at < ARRAY_SIZE(iov); at++)
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			const struct iovec good = iov[at];

			iov[at].iov_base = bad_address();
			FAILS(writev(q_open(O_WRONLY | modes[i]), iov, 3),
			      EFAULT);
			EQ(stat_of("queued"), 0);
			EQ(stat_of("queued_bytes"), 0);
			iov[at] = good;
		}
	EQ(writev(q_open(O_WRONLY), iov, 3), 27);
	expect_next("message 1message 2message 3");
}

static ssize_t write_three(struct call *c, int fd)
{
	const struct iovec iov[] = {
		vector(c->buf, 1), vector(c->buf + 1, 2),
		vector(c->buf + 3, c->len - 3),
	};

	return writev(fd, iov, 3);
}

static struct call *start_three(const char *text)
{
	struct call *writer;

	limit_queue(MAX_SIZE, 1);
	fill_queue();
	writer = call_start(write_three, -1, O_WRONLY, text, strlen(text));
	call_asleep(writer);
	return writer;
}

static void full(void)
{
	const struct iovec iov[] = { vector("a", 1), vector("b", 1) };
	struct call *writer = start_three("message 1");

	FAILS(writev(q_open(O_WRONLY | O_NONBLOCK), iov, 2), EAGAIN);
	EQ(stat_of("queued"), 1);
	get_msg(q_open(O_RDONLY), memset(big, 'f', MAX_SIZE), MAX_SIZE);
	EQ(call_join(writer), 9);
	expect_numbered(1, 1);
	expect_empty();
}

static void signal_while_full(void)
{
	struct call *writer = start_three("message 1");

	EQ(kill(writer->pid, SIGUSR1), 0);
	EQ(call_join(writer), -1);
	EQ(errno, EINTR);
	EQ(stat_of("queued"), 1);
}

static void readv_scatters(void)
{
	char a[4], b[1], c[64];
	const struct iovec iov[] = {
		vector(a, sizeof(a)), vector(NULL, 0), vector(b, sizeof(b)),
		vector(c, sizeof(c)),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(O_RDONLY | modes[i]);

		send_str("abcdEfghij");
		send_str("other");
		memset(c, '-', sizeof(c));
		EQ(readv(fd, iov, 4), 10);
		CHECK(!memcmp(a, "abcd", 4) && b[0] == 'E' &&
		      !memcmp(c, "fghij-", 6), "%.4s %c %.6s", a, b[0], c);
		expect_next("other");
	}
}

static void readv_long(void)
{
	const struct iovec iov[] = {
		vector(got, 4000), vector(got + 4000, 1),
		vector(got + 4001, 300000), vector(got + 304001, 700000),
	};
	size_t i;

	param_set("msg_max_size", HUGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fill_pattern(big, 1000000, i);
		send_msg(big, 1000000);
		EQ(readv(q_open(O_RDONLY | modes[i]), iov, 4), 1000000);
		CHECK(!memcmp(big, got, 1000000), "the bytes differ");
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
	{ "writev gathers: one message of all vectors", gathers },
	{ "empty vectors are passed over", empty_vectors },
	{ "writev of no bytes is no message, and never waits", no_bytes },
	{ "1 byte to 1 MiB in 1 to 1024 vectors", many_vectors },
	{ "vectors that are too long together: EMSGSIZE, nothing queued",
	  too_long_in_all },
	{ "a bad address in any vector: EFAULT, nothing queued", bad_vector },
	{ "full: EAGAIN with O_NONBLOCK, else writev waits", full },
	{ "a signal while it waits: EINTR, nothing queued",
	  signal_while_full },
	{ "readv scatters one message", readv_scatters },
	{ "readv of a long message", readv_long },
	{ "readv with little space is a short buffer", readv_short },
	{ "readv of no bytes takes nothing", readv_nothing },
};

TAP_MAIN(tests)
