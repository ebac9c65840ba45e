// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task that was woken and gets no processor keeps no other asleep: neither a
 * reader that could take the messages, nor a writer that could use the space.
 * How much a free task gets done beside it is compared with what it gets done
 * with a POSIX message queue, which hands each message to one task.
 */
#define _GNU_SOURCE
#include <mqueue.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>

#include "tap.h"

#define SIZE		64	/* of a message */
#define DEPTH		10	/* messages that fit: the most for POSIX */
#define STEPS		150	/* messages that are sent, or taken */
#define HOGS		20
#define STARVED		6
#define MQ		"/kmsgq-starved"
#define GROUP		"/sys/fs/cgroup/starved"
/*
 * With quotas and real-time tasks, too. On a busy host, emulated processors now and
 * then stand still for longer than these tests wait.
 */
#ifndef SLOW
#define SLOW		0
#endif
/* A processor for the starved and the hogs, one for all others. */
#define BUSY		1
#define FREE		0

static char msg[SIZE];

static struct {
	long done[2];		/* by the starved, by the free one */
	volatile int hogs;	/* one has run */
	volatile int winner;	/* the first to be done, from 1 */
} *shared;

static void share(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip("one processor: the test would starve itself");
	shared = shared_memory(sizeof(*shared));
}

static void set_policy(pid_t pid, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	EQ(sched_setscheduler(pid, policy, &param), 0);
}

/* Tasks that use all of a processor; nothing of theirs matters to the queue. */
static ssize_t hog(struct call *c, int fd)
{
	(void)c;
	(void)fd;
	while (sched_getcpu() != BUSY)
		;
	shared->hogs = 1;
	while (!shared->winner)
		;
	return 0;
}

static void start_hogs(struct call **hogs, size_t count)
{
	int null = open("/dev/null", O_RDONLY);

	while (count--) {
		hogs[count] = call_start(hog, null, 0, NULL, 0);
		on_processor(hogs[count]->pid, BUSY);
	}
}

/* What the tasks use: the queue, or a POSIX queue for comparison. */
struct kind {
	ssize_t (*send)(int fd);
	ssize_t (*receive)(int fd);
	int (*open)(int flags);
};

static ssize_t queue_send(int fd)
{
	return write(fd, msg, SIZE);
}

static ssize_t queue_receive(int fd)
{
	char buf[SIZE];

	return read(fd, buf, SIZE);
}

static ssize_t mq_send_one(int fd)
{
	return mq_send(fd, msg, SIZE, 0) ? -1 : SIZE;
}

static ssize_t mq_receive_one(int fd)
{
	char buf[SIZE];

	return mq_receive(fd, buf, SIZE, NULL);
}

static int mq_open_it(int flags)
{
	struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = SIZE };
	int fd = mq_open(MQ, flags | O_CREAT, 0600, &attr);

	if (fd < 0 && errno == ENOSYS)
		skip("this kernel has no POSIX message queues to compare with");
	CHECK(fd >= 0, "mq_open: %s", strerror(errno));
	return fd;
}

static const struct kind queue = { queue_send, queue_receive, q_open };
static const struct kind mq = { mq_send_one, mq_receive_one, mq_open_it };

/* Of the tasks that wait; the test does the opposite of what they do. */
static const struct kind *kind;
static bool writers;

/* Uses a processor for some ticks, beside a hog. */
static void overdraw(void)
{
	struct timespec start, now;

	while (!shared->hogs)
		;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 +
	       (now.tv_nsec - start.tv_nsec) / 1000000 < 6);
}

static ssize_t work(struct call *c, int null)
{
	int fd = kind->open(O_RDWR);

	(void)null;
	if (c->buf[1])
		overdraw();
	for (;;) {
		EQ((writers ? kind->send : kind->receive)(fd), SIZE);
		__atomic_fetch_add(&shared->done[(int)c->buf[0]], 1,
				   __ATOMIC_SEQ_CST);
	}
}

static struct call *start_worker(char number, bool overdrawn)
{
	int null = open("/dev/null", O_RDONLY);

	return call_start(work, null, 0, (char[]){ number, overdrawn }, 2);
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

/*
 * With SCHED_IDLE, and with more than its share used up before it sleeps: a task
 * that has just slept for long would get a processor at once.
 */
static void start_idle(struct call **workers, struct call **hogs)
{
	size_t i;

	for (i = 0; i < STARVED; i++) {
		workers[i] = start_worker(0, true);
		on_processor(workers[i]->pid, BUSY);
		set_policy(workers[i]->pid, SCHED_IDLE, 0);
	}
	start_hogs(hogs, 1);
	for (i = 0; i < STARVED; i++)
		call_asleep(workers[i]);
	start_hogs(hogs + 1, HOGS - 1);
}

/* In a control group with 0.1 % of a processor, which others there use up. */
static void start_without_quota(struct call **workers, struct call **hogs)
{
	char text[16];
	size_t i;

	EQ(put(GROUP "/cpu.max", "1000 1000000"), 0);
	for (i = 0; i < STARVED; i++) {
		workers[i] = start_worker(0, false);
		call_asleep(workers[i]);
	}
	start_hogs(hogs, HOGS);
	for (i = 0; i < HOGS + STARVED; i++) {
		snprintf(text, sizeof(text), "%d",
			 (i < HOGS ? hogs[i] : workers[i - HOGS])->pid);
		EQ(put(GROUP "/cgroup.procs", text), 0);
	}
}

static void need_quota(void)
{
	if (!SLOW)
		skip("not on a busy host: see slow/starved");
	if (!access("/sys/kernel/realtime", F_OK))
		skip("with PREEMPT_RT a task without quota may have the lock");
	put("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");
	mkdir(GROUP, 0755);
	if (access(GROUP "/cpu.max", F_OK))
		skip("this kernel has no cpu.max");
}

typedef void (*start_fn)(struct call **workers, struct call **hogs);

/* How many of the steps a free worker does beside those that are starved. */
static long free_share(const struct kind *which, long *steps, start_fn start)
{
	struct call *hogs[HOGS], *starved[STARVED], *other;
	long before[2];
	int fd, i;

	kind = which;
	shared->hogs = 0;
	fd = kind->open(O_RDWR | O_NONBLOCK);
	while (writers && kind->send(fd) == SIZE)
		;
	start(starved, hogs);
	other = start_worker(1, false);
	call_asleep(other);
	memcpy(before, shared->done, sizeof(before));

	for (*steps = 0, i = 0; i < STEPS; i++) {
		*steps += (writers ? kind->receive : kind->send)(fd) == SIZE;
		usleep(20000);
	}
	printf("# %s: %ld steps; done by the starved %ld, by the other %ld\n",
	       kind == &mq ? "POSIX mq" : "kmsg_queue", *steps,
	       shared->done[0] - before[0], shared->done[1] - before[1]);
	fflush(stdout);

	/* A task without quota cannot even die. */
	put(GROUP "/cpu.max", "max");
	for (i = 0; i < HOGS; i++)
		call_kill(hogs[i], SIGKILL);
	for (i = 0; i < STARVED; i++)
		call_kill(starved[i], SIGKILL);
	call_kill(other, SIGKILL);
	close(fd);
	return shared->done[1] - before[1];
}

static void starved(bool write, start_fn start)
{
	long ours, theirs, steps;

	share();
	if (start == start_without_quota)
		need_quota();
	writers = write;
	on_processor(0, FREE);
	mq_unlink(MQ);
	limit_queue(SIZE, DEPTH);
	param_set("read_wait", 1);
	param_set("read_eof", 0);

	ours = free_share(&queue, &steps, start);
	CHECK(ours >= steps / 2, "of %ld steps the free one did %ld", steps,
	      ours);
	theirs = free_share(&mq, &steps, start);
	mq_unlink(MQ);
	rmdir(GROUP);
	CHECK(ours >= theirs * 3 / 4,
	      "the free one did %ld steps, with a POSIX queue %ld", ours,
	      theirs);
}

static void reader_by_policy(void)
{
	starved(false, start_idle);
}

static void reader_by_quota(void)
{
	starved(false, start_without_quota);
}

static void writer_by_policy(void)
{
	starved(true, start_idle);
}

static void writer_by_quota(void)
{
	starved(true, start_without_quota);
}

/*
 * The tasks first in line get no processor at all, and one thing happens, once:
 * it has to reach the last in line.
 */
#define LINE	5	/* an odd number: 1 + 2 + 4 wake-ups reach the last */

/* What happens to the queue; @fd: what prepare() gave. */
struct event {
	const char *name;
	bool writers;
	int (*prepare)(void);
	void (*happen)(int fd);
};

static ssize_t one_call(struct call *c, int fd)
{
	ssize_t ret = writers ? queue_send(fd) : queue_receive(fd);

	if (ret == SIZE)
		__sync_bool_compare_and_swap(&shared->winner, 0, c->buf[0]);
	pause();
	return ret;
}

/* Gives up in the end: then one of the starved is the first, or nobody. */
static ssize_t hog_for_a_while(struct call *c, int fd)
{
	double start = seconds();

	(void)c;
	(void)fd;
	while (!shared->winner && seconds() - start < 10)
		;
	if (!shared->winner)
		shared->winner = -1;
	return 0;
}

/* Real-time tasks may use all of a processor; gives what was set. */
static void rt_runtime(const char *value, char *old, size_t size)
{
	static const char path[] = "/proc/sys/kernel/sched_rt_runtime_us";
	int fd = open(path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	if (old)
		old[read(fd, old, size - 1)] = 0;
	EQ(pwrite(fd, value, strlen(value), 0), strlen(value));
	close(fd);
}

static void last_in_line(const struct event *event)
{
	int null = open("/dev/null", O_RDONLY), fd;
	struct call *line[LINE + 1], *above;
	char i, old[32] = "";

	share();
	on_processor(0, FREE);
	writers = event->writers;
	limit_queue(SIZE, DEPTH);
	param_set("read_wait", !writers);
	fd = event->prepare();
	for (i = 0; i <= LINE; i++) {
		line[(int)i] = call_start(one_call, -1,
					  writers ? O_WRONLY : O_RDONLY,
					  (char[]){ i + 1 }, 1);
		call_asleep(line[(int)i]);
		on_processor(line[(int)i]->pid, i < LINE ? BUSY : FREE);
	}

	rt_runtime("-1", old, sizeof(old));
	above = call_start(hog_for_a_while, null, 0, NULL, 0);
	on_processor(above->pid, BUSY);
	set_policy(above->pid, SCHED_FIFO, 1);
	event->happen(fd);
	call_join(above);
	rt_runtime(old, NULL, 0);

	for (i = 0; i <= LINE; i++)
		call_kill(line[(int)i], SIGKILL);
	CHECK(shared->winner > 0, "%s: nobody in line went on", event->name);
	EQ(shared->winner, LINE + 1);
}

static int with_nothing(void)
{
	return -1;
}

static int with_a_message_held(void)
{
	int fd;

	send_msg(msg, SIZE);
	param_set("read_ack", 1);
	fd = q_open(O_RDONLY | O_NONBLOCK);
	param_set("read_ack", 0);
	get_msg(fd, msg, SIZE);
	return fd;
}

static int with_a_full_queue(void)
{
	fill_queue();
	return -1;
}

static int with_a_message_half_read(void)
{
	char byte;
	int fd;

	fill_queue();
	fd = q_open(O_RDONLY);
	EQ(read(fd, &byte, 1), 1);
	return fd;
}

static int full_with_a_message_held(void)
{
	int fd = with_a_message_held();

	fill_queue();
	return fd;
}

static void write_one(int fd)
{
	(void)fd;
	send_msg(msg, SIZE);
}

static void close_it(int fd)
{
	close(fd);
}

static void read_one(int fd)
{
	static char f[SIZE];

	fd = q_open(O_RDONLY | O_NONBLOCK);
	get_msg(fd, memset(f, 'f', SIZE), SIZE);
}

static void read_the_rest(int fd)
{
	char buf[SIZE];

	EQ(read(fd, buf, SIZE), SIZE - 1);
}

static void confirm(int fd)
{
	EQ(fsync(fd), 0);
}

static void fail_to_read(int fd)
{
	fd = q_open(O_RDWR);
	EQ(write(fd, msg, SIZE), SIZE);
	FAILS(read(fd, bad_address(), SIZE), EFAULT);
}

static void all_events(const struct event *events, size_t count)
{
	size_t i;

	if (!SLOW)
		skip("not on a busy host: see slow/starved");
	for (i = 0; i < count; i++) {
		last_in_line(&events[i]);
		param_set("read_ack", 0);
		drain_queue();
	}
}

static void message_reaches_the_last(void)
{
	static const struct event events[] = {
		{ "a write", false, with_nothing, write_one },
		{ "a return", false, with_a_message_held, close_it },
		{ "a failed read", false, with_nothing, fail_to_read },
	};

	all_events(events, ARRAY_SIZE(events));
}

static void space_reaches_the_last(void)
{
	static const struct event events[] = {
		{ "a read", true, with_a_full_queue, read_one },
		{ "the last byte's read", true, with_a_message_half_read,
		  read_the_rest },
		{ "a close", true, with_a_message_half_read, close_it },
		{ "a confirmation", true, full_with_a_message_held, confirm },
	};

	all_events(events, ARRAY_SIZE(events));
}

static const struct tap_test tests[] = {
	/* First: later, the backstop may wake many tasks when it first expires. */
	{ "one message reaches the last of 6 readers, the others get no processor",
	  message_reaches_the_last },
	{ "space for one message reaches the last of 6 writers, the others get no processor",
	  space_reaches_the_last },
	{ "readers with SCHED_IDLE, woken, keep no other asleep",
	  reader_by_policy },
	{ "readers without quota, woken, keep no other asleep",
	  reader_by_quota },
	{ "writers with SCHED_IDLE, woken, keep no other asleep",
	  writer_by_policy },
	{ "writers without quota, woken, keep no other asleep",
	  writer_by_quota },
};

TAP_MAIN(tests)
