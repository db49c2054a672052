// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is stuck.  stuck.h says what that is and why it is true.
 */
#include <linux/atomic.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/signal.h>

#include "chan.h"
#include "compat.h"
#include "file.h"
#include "g.h"
#include "stuck.h"

/* The real-time signals which C libraries keep for messages among their own threads. */
#define FIRST_OF_LIBC	32
#define LAST_OF_LIBC	33

DEFINE_MUTEX(chan_stuck_mutex); /* what is found */

/* The present count of references.  What was found in an older one is void. */
static u32 count;

/* Whether to look at a domain: at one, or at all if @only is NULL. */
static bool is_looked_at(const struct chan_domain *only, const struct chan_domain *domain)
{
	return !only || only == domain;
}

/* ---- who may be stuck ---- */

/* Whether a signal could make the task do something: end its call, or leave it by a jump. */
static bool has_handlers(struct task_struct *task)
{
	struct sighand_struct *sighand;
	bool found = false;
	int sig;

	rcu_read_lock();
	sighand = rcu_dereference(task->sighand);
	for (sig = 1; sighand && sig <= _NSIG && !found; sig++) {
		const struct sigaction *sa = &sighand->action[sig - 1].sa;

		if (sig >= FIRST_OF_LIBC && sig <= LAST_OF_LIBC)
			continue;
		if (sa->sa_handler == SIG_DFL || sa->sa_handler == SIG_IGN)
			continue;
		found = !sigismember(&task->blocked, sig);
	}
	found |= !sighand;
	rcu_read_unlock();
	return found;
}

static bool waits_for_ever(struct chan_g *g)
{
	const struct chan_wait *wait = g->wait;

	lockdep_assert_held(&g->lock);
	return wait && READ_ONCE(g->state) == CHAN_GO_WAITING && !chan_has_winner(wait) &&
	       !wait->timed && wait->how->until == KTIME_MAX;
}

static bool may_be_stuck(struct chan_g *g)
{
	bool may;

	spin_lock(&g->lock);
	may = waits_for_ever(g);
	g->stuck_parks = g->parks;
	spin_unlock(&g->lock);
	return may && !READ_ONCE(g->task->ptrace) && !has_handlers(g->task);
}

static bool has_stayed(struct chan_g *g)
{
	bool has;

	spin_lock(&g->lock);
	has = waits_for_ever(g) && g->parks == g->stuck_parks;
	spin_unlock(&g->lock);
	return has;
}

static bool has_timers(struct task_struct *task)
{
	return chan_has_itimer(task->signal) || chan_has_posix_timers(task->signal);
}

/*
 * Whether all threads of a process are stuck goroutines that share their descriptors with
 * nobody else.  What is parked does not exit, so its descriptor table stays.
 */
static bool process_is_stuck(struct chan_domain *domain)
{
	struct files_struct *files = NULL;
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (!g->stuck || (files && READ_ONCE(g->task->files) != files))
			return false;
		files = READ_ONCE(g->task->files);
	}
	if (!files || atomic_read(&files->count) != domain->n)
		return false;
	g = list_first_entry(&domain->goroutines, struct chan_g, siblings);
	return get_nr_threads(g->task) == domain->n && !has_timers(g->task);
}

/* ---- what refers to channels ---- */

/* One of the references to @file is explained. */
static void explain(struct file *file)
{
	struct chan_found *found;
	struct chan *c;

	lockdep_assert_held(&chan_stuck_mutex);
	if (!chan_file_is_channel(file))
		return;
	c = chan_file_chan(file);
	found = &c->found;
	if (found->count != count)
		*found = (struct chan_found){ .count = count };
	if (chan_file_is_new(file, count)) {
		found->files++;
		found->unexplained += file_count(file);
	}
	found->unexplained--;
}

static int explain_entry(const void *unused, struct file *file, unsigned int fd)
{
	explain(file);
	return 0;
}

/* The descriptor of a call is counted only where other threads could close it. */
static void explain_call(struct chan_g *g)
{
	const struct chan_blocking *how;
	unsigned int i;

	spin_lock(&g->lock);
	if (waits_for_ever(g)) {
		how = g->wait->how;
		if (how->file && g->shares_files)
			explain(how->file);
		for (i = 0; i < how->n_held; i++)
			explain(how->held[i]);
	}
	spin_unlock(&g->lock);
}

static void explain_table(struct chan_domain *domain)
{
	struct task_struct *task;

	task = list_first_entry(&domain->goroutines, struct chan_g, siblings)->task;
	task_lock(task);
	if (task->files)
		iterate_fd(task->files, 0, explain_entry, NULL);
	task_unlock(task);
}

static void explain_domain(struct chan_domain *domain)
{
	struct chan_g *g;

	mutex_lock(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings)
		if (g->stuck)
			explain_call(g);
	if (process_is_stuck(domain))
		explain_table(domain);
	mutex_unlock(&domain->lock);
}

/* ---- who is ---- */

static bool is_out_of_reach(struct chan *c)
{
	const struct chan_found *found = &c->found;

	return found->count == count && !found->unexplained &&
	       found->files == kref_read(&c->refs) && !c->node && !c->timer &&
	       !chan_has_ended(c);
}

static bool all_out_of_reach(struct chan_g *g)
{
	unsigned int i;
	bool all;

	spin_lock(&g->lock);
	all = waits_for_ever(g);
	for (i = 0; all && i < g->wait->n; i++)
		all = is_out_of_reach(g->wait->waiters[i].chan);
	spin_unlock(&g->lock);
	return all;
}

/* Begin with all who may be; of those, in a second look, who was found in the first. */
static void suspect(const struct chan_domain *only, bool again)
{
	struct chan_domain *domain;
	struct chan_g *g;

	list_for_each_entry(domain, &chan_domains, siblings) {
		if (!is_looked_at(only, domain))
			continue;
		mutex_lock(&domain->lock);
		chan_domain_reap(domain);
		list_for_each_entry(g, &domain->goroutines, siblings)
			g->stuck = (!again || (g->stuck && has_stayed(g))) && may_be_stuck(g);
		mutex_unlock(&domain->lock);
	}
}

/* Take out those who are not; returns whether there was one. */
static bool narrow(const struct chan_domain *only, bool (*is_stuck)(struct chan_g *g))
{
	struct chan_domain *domain;
	bool narrowed = false;
	struct chan_g *g;

	list_for_each_entry(domain, &chan_domains, siblings) {
		if (!is_looked_at(only, domain))
			continue;
		mutex_lock(&domain->lock);
		list_for_each_entry(g, &domain->goroutines, siblings) {
			if (!g->stuck || is_stuck(g))
				continue;
			g->stuck = false;
			narrowed = true;
		}
		mutex_unlock(&domain->lock);
		cond_resched();
	}
	return narrowed;
}

/* Returns whether everybody found stayed where they were all the time. */
static bool look(const struct chan_domain *only, bool again)
{
	struct chan_domain *domain;

	lockdep_assert_held(&chan_domains_lock);
	suspect(only, again);
	do {
		count++;
		list_for_each_entry(domain, &chan_domains, siblings)
			if (is_looked_at(only, domain))
				explain_domain(domain);
	} while (narrow(only, all_out_of_reach));
	return !narrow(only, has_stayed);
}

static bool nobody(struct chan_g *g)
{
	return false;
}

static void look_twice(const struct chan_domain *only)
{
	lockdep_assert_held(&chan_stuck_mutex);
	mutex_lock(&chan_domains_lock);
	if (!look(only, false) || !look(only, true))
		narrow(only, nobody);
	mutex_unlock(&chan_domains_lock);
}

/**
 * chan_find_stuck() - find out who is stuck, in all domains
 *
 * What it finds is valid as long as chan_stuck_mutex is held: chan_g.stuck.  May sleep.
 */
void chan_find_stuck(void)
{
	look_twice(NULL);
}

/**
 * chan_is_deadlocked() - whether all threads of a process are stuck, by themselves
 * @domain: the goroutines of the process; chan_stuck_mutex is held.
 *
 * May sleep.
 *
 * Return: whether they are.
 */
bool chan_is_deadlocked(struct chan_domain *domain)
{
	bool is;

	look_twice(domain);
	mutex_lock(&domain->lock);
	is = process_is_stuck(domain);
	mutex_unlock(&domain->lock);
	return is;
}
