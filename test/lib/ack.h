/* SPDX-License-Identifier: GPL-2.0-only */
/* Short words for what read_ack=Y does: messages that an open file holds. */
#ifndef ACK_H
#define ACK_H

#include "polls.h"

/* Files that are opened from now on hold what they have read. */
static inline void acknowledge(void)
{
	param_set("read_ack", 1);
}

/* The queue with @count messages of @len bytes in hands, @queued beside. */
static inline void in_hand(long count, size_t len, long queued)
{
	EQ(stat_of("held"), count);
	EQ(stat_of("queued"), queued);
	EQ(stat_of("queued_bytes"), (count + queued) * footprint(len));
}

/* A file, opened so, that holds the next message, @want. */
static inline int hold(int flags, const char *want)
{
	int fd = q_open(O_RDONLY | flags);

	get_str(fd, want);
	return fd;
}

/* A file that has got one byte of the next message. */
static inline int hold_half(void)
{
	int fd = q_open(O_RDONLY);
	char byte;

	EQ(read(fd, &byte, 1), 1);
	return fd;
}

/* A child that reads one message, and sleeps with it. */
static inline ssize_t read_and_sleep(struct call *c, int fd)
{
	EQ(read(fd, c->buf, c->len) > 0, true);
	return poll(NULL, 0, -1);
}

static inline struct call *start_holder(int shared_fd, int flags, size_t len)
{
	struct call *holder = call_start(read_and_sleep, shared_fd,
					 O_RDONLY | flags, NULL, len);

	call_asleep(holder);
	return holder;
}

/* A line of /proc/self/fdinfo/FD. */
static inline long fdinfo(int fd, const char *key)
{
	char path[64], line[200];
	size_t len = strlen(key);
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	CHECK(file, "%s: %s", path, strerror(errno));
	while (value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len) && line[len] == ':')
			value = strtol(line + len + 1, NULL, 10);
	fclose(file);
	CHECK(value >= 0, "no %s in %s", key, path);
	return value;
}

#endif
