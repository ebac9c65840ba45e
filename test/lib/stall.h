/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Callers whose memory takes long to come, as from a slow disk: their calls
 * stand still in the middle of the copy. userfaultfd makes such memory: whoever
 * touches the page stalls until the test says what is to become of it.
 */
#ifndef STALL_H
#define STALL_H

#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tap.h"

enum { SHUT, GIVE, FAIL };

/* Between the test and the child whose call stalls; in shared memory. */
struct gate {
	volatile int stalled;	/* the page has been touched */
	volatile int state;	/* what is to become of it */
};

struct stall {
	struct call *call;
	struct gate *gate;
};

/* For the child that is about to be started. */
static struct gate *gate;

static struct {
	int fd;
	char *memory;
	size_t size;
} lazy;

/* Memory of whole pages that stalls whoever touches it: in lazy. */
static inline void make_lazy(size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	lazy.size = size;
	lazy.fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (lazy.fd < 0)
		skip("this kernel has no userfaultfd");
	EQ(ioctl(lazy.fd, UFFDIO_API, &api), 0);
	lazy.memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(lazy.memory != MAP_FAILED, "mmap: %s", strerror(errno));
	reg.range.start = (uintptr_t)lazy.memory;
	reg.range.len = size;
	EQ(ioctl(lazy.fd, UFFDIO_REGISTER, &reg), 0);
}

/* From here on, whoever touches it gets EFAULT, and so do those who have. */
static inline void fail_lazy(void)
{
	struct uffdio_range range = { (uintptr_t)lazy.memory, lazy.size };

	EQ(munmap(lazy.memory, lazy.size), 0);
	EQ(ioctl(lazy.fd, UFFDIO_WAKE, &range), 0);
}

static inline void *serve_page(void *unused)
{
	struct pollfd p = { .fd = lazy.fd, .events = POLLIN };
	struct uffdio_copy copy = {
		.dst = (uintptr_t)lazy.memory, .len = lazy.size,
	};
	static char content[65536];

	poll(&p, 1, -1);
	gate->stalled = 1;
	UNTIL(gate->state != SHUT);
	if (gate->state == GIVE) {
		strcpy(content, "stalled");
		copy.src = (uintptr_t)content;
		EQ(ioctl(lazy.fd, UFFDIO_COPY, &copy), 0);
	} else {
		fail_lazy();
	}
	return unused;
}

/* A page of it, of which the test says what is to become. */
static inline void *lazy_page(void)
{
	pthread_t thread;

	make_lazy(sysconf(_SC_PAGESIZE));
	EQ(pthread_create(&thread, NULL, serve_page, NULL), 0);
	return lazy.memory;
}

static inline ssize_t lazy_read(struct call *c, int fd)
{
	char *page = lazy_page();
	ssize_t ret = read(fd, page, 64);
	int err = errno;

	if (ret > 0)
		memcpy(c->buf, page, ret);
	errno = err;
	return ret;
}

static inline ssize_t lazy_write(struct call *c, int fd)
{
	(void)c;
	return write(fd, lazy_page(), 7);
}

static inline struct stall start(call_fn fn, int shared_fd, int flags)
{
	struct stall stall;
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		skip("this kernel has no userfaultfd");
	close(fd);
	gate = shared_memory(sizeof(*gate));
	stall.gate = gate;
	stall.call = call_start(fn, shared_fd, flags, NULL, 64);
	return stall;
}

static inline struct stall start_stalled(call_fn fn, int flags)
{
	struct stall stall = start(fn, -1, flags);

	UNTIL(stall.gate->stalled);
	return stall;
}

static inline void give(struct stall *stall, ssize_t want)
{
	stall->gate->state = GIVE;
	EQ(call_join(stall->call), want);
}

static inline void fail_it(struct stall *stall)
{
	stall->gate->state = FAIL;
	EQ(call_join(stall->call), -1);
	EQ(errno, EFAULT);
}

#endif
