// SPDX-License-Identifier: GPL-2.0-only
/* The ways to pass a message between processes that are compared. */
#define _GNU_SOURCE
#include "mech.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_FILE	"/proc/msg_queue"
/* guest makes these. */
#define FURTHER_FILE	"/proc/msg_queues/further"
#define ACK_FILE	"/proc/msg_queues/ack"
#define STREAM_FILE	"/proc/msg_queues/stream"
#define HELD_FILE	"/proc/msg_queues/held"
#define FLOOR_FILE	"/proc/msgq_floor"
#define MQ_NAME		"/bench"
#define FIFO_FILE	"/tmp/bench.fifo"
#define PACKETS_FILE	"/tmp/bench.packets"
#define SYSV_KEY	0x62656e63
#define ANY_DEPTH	1000000000

void give_up(const char *what, const char *mech)
{
	fprintf(stderr, "%s: %s: %s\n", mech, what, strerror(errno));
	exit(EXIT_FAILURE);
}

long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

long long median(long long *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void close_both(struct ends *ends)
{
	close(ends->in);
	close(ends->out);
}

static ssize_t fd_send(const struct ends *ends, struct message *msg, size_t len)
{
	return write(ends->in, msg->text, len);
}

static ssize_t fd_receive(const struct ends *ends, struct message *msg,
			  size_t len)
{
	return read(ends->out, msg->text, len);
}

/* mechanisms that are a file, or one to write to and one to read from */

static int files_open(const struct mech *mech, struct ends *ends, size_t size,
		      size_t depth, bool nonblock)
{
	(void)size;
	(void)depth;
	ends->in = open(mech->in_file, O_WRONLY);
	ends->out = open(mech->out_file, O_RDONLY | (nonblock ? O_NONBLOCK : 0));
	return ends->in < 0 || ends->out < 0 ? -1 : 0;
}

static ssize_t files_reopen_send(const struct mech *mech, struct message *msg,
				 size_t len)
{
	int fd = open(mech->in_file, O_WRONLY);
	ssize_t ret = write(fd, msg->text, len);

	close(fd);
	return ret;
}

static ssize_t files_reopen_receive(const struct mech *mech,
				    struct message *msg, size_t len)
{
	int fd = open(mech->out_file, O_RDONLY);
	ssize_t ret = read(fd, msg->text, len);

	close(fd);
	return ret;
}

/* What goes through two descriptors, and what any process can open. */
#define FD_CALLS				\
	.close = close_both,			\
	.send = fd_send,			\
	.receive = fd_receive

#define FILES(_name, _in, _out)			\
	.name = _name,				\
	.max_size = MAX_SIZE,			\
	.max_depth = ANY_DEPTH,			\
	.in_file = _in,				\
	.out_file = _out,			\
	.open = files_open,			\
	.reopen_send = files_reopen_send,	\
	.reopen_receive = files_reopen_receive,	\
	FD_CALLS

/* kmsg_queue; its limits are parameters of the module */

const struct mech mech_kmsg_queue = {
	FILES("kmsg_queue", QUEUE_FILE, QUEUE_FILE),
	.named = true,
};

/* A message for each open: how a reader without O_NONBLOCK goes on. */
static ssize_t queue_plain_receive(const struct ends *ends, struct message *msg,
				   size_t len)
{
	(void)ends;
	return files_reopen_receive(&mech_kmsg_queue, msg, len);
}

const struct mech mech_kmsg_queue_plain = {
	.name = "kmsg_queue_plain",
	.max_size = MAX_SIZE,
	.max_depth = ANY_DEPTH,
	.named = true,
	.in_file = QUEUE_FILE,
	.out_file = QUEUE_FILE,
	.open = files_open,
	.close = close_both,
	.send = fd_send,
	.receive = queue_plain_receive,
};

/* one of many queues */

const struct mech mech_kmsg_queue_further = {
	FILES("kmsg_queue_further", FURTHER_FILE, FURTHER_FILE),
	.named = true,
};

/* read_ack=Y: each read confirms the message before */

const struct mech mech_kmsg_queue_ack = {
	FILES("kmsg_queue_ack", ACK_FILE, ACK_FILE),
	.named = true,
};

/* read_eof=N, read_wait=Y: readers wait in read(2) */

static int stream_open(const struct mech *mech, struct ends *ends, size_t size,
		       size_t depth, bool nonblock)
{
	(void)nonblock;
	return files_open(mech, ends, size, depth, false);
}

const struct mech mech_kmsg_queue_stream = {
	.name = "kmsg_queue_stream",
	.max_size = MAX_SIZE,
	.max_depth = ANY_DEPTH,
	.named = true,
	.in_file = STREAM_FILE,
	.out_file = STREAM_FILE,
	.open = stream_open,
	FD_CALLS,
};

/* the same with space for two messages, one of which somebody holds */

const struct mech mech_kmsg_queue_held = {
	FILES("kmsg_queue_held", HELD_FILE, HELD_FILE),
	.named = true,
};

/* the floor: see floor/ */

const struct mech mech_floor = {
	FILES("floor", FLOOR_FILE, FLOOR_FILE),
};

/* no queue at all: what two system calls cost */

const struct mech mech_null = {
	FILES("null_zero", "/dev/null", "/dev/zero"),
};

/* POSIX message queue */

static size_t mq_size;

static int queue_mq_open(const struct mech *mech, struct ends *ends,
			 size_t size, size_t depth, bool nonblock)
{
	struct mq_attr attr = { .mq_maxmsg = depth, .mq_msgsize = size };

	(void)mech;
	mq_size = size;
	ends->in = mq_open(MQ_NAME, O_WRONLY | O_CREAT, 0600, &attr);
	ends->out = mq_open(MQ_NAME, O_RDONLY | (nonblock ? O_NONBLOCK : 0));
	return ends->in < 0 || ends->out < 0 ? -1 : 0;
}

static void queue_mq_close(struct ends *ends)
{
	mq_close(ends->in);
	mq_close(ends->out);
	mq_unlink(MQ_NAME);
}

static ssize_t queue_mq_send(const struct ends *ends, struct message *msg,
			     size_t len)
{
	return mq_send(ends->in, msg->text, len, 0);
}

static ssize_t queue_mq_receive(const struct ends *ends, struct message *msg,
				size_t len)
{
	(void)len;
	return mq_receive(ends->out, msg->text, mq_size, NULL);
}

static ssize_t mq_reopen_send(const struct mech *mech, struct message *msg,
			      size_t len)
{
	mqd_t mq = mq_open(MQ_NAME, O_WRONLY);
	int ret = mq_send(mq, msg->text, len, 0);

	(void)mech;
	mq_close(mq);
	return ret;
}

static ssize_t mq_reopen_receive(const struct mech *mech, struct message *msg,
				 size_t len)
{
	mqd_t mq = mq_open(MQ_NAME, O_RDONLY);
	ssize_t ret = mq_receive(mq, msg->text, len, NULL);

	(void)mech;
	mq_close(mq);
	return ret;
}

const struct mech mech_mq = {
	.name = "mq",
	.max_size = MAX_SIZE,
	.max_depth = 65536,
	.named = true,
	.open = queue_mq_open,
	.close = queue_mq_close,
	.send = queue_mq_send,
	.receive = queue_mq_receive,
	.reopen_send = mq_reopen_send,
	.reopen_receive = mq_reopen_receive,
};

/* SysV message queue: no descriptor, so nothing to poll */

static int sysv_open(const struct mech *mech, struct ends *ends, size_t size,
		     size_t depth, bool nonblock)
{
	struct msqid_ds ds;

	(void)mech;
	(void)nonblock;
	ends->in = msgget(SYSV_KEY, 0600 | IPC_CREAT);
	ends->out = ends->in;
	if (ends->in < 0 || msgctl(ends->in, IPC_STAT, &ds))
		return -1;
	ds.msg_qbytes = size * depth;
	return msgctl(ends->in, IPC_SET, &ds);
}

static void sysv_close(struct ends *ends)
{
	msgctl(ends->in, IPC_RMID, NULL);
}

static ssize_t sysv_send(const struct ends *ends, struct message *msg,
			 size_t len)
{
	return msgsnd(ends->in, msg, len, 0);
}

static ssize_t sysv_receive(const struct ends *ends, struct message *msg,
			    size_t len)
{
	return msgrcv(ends->out, msg, len, 0, 0);
}

static ssize_t sysv_reopen_send(const struct mech *mech, struct message *msg,
				size_t len)
{
	(void)mech;
	return msgsnd(msgget(SYSV_KEY, 0600), msg, len, 0);
}

static ssize_t sysv_reopen_receive(const struct mech *mech, struct message *msg,
				   size_t len)
{
	(void)mech;
	return msgrcv(msgget(SYSV_KEY, 0600), msg, len, 0, 0);
}

const struct mech mech_sysv = {
	.name = "sysv",
	.max_size = MAX_SIZE,
	.max_depth = ANY_DEPTH,
	.named = true,
	.open = sysv_open,
	.close = sysv_close,
	.send = sysv_send,
	.receive = sysv_receive,
	.reopen_send = sysv_reopen_send,
	.reopen_receive = sysv_reopen_receive,
};

/* pipe in packet mode: a page for each message */

static int set_nonblock(int fd, bool nonblock)
{
	return fcntl(fd, F_SETFL,
		     fcntl(fd, F_GETFL) | (nonblock ? O_NONBLOCK : 0));
}

static int pipe_open(const struct mech *mech, struct ends *ends, size_t size,
		     size_t depth, bool nonblock)
{
	int fds[2];

	(void)mech;
	(void)size;
	if (pipe2(fds, O_DIRECT))
		return -1;
	ends->in = fds[1];
	ends->out = fds[0];
	/* Its default is 16. */
	if (depth > 16 && fcntl(fds[1], F_SETPIPE_SZ, depth * 4096) < 0)
		return -1;
	return set_nonblock(ends->out, nonblock);
}

const struct mech mech_pipe = {
	.name = "pipe",
	.max_size = 4096,
	.max_depth = 16384,
	.open = pipe_open,
	FD_CALLS,
};

/* byte FIFO: no message boundaries, the reader has to know the length */

static int fifo_open(const struct mech *mech, struct ends *ends, size_t size,
		     size_t depth, bool nonblock)
{
	if (mkfifo(mech->in_file, 0600) && errno != EEXIST)
		return -1;
	ends->out = open(mech->out_file, O_RDWR | (nonblock ? O_NONBLOCK : 0));
	ends->in = open(mech->in_file, O_WRONLY);
	if (size * depth > MAX_SIZE &&
	    fcntl(ends->in, F_SETPIPE_SZ, size * depth) < 0)
		return -1;
	return ends->in < 0 || ends->out < 0 ? -1 : 0;
}

const struct mech mech_fifo = {
	.name = "fifo",
	.max_size = MAX_SIZE,
	.max_depth = 16384,
	.named = true,
	.in_file = FIFO_FILE,
	.out_file = FIFO_FILE,
	.open = fifo_open,
	FD_CALLS,
	.reopen_send = files_reopen_send,
	.reopen_receive = files_reopen_receive,
};

/* FIFO in packet mode: a page for each message, which a read gives whole */

static int packets_open(const struct mech *mech, struct ends *ends, size_t size,
			size_t depth, bool nonblock)
{
	(void)size;
	/* Only fcntl(2) sets O_DIRECT: open(2) refuses it for a FIFO. */
	if (fifo_open(mech, ends, 4096, depth, nonblock))
		return -1;
	return fcntl(ends->in, F_SETFL, O_DIRECT);
}

const struct mech mech_packets = {
	.name = "packets",
	.max_size = 4096,
	.max_depth = 16384,
	.named = true,
	.in_file = PACKETS_FILE,
	.out_file = PACKETS_FILE,
	.open = packets_open,
	FD_CALLS,
};

/* AF_UNIX sockets */

static int pair_open(const struct mech *mech, struct ends *ends, size_t size,
		     size_t depth, bool nonblock)
{
	/* What a socket counts for a message: its memory, up to 1.5 KiB more. */
	long bytes = (size + 1536) * 2 * depth;
	int fds[2], room = bytes < INT32_MAX / 2 ? bytes : INT32_MAX / 2;

	if (socketpair(AF_UNIX, mech->socket_type, 0, fds))
		return -1;
	ends->in = fds[1];
	ends->out = fds[0];
	if (setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		return -1;
	return set_nonblock(ends->out, nonblock);
}

const struct mech mech_dgram = {
	.name = "dgram",
	.max_size = MAX_SIZE,
	.max_depth = 16384,
	.socket_type = SOCK_DGRAM,
	.open = pair_open,
	FD_CALLS,
};

const struct mech mech_seqpacket = {
	.name = "seqpacket",
	.max_size = MAX_SIZE,
	.max_depth = 16384,
	.socket_type = SOCK_SEQPACKET,
	.open = pair_open,
	FD_CALLS,
};
