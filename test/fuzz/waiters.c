// SPDX-License-Identifier: GPL-2.0-only
/* Calls that wait: children make them. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>

#include "fuzz.h"

/* In the child, which is number @c->flags. */
static ssize_t make_call(struct call *c, int fd)
{
	struct caller *self = &callers[c->flags];
	struct pollfd p = { fd, self->events, 0 };
	struct iovec vec[] = {
		{ c->buf, c->len / 2 },
		{ c->buf + c->len / 2, c->len - c->len / 2 },
	};

	switch (self->kind) {
	case CALL_READ:
		if (self->access.room < c->len)
			return read(fd, area_end, c->len);
		return self->restarts ? read(fd, c->buf, c->len) :
					readv(fd, vec, 2);
	case CALL_WRITE:
		return self->restarts ? write(fd, c->buf, c->len) :
					writev(fd, vec, 2);
	}
	return poll(&p, 1, -1) < 0 ? -1 : p.revents;
}

/*
 * Has a child make a call that will have to wait, if there is one free: not
 * each time, since it takes as long as a hundred calls.
 */
bool wait_in_child(const struct slot *s, uint64_t *r, struct caller init,
		   const char *data)
{
	static const char *const names[] = { "read", "write", "poll" };
	size_t i;

	for (i = 0; i < CALLERS && callers[i].call; i++)
		;
	/* Beside others, what a poller sees depends on who is quicker. */
	if (i == CALLERS || (!waiting(init.kind, NULL) && !one_in(r, 3)) ||
	    (init.kind == CALL_POLL ?
	     waiting(CALL_READ, NULL) || waiting(CALL_WRITE, NULL) :
	     waiting(CALL_POLL, NULL)))
		return false;
	init.file = s->file;
	callers[i] = init;
	call_sa_flags = init.restarts ? SA_RESTART : 0;
	fflush(stdout);
	callers[i].call = call_start(make_call, s->fd, i, data,
				     init.access.len);
	s->file->refs++;
	shared->calls++;
	if (!call_settled(callers[i].call))
		wrong("%s(#%zu, %zu): it returned %zd instead of waiting",
		      names[init.kind], s - slots, init.access.len,
		      callers[i].call->ret);
	expect(WAITS, WAITS, "child %zu: %s(#%zu, %zu bytes, room for %zu)", i,
	       names[init.kind], s - slots, init.access.len, init.access.room);
	return true;
}

static long predict_caller(const struct caller *c)
{
	int events;

	switch (c->kind) {
	case CALL_READ:
		return predict_read(c->file, c->access);
	case CALL_WRITE:
		return predict_write(c->file, c->access);
	}
	events = predict_poll(c->file) & (c->events | POLLHUP);
	return events ?: WAITS;
}

static long result_of(const struct caller *c)
{
	return c->call->ret < 0 ? -c->call->err : c->call->ret;
}

/* The child of a call has ended. */
void forget_caller(struct caller *c)
{
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

/* Another child that waited to read this file begins, and confirms. */
static bool begin_waiting_read(struct file *f)
{
	if (f->has != WHOLE || !waiting_reader(f))
		return false;
	confirm(f);
	return true;
}

static void finish_caller(struct caller *c, long want)
{
	call_join(c->call);
	if (c->kind == CALL_READ)
		apply_read(c->file, c->access, want);
	else if (c->kind == CALL_WRITE)
		apply_write(c->file->queue, c->msg, want);
	expect(want, result_of(c), "child %zu: the call that waited",
	       c - callers);
	forget_caller(c);
}

/* Its exit, and of those who share the file, returns what they have read. */
static bool reads_for_others(const struct caller *c)
{
	int i, sharers = 0;

	for (i = 0; i < CALLERS; i++)
		sharers += callers[i].call && callers[i].file == c->file;
	return c->kind == CALL_READ && c->file->acks &&
	       c->file->refs == sharers;
}

/* One that has returned as predicted; those first that changed nothing. */
static struct caller *next_to_finish(const bool *failing, long *want)
{
	int pass, i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && failing[i] &&
		    as_predicted(&callers[i], *want = -EFAULT))
			return &callers[i];
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && reads_for_others(&callers[i]) &&
		    !call_settled(callers[i].call) &&
		    as_predicted(&callers[i],
				 *want = predict_caller(&callers[i])))
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
 * After each operation: each call that need not wait any longer returns. The
 * contract does not say which of several comes first: any order is right that
 * explains all of the results.
 */
void settle(void)
{
	bool failing[CALLERS] = {};
	struct caller *c = able_to_go_on();
	struct timespec start, now;
	char text[32], seen[32];
	int i, finished = 0;
	bool begun = false;
	struct file *f;
	long want;

	if (!anybody_waits())
		return;
	for (i = 0; i < CALLERS; i++)
		failing[i] = callers[i].call &&
			     predict_caller(&callers[i]) == -EFAULT;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (; c; c = able_to_go_on()) {
		struct caller *next = next_to_finish(failing, &want);

		if (next) {
			f = next->file;
			finish_caller(next, want);
			begun |= begin_waiting_read(f);
			finished++;
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
	/* How much was in a queue at once depends on who was quicker. */
	if (finished > 1)
		forget_high_water();
	if (begun)
		check_counters(true);
}

/* A message that another child waits to write: so their order does not matter. */
const struct msg *waiting_msg(const struct queue *q)
{
	int i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && callers[i].kind == CALL_WRITE &&
		    callers[i].file->queue == q)
			return &callers[i].msg;
	return NULL;
}

void run_signal(struct slot *s, uint64_t *r)
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
	/* It has begun again, and O_NONBLOCK may have been set since. */
	c->access.nonblock = c->file->nonblock;
	expect(0, 0, "child %zu: %s", c - callers,
	       what == 2 ? "stopped for a moment" : "a signal, with SA_RESTART");
}
