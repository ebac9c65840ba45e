// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owner, group and mode of the file are right from the moment that anybody can
 * open it, whoever looks at it while the module is being loaded: procfs makes
 * a file visible before it has its owner, and remembers what a stat saw then.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tap.h"

#define LOADS	100
#define OWNER	1001
#define GROUP	500
#define MEMBER	1002	/* of that group */

/* All but the group's members may use the file. */
#define PARAMETERS	"procfs_uid=1001 procfs_gid=500 procfs_file_mode=0606"

static volatile struct {
	int stop;
	int stats;	/* that found the file */
	int refused, let_in;
} *shared;

static char module[300];

static void load(const char *parameters)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0, "%s: %s", module, strerror(errno));
	EQ(syscall(SYS_finit_module, fd, parameters, 0), 0);
	close(fd);
}

static void unload(void)
{
	/* Somebody may be about to be refused just now. */
	UNTIL(!syscall(SYS_delete_module, "kmsg_queue", O_NONBLOCK) ||
	      errno == ENOENT);
}

static void on_processor(int number)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(number % sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	EQ(sched_setaffinity(0, sizeof(cpu), &cpu), 0);
}

static ssize_t look(struct call *c, int null)
{
	struct stat st;

	(void)c;
	(void)null;
	on_processor(1);
	while (!shared->stop)
		shared->stats += !stat(QUEUE_FILE, &st);
	return 0;
}

static void become(uid_t user, gid_t group)
{
	EQ(setgroups(1, &group), 0);
	EQ(setgid(user), 0);
	EQ(setuid(user), 0);
}

static ssize_t intrude(struct call *c, int null)
{
	(void)c;
	(void)null;
	on_processor(1);
	become(MEMBER, GROUP);
	while (!shared->stop) {
		int fd = open(QUEUE_FILE, O_RDWR | O_NONBLOCK);

		if (fd >= 0) {
			shared->let_in++;
			close(fd);
		} else if (errno == EACCES) {
			shared->refused++;
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
	return open(QUEUE_FILE, O_RDWR | O_NONBLOCK) < 0 ? -1 : 0;
}

static void check_owner(int load)
{
	struct stat st;

	EQ(stat(QUEUE_FILE, &st), 0);
	CHECK(st.st_uid == OWNER && st.st_gid == GROUP &&
	      (st.st_mode & 07777) == 0606,
	      "load %d: owner %d, group %d, mode %o", load, st.st_uid,
	      st.st_gid, st.st_mode & 07777);
}

static void load_beside(call_fn first, call_fn second)
{
	int null = open("/dev/null", O_RDONLY), i;
	struct call *a, *b;
	FILE *name;

	name = popen("modinfo -n kmsg_queue", "r");
	CHECK(name && fscanf(name, "%299s", module) == 1, "no modinfo");
	pclose(name);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED, "mmap: %s", strerror(errno));
	unload();
	a = call_start(first, null, 0, NULL, 0);
	b = call_start(second, null, 0, NULL, 0);
	on_processor(0);
	for (i = 1; i <= LOADS; i++) {
		load(PARAMETERS);
		check_owner(i);
		CHECK(!shared->let_in, "load %d: the wrong ones get in", i);
		EQ(call_join(call_start(use, null, 0, NULL, 0)), 0);
		unload();
	}
	load("");
	shared->stop = 1;
	call_join(a);
	call_join(b);
}

static void beside_stat(void)
{
	load_beside(look, look);
	CHECK(shared->stats > LOADS, "they saw the file %d times",
	      shared->stats);
}

static void beside_intruder(void)
{
	load_beside(look, intrude);
	CHECK(shared->refused, "nobody tried to open it");
}

static const struct tap_test tests[] = {
	{ "100 loads beside stat loops: the owner is right", beside_stat },
	{ "100 loads beside open loops: the wrong ones never get in",
	  beside_intruder },
};

TAP_MAIN(tests)
