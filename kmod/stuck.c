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
static u64 count;

/* Rounds in which somebody was taken out, before the search is given up. */
#define MOST_ROUNDS	64

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
	/* Pairs with chan_park(): all of its entries are queued. */
	return wait && smp_load_acquire(&wait->asleep) && !chan_has_winner(wait) &&
	       READ_ONCE(g->state) == CHAN_GO_WAITING && !wait->timed &&
	       wait->how->until == KTIME_MAX;
}

static bool may_be_stuck(struct chan_g *g)
{
	bool may;

	spin_lock(&g->lock);
	may = waits_for_ever(g);
	g->stuck_parks = g->parks;
	spin_unlock(&g->lock);
	return may && !READ_ONCE(g->task->ptrace) && !chan_has_uring(g->task) &&
	       !has_handlers(g->task);
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

/*
 * Whether so many threads use the descriptors @files of @task, and nobody else; with @explain,
 * the entries are explained.  Who is parked may be killed all the same, so it is the lock that
 * keeps the table.
 */
static bool look_at_table(struct task_struct *task, const struct files_struct *files,
			  unsigned int threads, bool explain)
{
	bool own;

	task_lock(task);
	own = files && task->files == files && atomic_read(&files->count) == threads;
	if (own && explain)
		iterate_fd(task->files, 0, explain_entry, NULL);
	task_unlock(task);
	return own;
}

/*
 * Whether all threads of a process are stuck goroutines that share their descriptors with
 * nobody else; with @explain, what these descriptors refer to is explained then.
 */
static bool process_is_stuck(struct chan_domain *domain, bool explain)
{
	struct files_struct *files;
	struct task_struct *task;
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	if (list_empty(&domain->goroutines))
		return false;
	task = list_first_entry(&domain->goroutines, struct chan_g, siblings)->task;
	files = READ_ONCE(task->files);
	list_for_each_entry(g, &domain->goroutines, siblings)
		if (!g->stuck || READ_ONCE(g->task->files) != files)
			return false;
	return get_nr_threads(task) == domain->n && !has_timers(task) &&
	       look_at_table(task, files, domain->n, explain);
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

static bool explain_domain(struct chan_domain *domain)
{
	struct chan_g *g;

	mutex_lock(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings)
		if (g->stuck)
			explain_call(g);
	process_is_stuck(domain, true);
	mutex_unlock(&domain->lock);
	return false;
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
static bool suspect(struct chan_domain *domain, bool again)
{
	struct chan_g *g;

	mutex_lock(&domain->lock);
	chan_domain_reap(domain);
	list_for_each_entry(g, &domain->goroutines, siblings)
		g->stuck = (!again || (g->stuck && has_stayed(g))) && may_be_stuck(g);
	mutex_unlock(&domain->lock);
	return false;
}

static bool suspect_all(struct chan_domain *domain)
{
	return suspect(domain, false);
}

static bool suspect_again(struct chan_domain *domain)
{
	return suspect(domain, true);
}

/* Take out those who are not; returns whether there was one. */
static bool narrow(struct chan_domain *domain, bool (*is_stuck)(struct chan_g *g))
{
	bool narrowed = false;
	struct chan_g *g;

	mutex_lock(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (!g->stuck || is_stuck(g))
			continue;
		g->stuck = false;
		narrowed = true;
	}
	mutex_unlock(&domain->lock);
	return narrowed;
}

static bool take_out_reachable(struct chan_domain *domain)
{
	return narrow(domain, all_out_of_reach);
}

static bool take_out_moved(struct chan_domain *domain)
{
	return narrow(domain, has_stayed);
}

static bool nobody(struct chan_g *g)
{
	return false;
}

static bool take_out_all(struct chan_domain *domain)
{
	return narrow(domain, nobody);
}

/* Do something with a domain, or with all if @only is NULL; returns whether any said so. */
static bool each(struct chan_domain *only, bool (*fn)(struct chan_domain *domain))
{
	struct chan_domain *domain;
	bool any = false;

	if (only)
		return fn(only);
	lockdep_assert_held(&chan_domains_lock);
	list_for_each_entry(domain, &chan_domains, siblings) {
		any |= fn(domain);
		cond_resched();
	}
	return any;
}

/* Returns whether everybody found stayed where they were all the time. */
static bool look(struct chan_domain *only, bool (*begin)(struct chan_domain *domain))
{
	int rounds = 0;

	each(only, begin);
	do {
		if (++rounds > MOST_ROUNDS)
			return false;
		count++;
		each(only, explain_domain);
	} while (each(only, take_out_reachable));
	return !each(only, take_out_moved);
}

static void look_twice(struct chan_domain *only)
{
	lockdep_assert_held(&chan_stuck_mutex);
	if (!look(only, suspect_all) || !look(only, suspect_again))
		each(only, take_out_all);
}

/**
 * chan_find_stuck() - find out who is stuck, in all domains
 *
 * What it finds is valid as long as chan_stuck_mutex is held: chan_g.stuck.  May sleep.
 */
void chan_find_stuck(void)
{
	mutex_lock(&chan_domains_lock);
	look_twice(NULL);
	mutex_unlock(&chan_domains_lock);
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
	is = process_is_stuck(domain, false);
	mutex_unlock(&domain->lock);
	return is;
}
