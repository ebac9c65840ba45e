// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random system calls on the queue's file. A model of the contract tells what
 * each of them returns, which bytes it gives, which of the calls that wait go
 * on after it, and what the counters then are.
 *
 * One process makes the calls, so all of that is exact; calls that have to wait
 * are made by children. A round is ROUND operations from one seed; when one is
 * not as predicted, those that are not needed to show it are left out, and the
 * rest is printed, with each result, to be run again (see test/fuzz).
 *
 * In the environment, numbers: FUZZ_SEED of the first round, FUZZ_CALLS in all
 * or FUZZ_SECONDS, FUZZ_BLOCKS of code in the module; and FUZZ_REPLAY, a file
 * with operations.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/kcov.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "fuzz_model.h"
#include "tap.h"

#define ROUND		1000	/* operations */
#define SLOTS		6	/* descriptors of the file */
#define CALLERS		3	/* children whose call waits */
#define ITEMS		8	/* in the epoll */
#define VECTORS		5
#define PIPE_ROOM	65536
#define BEHIND		64ul
#define AREA		(HUGE_SIZE + 65536)
#define PATIENCE_S	15	/* no test of speed */
/* Not beyond the last address: that is EFAULT before all else. */
#ifdef __x86_64__
#define FAR_TOO_LONG	INT_MAX
#else
#define FAR_TOO_LONG	(16 * HUGE_SIZE)
#endif
#define SUBTEST_S	20
#define SUBTEST_CALLS	10000

struct op {
	unsigned char kind, slot;
	unsigned int arg;	/* the seed of all that is chosen in it */
};

/* Shared by the process that tests and the one that watches it. */
static struct {
	unsigned int seed;		/* of the next round */
	unsigned long calls;
	bool again;			/* something has failed before */
	size_t at;			/* the operation that is under way */
	char wrong[400];		/* what was not as predicted */
	bool verbose;
	unsigned char reached[1 << 16];	/* bytes of the module's code */
} *shared;

/* ---- what there is ---- */

static struct slot {
	int fd;
	struct file *file;	/* NULL: no descriptor here */
} slots[SLOTS];

enum { CALL_READ, CALL_WRITE, CALL_POLL };

/* A child with a call that waits. */
static struct caller {
	struct call *call;	/* NULL: none */
	int kind, events;
	bool restarts, nonblock;
	struct file *file;
	size_t len, room;
	struct msg msg;
} callers[CALLERS];

static struct item {
	struct file *file;	/* NULL: none */
	int fd, events;
} items[ITEMS];

static void put_file(struct file *f)
{
	size_t i;

	if (--f->refs)
		return;
	m.dropped += f->reading;
	for (i = 0; i < ITEMS; i++)
		if (items[i].file == f)
			items[i].file = NULL;
}

/* Somebody waits for events of this very file. */
static bool watched(const struct file *f)
{
	size_t i;

	for (i = 0; i < ITEMS; i++)
		if (items[i].file == f)
			return true;
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && callers[i].kind == CALL_POLL &&
		    callers[i].file == f)
			return true;
	return false;
}

/* How many calls of this kind wait. */
static int waiting(int kind)
{
	int i, count = 0;

	for (i = 0; i < CALLERS; i++)
		count += callers[i].call && callers[i].kind == kind;
	return count;
}

/* ---- what was seen ---- */

static __attribute__((noreturn, format(printf, 1, 2)))
void wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(shared->wrong, sizeof(shared->wrong), fmt, args);
	va_end(args);
	if (shared->verbose)
		printf("#     WRONG: %s\n", shared->wrong);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

static const char *text_of(long ret, char *text)
{
	if (ret == WAITS)
		return "a call that waits";
	if (ret < 0 && ret > -4096)
		return strerrorname_np(-ret) ?: "an unknown error";
	sprintf(text, "%ld", ret);
	return text;
}

/* For a call that should go on. What has failed once need not get so much. */
static int patience(void)
{
	return shared->again ? 2 : PATIENCE_S;
}

/* @ret is what a system call has returned. */
static long result(long ret)
{
	return ret == -1 ? -errno : ret;
}

/* This call was made, with this result. */
static __attribute__((format(printf, 3, 4)))
void expect(long want, long got, const char *fmt, ...)
{
	char call[160], got_text[32], want_text[32];
	va_list args;

	if (want == got && !shared->verbose)
		return;
	va_start(args, fmt);
	vsnprintf(call, sizeof(call), fmt, args);
	va_end(args);
	if (shared->verbose)
		printf("#     %s = %s\n", call, text_of(got, got_text));
	if (want != got)
		wrong("%s = %s, not %s", call, text_of(got, got_text),
		      text_of(want, want_text));
}

/* Contents: bytes that differ from message to message, first of all the first. */
static unsigned char pool[HUGE_SIZE + (1 << 16)];

static const unsigned char *rest_of(const struct msg *msg)
{
	return pool + msg->id * 7919 % (1 << 16);
}

static void fill(char *buf, const struct msg *msg, size_t len)
{
	if (!len)
		return;
	memcpy(buf, rest_of(msg), len);
	buf[0] = msg->id;
}

static bool same(const char *buf, const struct msg *msg, size_t offset,
		 size_t len)
{
	size_t skip = len && !offset;

	if (skip && (unsigned char)buf[0] != (unsigned char)msg->id)
		return false;
	return !memcmp(buf + skip, rest_of(msg) + offset + skip, len - skip);
}

/* ---- coverage ---- */

#define KCOV_FILE	"/sys/kernel/debug/kcov"
#define KCOV_WORDS	(1 << 18)
#define SYS_DIR		"/sys/module/kmsg_queue/"

/* One for the process that tests, one for each child. */
static struct kcov {
	int fd;
	unsigned long *area;
} kcov[1 + CALLERS];

static unsigned long code_begin;

static void kcov_open(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kcov); i++) {
		struct kcov *k = &kcov[i];
		int fd = open(KCOV_FILE, O_RDWR | O_CLOEXEC);

		if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, KCOV_WORDS))
			return;
		/* Children of tap.c close what is below. */
		k->fd = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		close(fd);
		k->area = mmap(NULL, KCOV_WORDS * sizeof(long),
			       PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
		CHECK(k->area != MAP_FAILED, "kcov: %s", strerror(errno));
	}
}

static void kcov_start(struct kcov *k)
{
	if (!k->area)
		return;
	k->area[0] = 0;
	EQ(ioctl(k->fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
}

static void kcov_collect(struct kcov *k)
{
	unsigned long i;

	if (!k->area)
		return;
	for (i = 1; i <= k->area[0]; i++)
		if (k->area[i] - code_begin < sizeof(shared->reached))
			shared->reached[k->area[i] - code_begin] = 1;
	k->area[0] = 0;
}

/* ---- operations: choices ---- */

/* The next of a sequence that begins with @state (splitmix64), below @below. */
static uint64_t pick(uint64_t *state, uint64_t below)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % below;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool one_in(uint64_t *state, unsigned long count)
{
	return !pick(state, count);
}

static size_t pick_len(uint64_t *r, const struct file *f)
{
	size_t next = f->reading ? f->msg.len - f->offset :
		      queued() ? m.queue[m.head].len : 1;

	switch (pick(r, 12)) {
	case 0: return 0;
	case 1: return 1;
	case 2: return m.max_size;
	case 3: return m.max_size + 1;
	case 4: return m.max_size - 1;
	case 5: return next;
	case 6: return next - 1;
	case 7: return next + 1;
	case 8: return one_in(r, 4) ? FAR_TOO_LONG : pick(r, 2 * m.max_size);
	case 9: return pick(r, 64);
	default: return pick(r, m.max_size + 2);
	}
}

/* A buffer ends where nothing can be read or written any more. */
static char *area_end;

struct buf {
	char *at;
	size_t len, room;
	bool kernel;		/* an address that no user can have */
};

static struct buf pick_buf(uint64_t *r, size_t len)
{
	struct buf b = { .len = len, .room = min(len, AREA) };

	switch (pick(r, 24)) {
	case 0: b.room = 0; break;
	case 1:
	case 2: b.room = pick(r, b.room + 1); break;
	case 3: b.room = 0; return b;
	case 4:
		b.kernel = len;
		b.at = (char *)-65536L;
		b.room = 0;
		if (b.kernel)
			return b;
	}
	b.at = area_end - b.room;
	return b;
}

/* Cuts a buffer into vectors. */
static int pick_vectors(uint64_t *r, const struct buf *b, struct iovec *vec)
{
	int i, count = 1 + pick(r, VECTORS);
	size_t done = 0;

	for (i = 0; i < count; i++) {
		vec[i].iov_base = b->at + done;
		vec[i].iov_len = i < count - 1 ? pick(r, b->len - done + 1) :
						 b->len - done;
		done += vec[i].iov_len;
	}
	return count;
}

static struct msg pick_msg(size_t len)
{
	struct msg msg = { len, ++m.last_id };

	return msg;
}

/* ---- calls that wait ---- */

/* In the child; @c->flags tells which. */
static ssize_t make_call(struct call *c, int fd)
{
	struct caller *self = &callers[c->flags];
	struct pollfd p = { fd, self->events, 0 };
	struct iovec vec[] = {
		{ c->buf, c->len / 2 },
		{ c->buf + c->len / 2, c->len - c->len / 2 },
	};

	kcov_start(&kcov[1 + c->flags]);
	switch (self->kind) {
	case CALL_READ:
		if (self->room < c->len)
			return read(fd, area_end, c->len);
		return self->restarts ? read(fd, c->buf, c->len) :
					readv(fd, vec, 2);
	case CALL_WRITE:
		return write(fd, c->buf, c->len);
	}
	return poll(&p, 1, -1) < 0 ? -1 : p.revents;
}

/*
 * Has a child make a call that will have to wait, if there is one free: not
 * each time, since it takes as long as a hundred calls.
 */
static bool wait_in_child(const struct slot *s, uint64_t *r, struct caller init,
			  const char *data)
{
	static const char *const names[] = { "read", "write", "poll" };
	size_t i;

	for (i = 0; i < CALLERS && callers[i].call; i++)
		;
	/* Beside others, what a poller is told depends on who is quicker. */
	if (i == CALLERS || (!waiting(init.kind) && !one_in(r, 3)) ||
	    (init.kind == CALL_POLL ? waiting(CALL_READ) || waiting(CALL_WRITE) :
				      waiting(CALL_POLL)))
		return false;
	init.file = s->file;
	callers[i] = init;
	call_sa_flags = init.restarts ? SA_RESTART : 0;
	fflush(stdout);
	callers[i].call = call_start(make_call, s->fd, i, data,
				     init.len);
	s->file->refs++;
	shared->calls++;
	if (!call_settled(callers[i].call))
		wrong("%s(#%zu, %zu): it returned %zd instead of waiting",
		      names[init.kind], s - slots, init.len,
		      callers[i].call->ret);
	expect(WAITS, WAITS, "child %zu: %s(#%zu, %zu bytes, room for %zu)", i,
	       names[init.kind], s - slots, init.len, init.room);
	return true;
}

static long predict_caller(const struct caller *c)
{
	int events;

	switch (c->kind) {
	case CALL_READ:
		return predict_read(c->file, c->nonblock, c->len, c->room);
	case CALL_WRITE:
		return predict_write(c->file, c->nonblock, c->len, c->room);
	}
	events = predict_poll(c->file) & (c->events | POLLHUP);
	return events ?: WAITS;
}

static long result_of(const struct caller *c)
{
	return c->call->ret < 0 ? -c->call->err : c->call->ret;
}

/* The child of a call has ended. */
static void forget_caller(struct caller *c)
{
	kcov_collect(&kcov[1 + (c - callers)]);
	munmap(c->call, sizeof(*c->call) + c->call->len);
	c->call = NULL;
	put_file(c->file);
}

static bool as_predicted(const struct caller *c, long want)
{
	struct msg msg;
	size_t offset;

	if (want == WAITS || !call_returned(c->call) || result_of(c) != want)
		return false;
	if (c->kind != CALL_READ || want <= 0)
		return true;
	msg = next_part(c->file, &offset);
	return same(c->call->buf, &msg, offset, want);
}

static void finish_caller(struct caller *c, long want)
{
	call_join(c->call);
	if (c->kind == CALL_READ)
		apply_read(c->file, false, want);
	else if (c->kind == CALL_WRITE)
		apply_write(&c->msg, want);
	expect(want, result_of(c), "child %zu: the call that waited",
	       c - callers);
	forget_caller(c);
}

/* One that has returned as predicted; those first that changed nothing. */
static struct caller *next_to_finish(const bool *failing, long *want)
{
	int pass, i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && failing[i] &&
		    as_predicted(&callers[i], *want = -EFAULT))
			return &callers[i];
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < CALLERS; i++) {
			if (!callers[i].call)
				continue;
			*want = predict_caller(&callers[i]);
			if ((pass || *want <= 0) &&
			    as_predicted(&callers[i], *want))
				return &callers[i];
		}
	return NULL;
}

/* One that should go on now. */
static struct caller *able_to_go_on(void)
{
	int i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && predict_caller(&callers[i]) != WAITS)
			return &callers[i];
	return NULL;
}

/*
 * After each operation: each call that need not wait any more returns. Which
 * of several comes first is not said anywhere: any order is right that
 * explains all of the results.
 */
static void settle(void)
{
	bool failing[CALLERS] = {};
	struct caller *c = able_to_go_on();
	struct timespec start, now;
	char text[32], seen[32];
	long want;
	int i;

	if (!c && !waiting(CALL_READ) && !waiting(CALL_WRITE) &&
	    !waiting(CALL_POLL))
		return;
	for (i = 0; i < CALLERS; i++)
		failing[i] = callers[i].call &&
			     predict_caller(&callers[i]) == -EFAULT;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (; c; c = able_to_go_on()) {
		struct caller *next = next_to_finish(failing, &want);

		if (next) {
			finish_caller(next, want);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec < patience()) {
			usleep(200);
			continue;
		}
		want = predict_caller(c);
		if (!call_returned(c->call))
			wrong("child %zu: it should have returned %s, and waits",
			      c - callers, text_of(want, text));
		wrong("child %zu: it returned %s, not %s%s", c - callers,
		      text_of(result_of(c), seen), text_of(want, text),
		      result_of(c) == want ? " with the right bytes" : "");
	}
	/* Each of these may have had the message before the one that took it. */
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && failing[i] &&
		    !call_settled(callers[i].call) &&
		    result_of(&callers[i]) == -EFAULT)
			finish_caller(&callers[i], -EFAULT);
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && call_returned(callers[i].call))
			wrong("child %d: it returned %s, and should wait", i,
			      text_of(result_of(&callers[i]), text));
}

/* ---- operations ---- */

static const char *mode_of(const struct file *f)
{
	return f->path ? "O_PATH" : f->nonblock ? "nonblock" : "plain";
}

static void run_open(struct slot *s, uint64_t *r)
{
	static const struct {
		int flags, err;
	} extras[] = {
		{ O_CREAT | O_TRUNC, 0 }, { O_APPEND, 0 }, { O_PATH, 0 },
		{ O_CREAT | O_EXCL, EEXIST }, { O_DIRECTORY, ENOTDIR },
		{ O_DIRECT, EINVAL },
	};
	static const int accesses[] = {
		O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_RDWR,
		O_ACCMODE,
	};
	int access = accesses[pick(r, ARRAY_SIZE(accesses))];
	int flags = access | (pick(r, 2) ? O_NONBLOCK : 0), err = 0, fd;
	bool again = s->file;	/* the same file, by way of a descriptor */
	char path[64] = QUEUE_FILE;
	struct file *f;

	if (access != O_ACCMODE && one_in(r, 4)) {
		size_t i = pick(r, ARRAY_SIZE(extras));

		flags |= extras[i].flags;
		err = extras[i].err;
	}
	if (again)
		sprintf(path, "/proc/self/fd/%d", s->fd);
	if (again && flags & O_EXCL)
		return;
	fd = open(path, flags | O_CLOEXEC, 0666);
	expect(-err, fd < 0 ? -errno : 0, "open(#%zu, %s, %#o)", s - slots, path,
	       flags);
	if (fd < 0)
		return;
	if (again) {
		EQ(close(s->fd), 0);
		put_file(s->file);
	}
	for (f = m.files; f->refs; f++)
		;
	*f = (struct file){
		.refs = 1, .path = flags & O_PATH, .nonblock = flags & O_NONBLOCK,
	};
	f->append = flags & O_APPEND;
	f->readable = !f->path && (access == O_RDONLY || access == O_RDWR);
	f->writable = !f->path && (access == O_WRONLY || access == O_RDWR);
	s->fd = fd;
	s->file = f;
}

static void run_close(struct slot *s, uint64_t *r)
{
	(void)r;
	expect(0, result(close(s->fd)), "close(#%zu)", s - slots);
	put_file(s->file);
	s->file = NULL;
}

static void run_dup(struct slot *s, uint64_t *r)
{
	struct slot *to = &slots[pick(r, SLOTS)];
	int fd;

	if (!to->file) {
		fd = dup(s->fd);
		expect(0, fd < 0 ? -errno : 0, "dup(#%zu)", s - slots);
		to->fd = fd;
	} else {
		expect(to->fd, result(dup2(s->fd, to->fd)), "dup2(#%zu, #%zu)",
		       s - slots, to - slots);
	}
	s->file->refs++;
	if (to->file)
		put_file(to->file);
	to->file = s->file;
}

/*
 * A read that fails has its message in hand for a moment. Who waits for room
 * may go on then, or not: leave that to tests that need not know.
 */
static bool makes_room_for_a_moment(const struct file *f, long want)
{
	return want == -EFAULT && !f->reading && is_full() &&
	       (waiting(CALL_WRITE) || waiting(CALL_POLL));
}

static int pipe_fds[2];

/* By whichever call that reads. */
static void run_read(struct slot *s, uint64_t *r)
{
	enum { READV, PREADV2, SPLICE, SENDFILE, READ };
	static const char *const names[] = {
		"readv", "preadv2", "splice", "sendfile", "read",
	};
	static const struct {
		int flag;
		long err;
	} flags[] = {
		{ RWF_HIPRI, 0 }, { RWF_NOWAIT, EOPNOTSUPP },
		{ 1 << 30, EOPNOTSUPP },
	};
	size_t way = pick(r, 8), flag = pick(r, ARRAY_SIZE(flags)), len;
	struct buf b = pick_buf(r, pick_len(r, s->file));
	struct file *f = s->file;
	struct iovec vec[VECTORS];
	long want, got = 0;
	int count;

	if (way > READ)
		way = READ;
	/* With several messages sendfile goes on, in kernels before 5.12. */
	if (way == SENDFILE && f->nonblock)
		way = SPLICE;
	/* Of a vector too long, or not a user's, kernels differ in what is first. */
	if (way != READ && (b.kernel || b.len > AREA))
		b = (struct buf){ area_end - 1, 1, 1, false };
	if (way == SPLICE || way == SENDFILE) {
		b.len = min(b.len, PIPE_ROOM);
		b.room = b.len;
		b.at = area_end - b.len;
	}

	want = predict_read(f, f->nonblock, b.len, b.room);
	if (b.kernel && f->readable)
		want = -EFAULT;
	if (way == SPLICE && !b.len)
		want = 0;
	if (way == PREADV2 && flags[flag].err && f->readable && b.len)
		want = -flags[flag].err;
	if (makes_room_for_a_moment(f, want))
		return;
	if (want == WAITS) {
		struct caller c = { .kind = CALL_READ, .restarts = pick(r, 2) };

		c.len = min(b.len, AREA);
		c.room = one_in(r, 3) ? 0 : c.len;
		wait_in_child(s, r, c, NULL);
		return;
	}

	len = want > 0 ? want : 0;
	/* The bytes behind those that are read stay as they are. */
	if (b.room > len)
		memset(b.at + len, 0x5a, min(b.room - len, BEHIND));
	count = pick_vectors(r, &b, vec);
	switch (way) {
	case READ:
		got = read(s->fd, b.at, b.len);
		break;
	case READV:
		got = readv(s->fd, vec, count);
		break;
	case PREADV2:
		got = preadv2(s->fd, vec, count, -1, flags[flag].flag);
		break;
	case SPLICE:
		got = splice(s->fd, NULL, pipe_fds[1], NULL, b.len, 0);
		break;
	case SENDFILE:
		got = sendfile(pipe_fds[1], s->fd, NULL, b.len);
		break;
	}
	expect(want, result(got), "%s(#%zu %s, %zu bytes, room for %zu%s)",
	       names[way], s - slots, mode_of(f), b.len, b.room,
	       way == PREADV2 ? ", flags" : "");
	if (len && (way == SPLICE || way == SENDFILE))
		EQ(read(pipe_fds[0], b.at, len), len);
	if (len) {
		size_t offset;
		struct msg msg = next_part(f, &offset);

		if (!same(b.at, &msg, offset, len))
			wrong("%s(#%zu): these are not the bytes of message %u, from %zu on",
			      names[way], s - slots, msg.id, offset);
	}
	for (; want >= 0 && len < b.room && len < want + BEHIND; len++)
		if (b.at[len] != 0x5a)
			wrong("%s(#%zu): it has written behind the end",
			      names[way], s - slots);
	apply_read(f, f->nonblock, want);
}

/* A message that another child waits to write: so their order does not matter. */
static const struct msg *waiting_msg(void)
{
	int i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && callers[i].kind == CALL_WRITE)
			return &callers[i].msg;
	return NULL;
}

static void wait_to_write(struct slot *s, uint64_t *r, struct msg msg)
{
	static char data[HUGE_SIZE];
	struct caller c = { .kind = CALL_WRITE, .restarts = pick(r, 2) };

	c.msg = waiting_msg() ? *waiting_msg() : msg;
	c.len = c.msg.len;
	c.room = c.len;
	if (predict_write(s->file, false, c.len, c.room) != WAITS)
		return;
	fill(data, &c.msg, c.len);
	wait_in_child(s, r, c, data);
}

static void run_write(struct slot *s, uint64_t *r)
{
	struct buf b = pick_buf(r, pick_len(r, s->file));
	long want = predict_write(s->file, s->file->nonblock, b.len, b.room);
	struct msg msg = pick_msg(b.len);

	if (b.kernel && s->file->writable)
		want = -EFAULT;
	if (want == WAITS) {
		wait_to_write(s, r, msg);
		return;
	}
	/* What is too long by far need not be there. */
	if (!b.kernel && want != -EMSGSIZE)
		fill(b.at, &msg, b.room);
	expect(want, result(write(s->fd, b.at, b.len)),
	       "write(#%zu %s, %zu bytes, %zu of them readable)", s - slots,
	       mode_of(s->file), b.len, b.room);
	apply_write(&msg, want);
}

/* Each vector a message, until one can't go in. */
static void run_writev(struct slot *s, uint64_t *r)
{
	/* Where one waits to read, who knows how full it is in between. */
	int i, count = waiting(CALL_READ) ? 1 : pick(r, VECTORS + 1);
	/* At the end of a part of the area each. */
	size_t part = AREA / VECTORS, total = 0;
	int with = pick(r, 8) ? 0 : pick(r, 2) ? RWF_HIPRI : RWF_DSYNC;
	struct iovec vec[VECTORS];
	long want = 0, one = 0;

	for (i = 0; i < count; i++) {
		size_t len = pick_len(r, s->file);
		struct msg msg = pick_msg(len);
		char *at = area_end - part * i;

		if (len > part)
			len = part;
		/* Only behind the area is an address bad. */
		if (!i && one_in(r, 12))
			at += 1;
		else
			fill(at - len, &msg, len);
		vec[i] = (struct iovec){ at - len, len };
		if (one < 0)
			continue;
		msg.len = len;
		one = predict_write(s->file, s->file->nonblock, len,
				    at > area_end ? 0 : len);
		if (with & RWF_DSYNC && len)
			one = s->file->writable ? -EOPNOTSUPP : -EBADF;
		/* What would wait is left for another time. */
		if (one == WAITS) {
			count = i;
			break;
		}
		total += len;
		apply_write(&msg, one);
		if (one > 0)
			want += one;
		else if (!want)
			want = one;
	}
	if (!s->file->writable)
		want = -EBADF;
	expect(want, result(pwritev2(s->fd, vec, count, -1, with)),
	       "writev(#%zu %s, %d vectors of %zu bytes.., flags %#x)",
	       s - slots, mode_of(s->file), count, count ? vec[0].iov_len : 0,
	       with);
}

/* Calls that do nothing here. */
static void run_refused(struct slot *s, uint64_t *r)
{
	static const char *const names[] = {
		"lseek", "lseek to nowhere", "pread", "pwrite", "mmap",
		"ioctl(TCGETS)", "ioctl(FIONREAD)", "splice from a pipe",
		"copy_file_range",
	};
	size_t what = pick(r, ARRAY_SIZE(names));
	struct file *f = s->file;
	char *at = area_end - 64;
	long want, got = 0;
	int number = 1;

	switch (what) {
	case 0:
		want = -ESPIPE;
		got = result(lseek(s->fd, 0, pick(r, 5)));
		break;
	case 1:
		want = -EINVAL;
		got = result(lseek(s->fd, 0, 99));
		break;
	case 2:
		want = -ESPIPE;
		got = result(pread(s->fd, at, 8, 0));
		break;
	case 3:
		want = -ESPIPE;
		got = result(pwrite(s->fd, at, 8, 0));
		break;
	case 4:
		want = f->readable ? -ENODEV : -EACCES;
		got = result((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE,
					s->fd, 0));
		break;
	case 5:
		want = -ENOTTY;
		got = result(ioctl(s->fd, TCGETS, at));
		break;
	case 6:
		want = 0;
		got = result(ioctl(s->fd, FIONREAD, &number));
		if (!got)
			EQ(number, 0);
		break;
	case 7:
		want = f->writable ? -EINVAL : -EBADF;
		EQ(write(pipe_fds[1], "byte", 4), 4);
		got = result(splice(pipe_fds[0], NULL, s->fd, NULL, 4, 0));
		EQ(read(pipe_fds[0], at, 4), 4);
		break;
	default:
		want = f->readable && f->writable && !f->append ? 0 : -EBADF;
		got = result(copy_file_range(s->fd, NULL, s->fd, NULL, 8, 0));
		break;
	}
	expect(f->path ? -EBADF : want, got, "%s(#%zu)", names[what],
	       s - slots);
}

static void run_poll(struct slot *s, uint64_t *r)
{
	static const int interests[] = {
		POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLRDNORM, 0,
		POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP | POLLPRI,
	};
	int events = interests[pick(r, ARRAY_SIZE(interests))];
	int want = predict_poll(s->file) & (events | POLLHUP | POLLNVAL);
	struct pollfd p = { s->fd, events, 0 };

	if (!want && wait_in_child(s, r, (struct caller){
			.kind = CALL_POLL, .events = events }, NULL))
		return;
	expect(!!want, result(poll(&p, 1, 0)), "poll(#%zu %s, %#x)", s - slots,
	       mode_of(s->file), events);
	expect(want, p.revents, "poll(#%zu %s, %#x): events", s - slots,
	       mode_of(s->file), events);
}

static int epoll_fd;

/* Level-triggered: with each change of state it has to have been told. */
static void run_epoll_ctl(struct slot *s, uint64_t *r)
{
	static const int interests[] = {
		EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, 0,
	};
	int ctl = pick(r, 4), events = interests[pick(r, 4)];
	struct item *item, *free = NULL;
	struct epoll_event event = { .events = events };
	long want = 0;

	if (!ctl)
		ctl = EPOLL_CTL_ADD;
	for (item = items; item < items + ITEMS; item++) {
		if (item->file == s->file && item->fd == s->fd)
			break;
		if (!item->file)
			free = item;
	}
	if (item == items + ITEMS) {
		want = ctl == EPOLL_CTL_ADD ? 0 : -ENOENT;
		item = free;
	} else if (ctl == EPOLL_CTL_ADD) {
		want = -EEXIST;
	}
	if (!item)
		return;
	if (s->file->path)
		want = -EBADF;
	event.data.u64 = item - items;
	expect(want, result(epoll_ctl(epoll_fd, ctl, s->fd, &event)),
	       "epoll_ctl(#%zu %s, %s, %#x)", s - slots, mode_of(s->file),
	       ctl == EPOLL_CTL_ADD ? "add" : ctl == EPOLL_CTL_DEL ? "del" :
	       "mod", events);
	if (want)
		return;
	*item = (struct item){ s->file, s->fd, events };
	if (ctl == EPOLL_CTL_DEL)
		item->file = NULL;
}

static void run_epoll_wait(struct slot *s, uint64_t *r)
{
	struct epoll_event got[ITEMS];
	int i, n, want = 0;

	(void)s;
	(void)r;
	for (i = 0; i < ITEMS; i++)
		want += items[i].file && (predict_poll(items[i].file) &
					  (items[i].events | POLLHUP));
	n = epoll_wait(epoll_fd, got, ITEMS, 0);
	expect(want, result(n), "epoll_wait()");
	for (i = 0; i < n; i++) {
		struct item *item = &items[got[i].data.u64];

		expect(predict_poll(item->file) & (item->events | POLLHUP),
		       got[i].events, "epoll_wait(): events of item %zu",
		       item - items);
	}
}

static void run_fcntl(struct slot *s, uint64_t *r)
{
	bool by_ioctl = pick(r, 2);
	int on = pick(r, 2), flags = fcntl(s->fd, F_GETFL);
	long got;

	/* With it poll's answer changes, and no driver can tell of that. */
	if (watched(s->file))
		return;
	if (by_ioctl)
		got = ioctl(s->fd, FIONBIO, &on);
	else
		got = fcntl(s->fd, F_SETFL, on ? flags | O_NONBLOCK :
						 flags & ~O_NONBLOCK);
	expect(s->file->path ? -EBADF : 0, result(got), "%s(#%zu, %s)",
	       by_ioctl ? "ioctl" : "fcntl", s - slots,
	       on ? "O_NONBLOCK" : "plain");
	if (!s->file->path)
		s->file->nonblock = on;
}

static void run_param(struct slot *s, uint64_t *r)
{
	static const long sizes[] = {
		1, 32, 33, 100, 100, 1024, 4096, 4097, 9000, 65536, 0,
		HUGE_SIZE, HUGE_SIZE + 1, -1,
	};
	static const char *const names[] = {
		"msg_max_size", "queue_max_bytes", "read_wait",
	};
	size_t which = pick(r, ARRAY_SIZE(names));
	bool allowed;
	long value;

	(void)s;
	switch (which) {
	case 0:
		/* Those that are refused, or large, take more time. */
		value = sizes[pick(r, one_in(r, 8) ? ARRAY_SIZE(sizes) : 10)];
		allowed = value >= 1 && value <= HUGE_SIZE &&
			  footprint(value) <= m.max_bytes;
		break;
	case 1:
		value = (1 + pick(r, 4)) * footprint(m.max_size);
		if (one_in(r, 4))
			value = MAX_BYTES;
		else if (one_in(r, 8))
			value = footprint(m.max_size) - 1;
		allowed = value >= footprint(m.max_size);
		break;
	default:
		value = one_in(r, 32) ? 2 : !one_in(r, 4);
		allowed = value < 2;
		break;
	}
	expect(allowed ? 0 : EINVAL, param_try(names[which], value), "%s=%ld",
	       names[which], value);
	if (!allowed)
		return;
	if (which == 0)
		m.max_size = value;
	else if (which == 1)
		m.max_bytes = value;
	else
		m.read_wait = value;
}

static void run_signal(struct slot *s, uint64_t *r)
{
	struct caller *c = &callers[pick(r, CALLERS)];
	int what = pick(r, 3);
	siginfo_t info;
	long sleeps;

	(void)s;
	if (!c->call)
		return;
	if (!what) {
		call_kill(c->call, SIGKILL);
		expect(0, 0, "child %zu: killed", c - callers);
		forget_caller(c);
		return;
	}
	if (what == 1 && (c->kind == CALL_POLL || !c->restarts)) {
		EQ(kill(c->call->pid, SIGUSR1), 0);
		call_join(c->call);
		expect(-EINTR, result_of(c), "child %zu: after a signal",
		       c - callers);
		forget_caller(c);
		return;
	}
	/* It is woken, and goes on waiting. */
	if (what == 2) {
		EQ(kill(c->call->pid, SIGSTOP), 0);
		EQ(waitid(P_PID, c->call->pid, &info, WSTOPPED), 0);
	}
	sleeps = call_sleeps(c->call);
	EQ(kill(c->call->pid, what == 2 ? SIGCONT : SIGUSR1), 0);
	while (!call_returned(c->call) && call_sleeps(c->call) == sleeps)
		usleep(200);
	/* It has begun anew, and may find that it shall not wait any more. */
	c->nonblock = c->file->nonblock;
	expect(0, 0, "child %zu: %s", c - callers,
	       what == 2 ? "stopped for a moment" : "a signal, with SA_RESTART");
}

static char module[300];
static const char *const stats[] = {
	"stats/queued", "stats/queued_bytes", "stats/enqueued",
	"stats/dequeued", "stats/dropped", "refcnt",
};
static int stat_fds[ARRAY_SIZE(stats)];

static void defaults(void)
{
	m.max_size = MAX_SIZE;
	m.max_bytes = MAX_BYTES;
	m.read_wait = false;
}

static long read_stat(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 1)
		wrong("a counter cannot be read: %s", strerror(errno));
	return strtol(text, NULL, 0);
}

/* The module is loaded, anew perhaps. */
static void open_stats(void)
{
	char path[100];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(stats); i++) {
		snprintf(path, sizeof(path), SYS_DIR "%s", stats[i]);
		stat_fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(stat_fds[i] >= 0, "%s: %s", path, strerror(errno));
	}
	fd = open(SYS_DIR "sections/.text", O_RDONLY | O_CLOEXEC);
	code_begin = 0;
	if (fd >= 0) {
		char text[32] = "";

		EQ(read(fd, text, sizeof(text) - 1) > 0, true);
		code_begin = strtoul(text, NULL, 0);
		close(fd);
	}
}

static long load_module(const char *parameters)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);
	long ret;

	CHECK(fd >= 0, "%s: %s", module, strerror(errno));
	ret = result(syscall(SYS_finit_module, fd, parameters, 0));
	close(fd);
	return ret;
}

static long unload_module(void)
{
	return result(syscall(SYS_delete_module, "kmsg_queue", O_NONBLOCK));
}

static int opens(void)
{
	int count = 0;
	size_t i;

	for (i = 0; i < FILES; i++)
		count += m.files[i].refs && !m.files[i].path;
	return count;
}

static void run_reload(struct slot *s, uint64_t *r)
{
	static const struct {
		const char *text;
		long max_size, max_bytes, err;
	} loads[] = {
		{ "", MAX_SIZE, MAX_BYTES, 0 },
		{ "msg_max_size=100 queue_max_bytes=1000", 100, 1000, 0 },
		{ "read_wait", MAX_SIZE, MAX_BYTES, 0 },
		{ "msg_max_size=0", 0, 0, EINVAL },
		{ "msg_max_size=1000 queue_max_bytes=1000", 0, 0, EINVAL },
	};
	size_t i, which = pick(r, ARRAY_SIZE(loads));

	if (opens() && !one_in(r, 4)) {
		expect(-EWOULDBLOCK, unload_module(), "rmmod, %d in use",
		       opens());
		return;
	}
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call) {
			call_kill(callers[i].call, SIGKILL);
			forget_caller(&callers[i]);
		}
	for (s = slots; s < slots + SLOTS; s++)
		if (s->file)
			run_close(s, r);
	for (i = 0; i < ARRAY_SIZE(stats); i++)
		close(stat_fds[i]);
	kcov_collect(&kcov[0]);
	expect(0, unload_module(), "rmmod");
	m.head = 0;
	m.tail = 0;
	m.bytes = 0;
	m.enqueued = 0;
	m.dequeued = 0;
	m.dropped = 0;
	defaults();
	expect(-loads[which].err, load_module(loads[which].text),
	       "insmod with \"%s\"", loads[which].text);
	if (loads[which].err) {
		expect(0, load_module(""), "insmod");
	} else {
		m.max_size = loads[which].max_size;
		m.max_bytes = loads[which].max_bytes;
		m.read_wait = !strcmp(loads[which].text, "read_wait");
	}
	open_stats();
}

static const struct kind {
	const char *name;
	int weight;
	bool any;		/* needs no descriptor of the file */
	void (*run)(struct slot *s, uint64_t *r);
} kinds[] = {
	{ "open", 30, true, run_open },
	{ "close", 30, false, run_close },
	{ "dup", 15, false, run_dup },
	{ "read", 300, false, run_read },
	{ "write", 180, false, run_write },
	{ "writev", 80, false, run_writev },
	{ "refused", 30, false, run_refused },
	{ "poll", 80, false, run_poll },
	{ "epoll_ctl", 40, false, run_epoll_ctl },
	{ "epoll_wait", 40, true, run_epoll_wait },
	{ "fcntl", 60, false, run_fcntl },
	{ "param", 50, true, run_param },
	{ "signal", 40, true, run_signal },
	{ "reload", 1, true, run_reload },
};

/* ---- rounds ---- */

static void check_counters(bool all)
{
	long want[ARRAY_SIZE(stats)] = {
		queued(), m.bytes, m.enqueued, m.dequeued, m.dropped, opens(),
	};
	size_t i;

	/* Each takes longer than most calls. */
	for (i = all ? 0 : shared->at % ARRAY_SIZE(stats);
	     i < ARRAY_SIZE(stats); i += all ? 1 : ARRAY_SIZE(stats)) {
		long got = read_stat(stat_fds[i]);

		if (got != want[i])
			wrong("%s is %ld, not %ld", stats[i], got, want[i]);
	}
}

static void begin(void)
{
	char *area = mmap(NULL, AREA + 2 * HUGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(area != MAP_FAILED, "mmap: %s", strerror(errno));
	area_end = area + AREA;
	EQ(mprotect(area_end, 2 * HUGE_SIZE, PROT_NONE), 0);
	EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	EQ(epoll_fd >= 0, true);

	/* A round that has failed may have left anything. */
	if (shared->again) {
		unload_module();
		load_module("");
	}
	param_set("read_wait", 0);
	param_set("queue_max_bytes", MAX_BYTES);
	param_set("msg_max_size", MAX_SIZE);
	drain_queue();
	defaults();
	open_stats();
	m.enqueued = read_stat(stat_fds[2]);
	m.dequeued = read_stat(stat_fds[3]);
	m.dropped = read_stat(stat_fds[4]);
	kcov_start(&kcov[0]);
}

static void run_op(const struct op *op)
{
	struct slot *s = &slots[op->slot];
	uint64_t state = op->arg;
	const struct kind *kind = &kinds[op->kind];

	/* So no operation is lost where one before it has been left out. */
	if (!kind->any && !s->file)
		kind = &kinds[0];
	kind->run(s, &state);
	shared->calls++;
	settle();
	check_counters(shared->verbose || shared->at % 16 == 0);
}

static void run_round(const struct op *ops, size_t count)
{
	size_t i;

	begin();
	for (i = 0; i < count; i++) {
		__atomic_store_n(&shared->at, i, __ATOMIC_SEQ_CST);
		if (shared->verbose)
			printf("# %s %u %u\n", kinds[ops[i].kind].name,
			       ops[i].slot, ops[i].arg);
		run_op(&ops[i]);
	}
	check_counters(true);
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call)
			call_kill(callers[i].call, SIGKILL);
	for (i = 0; i < ARRAY_SIZE(kcov); i++)
		kcov_collect(&kcov[i]);
	/* Else the next round has the blame. */
	drain_queue();
	for (i = 0; i < 2; i++)
		if (read_stat(stat_fds[i]))
			wrong("%s of an empty queue is %ld", stats[i],
			      read_stat(stat_fds[i]));
}

/* Runs them in a process of its own; true if all was as predicted. */
static bool passes(const struct op *ops, size_t count)
{
	size_t last = count;
	int status, ms = 0;
	pid_t pid;

	shared->at = 0;
	shared->wrong[0] = 0;
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_round(ops, count);
		fflush(stdout);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		size_t at = __atomic_load_n(&shared->at, __ATOMIC_SEQ_CST);

		ms = at == last ? ms + 1 : 0;
		last = at;
		if (ms == (patience() + 5) * 1000) {
			snprintf(shared->wrong, sizeof(shared->wrong),
				 "%s: it waits, and should not",
				 kinds[ops[at].kind].name);
			kill(pid, SIGKILL);
		}
		usleep(1000);
	}
	/* Its children die with it, and then their files are closed. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	if (status && !shared->wrong[0])
		snprintf(shared->wrong, sizeof(shared->wrong),
			 "wait status %#x, see the reason above", status);
	return !status;
}

/* Leaves out what is not needed for a failure; gives how many are left. */
static size_t shrink(struct op *ops, size_t count, time_t end)
{
	struct op fewer[ROUND];
	size_t piece, at;

	for (piece = count / 2; piece; piece /= 2)
		for (at = 0; at + piece <= count && time(NULL) < end;) {
			size_t rest = count - piece;

			memcpy(fewer, ops, at * sizeof(*ops));
			memcpy(fewer + at, ops + at + piece,
			       (rest - at) * sizeof(*ops));
			if (!rest || passes(fewer, rest)) {
				at += piece;
				continue;
			}
			count = shared->at + 1;
			memcpy(ops, fewer, count * sizeof(*ops));
		}
	return count;
}

/* Each round has favourites: so queues get full, or are empty, for long. */
static void generate(struct op *ops, unsigned int seed)
{
	uint64_t r = (uint64_t)seed << 32;
	unsigned long weights[ARRAY_SIZE(kinds)], total = 0, at;
	size_t i, kind;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		weights[i] = kinds[i].weight * (1ul << pick(&r, 4));
		total += weights[i];
	}
	for (i = 0; i < ROUND; i++) {
		at = pick(&r, total);
		for (kind = 0; at >= weights[kind]; kind++)
			at -= weights[kind];
		ops[i].kind = kind;
		ops[i].slot = pick(&r, SLOTS);
		ops[i].arg = pick(&r, 1ull << 32);
	}
}

static void report(struct op *ops, size_t count, unsigned int seed,
		   time_t shrink_until)
{
	char first[sizeof(shared->wrong)];
	unsigned long calls = shared->calls;

	strcpy(first, shared->wrong);
	shared->again = true;
	count = shrink(ops, count, shrink_until);
	printf("# call %lu, seed %u: %s\n# %zu operations show it:\n", calls, seed,
	       first, count);
	shared->verbose = true;
	if (passes(ops, count))
		printf("# ... not this time\n");
	fflush(stdout);
	/* The next round is not to suffer for it. */
	unload_module();
	load_module("");
	fail("seed %u: %s", seed, shared->wrong[0] ? shared->wrong : first);
}

static unsigned long calls_each, seconds_each;

static void rounds(void)
{
	unsigned long end = shared->calls + calls_each;
	time_t start = time(NULL);
	struct op ops[ROUND];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared->verbose = false;
	shared->again = false;
	printf("# seeds from %u on\n", shared->seed);
	fflush(stdout);
	while (time(NULL) < start + (time_t)seconds_each && shared->calls < end) {
		unsigned int seed = shared->seed++;

		generate(ops, seed);
		if (!passes(ops, ROUND))
			report(ops, shared->at + 1, seed, start + 50);
	}
}

static const char *replayed;

static void replay(void)
{
	FILE *file = fopen(replayed, "r");
	char line[300], name[20];
	struct op ops[ROUND];
	size_t count = 0, kind;

	CHECK(file, "%s: %s", replayed, strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	while (count < ROUND && fgets(line, sizeof(line), file)) {
		unsigned int slot, arg;

		if (sscanf(line, "%*[# ]%19s %u %u", name, &slot, &arg) != 3)
			continue;
		for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
			if (!strcmp(name, kinds[kind].name))
				ops[count++] = (struct op){ kind, slot % SLOTS,
							    arg };
	}
	fclose(file);
	CHECK(count, "no operation in %s: it wants the lines that a failure prints",
	      replayed);
	shared->verbose = true;
	if (!passes(ops, count))
		fail("%s", shared->wrong);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

int main(void)
{
	unsigned long seconds = number("FUZZ_SECONDS", 0), blocks = 0, i;
	unsigned long calls = number("FUZZ_CALLS", 20000), count;
	static struct tap_test tests[1000];
	time_t start = time(NULL);
	FILE *name;
	int ret;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fill_pattern(pool, sizeof(pool), 1);
	shared->seed = number("FUZZ_SEED", 1);
	name = popen("modinfo -n kmsg_queue", "r");
	if (!name || fscanf(name, "%299s", module) != 1)
		module[0] = 0;
	pclose(name);
	kcov_open();

	/* In parts that take less time than a subtest may. */
	count = seconds ? (seconds + SUBTEST_S - 1) / SUBTEST_S :
			  (calls + SUBTEST_CALLS - 1) / SUBTEST_CALLS;
	if (count > ARRAY_SIZE(tests))
		count = ARRAY_SIZE(tests);
	calls_each = seconds ? ULONG_MAX / 2 : calls / count;
	seconds_each = seconds ? seconds / count : 2 * SUBTEST_S;
	for (i = 0; i < count; i++)
		tests[i] = (struct tap_test){ "all calls are as predicted",
					      rounds };
	replayed = getenv("FUZZ_REPLAY");
	if (replayed && *replayed) {
		count = 1;
		tests[0] = (struct tap_test){ "as predicted", replay };
	}
	ret = tap_run(tests, count);
	for (i = 0; i < sizeof(shared->reached); i++)
		blocks += shared->reached[i];
	printf("# %lu calls in %ld s", shared->calls,
	       (long)(time(NULL) - start));
	if (blocks)
		printf(", %lu of %lu blocks of code reached", blocks,
		       number("FUZZ_BLOCKS", 0));
	printf("; the next seed is %u\n", shared->seed);
	return ret;
}
