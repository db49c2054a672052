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

/* Entries of a queue, and of a table, that are looked at while others spin for the lock. */
#define BATCH		64
#define TABLE_BATCH	1024

/* A larger table takes too long even if there is nothing in it. */
#define MOST_FDS	65536

/*
 * A look is void if somebody moves meanwhile, and the search is tried so often.  From one try on
 * processes are left out that have moved in it.
 */
#define MOST_TRIES	8
#define IGNORE_BUSY	4

DEFINE_MUTEX(chan_stuck_mutex); /* all that is found */

/*
 * The present search, its present look, and there the present count of references.  What was
 * found in older ones is void.
 */
static u64 search_nr;
static u64 look_nr;
static u32 count_nr;
static int tries;

/* The last search for leaks: when it began, what it returned, and in which look it found. */
static ktime_t searched_at;
static int searched;
static u64 searched_look;

/* Who began to wait later is too busy to be suspected. */
static u64 parked_before;

/* Suspects of whom it is not known yet whether they have stayed until they did not matter. */
static unsigned long suspects;

/* Somebody did something whose references were counted as those of a sleeper. */
static bool moved;

/* Who was taken out, and what that makes reachable, as long as it has not been followed. */
static struct chan_g *goroutines_left;
static struct chan *channels_left;
static struct chan_domain *processes_left;

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
		__sighandler_t handler = READ_ONCE(sighand->action[sig - 1].sa.sa_handler);

		if (sig >= FIRST_OF_LIBC && sig <= LAST_OF_LIBC)
			continue;
		if (handler == SIG_DFL || handler == SIG_IGN)
			continue;
		/* A task that changes it does not sleep, and is found to have moved. */
		found = !data_race(sigismember(&task->blocked, sig));
	}
	found |= !sighand;
	rcu_read_unlock();
	return found;
}

static bool can_do_nothing_else(struct task_struct *task)
{
	return !READ_ONCE(task->ptrace) && !chan_has_uring(task) && !has_handlers(task);
}

static bool waits_for_ever(struct chan_g *g)
{
	const struct chan_wait *wait = g->wait;

	lockdep_assert_held(&g->lock);
	/* Pairs with chan_park(): all of its entries are queued. */
	return wait && smp_load_acquire(&wait->queued) && !chan_has_winner(wait) &&
	       READ_ONCE(g->state) == CHAN_GO_WAITING && !READ_ONCE(wait->timed) &&
	       wait->how->until == KTIME_MAX && !signal_pending(wait->task);
}

/* Whether somebody there moved so much that of this domain nothing can be said. */
bool chan_was_busy(const struct chan_domain *domain)
{
	lockdep_assert_held(&chan_stuck_mutex);
	return domain->busy == search_nr;
}

bool chan_is_stuck(const struct chan_g *g)
{
	lockdep_assert_held(&chan_stuck_mutex);
	return g->stuck == look_nr;
}

static bool may_be_stuck(struct chan_g *g)
{
	bool may;

	spin_lock(&g->lock);
	may = waits_for_ever(g) && g->wait->since <= parked_before &&
	      can_do_nothing_else(g->wait->task);
	g->stuck_parks = g->parks;
	spin_unlock(&g->lock);
	return may;
}

static bool is_where_it_was(struct chan_g *g)
{
	lockdep_assert_held(&g->lock);
	return waits_for_ever(g) && g->parks == g->stuck_parks;
}

static bool has_stayed(struct chan_g *g)
{
	bool has;

	spin_lock(&g->lock);
	has = is_where_it_was(g);
	spin_unlock(&g->lock);
	return has;
}

static bool is_still_stuck(struct chan_g *g)
{
	bool is;

	spin_lock(&g->lock);
	is = is_where_it_was(g) && can_do_nothing_else(g->wait->task);
	spin_unlock(&g->lock);
	return is;
}

static void suspect_one(struct chan_g *g)
{
	g->stuck = look_nr;
	suspects++;
}

/* One whose references were counted has gone on. */
static void note_move(struct chan_domain *domain)
{
	moved = true;
	if (tries >= IGNORE_BUSY)
		domain->busy = search_nr;
}

static void clear(struct chan_g *g)
{
	g->stuck = 0;
	suspects--;
}

/* Begin with all who may be. */
static void suspect(struct chan_domain *domain)
{
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	chan_domain_reap(domain);
	if (chan_was_busy(domain))
		return;
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (may_be_stuck(g))
			suspect_one(g);
		cond_resched();
	}
}

/* In a second look begin with those who were found in the first. */
static void suspect_again(struct chan_domain *domain)
{
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (g->stuck == look_nr - 1 && is_still_stuck(g))
			suspect_one(g);
		cond_resched();
	}
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

	if (!chan_file_is_channel(file))
		return;
	c = chan_file_chan(file);
	found = &c->found;
	if (found->count != count_nr)
		*found = (struct chan_found){ .count = count_nr };
	/* A file is a reference to the channel, which is explained by that. */
	if (chan_file_is_new(file, count_nr))
		found->unexplained += file_count(file) - 1;
	found->unexplained--;
}

/* One that was is not any more: somebody who is not stuck has it. */
static void reach(struct file *file)
{
	struct chan *c;

	if (!chan_file_is_channel(file))
		return;
	c = chan_file_chan(file);
	/* Nobody who waits for a timer is suspected, and it needs its cursor itself. */
	if (c->found.count != count_nr || c->timer)
		return;
	/* What was counted is void, and it is followed once. */
	c->found.count = 0;
	chan_get(c);
	c->found.next_left = channels_left;
	channels_left = c;
}

/*
 * The files which the call of @g has references to; that of its descriptor only where other
 * threads could close it.
 */
static void each_file_of_call(struct chan_g *g, void (*fn)(struct file *file))
{
	const struct chan_blocking *how = g->wait->how;
	unsigned int i;

	lockdep_assert_held(&g->lock);
	if (how->file && g->shares_files)
		fn(how->file);
	for (i = 0; i < how->n_held; i++)
		fn(how->held[i]);
}

struct table_walk {
	void (*fn)(struct file *file);
	unsigned int budget;
};

static int walk_entry(const void *data, struct file *file, unsigned int fd)
{
	struct table_walk *walk = (struct table_walk *)data;

	walk->fn(file);
	return --walk->budget ? 0 : fd + 1;
}

static bool is_small(const struct files_struct *files)
{
	bool is;

	rcu_read_lock();
	is = files_fdtable(files)->max_fds <= MOST_FDS;
	rcu_read_unlock();
	return is;
}

/*
 * Whether so many threads use the descriptors @files of @task, and nobody else; if so, and if
 * there is a @fn, it is called for each of them.  Who is parked may be killed all the same, so
 * it is the lock that keeps the table.
 */
static bool walk_table(struct task_struct *task, const struct files_struct *files,
		       unsigned int threads, void (*fn)(struct file *file))
{
	struct table_walk walk = { .fn = fn };
	unsigned int fd = 0;
	bool own;

	do {
		walk.budget = TABLE_BATCH;
		task_lock(task);
		own = files && task->files == files &&
		      atomic_read(&files->count) == threads && is_small(files);
		fd = own && fn ? iterate_fd(task->files, fd, walk_entry, &walk) : 0;
		task_unlock(task);
		cond_resched();
	} while (fd);
	return own;
}

static struct files_struct *files_of(struct chan_g *g)
{
	struct files_struct *files = NULL;

	spin_lock(&g->lock);
	if (is_where_it_was(g))
		files = READ_ONCE(g->wait->task->files);
	spin_unlock(&g->lock);
	return files;
}

/* ---- processes ---- */

static struct chan_g *first_g(struct chan_domain *domain)
{
	return list_first_entry(&domain->goroutines, struct chan_g, siblings);
}

static unsigned int threads_of(const struct chan_domain *domain)
{
	return domain->n + domain->n_helpers;
}

/*
 * Whether the other threads, who use no channels, use no other descriptors either, and handle
 * no signals.
 */
static bool helpers_only_help(struct chan_domain *domain, const struct files_struct *files)
{
	struct chan_helper *helper;
	struct task_struct *task;
	bool all = true;

	rcu_read_lock();
	list_for_each_entry(helper, &domain->helpers, siblings) {
		task = pid_task(helper->pid, PIDTYPE_PID);
		all &= task && READ_ONCE(task->files) == files && can_do_nothing_else(task) &&
		       !chan_thread_is_g(helper->pid, helper->exec_id);
	}
	rcu_read_unlock();
	return all;
}

/*
 * Whether all threads of a process are goroutines that are stuck, or helpers, and share their
 * descriptors with nobody else.  @task is one of them.
 */
static bool all_threads_are_stuck(struct chan_domain *domain, struct task_struct *task)
{
	struct files_struct *files = files_of(first_g(domain));
	struct chan_g *g;

	if (get_nr_threads(task) != threads_of(domain) || has_timers(task))
		return false;
	list_for_each_entry(g, &domain->goroutines, siblings)
		if (!chan_is_stuck(g) || !files || files_of(g) != files)
			return false;
	return helpers_only_help(domain, files) &&
	       walk_table(task, files, threads_of(domain), NULL);
}

static struct task_struct *get_first_task(struct chan_domain *domain)
{
	if (list_empty(&domain->goroutines))
		return NULL;
	return get_pid_task(first_g(domain)->pid, PIDTYPE_PID);
}

static bool process_is_stuck(struct chan_domain *domain)
{
	struct task_struct *task = get_first_task(domain);
	bool is;

	lockdep_assert_held(&domain->lock);
	if (!task)
		return false;
	is = all_threads_are_stuck(domain, task);
	put_task_struct(task);
	return is;
}

/* The files in the table of a process that was found to be stuck; it must have stayed so. */
static void each_file_of_process(struct chan_domain *domain, void (*fn)(struct file *file))
{
	struct task_struct *task = get_first_task(domain);
	struct files_struct *files = task ? files_of(first_g(domain)) : NULL;
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	if (!task || !walk_table(task, files, threads_of(domain), fn))
		note_move(domain);
	list_for_each_entry(g, &domain->goroutines, siblings)
		if (!has_stayed(g))
			note_move(domain);
	if (task)
		put_task_struct(task);
}

/* What the call of a suspect refers to.  One who has moved was not counted yet, and is none. */
static void explain_call(struct chan_g *g)
{
	spin_lock(&g->lock);
	if (is_where_it_was(g))
		each_file_of_call(g, explain);
	else
		clear(g);
	spin_unlock(&g->lock);
}

/* Count what those who are suspected in @domain refer to. */
static void explain_domain(struct chan_domain *domain)
{
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (chan_is_stuck(g))
			explain_call(g);
		cond_resched();
	}
	if (!process_is_stuck(domain))
		return;
	domain->explained = count_nr;
	each_file_of_process(domain, explain);
}

/* ---- who is not stuck ---- */

static bool is_out_of_reach(struct chan *c)
{
	const struct chan_found *found = &c->found;

	return found->count == count_nr && !(found->unexplained + kref_read(&c->refs)) &&
	       !READ_ONCE(c->node) && !c->timer && !chan_has_ended(c);
}

static bool all_out_of_reach(struct chan_g *g)
{
	unsigned int i;
	bool all;

	spin_lock(&g->lock);
	all = is_where_it_was(g);
	for (i = 0; all && i < g->wait->n; i++)
		all = is_out_of_reach(g->wait->waiters[i].chan);
	spin_unlock(&g->lock);
	return all;
}

static void take_out(struct chan_g *g)
{
	clear(g);
	chan_g_get(g);
	g->next_left = goroutines_left;
	goroutines_left = g;
}

static void take_out_reachable(struct chan_domain *domain)
{
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (chan_is_stuck(g) && !all_out_of_reach(g))
			take_out(g);
		cond_resched();
	}
}

/*
 * Somebody can ready @g: so what its call refers to is within reach, and its process is not
 * stuck.  It must not have gone on yet, or it may have passed on what was counted as its own.
 */
static void follow_goroutine(struct chan_g *g)
{
	struct chan_domain *domain = g->domain;

	spin_lock(&g->lock);
	if (is_where_it_was(g))
		each_file_of_call(g, reach);
	else
		note_move(domain);
	spin_unlock(&g->lock);
	if (domain->explained != count_nr)
		return;
	domain->explained = 0;
	chan_domain_get(domain);
	domain->next_left = processes_left;
	processes_left = domain;
}

/*
 * Those who wait there, some at a time; returns whether there may be more of the first @n.  An
 * entry that is queued keeps its goroutine, as chan_wait_over() comes after it.
 */
static bool take_out_some(struct chan *c, const struct chan_queue *q, unsigned int *n)
{
	unsigned int budget;

	lockdep_assert_held(&c->lock);
	for (budget = BATCH; budget && *n && c->cursor; budget--, --*n) {
		struct chan_g *g = hlist_entry(c->cursor, struct chan_waiter, link)->wait->g;

		c->cursor = c->cursor->next;
		if (g && chan_is_stuck(g))
			take_out(g);
	}
	return !budget;
}

/* Who comes while it is followed is not suspected. */
static void follow_queue(struct chan *c, const struct chan_queue *q)
{
	unsigned int n;

	spin_lock(&c->lock);
	n = q->n;
	c->cursor = q->list.head.first;
	while (take_out_some(c, q, &n)) {
		spin_unlock(&c->lock);
		cond_resched();
		spin_lock(&c->lock);
	}
	c->cursor = NULL;
	spin_unlock(&c->lock);
}

static void follow_channel(struct chan *c)
{
	follow_queue(c, &c->recvq);
	follow_queue(c, &c->sendq);
}

static void follow_process(struct chan_domain *domain)
{
	mutex_lock(&domain->lock);
	each_file_of_process(domain, reach);
	mutex_unlock(&domain->lock);
}

/* The task is to be killed, so nothing holds. */
static bool has_given_up(void)
{
	if (!fatal_signal_pending(current))
		return false;
	moved = true;
	return true;
}

static bool follow_one(void)
{
	struct chan_domain *domain = processes_left;
	struct chan_g *g = goroutines_left;
	struct chan *c = channels_left;

	if (g) {
		goroutines_left = g->next_left;
		if (!has_given_up())
			follow_goroutine(g);
		chan_g_put(g);
	} else if (c) {
		channels_left = c->found.next_left;
		if (!has_given_up())
			follow_channel(c);
		chan_put(c);
	} else if (domain) {
		processes_left = domain->next_left;
		if (!has_given_up())
			follow_process(domain);
		chan_domain_put(domain);
	}
	return g || c || domain;
}

/* Whoever is reached from somebody who was taken out is taken out as well. */
static void follow(void)
{
	while (follow_one())
		cond_resched();
}

/* Who has left the registry is not among them, and remains a suspect. */
static void see_who_has_stayed(struct chan_domain *domain)
{
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (!chan_is_stuck(g))
			continue;
		suspects--;
		if (!has_stayed(g))
			note_move(domain);
		cond_resched();
	}
}

/* ---- a process by itself ---- */

/* Whether its threads are all suspected, and nobody else refers to their channels. */
static bool is_stuck_alone(struct chan_domain *domain)
{
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	count_nr++;
	explain_domain(domain);
	if (domain->explained != count_nr)
		return false;
	list_for_each_entry(g, &domain->goroutines, siblings)
		if (!all_out_of_reach(g))
			return false;
	return true;
}

/*
 * If it is watched, its calls are about to fail with EDEADLK, and then it goes on.  One that is
 * not alone in the first look, and stays, is not in the second either: another one would
 * have to give up a reference.
 */
static void leave_out_deadlocked(struct chan_domain *domain)
{
	struct chan_g *g;

	if (!READ_ONCE(domain->watched) || !is_stuck_alone(domain))
		return;
	list_for_each_entry(g, &domain->goroutines, siblings)
		if (chan_is_stuck(g))
			clear(g);
}

/* ---- the search ---- */

static void each_domain(void (*fn)(struct chan_domain *domain))
{
	u64 newest = chan_domains_made();
	struct chan_domain *domain;

	chan_for_each_domain(domain) {
		/* Who comes now is not suspected, and there might be no end of them. */
		if (domain->id > newest || has_given_up()) {
			chan_domain_put(domain);
			return;
		}
		mutex_lock(&domain->lock);
		fn(domain);
		mutex_unlock(&domain->lock);
		cond_resched();
	}
}

/* Nobody is found any more. */
static void begin_look(void)
{
	lockdep_assert_held(&chan_stuck_mutex);
	look_nr++;
	suspects = 0;
	moved = false;
}

static bool holds(void)
{
	return !moved && !suspects;
}

/* Returns whether what was found holds. */
static bool look(void (*begin)(struct chan_domain *domain))
{
	begin_look();
	each_domain(begin);
	each_domain(leave_out_deadlocked);
	count_nr++;
	each_domain(explain_domain);
	if (moved)
		return false;
	each_domain(take_out_reachable);
	follow();
	each_domain(see_who_has_stayed);
	return holds();
}

static int look_twice(void)
{
	search_nr++;
	for (tries = 0; tries < MOST_TRIES; tries++) {
		parked_before = U64_MAX;
		/* Others are busy: leave out more and more of them, in the end for 16 s. */
		if (tries)
			parked_before = chan_clock() - ms_to_ktime(1 << 2 * tries);
		if (look(suspect) && look(suspect_again))
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return -EAGAIN;
}

/**
 * chan_find_stuck() - find out who is stuck, in all domains
 * @asked: the time at which the caller wanted to know.
 *
 * If somebody else has searched since then, that will do.  What it finds is valid as long as
 * chan_stuck_mutex is held: chan_is_stuck().  May sleep.
 *
 * Return: 0, and then some may have been too busy, see chan_was_busy(); -EINTR if the task is
 * to be killed; -EAGAIN if others moved all the time, so that nothing can be said for certain.
 * Nobody is found then.
 */
int chan_find_stuck(ktime_t asked)
{
	lockdep_assert_held(&chan_stuck_mutex);
	if (searched_look == look_nr && searched_at > asked)
		return searched;
	searched_at = ktime_get();
	searched = look_twice();
	if (searched)
		begin_look();
	searched_look = searched == -EINTR ? 0 : look_nr;
	return searched;
}

static bool look_at(struct chan_domain *domain, void (*begin)(struct chan_domain *domain))
{
	begin_look();
	begin(domain);
	if (!is_stuck_alone(domain))
		return false;
	see_who_has_stayed(domain);
	return holds();
}

/**
 * chan_is_deadlocked() - whether all threads of a process are stuck, by themselves
 * @domain: the goroutines of the process, locked; chan_stuck_mutex is held too.
 *
 * May sleep.
 *
 * Return: whether they are; and they stay so as long as nobody kills them.
 */
bool chan_is_deadlocked(struct chan_domain *domain)
{
	lockdep_assert_held(&domain->lock);
	search_nr++;
	tries = 0;
	parked_before = U64_MAX;
	return look_at(domain, suspect) && look_at(domain, suspect_again);
}
