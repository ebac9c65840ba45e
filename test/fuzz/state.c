// SPDX-License-Identifier: GPL-2.0-only
/* What there is: queues, descriptors, open files, calls that wait. */
#define _GNU_SOURCE
#include "fuzz.h"

struct shared *shared;
const char *const queue_names[QUEUES] = { "msg_queue", "one", "two", "rest" };
struct queue queues[QUEUES];
struct file files[FILES];
struct slot slots[SLOTS];
struct caller callers[CALLERS];
struct item items[ITEMS];
int pipe_fds[2], epoll_fd;

const char *name_of(const struct queue *q)
{
	return queue_names[q - queues];
}

void slot_opened(struct slot *s, struct queue *q, int flags)
{
	int access = flags & O_ACCMODE;
	struct file *f = files;

	while (f->refs)
		f++;
	*f = (struct file){
		.refs = 1, .queue = q, .ends = q->set.read_eof,
		.acks = q->set.read_ack, .path = flags & O_PATH,
		.nonblock = flags & O_NONBLOCK, .append = flags & O_APPEND,
	};
	f->readable = !f->path && (access == O_RDONLY || access == O_RDWR);
	f->writable = !f->path && (access == O_WRONLY || access == O_RDWR);
	s->file = f;
}

void put_file(struct file *f)
{
	size_t i;

	if (--f->refs)
		return;
	apply_release(f);
	for (i = 0; i < ITEMS; i++)
		if (items[i].file == f)
			items[i].file = NULL;
}

bool watched(const struct file *f)
{
	size_t i;

	for (i = 0; i < ITEMS; i++)
		if (items[i].file == f)
			return true;
	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && callers[i].kind == CALL_POLL &&
		    callers[i].file == f)
			return true;
	return false;
}

int waiting(int kind, const struct queue *q)
{
	int i, count = 0;

	for (i = 0; i < CALLERS; i++)
		count += callers[i].call && callers[i].kind == kind &&
			 (!q || callers[i].file->queue == q);
	return count;
}

struct caller *waiting_reader(const struct file *f)
{
	int i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call && callers[i].kind == CALL_READ &&
		    callers[i].file == f)
			return &callers[i];
	return NULL;
}

bool waits_with_lock(const struct file *f)
{
	return f->acks || f->ends;
}

bool anybody_waits(void)
{
	return waiting(CALL_READ, NULL) || waiting(CALL_WRITE, NULL) ||
	       waiting(CALL_POLL, NULL);
}

int opens(const struct queue *q)
{
	int count = 0;
	size_t i;

	for (i = 0; i < FILES; i++)
		count += files[i].refs && !files[i].path &&
			 (!q || files[i].queue == q);
	return count;
}
