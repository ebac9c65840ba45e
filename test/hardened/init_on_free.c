// SPDX-License-Identifier: GPL-2.0-only
/*
 * With init_on_free=1 nothing is left of a message once it has been read or
 * dropped: all of the kernel's memory is searched for it.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <sys/random.h>

#include "tap.h"

#define KCORE	"/proc/kcore"
/* Whoever finds so many of a message's words in a row has found it. */
#define RUN	4
/* Longer parts of kcore are no memory, but room for addresses. */
#define MOST	(8ul << 30)

static const size_t sizes[] = { 100, 1000, 2048, 5000, 65536, HUGE_SIZE };

#define COUNT	ARRAY_SIZE(sizes)

/* Each message is one word again and again; kept inverted, not to be found. */
static uint64_t inverted[COUNT];

static uint64_t buf[HUGE_SIZE / sizeof(uint64_t)];
static uint64_t memory[65536 / sizeof(uint64_t)];

static void require_init_on_free(void)
{
	if (!booted_with("init_on_free=1"))
		skip("the kernel was not booted with init_on_free=1");
	if (access(KCORE, R_OK) || sizeof(long) < 8)
		skip("there is no " KCORE ", or it is one of 32 bits");
}

static void make_secrets(void)
{
	param_set("msg_max_size", HUGE_SIZE);
	EQ(getrandom(inverted, sizeof(inverted), 0), sizeof(inverted));
}

static void fill_with_secret(size_t i)
{
	size_t j;

	for (j = 0; j < ARRAY_SIZE(buf); j++)
		buf[j] = ~inverted[i];
}

static void send_secrets(void)
{
	size_t i;

	make_secrets();
	for (i = 0; i < COUNT; i++) {
		fill_with_secret(i);
		send_msg(buf, sizes[i]);
		explicit_bzero(buf, sizeof(buf));
	}
}

/* Which secrets are in this piece of memory: a bit for each. */
static unsigned int secrets_in(size_t words)
{
	unsigned int found = 0;
	size_t i, j, same;

	for (i = 0; i + RUN <= words; i += RUN)
		for (j = 0; j < COUNT; j++) {
			for (same = 0; same < RUN; same++)
				if (memory[i + same] != ~inverted[j])
					break;
			found |= (same == RUN) << j;
		}
	return found;
}

static unsigned int secrets_in_part(int fd, const Elf64_Phdr *part)
{
	unsigned int found = 0;
	size_t done = 0;

	while (done < part->p_memsz) {
		ssize_t len = pread(fd, memory, sizeof(memory),
				    part->p_offset + done);

		/* What is not there is passed over, page by page. */
		if (len <= 0)
			len = 4096;
		else
			found |= secrets_in(len / sizeof(*memory));
		done += len;
	}
	explicit_bzero(memory, sizeof(memory));
	return found;
}

static unsigned int secrets_in_memory(void)
{
	unsigned int found = 0;
	int fd = open(KCORE, O_RDONLY), i;
	Elf64_Phdr part;
	Elf64_Ehdr head;

	CHECK(fd >= 0, KCORE ": %s", strerror(errno));
	EQ(read(fd, &head, sizeof(head)), sizeof(head));
	for (i = 0; i < head.e_phnum; i++) {
		EQ(pread(fd, &part, sizeof(part),
			 head.e_phoff + i * sizeof(part)), sizeof(part));
		if (part.p_type == PT_LOAD && part.p_memsz <= MOST)
			found |= secrets_in_part(fd, &part);
	}
	close(fd);
	return found;
}

static void all_gone(const char *how)
{
	unsigned int found = secrets_in_memory();
	size_t i;

	EQ(stat_of("queued_bytes"), 0);
	for (i = 0; i < COUNT; i++)
		CHECK(!(found & 1 << i), "the message of %zu bytes that was %s "
		      "is still in memory", sizes[i], how);
}

static void search_finds(void)
{
	require_init_on_free();
	send_secrets();
	EQ(secrets_in_memory(), (1 << COUNT) - 1);
}

static void read_ones(void)
{
	size_t i;

	require_init_on_free();
	send_secrets();
	for (i = 0; i < COUNT; i++) {
		int fd = q_open(i % 2 ? O_RDONLY : O_RDONLY | O_NONBLOCK);

		EQ(read(fd, buf, sizeof(buf)), sizes[i]);
		close(fd);
	}
	explicit_bzero(buf, sizeof(buf));
	all_gone("read");
}

/* @count messages with the secret @i are written, and then read. */
static void write_and_read(size_t i, size_t count, const char *how)
{
	size_t j;
	int fd;

	require_init_on_free();
	make_secrets();
	fill_with_secret(i);
	fd = q_open(O_RDWR | O_NONBLOCK);
	for (j = 0; j < count; j++)
		EQ(write(fd, buf, sizes[i]), sizes[i]);
	for (j = 0; j < count; j++)
		EQ(read(fd, buf, sizeof(buf)), sizes[i]);
	close(fd);
	explicit_bzero(buf, sizeof(buf));
	all_gone(how);
}

/* Of those sizes that might be kept for reuse; elsewhere, more than one is. */
static void read_alone(void)
{
	write_and_read(3, 1, "read alone");
}

static void burst_read(void)
{
	write_and_read(0, 100, "read in a burst");
}

static void dropped_ones(void)
{
	size_t i;

	require_init_on_free();
	send_secrets();
	for (i = 0; i < COUNT; i++) {
		int fd = q_open(O_RDONLY);

		EQ(read(fd, buf, 10), 10);
		close(fd);
	}
	explicit_bzero(buf, sizeof(buf));
	all_gone("dropped");
}

static const struct tap_test tests[] = {
	{ "the search finds messages that are in the queue", search_finds },
	{ "messages that were read are gone", read_ones },
	{ "a message that was read at once is gone", read_alone },
	{ "messages of a burst that were read are gone", burst_read },
	{ "discarded messages are cleared", dropped_ones },
};

TAP_MAIN(tests)
