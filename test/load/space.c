// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writers that sleep on a full queue are woken for a page of space, not for each
 * message; and yet each of them gets what space there is.
 */
#define _GNU_SOURCE
#include <mqueue.h>
#include <sched.h>

#include "tap.h"

#define SIZE	64
#define MQ	"/kmsgq-space"
#define WRITERS	8

static char msg[HUGE_SIZE];

/* Writes as many messages as its buffer says. */
static ssize_t write_many(struct call *c, int fd)
{
	long i, count;

	memcpy(&count, c->buf, sizeof(count));
	for (i = 0; i < count; i++)
		EQ(write(fd, msg, SIZE), SIZE);
	return count;
}

static struct call *start_writer(long count)
{
	return call_start(write_many, -1, O_WRONLY, &count, sizeof(count));
}

#define MANY	8000

static void wakes_for_a_page(void)
{
	const struct sched_param first = { .sched_priority = 1 };
	struct call *writer;
	long sleeps, i;
	int fd;

	limit_queue(SIZE, 1000);
	param_set("read_wait", 1);
	param_set("read_eof", 0);
	writer = start_writer(MANY);
	call_asleep(writer);
	/* So it runs as soon as it is woken, and the reader only then not. */
	on_processor(0, 0);
	on_processor(writer->pid, 0);
	EQ(sched_setscheduler(writer->pid, SCHED_FIFO, &first), 0);
	sleeps = call_sleeps(writer);
	fd = q_open(O_RDONLY);
	for (i = 0; i < MANY - 10; i++)
		EQ(read(fd, msg, SIZE), SIZE);
	UNTIL(call_returned(writer));
	sleeps = call_sleeps(writer) - sleeps;
	printf("# %d messages through a full queue: the writer slept %ld times\n",
	       MANY, sleeps);
	fflush(stdout);
	/* A page is 34 messages. */
	CHECK(sleeps <= MANY / 10, "the writer of %d messages slept %ld times",
	      MANY, sleeps);
}

#define FEW	1000

/* How long POSIX takes to pass the messages by a queue of one. */
static double mq_takes(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = SIZE };
	double begin;
	pid_t pid;
	mqd_t fd;
	int i;

	mq_unlink(MQ);
	fd = mq_open(MQ, O_CREAT | O_RDWR, 0600, &attr);
	if (fd < 0 && errno == ENOSYS)
		skip("this kernel has no POSIX message queues to compare with");
	CHECK(fd >= 0, "mq_open: %s", strerror(errno));
	begin = seconds();
	pid = fork();
	if (!pid) {
		for (i = 0; i < FEW; i++)
			EQ(mq_send(fd, msg, SIZE, 0), 0);
		_exit(EXIT_SUCCESS);
	}
	for (i = 0; i < FEW; i++)
		EQ(mq_receive(fd, msg, SIZE, NULL), SIZE);
	EQ(waitpid(pid, NULL, 0), pid);
	mq_unlink(MQ);
	return seconds() - begin;
}

static double queue_takes(void)
{
	double begin = seconds();
	struct call *writer = start_writer(FEW);
	int fd = q_open(O_RDONLY), i;

	for (i = 0; i < FEW; i++)
		EQ(read(fd, msg, SIZE), SIZE);
	EQ(call_join(writer), FEW);
	close(fd);
	return seconds() - begin;
}

/* A writer that waited for the timer each time would take 20 ms a message. */
static void keeps_pace(void)
{
	double ours, theirs;

	/* How soon another processor wakes up is not what is compared. */
	on_processor(0, 0);
	param_set("read_wait", 1);
	param_set("read_eof", 0);
	theirs = mq_takes();
	ours = queue_takes();
	printf("# %d messages: %.3f s, by a POSIX queue of one %.3f s\n", FEW,
	       ours, theirs);
	fflush(stdout);
	/* 1000 times 20 ms are hundreds of times what POSIX takes. */
	CHECK(ours < 20 * theirs, "%.2f times what a POSIX queue of one takes",
	      ours / theirs);
}

static void space_for_one(void)
{
	limit_queue(SIZE, 1);
	keeps_pace();
}

static void space_for_two_one_held(void)
{
	int fd;

	limit_queue(SIZE, 2);
	param_set("read_ack", 1);
	send_msg(msg, SIZE);
	fd = q_open(O_RDONLY);
	EQ(read(fd, msg, SIZE), SIZE);
	EQ(stat_of("held"), 1);
	param_set("read_ack", 0);
	keeps_pace();
	EQ(stat_of("held"), 1);
}

/*
 * Messages are left in the queue, and there is less than a page of space: it is
 * for the writers all the same, though nothing else happens.
 */
static void less_than_a_page(void)
{
	struct call *writers[WRITERS];
	long i, fits;
	int fd;

	param_set("msg_max_size", SIZE);
	param_set("queue_max_bytes", 65536);
	fill_queue();
	fits = stat_of("queued");
	CHECK(fits > 300, "only %ld messages fit", fits);
	fd = q_open(O_RDONLY | O_NONBLOCK);
	for (i = 0; i < WRITERS; i++) {
		writers[i] = start_writer(1);
		call_asleep(writers[i]);
	}
	for (i = 0; i < WRITERS; i++)
		EQ(read(fd, msg, SIZE), SIZE);
	for (i = 0; i < WRITERS; i++)
		EQ(call_join(writers[i]), 1);
	EQ(stat_of("queued"), fits);
	EQ(stat_of("waiting_writers"), 0);
}

/* As above, for a writer that writes on and on. */
static void never_a_page(void)
{
	struct call *writer;
	long i;
	int fd;

	param_set("msg_max_size", SIZE);
	param_set("queue_max_bytes", 65536);
	fill_queue();
	writer = start_writer(20);
	call_asleep(writer);
	fd = q_open(O_RDONLY | O_NONBLOCK);
	for (i = 0; i < 20; i++) {
		EQ(read(fd, msg, SIZE), SIZE);
		if (!call_settled(writer))
			break;
	}
	EQ(call_join(writer), 20);
}

/* Space of less than a page that a close, or a confirmation, leaves. */
static void space_of_a_held_one(void)
{
	struct call *writer;
	int fd, how;

	for (how = 0; how < 3; how++) {
		param_set("msg_max_size", SIZE);
		param_set("queue_max_bytes", 65536);
		param_set("read_ack", how == 2);
		fill_queue();
		fd = q_open(O_RDONLY);
		EQ(read(fd, msg, how == 2 ? SIZE : 1), how == 2 ? SIZE : 1);
		writer = start_writer(1);
		call_asleep(writer);
		if (how == 0)
			EQ(read(fd, msg, SIZE), SIZE - 1);
		else if (how == 1)
			close(fd);
		else
			EQ(fsync(fd), 0);
		EQ(call_join(writer), 1);
		close(fd);
		param_set("read_ack", 0);
		drain_queue();
	}
}

static const struct tap_test tests[] = {
	{ "a writer on a full queue is not woken for each message",
	  wakes_for_a_page },
	{ "a queue of one message keeps pace with a POSIX queue of one",
	  space_for_one },
	{ "a queue of two messages, one of them held, keeps pace, too",
	  space_for_two_one_held },
	{ "space of less than a page is for 8 sleeping writers",
	  less_than_a_page },
	{ "a writer continues though a page is never free", never_a_page },
	{ "space of less than a page that a half read message leaves is for a sleeping writer",
	  space_of_a_held_one },
};

TAP_MAIN(tests)
