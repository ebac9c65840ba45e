// SPDX-License-Identifier: GPL-2.0-only
/* Addresses that the caller may not use: EFAULT, and nothing is lost. */
#include <limits.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "tap.h"

static char buf[64];

/* Through pointers, since the compiler knows that these calls are wrong. */
static ssize_t (*volatile raw_read)(int, void *, size_t) = read;
static ssize_t (*volatile raw_write)(int, const void *, size_t) = write;

/* Two pages, of which the second cannot be used: gives where it begins. */
static char *edge(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED, "mmap: %s", strerror(errno));
	EQ(mprotect(at + page, page, PROT_NONE), 0);
	return at + page;
}

static void *read_only(void)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	CHECK(page != MAP_FAILED, "mmap: %s", strerror(errno));
	return page;
}

static void *unmapped(void)
{
	void *hole = bad_address();

	EQ(munmap(hole, HUGE_SIZE), 0);
	return hole;
}

/* An @i-th bad address, or NULL behind the last one but the first. */
static void *bad(size_t i)
{
	switch (i) {
	case 0: return NULL;
	case 1: return (void *)8;
	case 2: return unmapped();
	case 3: return bad_address();
	/* The kernel's half, its first and last pages, and no half at all. */
	case 4: return (void *)(LONG_MIN >> 8);
	case 5: return (void *)LONG_MIN;
	case 6: return (void *)(LONG_MIN >> 16);
	case 7: return (void *)-4096L;
	case 8: return (void *)-1L;
	}
	return NULL;
}

#define BAD	9

static const int modes[] = { 0, O_NONBLOCK };

static void write_from_bad(void)
{
	size_t i, j;

	for (i = 0; i < BAD; i++)
		for (j = 0; j < ARRAY_SIZE(modes); j++) {
			int fd = q_open(O_WRONLY | modes[j]);

			FAILS(write(fd, bad(i), 1), EFAULT);
			FAILS(write(fd, bad(i), 100), EFAULT);
			EQ(write(fd, "good", 4), 4);
			EQ(stat_of("queued"), 1);
			expect_next("good");
			close(fd);
		}
	expect_empty();
}

static void write_half_bad(void)
{
	int fd = q_open(O_WRONLY), reader;
	char *end = edge();
	size_t good;

	param_set("msg_max_size", HUGE_SIZE);
	memset(end - 100, 'x', 100);
	for (good = 0; good < 100; good++)
		FAILS(write(fd, end - good, 100), EFAULT);
	FAILS(write(fd, end - 4096, 8192), EFAULT);
	FAILS(write(fd, end - 4096, 4097), EFAULT);
	FAILS(write(fd, end - 1, HUGE_SIZE), EFAULT);
	EQ(stat_of("queued"), 0);
	EQ(write(fd, end - 100, 100), 100);
	memset(buf, 0, sizeof(buf));
	reader = q_open(O_RDONLY);
	EQ(read(reader, buf, 64), 64);
	close(reader);
	expect_empty();
}

/* Something that is known to be at an address of the kernel's. */
#define SYMBOL	"panic_timeout"
#define VALUE	"/proc/sys/kernel/panic"

static void *kernel_address(void)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	unsigned long address = 0, found = 0;
	char line[512], name[256];

	CHECK(symbols, "/proc/kallsyms: %s", strerror(errno));
	while (!found && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%lx %*c %255s", &address, name) == 2 &&
		    !strcmp(name, SYMBOL))
			found = address;
	fclose(symbols);
	if (!found)
		skip("/proc/kallsyms does not show where " SYMBOL " is");
	return (void *)found;
}

static int kernel_value(void)
{
	FILE *file = fopen(VALUE, "r");
	int value;

	CHECK(file && fscanf(file, "%d", &value) == 1, VALUE ": %s",
	      strerror(errno));
	fclose(file);
	return value;
}

static void read_to_kernel(void)
{
	static const int flags[] = { O_RDONLY, O_RDONLY | O_NONBLOCK };
	int before = kernel_value(), other = before + 7;
	void *address = kernel_address();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = q_open(flags[i]);

		send_msg(&other, sizeof(other));
		FAILS(read(fd, address, sizeof(other)), EFAULT);
		EQ(kernel_value(), before);
		get_msg(fd, &other, sizeof(other));
	}
}

static void write_from_kernel(void)
{
	void *address = kernel_address();

	FAILS(write(q_open(O_WRONLY), address, sizeof(int)), EFAULT);
	FAILS(write(q_open(O_WRONLY | O_NONBLOCK), address, 1), EFAULT);
	expect_empty();
}

static void write_from_read_only(void)
{
	char zeros[8] = "";

	EQ(write(q_open(O_WRONLY), read_only(), 8), 8);
	get_msg(q_open(O_RDONLY), zeros, 8);
}

static void huge_lengths(void)
{
	int fd = q_open(O_RDWR);

	/* A length that is below 0 is the kernel's affair: EINVAL or EFAULT. */
	EQ(raw_write(fd, buf, SIZE_MAX), -1);
	EQ(raw_write(fd, buf, (size_t)SSIZE_MAX + 1), -1);
	FAILS(raw_write(fd, buf, 0x7fffffff), EMSGSIZE);
	FAILS(raw_write(fd, buf, 0x7ffff000), EMSGSIZE);
	send_str("x");
	EQ(raw_read(fd, buf, SIZE_MAX), -1);
	EQ(raw_read(fd, buf, (size_t)SSIZE_MAX + 1), -1);
	EQ(stat_of("queued"), 1);
	/* The kernel cuts this one, and only 1 byte is written. */
	EQ(raw_read(fd, buf, 0x7fffffff), 1);
	expect_empty();
}

/* How many messages were taken and are not back. */
static long taken(void)
{
	return stat_of("dequeued") - stat_of("returned");
}

/* The message is first again, for any reader. */
static void still_first(long was_taken)
{
	EQ(stat_of("queued"), 2);
	EQ(taken(), was_taken);
}

static void read_to_bad(void)
{
	size_t i, j;

	for (i = 0; i < BAD; i++)
		for (j = 0; j < ARRAY_SIZE(modes); j++) {
			int fd = q_open(O_RDONLY | modes[j]);
			long was_taken = taken();

			send_numbered(1, 2);
			FAILS(read(fd, bad(i), 9), EFAULT);
			still_first(was_taken);
			FAILS(read(fd, bad(i), 100), EFAULT);
			still_first(was_taken);
			expect_next("message 1");
			get_str(fd, "message 2");
			close(fd);
		}
	for (j = 0; j < ARRAY_SIZE(modes); j++) {
		send_numbered(1, 2);
		FAILS(read(q_open(O_RDONLY | modes[j]), read_only(), 9),
		      EFAULT);
		expect_numbered(1, 2);
	}
	expect_empty();
}

static void read_half_bad(void)
{
	char *end = edge();
	size_t good, j;

	for (good = 0; good < 9; good++)
		for (j = 0; j < ARRAY_SIZE(modes); j++) {
			int fd = q_open(O_RDONLY | modes[j]);
			long was_taken = taken();

			send_numbered(1, 2);
			FAILS(read(fd, end - good, 9), EFAULT);
			still_first(was_taken);
			FAILS(read(fd, end - good, 4096), EFAULT);
			still_first(was_taken);
			expect_next("message 1");
			get_str(fd, "message 2");
			close(fd);
		}
	expect_empty();
}

static void read_long_half_bad(void)
{
	static char msg[HUGE_SIZE];
	char *end = edge();
	size_t j;

	param_set("msg_max_size", HUGE_SIZE);
	fill_pattern(msg, HUGE_SIZE, 1);
	for (j = 0; j < ARRAY_SIZE(modes); j++) {
		int fd = q_open(O_RDONLY | modes[j]);

		send_msg(msg, HUGE_SIZE);
		FAILS(read(fd, end - 4096, HUGE_SIZE), EFAULT);
		EQ(stat_of("queued"), 1);
		get_msg(fd, msg, HUGE_SIZE);
	}
}

static void only_what_is_needed(void)
{
	char *end = edge();
	size_t j;

	/* The buffer's bad part is behind the message's end. */
	for (j = 0; j < ARRAY_SIZE(modes); j++) {
		send_numbered(1, 1);
		EQ(read(q_open(O_RDONLY | modes[j]), end - 9, 4096), 9);
		CHECK(!memcmp(end - 9, "message 1", 9), "%.9s", end - 9);
	}
}

static void readv_half_bad(void)
{
	char a[4];
	struct iovec iov[] = { { a, 4 }, { bad_address(), 10 } };
	size_t j;

	for (j = 0; j < ARRAY_SIZE(modes); j++) {
		long was_taken = taken();
		int fd = q_open(O_RDONLY | modes[j]);

		send_numbered(1, 2);
		FAILS(readv(fd, iov, 2), EFAULT);
		still_first(was_taken);
		expect_next("message 1");
		get_str(fd, "message 2");
	}
}

static void partly_delivered_stays(void)
{
	int fd = q_open(O_RDONLY);
	char *end = edge();

	send_numbered(1, 2);
	EQ(read(fd, buf, 3), 3);
	FAILS(raw_read(fd, NULL, 3), EFAULT);
	/* Nothing of this call counts, though 2 bytes had room. */
	FAILS(read(fd, end - 2, 3), EFAULT);
	EQ(stat_of("queued"), 1);
	expect_next("message 2");
	EQ(read(fd, buf + 3, 2), 2);
	FAILS(read(fd, end - 2, 100), EFAULT);
	get_str(fd, "ge 1");
	CHECK(!memcmp(buf, "messa", 5), "%.5s", buf);
	get_eof(fd);
}

static void bad_after_eof(void)
{
	int fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	get_str(fd, "message 1");
	EQ(read(fd, bad_address(), 10), 0);
	FAILS(raw_read(q_open(O_RDONLY | O_NONBLOCK), NULL, 8), EMSGSIZE);
	expect_next("message 2");
	EQ(read(q_open(O_RDONLY), bad_address(), 10), 0);
	FAILS(raw_read(q_open(O_RDONLY | O_NONBLOCK), NULL, 8), EAGAIN);
}

static void counters_only_rise(void)
{
	long dequeued = stat_of("dequeued"), returned = stat_of("returned");
	size_t i, j;

	/* A monitor takes a counter that falls for a restart. */
	send_numbered(1, 1);
	for (j = 0; j < ARRAY_SIZE(modes); j++)
		for (i = 0; i < 10; i++) {
			long now;

			FAILS(read(q_open(O_RDONLY | modes[j]), bad_address(),
				   9), EFAULT);
			now = stat_of("dequeued");
			CHECK(now >= dequeued, "dequeued falls: %ld, now %ld",
			      dequeued, now);
			dequeued = now;
			EQ(stat_of("returned"), ++returned);
			EQ(stat_of("queued"), 1);
			EQ(stat_of("enqueued") + returned - dequeued, 1);
		}
	expect_numbered(1, 1);
	EQ(stat_of("returned"), returned);
	EQ(stat_of("dequeued"), dequeued + 1);
}

static ssize_t fault_often(struct call *c, int fd)
{
	void *address = bad_address();
	int i;

	(void)c;
	for (i = 0; i < 5000; i++)
		FAILS(read(fd, address, 100), EFAULT);
	return 0;
}

static void many_at_once(void)
{
	struct call *faulters[4];
	size_t i;

	/* More messages than hands: nobody finds the queue empty. */
	send_numbered(1, 20);
	for (i = 0; i < ARRAY_SIZE(faulters); i++)
		faulters[i] = call_start(fault_often, -1,
					 O_RDONLY | modes[i % 2], NULL, 0);
	send_numbered(21, 100);
	for (i = 0; i < ARRAY_SIZE(faulters); i++)
		EQ(call_join(faulters[i]), 0);
	EQ(stat_of("queued"), 100);
	expect_numbered(1, 100);
	expect_empty();
}

static const struct tap_test tests[] = {
	{ "write from bad addresses: EFAULT, nothing queued",
	  write_from_bad },
	{ "write from a buffer with a bad part: EFAULT, nothing queued",
	  write_half_bad },
	{ "a read to an address of the kernel changes nothing there",
	  read_to_kernel },
	{ "a write from an address of the kernel reads nothing there",
	  write_from_kernel },
	{ "write from memory that is only readable", write_from_read_only },
	{ "huge lengths", huge_lengths },
	{ "read to bad addresses: EFAULT, the message stays first",
	  read_to_bad },
	{ "read to a buffer with a bad part: EFAULT, the same",
	  read_half_bad },
	{ "a message of 1 MiB survives a bad part", read_long_half_bad },
	{ "a bad part behind the message's end is not touched",
	  only_what_is_needed },
	{ "readv with a bad vector: EFAULT, the message stays first",
	  readv_half_bad },
	{ "a partly delivered message stays with its open file",
	  partly_delivered_stays },
	{ "what is put back counts as returned; dequeued never falls",
	  counters_only_rise },
	{ "readers that fault at once keep the order", many_at_once },
	{ "where nothing is delivered the address does not matter",
	  bad_after_eof },
};

TAP_MAIN(tests)
