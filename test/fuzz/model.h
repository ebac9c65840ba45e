/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract as a model: what the queue holds, what an open file remembers,
 * and what each call then returns.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <limits.h>
#include <poll.h>

#include "tap.h"

#define FILES	16
#define QUEUE	8192	/* messages; a round puts fewer in */

/* What a call that has to wait returns. */
#define WAITS	LONG_MIN

struct msg {
	size_t len;
	unsigned int id;	/* tells its content */
};

/* An open file. */
struct file {
	int refs;		/* descriptors, and children with a call */
	bool readable, writable, nonblock, append, path;
	bool reading, at_eof;
	struct msg msg;		/* while reading, */
	size_t offset;		/* and so much of it was delivered */
};

extern struct model {
	struct msg queue[QUEUE];
	size_t head, tail;
	long bytes, enqueued, dequeued, dropped;
	long max_size, max_bytes;
	bool read_wait;
	unsigned int last_id;
	struct file files[FILES];
} m;

size_t queued(void);
bool is_full(void);

/* @room is how many bytes of @len the buffer really has. */
long predict_read(const struct file *f, bool nonblock, size_t len, size_t room);
long predict_write(const struct file *f, bool nonblock, size_t len,
		   size_t room);
int predict_poll(const struct file *f);

/* What a read then gives: a part of this message, from @offset on. */
struct msg next_part(const struct file *f, size_t *offset);

/* A call has returned @ret. */
void apply_read(struct file *f, bool nonblock, long ret);
void apply_write(const struct msg *msg, long ret);

#endif
