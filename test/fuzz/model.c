// SPDX-License-Identifier: GPL-2.0-only
/* The contract as a model, with no system call. */
#include "model.h"

static void account(struct queue *q, long bytes)
{
	q->count[QUEUED_BYTES] += bytes;
	if (q->count[HIGH_WATER_BYTES] < q->count[QUEUED_BYTES])
		q->count[HIGH_WATER_BYTES] = q->count[QUEUED_BYTES];
}

bool is_full(const struct queue *q)
{
	return q->count[QUEUED_BYTES] >
	       q->set.max_bytes - footprint(q->set.max_size);
}

/* ---- a message's way ---- */

/* To its place in the order. */
static void insert(struct queue *q, struct msg msg)
{
	struct msg *at = q->msgs + q->count[QUEUED]++;

	for (; at > q->msgs && at[-1].seq > msg.seq; at--)
		*at = at[-1];
	*at = msg;
}

static void append(struct queue *q, struct msg msg)
{
	msg.seq = q->next_seq++;
	insert(q, msg);
}

static void put(struct queue *q, struct msg msg)
{
	append(q, msg);
	q->count[ENQUEUED]++;
	account(q, footprint(msg.len));
}

/* Out of the queue, and in its account until it is freed. */
static void take(struct file *f)
{
	struct queue *q = f->queue;

	f->msg = q->msgs[0];
	f->offset = 0;
	f->has = PART;
	f->msg.deliveries++;
	memmove(q->msgs, q->msgs + 1, --q->count[QUEUED] * sizeof(f->msg));
	q->count[DEQUEUED]++;
	q->count[HELD]++;
}

static void free_msg(struct file *f)
{
	struct queue *q = f->queue;

	f->has = NOTHING;
	q->count[HELD]--;
	account(q, -footprint(f->msg.len));
}

static void return_msg(struct file *f)
{
	struct queue *q = f->queue, *dead = q->set.dead;
	struct msg msg = f->msg;
	bool exhausted = dead && msg.deliveries >= q->set.max_deliveries;

	if (exhausted && !is_full(dead) && (long)msg.len <= dead->set.max_size) {
		free_msg(f);
		q->count[DEAD]++;
		msg.deliveries = 0;
		put(dead, msg);
		return;
	}
	f->has = NOTHING;
	q->count[HELD]--;
	q->count[RETURNED]++;
	if (exhausted)
		append(q, msg);
	else
		insert(q, msg);
}

void confirm(struct file *f)
{
	if (f->has == WHOLE)
		free_msg(f);
}

/* ---- calls ---- */

long predict_read(const struct file *f, struct access a)
{
	const struct queue *q = f->queue;
	size_t left;

	if (!f->readable)
		return -EBADF;
	if (!a.len)
		return 0;
	if (f->has == PART) {
		left = f->msg.len - f->offset;
	} else {
		if (f->eof && !a.nonblock)
			return 0;
		if (!q->count[QUEUED])
			return a.nonblock ? -EAGAIN :
			       q->set.read_wait ? WAITS : 0;
		left = q->msgs[0].len;
	}
	if (left > a.len) {
		if (a.nonblock)
			return -EMSGSIZE;
		left = a.len;
	}
	return left > a.room ? -EFAULT : (long)left;
}

struct msg next_part(const struct file *f, size_t *offset)
{
	*offset = f->has == PART ? f->offset : 0;
	return f->has == PART ? f->msg : f->queue->msgs[0];
}

void apply_read(struct file *f, struct access a, long ret)
{
	struct queue *q = f->queue;

	if (!a.len)
		return;
	confirm(f);
	if (ret == -EFAULT && f->has == NOTHING) {
		/* It was taken, and put back at once. */
		q->count[DEQUEUED]++;
		q->count[RETURNED]++;
	}
	if (!ret && f->eof)
		f->eof = GIVEN;
	if (ret <= 0)
		return;
	if (f->has == NOTHING)
		take(f);
	f->offset += ret;
	if (f->offset < f->msg.len)
		return;
	if (f->ends && !a.nonblock)
		f->eof = DUE;
	if (f->acks)
		f->has = WHOLE;
	else
		free_msg(f);
}

long predict_write(const struct file *f, struct access a)
{
	const struct queue *q = f->queue;

	if (!f->writable)
		return -EBADF;
	if (!a.len)
		return 0;
	if ((long)a.len > q->set.max_size)
		return -EMSGSIZE;
	if (is_full(q) && a.nonblock)
		return -EAGAIN;
	if (a.len > a.room)
		return -EFAULT;
	return is_full(q) ? WAITS : (long)a.len;
}

void apply_write(struct queue *q, struct msg msg, long ret)
{
	if (ret > 0)
		put(q, msg);
}

int predict_poll(const struct file *f)
{
	const int in = POLLIN | POLLRDNORM;
	int events = 0;

	if (f->path)
		return POLLNVAL;
	if (f->readable && f->eof && !f->nonblock)
		events |= f->eof == GIVEN ? in | POLLHUP : in;
	else if (f->readable && (f->has == PART || f->queue->count[QUEUED] ||
				 (f->has == WHOLE && f->nonblock)))
		events |= in;
	if (f->writable && !is_full(f->queue))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

void apply_release(struct file *f)
{
	if (f->has == NOTHING)
		return;
	if (f->acks) {
		return_msg(f);
	} else {
		f->queue->count[DROPPED]++;
		free_msg(f);
	}
}
