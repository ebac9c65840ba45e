// SPDX-License-Identifier: GPL-2.0-only
/* What every C test shares; see tap.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "tap.h"

#define EXIT_SKIP	77	/* as for autopkgtest and automake */
/* Guards against a hang, never judges speed: debug kernels are slow. */
#define DEADLINE_S	300

/* Shared with all children, so that the first reason given is kept. */
static struct {
	int taken;
	char text[600];
} *reason;

char queue_file[QUEUE_NAME_MAX + 32] = QUEUE_FILE;
static char queue_dir[QUEUE_NAME_MAX + 64] = SYS_DIR "queues/" FIRST_QUEUE "/";
/* The queue that the subtests begin with. */
static const char *home = FIRST_QUEUE;
volatile sig_atomic_t caught;

static void set_reason(const char *fmt, va_list args)
{
	char *at;

	if (__atomic_exchange_n(&reason->taken, 1, __ATOMIC_SEQ_CST))
		return;
	vsnprintf(reason->text, sizeof(reason->text), fmt, args);
	/* Messages are any bytes; a reason is one line. */
	for (at = reason->text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '.';
}

void fail_at(const char *file, int line, const char *fmt, ...)
{
	char at[300];
	va_list args;

	snprintf(at, sizeof(at), "%s:%d: %s", file, line, fmt);
	va_start(args, fmt);
	set_reason(at, args);
	va_end(args);
	_exit(EXIT_FAILURE);
}

static void give_reason(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_reason(fmt, args);
	va_end(args);
}

void skip(const char *why)
{
	give_reason("%s", why);
	_exit(EXIT_SKIP);
}

static long read_number(const char *path)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 1)
		fail("%s: %s", path, strerror(errno));
	close(fd);
	return strtol(text, NULL, 10);
}

void use_queue(const char *name)
{
	bool first = !strcmp(name, FIRST_QUEUE);

	snprintf(queue_file, sizeof(queue_file), "/proc/%s%s",
		 first ? "" : "msg_queues/", name);
	snprintf(queue_dir, sizeof(queue_dir), SYS_DIR "queues/%s/", name);
}

long stat_of(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", queue_dir, name);
	return read_number(path);
}

long references(void)
{
	return read_number(SYS_DIR "refcnt");
}

int try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

int param_try(const char *name, long value)
{
	char path[256], text[32];

	snprintf(path, sizeof(path), "%s%s", queue_dir, name);
	snprintf(text, sizeof(text), "%ld", value);
	return try_write(path, text);
}

void param_set(const char *name, long value)
{
	int err = param_try(name, value);

	CHECK(!err, "%s=%ld: %s", name, value, strerror(err));
}

int try_queue_words(const char *words)
{
	return try_write(SYS_DIR "parameters/queue", words);
}

void make_queue(const char *words)
{
	int err = try_queue_words(words);

	CHECK(!err, "queue=%s: %s", words, strerror(err));
}

int q_open(int flags)
{
	int fd = open(queue_file, flags | O_CLOEXEC);

	CHECK(fd >= 0, "open %s: %s", queue_file, strerror(errno));
	return fd;
}

void send_msg(const void *msg, size_t len)
{
	int fd = q_open(O_WRONLY | O_NONBLOCK);

	EQ(write(fd, msg, len), len);
	close(fd);
}

void send_str(const char *msg)
{
	send_msg(msg, strlen(msg));
}

void get_msg(int fd, const void *want, size_t len)
{
	static char buf[HUGE_SIZE + 4096];
	size_t i, room = len + 4096;
	ssize_t ret;

	/* What is behind the message's end has to stay as it is. */
	memset(buf, 0x5a, room);
	ret = read(fd, buf, room);
	CHECK(ret >= 0, "read: %s, not \"%.40s\"", strerror(errno),
	      (const char *)want);
	CHECK((size_t)ret == len && !memcmp(buf, want, len),
	      "read %zd bytes \"%.*s\", not %zu bytes \"%.*s\"", ret,
	      ret > 40 ? 40 : (int)ret, buf, len, len > 40 ? 40 : (int)len,
	      (const char *)want);
	for (i = ret; i < room; i++)
		CHECK(buf[i] == 0x5a, "byte %zu behind the end is written",
		      i - ret);
}

void get_str(int fd, const char *want)
{
	get_msg(fd, want, strlen(want));
}

void get_eof(int fd)
{
	get_msg(fd, "", 0);
}

void expect_next(const char *want)
{
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	get_str(fd, want);
	(void)fsync(fd);	/* with read_ack, it would return otherwise */
	close(fd);
}

void expect_empty(void)
{
	char byte;
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	FAILS(read(fd, &byte, 1), EAGAIN);
	close(fd);
	EQ(stat_of("queued"), 0);
	EQ(stat_of("queued_bytes"), 0);
}

static void numbered(void (*each)(const char *), int first, int last)
{
	char text[32];

	for (; first <= last; first++) {
		snprintf(text, sizeof(text), "message %d", first);
		each(text);
	}
}

void send_numbered(int first, int last)
{
	numbered(send_str, first, last);
}

void expect_numbered(int first, int last)
{
	numbered(expect_next, first, last);
}

void limit_queue(long max, long count)
{
	/* Each step leaves room for one message: anything else is refused. */
	param_set("queue_max_bytes", MAX_BYTES);
	param_set("msg_max_size", max);
	param_set("queue_max_bytes", count * footprint(max));
}

void fill_queue(void)
{
	static char msg[HUGE_SIZE];
	size_t max = stat_of("msg_max_size");
	int fd = q_open(O_WRONLY | O_NONBLOCK);

	memset(msg, 'f', max);
	while (write(fd, msg, max) == (ssize_t)max)
		;
	EQ(errno, EAGAIN);
	close(fd);
}

void drain_queue(void)
{
	static char buf[HUGE_SIZE];
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	EQ(errno, EAGAIN);
	close(fd);
}

void *bad_address(void)
{
	void *bad = mmap(NULL, HUGE_SIZE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(bad != MAP_FAILED, "mmap: %s", strerror(errno));
	return bad;
}

void fill_pattern(void *buf, size_t len, unsigned int seed)
{
	unsigned char *byte = buf;
	uint32_t state = seed * 2654435761u + 1;
	size_t i;

	for (i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		byte[i] = state >> 24;
	}
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED, "mmap: %s", strerror(errno));
	return memory;
}

void on_processor(pid_t pid, int number)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(number % sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	EQ(sched_setaffinity(pid, sizeof(cpu), &cpu), 0);
}

double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

bool booted_with(const char *text)
{
	static char line[4096];
	FILE *file = fopen("/proc/cmdline", "r");

	CHECK(file && fgets(line, sizeof(line), file), "no /proc/cmdline");
	fclose(file);
	return strstr(line, text);
}

static void on_signal(int sig)
{
	(void)sig;
	caught++;
}

void catch_signal(int sig, int flags)
{
	struct sigaction action = { .sa_handler = on_signal };

	action.sa_flags = flags;
	EQ(sigaction(sig, &action, NULL), 0);
}

/* Calls @each in all queues, with their names. */
static void each_queue(void (*each)(const char *name))
{
	DIR *dir = opendir(SYS_DIR "queues");
	struct dirent *entry;

	CHECK(dir, SYS_DIR "queues: %s", strerror(errno));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			use_queue(entry->d_name);
			each(entry->d_name);
		}
	closedir(dir);
	use_queue(home);
}

static void settle(const char *unused)
{
	(void)unused;
	drain_queue();
	EQ(stat_of("queued"), 0);
	EQ(stat_of("queued_bytes"), 0);
	EQ(stat_of("held"), 0);
	EQ(stat_of("enqueued") + stat_of("returned"), stat_of("dequeued"));
}

/* Those that others have for their dead queue stay for the second time. */
static void remove_if_made(const char *name)
{
	char words[QUEUE_NAME_MAX + 2];

	if (!strcmp(name, FIRST_QUEUE) || !strcmp(name, home))
		return;
	drain_queue();
	snprintf(words, sizeof(words), "-%s", name);
	(void)try_queue_words(words);
}

static void reset(void)
{
	each_queue(remove_if_made);
	each_queue(remove_if_made);
	param_set("read_wait", 0);
	param_set("read_eof", 1);
	param_set("read_ack", 0);
	param_set("queue_max_bytes", MAX_BYTES);
	param_set("msg_max_size", MAX_SIZE);
	drain_queue();
}

/* What has to hold when a subtest is over, whatever it did. */
static void check_traces(void)
{
	UNTIL(references() == 0);
	each_queue(settle);
}

static void all_killed(pid_t group)
{
	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/*
 * Runs @run in a child of its own, until the deadline. Gives its wait status;
 * a child that cannot even be killed stays behind.
 */
static int run_child(void (*run)(void), const char *late)
{
	struct timespec now, start;
	int status;
	pid_t pid;

	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
		_exit(EXIT_SUCCESS);
	}
	setpgid(pid, pid);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > DEADLINE_S + 10) {
			give_reason("%s, and cannot be killed", late);
			return -1;
		}
		if (now.tv_sec - start.tv_sec > DEADLINE_S) {
			give_reason("%s", late);
			kill(-pid, SIGKILL);
		}
		usleep(2000);
	}
	all_killed(pid);
	return status;
}

static bool passed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* One line of TAP for one subtest; true unless it failed. */
static bool run_test(const struct tap_test *test, size_t number)
{
	int status;

	memset(reason, 0, sizeof(*reason));
	status = run_child(reset, "timed out while the queue was set up");
	if (passed(status)) {
		status = run_child(test->run, "timed out");
		if (passed(status))
			status = run_child(check_traces,
					   "the file stays open afterwards");
	}
	if (WIFSIGNALED(status))
		give_reason("killed by signal %d", WTERMSIG(status));

	if (passed(status)) {
		printf("ok %zu - %s\n", number, test->name);
		return true;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) {
		printf("ok %zu - %s # SKIP %s\n", number, test->name,
		       reason->text);
		return true;
	}
	printf("not ok %zu - %s: %s\n", number, test->name, reason->text);
	return false;
}

/* Why nothing can be tested here, or NULL. */
static const char *precondition(void)
{
	if (access(SYS_DIR "queues", F_OK))
		return "kmsg_queue is not loaded";
	if (access(queue_file, F_OK))
		return "the queue has no file";
	if (geteuid())
		return "needs root, for the live parameters";
	if (references())
		return "somebody has a queue open";
	if (stat_of("queued"))
		return "somebody's messages are in the queue";
	return NULL;
}

int tap_run(const struct tap_test *tests, size_t count)
{
	const char *missing;
	size_t i, failed = 0;

	reason = mmap(NULL, sizeof(*reason), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	puts("TAP version 13");
	if (getenv("KMSGQ_QUEUE"))
		home = getenv("KMSGQ_QUEUE");
	use_queue(home);
	missing = precondition();
	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return EXIT_SKIP;
	}
	/* Grandchildren come here when their parent dies, to be waited for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	printf("1..%zu\n", count);
	for (i = 0; i < count; i++)
		failed += !run_test(&tests[i], i + 1);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
