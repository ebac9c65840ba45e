// SPDX-License-Identifier: GPL-2.0-only
/* Which of the module's code was reached, on kernels that report it (kcov). */
#define _GNU_SOURCE
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "fuzz.h"

#define KCOV_FILE	"/sys/kernel/debug/kcov"
#define KCOV_WORDS	(1 << 18)
#define TEXT_FILE	"/sys/module/kmsg_queue/sections/.text"

static struct kcov {
	int fd;
	unsigned long *area;
} kcov[TESTER + 1];

static unsigned long code_begin;

void kcov_open(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kcov); i++) {
		struct kcov *k = &kcov[i];
		int fd = open(KCOV_FILE, O_RDWR | O_CLOEXEC);

		if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, KCOV_WORDS))
			return;
		/* Children of tap.c close what is below. */
		k->fd = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		close(fd);
		k->area = mmap(NULL, KCOV_WORDS * sizeof(long),
			       PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
		CHECK(k->area != MAP_FAILED, "kcov: %s", strerror(errno));
	}
}

/* The module is loaded, perhaps at another address. */
void kcov_locate(void)
{
	char text[32] = "";
	int fd = open(TEXT_FILE, O_RDONLY | O_CLOEXEC);

	code_begin = 0;
	if (fd < 0)
		return;
	EQ(read(fd, text, sizeof(text) - 1) > 0, true);
	code_begin = strtoul(text, NULL, 0);
	close(fd);
}

void kcov_start(int caller)
{
	struct kcov *k = &kcov[caller];

	if (!k->area)
		return;
	k->area[0] = 0;
	EQ(ioctl(k->fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
}

void kcov_collect(int caller)
{
	struct kcov *k = &kcov[caller];
	unsigned long i;

	if (!k->area)
		return;
	for (i = 1; i <= k->area[0]; i++)
		if (k->area[i] - code_begin < sizeof(shared->reached))
			shared->reached[k->area[i] - code_begin] = 1;
	k->area[0] = 0;
}
