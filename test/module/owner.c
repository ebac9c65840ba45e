// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owner, group and mode of a queue's file are right from the moment that anybody
 * can open it, whoever looks at it while the module is being loaded or a queue
 * is being made: procfs makes a file visible before it has its owner, and
 * remembers what a stat saw then.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/stat.h>

#include "load.h"

#define OWNER	1001
#define GROUP	500
#define MEMBER	1002	/* of that group */

/* All but the group's members may use the file. */
#define PARAMETERS	"procfs_uid=1001 procfs_gid=500 procfs_file_mode=0606"
#define JOBS		"jobs,uid=1001,gid=500,mode=0606"

static struct {
	volatile int stop;
	long stats;	/* that found the file */
	long refused, let_in;
} *shared;

#define COUNT(what)	__atomic_fetch_add(&shared->what, 1, __ATOMIC_SEQ_CST)

static const char *file = QUEUE_FILE;

static ssize_t look(struct call *c, int null)
{
	struct stat st;

	(void)c;
	(void)null;
	on_processor(0, 1);
	while (!shared->stop)
		if (!stat(file, &st))
			COUNT(stats);
	return 0;
}

static void become(uid_t user, gid_t group)
{
	EQ(setgroups(1, &group), 0);
	EQ(setgid(user), 0);
	EQ(setuid(user), 0);
}

/* A group's member, whom nothing but a file without its owner lets in. */
static ssize_t intrude(struct call *c, int null)
{
	(void)c;
	(void)null;
	on_processor(0, 1);
	become(MEMBER, GROUP);
	while (!shared->stop) {
		int fd = open(file, O_RDWR | O_NONBLOCK);

		if (fd >= 0) {
			COUNT(let_in);
			close(fd);
		} else if (errno == EACCES) {
			COUNT(refused);
		} else {
			EQ(errno, ENOENT);
		}
	}
	return 0;
}

static ssize_t use(struct call *c, int null)
{
	(void)c;
	(void)null;
	become(OWNER, OWNER);
	return open(file, O_RDWR | O_NONBLOCK) < 0 ? -1 : 0;
}

static void unload(void)
{
	/* Somebody may be about to be refused just now. */
	UNTIL(!module_unload() || errno == ENOENT);
}

static void load_first(void)
{
	unload();
	EQ(module_load(PARAMETERS), 0);
}

static void load_with_jobs(void)
{
	unload();
	EQ(module_load("queue=" JOBS), 0);
}

static void make_live(void)
{
	int err;

	/* As in unload(). */
	do
		err = try_queue_words("-jobs");
	while (err == EBUSY);
	CHECK(!err || err == ENOENT, "-jobs: %s", strerror(err));
	EQ(try_queue_words(JOBS), 0);
}

static void beside(call_fn first, call_fn second, void (*make)(void), int times)
{
	int null = open("/dev/null", O_RDONLY), i;
	struct call *a, *b;
	struct stat st;

	if (make != load_first)
		file = "/proc/msg_queues/jobs";
	shared = shared_memory(sizeof(*shared));
	/* Else the first queue would be anybody's until it is made. */
	unload();
	if (make == make_live)
		EQ(module_load(""), 0);
	a = call_start(first, null, 0, NULL, 0);
	b = call_start(second, null, 0, NULL, 0);
	on_processor(0, 0);
	for (i = 1; i <= times; i++) {
		make();
		EQ(stat(file, &st), 0);
		CHECK(st.st_uid == OWNER && st.st_gid == GROUP &&
		      (st.st_mode & 07777) == 0606,
		      "time %d: owner %d, group %d, mode %o", i, st.st_uid,
		      st.st_gid, st.st_mode & 07777);
		CHECK(!shared->let_in, "time %d: the wrong ones get in", i);
	}
	/* Who is to be let in is; who looks did see it. */
	EQ(call_join(call_start(use, null, 0, NULL, 0)), 0);
	UNTIL(shared->stats);
	if (second == intrude)
		UNTIL(shared->refused);
	CHECK(!shared->let_in, "the wrong ones get in");
	shared->stop = 1;
	call_join(a);
	call_join(b);
	unload();
	EQ(module_load(""), 0);
}

static void first_beside_stat(void)
{
	beside(look, look, load_first, 100);
}

static void first_beside_intruder(void)
{
	beside(look, intrude, load_first, 40);
}

static void jobs_beside_stat(void)
{
	beside(look, look, load_with_jobs, 12);
}

static void jobs_beside_intruder(void)
{
	beside(look, intrude, load_with_jobs, 12);
}

static void live_beside_stat(void)
{
	beside(look, look, make_live, 100);
}

static void live_beside_intruder(void)
{
	beside(look, intrude, make_live, 100);
}

static const struct tap_test tests[] = {
	{ "100 loads alongside stat loops: the owner is right",
	  first_beside_stat },
	{ "40 loads alongside open loops: no other user gets in",
	  first_beside_intruder },
	{ "an additional queue at load, alongside stat loops: the owner is right",
	  jobs_beside_stat },
	{ "an additional queue at load, alongside open loops: no other user gets in",
	  jobs_beside_intruder },
	{ "created at run time alongside stat loops: the owner is right",
	  live_beside_stat },
	{ "created at run time alongside open loops: no other user gets in",
	  live_beside_intruder },
};

TAP_MAIN(tests)
