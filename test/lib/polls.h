/* SPDX-License-Identifier: GPL-2.0-only */
/* What poll and epoll say of a file, now and once they have waited. */
#ifndef POLLS_H
#define POLLS_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "tap.h"

/* What poll says now, of these events. */
static inline int poll_now(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	CHECK(poll(&p, 1, 0) >= 0, "poll: %s", strerror(errno));
	return p.revents;
}

/* Waits in poll; gives revents. The events are an int in c->buf. */
static inline ssize_t wait_in_poll(struct call *c, int fd)
{
	struct pollfd p = { .fd = fd };
	int events;

	memcpy(&events, c->buf, sizeof(events));
	p.events = events;
	return syscall(SYS_ppoll, &p, 1, NULL, NULL, 8) == 1 ? p.revents : -1;
}

/* A child that waits for these events. */
static inline struct call *start_poll(int shared_fd, int flags, int events)
{
	struct call *poller = call_start(wait_in_poll, shared_fd, flags,
					 &events, sizeof(events));

	call_asleep(poller);
	return poller;
}

/* An epoll that watches one file for these events. */
static inline int watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	CHECK(ep >= 0, "epoll_create1: %s", strerror(errno));
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
	return ep;
}

/* The events that epoll reports now, 0 if none. */
static inline long reported(int ep)
{
	struct epoll_event event;
	int count = epoll_wait(ep, &event, 1, 0);

	CHECK(count >= 0, "epoll_wait: %s", strerror(errno));
	return count ? event.events : 0;
}

/* The events that epoll reports once it has waited for one; -1 for an error. */
static inline long wait_in_epoll(int ep)
{
	struct epoll_event event;

	return syscall(SYS_epoll_pwait, ep, &event, 1, -1, NULL, 8) == 1 ?
	       (long)event.events : -1;
}

#endif
