// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue that always has a message never tells a reader that it is empty,
 * whatever is taken out, put back and written at the same time.
 *
 * Each worker has one message in hand at most, and there are as many messages as
 * workers: so there is one for a worker that has none. So few, that one which was
 * put back is often the only one: where a message is looked for in two places, it
 * must not be missed on its way.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "tap.h"

#define WORKERS	2
#define SECONDS	4

static struct {
	volatile int stop;
	long taken, put_back, polls;
} *shared;

#define COUNT(what)	__atomic_fetch_add(&shared->what, 1, __ATOMIC_RELAXED)

static bool ack;

/* A read that fails: with read_ack the message comes back with the close. */
static void take_and_put_back(int fd, void *bad)
{
	char byte[8];

	if (ack) {
		fd = q_open(O_RDONLY | O_NONBLOCK);
		EQ(read(fd, byte, sizeof(byte)), 1);
		close(fd);
	} else {
		FAILS(read(fd, bad, 8), EFAULT);
	}
	COUNT(put_back);
}

static void take_and_write(int fd)
{
	char byte[8];

	if (ack)
		fd = q_open(O_RDWR | O_NONBLOCK);
	EQ(read(fd, byte, sizeof(byte)), 1);
	/* With read_ack it is in hand until it is confirmed. */
	EQ(fsync(fd), 0);
	EQ(write(fd, byte, 1), 1);
	if (ack)
		close(fd);
	COUNT(taken);
}

static ssize_t worker(struct call *c, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	void *bad = bad_address();
	unsigned int dice = c->buf[0];

	while (!shared->stop) {
		dice = dice * 1103515245 + 12345;
		switch (dice >> 16 & 7) {
		case 0:
			EQ(poll(&p, 1, 0), 1);
			EQ(p.revents & POLLIN, POLLIN);
			COUNT(polls);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
			take_and_put_back(fd, bad);
			break;
		default:
			take_and_write(fd);
		}
	}
	return 0;
}

static void never_empty(void)
{
	double start;
	struct call *workers[WORKERS];
	char i;

	shared = shared_memory(sizeof(*shared));
	for (i = 0; i < WORKERS; i++)
		send_str("x");
	param_set("read_ack", ack);
	for (i = 0; i < WORKERS; i++)
		workers[(int)i] = call_start(worker, -1, O_RDWR | O_NONBLOCK, &i,
					     1);
	start = seconds();
	while (seconds() - start < SECONDS)
		usleep(10000);
	shared->stop = 1;
	for (i = 0; i < WORKERS; i++)
		EQ(call_join(workers[(int)i]), 0);
	printf("# %ld messages taken and written, %ld put back, %ld polls\n",
	       shared->taken, shared->put_back, shared->polls);
	fflush(stdout);
	EQ(stat_of("queued"), WORKERS);
	CHECK(shared->taken > 100 && shared->put_back > 100, "no traffic");
}

static void beside_faults(void)
{
	never_empty();
}

static void beside_returns(void)
{
	ack = true;
	never_empty();
}

static const struct tap_test tests[] = {
	{ "alongside reads that fault: never EAGAIN", beside_faults },
	{ "alongside files that return what they hold: never EAGAIN",
	  beside_returns },
};

TAP_MAIN(tests)
