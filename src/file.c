// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a queue in /proc: made, opened, written, polled and closed.
 */
#include "file.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/uio.h>

/* How often a file is made again because of a stale inode. */
#define KMSGQ_FILE_TRIES 1000

/* st_blksize as a power of two: the largest message. */
#define KMSGQ_BLKBITS 20

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
	enum kmsgq_eof eof = nonblock ? KMSGQ_EOF_NONE : READ_ONCE(reader->eof);
	struct kmsgq_lease *lease = &reader->lease;
	bool ready;

	if (eof != KMSGQ_EOF_NONE)
		return readable | (eof == KMSGQ_EOF_GIVEN ? EPOLLHUP : 0);
	spin_lock(&q->lock);
	ready = !kmsgq_is_empty(q) ||
		(lease->msg && (nonblock || lease->offset < lease->msg->len));
	spin_unlock(&q->lock);
	return ready ? readable : 0;
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
	/*
	 * stdio sizes its buffer by st_blksize, up to 8192 bytes: with the 1024
	 * of procfs, a longer line of echo would become several messages.
	 */
	if (READ_ONCE(inode->i_blkbits) != KMSGQ_BLKBITS)
		WRITE_ONCE(inode->i_blkbits, KMSGQ_BLKBITS);
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

static const struct proc_ops kmsgq_proc_ops = {
	.proc_open	= kmsgq_open,
};

/**
 * kmsgq_proc_find() - look a name up in /proc, as the caller sees it
 * @dir: "" or a directory with a slash behind it
 * @name: the name in it
 * @path: what was found
 *
 * Return: 0, with a reference to @path; -ENOENT; or another error of the lookup.
 */
static int kmsgq_proc_find(const char *dir, const char *name, struct path *path)
{
	char *full = kasprintf(GFP_KERNEL, "/proc/%s%s", dir, name);
	int err;

	if (!full)
		return -ENOMEM;
	err = kern_path(full, 0, path);
	kfree(full);
	return err;
}

/**
 * kmsgq_file_may_be() - may a file of this name be made in /proc
 * @name: the name, one path component, not a number
 *
 * procfs WARNs when an entry is made twice, so look first.
 *
 * Return: 0; -EINVAL, and the kernel log says why; or an error of the lookup.
 */
int kmsgq_file_may_be(const char *name)
{
	struct path path;
	int err;

	/* Is /proc there, and does it show what is not a process (subset=pid)? */
	err = kmsgq_proc_find("", "modules", &path);
	if (err == -ENOMEM)
		return err;
	if (err) {
		pr_err("cannot look up names: /proc is not mounted here, or hides its files\n");
		return -EINVAL;
	}
	path_put(&path);
	err = kmsgq_proc_find("", name, &path);
	if (err)
		return err == -ENOENT ? 0 : err;
	path_put(&path);
	return kmsgq_reject(NULL, "procfs_name", name,
			    "a name that is not in use in /proc");
}

/**
 * kmsgq_file_make() - make the file of a queue
 * @e: the queue; its file cannot be opened yet
 * @name: of the file
 * @dir: where it is: NULL for /proc, or the directory %KMSGQ_DIR in it
 *
 * There is no way to give an entry its owner before it can be seen, and whoever
 * looks at it before has procfs keep an inode with the wrong one, for good. Then
 * the entry is made again.
 *
 * Return: 0 or -ENOMEM; -EAGAIN if that happened each time.
 */
int kmsgq_file_make(struct kmsgq_entry *e, const char *name,
		    struct proc_dir_entry *dir)
{
	kuid_t uid = make_kuid(&init_user_ns, e->settings->uid);
	kgid_t gid = make_kgid(&init_user_ns, e->settings->gid);
	int tries;

	for (tries = 0; tries < KMSGQ_FILE_TRIES; tries++) {
		struct path path;
		bool stale = false;

		e->file = proc_create_data(name, e->settings->mode, dir,
					   &kmsgq_proc_ops, e);
		if (!e->file)
			return -ENOMEM;
		proc_set_user(e->file, uid, gid);
		if (!kmsgq_proc_find(dir ? KMSGQ_DIR "/" : "", name, &path)) {
			struct inode *inode = d_backing_inode(path.dentry);

			stale = !uid_eq(inode->i_uid, uid) ||
				!gid_eq(inode->i_gid, gid);
			path_put(&path);
		}
		if (!stale)
			return 0;
		proc_remove(e->file);
		e->file = NULL;
	}
	return -EAGAIN;
}
