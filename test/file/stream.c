// SPDX-License-Identifier: GPL-2.0-only
/* A stream: what needs a position is refused, and so are splice and sendfile. */
#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tap.h"

static char buf[64];

static const int modes[] = { 0, O_NONBLOCK };

static void no_position(void)
{
	struct iovec iov = { buf, 9 };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = q_open(O_RDWR | modes[i]);
		send_numbered(1, 1);
		FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
		FAILS(lseek(fd, 0, SEEK_CUR), ESPIPE);
		FAILS(lseek(fd, 0, SEEK_END), ESPIPE);
		FAILS(lseek(fd, 5, SEEK_SET), ESPIPE);
		FAILS(pread(fd, buf, 9, 0), ESPIPE);
		FAILS(pread(fd, buf, 9, 5), ESPIPE);
		FAILS(pwrite(fd, "x", 1, 0), ESPIPE);
		FAILS(preadv(fd, &iov, 1, 0), ESPIPE);
		FAILS(pwritev(fd, &iov, 1, 0), ESPIPE);
		EQ(stat_of("queued"), 1);
		expect_numbered(1, 1);
	}
}

static void no_position_preadv2(void)
{
	struct iovec iov = { buf, 9 };

	/* "At the position" is what read does. */
	send_numbered(1, 1);
	EQ(preadv2(q_open(O_RDONLY), &iov, 1, -1, 0), 9);
	CHECK(!memcmp(buf, "message 1", 9), "%.9s", buf);
}

static void no_other_file(void)
{
	int fd = q_open(O_RDWR);
	struct stat st;

	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED,
	      "the file can be mapped");
	FAILS(ioctl(fd, 0x4b01, buf), ENOTTY);
	FAILS(ftruncate(q_open(O_RDONLY), 0), EINVAL);
	EQ(fstat(fd, &st), 0);
	EQ(S_ISREG(st.st_mode) && !st.st_size, true);
	expect_empty();
}

static void truncated_by_open(void)
{
	int fd;

	/* As by the shell's ">", and ">>". */
	send_numbered(1, 1);
	fd = q_open(O_WRONLY | O_CREAT | O_TRUNC);
	EQ(write(fd, "message 2", 9), 9);
	fd = q_open(O_WRONLY | O_APPEND);
	EQ(write(fd, "message 3", 9), 9);
	expect_numbered(1, 3);
}

static int make_pipe(int *in)
{
	int fds[2];

	EQ(pipe(fds), 0);
	EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	*in = fds[1];
	return fds[0];
}

static void no_splice(void)
{
	int in, out = make_pipe(&in);
	size_t i;

	EQ(write(in, "in the pipe", 11), 11);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = q_open(O_RDWR | modes[i]);

		send_numbered(1, 1);
		FAILS(splice(fd, NULL, in, NULL, 100, 0), EINVAL);
		FAILS(splice(fd, NULL, in, NULL, 100, SPLICE_F_NONBLOCK),
		      EINVAL);
		FAILS(splice(out, NULL, fd, NULL, 100, 0), EINVAL);
		EQ(stat_of("queued"), 1);
		expect_numbered(1, 1);
		FAILS(splice(fd, NULL, in, NULL, 100, 0), EINVAL);
	}
	EQ(read(out, buf, sizeof(buf)), 11);
}

static void no_sendfile(void)
{
	int in, out = make_pipe(&in), sockets[2], to[3];
	size_t i, j;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	to[0] = in;
	to[1] = sockets[0];
	to[2] = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	CHECK(to[2] >= 0, "a file in /tmp: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		for (j = 0; j < ARRAY_SIZE(to); j++) {
			int fd = q_open(O_RDONLY | modes[i]);
			off_t offset = 0;

			send_numbered(1, 1);
			FAILS(sendfile(to[j], fd, NULL, 100), EINVAL);
			FAILS(sendfile(to[j], fd, &offset, 100), ESPIPE);
			EQ(stat_of("queued"), 1);
			expect_numbered(1, 1);
		}
	FAILS(read(out, buf, 1), EAGAIN);
}

static ssize_t splice_to_pipe(struct call *c, int fd)
{
	(void)fd;
	return splice(q_open(O_RDONLY), NULL, *(int *)c->buf, NULL, 64, 0);
}

static ssize_t tee_pipe(struct call *c, int fd)
{
	int out, in;

	out = make_pipe(&in);
	(void)c;
	(void)out;
	return tee(fd, in, 64, SPLICE_F_NONBLOCK);
}

static void pipe_is_not_held(call_fn use)
{
	int in, out = make_pipe(&in);
	struct call *splicer, *user;

	/* Waiting for a message in splice, it would hold the pipe's lock. */
	param_set("read_wait", 1);
	splicer = call_start(splice_to_pipe, in, 0, &in, sizeof(in));
	call_settled(splicer);
	user = call_start(use, out, 0, NULL, 64);
	CHECK(!call_settled(user), "an O_NONBLOCK user of the pipe waits");
	EQ(call_join(user), -1);
	EQ(errno, EAGAIN);
	EQ(call_join(splicer), -1);
	EQ(errno, EINVAL);
}

static void pipe_is_not_held_read(void)
{
	pipe_is_not_held(one_read);
}

static void pipe_is_not_held_tee(void)
{
	pipe_is_not_held(tee_pipe);
}

static const struct tap_test tests[] = {
	{ "lseek, pread and pwrite give ESPIPE", no_position },
	{ "preadv2 at no position is a read", no_position_preadv2 },
	{ "no mmap, ioctl or size", no_other_file },
	{ "opening with O_TRUNC, O_CREAT or O_APPEND changes nothing",
	  truncated_by_open },
	{ "splice gives EINVAL, both ways; nothing is taken", no_splice },
	{ "sendfile gives EINVAL, with an offset ESPIPE; nothing is taken",
	  no_sendfile },
	{ "while one splices an empty queue, its pipe can be read",
	  pipe_is_not_held_read },
	{ "while one splices an empty queue, its pipe can be teed",
	  pipe_is_not_held_tee },
};

TAP_MAIN(tests)
