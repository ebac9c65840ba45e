// SPDX-License-Identifier: GPL-2.0-only
/* The mistakes of a public module that did this job: one test for each. */
#include "tap.h"

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

static void second_write(void)
{
	int fd = q_open(O_WRONLY), i;
	char text[32];

	for (i = 1; i <= 6; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		EQ(write(fd, text, strlen(text)), strlen(text));
	}
	EQ(stat_of("queued"), 6);
	expect_numbered(1, 6);
}

static void cut(void)
{
	static char msg[MAX_SIZE + 1], got[MAX_SIZE + 1];
	int fd = q_open(O_RDWR);
	size_t len;

	fill_pattern(msg, sizeof(msg), 1);
	FAILS(write(fd, msg, MAX_SIZE + 1), EMSGSIZE);
	EQ(write(fd, msg, MAX_SIZE), MAX_SIZE);
	/* Nor is the rest thrown away when the buffer is short. */
	for (len = 0; len < MAX_SIZE; len += 100)
		EQ(read(fd, got + len, 100),
		   len + 100 > MAX_SIZE ? MAX_SIZE - len : 100);
	CHECK(!memcmp(msg, got, MAX_SIZE), "the bytes differ");
	expect_empty();
}

static int kernel_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	CHECK(fd >= 0, "/dev/kmsg: %s", strerror(errno));
	lseek(fd, 0, SEEK_END);
	return fd;
}

/* Fails for a record of the module's, or with @secret in it. */
static void nothing_logged(int log, const char *secret)
{
	char record[8192];
	ssize_t len;
	int count = 0;

	while ((len = read(log, record, sizeof(record) - 1)) > 0) {
		record[len] = 0;
		CHECK(!strstr(record, "kmsg_queue") && !strstr(record, secret),
		      "the log has: %s", record);
		count++;
	}
	EQ(errno, EAGAIN);
	CHECK(count < 100, "%d records in the log", count);
}

static void contents_in_log(void)
{
	static char long_secret[2 * MAX_SIZE];
	int log = kernel_log(), fd = q_open(O_RDWR);

	send_str("s3cr3t");
	EQ(write(fd, "s3cr3t\n", 7), 7);
	memset(long_secret, '3', sizeof(long_secret));
	memcpy(long_secret, "s3cr3t", 6);
	EQ(write(fd, long_secret, MAX_SIZE), MAX_SIZE);
	FAILS(write(q_open(O_WRONLY), long_secret, 2 * MAX_SIZE), EMSGSIZE);
	get_str(fd, "s3cr3t");
	expect_next("s3cr3t\n");
	FAILS(read(q_open(O_RDONLY), bad_address(), 10), EFAULT);
	EQ(read(q_open(O_RDONLY), long_secret, 10), 10);
	nothing_logged(log, "s3cr3t");
}

static void line_for_each_message(void)
{
	int log = kernel_log(), fd = q_open(O_RDWR | O_NONBLOCK), i;
	char byte;

	for (i = 0; i < 10000; i++) {
		EQ(write(fd, "x", 1), 1);
		EQ(read(fd, &byte, 1), 1);
	}
	for (i = 0; i < 100; i++)
		close(q_open(O_RDWR));
	nothing_logged(log, "no secret");
}

static const struct tap_test tests[] = {
	{ "a read to an address of the kernel changes nothing there",
	  read_to_kernel },
	{ "a write from an address of the kernel reads nothing there",
	  write_from_kernel },
	{ "the second write of one open file is not dropped",
	  second_write },
	{ "nothing is cut, neither written nor read", cut },
	{ "no message's contents in the kernel log", contents_in_log },
	{ "no line in the kernel log for 10,000 messages",
	  line_for_each_message },
};

TAP_MAIN(tests)
