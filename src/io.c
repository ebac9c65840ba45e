// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing through an open file.
 */
#include "io.h"

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

/*
 * The bytes of a call in user space: @base for read(2) and write(2), @iter for
 * all others, else NULL. The functions that take it by reference are inlined, so
 * that read(2) and write(2) keep it in registers.
 */
struct kmsgq_buf {
	size_t len;
	void __user *base;
	struct iov_iter *iter;
};

static bool kmsgq_nonblock(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ||
	       iocb->ki_filp->f_flags & O_NONBLOCK;
}

static __always_inline struct kmsgq_msg *
kmsgq_copy_in(struct kmsgq_queue *q, struct kmsgq_buf *buf)
{
	struct kmsgq_msg *msg = kmsgq_msg_alloc(buf->len, &q->spare);
	size_t done = 0;

	if (!msg)
		return ERR_PTR(-ENOMEM);
	do {
		size_t part = buf->len - done;
		void *span = kmsgq_msg_span(msg, done, &part);

		if (buf->iter ? copy_from_iter(span, part, buf->iter) != part :
				copy_from_user(span, buf->base + done, part)) {
			kmsgq_msg_free(msg, &q->spare);
			return ERR_PTR(-EFAULT);
		}
		done += part;
	} while (done < buf->len);
	return msg;
}

/*
 * Copies before it waits: a writer that is woken must not stall (on memory that
 * userfaultfd holds back, say), since the others lack the wake-up that it used.
 */
static __always_inline ssize_t kmsgq_do_write(struct file *file,
					      struct kmsgq_buf *buf,
					      bool nonblock)
{
	struct kmsgq_queue *q = &kmsgq_entry_of(file)->queue;
	struct kmsgq_msg *msg;
	int err;

	if (!buf->len)
		return 0;

	/* Do not copy what will be refused. */
	err = kmsgq_admit(q, buf->len);
	if (unlikely(err) &&
	    (err == -EMSGSIZE || (nonblock && !kmsgq_is_writable(q))))
		return err;

	msg = kmsgq_copy_in(q, buf);
	if (IS_ERR(msg))
		return PTR_ERR(msg);

	err = kmsgq_enqueue(q, msg);
	if (unlikely(err) && err == -EAGAIN && !nonblock)
		err = kmsgq_enqueue_wait(q, msg);
	if (unlikely(err)) {
		kmsgq_msg_free(msg, &q->spare);
		kmsgq_pass_on(q, EPOLLOUT);
		return err;
	}
	return buf->len;
}

/**
 * kmsgq_write() - write(2)
 * @file: the open file
 * @ubuf: the message
 * @len: its length in bytes
 * @ppos: unused
 *
 * Context: May sleep, for space unless the file has O_NONBLOCK.
 * Return: @len; with nothing queued: -EMSGSIZE, -EAGAIN, -ERESTARTSYS, -EFAULT or
 * -ENOMEM.
 */
ssize_t kmsgq_write(struct file *file, const char __user *ubuf, size_t len,
		    loff_t *ppos)
{
	struct kmsgq_buf buf = { .len = len, .base = (void __user *)ubuf };

	return kmsgq_do_write(file, &buf, file->f_flags & O_NONBLOCK);
}

/**
 * kmsgq_write_iter() - writev(2) and pwritev2(2): all vectors form one message
 * @iocb: the call
 * @from: the vectors
 *
 * Return: as kmsgq_write(); -EOPNOTSUPP for io_uring and aio.
 */
ssize_t kmsgq_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct kmsgq_buf buf = { .len = iov_iter_count(from), .iter = from };

	if (!is_sync_kiocb(iocb))
		return -EOPNOTSUPP;
	return kmsgq_do_write(iocb->ki_filp, &buf, kmsgq_nonblock(iocb));
}

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

static void kmsgq_confirm(struct kmsgq_queue *q, struct kmsgq_reader *reader)
{
	lockdep_assert_held(&reader->lock);
	if (reader->lease.msg &&
	    reader->lease.offset == reader->lease.msg->len)
		kmsgq_lease_confirm(q, &reader->lease);
}

static __always_inline struct kmsgq_msg *
kmsgq_take(struct kmsgq_queue *q, struct kmsgq_lease *lease, size_t space,
	   unsigned int flags, bool nonblock)
{
	struct kmsgq_msg *msg = kmsgq_dequeue(q, lease, space, flags);

	if (IS_ERR(msg) && msg == ERR_PTR(-EAGAIN) && !nonblock)
		msg = kmsgq_dequeue_wait(q, lease, space, flags);
	return msg;
}

static void kmsgq_set_eof(struct kmsgq_reader *reader, enum kmsgq_eof eof)
{
	lockdep_assert_held(&reader->lock);
	WRITE_ONCE(reader->eof, eof);
}

/* All pollers of this file: none of them waits for another message any more. */
static void kmsgq_wake_sharers(struct kmsgq_reader *reader)
{
	if (wq_has_sleeper(&reader->polls))
		__wake_up(&reader->polls, TASK_INTERRUPTIBLE, 0,
			  poll_to_key(EPOLLIN | EPOLLRDNORM | EPOLLHUP));
}

static ssize_t kmsgq_read_locked(struct kmsgq_queue *q,
				 struct kmsgq_reader *reader,
				 struct kmsgq_buf *buf, bool nonblock)
{
	struct kmsgq_lease *lease = &reader->lease;
	struct kmsgq_msg *msg;
	size_t offset, left, len;

	kmsgq_confirm(q, reader);

	msg = lease->msg;
	offset = msg ? lease->offset : 0;
	if (!msg) {
		if (!nonblock && reader->eof != KMSGQ_EOF_NONE) {
			kmsgq_set_eof(reader, KMSGQ_EOF_GIVEN);
			kmsgq_wake_sharers(reader);
			return 0;
		}
		msg = kmsgq_take(q, lease, buf->len,
				 (nonblock ? KMSGQ_WHOLE : 0) |
				 (reader->ack ? KMSGQ_HOLD : 0), nonblock);
		if (IS_ERR(msg))
			return msg == ERR_PTR(-ENODATA) ? 0 : PTR_ERR(msg);
	}
	left = msg->len - offset;
	len = min(buf->len, left);
	if (nonblock && len < left)
		return -EMSGSIZE;

	if (kmsgq_copy_out(msg, offset, len, buf)) {
		if (!lease->msg)
			kmsgq_return(q, msg);
		else if (!offset)
			kmsgq_lease_return(q, lease, NULL, 0);
		return -EFAULT;
	}

	if (len == left && !nonblock && reader->read_eof)
		kmsgq_set_eof(reader, KMSGQ_EOF_DUE);
	if (lease->msg)
		kmsgq_lease_advance(q, lease, len);
	else
		kmsgq_finish(q, msg);
	if (!reader->ack)
		kmsgq_confirm(q, reader);
	kmsgq_wake_sharers(reader);
	return len;
}

static int kmsgq_lock_reader(struct kmsgq_reader *reader, bool nonblock)
{
	if (nonblock)
		return mutex_trylock(&reader->lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&reader->lock) ? -ERESTARTSYS : 0;
}

/* Slow path: a file with state, or a read that may block. */
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

	/* A read of a file without state needs no lock of the file. */
	if (reader->ack || unlikely(READ_ONCE(reader->lease.msg)) ||
	    (reader->read_eof && !nonblock))
		return kmsgq_read_slowly(file, *buf, nonblock);

	/* Nor does it get any: KMSGQ_WHOLE. */
	msg = kmsgq_take(q, &reader->lease, buf->len, KMSGQ_WHOLE, nonblock);
	if (IS_ERR(msg)) {
		if (msg == ERR_PTR(-EBUSY) ||
		    (msg == ERR_PTR(-EMSGSIZE) && !nonblock))
			return kmsgq_read_slowly(file, *buf, nonblock);
		return msg == ERR_PTR(-ENODATA) ? 0 : PTR_ERR(msg);
	}
	len = msg->len;
	if (unlikely(kmsgq_copy_out(msg, 0, len, buf))) {
		kmsgq_return(q, msg);
		return -EFAULT;
	}
	kmsgq_finish(q, msg);
	return len;
}

/**
 * kmsgq_read() - read(2)
 * @file: the open file
 * @ubuf: where the bytes go
 * @len: space there, in bytes
 * @ppos: unused
 *
 * Context: May sleep; unless the file has O_NONBLOCK, also for another task that
 * reads this file, and with read_wait for a message.
 * Return: the number of bytes; 0 at the end of the message (read_eof), if the
 * queue is empty and readers do not wait, or if @len is 0; -EFAULT; -ERESTARTSYS.
 * With O_NONBLOCK, the message's length in bytes, -EAGAIN if there is none or
 * another task reads this file, -EMSGSIZE if it is longer than @len (it stays),
 * or -EFAULT.
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
 * io_uring continues after a short read, as of a regular file, and would join two
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
 * Context: May sleep for another task that reads this file.
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
