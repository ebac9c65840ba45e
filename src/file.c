// SPDX-License-Identifier: GPL-2.0-only
/*
 * An open file of a queue: open, read, write, poll and close.
 */
#include "file.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

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
static struct kmsgq_entry *kmsgq_entry_of(struct file *file)
{
	return pde_data(file_inode(file));
}

/**
 * kmsgq_copy_in() - make a message of a writer's bytes
 * @q: the queue that it is for
 * @buf: the bytes
 *
 * Return: the message; ERR_PTR(-ENOMEM); ERR_PTR(-EFAULT) if not all bytes can
 * be read.
 */
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
 * kmsgq_do_write() - put a message in
 * @file: the open file
 * @buf: the message
 * @nonblock: give up if the queue is full
 *
 * May sleep, in copying, and for room unless @nonblock. Copies before it waits:
 * a writer that is woken must not stall (on memory that userfaultfd holds back,
 * say), since the others lack the wake-up that it has used.
 *
 * Return: the message's length; or, with nothing queued, -EMSGSIZE, -EAGAIN
 * (@nonblock and full), -ERESTARTSYS, -EFAULT or -ENOMEM.
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

	/* No need to copy what will not go in. */
	err = kmsgq_admit(q, buf->len);
	if (unlikely(err) &&
	    (err == -EMSGSIZE || (nonblock && !kmsgq_has_room(q))))
		return err;

	msg = kmsgq_copy_in(q, buf);
	if (IS_ERR(msg))
		return PTR_ERR(msg);

	/* Another writer may take the room that this one was woken for. */
	while ((err = kmsgq_enqueue(q, msg)) == -EAGAIN) {
		if (!nonblock)
			err = kmsgq_wait_room(q, buf->len);
		else if (kmsgq_has_room(q))
			err = 0;
		if (err)
			break;
	}
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
 * Return: as kmsgq_do_write(); 0 for no bytes.
 */
static ssize_t kmsgq_write(struct file *file, const char __user *ubuf,
			   size_t len, loff_t *ppos)
{
	struct kmsgq_buf buf = { .len = len, .base = (void __user *)ubuf };

	return kmsgq_do_write(file, &buf, file->f_flags & O_NONBLOCK);
}

/**
 * kmsgq_nonblock() - may a call not wait
 * @iocb: the call
 *
 * Return: true for O_NONBLOCK and RWF_NOWAIT.
 */
static bool kmsgq_nonblock(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ||
	       iocb->ki_filp->f_flags & O_NONBLOCK;
}

/**
 * kmsgq_write_iter() - writev(2) and pwritev2(2): one message of all vectors
 * @iocb: the call
 * @from: the vectors
 *
 * Return: as kmsgq_write(); -EOPNOTSUPP for io_uring and aio.
 */
static ssize_t kmsgq_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct kmsgq_buf buf = { .len = iov_iter_count(from), .iter = from };

	if (!is_sync_kiocb(iocb))
		return -EOPNOTSUPP;
	return kmsgq_do_write(iocb->ki_filp, &buf, kmsgq_nonblock(iocb));
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
		if (err)
			return ERR_PTR(err);
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
static ssize_t kmsgq_read(struct file *file, char __user *ubuf, size_t len,
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
static ssize_t kmsgq_read_iter(struct kiocb *iocb, struct iov_iter *to)
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
static int kmsgq_fsync(struct file *file, loff_t start, loff_t end,
		       int datasync)
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

/**
 * kmsgq_poll_reader() - what a read would not wait for
 * @q: the queue
 * @reader: the reader; the poller is on its @polls and on @q's already
 * @nonblock: the file has O_NONBLOCK
 *
 * Return: the events.
 */
static __poll_t kmsgq_poll_reader(struct kmsgq_queue *q,
				  struct kmsgq_reader *reader, bool nonblock)
{
	const __poll_t readable = EPOLLIN | EPOLLRDNORM;
	bool half, held, queued;

	spin_lock(&q->lock);
	queued = !kmsgq_is_empty(q);
	held = reader->lease.msg &&
	       reader->lease.offset == reader->lease.msg->len;
	half = reader->lease.msg && !held;
	spin_unlock(&q->lock);

	if (nonblock)
		return half || held || queued ? readable : 0;
	switch (READ_ONCE(reader->eof)) {
	case KMSGQ_EOF_GIVEN:
		return readable | EPOLLHUP;
	case KMSGQ_EOF_DUE:
		return readable;
	default:
		return half || queued ? readable : 0;
	}
}

/**
 * kmsgq_poll() - poll(2), select(2), epoll(7) and io_uring's POLL_ADD
 * @file: the open file
 * @pt: where to wait: on two wait queues at the most, as io_uring takes no more
 *
 * Return: the events that a call would not wait for.
 */
static __poll_t kmsgq_poll(struct file *file, struct poll_table_struct *pt)
{
	struct kmsgq_queue *q = &kmsgq_entry_of(file)->queue;
	struct kmsgq_reader *reader = file->private_data;
	const __poll_t writable = EPOLLOUT | EPOLLWRNORM;
	__poll_t events = 0;

	poll_wait(file, &q->polls, pt);
	if (reader) {
		poll_wait(file, &reader->polls, pt);
		events |= kmsgq_poll_reader(q, reader,
					    file->f_flags & O_NONBLOCK);
	}
	/* Only who waits for room is to be woken by it. */
	if (file->f_mode & FMODE_WRITE &&
	    poll_requested_events(pt) & writable && kmsgq_has_room(q))
		events |= writable;
	return events;
}

/**
 * kmsgq_flush() - each close(2) of a descriptor
 * @file: the open file
 * @id: unused
 *
 * Whoever closes may have been woken from poll for a message (room), and now
 * does not come to take it. Not at the last close only: processes that share the
 * file may each be woken.
 *
 * Return: 0.
 */
static int kmsgq_flush(struct file *file, fl_owner_t id)
{
	struct kmsgq_queue *q = &kmsgq_entry_of(file)->queue;

	kmsgq_pass_on(q, (file->private_data ? EPOLLIN : 0) |
			 (file->f_mode & FMODE_WRITE ? EPOLLOUT : 0));
	return 0;
}

/**
 * kmsgq_release() - the last close(2)
 * @inode: the file's inode
 * @file: the open file
 *
 * Return: 0.
 */
static int kmsgq_release(struct inode *inode, struct file *file)
{
	struct kmsgq_entry *e = kmsgq_entry_of(file);
	struct kmsgq_reader *reader = file->private_data;

	if (reader && reader->lease.msg) {
		if (reader->ack)
			kmsgq_lease_return(&e->queue, &reader->lease,
					   e->dead ? &e->dead->queue : NULL,
					   e->settings->max_deliveries);
		else
			kmsgq_lease_end(&e->queue, &reader->lease, true);
	}
	kfree(reader);
	kmsgq_entry_put(e);
	return 0;
}

/**
 * kmsgq_show_fdinfo() - /proc/PID/fdinfo/FD
 * @m: where the lines go
 * @file: the open file
 */
static void kmsgq_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct kmsgq_queue *q = &kmsgq_entry_of(file)->queue;
	struct kmsgq_reader *reader = file->private_data;
	unsigned int len = 0, deliveries = 0;
	struct kmsgq_msg *msg;
	u64 seq = 0;

	if (!reader)
		return;
	spin_lock(&q->lock);
	msg = reader->lease.msg;
	if (msg) {
		len = msg->len;
		seq = msg->seq;
		deliveries = msg->deliveries;
	}
	spin_unlock(&q->lock);
	seq_printf(m, "kmsgq-held:\t%u\nkmsgq-seq:\t%llu\nkmsgq-deliveries:\t%u\n",
		   len, seq, deliveries);
}

static const struct file_operations kmsgq_fops = {
	.owner		= THIS_MODULE,
	.read		= kmsgq_read,
	.read_iter	= kmsgq_read_iter,
	.write		= kmsgq_write,
	.write_iter	= kmsgq_write_iter,
	.poll		= kmsgq_poll,
	.fsync		= kmsgq_fsync,
	.flush		= kmsgq_flush,
	.release	= kmsgq_release,
	.show_fdinfo	= kmsgq_show_fdinfo,
};

/**
 * kmsgq_open() - open(2)
 * @inode: the file's inode
 * @file: the open file
 *
 * The file gets file operations of our own for as long as it is open. They
 * hold a reference to the module: without one, a task asleep in the file would
 * be in the way of rmmod, or wake up in code that is gone. And the calls need
 * not go through those of procfs, which pin the entry each time.
 *
 * Return: 0; -ENOENT while the queue or the module is made or removed; -EACCES
 * in a container, unless the queue is open to them; -ENOMEM.
 */
static int kmsgq_open(struct inode *inode, struct file *file)
{
	struct kmsgq_entry *e = pde_data(inode);
	struct kmsgq_reader *reader = NULL;
	int err;

	if (!try_module_get(THIS_MODULE))
		return -ENOENT;
	err = kmsgq_entry_get(e);
	if (err)
		goto put_module;
	err = -EACCES;
	if (!READ_ONCE(e->settings->containers) &&
	    task_active_pid_ns(current) != &init_pid_ns)
		goto put_entry;

	if (file->f_mode & FMODE_READ) {
		err = -ENOMEM;
		reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);
		if (!reader)
			goto put_entry;
		mutex_init(&reader->lock);
		init_waitqueue_head(&reader->polls);
		reader->ack = READ_ONCE(e->settings->read_ack);
		reader->read_eof = READ_ONCE(e->settings->read_eof);
	}
	file->private_data = reader;
	replace_fops(file, &kmsgq_fops);
	/* For RWF_NOWAIT. */
	file->f_mode |= FMODE_NOWAIT;

	/*
	 * No position: lseek(2), pread(2) and pwrite(2) fail by ESPIPE, and a
	 * reader that waits holds no lock that a writer of the same file needs
	 * (10dce8af3422, "fs: stream_open ...").
	 */
	return stream_open(inode, file);

put_entry:
	kmsgq_entry_put(e);
put_module:
	module_put(THIS_MODULE);
	return err;
}

const struct proc_ops kmsgq_proc_ops = {
	.proc_open	= kmsgq_open,
};
