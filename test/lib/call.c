// SPDX-License-Identifier: GPL-2.0-only
/* One call, made by a child, so that it may wait; see tap.h. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tap.h"

int call_sa_flags;

struct call *call_start(call_fn fn, int shared_fd, int flags,
			const void *data, size_t len)
{
	struct call *c = mmap(NULL, sizeof(*c) + len, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int fd;

	CHECK(c != MAP_FAILED, "mmap: %s", strerror(errno));
	c->shared_fd = shared_fd;
	c->flags = flags;
	c->len = len;
	if (data)
		memcpy(c->buf, data, len);
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (pid) {
		c->pid = pid;
		return c;
	}

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	catch_signal(SIGUSR1, call_sa_flags);
	/* Opens of the parent must not last longer because of this child. */
	for (fd = 3; fd < 64; fd++)
		if (fd != shared_fd)
			close(fd);
	fd = shared_fd < 0 ? q_open(flags) : shared_fd;
	c->ret = fn(c, fd);
	c->err = errno;
	_exit(EXIT_SUCCESS);
}

ssize_t one_read(struct call *c, int fd)
{
	return read(fd, c->buf, c->len);
}

static ssize_t do_write(struct call *c, int fd)
{
	return write(fd, c->buf, c->len);
}

struct call *call_read(int flags)
{
	return call_start(one_read, -1, O_RDONLY | flags, NULL, HUGE_SIZE);
}

struct call *call_write(const void *data, size_t len)
{
	return call_start(do_write, -1, O_WRONLY, data, len);
}

static void read_proc(struct call *c, const char *name, char *text,
		      size_t size)
{
	char path[64];
	ssize_t len = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", c->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, text, size - 1);
		close(fd);
	}
	text[len < 0 ? 0 : len] = 0;
}

bool call_returned(struct call *c)
{
	siginfo_t info = { .si_pid = 0 };

	EQ(waitid(P_PID, c->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid == c->pid;
}

bool call_settled(struct call *c)
{
	static const int waits[] = {
		SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_ppoll,
		SYS_epoll_pwait, SYS_splice, SYS_tee, SYS_preadv2, SYS_pwritev2,
		SYS_fsync, SYS_mq_timedsend, SYS_mq_timedreceive,
#ifdef SYS_poll	/* newer processors have ppoll alone */
		SYS_poll,
#endif
	};
	char text[256], stat[256], *end;
	size_t i;
	long nr;

	/*
	 * The kernel tells the system call of a task that is asleep; or that was
	 * just woken from another processor (TASK_WAKING), which is R in stat, or
	 * Z if it has ended since.
	 */
	for (;; usleep(1000)) {
		if (call_returned(c))
			return false;
		read_proc(c, "syscall", text, sizeof(text));
		read_proc(c, "stat", stat, sizeof(stat));
		if (strstr(stat, ") R ") || strstr(stat, ") Z "))
			continue;
		nr = strtol(text, &end, 10);
		for (i = 0; i < ARRAY_SIZE(waits); i++)
			if (end > text && nr == waits[i])
				return true;
	}
}

void call_asleep(struct call *c)
{
	if (call_settled(c))
		return;
	call_join(c);
	fail("returned %zd (%s) instead of waiting", c->ret,
	     c->ret < 0 ? strerror(c->err) : "no error");
}

long call_sleeps(struct call *c)
{
	static const char key[] = "\nvoluntary_ctxt_switches:";
	char text[4096], *at;

	read_proc(c, "status", text, sizeof(text));
	at = strstr(text, key);
	CHECK(at, "no context switches in /proc/%d/status", c->pid);
	return strtol(at + strlen(key), NULL, 10);
}

ssize_t call_join(struct call *c)
{
	int status;

	EQ(waitpid(c->pid, &status, 0), c->pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
	      "a child ended with wait status %#x", status);
	errno = c->err;
	return c->ret;
}

void call_join_str(struct call *c, const char *want)
{
	EQ(call_join(c), strlen(want));
	CHECK(!memcmp(c->buf, want, strlen(want)), "read \"%.40s\", not \"%s\"",
	      c->buf, want);
}

void call_kill(struct call *c, int sig)
{
	int status;

	EQ(kill(c->pid, sig), 0);
	EQ(waitpid(c->pid, &status, 0), c->pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sig,
	      "signal %d: wait status %#x", sig, status);
}
