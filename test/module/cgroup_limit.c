// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages count as memory of their writers' cgroup: at its limit they get
 * ENOMEM, nobody is killed, and all others write on.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include "tap.h"

#define CGROUPS	"/sys/fs/cgroup"
#define GROUP	CGROUPS "/writers"
#define LIMIT	(16 << 20)
#define SIZE	4096

static char msg[SIZE];

static int put(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY);
	ssize_t ret = fd < 0 ? -1 : write(fd, value, strlen(value));

	close(fd);
	return ret < 0 ? -1 : 0;
}

static void make_group(void)
{
	char limit[24];

	if (put(CGROUPS "/cgroup.subtree_control", "+memory"))
		skip("this kernel has no memory cgroups");
	rmdir(GROUP);
	EQ(mkdir(GROUP, 0755), 0);
	snprintf(limit, sizeof(limit), "%d", LIMIT);
	EQ(put(GROUP "/memory.max", limit), 0);
	param_set("queue_max_bytes", 4 * LIMIT);
	param_set("msg_max_size", SIZE);
	fill_pattern(msg, sizeof(msg), 1);
}

/* What befell the group. */
static long event(const char *name)
{
	FILE *file = fopen(GROUP "/memory.events", "r");
	char word[32];
	long count;

	CHECK(file, "memory.events: %s", strerror(errno));
	while (fscanf(file, "%31s %ld", word, &count) == 2)
		if (!strcmp(word, name))
			break;
	fclose(file);
	return count;
}

/* Writes from inside the group until there is an error, and gives its number. */
static int write_all(int flags)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int fd = q_open(O_WRONLY | flags);

		/* What else needs memory there would be killed for want of it. */
		EQ(mlockall(MCL_CURRENT), 0);
		EQ(put(GROUP "/cgroup.procs", "0"), 0);
		while (write(fd, msg, SIZE) == SIZE)
			;
		_exit(errno);
	}
	EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status), "the writer was ended by signal %d",
	      WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* Takes all messages, each of them what was written. */
static long drain(void)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);
	long count = stat_of("queued"), i;

	for (i = 0; i < count; i++)
		get_msg(fd, msg, SIZE);
	FAILS(read(fd, msg, SIZE), EAGAIN);
	close(fd);
	return count;
}

static void limited(int flags)
{
	int round;

	make_group();
	/* Twice: what has been read is the group's to use again. */
	for (round = 0; round < 2; round++) {
		long count;

		EQ(write_all(flags), ENOMEM);
		/* By a writer of another group. */
		send_msg(msg, SIZE);
		count = drain() - 1;
		CHECK(count > LIMIT / SIZE / 2 && count < LIMIT / SIZE,
		      "%ld messages of %d bytes in %d bytes", count, SIZE,
		      LIMIT);
	}
	EQ(event("oom_kill"), 0);
	EQ(rmdir(GROUP), 0);
}

static void plain(void)
{
	limited(0);
}

static void nonblock(void)
{
	limited(O_NONBLOCK);
}

static void orphans(void)
{
	make_group();
	EQ(write_all(O_NONBLOCK), ENOMEM);
	EQ(rmdir(GROUP), 0);
	CHECK(drain() > LIMIT / SIZE / 2, "few messages");
}

static const struct tap_test tests[] = {
	{ "a blocking writer gets ENOMEM at its cgroup's limit", plain },
	{ "a writer with O_NONBLOCK gets ENOMEM at its cgroup's limit",
	  nonblock },
	{ "messages outlive their cgroup", orphans },
};

TAP_MAIN(tests)
