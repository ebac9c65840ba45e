// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation and each user copy of a call fails in turn: the call gives
 * the documented error, or copes; nothing is leaked, lost or doubled.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "faults.h"

/* More than a page: allocations and copies of a message in several chunks. */
#define LONG_SIZE	10000
#define TOO_MANY	1000

static char in[LONG_SIZE], out[LONG_SIZE];

/* The arguments of the calls. */
static int fd = -1;
static size_t size;

static ssize_t do_open(void)
{
	return open(QUEUE_FILE, O_RDWR | O_CLOEXEC);
}

static ssize_t do_write(void)
{
	return write(fd, in, size);
}

#define VECTORS		10

static ssize_t do_writev(void)
{
	struct iovec vec[VECTORS];
	size_t i, part = size / VECTORS;

	for (i = 0; i < VECTORS; i++)
		vec[i] = (struct iovec){ in + i * part, part };
	vec[VECTORS - 1].iov_len += size % VECTORS;
	return writev(fd, vec, VECTORS);
}

static ssize_t do_read(void)
{
	return read(fd, out, sizeof(out));
}

static ssize_t do_readv(void)
{
	struct iovec vec[] = {
		{ out, 100 }, { out + 100, sizeof(out) - 100 },
	};

	return readv(fd, vec, ARRAY_SIZE(vec));
}

static ssize_t do_poll(void)
{
	struct pollfd all[64];
	size_t i;

	/* More than poll keeps on its stack. */
	for (i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = (struct pollfd){ fd, POLLIN | POLLOUT, 0 };
	return poll(all, ARRAY_SIZE(all), 0);
}

static ssize_t do_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ret, saved, epfd = epoll_create1(EPOLL_CLOEXEC);

	if (epfd < 0)
		return -1;
	ret = epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
	if (!ret)
		ret = epoll_wait(epfd, &event, 1, 0);
	saved = errno;
	close(epfd);
	errno = saved;
	return ret;
}

static int injected;

/*
 * Makes @call with each place failing in turn: before it @before, after it
 * @after with what it returned.
 */
static void each_fault(ssize_t (*call)(void), void (*before)(void),
		       void (*after)(ssize_t ret))
{
	bool more = true;
	int nth, count = 0;

	for (nth = 1; more; nth++) {
		ssize_t ret;
		int faults;

		CHECK(nth < TOO_MANY, "it fails for ever");
		if (before)
			before();
		faults = faults_arm(nth);
		ret = call();
		more = faults_disarm(faults);
		if (ret < 0)
			CHECK(errno == ENOMEM || errno == EFAULT,
			      "fault %d: %s", nth, strerror(errno));
		CHECK(more || ret >= 0, "it fails with no fault");
		after(ret);
		count += more;
	}
	CHECK(count, "no place to fail was found");
	injected += count;
}

static void opened(ssize_t ret)
{
	if (ret >= 0)
		close(ret);
	/* The last reference may be put a moment later. */
	UNTIL(references() == 0);
}

static void every_open(void)
{
	faults_init(true);
	each_fault(do_open, NULL, opened);
}

static void written(ssize_t ret)
{
	EQ(stat_of("queued"), ret > 0);
	if (ret > 0) {
		int reader = q_open(O_RDONLY | O_NONBLOCK);

		EQ(ret, size);
		get_msg(reader, in, size);
		close(reader);
	}
	EQ(stat_of("queued_bytes"), 0);
}

static void each_size(void (*test)(void))
{
	static const size_t sizes[] = { 1, 4096, LONG_SIZE };
	size_t i;

	faults_init(true);
	param_set("msg_max_size", LONG_SIZE);
	fill_pattern(in, sizeof(in), 1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size = sizes[i];
		test();
	}
	dprintf(1, "# %d faults\n", injected);
}

static void write_size(void)
{
	fd = q_open(O_WRONLY);
	each_fault(do_write, NULL, written);
	each_fault(do_writev, NULL, written);
	close(fd);
}

static void every_write(void)
{
	each_size(write_size);
}

static void one_message(void)
{
	send_msg(in, size);
	send_str("next");
}

static void received(ssize_t ret)
{
	if (ret < 0) {
		/* Back at the head, for this open as for any other. */
		EQ(stat_of("queued"), 2);
		EQ(stat_of("dropped"), 0);
		get_msg(fd, in, size);
	} else {
		EQ(ret, size);
		CHECK(!memcmp(in, out, size), "the message has changed");
	}
	expect_next("next");
	EQ(stat_of("queued_bytes"), 0);
}

static void received_plain(ssize_t ret)
{
	received(ret);
	get_eof(fd);
	close(fd);
	fd = -1;
}

static void one_message_plain(void)
{
	one_message();
	fd = q_open(O_RDONLY);
}

static void read_size(void)
{
	fd = q_open(O_RDONLY | O_NONBLOCK);
	each_fault(do_read, one_message, received);
	each_fault(do_readv, one_message, received);
	close(fd);
	each_fault(do_read, one_message_plain, received_plain);
	each_fault(do_readv, one_message_plain, received_plain);
}

static void every_read(void)
{
	each_size(read_size);
}

/* A message that has been read in part stays with its reader. */
static void half_message(void)
{
	one_message_plain();
	EQ(read(fd, out, size / 2), size / 2);
}

static void received_rest(ssize_t ret)
{
	size_t half = size / 2;

	EQ(stat_of("queued"), 1);
	if (ret < 0)
		ret = read(fd, out, sizeof(out));
	EQ(ret, size - half);
	CHECK(!memcmp(in + half, out, size - half), "the rest has changed");
	get_eof(fd);
	close(fd);
	fd = -1;
	expect_next("next");
	EQ(stat_of("dropped"), 0);
}

static void rest_size(void)
{
	if (size > 1)
		each_fault(do_read, half_message, received_rest);
}

static void every_read_of_the_rest(void)
{
	each_size(rest_size);
}

static struct call *waiting;

/* A writer that fails does not keep the room from one that waits. */
static void full_and_waiter(void)
{
	limit_queue(MAX_SIZE, 1);
	fill_queue();
	waiting = call_write("waited", 6);
	call_asleep(waiting);
	/* For both: who of them is first is not known. */
	limit_queue(MAX_SIZE, 3);
}

static void waiter_wrote(ssize_t ret)
{
	int reader = q_open(O_RDONLY | O_NONBLOCK);

	EQ(call_join(waiting), 6);
	EQ(stat_of("queued"), 2 + (ret > 0));
	while (read(reader, out, sizeof(out)) > 0)
		;
	close(reader);
}

static void every_write_beside_a_waiter(void)
{
	faults_init(true);
	size = 1;
	fd = q_open(O_WRONLY);
	limit_queue(MAX_SIZE, 1);
	each_fault(do_write, full_and_waiter, waiter_wrote);
	close(fd);
}

static void polled(ssize_t ret)
{
	CHECK(ret != 0, "no event, with a message there");
	expect_next("one");
}

static void send_one(void)
{
	send_str("one");
}

static void every_poll(void)
{
	faults_init(true);
	fd = q_open(O_RDWR | O_NONBLOCK);
	each_fault(do_poll, send_one, polled);
	each_fault(do_epoll, send_one, polled);
	close(fd);
}

/* With read_ack: the read confirms one message, and then holds the next. */
static void holding(void)
{
	send_str("held");
	send_msg(in, size);
	get_str(fd, "held");
	EQ(stat_of("held"), 1);
}

static void confirmed(ssize_t ret)
{
	/* What was read is confirmed first, whatever becomes of the next. */
	EQ(stat_of("held"), ret > 0);
	EQ(stat_of("queued"), ret < 0);
	EQ(stat_of("queued_bytes"), footprint(size));
	if (ret < 0)
		get_msg(fd, in, size);
	else
		EQ(ret, size);
	EQ(fsync(fd), 0);
	EQ(stat_of("queued_bytes"), 0);
	EQ(stat_of("dropped"), 0);
}

static void ack_size(void)
{
	fd = q_open(O_RDONLY | O_NONBLOCK);
	each_fault(do_read, holding, confirmed);
	each_fault(do_readv, holding, confirmed);
	close(fd);
}

static void every_read_with_ack(void)
{
	param_set("read_ack", 1);
	each_size(ack_size);
}

#define NEW_QUEUE	"faulty"
#define NEW_FILE	"/proc/msg_queues/" NEW_QUEUE
#define NEW_DIR		SYS_DIR "queues/" NEW_QUEUE

/* As try_queue_words(), but to open the file may fail too. */
static ssize_t store(const char *path, const char *text)
{
	int saved, file = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t ret;

	if (file < 0)
		return -1;
	ret = write(file, text, strlen(text));
	saved = errno;
	close(file);
	errno = saved;
	return ret;
}

static ssize_t words(const char *text)
{
	return store(SYS_DIR "parameters/queue", text);
}

static ssize_t do_make(void)
{
	return words(NEW_QUEUE ",mode=0640,gid=7,read_ack=Y,max_deliveries=3,dead=faulty-dead");
}

static ssize_t do_remove(void)
{
	return words("-" NEW_QUEUE);
}

static void make(void)
{
	CHECK(do_make() > 0, "make: %s", strerror(errno));
}

static void check_there(bool there)
{
	EQ(!access(NEW_FILE, F_OK), there);
	EQ(!access(NEW_DIR "/queued", F_OK), there);
	if (!there) {
		EQ(!access(NEW_DIR, F_OK), false);
		return;
	}
	use_queue(NEW_QUEUE);
	send_str("a message");
	expect_next("a message");
	expect_empty();
	use_queue("msg_queue");
}

static void made(ssize_t ret)
{
	check_there(ret > 0);
	/* Only what was made keeps the dead queue from being removed. */
	if (ret > 0)
		CHECK(do_remove() > 0, "remove: %s", strerror(errno));
	EQ(try_queue_words("-faulty-dead"), 0);
	make_queue("faulty-dead");
}

static void removed(ssize_t ret)
{
	check_there(ret < 0);
	if (ret < 0)
		CHECK(do_remove() > 0, "remove: %s", strerror(errno));
	check_there(false);
}

static void every_live_queue(void)
{
	faults_init(true);
	make_queue("faulty-dead");
	each_fault(do_make, NULL, made);
	each_fault(do_remove, make, removed);
	dprintf(1, "# %d faults\n", injected);
}

static ssize_t do_set(void)
{
	return store(SYS_DIR "queues/msg_queue/msg_max_size", "2000");
}

static void set_back(void)
{
	param_set("msg_max_size", 1000);
}

static void was_set(ssize_t ret)
{
	EQ(stat_of("msg_max_size"), ret > 0 ? 2000 : 1000);
}

static void every_setting(void)
{
	faults_init(true);
	each_fault(do_set, set_back, was_set);
}

static const struct tap_test tests[] = {
	{ "open(2)", every_open },
	{ "write(2) and writev(2): all of it or nothing", every_write },
	{ "read(2) and readv(2): nothing is lost", every_read },
	{ "read(2) of a message's rest", every_read_of_the_rest },
	{ "a write that fails does not keep the space from one that waits",
	  every_write_beside_a_waiter },
	{ "poll(2) and epoll", every_poll },
	{ "read(2) and readv(2) with read_ack", every_read_with_ack },
	{ "creating and removing a queue", every_live_queue },
	{ "changing a setting", every_setting },
};

TAP_MAIN(tests)
