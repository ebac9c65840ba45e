// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/fdinfo/FD shows what an open file holds. */
#include "ack.h"

static void shows(int fd, long held, long deliveries)
{
	EQ(fdinfo(fd, "kmsgq-held"), held);
	if (held)
		EQ(fdinfo(fd, "kmsgq-deliveries"), deliveries);
}

static void held(void)
{
	static const int modes[] = { 0, O_NONBLOCK };
	char byte;
	size_t i;
	int fd;

	acknowledge();
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		send_str("12345");
		fd = q_open(O_RDONLY | modes[i]);
		shows(fd, 0, 0);
		get_str(fd, "12345");
		shows(fd, 5, 1);
		EQ(modes[i] ? read(fd, &byte, 1) + 1 : read(fd, &byte, 1), 0);
		shows(fd, 0, 0);
		close(fd);
	}
}

static void half(void)
{
	int fd;

	acknowledge();
	send_str("12345");
	fd = hold_half();
	shows(fd, 5, 1);
	get_str(fd, "2345");
	shows(fd, 5, 1);
	EQ(fsync(fd), 0);
	shows(fd, 0, 0);
}

static void deliveries(void)
{
	int fd, i;

	acknowledge();
	send_str("12345");
	for (i = 1; i <= 5; i++) {
		fd = i % 2 ? hold(0, "12345") : hold_half();
		shows(fd, 5, i);
		close(fd);
	}
	/* A bad address is no delivery. */
	FAILS(read(q_open(O_RDONLY), bad_address(), 9), EFAULT);
	fd = hold(0, "12345");
	shows(fd, 5, 6);
}

/* The largest count there is: one more must not begin at 0 again. */
#define DELIVERIES_MAX	1023

static void most_deliveries(void)
{
	int fd, i;

	acknowledge();
	send_str("12345");
	for (i = 1; i <= DELIVERIES_MAX + 2; i++) {
		fd = hold(0, "12345");
		shows(fd, 5, i < DELIVERIES_MAX ? i : DELIVERIES_MAX);
		close(fd);
	}
}

static void sequence(void)
{
	long first, second;
	int fd;

	acknowledge();
	send_numbered(1, 2);
	fd = hold(O_NONBLOCK, "message 1");
	first = fdinfo(fd, "kmsgq-seq");
	get_str(fd, "message 2");
	second = fdinfo(fd, "kmsgq-seq");
	EQ(second, first + 1);
	close(fd);
	/* It keeps its number when it comes back. */
	fd = hold(0, "message 2");
	EQ(fdinfo(fd, "kmsgq-seq"), second);
}

static void holding_nothing(void)
{
	int fd;

	send_numbered(1, 1);
	fd = hold(0, "message 1");
	shows(fd, 0, 0);
	shows(q_open(O_RDWR | O_NONBLOCK), 0, 0);
}

static const struct tap_test tests[] = {
	{ "the size of what is held, 0 for nothing", held },
	{ "a message in the middle shows its whole size", half },
	{ "deliveries are counted, bad addresses are not", deliveries },
	{ "deliveries are counted to 1023, then stay", most_deliveries },
	{ "seq is the message's place, and stays so", sequence },
	{ "files that hold nothing say so", holding_nothing },
};

TAP_MAIN(tests)
