// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many queues that come and go while others use them: open, write and read
 * them, set them, read each file of theirs in sysfs, and list them. Nothing is
 * lost but what its reader took, and nothing is left behind.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/stat.h>

#include "load.h"

#define SYS_QUEUES	"/sys/module/kmsg_queue/queues"
#define COMMANDS	"/sys/module/kmsg_queue/parameters/queue"
#define DIRECTORY	"/proc/msg_queues"

/* Of 1000 queues each; slow/queues has more. */
#ifndef ROUNDS
#define ROUNDS		3
#endif
#define DEBUG_ROUNDS	10	/* of 100, on a debug kernel */
#define MAX_ROUNDS	(ROUNDS > DEBUG_ROUNDS ? ROUNDS : DEBUG_ROUNDS)
#define UNLOADS		20
#define MADE_BEFORE	30	/* queues that each unload finds */

static struct {
	volatile int stop;
	volatile int at;	/* the queue that is made or removed now */
	volatile int loading;	/* what is written now is a parameter */
	long written, taken;	/* messages of queues that come and go */
	long first;		/* of the first queue, in and out */
	long shown, set, listed, made;
} *shared;

static int queues, rounds;	/* so many in a round, so many rounds */

#define COUNT(what)	__atomic_fetch_add(&shared->what, 1, __ATOMIC_SEQ_CST)

/* Gives 0 or an errno. */
static int command(const char *format, const char *name)
{
	char words[100];
	int fd = open(COMMANDS, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	snprintf(words, sizeof(words), format, name);
	if (write(fd, words, strlen(words)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int open_queue(const char *name, int flags)
{
	char path[100];

	snprintf(path, sizeof(path), DIRECTORY "/%s", name);
	return open(path, flags | O_NONBLOCK | O_CLOEXEC);
}

static void name_of(char *name, size_t size, int number)
{
	snprintf(name, size, "q%d", number);
}

/* One of those about the place where something happens. */
static void some_name(char *name, size_t size, unsigned int *seed)
{
	int number = shared->at + rand_r(seed) % 8 - 4;

	name_of(name, size, number < 0 ? 0 : number % queues);
}

/* Puts messages into queues, and takes most of them out again. */
static void use_queues(unsigned int seed)
{
	char name[32], msg[64];

	while (!shared->stop) {
		int fd;

		some_name(name, sizeof(name), &seed);
		fd = open_queue(name, O_RDWR);
		if (fd < 0) {
			EQ(errno, ENOENT);
			usleep(1000);
			continue;
		}
		EQ(write(fd, name, strlen(name)), strlen(name));
		COUNT(written);
		if (rand_r(&seed) % 4) {
			ssize_t ret = read(fd, msg, sizeof(msg));

			if (ret > 0) {
				COUNT(taken);
				CHECK((size_t)ret == strlen(name) &&
				      !memcmp(msg, name, ret),
				      "%s has a message of another", name);
			} else {
				EQ(errno, EAGAIN);
			}
		}
		close(fd);
		/* It shall be closed at times. */
		usleep(rand_r(&seed) % 500);
	}
}

/* What is in a queue's directory, read and at times written. */
static void use_sysfs(unsigned int seed)
{
	static const char *const settings[][2] = {
		{ "msg_max_size", "2048" }, { "queue_max_bytes", "16777216" },
		{ "read_ack", "N" }, { "containers", "Y" },
	};
	char name[32], path[400], text[300];
	const char *const *setting;
	struct dirent *file;
	DIR *dir;
	int fd;

	while (!shared->stop) {
		some_name(name, sizeof(name), &seed);
		snprintf(path, sizeof(path), SYS_QUEUES "/%s", name);
		dir = opendir(path);
		while (dir && (file = readdir(dir))) {
			if (file->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), SYS_QUEUES "/%s/%s", name,
				 file->d_name);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0) {
				CHECK(errno == ENOENT || errno == ENODEV,
				      "%s: %s", path, strerror(errno));
				continue;
			}
			if (read(fd, text, sizeof(text)) < 0)
				EQ(errno, ENODEV);
			else
				COUNT(shown);
			close(fd);
		}
		if (dir)
			closedir(dir);
		else
			CHECK(errno == ENOENT || errno == ENODEV, "%s: %s",
			      path, strerror(errno));
		setting = settings[rand_r(&seed) % ARRAY_SIZE(settings)];
		snprintf(path, sizeof(path), SYS_QUEUES "/%s/%s", name,
			 setting[0]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0) {
			usleep(2000);
			continue;
		}
		if (write(fd, setting[1], strlen(setting[1])) < 0)
			EQ(errno, ENODEV);
		else
			COUNT(set);
		close(fd);
		usleep(2000);
	}
}

/* Both directories from one end to the other. */
static void list(unsigned int seed)
{
	static const char *const paths[] = { DIRECTORY, SYS_QUEUES };
	char path[400];
	struct dirent *file;
	struct stat st;
	DIR *dir;

	while (!shared->stop) {
		const char *at = paths[rand_r(&seed) % 2];

		dir = opendir(at);
		CHECK(dir, "%s: %s", at, strerror(errno));
		while ((file = readdir(dir))) {
			snprintf(path, sizeof(path), "%s/%s", at,
				 file->d_name);
			if (!stat(path, &st))
				COUNT(listed);
			else
				EQ(errno, ENOENT);
		}
		closedir(dir);
		usleep(50000);
	}
}

/* The first queue goes on all the time. */
static void use_first(unsigned int seed)
{
	int fd = q_open(O_RDWR | O_NONBLOCK);
	unsigned int got;

	while (!shared->stop) {
		seed++;
		EQ(write(fd, &seed, sizeof(seed)), sizeof(seed));
		EQ(read(fd, &got, sizeof(got)), sizeof(got));
		EQ(got, seed);
		COUNT(first);
		usleep(1000);
	}
	close(fd);
}

static pid_t start(void (*work)(unsigned int seed), unsigned int seed)
{
	pid_t pid = fork();

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (pid)
		return pid;
	work(seed);
	_exit(EXIT_SUCCESS);
}

static void stop(pid_t *pids, size_t count)
{
	shared->stop = 1;
	while (count--) {
		int status;

		EQ(waitpid(pids[count], &status, 0), pids[count]);
		EQ(status, 0);
	}
}

/* How many names a directory has. */
static int entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *file;
	int count = 0;

	CHECK(dir, "%s: %s", path, strerror(errno));
	while ((file = readdir(dir)))
		count += file->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void drain(const char *name)
{
	int fd = open_queue(name, O_RDONLY);
	char msg[64];

	CHECK(fd >= 0, "%s: %s", name, strerror(errno));
	while (read(fd, msg, sizeof(msg)) > 0)
		COUNT(taken);
	EQ(errno, EAGAIN);
	close(fd);
}

static void make_all(void)
{
	char name[32];
	int i;

	for (i = 0; i < queues; i++) {
		shared->at = i;
		name_of(name, sizeof(name), i);
		EQ(command("%s,mode=0666,queue_max_bytes=1048576", name), 0);
	}
	EQ(entries(DIRECTORY), queues);
	EQ(entries(SYS_QUEUES), queues + 1);
}

static void remove_all(void)
{
	char name[32];
	int i, err;

	for (i = queues - 1; i >= 0; i--) {
		shared->at = i;
		name_of(name, sizeof(name), i);
		while ((err = command("-%s", name))) {
			CHECK(err == EBUSY || err == ENOTEMPTY, "-%s: %s", name,
			      strerror(err));
			if (err == ENOTEMPTY)
				drain(name);
			else
				usleep(100);
		}
	}
	EQ(entries(DIRECTORY), 0);
	EQ(entries(SYS_QUEUES), 1);
}

static void come_and_go(void)
{
	pid_t pids[6];

	shared = shared_memory(sizeof(*shared));
	pids[0] = start(use_queues, 1);
	pids[1] = start(use_queues, 2);
	pids[2] = start(use_sysfs, 3);
	pids[3] = start(use_sysfs, 4);
	pids[4] = start(list, 5);
	pids[5] = start(use_first, 6);
	make_all();
	/* All have had their turn. */
	UNTIL(shared->written && shared->shown && shared->set &&
	      shared->listed && shared->first);
	remove_all();
	stop(pids, ARRAY_SIZE(pids));
	EQ(shared->written, shared->taken);
}

static void refused_while_open(void)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	size_t i;

	shared = shared_memory(sizeof(*shared));
	EQ(command("%s", "q0"), 0);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = open_queue("q0", flags[i]);

		CHECK(fd >= 0, "q0: %s", strerror(errno));
		FAILS(module_unload(), EWOULDBLOCK);
		/* Nothing has begun. */
		EQ(command("%s", "q1"), 0);
		EQ(command("-%s", "q1"), 0);
		close(fd);
	}
	EQ(module_unload(), 0);
	EQ(access(DIRECTORY, F_OK), -1);
	EQ(module_load(""), 0);
	EQ(entries(DIRECTORY), 0);
}

/* Queues of its own, at times with a message, and whatever comes of it. */
static void make_and_remove(unsigned int seed)
{
	char name[32];
	int fd, err;

	while (!shared->stop) {
		if (shared->loading) {
			usleep(1000);
			continue;
		}
		snprintf(name, sizeof(name), "own%u-%d", seed % 10,
			 rand_r(&seed) % 8);
		err = command("%s,mode=0600", name);
		if (!err)
			COUNT(made);
		CHECK(!err || err == EEXIST || err == ENODEV || err == ENOENT,
		      "%s: %s", name, strerror(err));
		fd = open_queue(name, O_WRONLY);
		if (fd >= 0 && rand_r(&seed) % 2)
			EQ(write(fd, "left", 4), 4);
		if (fd >= 0)
			close(fd);
		err = command("-%s", name);
		/* EINVAL while the module is being loaded. */
		CHECK(!err || err == EBUSY || err == ENOTEMPTY || err == EINVAL ||
		      err == ENODEV || err == ENOENT, "-%s: %s", name,
		      strerror(err));
		usleep(rand_r(&seed) % 300);
	}
}

static void unload_beside(void)
{
	pid_t pids[3];
	char name[32];
	int i, n;
	long before;

	shared = shared_memory(sizeof(*shared));
	pids[0] = start(make_and_remove, 1);
	pids[1] = start(make_and_remove, 2);
	pids[2] = start(use_sysfs, 3);
	queues = MADE_BEFORE;
	for (i = 0; i < UNLOADS; i++) {
		before = shared->made;
		UNTIL(shared->made > before + 2);
		for (n = 0; n < MADE_BEFORE; n++) {
			name_of(name, sizeof(name), n);
			EQ(command("%s", name), 0);
		}
		while (module_unload())
			EQ(errno, EWOULDBLOCK);
		EQ(access(DIRECTORY, F_OK), -1);
		EQ(access(QUEUE_FILE, F_OK), -1);
		EQ(access(SYS_QUEUES, F_OK), -1);
		/*
		 * What is written before init runs counts as a parameter, and a
		 * removal is a bad one. Few are on their way now.
		 */
		shared->loading = 1;
		while (module_load(""))
			EQ(errno, EINVAL);
		shared->loading = 0;
	}
	stop(pids, ARRAY_SIZE(pids));
	UNTIL(!module_unload());
	EQ(module_load(""), 0);
}

int main(void)
{
	static char names[MAX_ROUNDS][80];
	struct tap_test tests[MAX_ROUNDS + 2];
	/* A kernel that checks all it does takes ten times as long. */
	bool debug = !access("/sys/kernel/debug/kmemleak", F_OK) ||
		     !access("/sys/kernel/debug/kcsan", F_OK);
	size_t i;

	queues = debug ? 100 : 1000;
	rounds = debug ? DEBUG_ROUNDS : ROUNDS;
	for (i = 0; i < (size_t)rounds; i++) {
		snprintf(names[i], sizeof(names[i]),
			 "%d queues created and removed under traffic, %zu of %d",
			 queues, i + 1, rounds);
		tests[i] = (struct tap_test){ names[i], come_and_go };
	}
	tests[i++] = (struct tap_test){
		"rmmod is refused while an additional queue is open",
		refused_while_open };
	tests[i++] = (struct tap_test){
		"rmmod while queues are created and removed",
		unload_beside };
	return tap_run(tests, i);
}
