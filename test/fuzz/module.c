// SPDX-License-Identifier: GPL-2.0-only
/* The module: loading and unloading. */
#define _GNU_SOURCE
#include "load.h"

#include "fuzz.h"

static long load(const char *parameters)
{
	return result(module_load(parameters));
}

static long unload(void)
{
	return result(module_unload());
}

void load_plain(void)
{
	unload();
	expect(0, load(""), "insmod");
}

void load_afresh(void)
{
	const bool made[QUEUES] = {};

	load_plain();
	queues_loaded(&defaults, made);
}

void close_all(void)
{
	size_t i;

	for (i = 0; i < CALLERS; i++)
		if (callers[i].call) {
			call_kill(callers[i].call, SIGKILL);
			forget_caller(&callers[i]);
			/* What it had may be for another. */
			settle();
		}
	for (i = 0; i < SLOTS; i++)
		if (slots[i].file)
			close_slot(&slots[i]);
}

void run_reload(struct slot *s, uint64_t *r)
{
	char parameters[1000] = "";
	bool made[QUEUES] = {};
	struct settings sets[QUEUES];
	int err;

	(void)s;
	if (opens(NULL) && !one_in(r, 4)) {
		expect(-EWOULDBLOCK, unload(), "rmmod, %d in use", opens(NULL));
		return;
	}
	close_all();
	expect(0, unload(), "rmmod");
	queues_gone();
	err = pick_load(r, parameters, sets, made);
	expect(-err, load(parameters), "insmod with \"%s\"", parameters);
	if (err) {
		load_afresh();
		return;
	}
	queues_loaded(sets, made);
}
