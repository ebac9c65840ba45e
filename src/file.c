// SPDX-License-Identifier: GPL-2.0-only
/*
 * An open file: open, poll, close, fdinfo.
 */
#include "file.h"

#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "io.h"

/* st_blksize as a power of two: the largest message. */
#define KMSGQ_BLKBITS 20

static __poll_t kmsgq_poll_reader(struct kmsgq_queue *q,
				  struct kmsgq_reader *reader, bool nonblock)
{
	const __poll_t readable = EPOLLIN | EPOLLRDNORM;
	enum kmsgq_eof eof = nonblock ? KMSGQ_EOF_NONE : READ_ONCE(reader->eof);

	if (eof != KMSGQ_EOF_NONE)
		return readable | (eof == KMSGQ_EOF_GIVEN ? EPOLLHUP : 0);
	return kmsgq_is_readable(q, &reader->lease, nonblock) ? readable : 0;
}

/* On two wait queues at most: io_uring takes no more. */
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
	/* The tracepoint of a full queue is for tasks that want to write. */
	if (file->f_mode & FMODE_WRITE &&
	    poll_requested_events(pt) & writable && kmsgq_is_writable(q))
		events |= writable;
	return events;
}

/* A poller of this file may have been woken, and will not take what it can. */
static void kmsgq_pass_on_file(struct file *file)
{
	kmsgq_pass_on(&kmsgq_entry_of(file)->queue,
		      (file->private_data ? EPOLLIN : 0) |
		      (file->f_mode & FMODE_WRITE ? EPOLLOUT : 0));
}

/*
 * Each close(2) of a descriptor: processes that share the file may each have
 * been woken.
 */
static int kmsgq_flush(struct file *file, fl_owner_t id)
{
	kmsgq_pass_on_file(file);
	return 0;
}

/*
 * The last reference is gone, which may be io_uring's or epoll's: these have no
 * flush.
 */
static int kmsgq_release(struct inode *inode, struct file *file)
{
	struct kmsgq_entry *e = kmsgq_entry_of(file);
	struct kmsgq_reader *reader = file->private_data;

	if (reader && reader->lease.msg) {
		if (reader->ack)
			kmsgq_lease_return(&e->queue, &reader->lease,
					   e->dead ? &e->dead->queue : NULL,
					   e->settings.max_deliveries);
		else
			kmsgq_lease_drop(&e->queue, &reader->lease);
	}
	kmsgq_pass_on_file(file);
	kfree(reader);
	kmsgq_entry_put(e);
	return 0;
}

static void kmsgq_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct kmsgq_reader *reader = file->private_data;
	struct kmsgq_lease_info info;

	if (!reader)
		return;
	kmsgq_lease_info(&kmsgq_entry_of(file)->queue, &reader->lease, &info);
	seq_printf(m, "kmsgq-held:\t%u\nkmsgq-seq:\t%llu\nkmsgq-deliveries:\t%u\n",
		   info.len, info.seq, info.deliveries);
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
 * @inode: the file's inode, whose data is a struct kmsgq_entry
 * @file: the open file
 *
 * The file has our own file operations for as long as it is open. They hold a
 * reference to the module: without one, a task asleep in the file would block
 * rmmod, or wake up in code that is gone. And the calls need not go through those
 * of procfs, which pin the entry each time.
 *
 * Return: 0; -EACCES, see kmsgq_entry_check_access(); -ENOENT while the queue or
 * the module is being created or removed; -ENOMEM.
 */
int kmsgq_open(struct inode *inode, struct file *file)
{
	struct kmsgq_entry *e = pde_data(inode);
	struct kmsgq_reader *reader = NULL;
	int err;

	/* Before any reference, which would block a removal. */
	err = kmsgq_entry_check_access(e, file->f_mode);
	if (err)
		return err;
	if (!try_module_get(THIS_MODULE))
		return -ENOENT;
	err = kmsgq_entry_get(e);
	if (err)
		goto put_module;

	if (file->f_mode & FMODE_READ) {
		err = -ENOMEM;
		reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);
		if (!reader)
			goto put_entry;
		mutex_init(&reader->lock);
		init_waitqueue_head(&reader->polls);
		reader->ack = READ_ONCE(e->settings.read_ack);
		reader->read_eof = READ_ONCE(e->settings.read_eof);
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
	 * No position: lseek(2), pread(2) and pwrite(2) fail with ESPIPE, and a
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
