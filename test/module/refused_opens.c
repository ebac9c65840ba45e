// SPDX-License-Identifier: GPL-2.0-only
/*
 * An open that is refused is in nobody's way, not even while it is being refused:
 * neither in that of a queue's removal, nor of rmmod.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sched.h>
#include <sys/stat.h>

#include "load.h"

#define QUEUE	"refusing"
#define PATH	"/proc/msg_queues/" QUEUE
#define USER	1003

static struct {
	volatile int stop;
	volatile long refused, let_in;
} *shared;

static const char *file = PATH;

static void open_on_and_on(void)
{
	while (!shared->stop) {
		int fd = open(file, O_RDWR | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0) {
			shared->let_in++;
			close(fd);
		} else if (errno == EACCES) {
			shared->refused++;
		} else {
			EQ(errno, ENOENT);
		}
	}
}

static ssize_t from_a_container(struct call *c, int null)
{
	pid_t pid;

	(void)c;
	(void)null;
	on_processor(0, 1);
	EQ(unshare(CLONE_NEWPID), 0);
	pid = fork();
	if (!pid) {
		open_on_and_on();
		_exit(EXIT_SUCCESS);
	}
	EQ(waitpid(pid, NULL, 0), pid);
	return 0;
}

/* Whom the inode lets in, after chmod, but not the settings. */
static ssize_t as_a_user(struct call *c, int null)
{
	(void)c;
	(void)null;
	on_processor(0, 1);
	EQ(setgroups(0, NULL), 0);
	EQ(setgid(USER), 0);
	EQ(setuid(USER), 0);
	open_on_and_on();
	return 0;
}

static struct call *start(call_fn fn)
{
	shared = shared_memory(sizeof(*shared));
	on_processor(0, 0);
	return call_start(fn, open("/dev/null", O_RDONLY), 0, NULL, 0);
}

/* Some opens are refused, and then one more thing happens. */
static void some_refused(void)
{
	long before = shared->refused;

	UNTIL(shared->refused > before + 20 || shared->let_in);
	CHECK(!shared->let_in, "an open is let in");
}

#define ROUNDS	200

static void removal(call_fn fn)
{
	struct call *other = start(fn);
	int i;

	for (i = 0; i < ROUNDS; i++) {
		int err;

		make_queue(QUEUE ",mode=0600");
		if (fn == as_a_user)
			EQ(chmod(PATH, 0666), 0);
		some_refused();
		err = try_queue_words("-" QUEUE);
		CHECK(!err, "removal %d beside opens that are refused: %s",
		      i + 1, strerror(err));
	}
	shared->stop = 1;
	EQ(call_join(other), 0);
}

static void removal_beside_container(void)
{
	removal(from_a_container);
}

static void removal_beside_user(void)
{
	removal(as_a_user);
}

static void unloading(call_fn fn)
{
	struct call *other;
	int i;

	/* Else it would be anybody's until it is loaded with a mode. */
	EQ(module_unload(), 0);
	file = QUEUE_FILE;
	other = start(fn);
	for (i = 0; i < ROUNDS / 4; i++) {
		EQ(module_load("procfs_file_mode=0600"), 0);
		if (fn == as_a_user)
			EQ(chmod(QUEUE_FILE, 0666), 0);
		some_refused();
		CHECK(!module_unload(), "rmmod %d beside opens that are refused: %s",
		      i + 1, strerror(errno));
	}
	shared->stop = 1;
	EQ(call_join(other), 0);
	EQ(module_load(""), 0);
}

static void rmmod_beside_container(void)
{
	unloading(from_a_container);
}

static void rmmod_beside_user(void)
{
	unloading(as_a_user);
}

static const struct tap_test tests[] = {
	{ "refused opens by a container do not make a removal fail",
	  removal_beside_container },
	{ "opens that the settings refuse do not make a removal fail",
	  removal_beside_user },
	{ "refused opens by a container do not make rmmod fail",
	  rmmod_beside_container },
	{ "opens that the settings refuse do not make rmmod fail",
	  rmmod_beside_user },
};

TAP_MAIN(tests)
