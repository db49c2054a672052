// SPDX-License-Identifier: GPL-2.0-only
/*
 * What root may see of all goroutines: debugfs, chan/goroutines.  It is for people, and resembles
 * what Go prints.
 */
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include "chan.h"
#include "compat.h"
#include "g.h"
#include "stuck.h"

#define CHAN_STACK_DEPTH	16

static struct dentry *dir;

static void show_seconds(struct seq_file *m, ktime_t since)
{
	s64 ns = max_t(s64, ktime_get() - since, 0);
	u32 rest;
	u64 s = div_u64_rem(ns, NSEC_PER_SEC, &rest);

	seq_printf(m, "%llu.%09us", s, rest);
}

static void show_headline(struct seq_file *m, const struct chan_g *g,
			  const struct chan_go_info *info)
{
	bool waits = info->state == CHAN_GO_WAITING;

	seq_printf(m, "goroutine %llu [%s%s", g->id,
		   waits ? chan_wait_reason(info->reason) : chan_g_state(info->state),
		   chan_is_stuck(g) ? " (leaked)" : "");
	if (waits) {
		seq_puts(m, ", ");
		show_seconds(m, info->since);
	}
	seq_printf(m, "]:\n%s()\n", g->name);
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

/* Of a task that runs it would be out of date before it is printed. */
static void show_stack(struct seq_file *m, struct pid *pid)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	unsigned long frames[CHAN_STACK_DEPTH];
	unsigned int n, i;

	if (!task)
		return;
	n = chan_stack_of(task, frames, CHAN_STACK_DEPTH);
	put_task_struct(task);

	for (i = 0; i < n; i++)
		seq_printf(m, "\t%pS\n", (void *)frames[i]);
}

static void show_goroutine(struct seq_file *m, struct chan_g *g)
{
	struct chan_go_info info = {};

	chan_g_tell_wait(g, &info);
	show_headline(m, g, &info);
	if (info.state == CHAN_GO_WAITING) {
		show_cases(m, &info);
		show_stack(m, g->pid);
	}
	seq_printf(m, "\tin thread %d\n", pid_nr(g->pid));
	if (g->creator)
		seq_printf(m, "created by goroutine %llu\n", g->creator);
	seq_putc(m, '\n');
}

static void show_domain(struct seq_file *m, struct chan_domain *domain)
{
	struct task_struct *task = get_pid_task(domain->tgid, PIDTYPE_TGID);
	struct chan_g *g;

	mutex_lock(&domain->lock);
	chan_domain_reap(domain);
	seq_printf(m, "process %d (", pid_nr(domain->tgid));
	seq_escape_str(m, task ? task->comm : "gone", ESCAPE_SPACE | ESCAPE_SPECIAL, NULL);
	seq_printf(m, "), domain %llu, goroutines %u, looks %u:\n\n", domain->id, domain->n,
		   READ_ONCE(domain->looks));
	list_for_each_entry(g, &domain->goroutines, siblings)
		show_goroutine(m, g);
	mutex_unlock(&domain->lock);
	if (task)
		put_task_struct(task);
}

static int goroutines_show(struct seq_file *m, void *unused)
{
	struct chan_domain *domain;
	int ret = mutex_lock_killable(&chan_stuck_mutex);

	if (ret)
		return ret;
	ret = chan_find_stuck();
	if (ret)
		goto unlock;
	mutex_lock(&chan_domains_lock);
	list_for_each_entry(domain, &chan_domains, siblings)
		show_domain(m, domain);
	mutex_unlock(&chan_domains_lock);
unlock:
	mutex_unlock(&chan_stuck_mutex);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(goroutines);

void chan_debugfs_init(void)
{
	dir = debugfs_create_dir("chan", NULL);
	debugfs_create_file("goroutines", 0400, dir, NULL, &goroutines_fops);
}

void chan_debugfs_exit(void)
{
	debugfs_remove_recursive(dir);
}
