// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owner, group and mode of a further queue's file are right from the moment
 * that anybody can open it, whoever looks at it while the queue is being made,
 * live or at load: procfs makes a file visible before it has its owner, and
 * remembers what a stat saw then.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tap.h"

#define COMMANDS	"/sys/module/kmsg_queue/parameters/queue"
#define FILE_OF_JOBS	"/proc/msg_queues/jobs"

#define TIMES	100	/* made live */
#define LOADS	12
#define OWNER	1001
#define GROUP	500
#define MEMBER	1002	/* of that group */

/* All but the group's members may use the file. */
#define JOBS	"jobs,uid=1001,gid=500,mode=0606"

static struct {
	volatile int stop;
	long stats;	/* that found the file */
	long refused, let_in;
} *shared;

#define COUNT(what)	__atomic_fetch_add(&shared->what, 1, __ATOMIC_SEQ_CST)

static int command(const char *words)
{
	int fd = open(COMMANDS, O_WRONLY | O_CLOEXEC), err = 0;

	CHECK(fd >= 0, "%s: %s", COMMANDS, strerror(errno));
	if (write(fd, words, strlen(words)) < 0)
		err = errno;
	close(fd);
	return err;
}

static void on_processor(int number)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(number % sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	EQ(sched_setaffinity(0, sizeof(cpu), &cpu), 0);
}

static void become(uid_t user, gid_t group)
{
	EQ(setgroups(1, &group), 0);
	EQ(setgid(user), 0);
	EQ(setuid(user), 0);
}

static ssize_t look(struct call *c, int null)
{
	struct stat st;

	(void)c;
	(void)null;
	on_processor(1);
	while (!shared->stop)
		if (!stat(FILE_OF_JOBS, &st))
			COUNT(stats);
	return 0;
}

/* A group's member, whom nothing but a file without its owner lets in. */
static ssize_t intrude(struct call *c, int null)
{
	(void)c;
	(void)null;
	on_processor(1);
	become(MEMBER, GROUP);
	while (!shared->stop) {
		int fd = open(FILE_OF_JOBS, O_RDWR | O_NONBLOCK);

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
	return open(FILE_OF_JOBS, O_RDWR | O_NONBLOCK) < 0 ? -1 : 0;
}

static void check_owner(void)
{
	struct stat st;

	EQ(stat(FILE_OF_JOBS, &st), 0);
	CHECK(st.st_uid == OWNER && st.st_gid == GROUP &&
	      (st.st_mode & 07777) == 0606,
	      "owner %d, group %d, mode %o", st.st_uid, st.st_gid,
	      st.st_mode & 07777);
	CHECK(!shared->let_in, "the wrong ones get in");
}

static void made_live(void)
{
	int err;

	EQ(command(JOBS), 0);
	check_owner();
	/* Somebody may be about to be refused just now. */
	do
		err = command("-jobs");
	while (err == EBUSY);
	EQ(err, 0);
}

static char module[PATH_MAX];

static void find_module(void)
{
	FILE *name = popen("modinfo -n kmsg_queue", "r");

	CHECK(name && fgets(module, sizeof(module), name), "no modinfo");
	module[strcspn(module, "\n")] = 0;
	pclose(name);
}

static void load(const char *parameters)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0, "%s: %s", module, strerror(errno));
	EQ(syscall(SYS_finit_module, fd, parameters, 0), 0);
	close(fd);
}

static void unload(void)
{
	UNTIL(!syscall(SYS_delete_module, "kmsg_queue", O_NONBLOCK));
}

static void loaded_with_it(void)
{
	unload();
	load("queue=" JOBS);
	check_owner();
}

static void beside(call_fn first, call_fn second, void (*make)(void),
		   int times)
{
	int null = open("/dev/null", O_RDONLY);
	struct call *a, *b;

	find_module();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED, "mmap: %s", strerror(errno));
	a = call_start(first, null, 0, NULL, 0);
	b = call_start(second, null, 0, NULL, 0);
	on_processor(0);
	while (times--)
		make();
	if (access(FILE_OF_JOBS, F_OK))
		EQ(command(JOBS), 0);
	/* Who is to be let in is; who looks did see it. */
	EQ(call_join(call_start(use, null, 0, NULL, 0)), 0);
	UNTIL(shared->stats);
	if (second == intrude)
		UNTIL(shared->refused);
	shared->stop = 1;
	call_join(a);
	call_join(b);
	check_owner();
	unload();
	load("");
}

static void live_beside_stat(void)
{
	beside(look, look, made_live, TIMES);
}

static void live_beside_intruder(void)
{
	beside(look, intrude, made_live, TIMES);
}

static void load_beside_stat(void)
{
	beside(look, look, loaded_with_it, LOADS);
}

static void load_beside_intruder(void)
{
	beside(look, intrude, loaded_with_it, LOADS);
}

static const struct tap_test tests[] = {
	{ "made live beside stat loops: the owner is right", live_beside_stat },
	{ "made live beside open loops: the wrong ones never get in",
	  live_beside_intruder },
	{ "made at load beside stat loops: the owner is right",
	  load_beside_stat },
	{ "made at load beside open loops: the wrong ones never get in",
	  load_beside_intruder },
};

TAP_MAIN(tests)
