/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading and writing through an open file.
 */
#ifndef KMSGQ_IO_H
#define KMSGQ_IO_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "compat.h"
#include "entry.h"

/**
 * DOC: an open file
 *
 * A file that is open for reading is in one of these states, in which @lease and
 * @eof of its struct kmsgq_reader determine the next read:
 *
 * - nothing: it takes the oldest message. If not a byte can be delivered, the
 *   message returns to its place;
 * - partly read (@lease.offset is less than the message's length): it continues;
 * - held (the same, equal; with @ack only): it confirms the message, which is
 *   freed, and continues as from nothing or from end of file;
 * - end of file due (@eof): it returns 0. So do all later ones.
 *
 * The last close discards what is partly read, or with @ack returns what is
 * partly read or held.
 *
 * Locks: @lock of a reader, then the queue's. A task may sleep in a copy or for a
 * message while it holds @lock, so only reads and fsync(2) take it. What poll(2)
 * and fdinfo look at is under the queue's lock. A read that takes a whole message,
 * and that finds and leaves the file in the state "nothing", does not need @lock.
 */

/**
 * enum kmsgq_eof - the end of file of a blocking reader
 * @KMSGQ_EOF_NONE: not yet
 * @KMSGQ_EOF_DUE: the next read returns it
 * @KMSGQ_EOF_GIVEN: a read has returned it
 */
enum kmsgq_eof { KMSGQ_EOF_NONE, KMSGQ_EOF_DUE, KMSGQ_EOF_GIVEN };

/**
 * struct kmsgq_reader - state of a file that is open for reading
 * @lock: held by a read that changes the state, from before it waits until it has
 *	its bytes, so that tasks that share the file get the pieces in order
 * @lease: the message that the file holds; see struct kmsgq_lease for its locks
 * @eof: state of a blocking reader; written under @lock, read without
 * @ack: the queue's read_ack when the file was opened
 * @read_eof: its read_eof then
 * @polls: pollers of this file: only they see its end of file
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
 * kmsgq_entry_of() - the queue behind an open file
 * @file: the file
 *
 * Return: the entry; it stays as long as the file is open.
 */
static inline struct kmsgq_entry *kmsgq_entry_of(struct file *file)
{
	return pde_data(file_inode(file));
}

ssize_t kmsgq_read(struct file *file, char __user *ubuf, size_t len,
		   loff_t *ppos);
ssize_t kmsgq_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t kmsgq_write(struct file *file, const char __user *ubuf, size_t len,
		    loff_t *ppos);
ssize_t kmsgq_write_iter(struct kiocb *iocb, struct iov_iter *from);
int kmsgq_fsync(struct file *file, loff_t start, loff_t end, int datasync);

#endif /* KMSGQ_IO_H */
