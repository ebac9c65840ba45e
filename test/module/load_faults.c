// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation and user copy of the module's init function fails in turn,
 * then each of unloading it. A load that fails leaves nothing behind, one that copes with
 * the failure gives a module that works; a module whose unload fails is as it
 * was.
 *
 * There are more places to fail than a subtest has time for: each goes on
 * where the one before it has stopped.
 */
#define _GNU_SOURCE
#include <sys/klog.h>
#include <time.h>

#include "faults.h"
#include "load.h"

#define SECONDS	80

/* klogctl(2): what goes to the console */
#define CONSOLE_LEVEL	8

/* Where the subtests are. */
static struct {
	int load, unload;	/* the place that is next to fail; 0: done */
} *next;

#define PARAMETERS \
	"queue=jobs,mode=0660,gid=33,read_ack=Y,max_deliveries=5,dead=dead queue=dead"

static bool loaded(void)
{
	return !access(SYS_DIR "queues/msg_queue/queued", F_OK);
}

static void nothing_left(int nth)
{
	no_caches_left();
	CHECK(access("/sys/module/kmsg_queue", F_OK) &&
	      access(QUEUE_FILE, F_OK) && access("/proc/msg_queues", F_OK),
	      "load, fault %d: files are left", nth);
}

static void works(const char *what, int nth)
{
	CHECK(loaded() && !access(QUEUE_FILE, F_OK),
	      "%s, fault %d: it is not all there", what, nth);
	send_str("a message");
	expect_next("a message");
	expect_empty();
	use_queue("dead");
	send_str("a dead message");
	expect_next("a dead message");
	/* It has a dead queue, so all its parameters are in effect. */
	use_queue("jobs");
	EQ(stat_of("max_deliveries"), 5);
	use_queue("msg_queue");
}

static void check_error(const char *what, int nth)
{
	CHECK(errno == ENOMEM || errno == EFAULT, "%s, fault %d: %s", what,
	      nth, strerror(errno));
}

/* True where a fault was injected. */
static bool load_with_fault(int nth)
{
	int armed = faults_arm(nth);
	long ret = module_load(PARAMETERS);
	bool injected = faults_disarm(armed);

	if (ret) {
		check_error("load", nth);
		CHECK(injected, "load fails with no fault");
	} else {
		works("load", nth);
		EQ(module_unload(), 0);
	}
	nothing_left(nth);
	return injected;
}

static bool unload_with_fault(int nth)
{
	bool injected;
	int armed;
	long ret;

	EQ(module_load(PARAMETERS), 0);
	send_str("left");
	armed = faults_arm(nth);
	ret = module_unload();
	injected = faults_disarm(armed);
	if (ret) {
		check_error("unload", nth);
		expect_next("left");
		works("unload", nth);
		EQ(module_unload(), 0);
	}
	nothing_left(nth);
	return injected;
}

/* Where @name begins, and where the function behind it does. */
static void find_function(const char *name, unsigned long long range[2])
{
	unsigned long long addr;
	char symbol[300];
	FILE *file = fopen("/proc/kallsyms", "r");

	CHECK(file, "/proc/kallsyms: %s", strerror(errno));
	range[0] = 0;
	while (fscanf(file, "%llx %*c %299s%*[^\n]", &addr, symbol) == 2) {
		if (range[0] && addr > range[0])
			break;
		if (!strcmp(symbol, name))
			range[0] = addr;
	}
	fclose(file);
	CHECK(range[0], "no %s in /proc/kallsyms", name);
	range[1] = addr;
}

/* Only faults in what a module has called, and not in one function. */
static void limit_faults(const char *attr)
{
	static const char *const names[] = {
		"require-start", "require-end", "reject-start", "reject-end",
		"stacktrace-depth",
	};
	/* The kernel's Documentation/arch/x86/x86_64/mm.rst: modules. */
	unsigned long long values[] = {
		0xffffffffa0000000, 0xffffffffff000000, 0, 0, 32,
	};
	char path[100], text[32];
	size_t i;

	/* Where that fails, the kernel forgets the name of the cache. */
	find_function("sysfs_slab_add", values + 2);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), FAULTS_DIR "%s/%s", attr, names[i]);
		snprintf(text, sizeof(text), i < 4 ? "0x%llx" : "%llu",
			 values[i]);
		faults_set(path, text);
	}
}

static void unlimit_faults(const char *attr)
{
	char path[100];

	snprintf(path, sizeof(path), FAULTS_DIR "%s/require-start", attr);
	faults_set(path, "0");
	snprintf(path, sizeof(path), FAULTS_DIR "%s/require-end", attr);
	faults_set(path, "0xffffffffffffffff");
	snprintf(path, sizeof(path), FAULTS_DIR "%s/reject-end", attr);
	faults_set(path, "0");
	snprintf(path, sizeof(path), FAULTS_DIR "%s/reject-start", attr);
	faults_set(path, "0");
}

static void go_on(const char *what, bool (*with_fault)(int nth), int *nth)
{
	time_t end = time(NULL) + SECONDS;

	faults_init(false);
	module_path();
	if (!*nth)
		skip("all of them have failed already");
	/*
	 * Where a cache cannot be created the kernel itself logs a stack. That
	 * shall not be taken for a bug; guest-run knows how to tell them apart.
	 */
	EQ(klogctl(CONSOLE_LEVEL, NULL, 1), 0);
	EQ(module_unload(), 0);
	while (time(NULL) < end) {
		if (!with_fault(*nth)) {
			dprintf(1, "# %s: %d faults\n", what, *nth - 1);
			*nth = 0;
			break;
		}
		++*nth;
	}
	EQ(module_load(PARAMETERS), 0);
	EQ(klogctl(CONSOLE_LEVEL, NULL, 7), 0);
}

static void some_loads(void)
{
	faults_init(false);
	limit_faults("failslab");
	limit_faults("fail_usercopy");
	go_on("load", load_with_fault, &next->load);
}

static void last_loads(void)
{
	some_loads();
	EQ(next->load, 0);
}

static void every_unload(void)
{
	faults_init(false);
	unlimit_faults("failslab");
	unlimit_faults("fail_usercopy");
	go_on("unload", unload_with_fault, &next->unload);
	EQ(next->unload, 0);
}

static const struct tap_test tests[] = {
	{ "a fault at each place of a load, part 1", some_loads },
	{ "a fault at each place of a load, part 2", some_loads },
	{ "a fault at each place of a load, part 3", some_loads },
	{ "a fault at each place of a load, part 4", some_loads },
	{ "a fault at each place of a load, part 5", some_loads },
	{ "a fault at each place of a load, to the last", last_loads },
	{ "a fault at each place of an unload", every_unload },
};

int main(void)
{
	next = shared_memory(sizeof(*next));
	next->load = 1;
	next->unload = 1;
	return tap_run(tests, ARRAY_SIZE(tests));
}
