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
#define FLOOR_FILE	"/proc/msgq_floor"
#define MQ_NAME		"/bench"
#define FIFO_FILE	"/tmp/bench.fifo"
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

static int open_files(struct ends *ends, const char *in, const char *out,
		      bool nonblock)
{
	ends->in = open(in, O_WRONLY);
	ends->out = open(out, O_RDONLY | (nonblock ? O_NONBLOCK : 0));
	return ends->in < 0 || ends->out < 0 ? -1 : 0;
}

static ssize_t reopen_write(const char *file, struct message *msg, size_t len)
{
	int fd = open(file, O_WRONLY);
	ssize_t ret = write(fd, msg->text, len);

	close(fd);
	return ret;
}

static ssize_t reopen_read(const char *file, struct message *msg, size_t len)
{
	int fd = open(file, O_RDONLY);
	ssize_t ret = read(fd, msg->text, len);

	close(fd);
	return ret;
}

/* kmsg_queue; its limits are parameters of the module */

static int queue_open(struct ends *ends, size_t size, size_t depth,
		      bool nonblock)
{
	(void)size;
	(void)depth;
	return open_files(ends, QUEUE_FILE, QUEUE_FILE, nonblock);
}

static ssize_t queue_reopen_send(struct message *msg, size_t len)
{
	return reopen_write(QUEUE_FILE, msg, len);
}

static ssize_t queue_reopen_receive(struct message *msg, size_t len)
{
	return reopen_read(QUEUE_FILE, msg, len);
}

/* A message for each open: how a reader without O_NONBLOCK goes on. */
static ssize_t queue_plain_receive(const struct ends *ends, struct message *msg,
				   size_t len)
{
	(void)ends;
	return reopen_read(QUEUE_FILE, msg, len);
}

const struct mech mech_kmsg_queue = {
	.name = "kmsg_queue",
	.max_size = MAX_SIZE,
	.max_depth = ANY_DEPTH,
	.named = true,
	.open = queue_open,
	.close = close_both,
	.send = fd_send,
	.receive = fd_receive,
	.reopen_send = queue_reopen_send,
	.reopen_receive = queue_reopen_receive,
};

const struct mech mech_kmsg_queue_plain = {
	.name = "kmsg_queue_plain",
	.max_size = MAX_SIZE,
	.max_depth = ANY_DEPTH,
	.named = true,
	.open = queue_open,
	.close = close_both,
	.send = fd_send,
	.receive = queue_plain_receive,
};

/* the floor: see floor/ */

static int floor_open(struct ends *ends, size_t size, size_t depth,
		      bool nonblock)
{
	(void)size;
	(void)depth;
	return open_files(ends, FLOOR_FILE, FLOOR_FILE, nonblock);
}

static ssize_t floor_reopen_send(struct message *msg, size_t len)
{
	return reopen_write(FLOOR_FILE, msg, len);
}

static ssize_t floor_reopen_receive(struct message *msg, size_t len)
{
	return reopen_read(FLOOR_FILE, msg, len);
}

const struct mech mech_floor = {
	.name = "floor",
	.max_size = MAX_SIZE,
	.max_depth = ANY_DEPTH,
	.open = floor_open,
	.close = close_both,
	.send = fd_send,
	.receive = fd_receive,
	.reopen_send = floor_reopen_send,
	.reopen_receive = floor_reopen_receive,
};

/* no queue at all: what two system calls cost */

static int null_open(struct ends *ends, size_t size, size_t depth,
		     bool nonblock)
{
	(void)size;
	(void)depth;
	return open_files(ends, "/dev/null", "/dev/zero", nonblock);
}

static ssize_t null_reopen_send(struct message *msg, size_t len)
{
	return reopen_write("/dev/null", msg, len);
}

static ssize_t null_reopen_receive(struct message *msg, size_t len)
{
	return reopen_read("/dev/zero", msg, len);
}

const struct mech mech_null = {
	.name = "null_zero",
	.max_size = MAX_SIZE,
	.max_depth = ANY_DEPTH,
	.open = null_open,
	.close = close_both,
	.send = fd_send,
	.receive = fd_receive,
	.reopen_send = null_reopen_send,
	.reopen_receive = null_reopen_receive,
};

/* POSIX message queue */

static size_t mq_size;

static int queue_mq_open(struct ends *ends, size_t size, size_t depth,
			 bool nonblock)
{
	struct mq_attr attr = { .mq_maxmsg = depth, .mq_msgsize = size };

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

static ssize_t mq_reopen_send(struct message *msg, size_t len)
{
	mqd_t mq = mq_open(MQ_NAME, O_WRONLY);
	int ret = mq_send(mq, msg->text, len, 0);

	mq_close(mq);
	return ret;
}

static ssize_t mq_reopen_receive(struct message *msg, size_t len)
{
	mqd_t mq = mq_open(MQ_NAME, O_RDONLY);
	ssize_t ret = mq_receive(mq, msg->text, len, NULL);

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

static int sysv_open(struct ends *ends, size_t size, size_t depth,
		     bool nonblock)
{
	struct msqid_ds ds;

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

static ssize_t sysv_reopen_send(struct message *msg, size_t len)
{
	return msgsnd(msgget(SYSV_KEY, 0600), msg, len, 0);
}

static ssize_t sysv_reopen_receive(struct message *msg, size_t len)
{
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

static int pipe_open(struct ends *ends, size_t size, size_t depth,
		     bool nonblock)
{
	int fds[2];

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
	.close = close_both,
	.send = fd_send,
	.receive = fd_receive,
};

/* FIFO: bytes without message boundaries, the reader has to know the length */

static int fifo_open(struct ends *ends, size_t size, size_t depth,
		     bool nonblock)
{
	if (mkfifo(FIFO_FILE, 0600) && errno != EEXIST)
		return -1;
	ends->out = open(FIFO_FILE, O_RDWR | (nonblock ? O_NONBLOCK : 0));
	ends->in = open(FIFO_FILE, O_WRONLY);
	if (size * depth > MAX_SIZE &&
	    fcntl(ends->in, F_SETPIPE_SZ, size * depth) < 0)
		return -1;
	return ends->in < 0 || ends->out < 0 ? -1 : 0;
}

static ssize_t fifo_reopen_send(struct message *msg, size_t len)
{
	return reopen_write(FIFO_FILE, msg, len);
}

static ssize_t fifo_reopen_receive(struct message *msg, size_t len)
{
	return reopen_read(FIFO_FILE, msg, len);
}

const struct mech mech_fifo = {
	.name = "fifo",
	.max_size = MAX_SIZE,
	.max_depth = 16384,
	.named = true,
	.open = fifo_open,
	.close = close_both,
	.send = fd_send,
	.receive = fd_receive,
	.reopen_send = fifo_reopen_send,
	.reopen_receive = fifo_reopen_receive,
};

/* AF_UNIX sockets */

static int pair_open(struct ends *ends, int type, size_t size, size_t depth,
		     bool nonblock)
{
	/* What a socket counts for a message: its memory, up to 1.5 KiB more. */
	long bytes = (size + 1536) * 2 * depth;
	int fds[2], room = bytes < INT32_MAX / 2 ? bytes : INT32_MAX / 2;

	if (socketpair(AF_UNIX, type, 0, fds))
		return -1;
	ends->in = fds[1];
	ends->out = fds[0];
	if (setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		return -1;
	return set_nonblock(ends->out, nonblock);
}

static int dgram_open(struct ends *ends, size_t size, size_t depth,
		      bool nonblock)
{
	return pair_open(ends, SOCK_DGRAM, size, depth, nonblock);
}

static int seqpacket_open(struct ends *ends, size_t size, size_t depth,
			  bool nonblock)
{
	return pair_open(ends, SOCK_SEQPACKET, size, depth, nonblock);
}

const struct mech mech_dgram = {
	.name = "dgram",
	.max_size = MAX_SIZE,
	.max_depth = 16384,
	.open = dgram_open,
	.close = close_both,
	.send = fd_send,
	.receive = fd_receive,
};

const struct mech mech_seqpacket = {
	.name = "seqpacket",
	.max_size = MAX_SIZE,
	.max_depth = 16384,
	.open = seqpacket_open,
	.close = close_both,
	.send = fd_send,
	.receive = fd_receive,
};
