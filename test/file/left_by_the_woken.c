// SPDX-License-Identifier: GPL-2.0-only
/*
 * A message is reported to one of the EPOLLEXCLUSIVE workers, and that one
 * dies, or closes its file, without having read it: the next worker has to
 * hear of the message. The same for room, and the writers who wait for it.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "polls.h"

/* What a worker does with its descriptor once woken. */
enum leave { DIE, CLOSE, CLOSE_COPY };

struct order {
	uint32_t events;
	enum leave leave;
};

/* Waits in an epoll of its own, and then leaves what it was woken for. */
static ssize_t leave_it(struct call *c, int fd)
{
	struct order order;
	int ep;

	memcpy(&order, c->buf, sizeof(order));
	ep = watch(fd, order.events | EPOLLEXCLUSIVE);
	if (order.leave == CLOSE_COPY)
		EQ(dup(fd) > fd, true);
	if (wait_in_epoll(ep) < 0)
		return -1;
	if (order.leave == DIE)
		_exit(EXIT_SUCCESS);
	close(fd);
	*(volatile char *)c->buf = 'c';
	/* The epoll forgets the file with its last descriptor only. */
	pause();
	return 0;
}

static struct call *start_worker(int shared_fd, int flags, uint32_t events,
				 enum leave leave)
{
	struct order order = { events, leave };
	struct call *worker = call_start(leave_it, shared_fd,
					 flags | O_NONBLOCK, &order,
					 sizeof(order));

	call_asleep(worker);
	return worker;
}

/* All of them have been woken, one by the other's leaving. */
static void all_woken(struct call **workers, size_t count, enum leave leave)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (leave == DIE) {
			UNTIL(call_returned(workers[i]));
			continue;
		}
		UNTIL(*(volatile char *)workers[i]->buf == 'c');
		call_kill(workers[i], SIGKILL);
	}
}

static void nothing_to_do(uint32_t events)
{
	if (events == EPOLLIN)
		return;
	limit_queue(MAX_SIZE, 1);
	send_str("x");
}

static void something_to_do(uint32_t events)
{
	if (events == EPOLLIN)
		send_str("x");
	else
		expect_next("x");
}

#define WORKERS	4

/* Workers with a file each. */
static void own_files(int flags, uint32_t events, enum leave leave)
{
	struct call *workers[WORKERS];
	size_t i;

	nothing_to_do(events);
	for (i = 0; i < WORKERS; i++)
		workers[i] = start_worker(-1, flags, events, leave);
	something_to_do(events);
	all_woken(workers, WORKERS, leave);
}

/* Forked workers, which share the file of their parent, as it does. */
static void shared_file(int flags, uint32_t events, enum leave leave)
{
	struct call *workers[WORKERS];
	int fd = q_open(flags | O_NONBLOCK);
	size_t i;

	nothing_to_do(events);
	for (i = 0; i < WORKERS; i++)
		workers[i] = start_worker(fd, 0, events, leave);
	something_to_do(events);
	all_woken(workers, WORKERS, leave);
}

/* One has its own file, and one a file that its parent keeps open. */
static void kept_by_parent(int flags, uint32_t events)
{
	int fd = q_open(flags | O_NONBLOCK);
	struct call *first, *second;

	nothing_to_do(events);
	first = start_worker(fd, 0, events, DIE);
	second = start_worker(-1, flags, events, DIE);
	something_to_do(events);
	all_woken((struct call *[]){ first, second }, 2, DIE);
}

static void reader_dies(void)
{
	own_files(O_RDONLY, EPOLLIN, DIE);
	expect_next("x");
}

static void reader_closes(void)
{
	own_files(O_RDONLY, EPOLLIN, CLOSE);
	expect_next("x");
}

static void reader_closes_copy(void)
{
	own_files(O_RDONLY, EPOLLIN, CLOSE_COPY);
	expect_next("x");
}

static void sharing_reader_dies(void)
{
	shared_file(O_RDONLY, EPOLLIN, DIE);
	expect_next("x");
}

static void sharing_reader_closes(void)
{
	shared_file(O_RDWR, EPOLLIN, CLOSE);
	expect_next("x");
}

static void forked_reader_dies(void)
{
	kept_by_parent(O_RDONLY, EPOLLIN);
	expect_next("x");
}

static void writer_dies(void)
{
	own_files(O_WRONLY, EPOLLOUT, DIE);
}

static void writer_closes(void)
{
	own_files(O_WRONLY, EPOLLOUT, CLOSE);
}

static void sharing_writer_dies(void)
{
	shared_file(O_RDWR, EPOLLOUT, DIE);
}

static void forked_writer_dies(void)
{
	kept_by_parent(O_WRONLY, EPOLLOUT);
}

/*
 * Two threads wait in one epoll for one file. The close by the one that is woken
 * reaches the other first, by the epoll that still has the file; only its last
 * reference, which goes after that, is the next worker's chance.
 */
struct pair {
	int fd, ep;
};

static void *wait_and_close(void *arg)
{
	struct pair *pair = arg;

	if (wait_in_epoll(pair->ep) >= 0)
		close(pair->fd);
	return NULL;
}

static ssize_t leave_it_as_a_pair(struct call *c, int fd)
{
	struct pair pair = { .fd = fd };
	uint32_t events;
	pthread_t second;

	memcpy(&events, c->buf, sizeof(events));
	pair.ep = watch(fd, events | EPOLLEXCLUSIVE | EPOLLET);
	EQ(pthread_create(&second, NULL, wait_and_close, &pair), 0);
	wait_and_close(&pair);
	pause();
	return 0;
}

/* How many threads of the child sleep in an epoll. */
static int threads_asleep(struct call *c)
{
	int asleep = 0, thread;
	char path[64];
	FILE *file;
	long nr;

	/* The second is numbered next, unless somebody else has come between. */
	for (thread = c->pid; thread < c->pid + 50; thread++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", c->pid,
			 thread);
		file = fopen(path, "r");
		if (!file)
			continue;
		asleep += fscanf(file, "%ld", &nr) == 1 && nr == SYS_epoll_pwait;
		fclose(file);
	}
	return asleep;
}

static void pair_closes(int flags, uint32_t events)
{
	struct call *pair, *next;

	nothing_to_do(events);
	pair = call_start(leave_it_as_a_pair, -1, flags | O_NONBLOCK, &events,
			  sizeof(events));
	UNTIL(threads_asleep(pair) == 2);
	next = start_worker(-1, flags, events, DIE);
	something_to_do(events);
	/* The file is gone, and with it what could wake the next. */
	UNTIL(references() <= 1);
	CHECK(!call_settled(next), "the next worker is still asleep");
	call_join(next);
	call_kill(pair, SIGKILL);
}

static void reading_pair_closes(void)
{
	pair_closes(O_RDONLY, EPOLLIN);
	expect_next("x");
}

static void writing_pair_closes(void)
{
	pair_closes(O_WRONLY, EPOLLOUT);
}

static void nothing_left_wakes_nobody(void)
{
	struct call *worker = start_worker(-1, O_RDONLY, EPOLLIN, DIE);
	long sleeps = call_sleeps(worker);
	int i;

	for (i = 0; i < 100; i++)
		close(q_open(i % 2 ? O_RDONLY : O_RDWR | O_NONBLOCK));
	call_asleep(worker);
	EQ(call_sleeps(worker), sleeps);
}

static const struct tap_test tests[] = {
	{ "a reader that dies leaves the message to the next", reader_dies },
	{ "a reader that closes its file leaves the message to the next",
	  reader_closes },
	{ "a reader that closes one descriptor leaves the message to the next",
	  reader_closes_copy },
	{ "readers that share a file die one after the other",
	  sharing_reader_dies },
	{ "readers that share a file close it one after the other",
	  sharing_reader_closes },
	{ "a forked reader whose parent keeps the file dies",
	  forked_reader_dies },
	{ "a writer that dies leaves the space to the next", writer_dies },
	{ "a writer that closes its file leaves the space to the next",
	  writer_closes },
	{ "writers that share a file die one after the other",
	  sharing_writer_dies },
	{ "a forked writer whose parent keeps the file dies",
	  forked_writer_dies },
	{ "readers that share an epoll close its file", reading_pair_closes },
	{ "writers that share an epoll close its file", writing_pair_closes },
	{ "a close without messages or space wakes no task",
	  nothing_left_wakes_nobody },
};

TAP_MAIN(tests)
