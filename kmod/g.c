// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of goroutines.  g.h says what they are.
 */
#include <linux/ctype.h>
#include <linux/fdtable.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "g.h"
#include "stuck.h"
#include "trace.h"

#ifdef CHAN_BARE
#undef chan_g_ready
#undef chan_g_resume
#endif

/* Goroutines in a domain before it looks for those that have exited unnoticed. */
#define CHAN_REAP_FIRST		64

/* Room for goroutines which are registered while others are listed. */
#define CHAN_SPARE		16

/* Of struct chan_go_info, as long as it may become. */
#define CHAN_MOST_ENTRY_SIZE	4096

static_assert((int)CHAN_REASON_RECV == (int)CHAN_WAIT_RECV);
static_assert((int)CHAN_REASON_SEND == (int)CHAN_WAIT_SEND);
static_assert((int)CHAN_REASON_SELECT == (int)CHAN_WAIT_SELECT);
static_assert((int)CHAN_REASON_SELECT_NONE == (int)CHAN_WAIT_SELECT_NONE);

/* What is listed has a reference: the last one goes under the lock. */
static LIST_HEAD(domains);
static DEFINE_SPINLOCK(domains_lock);
static u64 last_domain;

static struct rhashtable registry;
atomic_t chan_goroutines;
static atomic64_t last_serial;

/*
 * A thread that has executed another program is another goroutine, if it is one.  The fields
 * are those of struct chan_g, whose padding is zeroed as here.
 */
struct thread_key {
	const struct pid *pid;
	u64 exec_id;
};

static_assert(offsetof(struct chan_g, exec_id) - offsetof(struct chan_g, pid) ==
	      offsetof(struct thread_key, exec_id));

static const struct rhashtable_params registry_params = {
	.head_offset = offsetof(struct chan_g, link),
	.key_offset = offsetof(struct chan_g, pid),
	.key_len = sizeof(struct thread_key),
	.automatic_shrinking = true,
};

static const char * const states[] = {
	[CHAN_GO_IDLE] = "idle",
	[CHAN_GO_RUNNABLE] = "runnable",
	[CHAN_GO_RUNNING] = "running",
	[CHAN_GO_WAITING] = "waiting",
	[CHAN_GO_DEAD] = "dead",
};

/* The name of a state. */
const char *chan_g_state(u32 state)
{
	return states[state];
}

static void change(struct chan_g *g, u32 from, u32 to)
{
	u32 old = cmpxchg(&g->state, from, to);

	if (WARN_ONCE(old != from, "goroutine %llu becomes %s, but it is %s, not %s\n", g->id,
		      states[to], states[old], states[from]))
		WRITE_ONCE(g->state, to);
	trace_chan_go_state(g, old, to);
}

/* RCU is read-locked. */
static struct chan_g *find(const struct pid *pid, u64 exec_id)
{
	struct thread_key key;

	memset(&key, 0, sizeof(key));
	key.pid = pid;
	key.exec_id = exec_id;
	return rhashtable_lookup(&registry, &key, registry_params);
}

static struct chan_g *find_current(void)
{
	return find(task_pid(current), current->self_exec_id);
}

/* Whether a thread is a goroutine, in whichever domain. */
bool chan_thread_is_g(const struct pid *pid, u64 exec_id)
{
	bool is;

	rcu_read_lock();
	is = find(pid, exec_id);
	rcu_read_unlock();
	return is;
}

static struct chan_g *get_current_g(void)
{
	struct chan_g *g;

	if (!atomic_read(&chan_goroutines))
		return NULL;
	rcu_read_lock();
	g = find_current();
	if (g && !kref_get_unless_zero(&g->refs))
		g = NULL;
	rcu_read_unlock();
	return g;
}

static void free_g(struct kref *refs)
{
	struct chan_g *g = container_of(refs, struct chan_g, refs);

	change(g, CHAN_GO_RUNNING, CHAN_GO_DEAD);
	chan_domain_put(g->domain);
	put_pid(g->pid);
	kfree(g->last);
	kfree_rcu(g, rcu);
}

void chan_g_get(struct chan_g *g)
{
	kref_get(&g->refs);
}

void chan_g_put(struct chan_g *g)
{
	kref_put(&g->refs, free_g);
}

/* The number of the goroutine that the current task is, or 0. */
u64 chan_g_current_id(void)
{
	struct chan_g *g;
	u64 id;

	if (!atomic_read(&chan_goroutines))
		return 0;
	rcu_read_lock();
	g = find_current();
	id = chan_g_id(g);
	rcu_read_unlock();
	return id;
}

/* As chan_g_park(), if there are goroutines at all. */
struct chan_g *__chan_g_park(struct chan_wait *wait, const struct chan *c)
{
	struct chan_g *g = get_current_g();

	if (likely(!g))
		return NULL;
	spin_lock(&g->lock);
	g->wait = wait;
	g->chan = c ? c->id : 0;
	WRITE_ONCE(g->parks, g->parks + 1);
	/*
	 * If the others have ended since the call took its reference to the descriptor, that one
	 * stays unexplained, and this wait is not found to be stuck.
	 */
	g->shares_files = atomic_read(&current->files->count) > 1;
	kfree(g->last);
	g->last = NULL;
	spin_unlock(&g->lock);
	change(g, CHAN_GO_RUNNING, CHAN_GO_WAITING);
	return g;
}

/* Its wait is over; the current task, another one or its own, has ended it. */
void chan_g_ready(struct chan_g *g, bool by_other)
{
	/* Only who has claimed the wait comes here. */
	WRITE_ONCE(g->readies, g->readies + by_other);
	change(g, CHAN_GO_WAITING, CHAN_GO_RUNNABLE);
}

/* It runs again. */
void chan_g_resume(struct chan_g *g)
{
	spin_lock(&g->lock);
	g->wait = NULL;
	spin_unlock(&g->lock);
	change(g, CHAN_GO_RUNNABLE, CHAN_GO_RUNNING);
	chan_g_put(g);
}

static struct chan_domain *domain_new(void)
{
	struct chan_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);

	if (!domain)
		return NULL;
	kref_init(&domain->refs);
	mutex_init(&domain->lock);
	INIT_LIST_HEAD(&domain->goroutines);
	INIT_LIST_HEAD(&domain->helpers);
	domain->reap_at = CHAN_REAP_FIRST;
	chan_deadlock_init(domain);
	domain->tgid = get_pid(task_tgid(current));
	return domain;
}

static void domain_free(struct chan_domain *domain)
{
	put_pid(domain->tgid);
	kfree(domain);
}

static void domain_drop(struct kref *refs)
	__releases(&domains_lock)
{
	struct chan_domain *domain = container_of(refs, struct chan_domain, refs);

	list_del(&domain->siblings);
	spin_unlock(&domains_lock);
	domain_free(domain);
}

void chan_domain_get(struct chan_domain *domain)
{
	kref_get(&domain->refs);
}

void chan_domain_put(struct chan_domain *domain)
{
	kref_put_lock(&domain->refs, domain_drop, &domains_lock);
}

/**
 * chan_domain_next() - go from one domain to the next, of all that there are
 * @prev: the one before, whose reference is dropped; NULL to begin.
 *
 * In between the caller may sleep.
 *
 * Return: the next one, with a reference; NULL at the end.
 */
struct chan_domain *chan_domain_next(struct chan_domain *prev)
{
	struct list_head *at = prev ? &prev->siblings : &domains;
	struct chan_domain *domain = NULL;

	spin_lock(&domains_lock);
	if (!list_is_last(at, &domains)) {
		domain = list_entry(at->next, struct chan_domain, siblings);
		chan_domain_get(domain);
	}
	spin_unlock(&domains_lock);
	if (prev)
		chan_domain_put(prev);
	return domain;
}

/* How many there have been, which is the number of the last one. */
u64 chan_domains_made(void)
{
	u64 n;

	spin_lock(&domains_lock);
	n = last_domain;
	spin_unlock(&domains_lock);
	return n;
}

/* The domain of a descriptor, which becomes one with its first goroutine. */
static struct chan_domain *get_domain(struct file *file)
{
	struct chan_domain *domain = READ_ONCE(file->private_data), *new;

	if (domain)
		return domain;
	new = domain_new();
	if (!new)
		return NULL;
	spin_lock(&domains_lock);
	domain = file->private_data;
	if (!domain) {
		domain = new;
		domain->id = ++last_domain;
		list_add_tail(&domain->siblings, &domains);
		/* Who reads it without the lock sees what it points to. */
		smp_store_release((struct chan_domain **)&file->private_data, domain);
	}
	spin_unlock(&domains_lock);
	if (domain != new)
		domain_free(new);
	return domain;
}

static bool is_own(const struct chan_domain *domain)
{
	return domain->tgid == task_tgid(current);
}

static void unregister(struct chan_domain *domain, struct chan_g *g)
{
	lockdep_assert_held(&domain->lock);
	rhashtable_remove_fast(&registry, &g->link, registry_params);
	atomic_dec(&chan_goroutines);
	list_del_init(&g->siblings);
	/* Who makes room for a list of all looks without the lock. */
	WRITE_ONCE(domain->n, domain->n - 1);
	domain->parks += READ_ONCE(g->parks);
	domain->readies += READ_ONCE(g->readies);
	chan_g_put(g);
}

/* Whether a thread has exited without a word, or runs another program by now. */
bool chan_thread_has_gone(struct pid *pid, u64 exec_id)
{
	struct task_struct *task;
	bool gone;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_PID);
	gone = !task || READ_ONCE(task->flags) & PF_EXITING ||
	       READ_ONCE(task->self_exec_id) != exec_id;
	rcu_read_unlock();
	return gone;
}

void chan_domain_reap(struct chan_domain *domain)
{
	struct chan_g *g, *next;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry_safe(g, next, &domain->goroutines, siblings)
		if (chan_thread_has_gone(g->pid, g->exec_id))
			unregister(domain, g);
	chan_helpers_reap(domain);
	domain->reap_at = max_t(unsigned int, 2 * domain->n, CHAN_REAP_FIRST);
}

/* It goes to traces and terminals. */
static void take_name(struct chan_g *g, const char *name)
{
	char *c;

	strscpy(g->name, name, sizeof(g->name));
	for (c = g->name; *c; c++)
		if (!isascii(*c) || !isprint(*c))
			*c = '?';
}

static struct chan_g *g_new(struct chan_domain *domain, const struct chan_go *go)
{
	struct chan_g *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);

	if (!g)
		return NULL;
	kref_init(&g->refs);
	spin_lock_init(&g->lock);
	INIT_LIST_HEAD(&g->siblings);
	g->pid = get_pid(task_pid(current));
	g->exec_id = current->self_exec_id;
	g->state = CHAN_GO_IDLE;
	g->id = go->id;
	g->creator = go->creator;
	g->serial = atomic64_inc_return(&last_serial);
	chan_domain_get(domain);
	g->domain = domain;
	g->domain_id = domain->id;
	take_name(g, go->name);
	return g;
}

/* Its name is known from here on. */
static int enter_registry(struct chan_g *g)
{
	int ret = rhashtable_insert_fast(&registry, &g->link, registry_params);

	if (!ret)
		atomic_inc(&chan_goroutines);
	return ret;
}

static int register_g(struct chan_g *g)
{
	struct chan_domain *domain = g->domain;
	int ret;

	mutex_lock(&domain->lock);
	if (domain->n >= domain->reap_at)
		chan_domain_reap(domain);
	ret = chan_is_helper(domain) ? -EEXIST : enter_registry(g);
	if (!ret) {
		list_add_tail(&g->siblings, &domain->goroutines);
		WRITE_ONCE(domain->n, domain->n + 1);
		domain->started++;
	}
	mutex_unlock(&domain->lock);
	return ret;
}

static int add_goroutine(struct chan_domain *domain, const struct chan_go *go)
{
	struct chan_g *g = g_new(domain, go);
	int ret;

	if (!g)
		return -ENOMEM;
	trace_chan_go_create(g);
	change(g, CHAN_GO_IDLE, CHAN_GO_RUNNABLE);
	change(g, CHAN_GO_RUNNABLE, CHAN_GO_RUNNING);
	ret = register_g(g);
	if (ret)
		chan_g_put(g);
	else
		chan_deadlock_kick(domain);
	return ret;
}

/**
 * chan_go() - register the current thread as a goroutine, or a helper
 * @file: of /dev/chanctl: its domain.
 * @go: what the caller says of it.
 *
 * May sleep.
 *
 * Return: 0, -EBUSY (the table of goroutines cannot grow), -EEXIST, -EINVAL, -ENOMEM, -EPERM.
 */
int chan_go(struct file *file, const struct chan_go *go)
{
	bool is_helper = go->flags & CHAN_GO_HELPER;
	struct chan_domain *domain;

	if (go->flags & ~CHAN_GO_HELPER || !go->id != is_helper)
		return -EINVAL;
	/* Nobody else registers this thread. */
	if (chan_g_current_id())
		return -EEXIST;
	domain = get_domain(file);
	if (!domain)
		return -ENOMEM;
	if (!is_own(domain))
		return -EPERM;
	return is_helper ? chan_helper_add(domain) : add_goroutine(domain, go);
}

/**
 * chan_go_end() - the current thread is no goroutine any more
 * @file: its domain.
 *
 * May sleep.
 *
 * Return: 0, -ESRCH.
 */
int chan_go_end(struct file *file)
{
	struct chan_domain *domain = READ_ONCE(file->private_data);
	struct chan_g *g = get_current_g();
	int ret = -ESRCH;

	if (!g)
		return ret;
	if (domain && domain->id == g->domain_id) {
		mutex_lock(&domain->lock);
		if (!list_empty(&g->siblings)) {
			unregister(domain, g);
			ret = 0;
		}
		mutex_unlock(&domain->lock);
	}
	chan_g_put(g);
	return ret;
}

/* The first of them as the caller has them: a select has shuffled its entries. */
static void tell_cases(struct chan_go_info *info, const struct chan_wait *wait)
{
	unsigned int left = min_t(unsigned int, wait->n, CHAN_GO_CASES), i;

	info->cases = wait->n;
	for (i = 0; i < wait->n && left; i++) {
		const struct chan_waiter *w = &wait->waiters[i];

		if (w->scase >= CHAN_GO_CASES)
			continue;
		info->where[w->scase].chan = w->chan->id;
		info->where[w->scase].dir = chan_sends(w) ? CHAN_DIR_SEND : CHAN_DIR_RECV;
		left--;
	}
}

static void tell_wait(struct chan_g *g, struct chan_go_info *info)
{
	const struct chan_wait *wait = g->wait;

	info->since = chan_wait_since(wait);
	info->reason = wait->reason;
	info->ip = KSTK_EIP(wait->task);
	/* A select may still be queueing its other cases. */
	if (READ_ONCE(wait->timed) || wait->how->until != KTIME_MAX)
		info->flags |= CHAN_GO_BOUNDED;
	tell_cases(info, wait);
}

/**
 * chan_g_tell_wait() - say what a goroutine does
 * @g: the goroutine.
 * @info: zeroed; gets what it waits for, with the time as the kernel has it.
 *
 * What it waits for does not vanish under the lock: the waiter takes it before it leaves.
 */
void chan_g_tell_wait(struct chan_g *g, struct chan_go_info *info)
{
	spin_lock(&g->lock);
	if (g->last)
		*info = *g->last;
	else
		info->state = READ_ONCE(g->state);
	/* One that has been readied does not wait any more, even if it is not back yet. */
	if (!g->last && g->wait && info->state == CHAN_GO_WAITING)
		tell_wait(g, info);
	info->parks = g->parks;
	info->readies = READ_ONCE(g->readies);
	spin_unlock(&g->lock);
}

/**
 * chan_g_tell() - describe a goroutine
 * @g: the goroutine.
 * @info: what it is and what it waits for, as the current task sees it.
 */
void chan_g_tell(struct chan_g *g, struct chan_go_info *info)
{
	memset(info, 0, sizeof(*info));
	chan_g_tell_wait(g, info);
	if (info->since)
		info->since = chan_user_time(info->since);
	info->id = g->id;
	info->creator = g->creator;
	info->tid = pid_vnr(g->pid);
	memcpy(info->name, g->name, sizeof(info->name));
}

/* Up to @room of them; returns how many there are. */
static int tell_domain(struct chan_domain *domain, struct chan_go_info *infos, unsigned int room,
		       bool leaks)
{
	unsigned int i = 0, n;
	struct chan_g *g;

	mutex_lock(&domain->lock);
	list_for_each_entry(g, &domain->goroutines, siblings) {
		if (i == room)
			break;
		chan_g_tell(g, &infos[i]);
		if (leaks && chan_is_stuck(g) && infos[i].state == CHAN_GO_WAITING)
			infos[i].flags |= CHAN_GO_LEAKED;
		i++;
	}
	n = domain->n;
	mutex_unlock(&domain->lock);
	return n;
}

/* Likewise, or -EAGAIN or -EINTR. */
static int tell_leaks(struct chan_domain *domain, struct chan_go_info *infos, unsigned int room)
{
	ktime_t asked = ktime_get();
	int ret = mutex_lock_killable(&chan_stuck_mutex);

	if (ret)
		return ret;
	ret = chan_find_stuck(asked);
	if (!ret && chan_was_busy(domain))
		ret = -EAGAIN;
	if (!ret)
		ret = tell_domain(domain, infos, room, true);
	mutex_unlock(&chan_stuck_mutex);
	return ret;
}

static unsigned int count_goroutines(struct chan_domain *domain)
{
	unsigned int n;

	mutex_lock(&domain->lock);
	chan_domain_reap(domain);
	n = domain->n;
	mutex_unlock(&domain->lock);
	return n;
}

static int put_infos(const struct chan_go_list *list, const struct chan_go_info *infos,
		     unsigned int n)
{
	size_t known = min_t(size_t, list->entry_size, sizeof(*infos));
	void __user *to = u64_to_user_ptr(list->entries);
	unsigned int i;

	for (i = 0; i < n; i++, to += list->entry_size)
		if (copy_to_user(to, &infos[i], known) ||
		    clear_user(to + known, list->entry_size - known))
			return -EFAULT;
	return 0;
}

/* More have come than there was room for; not seen by anybody else. */
#define GROWN	(-ENOBUFS)

static int tell(struct chan_domain *domain, const struct chan_go_list *list,
		struct chan_go_info *infos, unsigned int room)
{
	if (list->flags & CHAN_GO_FIND_LEAKS)
		return tell_leaks(domain, infos, room);
	return tell_domain(domain, infos, room, false);
}

static int try_list(struct chan_domain *domain, const struct chan_go_list *list)
{
	/* Some more, so that one who comes meanwhile does not make it begin anew. */
	unsigned int room = min(list->room, count_goroutines(domain) + CHAN_SPARE);
	struct chan_go_info *infos;
	int ret;

	infos = kvcalloc(room, sizeof(*infos), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!infos && room)
		return -ENOMEM;
	ret = tell(domain, list, infos, room);
	if (ret > (int)room && room < list->room)
		ret = GROWN;
	/* User memory may keep a writer waiting for long, so no lock is held now. */
	if (ret >= 0)
		ret = put_infos(list, infos, min_t(unsigned int, ret, room)) ?: ret;
	kvfree(infos);
	return ret;
}

static int list_domain(struct chan_domain *domain, const struct chan_go_list *list)
{
	int ret;

	do
		ret = try_list(domain, list);
	while (ret == GROWN && !signal_pending(current));
	return ret == GROWN ? -EINTR : ret;
}

/**
 * chan_go_list() - the goroutines of a domain
 * @file: the domain.
 * @list: where to write them.
 *
 * May sleep.
 *
 * Return: how many there are; -EAGAIN (others were too busy to say who is leaked), -EFAULT,
 * -EINTR, -EINVAL, -ENOMEM, -EPERM.
 */
int chan_go_list(struct file *file, const struct chan_go_list *list)
{
	struct chan_domain *domain = READ_ONCE(file->private_data);

	if (list->flags & ~CHAN_GO_FIND_LEAKS)
		return -EINVAL;
	if (!list->entry_size || list->entry_size > CHAN_MOST_ENTRY_SIZE ||
	    list->entry_size % sizeof(u64))
		return -EINVAL;
	if (!domain)
		return 0;
	return is_own(domain) ? list_domain(domain, list) : -EPERM;
}

/**
 * chan_go_detect() - say what to look out for in a domain
 * @file: the domain.
 * @detect: what.
 *
 * May sleep.
 *
 * Return: 0, -EINVAL, -ENOMEM, -EPERM.
 */
int chan_go_detect(struct file *file, const struct chan_go_detect *detect)
{
	struct chan_domain *domain;

	if (detect->flags & ~CHAN_GO_DEADLOCK)
		return -EINVAL;
	domain = get_domain(file);
	if (!domain)
		return -ENOMEM;
	if (!is_own(domain))
		return -EPERM;
	chan_deadlock_watch(domain, detect->flags & CHAN_GO_DEADLOCK);
	return 0;
}

static void add_stats(struct chan_go_stats *stats, const struct chan_g *g)
{
	u32 state = READ_ONCE(g->state);

	stats->goroutines++;
	stats->runnable += state == CHAN_GO_RUNNABLE;
	stats->running += state == CHAN_GO_RUNNING;
	stats->waiting += state == CHAN_GO_WAITING;
	stats->parks += READ_ONCE(g->parks);
	stats->readies += READ_ONCE(g->readies);
}

/**
 * chan_go_stats() - what a domain does
 * @file: the domain.
 * @stats: zeroed; gets the numbers.
 *
 * May sleep.
 *
 * Return: 0, -EPERM.
 */
int chan_go_stats(struct file *file, struct chan_go_stats *stats)
{
	struct chan_domain *domain = READ_ONCE(file->private_data);
	struct chan_g *g;

	if (!domain)
		return 0;
	if (!is_own(domain))
		return -EPERM;
	mutex_lock(&domain->lock);
	chan_domain_reap(domain);
	stats->looks = READ_ONCE(domain->looks);
	stats->started = domain->started;
	stats->parks = domain->parks;
	stats->readies = domain->readies;
	list_for_each_entry(g, &domain->goroutines, siblings)
		add_stats(stats, g);
	mutex_unlock(&domain->lock);
	return 0;
}

static void unregister_all(struct chan_domain *domain)
{
	struct chan_g *g, *next;

	mutex_lock(&domain->lock);
	list_for_each_entry_safe(g, next, &domain->goroutines, siblings)
		unregister(domain, g);
	chan_helpers_free(domain);
	mutex_unlock(&domain->lock);
}

/**
 * chan_domain_flush() - a descriptor of a domain is closed
 * @file: the domain.
 *
 * If that is because the process has died, its goroutines go, even if a child still has a
 * descriptor.  May sleep.
 */
void chan_domain_flush(struct file *file)
{
	struct chan_domain *domain = READ_ONCE(file->private_data);

	if (domain && is_own(domain) && !atomic_read(&current->signal->live))
		unregister_all(domain);
}

/**
 * chan_domain_release() - the last descriptor of a domain is closed
 * @file: the domain.
 *
 * May sleep.
 */
void chan_domain_release(struct file *file)
{
	struct chan_domain *domain = file->private_data;

	if (!domain)
		return;
	chan_deadlock_watch(domain, false);
	unregister_all(domain);
	chan_domain_put(domain);
}

int chan_g_init(void)
{
	return rhashtable_init(&registry, &registry_params);
}

void chan_g_exit(void)
{
	rhashtable_destroy(&registry);
}
