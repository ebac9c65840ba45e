// SPDX-License-Identifier: GPL-2.0-only
/* 20 writers and 100 readers at once: each message is read exactly once. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/mman.h>

#include "tap.h"

#define WRITERS	20
#define READERS	100
#define EACH	50
#define TOTAL	(WRITERS * EACH)
/* Little room, so that writers wait as well. */
#define ROOM	8

struct message {
	unsigned int writer, number;
};

/* Counted by all of them. */
static struct {
	unsigned char seen[WRITERS][EACH];
	unsigned int left;
} *shared;

static void write_all(unsigned int writer, int flags)
{
	struct pollfd p = { q_open(O_WRONLY | flags), POLLOUT, 0 };
	struct message msg = { writer, 0 };

	while (msg.number < EACH) {
		if (flags && poll(&p, 1, -1) != 1)
			fail("poll: %s", strerror(errno));
		if (write(p.fd, &msg, sizeof(msg)) == sizeof(msg))
			msg.number++;
		else
			EQ(errno, EAGAIN);
	}
	close(p.fd);
}

/* Read one message in the way of this reader. */
static void read_one(struct pollfd *p, int flags, struct message *msg)
{
	/* A plain open is for one message. */
	if (!flags) {
		int fd = q_open(O_RDONLY);

		EQ(read(fd, msg, sizeof(*msg)), sizeof(*msg));
		close(fd);
		return;
	}
	while (read(p->fd, msg, sizeof(*msg)) != sizeof(*msg)) {
		EQ(errno, EAGAIN);
		EQ(poll(p, 1, -1), 1);
	}
}

static void read_some(int flags)
{
	struct pollfd p = { q_open(O_RDONLY | flags), POLLIN, 0 };
	unsigned int after[WRITERS] = {};

	while ((int)__atomic_fetch_sub(&shared->left, 1, __ATOMIC_SEQ_CST) > 0) {
		struct message msg;

		read_one(&p, flags, &msg);
		CHECK(msg.writer < WRITERS && msg.number < EACH, "it is mixed");
		CHECK(msg.number >= after[msg.writer], "out of order");
		after[msg.writer] = msg.number + 1;
		EQ(__atomic_fetch_add(&shared->seen[msg.writer][msg.number], 1,
				      __ATOMIC_SEQ_CST), 0);
	}
	close(p.fd);
}

static void run_all(int flags)
{
	int i, j, status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared->left = TOTAL;
	param_set("read_wait", 1);
	limit_queue(64, ROOM);
	for (i = 0; i < READERS + WRITERS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0, "fork: %s", strerror(errno));
		if (!pid) {
			if (i < READERS)
				read_some(flags);
			else
				write_all(i - READERS, flags);
			_exit(EXIT_SUCCESS);
		}
	}
	for (i = 0; i < READERS + WRITERS; i++) {
		CHECK(wait(&status) > 0, "wait: %s", strerror(errno));
		EQ(status, 0);
	}
	for (i = 0; i < WRITERS; i++)
		for (j = 0; j < EACH; j++)
			CHECK(shared->seen[i][j], "message %d of writer %d is lost",
			      j, i);
	expect_empty();
}

static void plain(void)
{
	run_all(0);
}

static void nonblock(void)
{
	run_all(O_NONBLOCK);
}

/* One process writes and reads, another one watches. */
static void counters(void)
{
	long before = 0, now;
	pid_t pid = fork();
	int status;

	if (!pid) {
		int fd = q_open(O_RDWR | O_NONBLOCK), i;

		for (i = 0; i < 20 * TOTAL; i++) {
			EQ(write(fd, "x", 1), 1);
			get_str(fd, "x");
		}
		_exit(EXIT_SUCCESS);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		now = stat_of("queued");
		CHECK(now == 0 || now == 1, "queued: %ld", now);
		now = stat_of("enqueued");
		CHECK(now >= before, "enqueued: %ld, then %ld", before, now);
		before = now;
	}
	EQ(status, 0);
}

static const struct tap_test tests[] = {
	{ "20 writers and 100 readers wait in read and write", plain },
	{ "20 writers and 100 readers wait in poll", nonblock },
	{ "counters are right while another process writes and reads",
	  counters },
};

TAP_MAIN(tests)
