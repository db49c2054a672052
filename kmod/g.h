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
 * ends, until it is seen to have exited, or until the domain goes; and a wait that is
 * parked.  The module is not told when a thread exits, so the registry keeps the task_struct.
 *
 * Locks, each taken after those above it:
 *	domains_lock		the domains (g.c)
 *	chan_domain.lock	the goroutines of a domain
 *	registry_lock		the hash by task; looked up under RCU
 *	chan_g.lock		what a goroutine waits for
 * The last one nests in that of a channel.
 */
#ifndef CHAN_G_H
#define CHAN_G_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/chan.h>

struct chan_domain;
struct chan_wait;
struct file;
struct task_struct;

/**
 * struct chan_g - a goroutine
 * @link: in the hash by task.
 * @siblings: in its domain.
 * @refs: references.
 * @rcu: to free it.
 * @task: its thread, counted.
 * @exec_id: of the program that registered it.
 * @state: CHAN_GO_IDLE and so on.
 * @lock: guards @wait.
 * @wait: what it waits for, in its own frame; NULL if it does not.
 * @chan: number of the channel where it began to wait; the last one.
 * @id: its number, unique in a well-behaved domain.
 * @creator: the number of the one that started it, or 0.
 * @domain: number of its domain.
 * @parks: how often it parked.
 * @name: of its function.
 */
struct chan_g {
	struct hlist_node link;
	struct list_head siblings;
	struct kref refs;
	struct rcu_head rcu;
	struct task_struct *task;
	u64 exec_id;
	u32 state;
	spinlock_t lock; /* what it waits for */
	struct chan_wait *wait;
	u64 chan;
	u64 id;
	u64 creator;
	u64 domain;
	u64 parks;
	char name[CHAN_GO_NAME_MAX];
};

/* What parking and readying tell. */
struct chan_g *chan_g_park(struct chan_wait *wait, u64 chan);
void chan_g_ready(struct chan_g *g);
void chan_g_resume(struct chan_g *g);

u64 chan_g_current_id(void);

static inline u64 chan_g_id(const struct chan_g *g)
{
	return g ? g->id : 0;
}

/* Commands of /dev/chanctl, and what becomes of its files. */
int chan_go(struct file *file, const struct chan_go *go);
int chan_go_end(struct file *file);
int chan_go_list(struct file *file, const struct chan_go_list *list);
void chan_domain_flush(struct file *file);
void chan_domain_release(struct file *file);

#endif /* CHAN_G_H */
