// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: a message counts in queue_max_bytes until it is freed, with what it
 * takes from the allocator, so nobody makes the module pin more than that.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/resource.h>

#include "polls.h"

#define USER	1000

static char msg[HUGE_SIZE];

/* A file that has read one byte of the queue's next message. */
static int half_read(void)
{
	int fd = q_open(O_RDONLY);
	char byte;

	EQ(read(fd, &byte, 1), 1);
	return fd;
}

static void counted_until_freed(void)
{
	static const size_t sizes[] = { 2, 1000, 4096, 4097, HUGE_SIZE };
	long dequeued = stat_of("dequeued");
	size_t i;
	int fd;

	param_set("msg_max_size", HUGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		send_msg(msg, sizes[i]);
		fd = half_read();
		EQ(stat_of("queued"), 0);
		EQ(stat_of("held"), 1);
		EQ(stat_of("dequeued"), dequeued + i + 1);
		EQ(stat_of("queued_bytes"), footprint(sizes[i]));
		/* To its last byte but one, then that one. */
		if (sizes[i] > 2)
			EQ(read(fd, msg, sizes[i] - 2), sizes[i] - 2);
		EQ(stat_of("queued_bytes"), footprint(sizes[i]));
		EQ(read(fd, msg, sizes[i]), 1);
		EQ(stat_of("queued_bytes"), 0);
		EQ(stat_of("held"), 0);
		get_eof(fd);
		close(fd);
		EQ(stat_of("queued_bytes"), 0);
	}
}

static void counted_until_closed(void)
{
	int fd, copy;

	send_numbered(1, 3);
	fd = half_read();
	copy = dup(fd);
	EQ(stat_of("queued_bytes"), 3 * footprint(9));
	expect_next("message 2");
	EQ(stat_of("queued_bytes"), 2 * footprint(9));
	close(fd);
	EQ(stat_of("queued_bytes"), 2 * footprint(9));
	close(copy);
	EQ(stat_of("queued_bytes"), footprint(9));
}

static void takes_room(void)
{
	int fd;

	limit_queue(MAX_SIZE, 1);
	fill_queue();
	fd = half_read();
	EQ(stat_of("queued"), 0);
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), "x", 1), EAGAIN);
	get_msg(fd, memset(msg, 'f', MAX_SIZE), MAX_SIZE - 1);
	send_str("room");
	expect_next("room");
}

/* A full queue whose one message is half read; who waits for its room. */
static int full_by_half(struct call **writer, struct call **poller)
{
	int fd;

	limit_queue(MAX_SIZE, 1);
	fill_queue();
	fd = half_read();
	EQ(poll_now(q_open(O_WRONLY), POLLOUT), 0);
	*writer = call_write("waited", 6);
	call_asleep(*writer);
	*poller = start_poll(-1, O_WRONLY, POLLOUT);
	return fd;
}

static void close_wakes(void)
{
	struct call *writer, *poller;
	int fd = full_by_half(&writer, &poller);

	close(fd);
	EQ(call_join(writer), 6);
	expect_next("waited");
	EQ(call_join(poller), POLLOUT);
}

static void last_byte_wakes(void)
{
	struct call *writer, *poller;
	int fd = full_by_half(&writer, &poller);

	EQ(read(fd, msg, MAX_SIZE - 2), MAX_SIZE - 2);
	call_asleep(writer);
	call_asleep(poller);
	EQ(read(fd, msg, MAX_SIZE), 1);
	EQ(call_join(writer), 6);
	expect_next("waited");
	EQ(call_join(poller), POLLOUT);
}

/*
 * Memory that nobody uses, in bytes, with the pages that wait on a processor's
 * own list (from 6.7 such a list grows to 8 MiB and more).
 */
static long free_memory(void)
{
	long count, pages = 0;
	char line[200];
	FILE *file;

	/* What each processor has counted for itself. */
	file = fopen("/proc/sys/vm/stat_refresh", "w");
	if (file) {
		fputs("1\n", file);
		fclose(file);
	}
	file = fopen("/proc/zoneinfo", "r");
	CHECK(file, "/proc/zoneinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " nr_free_pages %ld", &count) == 1 ||
		    sscanf(line, " count: %ld", &count) == 1)
			pages += count;
	fclose(file);
	CHECK(pages, "no free pages in /proc/zoneinfo");
	return pages * sysconf(_SC_PAGESIZE);
}

/* Kernels that add to each object so that they can check it. */
static bool memory_is_checked(void)
{
	static const char *const signs[] = {
		"slub_debug", "slab_debug", "kasan", "page_owner",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signs); i++)
		if (booted_with(signs[i]))
			return true;
	return !access("/sys/kernel/debug/kmemleak", F_OK);
}

static void as_user(void)
{
	EQ(setgroups(0, NULL), 0);
	EQ(setgid(USER), 0);
	EQ(setuid(USER), 0);
}

#define OPENS	300

static void pinned_by_half_read(void)
{
	struct rlimit files = { OPENS + 100, OPENS + 100 };
	long before = free_memory(), taken;
	bool checked = memory_is_checked();	/* A user would not see it. */
	int i, sent = 0, got = 0;

	param_set("msg_max_size", HUGE_SIZE);
	EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	as_user();
	for (i = 0; i < OPENS; i++) {
		int fd = q_open(O_RDWR | O_NONBLOCK);
		char byte;

		if (write(fd, msg, HUGE_SIZE) == HUGE_SIZE)
			sent++;
		else
			EQ(errno, EAGAIN);
		EQ(fcntl(fd, F_SETFL, 0), 0);
		got += read(fd, &byte, 1) == 1;
		CHECK(stat_of("queued_bytes") <= MAX_BYTES,
		      "%d messages of 1 MiB are half read: queued_bytes is %ld",
		      got, stat_of("queued_bytes"));
	}
	EQ(sent, got);
	CHECK(sent >= MAX_BYTES / HUGE_SIZE - 2 && sent < MAX_BYTES / HUGE_SIZE,
	      "%d messages of 1 MiB in %d bytes", sent, MAX_BYTES);
	taken = before - free_memory();
	CHECK(checked || taken < MAX_BYTES + (4 << 20),
	      "%ld bytes of memory for a queue of %d", taken, MAX_BYTES);
}

static void faults_pin_nothing(void)
{
	long before = free_memory(), taken;
	void *bad = bad_address();
	int i;

	/* What a faulting reader puts back is counted all the time. */
	param_set("msg_max_size", HUGE_SIZE);
	while (write(q_open(O_WRONLY | O_NONBLOCK), msg, HUGE_SIZE) > 0)
		;
	EQ(errno, EAGAIN);
	for (i = 0; i < OPENS; i++) {
		int fd = q_open(O_RDONLY);

		FAILS(read(fd, bad, 1), EFAULT);
		FAILS(write(q_open(O_WRONLY | O_NONBLOCK), msg, 1), EAGAIN);
		close(fd);
	}
	taken = before - free_memory();
	CHECK(memory_is_checked() || taken < MAX_BYTES + (4 << 20),
	      "%ld bytes of memory for a queue of %d", taken, MAX_BYTES);
}

#define ACCOUNT	(64 << 20)

/*
 * Fills the queue with messages of @len; gives what that took of memory: pages and
 * whole slabs, with what lies between their objects and what a cgroup keeps for
 * each.
 */
static long take_memory(size_t len)
{
	long before = free_memory(), taken;
	int fd = q_open(O_WRONLY | O_NONBLOCK);

	while (write(fd, msg, len) == (ssize_t)len)
		;
	EQ(errno, EAGAIN);
	close(fd);
	taken = before - free_memory();
	dprintf(1, "# %zu bytes: %ld messages, queued_bytes %ld, memory %ld\n",
		len, stat_of("queued"), stat_of("queued_bytes"), taken);
	return taken;
}

/* To 4 %, and to @percent where less is taken than counted. */
static void costs_what_it_takes(const size_t *sizes, size_t count,
				int percent)
{
	size_t i;

	if (memory_is_checked())
		skip("this kernel adds to each object so that it can check it");
	param_set("queue_max_bytes", ACCOUNT);
	param_set("msg_max_size", HUGE_SIZE);
	for (i = 0; i < count; i++) {
		long taken = take_memory(sizes[i]);
		long counted = stat_of("queued_bytes");

		CHECK(taken <= counted + ACCOUNT / 100 * 4 &&
		      taken >= counted - ACCOUNT / 100 * percent,
		      "messages of %zu bytes take %ld, counted %ld", sizes[i],
		      taken, counted);
		drain_queue();
	}
}

/* What the objects of all messages take, by /proc/slabinfo. */
static long objects(void)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	unsigned long count, size;
	long sum = -1;
	char line[300];

	CHECK(file, "/proc/slabinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "kmsgq_%*s %lu %*u %lu", &count, &size) == 2)
			sum = (sum < 0 ? 0 : sum) + count * size;
	fclose(file);
	if (sum < 0)
		skip("this kernel does not list the module's objects");
	return sum;
}

static void each_object_counts(void)
{
	/* Where what is not the content makes most of the difference. */
	static const size_t sizes[] = { 1, 2048, 2049, 4097, 10000 };
	size_t i;

	if (memory_is_checked())
		skip("this kernel adds to each object so that it can check it");
	param_set("msg_max_size", HUGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		long before = objects(), counted, more, size;
		long chunks = message_chunks(sizes[i], &size);

		take_memory(sizes[i]);
		/* Chunks are in no slab. */
		counted = stat_of("queued_bytes") -
			  stat_of("queued") * chunks * size;
		more = objects() - before - counted;
		/* Up to one slab of each is counted as all in use. */
		CHECK(more <= counted / 500, "messages of %zu bytes: their "
		      "objects take %ld more than %ld", sizes[i], more,
		      counted);
		drain_queue();
	}
}

static void large_ones(void)
{
	static const size_t sizes[] = {
		4096, 4097, 10000, 65536, HUGE_SIZE,
	};

	costs_what_it_takes(sizes, ARRAY_SIZE(sizes), 4);
}

static void small_ones(void)
{
	static const size_t sizes[] = { 250, 1000, 1024, 2000, 4000 };

	/* Each counts what a cgroup would take beside it, too. */
	costs_what_it_takes(sizes, ARRAY_SIZE(sizes), 12);
}

static const struct tap_test tests[] = {
	{ "half read: counted to the last byte", counted_until_freed },
	{ "half read: counted to the last close", counted_until_closed },
	{ "half read: takes space from writers", takes_room },
	{ "the close that frees a message wakes a writer", close_wakes },
	{ "the read of the last byte wakes a writer", last_byte_wakes },
	{ "300 opens of a user pin no more than queue_max_bytes",
	  pinned_by_half_read },
	{ "reads that fault pin no more than queue_max_bytes",
	  faults_pin_nothing },
	{ "each object of a message counts", each_object_counts },
	{ "messages from 4 KiB count as what they take, to 4 %", large_ones },
	{ "messages from 250 bytes count as what they take, or little more",
	  small_ones },
};

TAP_MAIN(tests)
