// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many reads that fail at once, with their messages taken out and the queue filled
 * up meanwhile, do not make it use more than queue_max_bytes: not at all with
 * messages in chunks, and by 2,200 bytes for each read with those in one piece.
 */
#define _GNU_SOURCE
#include "stall.h"

#define READERS		300
/* Of message memory that a failed read may add. */
#define PER_READ	2200

static char msg[HUGE_SIZE];

static struct {
	size_t part;		/* of the lazy memory, for each reader */
	long stalled, failed;
} reads;

struct reader {
	int fd;
	char *buf;
	size_t len;
};

static void *read_one(void *arg)
{
	struct reader *reader = arg;

	FAILS(read(reader->fd, reader->buf, reader->len), EFAULT);
	__atomic_fetch_add(&reads.failed, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Starts a reader, and waits until it stands still in its copy. */
static pthread_t start_reader(int flags, size_t len)
{
	struct pollfd p = { .fd = lazy.fd, .events = POLLIN };
	struct reader *reader = malloc(sizeof(*reader));
	struct uffd_msg fault;
	pthread_attr_t attr;
	pthread_t thread;

	reader->fd = q_open(flags);
	reader->buf = lazy.memory + reads.stalled * reads.part;
	reader->len = len;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	EQ(pthread_create(&thread, &attr, read_one, reader), 0);
	EQ(poll(&p, 1, -1), 1);
	EQ(read(lazy.fd, &fault, sizeof(fault)), sizeof(fault));
	reads.stalled++;
	return thread;
}

static void fail_all(pthread_t *threads)
{
	long i;

	fail_lazy();
	for (i = 0; i < reads.stalled; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	EQ(reads.failed, reads.stalled);
}

/* Each message begins with its number. */
static bool send_number(int fd, long number, size_t len)
{
	ssize_t ret;

	memcpy(msg, &number, sizeof(number));
	ret = write(fd, msg, len);
	if (ret < 0)
		EQ(errno, EAGAIN);
	else
		EQ(ret, len);
	return ret > 0;
}

static void limit_holds(size_t len, long more)
{
	long limit = stat_of("queue_max_bytes") + more * reads.stalled;

	CHECK(stat_of("high_water_bytes") <= limit,
	      "%ld reads of %zu bytes failed: high_water_bytes %ld, at most %ld",
	      reads.failed, len, stat_of("high_water_bytes"), limit);
	CHECK(stat_of("queued_bytes") <= limit,
	      "%ld reads of %zu bytes failed: queued_bytes %ld, at most %ld",
	      reads.failed, len, stat_of("queued_bytes"), limit);
}

static void fail_many(int flags, bool ack, size_t len, long more)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	pthread_t threads[READERS];
	long sent = 0, i;
	int fd;

	/* high_water_bytes begins with the queue. */
	make_queue("failing,msg_max_size=1048576,queue_max_bytes=33554432");
	use_queue("failing");
	limit_queue(len, 2);
	param_set("read_ack", ack);
	reads.part = (len + page - 1) / page * page;
	make_lazy(reads.part * READERS);
	fd = q_open(O_WRONLY | O_NONBLOCK);
	for (i = 0; i < READERS; i++) {
		while (send_number(fd, sent, len))
			sent++;
		if (!stat_of("queued"))
			break;
		threads[i] = start_reader(flags, len);
	}
	while (send_number(fd, sent, len))
		sent++;
	limit_holds(len, more);
	printf("# %zu bytes: %ld reads stall, %ld messages were written\n", len,
	       reads.stalled, sent);
	fflush(stdout);
	CHECK(reads.stalled >= 2, "no reads");
	fail_all(threads);
	limit_holds(len, more);
	EQ(stat_of("queued"), sent);
	FAILS(write(fd, msg, len), EAGAIN);
	close(fd);

	/* Each of them once, in order. */
	param_set("read_ack", 0);
	fd = q_open(O_RDONLY | O_NONBLOCK);
	for (i = 0; i < sent; i++) {
		memcpy(msg, &i, sizeof(i));
		get_msg(fd, msg, len);
	}
	close(fd);
	expect_empty();
}

static void chunks(void)
{
	fail_many(O_RDONLY, false, HUGE_SIZE, 0);
}

static void chunks_nonblock(void)
{
	fail_many(O_RDONLY | O_NONBLOCK, false, HUGE_SIZE, 0);
}

static void chunks_ack(void)
{
	fail_many(O_RDONLY, true, HUGE_SIZE, 0);
}

static void smallest_chunk(void)
{
	fail_many(O_RDONLY | O_NONBLOCK, false, 2049, 0);
}

static void one_piece(void)
{
	fail_many(O_RDONLY, false, 2048, PER_READ);
}

static void one_piece_nonblock(void)
{
	fail_many(O_RDONLY | O_NONBLOCK, false, 2048, PER_READ);
}

static void one_piece_ack(void)
{
	fail_many(O_RDONLY, true, 2048, 0);
}

static const struct tap_test tests[] = {
	{ "300 failed reads of 1 MiB: never more than queue_max_bytes",
	  chunks },
	{ "300 failed reads of 1 MiB with O_NONBLOCK: never more than queue_max_bytes",
	  chunks_nonblock },
	{ "300 failed reads of 1 MiB with read_ack=Y: never more than queue_max_bytes",
	  chunks_ack },
	{ "300 failed reads of 2,049 bytes: never more than queue_max_bytes",
	  smallest_chunk },
	{ "300 failed reads of 2,048 bytes: at most 2,200 bytes more for each",
	  one_piece },
	{ "300 failed reads of 2,048 bytes with O_NONBLOCK: at most 2,200 bytes more for each",
	  one_piece_nonblock },
	{ "300 failed reads of 2,048 bytes with read_ack=Y: never more than queue_max_bytes",
	  one_piece_ack },
};

TAP_MAIN(tests)
