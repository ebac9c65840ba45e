// SPDX-License-Identifier: GPL-2.0-only
/*
 * What messages cost when several processes write and read, and how soon one
 * who waits has a message.
 *
 *	load MESSAGES ROUNDS WRITERSxREADERS...
 *	load latency MESSAGES ROUNDS
 *	load tight MESSAGES ROUNDS
 *
 * All mechanisms, or with ONLY=NAME in the environment those whose names begin
 * so, take turns in each round, so that whatever else the machine does hits all
 * of them alike. Prints records "MEASURE MECHANISM X VALUE", one for each round,
 * in nanoseconds; in a VM whose clock counts instructions, in instructions.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mech.h"

#define SIZE		64
#define PROCESSES_MAX	256
#define SAMPLES_MAX	100000

/*
 * Every queue has room for this many messages; guest sets kmsg_queue's limits.
 * Few enough that writers find it full now and then, as readers find it empty.
 */
#define DEPTH		1000

static size_t depth = DEPTH;

/* How the readers wait. */
static const struct way {
	const struct mech *mech;
	const char *name;
	bool epoll;
} ways[] = {
	{ &mech_kmsg_queue, "kmsg_queue", true },
	{ &mech_kmsg_queue_plain, "kmsg_queue_plain", false },
	{ &mech_kmsg_queue_stream, "kmsg_queue_stream", false },
	{ &mech_mq, "mq", true },
	{ &mech_mq, "mq_blocking", false },
	{ &mech_sysv, "sysv", false },
	{ &mech_pipe, "pipe", true },
	{ &mech_pipe, "pipe_blocking", false },
	{ &mech_fifo, "fifo", true },
	{ &mech_fifo, "fifo_blocking", false },
	{ &mech_packets, "packets", true },
	{ &mech_packets, "packets_blocking", false },
	{ &mech_dgram, "dgram", true },
	{ &mech_seqpacket, "seqpacket", true },
};

/* What has space for one message, beside one that is held; a FIFO has a page. */
static const struct way tight_ways[] = {
	{ &mech_kmsg_queue_held, "kmsg_queue_held", false },
	{ &mech_mq, "mq_blocking", false },
	{ &mech_sysv, "sysv", false },
	{ &mech_packets, "packets_blocking", false },
};

/* What the processes of a run share; @reading: readers that have not stopped. */
static struct {
	pthread_barrier_t start, end;
	size_t reading;
	long long began[PROCESSES_MAX], ended[PROCESSES_MAX];
	long long samples[SAMPLES_MAX];
} *shared;

/* A message's content; the rest of it is padding. */
struct content {
	bool stop;
	long long sent;
};

/* The two ends as a process has them that opened the mechanism by its name. */
static void take_ends(const struct way *way, struct ends *ends)
{
	if (way->mech->named)
		need(!way->mech->open(way->mech, ends, SIZE, depth, way->epoll),
		     "open", way->name);
}

/* Waits for a message and takes it. */
static void receive(const struct way *way, const struct ends *ends, int ep,
		    struct message *msg)
{
	struct epoll_event event;

	while (way->mech->receive(ends, msg, SIZE) < 0) {
		need(ep >= 0 && errno == EAGAIN, "receive", way->name);
		need(epoll_wait(ep, &event, 1, -1) == 1, "epoll_wait",
		     way->name);
	}
}

static int watch(const struct way *way, const struct ends *ends)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int ep;

	if (!way->epoll)
		return -1;
	ep = epoll_create1(0);
	need(!epoll_ctl(ep, EPOLL_CTL_ADD, ends->out, &event), "epoll_ctl",
	     way->name);
	return ep;
}

/* All begin when the last one is ready. */
static void begin(size_t who)
{
	pthread_barrier_wait(&shared->start);
	shared->began[who] = now();
}

static void send_one(const struct way *way, const struct ends *ends,
		     struct content content)
{
	static struct message msg = { .type = 1 };

	memcpy(msg.text, &content, sizeof(content));
	need(way->mech->send(ends, &msg, SIZE) >= 0, "send", way->name);
}

static void read_all(const struct way *way, struct ends ends, size_t count,
		     size_t who)
{
	struct message *msg = malloc(sizeof(*msg));
	struct content *content = (void *)msg->text;
	size_t got = 0;
	int ep;

	(void)count;
	take_ends(way, &ends);
	ep = watch(way, &ends);
	begin(who);
	for (;;) {
		receive(way, &ends, ep, msg);
		if (content->stop)
			break;
		if (content->sent)
			shared->samples[got++] = now() - content->sent;
	}
	shared->ended[who] = now();
	/*
	 * On to the next: one message for each at once would wake one of those
	 * asleep on a FIFO, which wakes for the first message alone.
	 */
	if (__atomic_sub_fetch(&shared->reading, 1, __ATOMIC_RELAXED))
		send_one(way, &ends, (struct content){ .stop = true });
	/* The end of a process costs more than many messages. */
	pthread_barrier_wait(&shared->end);
}

static void write_all(const struct way *way, struct ends ends, size_t count,
		      size_t who)
{
	take_ends(way, &ends);
	begin(who);
	while (count--)
		send_one(way, &ends, (struct content){ .stop = false });
}

/* One at a time, when the reader is asleep. */
static void write_slowly(const struct way *way, struct ends ends, size_t count,
			 size_t who)
{
	take_ends(way, &ends);
	begin(who);
	while (count--) {
		usleep(300);
		send_one(way, &ends, (struct content){ .sent = now() });
	}
}

static pid_t start(const struct way *way, const struct ends *ends,
		   void (*run)(const struct way *, struct ends, size_t, size_t),
		   size_t count, size_t who)
{
	pid_t pid = fork();

	need(pid >= 0, "fork", way->name);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(way, *ends, count, who);
	_exit(EXIT_SUCCESS);
}

static void join(const struct way *way, pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid && !status, "a child", way->name);
}

/*
 * Passes @count messages, and gives how long it took: from when all processes
 * were ready to when the last reader learned that there are no more.
 */
static long long run(const struct way *way, size_t writers, size_t readers,
		     size_t count,
		     void (*write)(const struct way *, struct ends, size_t,
				   size_t))
{
	pid_t pids[PROCESSES_MAX];
	pthread_barrierattr_t attr;
	long long began = LLONG_MAX, ended = 0;
	struct ends ends;
	size_t i;

	need(writers + readers <= PROCESSES_MAX, "so many", way->name);
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start, &attr, writers + readers);
	pthread_barrier_init(&shared->end, &attr, readers);
	need(!way->mech->open(way->mech, &ends, SIZE, depth, way->epoll),
	     "open", way->name);
	shared->reading = readers;

	for (i = 0; i < writers + readers; i++)
		pids[i] = i < writers ?
			start(way, &ends, write, count / writers, i) :
			start(way, &ends, read_all, 0, i);
	for (i = 0; i < writers; i++)
		join(way, pids[i]);
	/* The order is that of sending: the last of all. */
	send_one(way, &ends, (struct content){ .stop = true });
	for (i = writers; i < writers + readers; i++) {
		join(way, pids[i]);
		if (shared->ended[i] > ended)
			ended = shared->ended[i];
	}
	for (i = 0; i < writers + readers; i++)
		if (shared->began[i] < began)
			began = shared->began[i];
	way->mech->close(&ends);
	pthread_barrier_destroy(&shared->start);
	pthread_barrier_destroy(&shared->end);
	return ended - began;
}

static bool wanted(const struct way *way)
{
	const char *only = getenv("ONLY");

	return !only || !strncmp(way->name, only, strlen(only));
}

static void measure_latency(size_t count)
{
	const struct way *way;

	for (way = ways; way < ways + ARRAY_SIZE(ways); way++) {
		if (!wanted(way))
			continue;
		run(way, 1, 1, count, write_slowly);
		printf("latency %s 50 %lld\n", way->name,
		       median(shared->samples, count));
		/* They are sorted now. */
		printf("latency %s 99 %lld\n", way->name,
		       shared->samples[count * 99 / 100]);
	}
}

static void measure_load(size_t count, const char *shape)
{
	const struct way *way;
	size_t writers, readers;

	errno = EINVAL;
	need(sscanf(shape, "%zux%zu", &writers, &readers) == 2, "what", shape);
	for (way = ways; way < ways + ARRAY_SIZE(ways); way++)
		if (wanted(way))
			printf("load %s %s %.1f\n", way->name, shape,
			       (double)run(way, writers, readers, count,
					   write_all) /
			       (count / writers * writers));
}

static void measure_tight(size_t count)
{
	const struct way *way;

	depth = 1;
	for (way = tight_ways; way < tight_ways + ARRAY_SIZE(tight_ways); way++)
		if (wanted(way))
			printf("tight %s 1x1 %.1f\n", way->name,
			       (double)run(way, 1, 1, count, write_all) /
			       count);
	depth = DEPTH;
}

int main(int argc, char **argv)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int first = 1, i, rounds;
	bool latency, tight;
	size_t count;

	errno = EINVAL;
	latency = argc > 1 && !strcmp(argv[1], "latency");
	tight = argc > 1 && !strcmp(argv[1], "tight");
	first += latency || tight;
	need(argc >= first + 2, "see load.c for the arguments", argv[0]);
	count = atol(argv[first]);
	rounds = atoi(argv[first + 1]);
	need(count && count <= SAMPLES_MAX, "MESSAGES", argv[first]);

	need(!setrlimit(RLIMIT_MSGQUEUE, &all), "setrlimit", argv[0]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	need(shared != MAP_FAILED, "mmap", argv[0]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (rounds--) {
		if (latency)
			measure_latency(count);
		if (tight)
			measure_tight(count);
		for (i = first + 2; i < argc; i++)
			measure_load(count, argv[i]);
	}
	return EXIT_SUCCESS;
}
