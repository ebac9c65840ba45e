// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random system calls on queues of all settings. A model of the contract
 * (model.c) predicts the result and the bytes of each, which of the calls that
 * wait go on after it, and the counters.
 *
 * One process makes the calls, so the predictions are exact; children make
 * those that have to wait. A round is ROUND operations from one seed, and
 * begins with a freshly loaded module. When an operation is not as predicted,
 * those that are not needed to show it are left out, and the rest is printed,
 * with each result, so that they can be run again (test/fuzz/run --replay).
 *
 * In the environment: FUZZ_SEED of the first round, FUZZ_CALLS in all or
 * FUZZ_SECONDS, FUZZ_REPLAY: a file with operations.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <time.h>

#include "fuzz.h"

#define SUBTEST_S	20
#define SUBTEST_CALLS	2000

static void report(struct op *ops, size_t count, unsigned int seed,
		   time_t shrink_until)
{
	char first[sizeof(shared->wrong)];
	unsigned long calls = shared->calls;

	strcpy(first, shared->wrong);
	shared->again = true;
	count = shrink(ops, count, shrink_until);
	printf("# call %lu, seed %u: %s\n# %zu operations show it:\n", calls, seed,
	       first, count);
	shared->verbose = true;
	if (passes(ops, count))
		printf("# ... not this time\n");
	fflush(stdout);
	load_plain();
	fail("seed %u: %s", seed, shared->wrong[0] ? shared->wrong : first);
}

static unsigned long calls_each, seconds_each;

static void rounds(void)
{
	unsigned long end = shared->calls + calls_each;
	time_t start = time(NULL);
	struct op ops[ROUND];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared->verbose = false;
	shared->again = false;
	printf("# seeds from %u on\n", shared->seed);
	fflush(stdout);
	while (time(NULL) < start + (time_t)seconds_each && shared->calls < end) {
		unsigned int seed = shared->seed++;

		generate(ops, seed);
		if (!passes(ops, ROUND))
			report(ops, shared->at + 1, seed, start + 40);
	}
	load_plain();
}

static const char *replayed;

static void replay(void)
{
	FILE *file = fopen(replayed, "r");
	char line[300], name[20];
	struct op ops[ROUND];
	size_t count = 0, kind;

	CHECK(file, "%s: %s", replayed, strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	while (count < ROUND && fgets(line, sizeof(line), file)) {
		unsigned int slot, arg;

		if (sscanf(line, "%*[# ]%19s %u %u", name, &slot, &arg) != 3)
			continue;
		kind = op_kind(name);
		if (kind < op_kinds)
			ops[count++] = (struct op){ kind, slot % SLOTS, arg };
	}
	fclose(file);
	CHECK(count, "no operation in %s: it must have the lines that a failure prints",
	      replayed);
	shared->verbose = true;
	if (!passes(ops, count))
		fail("%s", shared->wrong);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

int main(void)
{
	unsigned long seconds = number("FUZZ_SECONDS", 0), i;
	unsigned long calls = number("FUZZ_CALLS", 20000), count;
	static struct tap_test tests[1000];
	time_t start = time(NULL);
	int ret;

	shared = shared_memory(sizeof(*shared));
	make_contents();
	shared->seed = number("FUZZ_SEED", 1);

	/* In parts that take less time than a subtest may. */
	count = seconds ? (seconds + SUBTEST_S - 1) / SUBTEST_S :
			  (calls + SUBTEST_CALLS - 1) / SUBTEST_CALLS;
	if (count > ARRAY_SIZE(tests))
		count = ARRAY_SIZE(tests);
	calls_each = seconds ? ULONG_MAX / 2 : calls / count;
	seconds_each = seconds ? seconds / count : SUBTEST_S;
	for (i = 0; i < count; i++)
		tests[i] = (struct tap_test){ "all calls are as predicted",
					      rounds };
	replayed = getenv("FUZZ_REPLAY");
	if (replayed && *replayed) {
		count = 1;
		tests[0] = (struct tap_test){ "as predicted", replay };
	}
	ret = tap_run(tests, count);
	printf("# %lu calls in %ld s; the next seed is %u\n", shared->calls,
	       (long)(time(NULL) - start), shared->seed);
	return ret;
}
