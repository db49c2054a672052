/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Goroutines: threads that have said so, and what they do.
 *
 * A runtime domain is an open file description of /dev/chanctl on which a thread has been
 * registered; it is for the threads of one process.  Each of them is a struct chan_g, whose
 * states are those of Go as far as they can be seen from here:
 *
 *	          registered        park             ended
 *	idle --> runnable --> running --> waiting     running --> dead
 *	             ^                       |
 *	             +-----------------------+
 *	                  ready, or the end of patience
 *
 * A task becomes "waiting" under the lock of the channel in whose queue it is found, before
 * anybody can find it there, and "runnable" by whoever completes its wait, before that one
 * lets go of it.  So a change that starts from any other state is an error of ours.
 *
 * Who holds a struct chan_g: the registry, from registration until the thread says that it
 * ends, until it is seen to have exited, or until the domain goes; a wait that is parked; and a
 * search that has still to follow it.  The module is not told when a thread exits, so an entry
 * may outlive its thread, and keeps no more of it than its struct pid; as long as it waits, the
 * wait knows the task.  There are not many: a thread is registered once, and a domain with as
 * many dead as living ones is cleaned up, at the next registration at the latest.
 *
 * Locks, each taken after those above it:
 *	chan_stuck_mutex	who is stuck (stuck.h)
 *	chan_domain.lock	the goroutines of a domain
 *	domains_lock		the list of domains
 *	chan_domain.watch_lock	whether a look is due
 *	chan_g.lock		what a goroutine waits for
 * The last one nests in that of a channel.  The registry is looked up under RCU.
 */
#ifndef CHAN_G_H
#define CHAN_G_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/chan.h>

struct chan;
struct chan_wait;
struct file;
struct pid;

/**
 * struct chan_g - a goroutine
 * @link: in the registry.
 * @siblings: in its domain.
 * @refs: references.
 * @rcu: to free it.
 * @pid: its thread, counted.
 * @exec_id: of the program that registered it; with @pid its key in the registry.
 * @state: CHAN_GO_IDLE and so on.
 * @lock: guards @wait, @chan, @parks, @last, @stuck_parks and @shares_files.
 * @wait: what it waits for, in its own frame; NULL if it does not.
 * @chan: number of the channel where it began to wait; the last one.
 * @id: its number, unique in a well-behaved domain.
 * @creator: the number of the one that started it, or 0.
 * @serial: which one it is of all that have been registered, in traces: threads may be given
 *	the number of one that has exited without a word.
 * @domain: its domain, counted.
 * @domain_id: number of its domain.
 * @parks: how often it parked.
 * @readies: how often another task ended its wait.
 * @last: what it waited for when that was found to be a deadlock, or NULL; until it parks
 *	again.
 * @stuck_parks: @parks when stuck.c saw it wait.
 * @stuck: in which look it was found stuck; guarded by chan_stuck_mutex.
 * @next_left: of those whose references are to be followed, likewise.
 * @shares_files: whether other threads use its descriptors; since it parked.
 * @name: of its function.
 */
struct chan_g {
	struct rhash_head link;
	struct list_head siblings;
	struct kref refs;
	struct rcu_head rcu;
	struct pid *pid;
	u64 exec_id;
	u32 state;
	spinlock_t lock; /* what it waits for */
	struct chan_wait *wait;
	u64 chan;
	u64 id;
	u64 creator;
	u64 serial;
	struct chan_domain *domain;
	u64 domain_id;
	u64 parks;
	u64 readies;
	struct chan_go_info *last;
	u64 stuck_parks;
	u64 stuck;
	struct chan_g *next_left;
	bool shares_files;
	char name[CHAN_GO_NAME_MAX];
};

/**
 * struct chan_domain - the goroutines of a process
 * @siblings: in the list of all domains, as long as there is a reference.
 * @refs: references: of the open file, of each goroutine, of @watch when it is queued, and of
 *	whoever goes through the list or has still to follow it.
 * @lock: guards @goroutines, @helpers and the numbers.
 * @goroutines: of struct chan_g, in the order of registration.
 * @n: how many.
 * @helpers: of struct chan_helper.
 * @n_helpers: how many.
 * @reap_at: as soon as there are so many, look whether some have exited.
 * @tgid: the process.
 * @id: number of the domain.
 * @started: how many have been registered.
 * @parks: of those that are not registered any more.
 * @readies: likewise.
 * @watch_lock: guards @watched, and that @watch is queued.
 * @watch: looks for a deadlock now and then, if it is to (deadlock.c).
 * @watched: whether it is to.
 * @looks: how often it has.
 * @busy: in which search it is left out, as it has moved; guarded by chan_stuck_mutex.
 * @explained: in which count all of its threads seemed stuck; guarded by chan_stuck_mutex.
 * @next_left: of the processes that did not turn out to be, likewise.
 */
struct chan_domain {
	struct list_head siblings;
	struct kref refs;
	struct mutex lock; /* the goroutines */
	struct list_head goroutines;
	unsigned int n;
	struct list_head helpers;
	unsigned int n_helpers;
	unsigned int reap_at;
	struct pid *tgid;
	u64 id;
	u64 started;
	u64 parks;
	u64 readies;
	spinlock_t watch_lock; /* watched, and whether the work is queued */
	struct delayed_work watch;
	bool watched;
	u32 looks;
	u64 busy;
	u64 explained;
	struct chan_domain *next_left;
};

/**
 * struct chan_helper - a thread that is no goroutine, and never uses a channel
 * @siblings: in its domain.
 * @pid: the thread, counted.
 * @exec_id: of the program that registered it.
 */
struct chan_helper {
	struct list_head siblings;
	struct pid *pid;
	u64 exec_id;
};

void chan_g_get(struct chan_g *g);
void chan_g_put(struct chan_g *g);
void chan_domain_get(struct chan_domain *domain);
void chan_domain_put(struct chan_domain *domain);
struct chan_domain *chan_domain_next(struct chan_domain *prev);
u64 chan_domains_made(void);

/* Who leaves the loop early has to put the one at hand. */
#define chan_for_each_domain(domain)	\
	for ((domain) = chan_domain_next(NULL); (domain); (domain) = chan_domain_next(domain))

/* How many threads are registered. */
extern atomic_t chan_goroutines;

/* What parking and readying tell. */
struct chan_g *__chan_g_park(struct chan_wait *wait, const struct chan *c);

/* A thread registers itself, so it cannot miss that it is counted. */
static inline bool chan_has_goroutines(void)
{
#ifdef CHAN_BARE
	return false;
#else
	return unlikely(atomic_read(&chan_goroutines));
#endif
}

/**
 * chan_g_park() - the current task begins to wait
 * @wait: for what.
 * @c: the channel in whose queue it will be found first, locked; or NULL.
 *
 * Return: its goroutine, for chan_g_ready() and then chan_g_resume(); NULL if it is none.
 */
static inline struct chan_g *chan_g_park(struct chan_wait *wait, const struct chan *c)
{
	return chan_has_goroutines() ? __chan_g_park(wait, c) : NULL;
}

void chan_g_ready(struct chan_g *g, bool by_other);
void chan_g_resume(struct chan_g *g);

/* A build without them, to compare with: see Kbuild. */
#ifdef CHAN_BARE
#define chan_g_park(wait, c)		((void)(wait), (void)(c), (struct chan_g *)NULL)
#define chan_g_ready(g, by_other)	((void)(g), (void)(by_other))
#define chan_g_resume(g)		((void)(g))
#endif

u64 chan_g_current_id(void);

static inline u64 chan_g_id(const struct chan_g *g)
{
	return g ? g->id : 0;
}

void chan_g_tell(struct chan_g *g, struct chan_go_info *info);
void chan_g_tell_wait(struct chan_g *g, struct chan_go_info *info);
const char *chan_g_state(u32 state);
void chan_domain_reap(struct chan_domain *domain);
bool chan_thread_has_gone(struct pid *pid, u64 exec_id);
bool chan_thread_is_g(const struct pid *pid, u64 exec_id);
int chan_g_init(void);
void chan_g_exit(void);

/* helper.c */
int chan_helper_add(struct chan_domain *domain);
bool chan_is_helper(struct chan_domain *domain);
void chan_helpers_reap(struct chan_domain *domain);
void chan_helpers_free(struct chan_domain *domain);

/* deadlock.c */
void chan_deadlock_init(struct chan_domain *domain);
void chan_deadlock_watch(struct chan_domain *domain, bool on);
void chan_deadlock_kick(struct chan_domain *domain);
int chan_deadlock_start(void);
void chan_deadlock_stop(void);

/* debugfs.c */
void chan_debugfs_init(void);
void chan_debugfs_exit(void);

/* Commands of /dev/chanctl, and what becomes of its files. */
int chan_go(struct file *file, const struct chan_go *go);
int chan_go_end(struct file *file);
int chan_go_list(struct file *file, const struct chan_go_list *list);
int chan_go_detect(struct file *file, const struct chan_go_detect *detect);
int chan_go_stats(struct file *file, struct chan_go_stats *stats);
void chan_domain_flush(struct file *file);
void chan_domain_release(struct file *file);

#endif /* CHAN_G_H */
