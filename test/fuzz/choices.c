// SPDX-License-Identifier: GPL-2.0-only
/* What is chosen in an operation: lengths, buffers, vectors. */
#include "fuzz.h"

/* Not beyond the last address: that is EFAULT before all else. */
#ifdef __x86_64__
#define FAR_TOO_LONG	INT_MAX
#else
#define FAR_TOO_LONG	(16 * HUGE_SIZE)
#endif

/* The next of a sequence that begins with @state (splitmix64), below @below. */
uint64_t pick(uint64_t *state, uint64_t below)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % below;
}

size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool one_in(uint64_t *state, unsigned long count)
{
	return !pick(state, count);
}

size_t pick_len(uint64_t *r, const struct file *f)
{
	const struct queue *q = f->queue;
	size_t max = q->set.max_size;
	size_t next = f->has == PART ? f->msg.len - f->offset :
		      q->count[QUEUED] ? q->msgs[0].len : 1;

	switch (pick(r, 12)) {
	case 0: return 0;
	case 1: return 1;
	case 2: return max;
	case 3: return max + 1;
	case 4: return max - 1;
	case 5: return next;
	case 6: return next - 1;
	case 7: return next + 1;
	case 8: return one_in(r, 4) ? FAR_TOO_LONG : pick(r, 2 * max);
	case 9: return pick(r, 64);
	default: return pick(r, max + 2);
	}
}

char *area_end;

struct buf pick_buf(uint64_t *r, size_t len)
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
int pick_vectors(uint64_t *r, const struct buf *b, struct iovec *vec)
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

struct msg pick_msg(size_t len)
{
	static unsigned int last_id;

	return (struct msg){ .len = len, .id = ++last_id };
}
