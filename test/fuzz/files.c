// SPDX-License-Identifier: GPL-2.0-only
/* Operations on the file, but for those that read and write. */
#define _GNU_SOURCE
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "fuzz.h"

void run_open(struct slot *s, uint64_t *r)
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
	bool again = s->file;	/* the same file, via its descriptor */
	struct queue *q = again ? s->file->queue : pick_queue(r);
	char path[64];

	if (access != O_ACCMODE && one_in(r, 4)) {
		size_t i = pick(r, ARRAY_SIZE(extras));

		flags |= extras[i].flags;
		err = extras[i].err;
	}
	if (again)
		sprintf(path, "/proc/self/fd/%d", s->fd);
	else
		file_of(path, q);
	/* With O_PATH, the queue may be gone. */
	if (again && (flags & O_EXCL || s->file->path))
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
	s->fd = fd;
	slot_opened(s, q, flags);
}

void close_slot(struct slot *s)
{
	expect(0, result(close(s->fd)), "close(#%zu)", s - slots);
	put_file(s->file);
	s->file = NULL;
}

void run_close(struct slot *s, uint64_t *r)
{
	struct slot *other = &slots[pick(r, SLOTS)];

	/* Rather one that has a message. */
	if (other->file && other->file->has != NOTHING)
		s = other;
	close_slot(s);
}

void run_dup(struct slot *s, uint64_t *r)
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

static const int aios[] = {
	IOCB_CMD_PREAD, IOCB_CMD_PREADV, IOCB_CMD_PWRITE, IOCB_CMD_PWRITEV,
};

/* Eight bytes @at, to read or write by this command. */
static long aio(int fd, int command, char *at)
{
	struct iovec vec = { at, 8 };
	bool vectors = command == IOCB_CMD_PREADV ||
		       command == IOCB_CMD_PWRITEV;
	struct iocb cb = {
		.aio_fildes = fd, .aio_lio_opcode = command,
		.aio_buf = vectors ? (uintptr_t)&vec : (uintptr_t)at,
		.aio_nbytes = vectors ? 1 : 8,
	}, *cbs = &cb;
	static aio_context_t context;
	struct io_event event;
	long ret;

	if (!context)
		EQ(syscall(SYS_io_setup, 1, &context), 0);
	ret = result(syscall(SYS_io_submit, context, 1, &cbs));
	if (ret < 0)
		return ret;
	EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
	return event.res;
}

/* Calls that are refused, or do nothing. */
void run_refused(struct slot *s, uint64_t *r)
{
	static const char *const names[] = {
		"lseek", "lseek to nowhere", "pread", "pwrite", "mmap",
		"ioctl(TCGETS)", "ioctl(FIONREAD)", "splice from a pipe",
		"splice", "sendfile", "sendfile with an offset", "aio",
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
	case 8:
		want = f->readable ? -EINVAL : -EBADF;
		got = result(splice(s->fd, NULL, pipe_fds[1], NULL, 8, 0));
		break;
	case 9:
		want = f->readable ? -EINVAL : -EBADF;
		got = result(sendfile(pipe_fds[1], s->fd, NULL, 8));
		break;
	case 10:
		want = f->readable ? -ESPIPE : -EBADF;
		got = result(sendfile(pipe_fds[1], s->fd, &(off_t){ 0 }, 8));
		break;
	case 11:
		number = aios[pick(r, ARRAY_SIZE(aios))];
		want = (number == IOCB_CMD_PREAD || number == IOCB_CMD_PREADV ?
			f->readable : f->writable) ? -EOPNOTSUPP : -EBADF;
		got = aio(s->fd, number, at);
		break;
	default:
		want = f->readable && f->writable && !f->append ? 0 : -EBADF;
		got = result(copy_file_range(s->fd, NULL, s->fd, NULL, 8, 0));
		break;
	}
	expect(f->path ? -EBADF : want, got, "%s(#%zu)", names[what],
	       s - slots);
}

void run_poll(struct slot *s, uint64_t *r)
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

/* Level-triggered: with each change of state it has to have been told. */
void run_epoll_ctl(struct slot *s, uint64_t *r)
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

void run_epoll_wait(struct slot *s, uint64_t *r)
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

void run_fcntl(struct slot *s, uint64_t *r)
{
	bool by_ioctl = pick(r, 2);
	int on = pick(r, 2), flags = fcntl(s->fd, F_GETFL);
	long got;

	/* It changes what poll reports, and no driver can announce that. */
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

/* Confirms what the file holds, and takes nothing. */
void run_fsync(struct slot *s, uint64_t *r)
{
	bool data = pick(r, 2);
	bool waits = waits_with_lock(s->file) && waiting_reader(s->file);
	long want = s->file->path ? -EBADF : waits ? -EAGAIN : 0;

	/* It waits as a read would for another read of the file. */
	if (waits && !s->file->nonblock)
		return;
	expect(want, result(data ? fdatasync(s->fd) : fsync(s->fd)),
	       "%s(#%zu %s)", data ? "fdatasync" : "fsync", s - slots,
	       mode_of(s->file));
	if (!want)
		confirm(s->file);
}

/* What the file holds. */
void run_fdinfo(struct slot *s, uint64_t *r)
{
	const struct file *f = s->file;
	long held = -1, seq = -1, deliveries = -1;
	char path[64], line[100];
	FILE *file;

	(void)r;
	sprintf(path, "/proc/self/fdinfo/%d", s->fd);
	file = fopen(path, "re");
	CHECK(file, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "kmsgq-held: %ld", &held);
		sscanf(line, "kmsgq-seq: %ld", &seq);
		sscanf(line, "kmsgq-deliveries: %ld", &deliveries);
	}
	fclose(file);
	if (!f->readable)
		return;
	expect(f->has == NOTHING ? 0 : f->msg.len, held, "fdinfo(#%zu): held",
	       s - slots);
	if (f->has == NOTHING)
		return;
	expect(f->msg.seq, seq, "fdinfo(#%zu): seq", s - slots);
	expect(f->msg.deliveries, deliveries, "fdinfo(#%zu): deliveries",
	       s - slots);
}
