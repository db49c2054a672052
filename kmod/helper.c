// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that serve a runtime and are no goroutines.  stuck.c need not ask whether they sleep,
 * since they have promised to leave channels alone.
 */
#include <linux/lockdep.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "g.h"

static void helper_free(struct chan_domain *domain, struct chan_helper *helper)
{
	list_del(&helper->siblings);
	domain->n_helpers--;
	put_pid(helper->pid);
	kfree(helper);
}

/* Take out those whose threads have gone. */
void chan_helpers_reap(struct chan_domain *domain)
{
	struct chan_helper *helper, *next;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry_safe(helper, next, &domain->helpers, siblings)
		if (chan_thread_has_gone(helper->pid, helper->exec_id))
			helper_free(domain, helper);
}

void chan_helpers_free(struct chan_domain *domain)
{
	struct chan_helper *helper, *next;

	lockdep_assert_held(&domain->lock);
	list_for_each_entry_safe(helper, next, &domain->helpers, siblings)
		helper_free(domain, helper);
}

/* Whether the current thread is one. */
bool chan_is_helper(struct chan_domain *domain)
{
	struct chan_helper *helper;

	lockdep_assert_held(&domain->lock);
	chan_helpers_reap(domain);
	list_for_each_entry(helper, &domain->helpers, siblings)
		if (helper->pid == task_pid(current))
			return true;
	return false;
}

/**
 * chan_helper_add() - the current thread is a helper from now on
 * @domain: of its process.
 *
 * May sleep.
 *
 * Return: 0, -EEXIST, -ENOMEM.
 */
int chan_helper_add(struct chan_domain *domain)
{
	struct chan_helper *helper = kzalloc(sizeof(*helper), GFP_KERNEL_ACCOUNT);
	int ret = -EEXIST;

	if (!helper)
		return -ENOMEM;
	helper->exec_id = current->self_exec_id;
	mutex_lock(&domain->lock);
	if (!chan_is_helper(domain)) {
		helper->pid = get_pid(task_pid(current));
		list_add_tail(&helper->siblings, &domain->helpers);
		domain->n_helpers++;
		ret = 0;
	}
	mutex_unlock(&domain->lock);
	if (ret)
		kfree(helper);
	return ret;
}
