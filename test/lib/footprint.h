/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that a message takes, as src/msg.c allocates it: the one place
 * where the tests say it, so that a wrong account shows.
 */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* How many chunks of pages @len bytes are in; *@size: of one. 0: in one piece. */
static inline long message_chunks(size_t len, long *size)
{
	const long page = sysconf(_SC_PAGESIZE);

	*size = (long)len > 2 * page ? 2 * page : page;
	return len > 2048 ? (len + *size - 1) / *size : 0;
}

/* An object with a pointer to its cgroup, and the chunks. */
static inline long footprint(size_t len)
{
	/* Space for 32 bytes and each larger power of two, to 2048. */
	static const long classes[] = { 32, 64, 128, 264, 536, 1040, 2136 };
	/* The members of struct kmsgq_msg before the content. */
	const long header = sizeof(struct { void *node[3]; uint64_t seq, stamp;
					    uint32_t len, footprint; });
	const long pointer = sizeof(void *);
	long chunk, chunks = message_chunks(len, &chunk);
	long size = chunks ? chunks * pointer : (long)len;
	size_t i = 0;

	while (32L << i < size)
		i++;
	return header + classes[i] + pointer + chunks * chunk;
}

#endif
