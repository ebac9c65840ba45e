// SPDX-License-Identifier: GPL-2.0-only
/* Operations that read and write. */
#define _GNU_SOURCE
#include "fuzz.h"

#define BEHIND		64ul
#define UNKNOWN_FLAG	(1 << 30)

/* The ways to read, and those to write. */
enum { VECTOR, FLAGS, SIMPLE, WAYS = 8 };

static const int flags[] = { RWF_HIPRI, RWF_DSYNC, RWF_NOWAIT, UNKNOWN_FLAG };

static struct buf pick_access(struct slot *s, uint64_t *r, int *way, int *flag)
{
	struct buf b = pick_buf(r, pick_len(r, s->file));

	*way = min(pick(r, WAYS), SIMPLE);
	*flag = *way == FLAGS ? flags[pick(r, ARRAY_SIZE(flags))] : 0;
	/* Of a vector too long, or not a user's, kernels differ in what is first. */
	if (*way != SIMPLE && (b.kernel || b.len > AREA))
		b = (struct buf){ area_end - 1, 1, 1, false };
	return b;
}

static struct access access_of(const struct slot *s, const struct buf *b,
			       int flag)
{
	return (struct access){
		.nonblock = s->file->nonblock || flag == RWF_NOWAIT,
		.len = b->len, .room = b->room,
	};
}

/* What a call returns that does not come as far as the queue; 0 if it does. */
static long refused(const struct buf *b, int flag, bool permitted)
{
	if (!permitted)
		return -EBADF;
	if (b->kernel)
		return -EFAULT;
	return flag == UNKNOWN_FLAG && b->len ? -EOPNOTSUPP : 0;
}

/*
 * A writer or poller that waits for room may be quicker than the read that makes
 * some, or not. Leave that to tests that do not predict.
 */
static bool is_race(const struct file *f, struct access a, long want)
{
	const struct queue *q = f->queue;

	/* A read that fails has its message in hand for a moment. */
	if (want == -EFAULT && f->has != PART && is_full(q))
		return waiting(CALL_WRITE, q) || waiting(CALL_POLL, q);
	/* What it confirms is freed before it looks for another. */
	return f->has == WHOLE && a.len && !q->count[QUEUED] &&
	       (a.nonblock || !f->eof) && waiting(CALL_WRITE, q);
}

static void wait_to_read(struct slot *s, uint64_t *r, struct buf b)
{
	struct caller c = { .kind = CALL_READ, .restarts = pick(r, 2) };
	const struct caller *other;

	c.access.len = min(b.len, AREA);
	c.access.room = one_in(r, 3) ? 0 : c.access.len;
	/* It would make room for a moment. */
	if (!c.access.room && waiting(CALL_WRITE, s->file->queue))
		return;
	/* What one that fails does depends on who is first to read the file. */
	other = waiting_reader(s->file);
	if (other && (!c.access.room || !other->access.room))
		return;
	if (wait_in_child(s, r, c, NULL))
		confirm(s->file);
}

/* Reads, as predicted. */
static void read_into(struct slot *s, uint64_t *r, struct buf b, int way,
		      int flag)
{
	static const char *const names[] = { "readv", "preadv2", "read" };
	struct file *f = s->file;
	struct access a = access_of(s, &b, flag);
	long refusal = refused(&b, flag, f->readable), got;
	long want = refusal ?: predict_read(f, a);
	struct iovec vec[VECTORS];
	size_t len, offset;
	struct msg msg;
	int count;

	if (is_race(f, a, want))
		return;
	if (want == WAITS) {
		wait_to_read(s, r, b);
		return;
	}

	len = want > 0 ? want : 0;
	/* The bytes behind those that are read stay as they are. */
	if (b.room > len)
		memset(b.at + len, 0x5a, min(b.room - len, BEHIND));
	count = pick_vectors(r, &b, vec);
	if (way == SIMPLE)
		got = read(s->fd, b.at, b.len);
	else if (way == VECTOR)
		got = readv(s->fd, vec, count);
	else
		got = preadv2(s->fd, vec, count, -1, flag);
	expect(want, result(got),
	       "%s(#%zu %s, %zu bytes, room for %zu, flags %#x)", names[way],
	       s - slots, mode_of(f), b.len, b.room, flag);

	msg = next_part(f, &offset);
	if (len && !same(b.at, &msg, offset, len))
		wrong("%s(#%zu): these are not the bytes of message %u, from %zu on",
		      names[way], s - slots, msg.id, offset);
	for (; want >= 0 && len < b.room && len < want + BEHIND; len++)
		if (b.at[len] != 0x5a)
			wrong("%s(#%zu): it has written behind the end",
			      names[way], s - slots);
	if (!refusal)
		apply_read(f, a, want);
}

/* By whichever call that reads. */
void run_read(struct slot *s, uint64_t *r)
{
	int way, flag;
	struct buf b = pick_access(s, r, &way, &flag);

	read_into(s, r, b, way, flag);
}

void drain_all(void)
{
	struct buf all = { area_end - AREA, AREA, AREA, false };
	struct slot *s = &slots[0];
	struct queue *q;
	char path[64];

	for (q = queues; q < queues + QUEUES; q++) {
		if (!q->exists)
			continue;
		file_of(path, q);
		s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		CHECK(s->fd >= 0, "%s: %s", path, strerror(errno));
		slot_opened(s, q, O_RDONLY | O_NONBLOCK);
		while (q->count[QUEUED] || q->count[HELD])
			read_into(s, &(uint64_t){ 0 }, all, SIMPLE, 0);
		close_slot(s);
	}
}

static void wait_to_write(struct slot *s, uint64_t *r, struct msg msg)
{
	static char data[HUGE_SIZE];
	struct caller c = { .kind = CALL_WRITE, .restarts = pick(r, 2) };
	const struct msg *other = waiting_msg(s->file->queue);
	int i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && callers[i].kind == CALL_READ &&
		    !callers[i].access.room &&
		    callers[i].file->queue == s->file->queue)
			return;
	c.msg = other ? *other : msg;
	c.access.len = c.msg.len;
	c.access.room = c.msg.len;
	if (predict_write(s->file, c.access) != WAITS)
		return;
	fill(data, &c.msg, c.msg.len);
	wait_in_child(s, r, c, data);
}

/* By whichever call that writes: vectors are one message, too. */
void run_write(struct slot *s, uint64_t *r)
{
	static const char *const names[] = { "writev", "pwritev2", "write" };
	int way, flag, count;
	struct buf b = pick_access(s, r, &way, &flag);
	long refusal = refused(&b, flag, s->file->writable), got;
	long want = refusal ?: predict_write(s->file, access_of(s, &b, flag));
	struct msg msg = pick_msg(b.len);
	struct iovec vec[VECTORS];

	if (want == WAITS) {
		wait_to_write(s, r, msg);
		return;
	}
	/* What is too long need not be there. */
	if (!b.kernel && want != -EMSGSIZE)
		fill(b.at, &msg, b.room);
	count = pick_vectors(r, &b, vec);
	if (way == SIMPLE)
		got = write(s->fd, b.at, b.len);
	else if (way == VECTOR)
		got = writev(s->fd, vec, count);
	else
		got = pwritev2(s->fd, vec, count, -1, flag);
	expect(want, result(got),
	       "%s(#%zu %s, %zu bytes, %zu of them readable, flags %#x)",
	       names[way], s - slots, mode_of(s->file), b.len, b.room, flag);
	if (!refusal)
		apply_write(s->file->queue, msg, want);
}
