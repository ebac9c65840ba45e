// SPDX-License-Identifier: GPL-2.0-only
/* The module: its parameters and counters, loading, unloading. */
#include <sys/syscall.h>

#include "fuzz.h"

#define SYS_DIR	"/sys/module/kmsg_queue/"

static char module[300];
static const char *const stats[] = {
	"stats/queued", "stats/queued_bytes", "stats/enqueued",
	"stats/dequeued", "stats/dropped", "refcnt",
};
static int stat_fds[ARRAY_SIZE(stats)];

void find_module(void)
{
	FILE *name = popen("modinfo -n kmsg_queue", "r");

	if (!name || fscanf(name, "%299s", module) != 1)
		module[0] = 0;
	pclose(name);
}

void defaults(void)
{
	m.max_size = MAX_SIZE;
	m.max_bytes = MAX_BYTES;
	m.read_wait = false;
}

static long read_stat(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 1)
		wrong("a counter cannot be read: %s", strerror(errno));
	return strtol(text, NULL, 0);
}

/* The module is loaded, anew perhaps. */
void open_stats(void)
{
	char path[100];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stats); i++) {
		snprintf(path, sizeof(path), SYS_DIR "%s", stats[i]);
		stat_fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(stat_fds[i] >= 0, "%s: %s", path, strerror(errno));
	}
	kcov_locate();
}

/* They go on from what they are. */
void begin_stats(void)
{
	open_stats();
	m.enqueued = read_stat(stat_fds[2]);
	m.dequeued = read_stat(stat_fds[3]);
	m.dropped = read_stat(stat_fds[4]);
}

long load_module(const char *parameters)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);
	long ret;

	CHECK(fd >= 0, "%s: %s", module, strerror(errno));
	ret = result(syscall(SYS_finit_module, fd, parameters, 0));
	close(fd);
	return ret;
}

long unload_module(void)
{
	return result(syscall(SYS_delete_module, "kmsg_queue", O_NONBLOCK));
}

void run_param(struct slot *s, uint64_t *r)
{
	static const long sizes[] = {
		1, 32, 33, 100, 100, 1024, 4096, 4097, 9000, 65536, 0,
		HUGE_SIZE, HUGE_SIZE + 1, -1,
	};
	static const char *const names[] = {
		"msg_max_size", "queue_max_bytes", "read_wait",
	};
	size_t which = pick(r, ARRAY_SIZE(names));
	bool allowed;
	long value;

	(void)s;
	switch (which) {
	case 0:
		/* Those that are refused, or large, take more time. */
		value = sizes[pick(r, one_in(r, 8) ? ARRAY_SIZE(sizes) : 10)];
		allowed = value >= 1 && value <= HUGE_SIZE &&
			  footprint(value) <= m.max_bytes;
		break;
	case 1:
		value = (1 + pick(r, 4)) * footprint(m.max_size);
		if (one_in(r, 4))
			value = MAX_BYTES;
		else if (one_in(r, 8))
			value = footprint(m.max_size) - 1;
		allowed = value >= footprint(m.max_size);
		break;
	default:
		value = one_in(r, 32) ? 2 : !one_in(r, 4);
		allowed = value < 2;
		break;
	}
	expect(allowed ? 0 : EINVAL, param_try(names[which], value), "%s=%ld",
	       names[which], value);
	if (!allowed)
		return;
	if (which == 0)
		m.max_size = value;
	else if (which == 1)
		m.max_bytes = value;
	else
		m.read_wait = value;
}

void run_reload(struct slot *s, uint64_t *r)
{
	static const struct {
		const char *text;
		long max_size, max_bytes, err;
	} loads[] = {
		{ "", MAX_SIZE, MAX_BYTES, 0 },
		{ "msg_max_size=100 queue_max_bytes=1000", 100, 1000, 0 },
		{ "read_wait", MAX_SIZE, MAX_BYTES, 0 },
		{ "msg_max_size=0", 0, 0, EINVAL },
		{ "msg_max_size=1000 queue_max_bytes=1000", 0, 0, EINVAL },
	};
	size_t i, which = pick(r, ARRAY_SIZE(loads));

	if (opens() && !one_in(r, 4)) {
		expect(-EWOULDBLOCK, unload_module(), "rmmod, %d in use",
		       opens());
		return;
	}
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call) {
			call_kill(callers[i].call, SIGKILL);
			forget_caller(&callers[i]);
		}
	for (s = slots; s < slots + SLOTS; s++)
		if (s->file)
			run_close(s, r);
	for (i = 0; i < ARRAY_SIZE(stats); i++)
		close(stat_fds[i]);
	kcov_collect(TESTER);
	expect(0, unload_module(), "rmmod");
	m.head = 0;
	m.tail = 0;
	m.bytes = 0;
	m.enqueued = 0;
	m.dequeued = 0;
	m.dropped = 0;
	defaults();
	expect(-loads[which].err, load_module(loads[which].text),
	       "insmod with \"%s\"", loads[which].text);
	if (loads[which].err) {
		expect(0, load_module(""), "insmod");
	} else {
		m.max_size = loads[which].max_size;
		m.max_bytes = loads[which].max_bytes;
		m.read_wait = !strcmp(loads[which].text, "read_wait");
	}
	open_stats();
}

void check_counters(bool all)
{
	long want[ARRAY_SIZE(stats)] = {
		queued(), m.bytes, m.enqueued, m.dequeued, m.dropped, opens(),
	};
	size_t i;

	/* Each takes longer than most calls. */
	for (i = all ? 0 : shared->at % ARRAY_SIZE(stats);
	     i < ARRAY_SIZE(stats); i += all ? 1 : ARRAY_SIZE(stats)) {
		long got = read_stat(stat_fds[i]);

		if (got != want[i])
			wrong("%s is %ld, not %ld", stats[i], got, want[i]);
	}
}

void check_empty(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (read_stat(stat_fds[i]))
			wrong("%s of an empty queue is %ld", stats[i],
			      read_stat(stat_fds[i]));
}
