/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every C test shares: TAP output with one forked, time-limited child
 * for each subtest, and short words for what is done to the queue's file.
 *
 * A test program is a table of subtests and TAP_MAIN(). Before each subtest
 * the queue is empty and the live parameters have their defaults; after it
 * nothing may hold the file open and the counters have to add up.
 *
 * No helper returns an error: what was not as expected ends the subtest,
 * with the reason on its "not ok" line.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "footprint.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define SYS_DIR		"/sys/module/kmsg_queue/"
#define QUEUE_FILE	"/proc/msg_queue"
#define FIRST_QUEUE	"msg_queue"	/* as sysfs calls it */
#define MAX_SIZE	1024		/* msg_max_size when a subtest starts */
#define MAX_BYTES	33554432	/* queue_max_bytes, likewise */
#define HUGE_SIZE	1048576		/* the largest msg_max_size there is */

struct tap_test {
	const char *name;
	void (*run)(void);
};

int tap_run(const struct tap_test *tests, size_t count);

#define TAP_MAIN(tests)						\
	int main(void)						\
	{							\
		return tap_run(tests, ARRAY_SIZE(tests));	\
	}

/* End this subtest: not ok, or skipped. */
void fail_at(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void skip(const char *reason) __attribute__((noreturn));

#define fail(...)	fail_at(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(cond, ...)			\
	do {					\
		if (!(cond))			\
			fail(__VA_ARGS__);	\
	} while (0)

/* A number is what it should be; errno is named if a call has failed. */
#define EQ(got, want)							\
	do {								\
		long long eq_got = (got), eq_want = (want);		\
									\
		CHECK(eq_got == eq_want, "%s: %lld%s%s, not %lld", #got, \
		      eq_got, eq_got == -1 ? " " : "",			\
		      eq_got == -1 ? strerror(errno) : "", eq_want);	\
	} while (0)

/* A call fails, with this errno. */
#define FAILS(call, err)						\
	do {								\
		long long fails_got = (call);				\
		int fails_errno = errno;				\
									\
		CHECK(fails_got == -1, "%s: %lld, not %s", #call,	\
		      fails_got, strerror(err));			\
		CHECK(fails_errno == (err), "%s: %s, not %s", #call,	\
		      strerror(fails_errno), strerror(err));		\
	} while (0)

/* Waits without a limit of its own: the subtest's deadline is the limit. */
#define UNTIL(cond)			\
	do {				\
		while (!(cond))		\
			usleep(1000);	\
	} while (0)

/*
 * The queue that everything below is about: when a subtest starts, the one that
 * the environment variable KMSGQ_QUEUE names, else the first. What is made is
 * removed after the subtest.
 */
#define QUEUE_NAME_MAX	63
extern char queue_file[QUEUE_NAME_MAX + 32];
void use_queue(const char *name);
void make_queue(const char *words);	/* "NAME,KEY=VALUE"; does not use it */
int try_queue_words(const char *words);	/* 0 or an errno */

/* The file. */
int q_open(int flags);
void send_msg(const void *msg, size_t len);	/* without waiting */
void send_str(const char *msg);
void send_numbered(int first, int last);	/* "message 1" and on */
void get_msg(int fd, const void *want, size_t len);
void get_str(int fd, const char *want);
void get_eof(int fd);
void expect_next(const char *want);	/* by an open of its own */
void expect_numbered(int first, int last);
void expect_empty(void);

/* Counters and settings of the queue; setting one gives 0 or an errno. */
long stat_of(const char *name);
long references(void);
/* Writes @text to a file there is; 0 or an errno. */
int try_write(const char *path, const char *text);
int param_try(const char *name, long value);
void param_set(const char *name, long value);

/* A queue with room for exactly @count messages of @max bytes, not more. */
void limit_queue(long max, long count);
/* @count messages of msg_max_size, the most there is room for. */
void fill_queue(void);
/* Takes all that is there. */
void drain_queue(void);

/* An address that user space has, and that can be neither read nor written. */
void *bad_address(void);

/* Bytes of all values that differ with @seed. */
void fill_pattern(void *buf, size_t len, unsigned int seed);

/*
 * One call, made by a child, so that it may wait. The child has an open of
 * its own, unless it is given one to share, and catches SIGUSR1.
 */
struct call {
	pid_t pid;
	int shared_fd;		/* -1: the child opens the file with @flags */
	int flags;
	ssize_t ret;
	int err;
	size_t len;
	char buf[];		/* what is written, or has been read */
};

/* How children that are started from now on catch SIGUSR1: 0, SA_RESTART. */
extern int call_sa_flags;

typedef ssize_t (*call_fn)(struct call *c, int fd);

ssize_t one_read(struct call *c, int fd);	/* such a function */

struct call *call_start(call_fn fn, int shared_fd, int flags,
			const void *data, size_t len);
struct call *call_read(int flags);
struct call *call_write(const void *data, size_t len);
/* Waits until the call has returned, or sleeps: true if it sleeps. */
bool call_settled(struct call *c);
/* The call is asleep in the kernel, as it should be. */
void call_asleep(struct call *c);
bool call_returned(struct call *c);
/* How often the child went to sleep so far. */
long call_sleeps(struct call *c);
/* Waits for the call's end; gives its result, and its errno in errno. */
ssize_t call_join(struct call *c);
/* The call has read @want. */
void call_join_str(struct call *c, const char *want);
/* Ends the child by @sig, which has to kill it. */
void call_kill(struct call *c, int sig);

/* Memory, all zero, that the children share that are started from now on. */
void *shared_memory(size_t size);

/* The task @pid, or with 0 this one, runs on one processor of those there are. */
void on_processor(pid_t pid, int number);

/* Since some moment. */
double seconds(void);

/* The kernel's command line has this. */
bool booted_with(const char *text);

/* @sig runs an empty handler, installed with @flags. */
void catch_signal(int sig, int flags);
extern volatile sig_atomic_t caught;

#endif
