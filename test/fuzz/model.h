/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract as a model: what a queue holds, what an open file remembers, and
 * what each call then returns.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <limits.h>
#include <poll.h>

#include "tap.h"

#define FILES	16
#define MESSAGES 2048	/* in a queue; a round writes fewer */

/* What a call that has to wait returns. */
#define WAITS	LONG_MIN

struct msg {
	size_t len;
	unsigned int id;	/* determines its content */
	unsigned int seq;	/* its place in the order */
	long deliveries;	/* how often a reader has had some of it */
};

/* See the table of parameters in the manual page. */
struct settings {
	long max_size, max_bytes;
	bool read_wait, read_eof, read_ack;
	long max_deliveries;	/* 0: no limit, and no dead queue */
	struct queue *dead;
};

enum counter {
	QUEUED, QUEUED_BYTES, HELD, ENQUEUED, DEQUEUED, DROPPED, RETURNED, DEAD,
	HIGH_WATER_BYTES,
	/* These are not kept in struct queue: see check_counters(). */
	OLDEST_AGE_MS, WAITING_READERS, WAITING_WRITERS, COUNTERS
};

struct queue {
	bool exists;
	struct settings set;
	struct msg msgs[MESSAGES];	/* count[QUEUED] of them, oldest first */
	unsigned int next_seq;
	long count[COUNTERS];
};

/* An open file. */
struct file {
	int refs;		/* descriptors, and children with a call */
	struct queue *queue;
	bool readable, writable, nonblock, append, path;
	bool ends, acks;	/* read_eof and read_ack when it was opened */
	enum { NOTHING, PART, WHOLE } has;	/* of a message */
	struct msg msg;		/* that it has, */
	size_t offset;		/* and so much of it was delivered */
	enum { NOT_YET, DUE, GIVEN } eof;	/* of a plain reader */
};

/* A read or write. */
struct access {
	bool nonblock;		/* by O_NONBLOCK or RWF_NOWAIT */
	size_t len;
	size_t room;		/* how many bytes of @len the buffer really has */
};

bool is_full(const struct queue *q);

long predict_read(const struct file *f, struct access a);
long predict_write(const struct file *f, struct access a);
int predict_poll(const struct file *f);

/* What a read then gives: a part of this message, from @offset on. */
struct msg next_part(const struct file *f, size_t *offset);

/* A read begins, or fsync is called. */
void confirm(struct file *f);
/* A call has returned @ret. */
void apply_read(struct file *f, struct access a, long ret);
void apply_write(struct queue *q, struct msg msg, long ret);
/* The last descriptor is closed. */
void apply_release(struct file *f);

#endif
