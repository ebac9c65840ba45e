// SPDX-License-Identifier: GPL-2.0-only
/* What was seen, and whether it is as predicted. */
#define _GNU_SOURCE
#include <stdarg.h>

#include "fuzz.h"

void wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(shared->wrong, sizeof(shared->wrong), fmt, args);
	va_end(args);
	if (shared->verbose)
		printf("#     WRONG: %s\n", shared->wrong);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

const char *text_of(long ret, char *text)
{
	if (ret == WAITS)
		return "a call that waits";
	if (ret < 0 && ret > -4096)
		return strerrorname_np(-ret) ?: "an unknown error";
	sprintf(text, "%ld", ret);
	return text;
}

/* For a call that should go on. What has failed once need not get so much. */
#define PATIENCE_S	15	/* no test of speed */

int patience(void)
{
	return shared->again ? 2 : PATIENCE_S;
}

/* @ret is what a system call has returned. */
long result(long ret)
{
	return ret == -1 ? -errno : ret;
}

/* This call was made, with this result. */
const char *mode_of(const struct file *f)
{
	return f->path ? "O_PATH" : f->nonblock ? "nonblock" : "plain";
}

void expect(long want, long got, const char *fmt, ...)
{
	char call[160], got_text[32], want_text[32];
	va_list args;

	if (want == got && !shared->verbose)
		return;
	va_start(args, fmt);
	vsnprintf(call, sizeof(call), fmt, args);
	va_end(args);
	if (shared->verbose)
		printf("#     %s = %s\n", call, text_of(got, got_text));
	if (want != got)
		wrong("%s = %s, not %s", call, text_of(got, got_text),
		      text_of(want, want_text));
}

/* Contents: bytes that differ from message to message, first of all the first. */
static unsigned char pool[HUGE_SIZE + (1 << 16)];

void make_contents(void)
{
	fill_pattern(pool, sizeof(pool), 1);
}

static const unsigned char *rest_of(const struct msg *msg)
{
	return pool + msg->id * 7919 % (1 << 16);
}

void fill(char *buf, const struct msg *msg, size_t len)
{
	if (!len)
		return;
	memcpy(buf, rest_of(msg), len);
	buf[0] = msg->id;
}

bool same(const char *buf, const struct msg *msg, size_t offset, size_t len)
{
	size_t skip = len && !offset;

	if (skip && (unsigned char)buf[0] != (unsigned char)msg->id)
		return false;
	return !memcmp(buf + skip, rest_of(msg) + offset + skip, len - skip);
}
