/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzer's files share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <sys/uio.h>
#include <time.h>

#include "model.h"

#define ROUND		1000	/* operations */
#define QUEUES		4
#define SLOTS		6	/* descriptors of the file */
#define CALLERS		3	/* children whose call waits */
#define ITEMS		8	/* in the epoll */
#define VECTORS		5
#define AREA		(HUGE_SIZE + 65536)

/* rounds.c */
struct op {
	unsigned char kind, slot;
	unsigned int arg;	/* the seed of all that is chosen in it */
};

/* The number of a kind of operation, one too large if there is none. */
size_t op_kind(const char *name);
extern const size_t op_kinds;
void generate(struct op *ops, unsigned int seed);
/* Runs them in a process of its own; true if all was as predicted. */
bool passes(const struct op *ops, size_t count);
/* Leaves out what is not needed for a failure; gives how many are left. */
size_t shrink(struct op *ops, size_t count, time_t end);

/* state.c */
extern const char *const queue_names[QUEUES];
extern struct queue queues[QUEUES];	/* the first is there always */
extern struct file files[FILES];

/* Shared by the process that tests and the one that watches it. */
extern struct shared {
	unsigned int seed;		/* of the next round */
	unsigned long calls;
	bool again;			/* something has failed before */
	size_t at;			/* the operation that is under way */
	char wrong[400];		/* what was not as predicted */
	bool verbose;
} *shared;

extern struct slot {
	int fd;
	struct file *file;	/* NULL: no descriptor here */
} slots[SLOTS];

enum { CALL_READ, CALL_WRITE, CALL_POLL };

/* A child with a call that waits. */
extern struct caller {
	struct call *call;	/* NULL: none */
	int kind, events;
	bool restarts;
	struct file *file;
	struct access access;
	struct msg msg;
} callers[CALLERS];

extern struct item {
	struct file *file;	/* NULL: none */
	int fd, events;
} items[ITEMS];

extern int pipe_fds[2], epoll_fd;

const char *name_of(const struct queue *q);
/* Its descriptor is that of a file that has just been opened. */
void slot_opened(struct slot *s, struct queue *q, int flags);
void put_file(struct file *f);
/* Somebody waits for events of this very file. */
bool watched(const struct file *f);
/* How many calls of this kind wait, of a queue or (NULL) of all. */
int waiting(int kind, const struct queue *q);
bool anybody_waits(void);
/* One who waits to read this very file, or NULL. */
struct caller *waiting_reader(const struct file *f);
/* A task that waits to read this file holds the file's lock. */
bool waits_with_lock(const struct file *f);
/* How many open files keep a queue, or (NULL) the module, in use. */
int opens(const struct queue *q);

/* expect.c */
void wrong(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
const char *text_of(long ret, char *text);
const char *mode_of(const struct file *f);
/* For a call that should go on: seconds. */
int patience(void);
/* @ret is what a system call has returned. */
long result(long ret);
/* This call was made, with this result. */
void expect(long want, long got, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Contents: bytes that differ from message to message. */
void make_contents(void);
void fill(char *buf, const struct msg *msg, size_t len);
bool same(const char *buf, const struct msg *msg, size_t offset, size_t len);

/* choices.c */
struct buf {
	char *at;
	size_t len, room;
	bool kernel;		/* an address that no user can have */
};

/* Buffers end here; what is behind can be neither read nor written. */
extern char *area_end;

size_t min(size_t a, size_t b);
/* The next of a sequence that begins with @state, below @below. */
uint64_t pick(uint64_t *state, uint64_t below);
bool one_in(uint64_t *state, unsigned long count);
size_t pick_len(uint64_t *r, const struct file *f);
struct buf pick_buf(uint64_t *r, size_t len);
/* Cuts a buffer into vectors. */
int pick_vectors(uint64_t *r, const struct buf *b, struct iovec *vec);
struct msg pick_msg(size_t len);

/* waiters.c */
bool wait_in_child(const struct slot *s, uint64_t *r, struct caller init,
		   const char *data);
void forget_caller(struct caller *c);
/* After each operation: each call that need not wait any longer returns. */
void settle(void);
/* A message that another child waits to write. */
const struct msg *waiting_msg(const struct queue *q);

/* files.c */
void close_slot(struct slot *s);

/* messages.c: what is left in the queues is what should be. */
void drain_all(void);

/* queues.c */
extern const struct settings defaults;

void file_of(char *path, const struct queue *q);
struct queue *pick_queue(uint64_t *r);
void check_counters(bool all);
/* It is what the module says. */
void forget_high_water(void);
/*
 * Chooses the module's parameters, and which additional queues they create. Gives
 * the errno that loading with them gives.
 */
int pick_load(uint64_t *r, char *parameters, struct settings *sets, bool *made);
void queues_loaded(const struct settings *sets, const bool *made);
void queues_gone(void);

/* module.c */
/* Without parameters. */
void load_plain(void);
void load_afresh(void);
void close_all(void);

/* The operations: files.c, messages.c, waiters.c, queues.c, module.c */
typedef void (*run_fn)(struct slot *s, uint64_t *r);

void run_open(struct slot *s, uint64_t *r);
void run_close(struct slot *s, uint64_t *r);
void run_dup(struct slot *s, uint64_t *r);
void run_fcntl(struct slot *s, uint64_t *r);
void run_poll(struct slot *s, uint64_t *r);
void run_epoll_ctl(struct slot *s, uint64_t *r);
void run_epoll_wait(struct slot *s, uint64_t *r);
void run_fsync(struct slot *s, uint64_t *r);
void run_fdinfo(struct slot *s, uint64_t *r);
void run_refused(struct slot *s, uint64_t *r);
void run_read(struct slot *s, uint64_t *r);
void run_write(struct slot *s, uint64_t *r);
void run_signal(struct slot *s, uint64_t *r);
void run_setting(struct slot *s, uint64_t *r);
void run_queue(struct slot *s, uint64_t *r);
void run_reload(struct slot *s, uint64_t *r);

#endif
