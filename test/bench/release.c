// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to close files that each hold a message (read_ack=Y). Meant for
 * a VM whose clock counts instructions (QEMU's icount).
 *
 *	release ORDER COUNT
 *
 * COUNT files of /proc/msg_queue are closed as they were opened (forward), in
 * reverse (backward), or in any order (random). Prints the instructions a close,
 * and the bytes that the queue counts for one message of 100 bytes. The queue
 * has to be empty, and is again at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LEN	100
#define PART	100	/* closes between two looks at the clock */

static void need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "release: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long counter(const char *name)
{
	char path[100];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/module/kmsg_queue/queues/msg_queue/%s", name);
	f = fopen(path, "r");
	need(f && fscanf(f, "%ld", &value) == 1, path);
	fclose(f);
	return value;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static void arrange(int *fds, long count, const char *order)
{
	long i, j;
	int fd;

	srand(1);
	for (i = 0; i < count; i++) {
		if (!strcmp(order, "forward"))
			return;
		j = *order == 'b' ? count - 1 - i : i + rand() % (count - i);
		if (*order == 'b' && j <= i)
			return;
		fd = fds[i];
		fds[i] = fds[j];
		fds[j] = fd;
	}
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? atol(argv[2]) : 0, i, parts = count / PART;
	struct rlimit files = { count + 100, count + 100 };
	int *fds = calloc(count + 1, sizeof(*fds)), fd;
	long long *took = calloc(parts + 1, sizeof(*took)), t;
	char text[LEN] = "";

	need(parts > 0 && fds && took, "ORDER COUNT");
	need(!setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	fd = open("/proc/msg_queue", O_WRONLY | O_NONBLOCK);
	need(fd >= 0, "open");
	need(counter("queued") + counter("held") == 0, "the queue is not empty");
	for (i = 0; i < count; i++)
		need(write(fd, text, LEN) == LEN, "write");
	for (i = 0; i < count; i++) {
		fds[i] = open("/proc/msg_queue", O_RDONLY);
		need(fds[i] >= 0, "open");
		need(read(fds[i], text, LEN) == LEN, "read");
	}
	need(counter("held") == count, "not all are held");
	arrange(fds, count, argv[1]);
	for (i = 0; i < parts; i++) {
		long j;

		t = now();
		for (j = 0; j < PART; j++)
			close(fds[i * PART + j]);
		took[i] = now() - t;
	}
	for (i = parts * PART; i < count; i++)
		close(fds[i]);
	need(counter("held") == 0 && counter("queued") == count,
	     "not all have returned");

	/* The one in the middle: the timer's interrupts are in few. */
	qsort(took, parts, sizeof(*took), compare);
	printf("%s %ld %.1f %ld\n", argv[1], count,
	       (double)took[parts / 2] / PART,
	       counter("queued_bytes") / count);

	close(fd);
	fd = open("/proc/msg_queue", O_RDONLY | O_NONBLOCK);
	while (read(fd, text, LEN) == LEN)
		;
	return 0;
}
