/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module is loaded and unloaded, with no process between the test and the
 * kernel: as system calls fail, 0 or -1 and errno.
 */
#ifndef LOAD_H
#define LOAD_H

#include <limits.h>
#include <sys/syscall.h>

#include "tap.h"

/* Looked up once: a test with faults does so before they begin. */
static inline const char *module_path(void)
{
	static char path[PATH_MAX];
	FILE *name;

	if (!path[0]) {
		name = popen("modinfo -n kmsg_queue", "r");
		CHECK(name && fgets(path, sizeof(path), name), "no modinfo");
		path[strcspn(path, "\n")] = 0;
		pclose(name);
	}
	return path;
}

static inline int module_load(const char *parameters)
{
	int fd = open(module_path(), O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -1;
	if (syscall(SYS_finit_module, fd, parameters, 0))
		err = errno;
	close(fd);
	errno = err;
	return err ? -1 : 0;
}

static inline int module_unload(void)
{
	return syscall(SYS_delete_module, "kmsg_queue", O_NONBLOCK);
}

/* The unloaded module has left no objects and no caches. */
static inline void no_caches_left(void)
{
	char line[300];
	FILE *file = fopen("/proc/slabinfo", "r");

	CHECK(file, "/proc/slabinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		CHECK(strncmp(line, "kmsgq_", 6), "left: %s", line);
	fclose(file);
}

#endif
