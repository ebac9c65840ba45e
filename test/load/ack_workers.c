// SPDX-License-Identifier: GPL-2.0-only
/*
 * read_ack: workers are killed at any moment, and none of 10,000 numbered
 * messages is lost. A message comes again only where its worker died with it.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/prctl.h>
#include <time.h>

#include "tap.h"

#define MESSAGES	2500	/* a subtest */
#define KILLS		125
#define MESSAGES_A_KILL	(MESSAGES / (KILLS + 1))
#define SECONDS		250	/* less than a subtest may take */
#define LEN		8	/* a number and a newline */

/* How a worker takes its messages. */
enum way { POLLS, WAITS, IN_PIECES, FORKS };

static struct {
	volatile int handled[MESSAGES];
	volatile int total;
	/* What the writer may have written: workers that outran the kills, as
	 * on a slow kernel, would leave no messages for the later ones. */
	volatile int released;
	/* Each plus one: 0 where a worker was killed before it noted it. */
	volatile int order[MESSAGES + KILLS + 1];
} *work;

static void handle(const char *text)
{
	int number = atoi(text), at;

	CHECK(number >= 0 && number < MESSAGES && text[LEN - 1] == '\n',
	      "message \"%.8s\"", text);
	__atomic_fetch_add(&work->handled[number], 1, __ATOMIC_SEQ_CST);
	at = __atomic_fetch_add(&work->total, 1, __ATOMIC_SEQ_CST);
	CHECK(at < MESSAGES + KILLS, "more repeats than kills");
	work->order[at] = number + 1;
}

/* A helper of the worker's, which lives on for a while with its file. */
static void fork_helper(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (pid)
		return;
	usleep(rand() % 2000);
	_exit(EXIT_SUCCESS);
}

static void do_work(enum way way)
{
	int flags = way == POLLS ? O_NONBLOCK : 0, fd = q_open(flags);
	size_t have = 0, most = way == IN_PIECES ? 3 : LEN;
	char text[LEN];

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		size_t room = LEN - have < most ? LEN - have : most;
		ssize_t len;

		if (way == POLLS)
			EQ(poll(&p, 1, -1), 1);
		len = read(fd, text + have, room);
		if (len < 0) {
			EQ(errno, EAGAIN);
		} else if (!len) {
			/* The end of file: this one is done. */
			close(fd);
			fd = q_open(flags);
			have = 0;
		} else if ((have += len) == LEN) {
			if (way == FORKS && !(rand() % 4))
				fork_helper();
			usleep(rand() % 200);
			handle(text);
			usleep(rand() % 200);
			have = 0;
		}
	}
}

static pid_t start_worker(enum way way)
{
	static int seed;
	pid_t pid = fork();

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	seed++;
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(seed);
	do_work(way);
	_exit(EXIT_FAILURE);
}

static void end_worker(pid_t pid)
{
	int status;

	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status), "a worker has ended by itself");
}

static pid_t start_writer(void)
{
	pid_t pid = fork();
	char text[LEN + 1];
	int fd, i;

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (pid)
		return pid;
	fd = q_open(O_WRONLY);
	for (i = 0; i < MESSAGES; i++) {
		while (i >= work->released)
			usleep(500);
		snprintf(text, sizeof(text), "%07d\n", i);
		EQ(write(fd, text, LEN), LEN);
	}
	_exit(EXIT_SUCCESS);
}

/* How many messages were handled, once or more. */
static int distinct(void)
{
	int i, count = 0;

	for (i = 0; i < MESSAGES; i++)
		count += work->handled[i] > 0;
	return count;
}

/* Enough that the next kill comes, and that no worker is idle until then. */
static int released_after(int kills)
{
	return kills == KILLS ? MESSAGES : MESSAGES_A_KILL * (kills + 3);
}

#define WORKERS	4

static void survive(enum way way, size_t count)
{
	long returned = stat_of("returned");
	pid_t workers[WORKERS], writer;
	time_t give_up = time(NULL) + SECONDS;
	int kills = 0, done;
	size_t i;

	work = shared_memory(sizeof(*work));
	param_set("read_ack", 1);
	param_set("read_wait", 1);
	for (i = 0; i < count; i++)
		workers[i] = start_worker(way);
	work->released = released_after(0);
	writer = start_writer();
	while ((done = distinct()) < MESSAGES) {
		if (kills < KILLS && done >= MESSAGES_A_KILL * (kills + 1)) {
			i = kills++ % count;
			end_worker(workers[i]);
			workers[i] = start_worker(way);
			work->released = released_after(kills);
		}
		usleep(rand() % 1000);
		CHECK(time(NULL) < give_up,
		      "%d of %d handled after %d kills; queued %ld, held %ld, asleep %ld",
		      done, MESSAGES, kills, stat_of("queued"),
		      stat_of("held"), stat_of("waiting_readers"));
	}
	EQ(waitpid(writer, NULL, 0), writer);
	for (i = 0; i < count; i++)
		end_worker(workers[i]);
	UNTIL(references() == 0);
	EQ(stat_of("held"), 0);
	returned = stat_of("returned") - returned;
	EQ(kills, KILLS);
	CHECK(work->total - MESSAGES <= returned,
	      "%d repeats, but %ld messages were returned",
	      work->total - MESSAGES, returned);
	CHECK(stat_of("queued") <= (long)count, "%ld messages are left",
	      stat_of("queued"));
	EQ(stat_of("dropped"), 0);
	dprintf(1, "# %d kills, %ld messages returned, %d handled again\n",
		kills, returned, work->total - MESSAGES);
}

static void in_poll(void)
{
	survive(POLLS, WORKERS);
}

static void in_read(void)
{
	survive(WAITS, WORKERS);
}

static void in_pieces(void)
{
	survive(IN_PIECES, WORKERS);
}

static void forked(void)
{
	survive(FORKS, WORKERS);
}

static void in_order(void)
{
	static const enum way ways[] = { POLLS, WAITS, IN_PIECES };
	int j, last, most;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		survive(ways[i], 1);
		for (j = 0, last = 0, most = 1; j < work->total; j++, most++) {
			int now = work->order[j];

			if (!now)
				continue;
			CHECK(now >= last && now <= most,
			      "message %d after message %d", now - 1, last - 1);
			last = most = now;
		}
		drain_queue();
	}
}

static const struct tap_test tests[] = {
	{ "4 workers that poll, killed 125 times", in_poll },
	{ "4 workers that wait in read, killed 125 times", in_read },
	{ "4 workers that read in pieces, killed 125 times", in_pieces },
	{ "4 workers that fork, killed 125 times", forked },
	{ "one worker, killed 125 times: messages are in order", in_order },
};

TAP_MAIN(tests)
