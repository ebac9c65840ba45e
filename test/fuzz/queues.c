// SPDX-License-Identifier: GPL-2.0-only
/* Queues: made, found and removed; their settings and counters. */
#include "fuzz.h"

#define SYS_DIR	"/sys/module/kmsg_queue/"

static const char *const counter_names[] = {
	[QUEUED] = "queued", [QUEUED_BYTES] = "queued_bytes", [HELD] = "held",
	[ENQUEUED] = "enqueued", [DEQUEUED] = "dequeued",
	[DROPPED] = "dropped", [RETURNED] = "returned", [DEAD] = "dead",
	[HIGH_WATER_BYTES] = "high_water_bytes",
	[OLDEST_AGE_MS] = "oldest_age_ms",
	[WAITING_READERS] = "waiting_readers",
	[WAITING_WRITERS] = "waiting_writers",
};

static int counter_fds[QUEUES][COUNTERS], refcnt_fd;

void file_of(char *path, const struct queue *q)
{
	sprintf(path, q == queues ? QUEUE_FILE : "/proc/msg_queues/%s",
		name_of(q));
}

struct queue *pick_queue(uint64_t *r)
{
	struct queue *q;

	do
		q = &queues[pick(r, QUEUES)];
	while (!q->exists);
	return q;
}

/* ---- counters ---- */

static long read_number(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 1)
		wrong("a counter cannot be read: %s", strerror(errno));
	return strtol(text, NULL, 0);
}

static int open_number(const char *fmt, const char *queue, const char *name)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), fmt, queue, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static long counter(const struct queue *q, enum counter c)
{
	return read_number(counter_fds[q - queues][c]);
}

/* It is there now, with these counters. */
static void queue_made(struct queue *q, struct settings set)
{
	size_t i;

	memset(q, 0, sizeof(*q));
	q->exists = true;
	q->set = set;
	for (i = 0; i < COUNTERS; i++)
		counter_fds[q - queues][i] =
			open_number(SYS_DIR "queues/%s/%s", name_of(q),
				    counter_names[i]);
}

static void queue_gone(struct queue *q)
{
	size_t i;

	q->exists = false;
	for (i = 0; i < COUNTERS; i++)
		close(counter_fds[q - queues][i]);
}

void forget_high_water(void)
{
	struct queue *q;

	for (q = queues; q < queues + QUEUES; q++)
		if (q->exists)
			q->count[HIGH_WATER_BYTES] =
				counter(q, HIGH_WATER_BYTES);
}

/*
 * Of the tasks that wait to read one file, only the one with the file's lock, if
 * they need it, waits for a message.
 */
static int waiting_for_message(const struct queue *q)
{
	int i, count = 0;

	for (i = 0; i < CALLERS; i++) {
		const struct file *f = callers[i].file;

		if (callers[i].call && callers[i].kind == CALL_READ && f->queue == q)
			count += !waits_with_lock(f) ||
				 waiting_reader(f) == &callers[i];
	}
	return count;
}

static void check_counter(const struct queue *q, enum counter c)
{
	/* A call that waits may just be about to change it. */
	long got, ms = anybody_waits() ? patience() * 1000 : 0;
	long want = c == WAITING_READERS ? waiting_for_message(q) :
		    c == WAITING_WRITERS ? waiting(CALL_WRITE, q) : q->count[c];

	if (c == OLDEST_AGE_MS && q->count[QUEUED])
		return;
	while ((got = counter(q, c)) != want && ms--)
		usleep(1000);
	if (got != want)
		wrong("%s of queue %s is %ld, not %ld", counter_names[c],
		      name_of(q), got, want);
}

void check_counters(bool all)
{
	size_t i, count = QUEUES * COUNTERS;

	/* Each takes longer than most calls. */
	for (i = all ? 0 : shared->at % count; i < count; i += all ? 1 : count)
		if (queues[i / COUNTERS].exists)
			check_counter(&queues[i / COUNTERS], i % COUNTERS);
	if (all && read_number(refcnt_fd) != opens(NULL))
		wrong("refcnt is %ld, not %d", read_number(refcnt_fd),
		      opens(NULL));
}

/* ---- settings ---- */

const struct settings defaults = {
	.max_size = 8192, .max_bytes = MAX_BYTES, .read_eof = true,
};

static const char *const setting_names[] = {
	"msg_max_size", "queue_max_bytes", "read_wait", "read_eof", "read_ack",
};

/* Gives the value for a setting, in @set or not allowed. */
static long pick_setting(uint64_t *r, size_t which, struct settings *set,
			 bool *allowed)
{
	static const long sizes[] = {
		1, 32, 33, 100, 100, 1024, 4096, 4097, 9000, 65536, 0,
		HUGE_SIZE, HUGE_SIZE + 1, -1,
	};
	bool *const flags[] = { &set->read_wait, &set->read_eof, &set->read_ack };
	long value, least = footprint(set->max_size);

	switch (which) {
	case 0:
		/* Those that are refused, or large, take more time. */
		value = sizes[pick(r, one_in(r, 8) ? ARRAY_SIZE(sizes) : 10)];
		*allowed = value >= 1 && value <= HUGE_SIZE &&
			   footprint(value) <= set->max_bytes;
		if (*allowed)
			set->max_size = value;
		break;
	case 1:
		value = (1 + pick(r, 4)) * least;
		if (one_in(r, 4))
			value = MAX_BYTES;
		else if (one_in(r, 8))
			value = least - 1;
		*allowed = value >= least;
		if (*allowed)
			set->max_bytes = value;
		break;
	default:
		value = which == 2 ? !one_in(r, 4) : pick(r, 2);
		if (one_in(r, 32))
			value = 2;
		*allowed = value < 2;
		if (*allowed)
			*flags[which - 2] = value;
		break;
	}
	return value;
}

void run_setting(struct slot *s, uint64_t *r)
{
	size_t which = pick(r, ARRAY_SIZE(setting_names));
	const char *name = setting_names[which];
	struct queue *q = pick_queue(r);
	char path[100], text[32];
	bool allowed;

	(void)s;
	if (q == queues && pick(r, 2))
		sprintf(path, SYS_DIR "parameters/%s", name);
	else
		sprintf(path, SYS_DIR "queues/%s/%s", name_of(q), name);
	sprintf(text, "%ld", pick_setting(r, which, &q->set, &allowed));
	expect(allowed ? 0 : EINVAL, try_write(path, text), "%s=%s", path,
	       text);
}

/* ---- additional queues ---- */

/*
 * Chooses the words that make a queue, and changes @set to what its settings
 * are then. Gives the errno of making it.
 */
static int pick_words(uint64_t *r, char *words, struct queue *q,
		      struct settings *set, struct queue *dead)
{
	size_t which;
	bool allowed = true;

	words += sprintf(words, "%s", name_of(q));
	/* One that is not allowed is the last. */
	for (which = 0; which < ARRAY_SIZE(setting_names) && allowed; which++) {
		if (one_in(r, 4))
			continue;
		words += sprintf(words, ",%s=%ld", setting_names[which],
				 pick_setting(r, which, set, &allowed));
	}
	if (!allowed)
		return EINVAL;
	/* The last is others' dead queue. */
	if (q == queues + QUEUES - 1 ? !one_in(r, 16) : one_in(r, 4))
		return 0;
	if (one_in(r, 16)) {
		sprintf(words, ",max_deliveries=2");
		return EINVAL;
	}
	set->max_deliveries = 1 + pick(r, 3);
	set->dead = dead;
	sprintf(words, ",max_deliveries=%ld,dead=%s", set->max_deliveries,
		name_of(dead));
	return !dead->exists || dead == q || dead->set.dead ? EINVAL : 0;
}

static bool is_dead_queue(const struct queue *q)
{
	struct queue *other;

	for (other = queues; other < queues + QUEUES; other++)
		if (other->exists && other->set.dead == q)
			return true;
	return false;
}

/* Makes a queue, or removes one. */
void run_queue(struct slot *s, uint64_t *r)
{
	struct queue *q = &queues[1 + pick(r, QUEUES - 1)];
	struct settings set = queues[0].set;
	bool make = q->exists ? one_in(r, 8) : !one_in(r, 8);
	char words[300] = "-";
	int err = 0;

	(void)s;
	if (make) {
		err = pick_words(r, words, q, &set,
				 &queues[1 + pick(r, QUEUES - 1)]);
		if (q->exists)
			err = EEXIST;
	} else {
		strcat(words, name_of(q));
		if (!q->exists)
			err = ENOENT;
		else if (opens(q) || is_dead_queue(q))
			err = EBUSY;
		else if (q->count[QUEUED])
			err = ENOTEMPTY;
	}
	expect(err, try_queue_words(words), "queue: %s",
	       words);
	if (err)
		return;
	if (make)
		queue_made(q, set);
	else
		queue_gone(q);
}

/* ---- loading ---- */

void queues_gone(void)
{
	struct queue *q;

	for (q = queues; q < queues + QUEUES; q++)
		if (q->exists)
			queue_gone(q);
	close(refcnt_fd);
}

/* The module is loaded, and has made these. */
void queues_loaded(const struct settings *sets, const bool *made)
{
	size_t i;

	refcnt_fd = open_number(SYS_DIR "%s%s", "", "refcnt");
	queue_made(&queues[0], sets[0]);
	for (i = 1; i < QUEUES; i++)
		if (made[i])
			queue_made(&queues[i], sets[i]);
		else
			queues[i].exists = false;
}

int pick_load(uint64_t *r, char *parameters, struct settings *sets, bool *made)
{
	struct queue *last = &queues[QUEUES - 1];
	bool allowed = true;
	size_t i;
	int err;

	sets[0] = defaults;
	for (i = 0; i < ARRAY_SIZE(setting_names) && allowed; i++) {
		if (one_in(r, 2))
			continue;
		parameters += sprintf(parameters, "%s=%ld ", setting_names[i],
				      pick_setting(r, i, &sets[0], &allowed));
	}
	if (!allowed)
		return EINVAL;
	made[QUEUES - 1] = !one_in(r, 4);
	last->exists = made[QUEUES - 1];
	last->set.dead = NULL;
	for (i = 1; i < QUEUES; i++) {
		if (i < QUEUES - 1)
			made[i] = !one_in(r, 4);
		if (!made[i])
			continue;
		sets[i] = sets[0];
		parameters += sprintf(parameters, "queue=");
		err = pick_words(r, parameters, &queues[i], &sets[i], last);
		if (err)
			return EINVAL;
		strcat(parameters, " ");
		parameters += strlen(parameters);
	}
	return 0;
}
