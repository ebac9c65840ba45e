// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_ack: a user who writes, reads and closes, from 1000 files, makes the
 * queue and its dead queue hold no more than their limits.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/resource.h>

#include "tap.h"

#define FILES	1000
#define ROUNDS	30000
#define LIMIT	(4 << 20)
#define USER	1000

static char buf[65536];

static long bytes_in(const char *queue)
{
	use_queue(queue);
	return stat_of("queued_bytes");
}

static void both_within(int round)
{
	long jobs = bytes_in("jobs"), dead = bytes_in("jobs-dead");

	use_queue("jobs");
	CHECK(jobs <= LIMIT && dead <= LIMIT,
	      "round %d: %ld and %ld bytes, the limit is %d", round, jobs,
	      dead, LIMIT);
}

static void do_anything(int *fd)
{
	size_t len = 1 + rand() % (rand() % 8 ? 200 : sizeof(buf));
	ssize_t ret = 1;

	switch (rand() % 8) {
	case 0:
	case 1:
	case 2:
		ret = write(*fd, buf, len);
		break;
	case 3:
	case 4:
	case 5:
		ret = read(*fd, buf, len);
		break;
	case 6:
		EQ(fcntl(*fd, F_SETFL, O_NONBLOCK), 0);
		break;
	case 7:
		close(*fd);
		*fd = q_open(O_RDWR | O_NONBLOCK);
		/* Half reads, too. */
		EQ(fcntl(*fd, F_SETFL, 0), 0);
		if (read(*fd, buf, 1) < 0)
			EQ(errno, EAGAIN);
		EQ(fcntl(*fd, F_SETFL, O_NONBLOCK), 0);
		return;
	}
	if (ret < 0)
		CHECK(errno == EAGAIN || errno == EMSGSIZE, "%s",
		      strerror(errno));
}

static void within_limits(void)
{
	struct rlimit files = { FILES + 100, FILES + 100 };
	static int fds[FILES];
	long dead;
	int i;

	make_queue("jobs-dead,queue_max_bytes=4194304,msg_max_size=65536");
	make_queue("jobs,queue_max_bytes=4194304,msg_max_size=65536,"
		   "read_ack=Y,max_deliveries=3,dead=jobs-dead");
	use_queue("jobs");
	EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	EQ(setgroups(0, NULL), 0);
	EQ(setgid(USER), 0);
	EQ(setuid(USER), 0);
	for (i = 0; i < FILES; i++)
		fds[i] = q_open(O_RDWR | O_NONBLOCK);
	for (i = 0; i < ROUNDS; i++) {
		do_anything(&fds[rand() % FILES]);
		if (i % 10 == 0)
			both_within(i);
	}
	for (i = 0; i < FILES; i++)
		close(fds[i]);
	both_within(ROUNDS);
	EQ(stat_of("held"), 0);
	EQ(stat_of("dropped"), 0);
	dead = stat_of("dead");
	CHECK(dead > 0, "no message has gone to the dead queue");
	dprintf(1, "# %ld written, %ld returned, %ld to the dead queue\n",
		stat_of("enqueued"), stat_of("returned"), dead);
}

static const struct tap_test tests[] = {
	{ "30000 calls of a user, on 1000 files", within_limits },
};

TAP_MAIN(tests)
