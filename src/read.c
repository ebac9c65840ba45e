// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading: the calls that take messages out through an open file.
 */
#include "file.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

/**
 * kmsgq_copy_out() - give a part of a message to a reader
 * @msg: the message
 * @offset: where the part begins, in bytes
 * @len: how long it is, in bytes, 1 to @buf's
 * @buf: where it goes
 *
 * Return: 0; -EFAULT if not all bytes can be written.
 */
static __always_inline int kmsgq_copy_out(struct kmsgq_msg *msg, size_t offset,
					  size_t len, struct kmsgq_buf *buf)
{
	size_t done = 0;

	do {
		size_t part = len - done;
		void *span = kmsgq_msg_span(msg, offset + done, &part);

		if (buf->iter ? copy_to_iter(span, part, buf->iter) != part :
				copy_to_user(buf->base + done, span, part))
			return -EFAULT;
		done += part;
	} while (done < len);
	return 0;
}

/**
 * kmsgq_confirm() - free a message that was read to its end
 * @q: the queue that it came from
 * @reader: the reader, its lock held
 */
static void kmsgq_confirm(struct kmsgq_queue *q, struct kmsgq_reader *reader)
{
	lockdep_assert_held(&reader->lock);
	if (reader->lease.msg &&
	    reader->lease.offset == reader->lease.msg->len)
		kmsgq_lease_end(q, &reader->lease, false);
}

/**
 * kmsgq_take() - take a message out, waiting for it if need be
 * @q: the queue
 * @reader: the reader, its lock held, with no message
 * @room: how many bytes there is room for
 * @nonblock: do not wait, and leave a message that is longer
 *
 * Return: the message, in the account if @reader->ack or longer than @room;
 * ERR_PTR(-EAGAIN), ERR_PTR(-EMSGSIZE) with @nonblock; ERR_PTR(-ENODATA) if the
 * queue is empty and readers do not wait; ERR_PTR(-ERESTARTSYS).
 */
static struct kmsgq_msg *kmsgq_take(struct kmsgq_queue *q,
				    struct kmsgq_reader *reader, size_t room,
				    bool nonblock)
{
	for (;;) {
		struct kmsgq_msg *msg = kmsgq_dequeue(q, room, nonblock,
						      reader->ack);
		int err;

		if (nonblock || msg != ERR_PTR(-EAGAIN))
			return msg;
		err = kmsgq_wait_readable(q);
		if (err) {
			kmsgq_pass_on(q, EPOLLIN);
			return ERR_PTR(err);
		}
	}
}

/**
 * kmsgq_set_eof() - change what a plain reader's next read does
 * @reader: the reader, its lock held
 * @eof: the new state
 */
static void kmsgq_set_eof(struct kmsgq_reader *reader, enum kmsgq_eof eof)
{
	lockdep_assert_held(&reader->lock);
	WRITE_ONCE(reader->eof, eof);
}

/**
 * kmsgq_wake_sharers() - wake pollers of this very file
 * @reader: the reader
 *
 * They wait for no other message any more.
 */
static void kmsgq_wake_sharers(struct kmsgq_reader *reader)
{
	if (wq_has_sleeper(&reader->polls))
		wake_up_interruptible_poll(&reader->polls,
					   EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

/**
 * kmsgq_read_locked() - read with all that a reader remembers
 * @q: the queue
 * @reader: the reader, its lock held
 * @buf: where the bytes go
 * @nonblock: do not wait, read whole messages, know no end of file
 *
 * Return: as kmsgq_do_read().
 */
static ssize_t kmsgq_read_locked(struct kmsgq_queue *q,
				 struct kmsgq_reader *reader,
				 struct kmsgq_buf *buf, bool nonblock)
{
	struct kmsgq_msg *msg;
	size_t offset, left, len;
	bool kept;

	kmsgq_confirm(q, reader);

	msg = reader->lease.msg;
	offset = msg ? reader->lease.offset : 0;
	if (!msg) {
		if (!nonblock && reader->eof != KMSGQ_EOF_NONE) {
			kmsgq_set_eof(reader, KMSGQ_EOF_GIVEN);
			kmsgq_wake_sharers(reader);
			return 0;
		}
		msg = kmsgq_take(q, reader, buf->len, nonblock);
		if (IS_ERR(msg))
			return msg == ERR_PTR(-ENODATA) ? 0 : PTR_ERR(msg);
	}
	left = msg->len - offset;
	len = min(buf->len, left);
	if (nonblock && len < left)
		return -EMSGSIZE;
	kept = offset || reader->ack || len < left;

	if (kmsgq_copy_out(msg, offset, len, buf)) {
		if (!offset)
			kmsgq_return(q, msg, kept);
		return -EFAULT;
	}

	if (len == left && !nonblock && reader->read_eof)
		kmsgq_set_eof(reader, KMSGQ_EOF_DUE);
	if (kept)
		kmsgq_lease_set(q, &reader->lease, msg, offset + len);
	else
		kmsgq_msg_free(msg, &q->spare);
	if (!reader->ack)
		kmsgq_confirm(q, reader);
	kmsgq_wake_sharers(reader);
	return len;
}

/**
 * kmsgq_lock_reader() - be the one who reads a file
 * @reader: the reader
 * @nonblock: give up if another task is reading
 *
 * Return: 0; -EAGAIN with @nonblock; -ERESTARTSYS.
 */
static int kmsgq_lock_reader(struct kmsgq_reader *reader, bool nonblock)
{
	if (nonblock)
		return mutex_trylock(&reader->lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&reader->lock) ? -ERESTARTSYS : 0;
}

/**
 * kmsgq_read_slowly() - read a file that remembers something, or may wait
 * @file: the open file
 * @buf: where the bytes go
 * @nonblock: do not wait
 *
 * Return: as kmsgq_do_read().
 */
static noinline ssize_t kmsgq_read_slowly(struct file *file,
					  struct kmsgq_buf buf, bool nonblock)
{
	struct kmsgq_reader *reader = file->private_data;
	ssize_t ret = kmsgq_lock_reader(reader, nonblock);

	if (ret)
		return ret;
	ret = kmsgq_read_locked(&kmsgq_entry_of(file)->queue, reader, &buf,
				nonblock);
	mutex_unlock(&reader->lock);
	return ret;
}

/**
 * kmsgq_do_read() - read a message, or a part of one
 * @file: the open file
 * @buf: where the bytes go
 * @nonblock: do not wait
 *
 * May sleep in copying; unless @nonblock also for those who share the file, and
 * with read_wait for a message.
 *
 * Return: the number of bytes; 0 at the end of the message (read_eof), or if the
 * queue is empty and readers do not wait; -EFAULT; -ERESTARTSYS. With @nonblock
 * the message's length in bytes, -EAGAIN if there is none or another task is
 * reading this file, -EMSGSIZE if it is longer than @buf, and stays; -EFAULT.
 */
static __always_inline ssize_t kmsgq_do_read(struct file *file,
					     struct kmsgq_buf *buf,
					     bool nonblock)
{
	struct kmsgq_queue *q = &kmsgq_entry_of(file)->queue;
	struct kmsgq_reader *reader = file->private_data;
	struct kmsgq_msg *msg;
	size_t len;

	if (!buf->len)
		return 0;

	/* Of a file that remembers nothing there is nothing to lock. */
	if (!(file->f_flags & O_NONBLOCK) || reader->ack ||
	    unlikely(READ_ONCE(reader->lease.msg)))
		return kmsgq_read_slowly(file, *buf, nonblock);

	msg = kmsgq_dequeue(q, buf->len, true, false);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	len = msg->len;
	if (unlikely(kmsgq_copy_out(msg, 0, len, buf))) {
		kmsgq_return(q, msg, false);
		return -EFAULT;
	}
	kmsgq_msg_free(msg, &q->spare);
	return len;
}

/**
 * kmsgq_read() - read(2)
 * @file: the open file
 * @ubuf: where the bytes go
 * @len: how many there is room for
 * @ppos: unused
 *
 * Return: as kmsgq_do_read(); 0 if no byte is asked for.
 */
ssize_t kmsgq_read(struct file *file, char __user *ubuf, size_t len,
		   loff_t *ppos)
{
	struct kmsgq_buf buf = { .len = len, .base = ubuf };

	return kmsgq_do_read(file, &buf, file->f_flags & O_NONBLOCK);
}

/**
 * kmsgq_read_iter() - readv(2) and preadv2(2)
 * @iocb: the call
 * @to: where the bytes go
 *
 * io_uring goes on after a short read, as of a regular file, and would join two
 * messages; and it must not wait here.
 *
 * Return: as kmsgq_read(); -EOPNOTSUPP for io_uring and aio.
 */
ssize_t kmsgq_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct kmsgq_buf buf = { .len = iov_iter_count(to), .iter = to };

	if (!is_sync_kiocb(iocb))
		return -EOPNOTSUPP;
	return kmsgq_do_read(iocb->ki_filp, &buf, kmsgq_nonblock(iocb));
}

/**
 * kmsgq_fsync() - fsync(2): confirm what was read, and take nothing
 * @file: the open file
 * @start: unused
 * @end: unused
 * @datasync: unused
 *
 * Return: 0; -EAGAIN or -ERESTARTSYS, as a read that waits for another.
 */
int kmsgq_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct kmsgq_reader *reader = file->private_data;
	int err;

	if (!reader)
		return 0;
	err = kmsgq_lock_reader(reader, file->f_flags & O_NONBLOCK);
	if (err)
		return err;
	kmsgq_confirm(&kmsgq_entry_of(file)->queue, reader);
	mutex_unlock(&reader->lock);
	return 0;
}
