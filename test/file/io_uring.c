// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring, and the older aio: they poll the file in every mode. Their reads
 * and writes are refused: io_uring goes on with a regular file's short read,
 * and so would join two messages.
 */
#define _GNU_SOURCE
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "polls.h"

#define ENTRIES	8

static const int modes[] = {
	O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_NONBLOCK,
	O_WRONLY | O_NONBLOCK, O_RDWR | O_NONBLOCK,
};

static char buf[64] = "message 1";

static struct {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static void *map(size_t size, off_t what)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, ring.fd, what);

	CHECK(at != MAP_FAILED, "mmap: %s", strerror(errno));
	return at;
}

static void make_ring(void)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring.fd < 0 && (errno == ENOSYS || errno == EPERM))
		skip("this kernel has no io_uring, or has it off");
	CHECK(ring.fd >= 0, "io_uring_setup: %s", strerror(errno));
	sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		 IORING_OFF_SQ_RING);
	cq = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		 IORING_OFF_CQ_RING);
	ring.sqes = map(p.sq_entries * sizeof(struct io_uring_sqe),
			IORING_OFF_SQES);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
}

/* Waits for @wait results at least. */
static void enter(unsigned int submit, unsigned int wait)
{
	EQ(syscall(SYS_io_uring_enter, ring.fd, submit, wait,
		   wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0), submit);
}

static void submit(struct io_uring_sqe sqe)
{
	unsigned int at = *ring.sq_tail & *ring.sq_mask;

	ring.sqes[at] = sqe;
	ring.sq_array[at] = at;
	__atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
	enter(1, 0);
}

static bool completed(void)
{
	return __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) != *ring.cq_head;
}

/* The next result: a count, or an errno below 0. */
static int result(void)
{
	int res;

	if (!completed())
		enter(0, 1);
	res = ring.cqes[*ring.cq_head & *ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
	return res;
}

static void add_poll(int fd, int events)
{
	submit((struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD, .fd = fd, .poll_events = events,
	});
}

static bool readable(int mode)
{
	return (mode & O_ACCMODE) != O_WRONLY;
}

static bool writable(int mode)
{
	return (mode & O_ACCMODE) != O_RDONLY;
}

static void poll_ready(void)
{
	size_t i;

	make_ring();
	send_str("x");
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(modes[i]);
		int want = (readable(modes[i]) ? POLLIN : 0) |
			   (writable(modes[i]) ? POLLOUT : 0);

		add_poll(fd, POLLIN | POLLOUT);
		EQ(result(), want);
		close(fd);
	}
}

static void poll_message(void)
{
	size_t i;

	make_ring();
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd;

		if (!readable(modes[i]))
			continue;
		fd = q_open(modes[i]);
		add_poll(fd, POLLIN);
		CHECK(!completed(), "mode %o, an empty queue: %d", modes[i],
		      result());
		send_str("message 1");
		EQ(result(), POLLIN);
		/* That is what it is good for. */
		get_str(fd, "message 1");
		close(fd);
	}
}

static void poll_room(void)
{
	size_t i;

	make_ring();
	limit_queue(MAX_SIZE, 1);
	send_str("x");
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd;

		if (!writable(modes[i]))
			continue;
		fd = q_open(modes[i]);
		add_poll(fd, POLLOUT);
		CHECK(!completed(), "mode %o, a full queue: %d", modes[i],
		      result());
		expect_next("x");
		EQ(result(), POLLOUT);
		EQ(write(fd, "x", 1), 1);
		close(fd);
	}
}

static void poll_eof(void)
{
	int fd = q_open(O_RDONLY);

	make_ring();
	add_poll(fd, 0);
	CHECK(!completed(), "at the beginning: %d", result());
	send_str("x");
	get_str(fd, "x");
	get_eof(fd);
	EQ(result() & POLLHUP, POLLHUP);
}

/*
 * A registered file has no descriptor, and nobody closes one: what it was woken
 * for is for the next worker when it is registered no more.
 */
static ssize_t wait_exclusively(struct call *c, int fd)
{
	uint32_t events;

	memcpy(&events, c->buf, sizeof(events));
	return wait_in_epoll(watch(fd, events));
}

static void registered(int mode, unsigned int events)
{
	unsigned int exclusive = events | EPOLLEXCLUSIVE;
	struct call *next;
	int fd;

	make_ring();
	limit_queue(MAX_SIZE, 1);
	if (events == EPOLLOUT)
		send_str("x");
	fd = q_open(mode);
	EQ(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd,
		   1), 0);
	close(fd);
	submit((struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD, .flags = IOSQE_FIXED_FILE,
		.fd = 0, .poll32_events = exclusive,
	});
	if (completed()) {
		EQ(result(), -EINVAL);
		skip("this kernel's io_uring has no exclusive polls");
	}
	next = call_start(wait_exclusively, -1, mode, &exclusive,
			  sizeof(exclusive));
	call_asleep(next);
	if (events == EPOLLOUT)
		expect_next("x");
	else
		send_str("x");
	EQ(result() & events, events);
	/* One poller hears of a message, all of them of space. */
	if (events == EPOLLIN)
		call_asleep(next);
	EQ(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_FILES,
		   NULL, 0), 0);
	UNTIL(references() <= 1);
	CHECK(!call_settled(next), "the next worker is still asleep");
	EQ(call_join(next), events);
}

static void registered_reader(void)
{
	registered(O_RDONLY | O_NONBLOCK, EPOLLIN);
	expect_next("x");
}

static void registered_writer(void)
{
	registered(O_WRONLY | O_NONBLOCK, EPOLLOUT);
}

struct transfer {
	const char *name;
	int opcode;
	bool writes, vectored;
};

static const struct transfer transfers[] = {
	{ "READ", IORING_OP_READ, false, false },
	{ "READV", IORING_OP_READV, false, true },
	{ "WRITE", IORING_OP_WRITE, true, false },
	{ "WRITEV", IORING_OP_WRITEV, true, true },
};

/* Each transfer that @mode allows, as it comes, and by a worker thread. */
static void refused(const struct transfer *t, int mode)
{
	static struct iovec iov = { buf, 9 };
	static const int flags[] = { 0, IOSQE_ASYNC };
	int fd = q_open(mode), res;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		submit((struct io_uring_sqe){
			.opcode = t->opcode, .fd = fd, .flags = flags[i],
			.off = -1, .addr = (uintptr_t)(t->vectored ?
						       (void *)&iov : buf),
			.len = t->vectored ? 1 : 9,
		});
		res = result();
		CHECK(res == -EOPNOTSUPP, "%s, mode %o: %d, not EOPNOTSUPP",
		      t->name, mode, res);
	}
	close(fd);
}

static void each_transfer(bool writes)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(transfers); i++)
		for (j = 0; j < ARRAY_SIZE(modes); j++)
			if (transfers[i].writes == writes &&
			    (writes ? writable : readable)(modes[j]))
				refused(&transfers[i], modes[j]);
}

static void transfers_refused(void)
{
	make_ring();
	send_numbered(1, 2);
	each_transfer(false);
	each_transfer(true);
	EQ(stat_of("queued"), 2);
	expect_numbered(1, 2);
}

/* What aio says to one read or write. */
static long by_aio(aio_context_t context, int fd, int opcode)
{
	struct iocb cb = {
		.aio_fildes = fd, .aio_lio_opcode = opcode,
		.aio_buf = (uintptr_t)buf, .aio_nbytes = 9,
	}, *list = &cb;
	struct io_event event;

	if (syscall(SYS_io_submit, context, 1, &list) != 1)
		return -errno;
	EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
	return event.res;
}

static void aio_refused(void)
{
	aio_context_t context = 0;
	size_t i;

	if (syscall(SYS_io_setup, 1, &context))
		skip("this kernel has no aio");
	send_numbered(1, 2);
	param_set("read_wait", 1);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(modes[i]);

		if (readable(modes[i]))
			EQ(by_aio(context, fd, IOCB_CMD_PREAD), -EOPNOTSUPP);
		if (writable(modes[i]))
			EQ(by_aio(context, fd, IOCB_CMD_PWRITE), -EOPNOTSUPP);
		close(fd);
	}
	EQ(stat_of("queued"), 2);
	expect_numbered(1, 2);
}

static const struct tap_test tests[] = {
	{ "POLL_ADD of what is ready, in every mode", poll_ready },
	{ "POLL_ADD waits for a message, in every mode", poll_message },
	{ "POLL_ADD waits for space, in every mode", poll_room },
	{ "POLL_ADD sees this open's end of file", poll_eof },
	{ "a registered file that was woken leaves the message to the next",
	  registered_reader },
	{ "a registered file that was woken leaves the space to the next",
	  registered_writer },
	{ "READ and WRITE: EOPNOTSUPP, nothing taken or queued",
	  transfers_refused },
	{ "aio: EOPNOTSUPP, nothing taken or queued", aio_refused },
};

TAP_MAIN(tests)
