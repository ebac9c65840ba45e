// SPDX-License-Identifier: GPL-2.0-only
/* rmmod: refused while the file is open, and safe at any other moment. */
#include "load.h"
#include "polls.h"

#define SECONDS	3

static void load(void)
{
	EQ(module_load(""), 0);
}

static void refused_while_open(void)
{
	static const int flags[] = {
		O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_NONBLOCK,
		O_WRONLY | O_NONBLOCK, O_RDWR | O_NONBLOCK,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = q_open(flags[i]), copy = dup(fd);

		FAILS(module_unload(), EWOULDBLOCK);
		close(fd);
		FAILS(module_unload(), EWOULDBLOCK);
		close(copy);
		EQ(module_unload(), 0);
		FAILS(open(QUEUE_FILE, O_RDONLY), ENOENT);
		load();
	}
}

static void refused_in_the_middle(void)
{
	int fd = q_open(O_RDONLY);
	char byte;

	send_str("ab");
	EQ(read(fd, &byte, 1), 1);
	FAILS(module_unload(), EWOULDBLOCK);
	get_str(fd, "b");
	FAILS(module_unload(), EWOULDBLOCK);
	get_eof(fd);
}

static void refused_while_reader_waits(void)
{
	struct call *reader;

	param_set("read_wait", 1);
	reader = call_read(0);
	call_asleep(reader);
	FAILS(module_unload(), EWOULDBLOCK);
	call_asleep(reader);
	send_str("still here");
	call_join_str(reader, "still here");
	EQ(module_unload(), 0);
	load();
}

static void refused_while_writer_waits(void)
{
	struct call *writer;

	limit_queue(MAX_SIZE, 1);
	send_str("x");
	writer = call_write("still here", 10);
	call_asleep(writer);
	FAILS(module_unload(), EWOULDBLOCK);
	call_asleep(writer);
	expect_next("x");
	EQ(call_join(writer), 10);
	expect_next("still here");
	EQ(module_unload(), 0);
	load();
}

static void refused_while_polled(void)
{
	struct call *poller = start_poll(-1, O_RDONLY, POLLIN);
	int fd, ep;

	FAILS(module_unload(), EWOULDBLOCK);
	call_kill(poller, SIGKILL);
	fd = q_open(O_RDONLY);
	ep = watch(fd, EPOLLIN);
	FAILS(module_unload(), EWOULDBLOCK);
	close(fd);
	EQ(module_unload(), 0);
	EQ(reported(ep), 0);
	load();
}

static void messages_go(void)
{
	send_numbered(1, 1000);
	EQ(module_unload(), 0);
	load();
	expect_empty();
	EQ(stat_of("enqueued"), 0);
	send_numbered(1, 1);
	expect_numbered(1, 1);
}

static volatile int *stop;

/* Everything that can be done with the file, while it comes and goes. */
static ssize_t use_file(struct call *c, int null)
{
	struct pollfd p = { .events = POLLIN | POLLOUT };
	char msg[64];
	long opens = 0;

	(void)c;
	(void)null;
	while (!*stop) {
		p.fd = open(QUEUE_FILE, O_RDWR | O_NONBLOCK);
		if (p.fd < 0) {
			EQ(errno, ENOENT);
			continue;
		}
		opens++;
		EQ(write(p.fd, "message", 7), 7);
		EQ(poll(&p, 1, 0), 1);
		if (read(p.fd, msg, sizeof(msg)) < 0)
			EQ(errno, EAGAIN);	/* the other one has it */
		if (opens % 2)
			EQ(write(p.fd, "left behind", 11), 11);
		close(p.fd);
	}
	return opens;
}

static ssize_t use_sysfs(struct call *c, int null)
{
	static const char *const files[] = {
		"queues/msg_queue/queued", "queues/msg_queue/oldest_age_ms",
		"parameters/procfs_name",
		/* And those that are written, too. */
		"parameters/msg_max_size", "queues/msg_queue/msg_max_size",
	};
	char path[80], text[300];
	long reads = 0;
	size_t i;
	int fd;

	(void)c;
	(void)null;
	while (!*stop)
		for (i = 0; i < ARRAY_SIZE(files); i++) {
			snprintf(path, sizeof(path), SYS_DIR "%s", files[i]);
			fd = open(path, O_RDONLY);
			if (fd < 0)
				continue;
			reads += read(fd, text, sizeof(text)) > 0;
			close(fd);
			if (i < 3)
				continue;
			fd = open(path, O_WRONLY);
			if (fd < 0)
				continue;
			(void)!write(fd, "1024", 4);
			close(fd);
		}
	return reads;
}

static void unload_under(call_fn user)
{
	double start = seconds();
	/* Not with the queue's file open from the beginning. */
	int null = open("/dev/null", O_RDONLY);
	struct call *users[2];
	long unloads = 0;
	size_t i;

	stop = shared_memory(sizeof(*stop));
	for (i = 0; i < ARRAY_SIZE(users); i++)
		users[i] = call_start(user, null, 0, NULL, 0);
	do {
		if (!module_unload()) {
			unloads++;
			load();
		}
		usleep(1000);
	} while (seconds() - start < SECONDS || !unloads);
	*stop = 1;
	for (i = 0; i < ARRAY_SIZE(users); i++)
		CHECK(call_join(users[i]) > 0, "a user never got through");
}

static void under_traffic(void)
{
	unload_under(use_file);
}

static void under_sysfs(void)
{
	unload_under(use_sysfs);
}

static const struct tap_test tests[] = {
	{ "refused while the file is open in any way", refused_while_open },
	{ "refused in the middle of a message and after it",
	  refused_in_the_middle },
	{ "refused while a reader waits, which continues to wait",
	  refused_while_reader_waits },
	{ "refused while a writer waits, which continues to wait",
	  refused_while_writer_waits },
	{ "refused while a process polls", refused_while_polled },
	{ "the messages that are left go with the module", messages_go },
	{ "unloaded and loaded while others open the file", under_traffic },
	{ "unloaded and loaded while others use the parameters and counters",
	  under_sysfs },
};

TAP_MAIN(tests)
