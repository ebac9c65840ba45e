// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of a queue in /proc: created, checked, removed.
 */
#include "procfs.h"

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/namei.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "file.h"

/* How often a file is created again because of a stale inode. */
#define KMSGQ_PROCFS_TRIES 100

static const struct proc_ops kmsgq_proc_ops = {
	.proc_open	= kmsgq_open,
};

/* Look a name up in /proc, as the caller sees it. @dir may end in a slash. */
static int kmsgq_procfs_find(const char *dir, const char *name, struct path *path)
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
 * kmsgq_procfs_check_name() - check whether a file can be created in /proc
 * @name: its name, one path component, not a number
 *
 * procfs WARNs when an entry is created twice, so look first.
 *
 * Return: 0; -EINVAL, reported in the kernel log; another error of the look-up.
 */
int kmsgq_procfs_check_name(const char *name)
{
	struct path path;
	int err;

	/* Is /proc mounted, with more than processes (subset=pid)? */
	err = kmsgq_procfs_find("", "modules", &path);
	if (err == -ENOMEM)
		return err;
	if (err) {
		pr_err("cannot look up names: /proc is not mounted, or has subset=pid\n");
		return -EINVAL;
	}
	path_put(&path);
	err = kmsgq_procfs_find("", name, &path);
	if (err)
		return err == -ENOENT ? 0 : err;
	path_put(&path);
	return kmsgq_reject(NULL, "procfs_name", name,
			    "a name that is not in use in /proc");
}

/**
 * kmsgq_procfs_add() - create the file of a queue
 * @e: the entry, not enabled
 * @name: name of the file
 * @dir: where it is: NULL for /proc, or the directory %KMSGQ_DIR in it
 *
 * procfs cannot set the owner before the entry is visible. A stat(2) in between
 * leaves an inode with the wrong owner, for good, which keeps the right group
 * out. Then the entry is created again.
 *
 * Return: 0 or -ENOMEM; -EAGAIN if that happened each time.
 */
int kmsgq_procfs_add(struct kmsgq_entry *e, const char *name,
		     struct proc_dir_entry *dir)
{
	kuid_t uid = make_kuid(&init_user_ns, e->settings.uid);
	kgid_t gid = make_kgid(&init_user_ns, e->settings.gid);
	int tries;

	for (tries = 0; tries < KMSGQ_PROCFS_TRIES; tries++) {
		struct path path;
		bool stale = false;

		e->file = proc_create_data(name, e->settings.mode, dir,
					   &kmsgq_proc_ops, e);
		if (!e->file)
			return -ENOMEM;
		proc_set_user(e->file, uid, gid);
		if (!kmsgq_procfs_find(dir ? KMSGQ_DIR "/" : "", name, &path)) {
			struct inode *inode = d_backing_inode(path.dentry);

			stale = !uid_eq(inode->i_uid, uid) ||
				!gid_eq(inode->i_gid, gid);
			path_put(&path);
		}
		if (!stale)
			return 0;
		kmsgq_procfs_remove(e);
	}
	return -EAGAIN;
}

/**
 * kmsgq_procfs_remove() - remove the file of a queue
 * @e: the entry, not enabled; may have no file
 *
 * Context: Waits for opens that are in progress. The caller holds no lock that
 * kmsgq_open() takes.
 */
void kmsgq_procfs_remove(struct kmsgq_entry *e)
{
	proc_remove(e->file);
	e->file = NULL;
}
