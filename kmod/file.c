// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors: read, write, poll, release and fdinfo of a channel's files.
 */
#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/semaphore.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "batch.h"
#include "chan.h"
#include "file.h"
#include "ioctl.h"
#include "node.h"

/**
 * struct chan_rest - a message which a short read took and did not finish
 * @lock: one reader at a time.  Held while that one is parked, so that the message it
 *	waits for is its own; hence no mutex, which a task may not hold when the
 *	freezer comes.
 * @elem: the message.
 * @left: bytes at its end that have not been read; looked at without @lock too.
 * @missed: somebody got EAGAIN only because of @lock.
 */
struct chan_rest {
	struct semaphore lock;
	struct chan_elem elem;
	u32 left;
	bool missed;
};

/* Whether this is the first time that the file turns up in this count. */
bool chan_file_is_new(const struct file *file, u64 count)
{
	struct chan_file *f = file->private_data;
	bool is_new = f->found != count;

	f->found = count;
	return is_new;
}

static ktime_t iocb_patience(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ? CHAN_NOWAIT : chan_file_patience(iocb->ki_filp);
}

/* After the first element, an error or a signal gives the bytes so far. */
static ssize_t write_fixed(struct chan_file *f, struct iov_iter *from, u32 size,
			   struct chan_blocking *how)
{
	struct chan_elems elems = { .iter = from, .size = size };
	long ret;

	/* The VFS cuts a huge write short wherever it likes. */
	if (!size || (iov_iter_count(from) % size && iov_iter_count(from) < MAX_RW_COUNT))
		return -EMSGSIZE;
	elems.n = iov_iter_count(from) / size;
	ret = chan_send_batch(f->chan, f->user, &elems, how);
	return ret < 0 ? ret : ret * size;
}

static ssize_t write_message(struct chan_file *f, struct iov_iter *from,
			     struct chan_blocking *how)
{
	size_t size = iov_iter_count(from);

	if (size > f->chan->ring.elem_size)
		return -EMSGSIZE;
	return chan_send_from(f->chan, f->user, from, size, how) ?: size;
}

static ssize_t chan_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct chan_blocking how = { .until = iocb_patience(iocb), .file = iocb->ki_filp };
	struct chan_file *f = iocb->ki_filp->private_data;
	const struct chan_ring *ring = &f->chan->ring;
	ssize_t ret;

	if (!iov_iter_count(from))
		return 0;
	if (ring->message)
		ret = write_message(f, from, &how);
	else
		ret = write_fixed(f, from, ring->elem_size, &how);
	chan_file_count_parks(iocb->ki_filp, how.parks);
	return ret;
}

/* Only the first element is waited for. */
static ssize_t read_fixed(struct chan_file *f, struct iov_iter *to, u32 size,
			  struct chan_blocking *how)
{
	struct chan_elems elems = { .iter = to, .size = size };
	long ret;

	if (!size || iov_iter_count(to) < size)
		return -EMSGSIZE;
	elems.n = iov_iter_count(to) / size;
	ret = chan_recv_batch(f->chan, &elems, how);
	return ret < 0 ? ret : ret * size;
}

/* A message for a buffer which holds any that this channel can have. */
static ssize_t read_whole(struct chan_file *f, struct iov_iter *to, struct chan_blocking *how)
{
	int ret;

	for (;;) {
		struct chan_dest dest = { .iter = to, .room = f->chan->ring.elem_size };

		ret = chan_recv(f->chan, &dest, how);
		if (ret)
			return ret;
		if (dest.len)
			return dest.len;
		/* An empty message: to return 0 would mean the end. */
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static struct chan_rest *get_rest(struct chan_file *f)
{
	struct chan_rest *rest = READ_ONCE(f->rest), *other;

	if (rest)
		return rest;
	rest = kzalloc(sizeof(*rest), GFP_KERNEL_ACCOUNT);
	if (!rest)
		return NULL;
	sema_init(&rest->lock, 1);
	other = cmpxchg(&f->rest, NULL, rest);
	if (!other)
		return rest;
	kfree(rest);
	return other;
}

/*
 * Who may not wait, and finds somebody else reading, is told EAGAIN, and will poll.
 * It says so before its last attempt, so the holder, who looks after it has unlocked,
 * either sees that or has let this attempt succeed.
 */
static int try_lock_rest(struct chan_rest *rest)
{
	if (!down_trylock(&rest->lock))
		return 0;
	WRITE_ONCE(rest->missed, true);
	return down_trylock(&rest->lock) ? -EAGAIN : 0;
}

static int lock_rest(struct chan_rest *rest, const struct chan_blocking *how)
{
	if (how->until == CHAN_NOWAIT)
		return try_lock_rest(rest);
	return down_interruptible(&rest->lock) ? -ERESTARTSYS : 0;
}

/* What is left, or was missed, is news for who polls, and no send will tell them. */
static void unlock_rest(struct chan *c, struct chan_rest *rest)
{
	bool left = rest->left;

	up(&rest->lock);
	if ((xchg(&rest->missed, false) || left) && wq_has_sleeper(&c->poll))
		wake_up_interruptible_poll(&c->poll, EPOLLIN | EPOLLRDNORM);
}

/* Take the next message that is not empty. */
static int refill_rest(struct chan_file *f, struct chan_rest *rest, struct chan_blocking *how)
{
	struct chan_dest dest = { .elem = &rest->elem, .room = CHAN_ANY_ROOM };
	int ret;

	for (;;) {
		ret = chan_recv(f->chan, &dest, how);
		if (ret)
			return ret;
		WRITE_ONCE(rest->left, rest->elem.len);
		if (rest->left)
			return 0;
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
}

static ssize_t read_rest(struct chan_rest *rest, struct iov_iter *to)
{
	size_t n = min_t(size_t, iov_iter_count(to), rest->left);
	const void *bytes = chan_elem_bytes(&rest->elem) + rest->elem.len - rest->left;

	n = copy_to_iter(bytes, n, to);
	WRITE_ONCE(rest->left, rest->left - n);
	if (!rest->left)
		chan_elem_drop(&rest->elem);
	return n ?: -EFAULT;
}

static int next_message(struct chan_file *f, struct chan_rest *rest, struct iov_iter *to,
			struct chan_blocking *how)
{
	size_t n = min_t(size_t, iov_iter_count(to), f->chan->ring.elem_size);

	/* No message is taken for a buffer that cannot be written at all. */
	if (n && fault_in_iov_iter_writeable(to, n) == n)
		return -EFAULT;
	return refill_rest(f, rest, how);
}

/* A message part by part, for a buffer which may be too short for all of it. */
static ssize_t read_part(struct chan_file *f, struct iov_iter *to, struct chan_blocking *how)
{
	struct chan_rest *rest = get_rest(f);
	ssize_t ret;

	if (!rest)
		return -ENOMEM;
	ret = lock_rest(rest, how);
	if (ret)
		return ret;
	if (!rest->left)
		ret = next_message(f, rest, to, how);
	if (!ret)
		ret = read_rest(rest, to);
	unlock_rest(f->chan, rest);
	return ret;
}

static bool has_rest(const struct chan_file *f)
{
	const struct chan_rest *rest = READ_ONCE(f->rest);

	return rest && READ_ONCE(rest->left);
}

static ssize_t read_message(struct chan_file *f, struct iov_iter *to, struct chan_blocking *how)
{
	if (has_rest(f) || iov_iter_count(to) < f->chan->ring.elem_size)
		return read_part(f, to, how);
	return read_whole(f, to, how);
}

static ssize_t chan_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct chan_blocking how = { .until = iocb_patience(iocb), .file = iocb->ki_filp };
	struct chan_file *f = iocb->ki_filp->private_data;
	const struct chan_ring *ring = &f->chan->ring;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	if (ring->message)
		ret = read_message(f, to, &how);
	else
		ret = read_fixed(f, to, ring->elem_size, &how);
	chan_file_count_parks(iocb->ki_filp, how.parks);
	return ret == -EPIPE ? 0 : ret;
}

static __poll_t chan_poll(struct file *file, poll_table *pt)
{
	struct chan_file *f = file->private_data;
	__poll_t events;

	poll_wait(file, &f->chan->poll, pt);
	events = chan_poll_events(f->chan, file->f_mode);
	if (has_rest(f))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

static void show_waiters(struct seq_file *m, struct chan *c, struct chan_queue *q)
{
	struct pid_namespace *ns = proc_pid_ns(file_inode(m->file)->i_sb);
	struct chan_parked parked[CHAN_SHOWN];
	int i, n;

	n = chan_list_parked(c, q, parked, ARRAY_SIZE(parked));
	for (i = 0; i < n; i++) {
		seq_printf(m, "waiter:\t%d %s %llu\n", pid_nr_ns(parked[i].pid, ns),
			   chan_wait_reason(parked[i].reason),
			   parked[i].waited);
		put_pid(parked[i].pid);
	}
}

static void chan_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct chan_file *f = file->private_data;
	struct chan_info info = {};

	chan_control_info(f->chan, &info);
	seq_printf(m, "chan-id:\t%llu\n", info.id);
	seq_printf(m, "chan-name:\t%s\n", info.name);
	seq_printf(m, "chan-flags:\t%s%s%s%s\n",
		   info.flags & CHAN_MESSAGE ? "message" : "fixed",
		   info.flags & CHAN_AUTOCLOSE ? ",autoclose" : "",
		   info.flags & CHAN_NAMED ? ",named" : "",
		   info.flags & CHAN_TIMER ? ",timer" : "");
	seq_printf(m, "state:\t%s\n", chan_state_name(info.state));
	seq_printf(m, "elem-size:\t%u\n", info.elem_size);
	seq_printf(m, "cap:\t%llu\n", info.cap);
	seq_printf(m, "len:\t%llu\n", info.len);
	seq_printf(m, "recvq:\t%u\n", info.recvq);
	seq_printf(m, "sendq:\t%u\n", info.sendq);
	seq_printf(m, "parks:\t%ld\n", atomic_long_read(&f->parks));
	show_waiters(m, f->chan, &f->chan->recvq);
	show_waiters(m, f->chan, &f->chan->sendq);
}

/* Takes over the caller's reference to @c, and on failure drops it. */
static struct chan_file *file_state_new(struct chan *c)
{
	struct chan_file *f;

	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		goto put_chan;
	f->user = chan_user_current(c->user);
	if (!f->user)
		goto free_state;
	f->chan = c;
	return f;

free_state:
	kfree(f);
put_chan:
	chan_put(c);
	return NULL;
}

static void file_state_free(struct chan_file *f, fmode_t mode)
{
	if (f->end)
		chan_drop_end(f->chan, mode);
	if (f->rest) {
		chan_elem_drop(&f->rest->elem);
		kfree(f->rest);
	}
	chan_user_put(f->user);
	chan_put(f->chan);
	kfree(f);
}

static int chan_release(struct inode *inode, struct file *file)
{
	file_state_free(file->private_data, file->f_mode);
	return 0;
}

/*
 * No position, and non-blocking calls that really do not block.  It becomes an end
 * only now that nothing can fail: to cease to be one may close the channel.
 */
static void set_up_file(struct file *file, bool end)
{
	struct chan_file *f = file->private_data;

	stream_open(file_inode(file), file);
	file->f_mode |= FMODE_NOWAIT;
	f->end = end;
	if (end)
		chan_add_end(f->chan, file->f_mode);
}

static int chan_open(struct inode *inode, struct file *file)
{
	struct chan *c;

	/* The VFS would find that out later, when to end may already close a channel. */
	if (file->f_flags & O_DIRECT)
		return -EINVAL;
	c = chan_node_find(inode);
	if (!c)
		return -ENXIO;
	file->private_data = file_state_new(c);
	if (!file->private_data)
		return -ENOMEM;
	set_up_file(file, true);
	return 0;
}

const struct file_operations chan_fops = {
	.owner = THIS_MODULE,
	.open = chan_open,
	.release = chan_release,
	.read_iter = chan_read_iter,
	.write_iter = chan_write_iter,
	.poll = chan_poll,
	.unlocked_ioctl = chan_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = chan_show_fdinfo,
};

/**
 * chan_file_new() - a new open file description which is in no directory
 * @c: the channel; takes a reference of its own.
 * @fd_flags: O_RDONLY, O_WRONLY or O_RDWR; O_NONBLOCK.
 * @end: whether it counts as an end for AUTOCLOSE.
 *
 * May sleep.
 *
 * Return: the file or an error pointer.
 */
struct file *chan_file_new(struct chan *c, unsigned int fd_flags, bool end)
{
	unsigned int flags = fd_flags & (O_ACCMODE | O_NONBLOCK);
	struct chan_file *f;
	struct file *file;

	chan_get(c);
	f = file_state_new(c);
	if (!f)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_getfile("[chan]", &chan_fops, f, flags);
	if (IS_ERR(file))
		file_state_free(f, 0);
	else
		set_up_file(file, end);
	return file;
}
