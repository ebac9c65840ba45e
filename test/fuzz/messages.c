// SPDX-License-Identifier: GPL-2.0-only
/* Operations that read and write. */
#define _GNU_SOURCE
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "fuzz.h"

#define PIPE_ROOM	65536
#define BEHIND		64ul

/*
 * A read that fails has its message in hand for a moment. Who waits for room
 * may go on then, or not: leave that to tests that need not know.
 */
static bool makes_room_for_a_moment(const struct file *f, long want)
{
	return want == -EFAULT && !f->reading && is_full() &&
	       (waiting(CALL_WRITE) || waiting(CALL_POLL));
}

/* By whichever call that reads. */
void run_read(struct slot *s, uint64_t *r)
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

void run_write(struct slot *s, uint64_t *r)
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
void run_writev(struct slot *s, uint64_t *r)
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
