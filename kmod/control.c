// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making, duplicating and describing channels, and the node /dev/chanctl.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "chan.h"
#include "file.h"
#include "g.h"
#include "ioctl.h"
#include "node.h"
#include "sysfs.h"
#include "timer.h"

#define CHAN_FEATURES	(CHAN_FEATURE_MESSAGE | CHAN_FEATURE_AUTOCLOSE | CHAN_FEATURE_NAMES | \
			 CHAN_FEATURE_SELECT | CHAN_FEATURE_CALL | CHAN_FEATURE_TIMERS | \
			 CHAN_FEATURE_CLOSES | CHAN_FEATURE_GO | CHAN_FEATURE_BATCH)

static int check_make(const struct chan_make *make)
{
	if (make->flags & ~(CHAN_MESSAGE | CHAN_AUTOCLOSE | CHAN_NAMED))
		return -EINVAL;
	if (make->fd_flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (make->reserved || make->mode & ~0777)
		return -EINVAL;
	if (!(make->flags & CHAN_NAMED) && (make->name || make->mode))
		return -EINVAL;
	return 0;
}

/* devtmpfs is one for all, so names are for the initial user namespace. */
static int get_name(char *name, const struct chan_make *make)
{
	*name = '\0';
	if (!(make->flags & CHAN_NAMED))
		return 0;
	if (current_user_ns() != &init_user_ns)
		return -EPERM;
	return make->name ? chan_node_get_name(name, u64_to_user_ptr(make->name)) : 0;
}

/* A file for a new descriptor, not installed yet, and a node if it shall have one. */
static struct file *make_file(struct chan *c, const struct chan_make *make, const char *name)
{
	bool named = make->flags & CHAN_NAMED;
	struct file *file;
	int ret;

	/* The maker of a named channel may exit: it is no end of it. */
	file = chan_file_new(c, O_RDWR | make->fd_flags, !named);
	if (IS_ERR(file) || !named)
		return file;
	ret = chan_node_add(c, name, make->mode);
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

/* A new channel that closes at its time, if it has one. */
static struct chan *make_chan(const struct chan_make *make)
{
	ktime_t closes = make->closes ? chan_deadline(make->closes) : KTIME_MAX;
	struct chan *c = chan_new(make->flags, make->elem_size, make->cap);

	if (IS_ERR(c) || closes == KTIME_MAX)
		return c;
	if (!chan_timer_add(c, closes, CHAN_ONCE, true))
		return c;
	chan_put(c);
	return ERR_PTR(-ENOMEM);
}

/**
 * chan_control_make() - make a channel, and a descriptor of it
 * @make: what the caller asks for.
 *
 * Return: the descriptor, or an errno as described at struct chan_make.
 */
int chan_control_make(const struct chan_make *make)
{
	char name[CHAN_NAME_MAX + 1];
	struct file *file;
	struct chan *c;
	int ret, fd;

	ret = check_make(make) ?: get_name(name, make);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(make->fd_flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	c = make_chan(make);
	if (IS_ERR(c)) {
		ret = PTR_ERR(c);
		goto put_fd;
	}
	file = make_file(c, make, name);
	chan_put(c);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto put_fd;
	}
	fd_install(fd, file);
	return fd;

put_fd:
	put_unused_fd(fd);
	return ret;
}

static int check_make_timer(const struct chan_make_timer *make)
{
	bool ticks = make->flags & CHAN_TIMER_TICK;

	if (make->flags & ~CHAN_TIMER_TICK || make->reserved)
		return -EINVAL;
	if (make->fd_flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return ticks == !!make->period ? 0 : -EINVAL;
}

/* A period that no clock lives to see is as good as the longest. */
static ktime_t timer_period(u64 ns)
{
	return min_t(u64, ns, KTIME_MAX);
}

static ktime_t timer_when(u64 ns)
{
	return ns == CHAN_FOREVER ? CHAN_STOPPED : min(chan_deadline(ns), CHAN_LAST_TIME);
}

static struct file *make_timer_file(const struct chan_make_timer *make)
{
	struct chan *c = chan_new(CHAN_TIMER, sizeof(u64), 0);
	struct file *file = ERR_PTR(-ENOMEM);

	if (IS_ERR(c))
		return ERR_CAST(c);
	if (!chan_timer_add(c, timer_when(make->when), timer_period(make->period), false))
		file = chan_file_new(c, O_RDONLY | make->fd_flags, true);
	chan_put(c);
	return file;
}

/**
 * chan_control_make_timer() - make a timer channel, and a descriptor of it
 * @make: what the caller asks for.
 *
 * Return: the descriptor, -EINVAL, or an errno of chan_control_make().
 */
int chan_control_make_timer(const struct chan_make_timer *make)
{
	struct file *file;
	int ret, fd;

	ret = check_make_timer(make);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(make->fd_flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = make_timer_file(make);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

int chan_control_set_timer(struct chan *c, const struct chan_set_timer *set)
{
	if (set->flags)
		return -EINVAL;
	return chan_timer_set(c, timer_when(set->when), timer_period(set->period));
}

int chan_control_remove(const struct chan_remove *remove)
{
	if (remove->flags)
		return -EINVAL;
	return chan_node_remove(u64_to_user_ptr(remove->name));
}

/**
 * chan_control_dup() - another open file description of a channel
 * @file: a descriptor of it.
 * @fd_flags: O_RDONLY, O_WRONLY or O_RDWR; O_CLOEXEC, O_NONBLOCK.
 *
 * Return: the descriptor; -EINVAL, -EBADF (more is asked for than @file grants),
 * -EIDRM, -EMFILE, -ENFILE, -ENOMEM.
 */
int chan_control_dup(struct file *file, unsigned int fd_flags)
{
	fmode_t mode = OPEN_FMODE(fd_flags) & (FMODE_READ | FMODE_WRITE);
	struct chan *c = chan_file_chan(file);
	struct file *view;
	int ret, fd;

	if (fd_flags & ~(O_ACCMODE | O_CLOEXEC | O_NONBLOCK) ||
	    (fd_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (mode & ~file->f_mode)
		return -EBADF;
	ret = chan_gone(c);
	if (ret)
		return ret;

	fd = get_unused_fd_flags(fd_flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	view = chan_file_new(c, fd_flags, true);
	if (IS_ERR(view)) {
		put_unused_fd(fd);
		return PTR_ERR(view);
	}
	fd_install(fd, view);
	return fd;
}

/* Describe a channel, its name included; @info is zeroed. */
void chan_control_info(struct chan *c, struct chan_info *info)
{
	/* It may get its name just now. */
	const struct chan_node *node = smp_load_acquire(&c->node);

	chan_get_info(c, info);
	info->minor = CHAN_NO_MINOR;
	if (!node)
		return;
	info->minor = chan_node_minor(node);
	strscpy(info->name, chan_node_name(node), sizeof(info->name));
}

void chan_control_query(struct chan_query *q)
{
	q->abi = CHAN_ABI_VERSION;
	q->features = CHAN_FEATURES;
	chan_limits_query(q);
}

static int chanctl_open(struct inode *inode, struct file *file)
{
	/* Not the miscdevice: its domain, when it becomes one. */
	file->private_data = NULL;
	return nonseekable_open(inode, file);
}

static int chanctl_flush(struct file *file, fl_owner_t id)
{
	chan_domain_flush(file);
	return 0;
}

static int chanctl_release(struct inode *inode, struct file *file)
{
	chan_domain_release(file);
	return 0;
}

static const struct file_operations chanctl_fops = {
	.owner = THIS_MODULE,
	.open = chanctl_open,
	.flush = chanctl_flush,
	.release = chanctl_release,
	.unlocked_ioctl = chanctl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Everybody may make channels: what they may use up, limits.c says. */
static struct miscdevice chanctl = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "chanctl",
	.fops = &chanctl_fops,
	.groups = chanctl_groups,
	.mode = 0666,
};

int chan_control_init(void)
{
	return misc_register(&chanctl);
}

void chan_control_exit(void)
{
	misc_deregister(&chanctl);
}
