/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures on demand, for kernels with CONFIG_FAULT_INJECTION (the harness's
 * debug kernel): a task can make the n-th allocation or user copy in its next
 * system calls fail. Raising n from 1 until a call meets no failure reaches every
 * place where the call can fail.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdio.h>

#include "tap.h"

#define FAULTS_DIR	"/sys/kernel/debug/"
#define FAULTS_NTH	"/proc/thread-self/fail-nth"

static inline void faults_set(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0, "%s: %s", name, strerror(errno));
	EQ(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

/*
 * Skip the subtest if the kernel cannot inject failures. With @pages, pages are
 * refused, too: the kernel's own code that loads modules logs that with a trace.
 */
static inline void faults_init(bool pages)
{
	if (access(FAULTS_NTH, F_OK) || access(FAULTS_DIR "failslab", F_OK) ||
	    access(FAULTS_DIR "fail_page_alloc", F_OK) ||
	    access(FAULTS_DIR "fail_usercopy", F_OK))
		skip("the kernel has no fault injection");
	/* Allocations that may wait fail too, and no stack is logged. */
	faults_set(FAULTS_DIR "failslab/ignore-gfp-wait", "N");
	faults_set(FAULTS_DIR "failslab/verbose", "0");
	faults_set(FAULTS_DIR "fail_page_alloc/ignore-gfp-wait",
		   pages ? "N" : "Y");
	faults_set(FAULTS_DIR "fail_page_alloc/min-order", "0");
	faults_set(FAULTS_DIR "fail_page_alloc/verbose", "0");
	faults_set(FAULTS_DIR "fail_usercopy/verbose", "0");
}

/* Make the @nth place fail from now on. */
static inline int faults_arm(int nth)
{
	char text[16];
	int fd = open(FAULTS_NTH, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0, FAULTS_NTH ": %s", strerror(errno));
	snprintf(text, sizeof(text), "%d", nth);
	EQ(pwrite(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

/* Stop failing; true if there was a failure. Leaves errno alone. */
static inline bool faults_disarm(int fd)
{
	char text[16] = "";
	int saved = errno;
	bool injected;

	/* If the failure has not come yet, this call may get it. */
	injected = pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;
	while (pwrite(fd, "0", 1, 0) != 1)
		;
	close(fd);
	errno = saved;
	return injected;
}

#endif
