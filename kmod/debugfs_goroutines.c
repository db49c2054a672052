// SPDX-License-Identifier: GPL-2.0-only
/*
 * All goroutines, what each waits for, and who is leaked: debugfs, chan/goroutines.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "chan.h"
#include "compat.h"
#include "debugfs.h"
#include "g.h"
#include "stuck.h"

#define CHAN_STACK_DEPTH	16

/* More than were counted, as some may come before they are written down. */
#define CHAN_SPARE		16

/**
 * struct process - a domain, as it was
 * @pid: its process.
 * @comm: the name of that.
 * @domain: its number.
 * @n: how many goroutines there were.
 * @looks: how often it was looked whether it is a deadlock.
 */
struct process {
	pid_t pid;
	char comm[TASK_COMM_LEN];
	u64 domain;
	unsigned int n;
	u32 looks;
};

/**
 * struct goroutine - a goroutine, as it was
 * @info: what is told of it, with the times and pids of the kernel.
 * @depth: how many frames of its stack there are.
 * @stack: in the kernel, the innermost first.
 */
struct goroutine {
	struct chan_go_info info;
	unsigned int depth;
	unsigned long stack[CHAN_STACK_DEPTH];
};

/* What is shown in one piece: a process, or one of the goroutines that follow it. */
struct record {
	bool is_process;
	union {
		struct process p;
		struct goroutine g;
	};
};

/**
 * struct snapshot - what there was when the file was opened
 * @at: when that was.
 * @unsure: others were too busy to say who is leaked.
 * @room: how many records fit in.
 * @n: how many there were, which may be more.
 * @records: of them.
 */
struct snapshot {
	ktime_t at;
	bool unsure;
	size_t room;
	size_t n;
	struct record records[];
};

/* ---- to write them down ---- */

/* One to fill in, or NULL if there is no more room. */
static struct record *next_record(struct snapshot *s)
{
	struct record *r = s->n < s->room ? &s->records[s->n] : NULL;

	s->n++;
	if (r)
		memset(r, 0, sizeof(*r));
	return r;
}

/* Of a task that runs it would be out of date before it is printed. */
static void take_stack(struct goroutine *to, const struct chan_g *g)
{
	struct task_struct *task;

	if (to->info.state != CHAN_GO_WAITING)
		return;
	task = get_pid_task(g->pid, PIDTYPE_PID);
	if (!task)
		return;
	to->depth = chan_stack_of(task, to->stack, CHAN_STACK_DEPTH);
	put_task_struct(task);
}

static void take_goroutine(struct snapshot *s, struct chan_g *g)
{
	struct record *r = next_record(s);
	struct chan_go_info *info;

	if (!r)
		return;
	info = &r->g.info;
	chan_g_tell_wait(g, info);
	info->id = g->id;
	info->creator = g->creator;
	info->tid = pid_nr(g->pid);
	strscpy(info->name, g->name, sizeof(info->name));
	if (chan_is_stuck(g) && info->state == CHAN_GO_WAITING)
		info->flags |= CHAN_GO_LEAKED;
	take_stack(&r->g, g);
}

static void take_process(struct snapshot *s, const struct chan_domain *domain)
{
	struct task_struct *task = get_pid_task(domain->tgid, PIDTYPE_TGID);
	struct record *r = next_record(s);

	if (r) {
		r->is_process = true;
		r->p.pid = pid_nr(domain->tgid);
		r->p.domain = domain->id;
		r->p.n = domain->n;
		r->p.looks = READ_ONCE(domain->looks);
		if (task)
			get_task_comm(r->p.comm, task);
		else
			strscpy(r->p.comm, "gone", sizeof(r->p.comm));
	}
	if (task)
		put_task_struct(task);
}

static int take_domain(struct snapshot *s, struct chan_domain *domain)
{
	int ret = mutex_lock_killable(&domain->lock);
	struct chan_g *g;

	if (ret)
		return ret;
	chan_domain_reap(domain);
	s->unsure |= chan_was_busy(domain);
	/* One that has been closed may still be there for those who are parked. */
	if (domain->n || domain->n_helpers || READ_ONCE(domain->watched))
		take_process(s, domain);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		take_goroutine(s, g);
		cond_resched();
	}
	mutex_unlock(&domain->lock);
	return 0;
}

static int take_domains(struct snapshot *s)
{
	struct chan_domain *domain;
	int ret;

	chan_for_each_domain(domain) {
		ret = take_domain(s, domain);
		if (ret) {
			chan_domain_put(domain);
			return ret;
		}
	}
	return 0;
}

/* Who is leaked is known as long as the mutex is held. */
static int take_all(struct snapshot *s)
{
	ktime_t asked = ktime_get();
	int ret = mutex_lock_killable(&chan_stuck_mutex);

	if (ret)
		return ret;
	ret = chan_find_stuck(asked);
	s->at = ktime_get();
	s->unsure = ret == -EAGAIN;
	if (!ret || s->unsure)
		ret = take_domains(s);
	mutex_unlock(&chan_stuck_mutex);
	return ret;
}

static size_t count_records(void)
{
	struct chan_domain *domain;
	size_t n = 0;

	chan_for_each_domain(domain)
		n += 1 + READ_ONCE(domain->n);
	return n;
}

/* With more in it than there is room for, if that many have come meanwhile. */
static struct snapshot *try_snapshot(void)
{
	size_t room = count_records();
	struct snapshot *s;
	int ret;

	room += room / 8 + CHAN_SPARE;
	s = kvmalloc(struct_size(s, records, room), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->room = room;
	s->n = 0;
	ret = take_all(s);
	if (!ret)
		return s;
	kvfree(s);
	return ERR_PTR(ret);
}

static struct snapshot *take_snapshot(void)
{
	struct snapshot *s;

	for (;;) {
		s = try_snapshot();
		if (IS_ERR(s) || s->n <= s->room)
			return s;
		kvfree(s);
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
}

/* ---- to show them ---- */

static void show_headline(struct seq_file *m, const struct chan_go_info *info, ktime_t at)
{
	bool waits = info->state == CHAN_GO_WAITING;

	seq_printf(m, "goroutine %llu [%s%s", info->id,
		   waits ? chan_wait_reason(info->reason) : chan_g_state(info->state),
		   info->flags & CHAN_GO_LEAKED ? " (leaked)" : "");
	if (waits) {
		seq_puts(m, ", ");
		chan_debugfs_show_seconds(m, info->since, at);
	}
	seq_printf(m, "]:\n%s()\n", info->name);
}

static void show_cases(struct seq_file *m, const struct chan_go_info *info)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, info->cases, CHAN_GO_CASES); i++)
		seq_printf(m, "\t%s channel %llu\n",
			   info->where[i].dir == CHAN_DIR_SEND ? "to send on" : "to receive from",
			   info->where[i].chan);
	if (info->cases > CHAN_GO_CASES)
		seq_printf(m, "\tand %u cases more\n", info->cases - CHAN_GO_CASES);
	if (info->flags & CHAN_GO_BOUNDED)
		seq_puts(m, "\tor until a time\n");
}

static void show_goroutine(struct seq_file *m, const struct goroutine *g, ktime_t at)
{
	unsigned int i;

	show_headline(m, &g->info, at);
	if (g->info.state == CHAN_GO_WAITING)
		show_cases(m, &g->info);
	for (i = 0; i < g->depth; i++)
		seq_printf(m, "\t%pS\n", (void *)g->stack[i]);
	seq_printf(m, "\tin thread %d\n", g->info.tid);
	if (g->info.creator)
		seq_printf(m, "created by goroutine %llu\n", g->info.creator);
	seq_putc(m, '\n');
}

static void show_process(struct seq_file *m, const struct process *p)
{
	seq_printf(m, "process %d (", p->pid);
	chan_debugfs_show_comm(m, p->comm);
	seq_printf(m, "), domain %llu, goroutines %u, looks %u:\n\n", p->domain, p->n, p->looks);
}

static int goroutines_show(struct seq_file *m, void *v)
{
	const struct snapshot *s = m->private;
	const struct record *r = v;

	if (s->unsure && r == s->records)
		seq_puts(m, "some goroutines are too busy to say who is leaked\n\n");
	if (r->is_process)
		show_process(m, &r->p);
	else
		show_goroutine(m, &r->g, s->at);
	return 0;
}

static void *goroutines_start(struct seq_file *m, loff_t *pos)
{
	struct snapshot *s = m->private;

	return *pos < s->n ? &s->records[*pos] : NULL;
}

static void *goroutines_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return goroutines_start(m, pos);
}

static void goroutines_stop(struct seq_file *m, void *v)
{
}

static const struct seq_operations goroutines_ops = {
	.start = goroutines_start,
	.next = goroutines_next,
	.stop = goroutines_stop,
	.show = goroutines_show,
};

static int goroutines_open(struct inode *inode, struct file *file)
{
	struct snapshot *s = take_snapshot();
	int ret;

	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = seq_open(file, &goroutines_ops);
	if (ret)
		kvfree(s);
	else
		((struct seq_file *)file->private_data)->private = s;
	return ret;
}

static int goroutines_release(struct inode *inode, struct file *file)
{
	kvfree(((struct seq_file *)file->private_data)->private);
	return seq_release(inode, file);
}

const struct file_operations chan_debugfs_goroutines = {
	.owner = THIS_MODULE,
	.open = goroutines_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = goroutines_release,
};
