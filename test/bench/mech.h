/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways to pass a message between processes that are compared, each behind
 * the same few functions.
 */
#ifndef MECH_H
#define MECH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX_SIZE	65536

/* SysV wants a type before the text; the others send the text alone. */
struct message {
	long type;
	char text[MAX_SIZE];
};

struct ends {
	int in, out;	/* where messages go in, and come out */
};

/*
 * name		as the results have it
 * max_size	longest message that it can carry, in bytes
 * max_depth	how many messages it can be made to hold
 * named	any process that knows the name can open it; else fork() inherits it
 * in_file, out_file, socket_type
 *		what open() opens, for those that share one
 * open		makes room for @depth messages of @size bytes; receive does not
 *		wait if @nonblock
 * close	the messages in it are gone, if it is no file system's
 * reopen_send, reopen_receive
 *		open, one message, close, as a shell's redirection does it; NULL
 *		where it cannot be opened again
 *
 * The calls that transfer return a negative number where they fail; so does
 * open where this kernel has no such thing.
 */
struct mech {
	const char *name;
	size_t max_size, max_depth;
	bool named;
	const char *in_file, *out_file;
	int socket_type;
	int (*open)(const struct mech *mech, struct ends *ends, size_t size,
		    size_t depth, bool nonblock);
	void (*close)(struct ends *ends);
	ssize_t (*send)(const struct ends *ends, struct message *msg,
			size_t len);
	ssize_t (*receive)(const struct ends *ends, struct message *msg,
			   size_t len);
	ssize_t (*reopen_send)(const struct mech *mech, struct message *msg,
			       size_t len);
	ssize_t (*reopen_receive)(const struct mech *mech, struct message *msg,
				  size_t len);
};

extern const struct mech mech_kmsg_queue, mech_kmsg_queue_plain,
	mech_kmsg_queue_further, mech_kmsg_queue_ack, mech_kmsg_queue_stream,
	mech_kmsg_queue_held, mech_floor, mech_null, mech_mq, mech_sysv,
	mech_pipe, mech_fifo, mech_packets, mech_dgram, mech_seqpacket;

/* Say what failed, and stop. */
void give_up(const char *what, const char *mech) __attribute__((noreturn));

/* Stop unless @ok: a benchmark that fails measures nothing. */
static inline void need(bool ok, const char *what, const char *mech)
{
	if (!ok)
		give_up(what, mech);
}

/* Nanoseconds; under icount, instructions. */
long long now(void);

/* Sorts @values and gives the one in the middle. */
long long median(long long *values, size_t count);

#endif /* MECH_H */
