// SPDX-License-Identifier: GPL-2.0-only
/* What there is: descriptors, open files, calls that wait. */
#include "fuzz.h"

struct shared *shared;
struct slot slots[SLOTS];
struct caller callers[CALLERS];
struct item items[ITEMS];
int pipe_fds[2], epoll_fd;

void put_file(struct file *f)
{
	size_t i;

	if (--f->refs)
		return;
	m.dropped += f->reading;
	for (i = 0; i < ITEMS; i++)
		if (items[i].file == f)
			items[i].file = NULL;
}

/* Somebody waits for events of this very file. */
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

/* How many calls of this kind wait. */
int waiting(int kind)
{
	int i, count = 0;

	for (i = 0; i < CALLERS; i++)
		count += callers[i].call && callers[i].kind == kind;
	return count;
}

int opens(void)
{
	int count = 0;
	size_t i;

	for (i = 0; i < FILES; i++)
		count += m.files[i].refs && !m.files[i].path;
	return count;
}
