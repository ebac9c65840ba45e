// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes and reads as fast as it can, and prints a history of all calls, as
 * fifo_checker.py wants it. For load/fifo_order.py.
 *
 *     fifo_load procs|threads nonblock|plain|wait WORKERS MESSAGES
 *
 * WORKERS writers and as many readers, MESSAGES for each writer. With wait,
 * the queue's read_wait is on.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS	16
#define MAX_CALLS	20000	/* that a worker may log, */
#define MAX_EMPTY	10000	/* and those of them that find nothing */
#define MAX_LENGTH	200
#define END		UINT32_MAX	/* as a message's writer */

struct message {
	uint32_t writer, number;
	char rest[MAX_LENGTH];
};

struct call {
	int64_t begin, end;
	uint32_t writer, number;
	char kind;
};

/* All of it shared by the workers, each of which writes its own log only. */
static struct worker {
	int id;
	int count, empty;
	struct call log[MAX_CALLS];
} *workers;

static bool threads, plain, nonblock;
static uint32_t messages;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void log_call(struct worker *worker, char kind, int64_t begin,
		     const struct message *msg)
{
	struct call call = { .begin = begin, .end = now(), .kind = kind };

	/* Empty reads may be left out: that proves less, but nothing wrong. */
	if (kind == 'e' && worker->empty++ >= MAX_EMPTY)
		return;
	if (worker->count == MAX_CALLS)
		errx(1, "too many calls to log");
	if (msg) {
		call.writer = msg->writer;
		call.number = msg->number;
	}
	worker->log[worker->count++] = call;
}

static int open_queue(int flags)
{
	int fd = open("/proc/msg_queue", flags);

	if (fd < 0)
		err(1, "/proc/msg_queue");
	return fd;
}

static size_t fill(struct message *msg, uint32_t writer, uint32_t number)
{
	size_t rest = (writer * 31 + number * 7) % MAX_LENGTH;

	msg->writer = writer;
	msg->number = number;
	memset(msg->rest, writer + number, rest);
	return offsetof(struct message, rest) + rest;
}

static void write_one(struct worker *worker, int fd, uint32_t writer,
		      uint32_t number)
{
	struct message msg;
	size_t len = fill(&msg, writer, number);
	int64_t begin;
	ssize_t ret;

	do {
		begin = now();
		ret = write(fd, &msg, len);
		if (ret < 0 && errno == EAGAIN)
			sched_yield();
	} while (ret < 0 && errno == EAGAIN);
	if (ret != (ssize_t)len)
		err(1, "write of %zu bytes: %zd", len, ret);
	log_call(worker, 'w', begin, &msg);
}

static void run_writer(struct worker *worker)
{
	/* Half of them wait when the queue is full, half try again. */
	int fd = open_queue(O_WRONLY | (worker->id % 2 ? O_NONBLOCK : 0));
	uint32_t i;

	for (i = 0; i < messages; i++)
		write_one(worker, fd, worker->id, i);
	close(fd);
}

static void run_reader(struct worker *worker)
{
	int flags = O_RDONLY | (nonblock ? O_NONBLOCK : 0);
	struct message msg, want;
	int fd = -1;

	do {
		int64_t begin;
		ssize_t ret;

		if (fd < 0)
			fd = open_queue(flags);
		begin = now();
		ret = read(fd, &msg, sizeof(msg));
		if (!ret || (ret < 0 && errno == EAGAIN)) {
			log_call(worker, 'e', begin, NULL);
			sched_yield();
			continue;
		}
		if (ret < 8 || (size_t)ret != fill(&want, msg.writer,
						   msg.number) ||
		    memcmp(&msg, &want, ret))
			err(1, "read of a message that nobody wrote: %zd", ret);
		log_call(worker, 'r', begin, &msg);
		if (plain) {
			close(fd);
			fd = -1;
		}
	} while (msg.writer != END);
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	if (worker->id < 0)
		run_reader(worker);
	else
		run_writer(worker);
	return NULL;
}

union handle {
	pthread_t thread;
	pid_t pid;
};

static void start(union handle *handle, struct worker *worker)
{
	if (threads) {
		if (pthread_create(&handle->thread, NULL, run, worker))
			errx(1, "cannot start a thread");
		return;
	}
	handle->pid = fork();
	if (handle->pid < 0)
		err(1, "fork");
	if (!handle->pid) {
		run(worker);
		exit(0);
	}
}

static void join(union handle *handle)
{
	int status;

	if (threads) {
		if (pthread_join(handle->thread, NULL))
			errx(1, "cannot join a thread");
		return;
	}
	if (waitpid(handle->pid, &status, 0) != handle->pid || status)
		errx(1, "a worker failed");
}

static void print(const struct worker *worker)
{
	int i;

	for (i = 0; i < worker->count; i++) {
		const struct call *call = &worker->log[i];

		printf("%c %lld %lld", call->kind, (long long)call->begin,
		       (long long)call->end);
		if (call->kind != 'e')
			printf(" %u:%u", call->writer, call->number);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	static union handle handles[2 * MAX_WORKERS];
	int count = argc == 5 ? atoi(argv[3]) : 0, i, end;

	if (count < 1 || count > MAX_WORKERS)
		errx(2, "see the top of fifo_load.c");
	threads = !strcmp(argv[1], "threads");
	nonblock = !strcmp(argv[2], "nonblock");
	plain = !nonblock;
	messages = atoi(argv[4]);

	/* The last one is for this process. */
	workers = mmap(NULL, (2 * count + 1) * sizeof(*workers),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (workers == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < 2 * count; i++) {
		workers[i].id = i < count ? i : -1;
		start(&handles[i], &workers[i]);
	}
	for (i = 0; i < count; i++)
		join(&handles[i]);
	/* A message for each reader that makes it stop. */
	end = open_queue(O_WRONLY);
	for (i = 0; i < count; i++)
		write_one(&workers[2 * count], end, END, i);
	for (i = count; i < 2 * count; i++)
		join(&handles[i]);
	for (i = 0; i <= 2 * count; i++)
		print(&workers[i]);
	return 0;
}
