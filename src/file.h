/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of a queue in /proc, and an open file of it.
 */
#ifndef KMSGQ_FILE_H
#define KMSGQ_FILE_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "compat.h"
#include "registry.h"

/**
 * DOC: an open file
 *
 * A file that is open for reading is in one of these states, in which @lease and
 * @eof of its struct kmsgq_reader say what the next read does:
 *
 * - nothing: it takes the oldest message. While it copies, the message belongs
 *   to the task; if not a byte can be delivered, it goes back to its place;
 * - half read (@lease.offset is less than the message's length): it goes on;
 * - held (the same, equal; with @ack only): it confirms the message first, which
 *   is then freed, and goes on as from nothing or from end of file;
 * - end of file due (@eof): it returns 0. So do all others after it.
 *
 * The last close drops what is half read, or with @ack returns what is half read
 * or held.
 *
 * Locks: @lock of a reader, then the queue's. A task that sleeps for a message,
 * or in a copy, holds @lock, so nothing but reads and fsync(2) takes it. What
 * poll(2) and fdinfo look at is under the queue's lock.
 */

/**
 * enum kmsgq_eof - the end of file of a plain reader
 * @KMSGQ_EOF_NONE: not yet
 * @KMSGQ_EOF_DUE: the next read gives it
 * @KMSGQ_EOF_GIVEN: a read has given it
 */
enum kmsgq_eof { KMSGQ_EOF_NONE, KMSGQ_EOF_DUE, KMSGQ_EOF_GIVEN };

/**
 * struct kmsgq_reader - what a file that is open for reading remembers
 * @lock: held from before a read waits until it has its bytes, so that those
 *	who share the file get the pieces in order
 * @lease: the message that the file has; see struct kmsgq_lease for its locks
 * @eof: where a plain reader is; written under @lock, read without
 * @ack: the queue's read_ack when the file was opened
 * @read_eof: its read_eof then
 * @polls: pollers of this very file: only they see its end of file
 */
struct kmsgq_reader {
	struct mutex lock;	/* see above */
	struct kmsgq_lease lease;
	enum kmsgq_eof eof;
	bool ack;
	bool read_eof;
	wait_queue_head_t polls;
};

/**
 * struct kmsgq_buf - the bytes of a call in user space
 * @len: how many, 1 or more
 * @base: where they are, for read(2) and write(2)
 * @iter: where they are, for every other call; or NULL
 *
 * What takes it by reference is inlined, so that read(2) and write(2) keep it in
 * registers.
 */
struct kmsgq_buf {
	size_t len;
	void __user *base;
	struct iov_iter *iter;
};

/**
 * kmsgq_entry_of() - the queue behind an open file
 * @file: the file
 *
 * Return: the queue with its settings; it stays as long as the file is open.
 */
static inline struct kmsgq_entry *kmsgq_entry_of(struct file *file)
{
	return pde_data(file_inode(file));
}

/**
 * kmsgq_nonblock() - may a call not wait
 * @iocb: the call
 *
 * Return: true for O_NONBLOCK and RWF_NOWAIT.
 */
static inline bool kmsgq_nonblock(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ||
	       iocb->ki_filp->f_flags & O_NONBLOCK;
}

ssize_t kmsgq_read(struct file *file, char __user *ubuf, size_t len,
		   loff_t *ppos);
ssize_t kmsgq_read_iter(struct kiocb *iocb, struct iov_iter *to);
int kmsgq_fsync(struct file *file, loff_t start, loff_t end, int datasync);

int kmsgq_file_make(struct kmsgq_entry *e, const char *name,
		    struct proc_dir_entry *dir);
int kmsgq_file_may_be(const char *name);

#endif /* KMSGQ_FILE_H */
