// SPDX-License-Identifier: GPL-2.0-only
/*
 * What messages cost one process. Meant for a VM whose clock counts
 * instructions (QEMU's icount), so that "ns" are instructions.
 *
 *	cost MEASURE MECHANISM SIZE COUNT
 *
 * with messages of SIZE bytes, and COUNT of them where the measure takes a
 * number. Prints records "MEASURE MECHANISM X VALUE", or nothing if the
 * mechanism has no such messages, or cannot hold that many.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mech.h"

/*
 * The least of many short runs. The kernel's timer ticks each four million
 * instructions, and in some kernels a tick takes as many again: a run of
 * 250,000 may miss them, and then repeats exactly.
 */
#define RUNS		31
#define RUN_PAIRS	100

static const struct mech *const mechs[] = {
	&mech_kmsg_queue, &mech_kmsg_queue_further, &mech_kmsg_queue_ack,
	&mech_kmsg_queue_stream, &mech_floor, &mech_null, &mech_mq, &mech_sysv,
	&mech_pipe, &mech_fifo, &mech_packets, &mech_dgram, &mech_seqpacket,
};

static struct message out = { .type = 1 }, in;

static long long least(const long long *values, size_t count)
{
	long long min = *values;

	while (count--)
		if (values[count] < min)
			min = values[count];
	return min;
}

static void record(const char *measure, const struct mech *m, long x,
		   double value)
{
	printf("%s %s %ld %.1f\n", measure, m->name, x, value);
}

static void open_ends(const struct mech *m, struct ends *ends, size_t size,
		      size_t depth)
{
	need(!m->open(m, ends, size, depth, true), "open", m->name);
}

static void send_all(const struct mech *m, const struct ends *ends,
		     size_t size, size_t count)
{
	while (count--)
		need(m->send(ends, &out, size) >= 0, "send", m->name);
}

static void receive_all(const struct mech *m, const struct ends *ends,
			size_t size, size_t count)
{
	while (count--)
		need(m->receive(ends, &in, size) >= 0, "receive", m->name);
}

static void pairs(const struct mech *m, const struct ends *ends, size_t size,
		  size_t count)
{
	while (count--) {
		need(m->send(ends, &out, size) >= 0, "send", m->name);
		need(m->receive(ends, &in, size) >= 0, "receive", m->name);
	}
}

/* One in, one out. */
static void alternating(const struct mech *m, size_t size, size_t count)
{
	long long t, took[RUNS];
	struct ends ends;
	size_t run;

	open_ends(m, &ends, size, count);
	pairs(m, &ends, size, RUN_PAIRS);
	for (run = 0; run < RUNS; run++) {
		t = now();
		pairs(m, &ends, size, RUN_PAIRS);
		took[run] = now() - t;
	}
	m->close(&ends);
	record("alternating", m, size,
	       (double)least(took, RUNS) / RUN_PAIRS);
}

/* So many in, then so many out: what a pair takes. */
static double in_and_out(const struct mech *m, size_t size, size_t count)
{
	long long t, took[RUNS];
	struct ends ends;
	size_t run;

	open_ends(m, &ends, size, count);
	for (run = 0; run < RUNS; run++) {
		t = now();
		send_all(m, &ends, size, count);
		receive_all(m, &ends, size, count);
		took[run] = now() - t;
	}
	m->close(&ends);
	return (double)least(took, RUNS) / count;
}

static void deep(const struct mech *m, size_t size, size_t count)
{
	record("deep", m, size, in_and_out(m, size, count));
}

/* The same as a service does it: in a control group, which pays for memory. */
static void service(const struct mech *m, size_t size, size_t count)
{
	char line[64] = "";
	FILE *f = fopen("/proc/self/cgroup", "r");

	/* In the root group nobody pays. */
	need(f && fgets(line, sizeof(line), f) && strcmp(line, "0::/\n"),
	     "no control group", m->name);
	fclose(f);
	record("service", m, count, in_and_out(m, size, count));
}

/* Open, one message, close: what `echo` and `cat` do to a file. */
static void reopen(const struct mech *m, size_t size, size_t count)
{
	long long t, sends[RUNS], receives[RUNS];
	struct ends ends;
	size_t run, i;

	if (!m->reopen_send)
		return;
	open_ends(m, &ends, size, count);
	for (run = 0; run < RUNS; run++) {
		t = now();
		for (i = 0; i < count; i++)
			need(m->reopen_send(m, &out, size) >= 0, "send",
			     m->name);
		sends[run] = now() - t;
		t = now();
		for (i = 0; i < count; i++)
			need(m->reopen_receive(m, &in, size) >= 0, "receive",
			     m->name);
		receives[run] = now() - t;
	}
	m->close(&ends);
	record("open_write_close", m, size,
	       (double)least(sends, RUNS) / count);
	record("open_read_close", m, size,
	       (double)least(receives, RUNS) / count);
}

/*
 * One in, one out while @depth others wait, each message for its turn; and
 * what it took to put them in and out.
 */
static void depth(const struct mech *m, size_t size, size_t count)
{
	size_t run, runs = 21, run_pairs = 200;
	long long t, fill, took[21];
	struct ends ends;

	open_ends(m, &ends, size, count);
	t = now();
	send_all(m, &ends, size, count - 1);
	fill = now() - t;
	for (run = 0; run < runs; run++) {
		t = now();
		pairs(m, &ends, size, run_pairs);
		took[run] = now() - t;
	}
	t = now();
	receive_all(m, &ends, size, count - 1);
	fill += now() - t;
	m->close(&ends);
	record("depth", m, count, (double)least(took, runs) / run_pairs);
	if (count > 1)
		record("fill_and_drain", m, count, (double)fill / (count - 1));
}

/* What the kernel's allocator holds, in bytes. */
static long slab_bytes(void)
{
	long kib = -1;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Slab: %ld", &kib) == 1)
			break;
	need(kib >= 0, "/proc/meminfo", "memory");
	fclose(f);
	return kib * 1024;
}

/* Memory for each message that waits. */
static void memory(const struct mech *m, size_t size, size_t count)
{
	struct ends ends;
	long before;

	open_ends(m, &ends, size, count);
	before = slab_bytes();
	send_all(m, &ends, size, count);
	record("memory", m, size, (double)(slab_bytes() - before) / count);
	receive_all(m, &ends, size, count);
	m->close(&ends);
}

/* Puts the files into the order in which they are to be closed. */
static void arrange(int *fds, size_t count, const char *order)
{
	size_t i, j;
	int fd;

	for (i = 0; i + 1 < count; i++) {
		if (!strcmp(order, "forward"))
			return;
		j = strcmp(order, "random") ? count - 1 - i :
					      i + rand() % (count - i);
		if (j < i)
			return;
		fd = fds[i];
		fds[i] = fds[j];
		fds[j] = fd;
	}
}

#define CLOSES	100	/* between two looks at the clock */

/* Close @count files that each hold a message, which returns (read_ack=Y). */
static void release(const struct mech *m, size_t size, size_t count)
{
	static const char *const orders[] = { "forward", "backward", "random" };
	const struct rlimit files = { count + 100, count + 100 };
	long long t, *took = calloc(count / CLOSES, sizeof(*took));
	int *fds = calloc(count, sizeof(*fds));
	struct ends ends;
	size_t order, i;

	need(fds && took && !setrlimit(RLIMIT_NOFILE, &files), "files", m->name);
	open_ends(m, &ends, size, count);
	for (order = 0; order < ARRAY_SIZE(orders); order++) {
		send_all(m, &ends, size, count);
		for (i = 0; i < count; i++) {
			fds[i] = open(m->out_file, O_RDONLY);
			need(fds[i] >= 0, "open", m->name);
			need(read(fds[i], in.text, size) == (ssize_t)size,
			     "read", m->name);
		}
		arrange(fds, count, orders[order]);
		for (i = 0, t = now(); i < count; i++) {
			close(fds[i]);
			if ((i + 1) % CLOSES == 0) {
				took[i / CLOSES] = now() - t;
				t = now();
			}
		}
		/* The timer's interrupts are in few of them. */
		printf("release_%s %s %zu %.1f\n", orders[order], m->name, count,
		       (double)median(took, count / CLOSES) / CLOSES);
		receive_all(m, &ends, size, count);
		/* This confirms the last one. */
		need(m->receive(&ends, &in, size) < 0, "more messages", m->name);
	}
	m->close(&ends);
	free(fds);
	free(took);
}

/* Leave messages in the queue, for unload. */
static void fill(const struct mech *m, size_t size, size_t count)
{
	struct ends ends;

	open_ends(m, &ends, size, count);
	send_all(m, &ends, size, count);
	m->close(&ends);
}

/* Unload the module, with the @count messages that are left in the queue. */
static void unload(const struct mech *m, size_t size, size_t count)
{
	long long t = now();

	(void)size;
	need(!syscall(SYS_delete_module, "kmsg_queue", O_NONBLOCK), "rmmod",
	     m->name);
	record("unload", m, count, now() - t);
}

static const struct mech *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mechs); i++)
		if (!strcmp(mechs[i]->name, name))
			return mechs[i];
	errno = EINVAL;
	give_up("what mechanism is this", name);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct mech *m, size_t size, size_t count);
	} measures[] = {
		{ "alternating", alternating },
		{ "deep", deep },
		{ "service", service },
		{ "reopen", reopen },
		{ "depth", depth },
		{ "memory", memory },
		{ "release", release },
		{ "fill", fill },
		{ "unload", unload },
	};
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const struct mech *m;
	size_t i, size, count;

	errno = EINVAL;
	need(argc == 5, "MEASURE MECHANISM SIZE COUNT is what it takes",
	     argv[0]);
	m = find(argv[2]);
	size = atol(argv[3]);
	count = atol(argv[4]);

	/* No page faults in what is measured; memory for POSIX queues. */
	need(!mlockall(MCL_CURRENT), "mlockall", argv[0]);
	need(!setrlimit(RLIMIT_MSGQUEUE, &all), "setrlimit", argv[0]);
	memset(in.text, 1, sizeof(in.text));
	memset(out.text, 1, sizeof(out.text));

	for (i = 0; i < ARRAY_SIZE(measures); i++) {
		if (strcmp(argv[1], measures[i].name))
			continue;
		if (size <= m->max_size && count <= m->max_depth)
			measures[i].run(m, size, count);
		return EXIT_SUCCESS;
	}
	give_up("what measure is this", argv[1]);
}
