// SPDX-License-Identifier: GPL-2.0-only
/*
 * The messages that a queue keeps for reuse: at most 256 KiB of them and one more,
 * within queue_max_bytes together with all that is charged, and none that
 * outlives its queue.
 *
 * What a queue keeps is what the kernel's allocator counts as in use when no
 * message is there.
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "tap.h"

#define SLABS		"/sys/kernel/slab/"
#define LIST_MAX	(256 << 10)
#define NAME		"sparing"

static char msg[HUGE_SIZE];

static long slab_number(const char *cache, const char *name)
{
	char path[128], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), SLABS "%s/%s", cache, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, "%s: %s", path,
	      strerror(errno));
	close(fd);
	return strtol(text, NULL, 10);
}

/* All messages in one piece, and the headers of others, that are in use. */
static long objects_of(const char *prefix)
{
	DIR *dir = opendir(SLABS);
	struct dirent *entry;
	char path[128];
	long bytes = 0;
	int found = 0;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		found++;
		/* What a processor has set aside would count as in use. */
		snprintf(path, sizeof(path), SLABS "%.40s/shrink",
			 entry->d_name);
		EQ(try_write(path, "1"), 0);
		bytes += slab_number(entry->d_name, "objects") *
			 (slab_number(entry->d_name, "object_size") +
			  sizeof(void *));
	}
	if (dir)
		closedir(dir);
	if (!found)
		skip("this kernel does not show the module's objects");
	return bytes;
}

static long objects(void)
{
	return objects_of("kmsgq_");
}

/* Where reuse would hide faults, or freed memory is to be cleared. */
static bool keeps_none(void)
{
	return booted_with("init_on_free=1") ||
	       !access("/sys/kernel/debug/kmemleak", F_OK);
}

/*
 * A queue that has nothing yet; gives what others have. Costs are asked for
 * before: the queue that is for that would have a spare, too.
 */
static long start(long max, long limit)
{
	char words[128];

	snprintf(words, sizeof(words),
		 NAME ",msg_max_size=%ld,queue_max_bytes=%ld", max, limit);
	footprint(1);
	try_queue_words("-kmsgq-scales");
	make_queue(words);
	use_queue(NAME);
	return objects();
}

/* @count messages in, or as many as fit; then all out. */
static long burst(size_t len, long count)
{
	int fd = q_open(O_RDWR | O_NONBLOCK);
	long sent = 0, charged = stat_of("queued_bytes");

	while (sent < count && write(fd, msg, len) == (ssize_t)len)
		sent++;
	count = sent;
	while (count--)
		EQ(read(fd, msg, sizeof(msg)), len);
	close(fd);
	EQ(stat_of("queued_bytes"), charged);
	return sent;
}

static void kept(long others, long most, const char *when)
{
	long bytes = objects() - others;

	printf("# %s: %ld bytes are kept\n", when, bytes);
	fflush(stdout);
	CHECK(bytes <= most, "%s: %ld bytes are kept, at most %ld", when, bytes,
	      most);
}

static void are_kept(void)
{
	const long cost = footprint(100);
	long others = start(2048, MAX_BYTES), bytes;

	if (keeps_none())
		skip("this kernel is to keep none");
	burst(100, 1000);
	bytes = objects() - others;
	CHECK(bytes > 100 * 1000, "%ld bytes are kept of 1000 messages", bytes);
	/* The next ones are made of them; but the second, which finds no spare. */
	burst(100, 1000);
	kept(others, bytes + cost, "after the next burst");
}

static void none_kept(void)
{
	long others = start(2048, MAX_BYTES);

	if (!keeps_none())
		skip("this kernel is to keep some");
	burst(100, 1000);
	EQ(objects(), others);
}

static void bounded(void)
{
	static const size_t sizes[] = { 1, 100, 1000, 2048 };
	long others = start(2048, MAX_BYTES);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		burst(sizes[i], 20000);
		kept(others, LIST_MAX + 4096, "after a burst");
	}
	/* Chunks are neither kept in number nor hidden from the count. */
	param_set("msg_max_size", HUGE_SIZE);
	burst(5000, 1000);
	kept(others, LIST_MAX + 4096, "after a burst of chunks");
}

static void bounded_by_limit(void)
{
	const long cost = footprint(1000), limit = 20 * cost;
	long others = start(1000, limit);

	EQ(burst(1000, 1000), 20);
	kept(others, limit + cost, "in a small queue");
}

/*
 * Messages of another size come: what is kept makes way, so that both together
 * stay within the limit. @len: of the others.
 */
static void make_way(size_t len)
{
	const long limit = 300000;
	long others = start(4096, limit), sum, size, chunks;
	int fd;

	burst(100, 2500);
	fd = q_open(O_WRONLY | O_NONBLOCK);
	while (write(fd, msg, len) == (ssize_t)len)
		;
	EQ(errno, EAGAIN);
	close(fd);
	/* Chunks are in no slab; one spare is beside the list. */
	chunks = message_chunks(len, &size);
	sum = objects() - others + chunks * size * stat_of("queued");
	printf("# %zu bytes: %ld messages charged %ld, %ld bytes in use\n", len,
	       stat_of("queued"), stat_of("queued_bytes"), sum);
	fflush(stdout);
	CHECK(sum <= limit + footprint(100), "%ld bytes in use, at most %ld",
	      sum, limit);
	CHECK(stat_of("queued_bytes") > limit - 2 * footprint(4096),
	      "what is kept made the queue full: %ld bytes of %ld",
	      stat_of("queued_bytes"), limit);
}

static void other_small_ones(void)
{
	make_way(1000);
}

static void chunked_ones(void)
{
	make_way(4000);
}

static void in_limit(long others, long limit)
{
	static int step;
	long sum;

	/* A look takes long. */
	if (step++ % 16)
		return;
	sum = objects() - others;
	CHECK(sum <= limit, "%ld messages: %ld bytes in use, at most %ld",
	      stat_of("queued"), sum, limit);
}

/* The limit holds on the way, not only when the queue is full. */
static void at_each_step(void)
{
	const long limit = 300000, most = limit + footprint(1000);
	long others = start(4096, limit);
	int fd;

	burst(100, 2500);
	fd = q_open(O_RDWR | O_NONBLOCK);
	while (write(fd, msg, 1000) == 1000)
		in_limit(others, most);
	/* And while they are read, kept, and others come. */
	while (read(fd, msg, sizeof(msg)) == 1000) {
		EQ(write(fd, msg, 100), 100);
		in_limit(others, most);
	}
	close(fd);
}

static void lowered(void)
{
	const long cost = footprint(1000);
	long others = start(1000, MAX_BYTES);
	int fd, i;

	burst(1000, 1000);
	param_set("queue_max_bytes", 3 * cost);
	kept(others, 4 * cost, "with a lower limit");
	/* Also where more messages are in the queue: until they are read. */
	param_set("queue_max_bytes", MAX_BYTES);
	fd = q_open(O_RDWR | O_NONBLOCK);
	for (i = 0; i < 100; i++)
		EQ(write(fd, msg, 1000), 1000);
	param_set("queue_max_bytes", 3 * cost);
	kept(others, 101 * cost, "with a lower limit and messages");
	for (i = 0; i < 100; i++)
		EQ(read(fd, msg, sizeof(msg)), 1000);
	close(fd);
	kept(others, 4 * cost, "with these read");
}

/* What readers hold is charged, and nothing is kept in its place. */
static void held_ones_count(void)
{
	const long cost = footprint(100), limit = 200 * cost;
	long others = start(100, limit);
	int fds[100], i;

	param_set("read_ack", 1);
	for (i = 0; i < 100; i++)
		fds[i] = q_open(O_RDONLY | O_NONBLOCK);
	param_set("read_ack", 0);
	burst(100, 1000);
	for (i = 0; i < 100; i++) {
		send_msg(msg, 100);
		EQ(read(fds[i], msg, 100), 100);
	}
	EQ(burst(100, 1000), 100);
	EQ(stat_of("held"), 100);
	kept(others, limit + cost, "with 100 messages held");
	for (i = 0; i < 100; i++) {
		EQ(fsync(fds[i]), 0);
		close(fds[i]);
	}
	EQ(burst(100, 1000), 200);
	kept(others, limit + cost, "with these confirmed");
}

static void gone_with_the_queue(void)
{
	long others = start(2048, MAX_BYTES);

	burst(100, 1000);
	burst(2048, 1000);
	EQ(try_queue_words("-" NAME), 0);
	EQ(objects(), others);
}

static const struct tap_test tests[] = {
	{ "messages of a burst are kept for the next", are_kept },
	{ "none are kept where that would weaken a check", none_kept },
	{ "at most 256 KiB are kept", bounded },
	{ "no more than queue_max_bytes is kept", bounded_by_limit },
	{ "what is kept makes way for messages of another size",
	  other_small_ones },
	{ "what is kept makes way for messages in chunks", chunked_ones },
	{ "kept and charged bytes are within the limit at each step",
	  at_each_step },
	{ "a lower queue_max_bytes frees what is kept", lowered },
	{ "messages that are held count, too", held_ones_count },
	{ "what is kept goes with its queue", gone_with_the_queue },
};

TAP_MAIN(tests)
