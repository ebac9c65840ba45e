// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameters' files are in sysfs before the module has run its init function.
 * What is written to one of them until then is refused, with EBUSY: it neither
 * has effect nor makes the load fail.
 */
#include "load.h"

#define LOADS_MIN	8
#define LOADS_MAX	400	/* for a write that comes early enough */

static struct {
	volatile int stop;
	volatile long refused, done;
} *shared;

/* What is written while the module is loaded and unloaded, on and on. */
struct attempt {
	const char *name, *value;
	bool valid;		/* so it may have effect after init */
};

static const struct attempt attempts[] = {
	{ "queue", "early,mode=0600", true },
	{ "queue", "early,mode=9", false },
	{ "queue", "-early", true },
	{ "queue_max_bytes", "1", false },
	{ "msg_max_size", "0", false },
	{ "read_wait", "Y", true },
};

static const struct attempt *attempt;

static ssize_t write_on_and_on(struct call *c, int null)
{
	char path[128];

	(void)c;
	(void)null;
	snprintf(path, sizeof(path), SYS_DIR "parameters/%s", attempt->name);
	while (!shared->stop) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (write(fd, attempt->value, strlen(attempt->value)) > 0)
			shared->done++;
		else if (errno == EBUSY)
			shared->refused++;
		close(fd);
	}
	return 0;
}

static char setting(const char *name)
{
	char path[128], value;
	int fd;

	snprintf(path, sizeof(path), SYS_DIR "parameters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	EQ(read(fd, &value, 1), 1);
	close(fd);
	return value;
}

static void unload(void)
{
	UNTIL(!module_unload() || errno == ENOENT);
}

#define WRITERS	4

static void beside(const struct attempt *a)
{
	int null = open("/dev/null", O_RDONLY), loads, i;
	struct call *writers[WRITERS];

	attempt = a;
	shared = shared_memory(sizeof(*shared));
	unload();
	for (i = 0; i < WRITERS; i++)
		writers[i] = call_start(write_on_and_on, null, 0, NULL, 0);
	for (loads = 0; loads < LOADS_MIN ||
	     (loads < LOADS_MAX && !shared->refused); loads++) {
		if (module_load("read_eof=N queue=mine,mode=0600")) {
			int err = errno;

			/* The next subtest needs it. */
			shared->stop = 1;
			UNTIL(!module_load("") || errno == EEXIST);
			fail("load %d beside writes of %s=%s: %s", loads + 1,
			     a->name, a->value, strerror(err));
		}
		EQ(access("/proc/msg_queues/mine", F_OK), 0);
		EQ(setting("read_eof"), 'N');
		unload();
	}
	shared->stop = 1;
	for (i = 0; i < WRITERS; i++)
		EQ(call_join(writers[i]), 0);
	EQ(module_load(""), 0);
	printf("# %s=%s: %d loads, %ld writes got EBUSY, %ld had effect\n",
	       a->name, a->value, loads, shared->refused, shared->done);
	fflush(stdout);
	CHECK(a->valid || !shared->done, "%s=%s is written with success",
	      a->name, a->value);
	if (!shared->refused && strcmp(a->value, "-early"))
		skip("no write came early enough");
}

#define BESIDE(number)					\
	static void beside_##number(void)		\
	{						\
		beside(&attempts[number]);		\
	}

BESIDE(0)
BESIDE(1)
BESIDE(2)
BESIDE(3)
BESIDE(4)
BESIDE(5)

static const struct tap_test tests[] = {
	{ "loads alongside writes that create a queue", beside_0 },
	{ "loads alongside writes of a queue that is invalid", beside_1 },
	{ "loads alongside writes that remove a queue", beside_2 },
	{ "loads alongside writes of queue_max_bytes=1", beside_3 },
	{ "loads alongside writes of msg_max_size=0", beside_4 },
	{ "loads alongside writes of read_wait", beside_5 },
};

TAP_MAIN(tests)
