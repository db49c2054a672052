// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of long elements, and those that are kept for the next ones.
 */
#include <linux/err.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "count.h"
#include "limits.h"
#include "payload.h"

/* So many spares are looked at: most elements are as long as the one before. */
#define CHAN_SPARES_SEEN	8

/* How often it is looked whether spares are used. */
#define CHAN_REST		HZ

static void free_list(struct list_head *list)
{
	struct chan_payload *p, *next;

	list_for_each_entry_safe(p, next, list, link) {
		kvfree(p);
		cond_resched();
	}
}

/* All go, unless they have been used since the last time; returns whether there are any left. */
static bool take_rested(struct chan_spares *spares, struct list_head *gone)
{
	bool left;

	spin_lock(&spares->lock);
	if (!spares->kept) {
		list_splice_init(&spares->list, gone);
		spares->bytes = 0;
		spares->n = 0;
	}
	spares->kept = false;
	left = spares->n;
	spin_unlock(&spares->lock);
	return left;
}

static void give_back(struct work_struct *work)
{
	struct chan_spares *spares = container_of(to_delayed_work(work), struct chan_spares, rest);
	LIST_HEAD(gone);

	if (take_rested(spares, &gone))
		schedule_delayed_work(&spares->rest, CHAN_REST);
	free_list(&gone);
}

void chan_spares_init(struct chan_spares *spares)
{
	spin_lock_init(&spares->lock);
	INIT_LIST_HEAD(&spares->list);
	spares->bytes = 0;
	spares->n = 0;
	spares->kept = false;
	INIT_DELAYED_WORK(&spares->rest, give_back);
}

/**
 * chan_spares_free() - give back what is kept of a user
 * @spares: of the user, whom nobody knows any more.
 *
 * May sleep.
 */
void chan_spares_free(struct chan_spares *spares)
{
	cancel_delayed_work_sync(&spares->rest);
	free_list(&spares->list);
}

/* To whose account the allocator puts what the current task allocates. */
static const struct mem_cgroup *current_cgroup(void)
{
#ifdef CONFIG_MEMCG
	const struct mem_cgroup *cgroup;

	rcu_read_lock();
	cgroup = mem_cgroup_from_task(current);
	rcu_read_unlock();
	return cgroup;
#else
	return NULL;
#endif
}

/* Neither too short nor a waste. */
static bool suits(const struct chan_payload *p, size_t charge, const struct mem_cgroup *cgroup)
{
	return p->charge >= charge && p->charge / 2 <= charge && p->cgroup == cgroup;
}

static struct chan_payload *find_spare(struct chan_spares *spares, size_t charge,
				       const struct mem_cgroup *cgroup)
{
	struct chan_payload *p;
	int seen = 0;

	lockdep_assert_held(&spares->lock);
	list_for_each_entry(p, &spares->list, link) {
		if (suits(p, charge, cgroup))
			return p;
		if (++seen == CHAN_SPARES_SEEN)
			break;
	}
	return NULL;
}

static void count_out(struct chan_spares *spares, const struct chan_payload *p)
{
	lockdep_assert_held(&spares->lock);
	spares->bytes -= p->charge;
	spares->n--;
}

static struct chan_payload *take_spare(struct chan_spares *spares, size_t charge,
				       const struct mem_cgroup *cgroup)
{
	struct chan_payload *p;

	spin_lock(&spares->lock);
	p = find_spare(spares, charge, cgroup);
	if (p) {
		list_del(&p->link);
		count_out(spares, p);
	}
	spin_unlock(&spares->lock);
	return p;
}

static struct chan_payload *allocate(size_t charge, const struct mem_cgroup *cgroup)
{
	struct chan_payload *p = kvmalloc(charge, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!p)
		return NULL;
	chan_count(CHAN_BUFFERS);
	p->cgroup = cgroup;
	p->charge = charge;
	return p;
}

static struct chan_payload *allocate_charged(struct chan_user *user, size_t charge,
					     const struct mem_cgroup *cgroup)
{
	int ret = chan_charge_bytes(user, charge);
	struct chan_payload *p;

	if (ret)
		return ERR_PTR(ret);
	p = allocate(charge, cgroup);
	if (p)
		return p;
	chan_uncharge_bytes(user, charge);
	return ERR_PTR(-ENOMEM);
}

/* A spare costs what it takes, which may be more than is needed, and more than is left. */
static struct chan_payload *reuse_charged(struct chan_user *user, size_t charge,
					  const struct mem_cgroup *cgroup)
{
	struct chan_payload *p = take_spare(&user->spares, charge, cgroup);

	if (!p || !chan_charge_bytes(user, p->charge))
		return p;
	kvfree(p);
	return NULL;
}

static struct chan_payload *get_charged(struct chan_user *user, size_t charge)
{
	const struct mem_cgroup *cgroup = current_cgroup();

	return reuse_charged(user, charge, cgroup) ?: allocate_charged(user, charge, cgroup);
}

/**
 * chan_payload_new() - get a buffer, for which the current task pays
 * @guess: who its user probably is.
 * @len: bytes.
 *
 * May sleep.
 *
 * Return: the buffer, or -EDQUOT or -ENOMEM as an error pointer.
 */
struct chan_payload *chan_payload_new(struct chan_user *guess, size_t len)
{
	size_t charge = struct_size((struct chan_payload *)NULL, bytes, len);
	struct chan_user *user = chan_user_current(guess);
	struct chan_payload *p;

	if (!user)
		return ERR_PTR(-ENOMEM);
	p = get_charged(user, charge);
	if (IS_ERR(p))
		chan_user_put(user);
	else
		p->user = user;
	return p;
}

/* The oldest go, to make room for one of this size. */
static void shrink(struct chan_spares *spares, size_t room, struct list_head *gone)
{
	struct chan_payload *p;

	lockdep_assert_held(&spares->lock);
	while (spares->bytes + room > CHAN_SPARE_BYTES || spares->n == CHAN_SPARES) {
		p = list_last_entry(&spares->list, struct chan_payload, link);
		count_out(spares, p);
		list_move(&p->link, gone);
	}
}

static void keep(struct chan_spares *spares, struct chan_payload *p)
{
	LIST_HEAD(gone);

	spin_lock(&spares->lock);
	shrink(spares, p->charge, &gone);
	list_add(&p->link, &spares->list);
	spares->bytes += p->charge;
	spares->n++;
	spares->kept = true;
	spin_unlock(&spares->lock);
	/* If it is running just now, it may have looked before. */
	if (!delayed_work_pending(&spares->rest))
		schedule_delayed_work(&spares->rest, CHAN_REST);
	free_list(&gone);
}

/**
 * chan_payload_free() - a buffer is not needed any more
 * @p: the buffer.
 *
 * May sleep.
 */
void chan_payload_free(struct chan_payload *p)
{
	struct chan_user *user = p->user;

	chan_uncharge_bytes(user, p->charge);
	if (p->charge <= CHAN_SPARE_BYTES)
		keep(&user->spares, p);
	else
		kvfree(p);
	chan_user_put(user);
}
