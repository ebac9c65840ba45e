// SPDX-License-Identifier: GPL-2.0-only
/* A round: operations from one seed, and of those the ones that show a failure. */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "fuzz.h"

static const struct kind {
	const char *name;
	int weight;
	bool any;		/* needs no descriptor of the file */
	run_fn run;
} kinds[] = {
	{ "open", 30, true, run_open },
	{ "close", 30, false, run_close },
	{ "dup", 15, false, run_dup },
	{ "read", 300, false, run_read },
	{ "write", 240, false, run_write },
	{ "fsync", 20, false, run_fsync },
	{ "fdinfo", 20, false, run_fdinfo },
	{ "refused", 30, false, run_refused },
	{ "poll", 80, false, run_poll },
	{ "epoll_ctl", 40, false, run_epoll_ctl },
	{ "epoll_wait", 40, true, run_epoll_wait },
	{ "fcntl", 60, false, run_fcntl },
	{ "setting", 50, true, run_setting },
	{ "queue", 20, true, run_queue },
	{ "signal", 40, true, run_signal },
	{ "reload", 1, true, run_reload },
};

const size_t op_kinds = ARRAY_SIZE(kinds);

size_t op_kind(const char *name)
{
	size_t kind = 0;

	while (kind < ARRAY_SIZE(kinds) && strcmp(name, kinds[kind].name))
		kind++;
	return kind;
}

static void begin(void)
{
	char *area = mmap(NULL, AREA + 2 * HUGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(area != MAP_FAILED, "mmap: %s", strerror(errno));
	area_end = area + AREA;
	EQ(mprotect(area_end, 2 * HUGE_SIZE, PROT_NONE), 0);
	EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	EQ(epoll_fd >= 0, true);

	load_afresh();
}

static void run_op(const struct op *op)
{
	struct slot *s = &slots[op->slot];
	uint64_t state = op->arg;
	const struct kind *kind = &kinds[op->kind];

	/* The open that it needs may have been left out. */
	if (!kind->any && !s->file)
		kind = &kinds[0];
	kind->run(s, &state);
	shared->calls++;
	settle();
	check_counters(shared->verbose || shared->at % 16 == 0);
}

static void run_round(const struct op *ops, size_t count)
{
	size_t i;

	begin();
	for (i = 0; i < count; i++) {
		__atomic_store_n(&shared->at, i, __ATOMIC_SEQ_CST);
		if (shared->verbose)
			printf("# %s %u %u\n", kinds[ops[i].kind].name,
			       ops[i].slot, ops[i].arg);
		run_op(&ops[i]);
	}
	close_all();
	settle();
	check_counters(true);
	drain_all();
	check_counters(true);
}

/* Runs them in a process of its own; true if all was as predicted. */
bool passes(const struct op *ops, size_t count)
{
	size_t last = count;
	int status, ms = 0;
	pid_t pid;

	shared->at = 0;
	shared->wrong[0] = 0;
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_round(ops, count);
		fflush(stdout);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		size_t at = __atomic_load_n(&shared->at, __ATOMIC_SEQ_CST);

		ms = at == last ? ms + 1 : 0;
		last = at;
		if (ms == (patience() + 5) * 1000) {
			snprintf(shared->wrong, sizeof(shared->wrong),
				 "%s: it waits, and should not",
				 kinds[ops[at].kind].name);
			kill(pid, SIGKILL);
		}
		usleep(1000);
	}
	/* Its children die with it, and then their files are closed. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	if (status && !shared->wrong[0])
		snprintf(shared->wrong, sizeof(shared->wrong),
			 "wait status %#x, see the reason above", status);
	return !status;
}

/* Leaves out what is not needed for a failure; gives how many are left. */
size_t shrink(struct op *ops, size_t count, time_t end)
{
	struct op fewer[ROUND];
	size_t piece, at;

	for (piece = count / 2; piece; piece /= 2)
		for (at = 0; at + piece <= count && time(NULL) < end;) {
			size_t rest = count - piece;

			memcpy(fewer, ops, at * sizeof(*ops));
			memcpy(fewer + at, ops + at + piece,
			       (rest - at) * sizeof(*ops));
			if (!rest || passes(fewer, rest)) {
				at += piece;
				continue;
			}
			count = shared->at + 1;
			memcpy(ops, fewer, count * sizeof(*ops));
		}
	return count;
}

/* Each round has favourites: so queues get full, or are empty, for long. */
void generate(struct op *ops, unsigned int seed)
{
	uint64_t r = (uint64_t)seed << 32;
	unsigned long weights[ARRAY_SIZE(kinds)], total = 0, at;
	size_t i, kind;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		weights[i] = kinds[i].weight * (1ul << pick(&r, 4));
		total += weights[i];
	}
	for (i = 0; i < ROUND; i++) {
		at = pick(&r, total);
		for (kind = 0; at >= weights[kind]; kind++)
			at -= weights[kind];
		ops[i].kind = kind;
		ops[i].slot = pick(&r, SLOTS);
		ops[i].arg = pick(&r, 1ull << 32);
	}
	/* Most rounds are of several queues. */
	if (pick(&r, 2))
		ops[0].kind = op_kind("reload");
	for (i = 1; i < QUEUES; i++)
		ops[i].kind = op_kind("queue");
}
