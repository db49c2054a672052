// SPDX-License-Identifier: GPL-2.0-only
/*
 * All channels, and who waits for each in which order: debugfs, chan/channels.
 */
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "chan.h"
#include "debugfs.h"
#include "g.h"
#include "node.h"

/* So many entries of a queue are looked at, as its channel is locked meanwhile. */
#define CHAN_LISTED	64

/**
 * struct queued - an entry in a queue, as it was
 * @since: when its call parked.
 * @g: number of the goroutine, or 0 if it is none.
 * @tid: the thread.
 * @reason: why it sleeps.
 * @name: of the goroutine, or else of the thread.
 */
struct queued {
	ktime_t since;
	u64 g;
	pid_t tid;
	enum chan_wait_reason reason;
	char name[CHAN_GO_NAME_MAX];
};

/**
 * struct queue_view - a queue, as it was
 * @n: how many waited; behind the first CHAN_LISTED there may be some whose wait has just
 *	ended.
 * @listed: how many of them are in @first.
 * @first: the first ones.
 */
struct queue_view {
	unsigned int n;
	unsigned int listed;
	struct queued first[CHAN_LISTED];
};

/**
 * struct channel_view - a channel, as it was at some moment
 * @at: when that was.
 * @info: what is told of it.
 * @recvq: who waits to receive.
 * @sendq: who waits to send.
 */
struct channel_view {
	ktime_t at;
	struct chan_info info;
	struct queue_view recvq;
	struct queue_view sendq;
};

static_assert(TASK_COMM_LEN <= CHAN_GO_NAME_MAX);

/*
 * The wait does not vanish: who is queued takes the channel's lock to leave.  So the task that
 * waits is there, and the goroutine, to which the wait has a reference.
 */
static void look_at_waiter(const struct chan_wait *wait, struct queued *queued)
{
	queued->since = chan_wait_since(wait);
	queued->reason = wait->reason;
	queued->tid = task_pid_nr(wait->task);
	queued->g = chan_g_id(wait->g);
	if (wait->g)
		strscpy(queued->name, wait->g->name, sizeof(queued->name));
	else
		/* It may change meanwhile, and then it is some of each.  It always ends. */
		strscpy(queued->name, wait->task->comm, TASK_COMM_LEN);
}

/* Whose wait has ended, and has not left yet, does not wait. */
static void look_at_queue(const struct chan_queue *q, struct queue_view *view)
{
	const struct chan_waiter *w;
	unsigned int looked = 0;

	view->n = q->n;
	view->listed = 0;
	hlist_for_each_entry(w, &q->list.head, link) {
		if (looked++ == CHAN_LISTED)
			break;
		if (chan_has_winner(w->wait))
			view->n--;
		else
			look_at_waiter(w->wait, &view->first[view->listed++]);
	}
}

static void look_at_channel(struct chan *c, struct channel_view *view)
{
	spin_lock(&c->lock);
	view->at = ktime_get();
	chan_get_info_locked(c, &view->info);
	look_at_queue(&c->recvq, &view->recvq);
	look_at_queue(&c->sendq, &view->sendq);
	spin_unlock(&c->lock);
}

static void show_name(struct seq_file *m, const struct chan *c)
{
	/* It may get its name just now. */
	const struct chan_node *node = smp_load_acquire(&c->node);

	if (node)
		seq_printf(m, " (%s)", chan_node_name(node));
}

static void show_info(struct seq_file *m, const struct chan_info *info)
{
	seq_printf(m, " [%s%s%s%s]:\n", chan_state_name(info->state),
		   info->flags & CHAN_MESSAGE ? ", message" : "",
		   info->flags & CHAN_AUTOCLOSE ? ", autoclose" : "",
		   info->flags & CHAN_TIMER ? ", timer" : "");
	seq_printf(m, "\tlen %llu, cap %llu, elem_size %u\n", info->len, info->cap,
		   info->elem_size);
	seq_printf(m, "\tsends %llu, receives %llu, handoffs %llu", info->sends, info->receives,
		   info->handoffs);
	seq_printf(m, ", recv_parks %llu, send_parks %llu", info->recv_parks, info->send_parks);
	seq_printf(m, ", aborts %llu, lost %llu\n", info->aborts, info->lost);
}

static void show_queued(struct seq_file *m, const struct queued *queued, ktime_t at)
{
	if (queued->g)
		seq_printf(m, "\t\tgoroutine %llu", queued->g);
	else
		seq_printf(m, "\t\tthread %d", queued->tid);
	seq_printf(m, " [%s, ", chan_wait_reason(queued->reason));
	chan_debugfs_show_seconds(m, queued->since, at);
	seq_puts(m, "]: ");
	if (queued->g)
		seq_printf(m, "%s() in thread %d", queued->name, queued->tid);
	else
		chan_debugfs_show_comm(m, queued->name);
	seq_putc(m, '\n');
}

/* A select may have begun to wait before it came to this queue. */
static ktime_t oldest(const struct queue_view *view)
{
	ktime_t since = KTIME_MAX;
	unsigned int i;

	for (i = 0; i < view->listed; i++)
		since = min(since, view->first[i].since);
	return since;
}

static void show_queue(struct seq_file *m, const struct queue_view *view, const char *what,
		       ktime_t at)
{
	unsigned int i;

	if (!view->n)
		return;
	seq_printf(m, "\t%u to %s", view->n, what);
	if (view->listed) {
		seq_puts(m, ", the oldest for ");
		chan_debugfs_show_seconds(m, oldest(view), at);
	}
	seq_puts(m, ":\n");
	for (i = 0; i < view->listed; i++)
		show_queued(m, &view->first[i], at);
	if (view->n > view->listed)
		seq_printf(m, "\t\tand %u more\n", view->n - view->listed);
}

static int channels_show(struct seq_file *m, void *v)
{
	struct channel_view *view = m->private;
	struct chan *c = v;

	look_at_channel(c, view);
	seq_printf(m, "channel %llu", c->id);
	show_name(m, c);
	show_info(m, &view->info);
	show_queue(m, &view->recvq, "receive", view->at);
	show_queue(m, &view->sendq, "send", view->at);
	seq_putc(m, '\n');
	return 0;
}

static void *channels_start(struct seq_file *m, loff_t *pos)
{
	return chan_from(*pos);
}

static void *channels_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct chan *c = v;

	*pos = c->id + 1;
	return chan_next(c);
}

static void channels_stop(struct seq_file *m, void *v)
{
	if (v)
		chan_put(v);
}

static const struct seq_operations channels_ops = {
	.start = channels_start,
	.next = channels_next,
	.stop = channels_stop,
	.show = channels_show,
};

static int channels_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &channels_ops, sizeof(struct channel_view));
}

const struct file_operations chan_debugfs_channels = {
	.owner = THIS_MODULE,
	.open = channels_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};
