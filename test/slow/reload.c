// SPDX-License-Identifier: GPL-2.0-only
/* Unloads and loads the module 200 times, between calls and with messages left. */
#include "load.h"

#define WORKERS	20
#define TIMES	200
#define STEP	10	/* for each subtest, which has a deadline */

static unsigned int *calls;

/*
 * Opens the file whenever it is there, and leaves most of its messages. Pauses
 * for so long that, on any kernel, about half of the time nobody has it open:
 * otherwise it could not be unloaded.
 */
static void work(unsigned int seed)
{
	char msg[MAX_SIZE];

	fill_pattern(msg, sizeof(msg), seed);
	for (;;) {
		double begin = seconds();
		int fd = open(QUEUE_FILE, (rand_r(&seed) % 3 ? O_WRONLY :
				O_RDONLY) | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0) {
			ssize_t ret = write(fd, msg, 1 + rand_r(&seed) % MAX_SIZE);

			if (ret < 0 && errno == EBADF)
				ret = read(fd, msg, sizeof(msg));
			CHECK(ret > 0 || errno == EAGAIN, "%s", strerror(errno));
			close(fd);
			__atomic_fetch_add(calls, ret > 0, __ATOMIC_SEQ_CST);
		} else {
			EQ(errno, ENOENT);
		}
		usleep(1000 + (seconds() - begin) * 1e6 * WORKERS *
		       (1 + rand_r(&seed) % 3));
	}
}

static void reload(void)
{
	pid_t pids[WORKERS];
	unsigned int seen = 0;
	int i;

	calls = shared_memory(sizeof(*calls));
	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0, "fork: %s", strerror(errno));
		if (!pids[i])
			work(i);
	}
	for (i = 0; i < STEP; i++) {
		/* Traffic each time. */
		UNTIL(*calls > seen + WORKERS);
		while (module_unload())
			EQ(errno, EWOULDBLOCK);
		no_caches_left();
		seen = *calls;
		EQ(module_load(""), 0);
	}
	for (i = 0; i < WORKERS; i++) {
		int status;

		kill(pids[i], SIGKILL);
		EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK(WIFSIGNALED(status), "a worker ended before: %#x", status);
	}
}

int main(void)
{
	static char names[TIMES / STEP][60];
	struct tap_test tests[TIMES / STEP];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		snprintf(names[i], sizeof(names[i]),
			 "unloaded and loaded under traffic, %zu times of %d",
			 (i + 1) * STEP, TIMES);
		tests[i] = (struct tap_test){ names[i], reload };
	}
	return tap_run(tests, ARRAY_SIZE(tests));
}
