// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file in /proc: open, read, write, poll and close of a queue.
 */
#include "procfs.h"

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"

/**
 * struct kmsgq_reader - what a file that is open for reading remembers
 * @lock: held by a plain reader from before it waits until it has its bytes,
 *	so that those who share the file get the pieces in order. Protects
 *	@msg, @offset and @at_eof; poll and O_NONBLOCK look without it
 * @msg: the message that is being read, or NULL
 * @offset: how many bytes of @msg have been delivered
 * @at_eof: a message was delivered to its end
 * @polls: pollers of this very file: only they see its end of file
 */
struct kmsgq_reader {
	struct mutex lock;	/* see above */
	struct msgq_msg *msg;
	size_t offset;
	bool at_eof;
	wait_queue_head_t polls;
};

/**
 * kmsgq_file_of() - the queue behind an open file
 * @file: the file
 *
 * Return: the queue with its file.
 */
static struct kmsgq_file *kmsgq_file_of(struct file *file)
{
	return pde_data(file_inode(file));
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
	struct kmsgq_reader *reader = file->private_data;

	if (reader) {
		if (reader->msg)
			msgq_drop(&kmsgq_file_of(file)->queue, reader->msg);
		kfree(reader);
	}
	return 0;
}

/**
 * struct kmsgq_dest - where a reader wants its bytes
 * @len: how many bytes there is room for, 1 or more
 * @ubuf: the buffer of read(2)
 * @iter: that of every other call, or NULL
 */
struct kmsgq_dest {
	size_t len;
	char __user *ubuf;
	struct iov_iter *iter;
};

/*
 * The two functions that copy a message call _copy_from_user() and
 * _copy_to_user(). All that copy_from_user() and copy_to_user() do more is to
 * look up the slab object behind the address, and to compare its size with the
 * length, in a tenth of the whole call's time (mm/usercopy.c); here both come
 * from msgq_msg_span().
 */

/**
 * kmsgq_copy_in() - make a message of a writer's bytes
 * @ubuf: the bytes
 * @len: how many, 1 or more
 *
 * Return: the message; ERR_PTR(-ENOMEM); ERR_PTR(-EFAULT) where not all bytes
 * can be read.
 */
static struct msgq_msg *kmsgq_copy_in(const char __user *ubuf, size_t len)
{
	struct msgq_msg *msg = msgq_msg_alloc(len);
	size_t done = 0;

	if (!msg)
		return ERR_PTR(-ENOMEM);
	do {
		size_t part = len - done;
		void *span = msgq_msg_span(msg, done, &part);

		if (_copy_from_user(span, ubuf + done, part)) {
			msgq_msg_free(msg);
			return ERR_PTR(-EFAULT);
		}
		done += part;
	} while (done < len);
	return msg;
}

/**
 * kmsgq_copy_out() - give a part of a message to a reader
 * @msg: the message
 * @offset: where the part begins, in bytes
 * @len: how long it is, in bytes, 1 or more
 * @dest: where it goes
 *
 * Return: 0; -EFAULT where not all bytes can be written.
 */
static int kmsgq_copy_out(struct msgq_msg *msg, size_t offset, size_t len,
			  struct kmsgq_dest *dest)
{
	size_t done = 0;

	do {
		size_t part = len - done;
		void *span = msgq_msg_span(msg, offset + done, &part);

		if (dest->iter ? copy_to_iter(span, part, dest->iter) != part :
				 _copy_to_user(dest->ubuf + done, span, part))
			return -EFAULT;
		done += part;
	} while (done < len);
	return 0;
}

/**
 * kmsgq_write() - write(2), and each vector of writev(2)
 * @file: the open file
 * @ubuf: the message
 * @len: its length in bytes
 * @ppos: unused
 *
 * May sleep, in copying, and for room unless O_NONBLOCK. Copies before it waits:
 * a writer that is woken must not stall (on memory that userfaultfd holds back,
 * say), since the wake-up that it has used is missing to the others.
 *
 * Return: @len; or, with nothing queued, -EMSGSIZE, -EAGAIN (O_NONBLOCK and
 * full), -ERESTARTSYS, -EFAULT or -ENOMEM.
 */
static ssize_t kmsgq_write(struct file *file, const char __user *ubuf,
			   size_t len, loff_t *ppos)
{
	struct msg_queue *q = &kmsgq_file_of(file)->queue;
	bool nonblock = file->f_flags & O_NONBLOCK;
	struct msgq_msg *msg;
	int err;

	if (!len)
		return 0;

	/* No need to copy what will not go in. */
	err = msgq_admit(q, len);
	if (err == -EAGAIN)
		err = nonblock ? msgq_wait_room(q, len, true) : 0;
	if (err)
		return err;

	msg = kmsgq_copy_in(ubuf, len);
	if (IS_ERR(msg))
		return PTR_ERR(msg);

	/* Another writer may take the room that this one was woken for. */
	while ((err = msgq_enqueue(q, msg)) == -EAGAIN) {
		err = msgq_wait_room(q, len, nonblock);
		if (err)
			break;
	}
	if (err) {
		msgq_msg_free(msg);
		msgq_pass_on_room(q);
		return err;
	}
	return len;
}

/**
 * kmsgq_read_part() - deliver what fits of the message that is being read
 * @q: the queue that it came from
 * @reader: the reader, its lock held, with a message
 * @dest: where it goes
 *
 * A message of which nothing could be delivered goes back to the queue.
 *
 * Return: the number of bytes, or -EFAULT.
 */
static ssize_t kmsgq_read_part(struct msg_queue *q, struct kmsgq_reader *reader,
			       struct kmsgq_dest *dest)
{
	struct msgq_msg *msg = reader->msg;
	size_t len = min_t(size_t, dest->len, msg->len - reader->offset);

	lockdep_assert_held(&reader->lock);
	if (kmsgq_copy_out(msg, reader->offset, len, dest)) {
		if (!reader->offset) {
			WRITE_ONCE(reader->msg, NULL);
			msgq_requeue(q, msg);
		}
		return -EFAULT;
	}
	reader->offset += len;
	if (reader->offset == msg->len) {
		WRITE_ONCE(reader->at_eof, true);
		WRITE_ONCE(reader->msg, NULL);
		msgq_msg_free(msg);
	}
	/* Who polls this file waits for no other message any more. */
	wake_up_interruptible_poll(&reader->polls,
				   EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	return len;
}

/**
 * kmsgq_read_plain() - read a file without O_NONBLOCK
 * @q: the queue
 * @reader: the reader
 * @dest: where the bytes go
 *
 * May sleep, in copying, for those who share the file, and with read_wait for
 * a message.
 *
 * Return: the number of bytes; 0 at the end of the message, or where the queue
 * is empty; -EFAULT; -ERESTARTSYS.
 */
static ssize_t kmsgq_read_plain(struct msg_queue *q,
				struct kmsgq_reader *reader,
				struct kmsgq_dest *dest)
{
	ssize_t ret = 0;

	if (mutex_lock_interruptible(&reader->lock))
		return -ERESTARTSYS;

	while (!reader->msg && !reader->at_eof) {
		struct msgq_msg *msg = msgq_dequeue(q, SIZE_MAX);

		if (!IS_ERR(msg)) {
			reader->offset = 0;
			WRITE_ONCE(reader->msg, msg);
			break;
		}
		ret = msgq_wait_readable(q);
		if (ret)
			break;
	}
	if (reader->msg)
		ret = kmsgq_read_part(q, reader, dest);

	mutex_unlock(&reader->lock);
	return ret == -ENODATA ? 0 : ret;
}

/**
 * kmsgq_read_rest() - deliver the rest of a message, with O_NONBLOCK
 * @q: the queue
 * @reader: the reader, which had a message a moment ago: O_NONBLOCK was set
 *	when that had been read in part
 * @dest: where the rest goes
 *
 * Return: the number of bytes; 0 where there is no such rest, or another task
 * is reading it just now; -EMSGSIZE; -EFAULT.
 */
static ssize_t kmsgq_read_rest(struct msg_queue *q, struct kmsgq_reader *reader,
			       struct kmsgq_dest *dest)
{
	ssize_t ret = 0;

	if (!mutex_trylock(&reader->lock))
		return 0;
	if (reader->msg) {
		ret = -EMSGSIZE;
		if (reader->msg->len - reader->offset <= dest->len)
			ret = kmsgq_read_part(q, reader, dest);
	}
	mutex_unlock(&reader->lock);
	return ret;
}

/**
 * kmsgq_do_read() - read a message, or a part of one
 * @file: the open file
 * @dest: where the bytes go
 *
 * With O_NONBLOCK, may sleep in copying only.
 *
 * Return: as kmsgq_read_plain(); with O_NONBLOCK the message's length in bytes,
 * or, with the message still in the queue, -EAGAIN where there is none,
 * -EMSGSIZE where it is longer than @dest, -EFAULT.
 */
static ssize_t kmsgq_do_read(struct file *file, struct kmsgq_dest *dest)
{
	struct msg_queue *q = &kmsgq_file_of(file)->queue;
	struct kmsgq_reader *reader = file->private_data;
	struct msgq_msg *msg;
	ssize_t ret;

	if (!(file->f_flags & O_NONBLOCK))
		return kmsgq_read_plain(q, reader, dest);

	if (unlikely(READ_ONCE(reader->msg))) {
		ret = kmsgq_read_rest(q, reader, dest);
		if (ret)
			return ret;
	}

	msg = msgq_dequeue(q, dest->len);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ret = kmsgq_copy_out(msg, 0, msg->len, dest);
	if (unlikely(ret)) {
		msgq_requeue(q, msg);
		return ret;
	}
	ret = msg->len;
	msgq_msg_free(msg);
	return ret;
}

/**
 * kmsgq_read() - read(2)
 * @file: the open file
 * @ubuf: where the bytes go
 * @len: how many there is room for
 * @ppos: unused
 *
 * Return: as kmsgq_do_read(); 0 where no byte is asked for.
 */
static ssize_t kmsgq_read(struct file *file, char __user *ubuf, size_t len,
			  loff_t *ppos)
{
	struct kmsgq_dest dest = { .len = len, .ubuf = ubuf };

	return len ? kmsgq_do_read(file, &dest) : 0;
}

/**
 * kmsgq_read_iter() - readv(2), splice(2), sendfile(2) and io_uring
 * @iocb: the call
 * @to: where the bytes go
 *
 * Return: as kmsgq_do_read(); 0 where no byte is asked for.
 */
static ssize_t kmsgq_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct kmsgq_dest dest = { .len = iov_iter_count(to), .iter = to };

	return dest.len ? kmsgq_do_read(iocb->ki_filp, &dest) : 0;
}

/**
 * kmsgq_poll() - poll(2), select(2) and epoll(7)
 * @file: the open file
 * @pt: where to wait
 *
 * Return: the events that a call would not wait for.
 */
static __poll_t kmsgq_poll(struct file *file, struct poll_table_struct *pt)
{
	struct msg_queue *q = &kmsgq_file_of(file)->queue;
	struct kmsgq_reader *reader = file->private_data;
	__poll_t events = 0;

	if (reader) {
		poll_wait(file, &q->readers.polls, pt);
		poll_wait(file, &reader->polls, pt);
		if (!(file->f_flags & O_NONBLOCK) &&
		    READ_ONCE(reader->at_eof))
			events |= EPOLLIN | EPOLLRDNORM | EPOLLHUP;
		else if (READ_ONCE(reader->msg) || msgq_poll_readable(q))
			events |= EPOLLIN | EPOLLRDNORM;
	}
	if (file->f_mode & FMODE_WRITE) {
		poll_wait(file, &q->writers.polls, pt);
		if (msgq_poll_writable(q))
			events |= EPOLLOUT | EPOLLWRNORM;
	}
	return events;
}

static const struct file_operations kmsgq_fops = {
	.owner		= THIS_MODULE,
	.read		= kmsgq_read,
	.read_iter	= kmsgq_read_iter,
	.write		= kmsgq_write,
	.poll		= kmsgq_poll,
	.release	= kmsgq_release,
	.splice_read	= copy_splice_read,
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
 * Return: 0; -ENOENT while the module is being unloaded; -ENOMEM.
 */
static int kmsgq_open(struct inode *inode, struct file *file)
{
	struct kmsgq_reader *reader = NULL;

	if (!try_module_get(THIS_MODULE))
		return -ENOENT;

	if (file->f_mode & FMODE_READ) {
		reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);
		if (!reader) {
			module_put(THIS_MODULE);
			return -ENOMEM;
		}
		mutex_init(&reader->lock);
		init_waitqueue_head(&reader->polls);
	}
	file->private_data = reader;
	replace_fops(file, &kmsgq_fops);

	/*
	 * No position: lseek(2), pread(2) and pwrite(2) fail by ESPIPE, and a
	 * reader that waits holds no lock that a writer of the same file needs
	 * (10dce8af3422, "fs: stream_open ...").
	 */
	return stream_open(inode, file);
}

static const struct proc_ops kmsgq_proc_ops = {
	.proc_open	= kmsgq_open,
};

/**
 * kmsgq_name_in_use() - is there an entry of this name in /proc
 * @name: the name, one path component, not a number
 *
 * procfs WARNs when an entry is made twice, so look first. A mount of our own,
 * since the caller's /proc may be absent, or hide entries (subset=pid).
 *
 * Return: 1 if there is one, 0 if not, or an error of the lookup.
 */
static int kmsgq_name_in_use(const char *name)
{
	struct qstr qname = QSTR_INIT(name, strlen(name));
	struct vfsmount *mnt = kern_mount(get_fs_type("proc"));
	struct dentry *dentry;
	int ret;

	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	dentry = lookup_noperm_unlocked(&qname, mnt->mnt_root);
	if (IS_ERR(dentry)) {
		/* procfs makes no negative dentry of what it does not have */
		ret = PTR_ERR(dentry) == -ENOENT ? 0 : PTR_ERR(dentry);
	} else {
		ret = d_really_is_positive(dentry);
		dput(dentry);
	}
	kern_unmount(mnt);
	return ret;
}

/**
 * kmsgq_file_create() - make the file of a queue
 * @kf: the queue, initialized; may be in use before this returns
 * @name: the file's name, one path component, not a number
 * @mode: its permissions
 * @uid: its owner
 * @gid: its group
 *
 * Return: 0; -EEXIST where /proc has such an entry; -ENOMEM; or an error of
 * the lookup.
 */
int kmsgq_file_create(struct kmsgq_file *kf, const char *name, umode_t mode,
		      kuid_t uid, kgid_t gid)
{
	int err = kmsgq_name_in_use(name);

	if (err)
		return err < 0 ? err : -EEXIST;
	kf->entry = proc_create_data(name, mode, NULL, &kmsgq_proc_ops, kf);
	if (!kf->entry)
		return -ENOMEM;
	proc_set_user(kf->entry, uid, gid);
	return 0;
}

/**
 * kmsgq_file_remove() - remove the file of a queue
 * @kf: the queue
 *
 * Waits for the calls that are under way; none begins after it.
 */
void kmsgq_file_remove(struct kmsgq_file *kf)
{
	proc_remove(kf->entry);
}
