// SPDX-License-Identifier: GPL-2.0-only
/* A stream: what needs a position is refused; splice and sendfile read. */
#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tap.h"

static char msg[HUGE_SIZE], buf[HUGE_SIZE];

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

static int pipe_with_room(int *in)
{
	int fds[2];

	EQ(pipe(fds), 0);
	EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	*in = fds[1];
	return fds[0];
}

/* What is in the pipe is this. */
static void in_pipe(int out, const char *want)
{
	EQ(read(out, buf, sizeof(buf)), strlen(want));
	CHECK(!memcmp(buf, want, strlen(want)), "%.40s", buf);
}

static void splice_plain(void)
{
	int in, out = pipe_with_room(&in), fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	EQ(splice(fd, NULL, in, NULL, 3, 0), 3);
	in_pipe(out, "mes");
	EQ(splice(fd, NULL, in, NULL, 100, 0), 6);
	in_pipe(out, "sage 1");
	EQ(splice(fd, NULL, in, NULL, 100, 0), 0);
	expect_next("message 2");
	EQ(splice(q_open(O_RDONLY), NULL, in, NULL, 100, 0), 0);
}

static void splice_nonblock(void)
{
	int in, out = pipe_with_room(&in);
	int fd = q_open(O_RDONLY | O_NONBLOCK);

	send_numbered(1, 2);
	FAILS(splice(fd, NULL, in, NULL, 8, 0), EMSGSIZE);
	EQ(splice(fd, NULL, in, NULL, 100, 0), 9);
	in_pipe(out, "message 1");
	EQ(splice(fd, NULL, in, NULL, 9, 0), 9);
	in_pipe(out, "message 2");
	FAILS(splice(fd, NULL, in, NULL, 100, 0), EAGAIN);
}

static void splice_long(void)
{
	int in, out = pipe_with_room(&in), fd = q_open(O_RDONLY);
	size_t done = 0, read_back = 0;
	ssize_t ret;

	/* More than a pipe takes at once. */
	param_set("msg_max_size", HUGE_SIZE);
	fill_pattern(msg, 300000, 1);
	send_msg(msg, 300000);
	while ((ret = splice(fd, NULL, in, NULL, 300000, 0)) > 0) {
		done += ret;
		while (read_back < done) {
			ret = read(out, buf + read_back, done - read_back);
			CHECK(ret > 0, "pipe: %zd", ret);
			read_back += ret;
		}
	}
	EQ(ret, 0);
	EQ(done, 300000);
	CHECK(!memcmp(msg, buf, done), "the bytes differ");
}

static ssize_t splice_to_pipe(struct call *c, int fd)
{
	int in, out = pipe_with_room(&in);
	ssize_t ret = splice(fd, NULL, in, NULL, 64, 0);

	if (ret > 0)
		EQ(read(out, c->buf, c->len), ret);
	return ret;
}

static void splice_waits(void)
{
	struct call *c;

	param_set("read_wait", 1);
	c = call_start(splice_to_pipe, -1, O_RDONLY, NULL, 64);
	call_asleep(c);
	send_str("waited for");
	call_join_str(c, "waited for");
}

static void sendfile_to_pipe(void)
{
	int in, out = pipe_with_room(&in), fd = q_open(O_RDONLY);

	send_numbered(1, 2);
	EQ(sendfile(in, fd, NULL, 4), 4);
	EQ(sendfile(in, fd, NULL, 4096), 5);
	in_pipe(out, "message 1");
	EQ(sendfile(in, fd, NULL, 4096), 0);
	expect_next("message 2");
}

static void sendfile_to_socket(void)
{
	int fds[2], fd = q_open(O_RDONLY);
	ssize_t ret;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	send_numbered(1, 2);
	ret = sendfile(fds[0], fd, NULL, 4);
	/* Linux 5.16 and later do this only from files with a position. */
	if (ret < 0) {
		EQ(errno, EINVAL);
		expect_numbered(1, 2);
		return;
	}
	EQ(ret, 4);
	EQ(sendfile(fds[0], fd, NULL, 4096), 5);
	EQ(read(fds[1], buf, 64), 9);
	CHECK(!memcmp(buf, "message 1", 9), "%.9s", buf);
	EQ(sendfile(fds[0], fd, NULL, 4096), 0);
	expect_next("message 2");
}

static void splice_to_bad_pipe(void)
{
	int in, out = pipe_with_room(&in);

	/* The pipe has no room: nothing is taken. */
	EQ(fcntl(in, F_SETFL, O_NONBLOCK), 0);
	while (write(in, msg, 4096) > 0)
		;
	send_numbered(1, 2);
	FAILS(splice(q_open(O_RDONLY), NULL, in, NULL, 100, SPLICE_F_NONBLOCK),
	      EAGAIN);
	close(out);
	expect_numbered(1, 2);
}

static const struct tap_test tests[] = {
	{ "lseek, pread and pwrite give ESPIPE", no_position },
	{ "preadv2 at no position is a read", no_position_preadv2 },
	{ "no mmap, ioctl or size", no_other_file },
	{ "opening with O_TRUNC, O_CREAT or O_APPEND changes nothing",
	  truncated_by_open },
	{ "splice from a plain file: a message, then end of file",
	  splice_plain },
	{ "splice with O_NONBLOCK: whole messages", splice_nonblock },
	{ "splice of a message longer than a pipe", splice_long },
	{ "splice waits with read_wait", splice_waits },
	{ "sendfile to a pipe: a message, then end of file",
	  sendfile_to_pipe },
	{ "sendfile to a socket: the same, or it takes nothing",
	  sendfile_to_socket },
	{ "splice to a full pipe takes nothing", splice_to_bad_pipe },
};

TAP_MAIN(tests)
