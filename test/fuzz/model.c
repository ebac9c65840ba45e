// SPDX-License-Identifier: GPL-2.0-only
/* The contract as a model, with no system call: what each call returns. */
#include "model.h"

struct model m;

size_t queued(void)
{
	return m.tail - m.head;
}

bool is_full(void)
{
	return m.bytes > m.max_bytes - footprint(m.max_size);
}

/* @room is how many bytes of @len the buffer really has. */
long predict_read(const struct file *f, bool nonblock, size_t len,
			 size_t room)
{
	size_t left;

	if (!f->readable)
		return -EBADF;
	if (!len)
		return 0;
	if (f->reading) {
		left = f->msg.len - f->offset;
	} else {
		if (f->at_eof && !nonblock)
			return 0;
		if (!queued())
			return nonblock ? -EAGAIN : m.read_wait ? WAITS : 0;
		left = m.queue[m.head].len;
	}
	if (nonblock && left > len)
		return -EMSGSIZE;
	if (left > len)
		left = len;
	return left > room ? -EFAULT : (long)left;
}

/* What a read then gives: a part of this message, from @offset on. */
struct msg next_part(const struct file *f, size_t *offset)
{
	*offset = f->reading ? f->offset : 0;
	return f->reading ? f->msg : m.queue[m.head];
}

void apply_read(struct file *f, bool nonblock, long ret)
{
	/* What is read whole with O_NONBLOCK has no end of file behind it. */
	bool has_end = !nonblock || f->reading;

	if (ret <= 0)
		return;
	if (!f->reading) {
		f->msg = m.queue[m.head++];
		f->offset = 0;
		f->reading = true;
		m.dequeued++;
		m.bytes -= footprint(f->msg.len);
	}
	f->offset += ret;
	if (f->offset == f->msg.len) {
		f->reading = false;
		f->at_eof |= has_end;
	}
}

long predict_write(const struct file *f, bool nonblock, size_t len,
			  size_t room)
{
	if (!f->writable)
		return -EBADF;
	if (!len)
		return 0;
	if ((long)len > m.max_size)
		return -EMSGSIZE;
	if (is_full() && nonblock)
		return -EAGAIN;
	if (len > room)
		return -EFAULT;
	return is_full() ? WAITS : (long)len;
}

void apply_write(const struct msg *msg, long ret)
{
	if (ret <= 0)
		return;
	m.queue[m.tail++] = *msg;
	m.enqueued++;
	m.bytes += footprint(ret);
}

int predict_poll(const struct file *f)
{
	int events = 0;

	if (f->path)
		return POLLNVAL;
	if (f->readable && f->at_eof && !f->nonblock)
		events |= POLLIN | POLLRDNORM | POLLHUP;
	else if (f->readable && (f->reading || queued()))
		events |= POLLIN | POLLRDNORM;
	if (f->writable && !is_full())
		events |= POLLOUT | POLLWRNORM;
	return events;
}
