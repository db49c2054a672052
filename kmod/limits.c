// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits: module parameters, and the use that each user makes of channels.
 */
#include <linux/bits.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>
#include <linux/chan.h>

#include "limits.h"
#include "select.h"

/* No parameter may exceed this, so that sizes and lengths fit an int. */
#define CHAN_HARD_MAX		BIT(30)

static int set_bounded(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, CHAN_HARD_MAX);
}

static const struct kernel_param_ops bounded_ops = {
	.set = set_bounded,
	.get = param_get_uint,
};

static unsigned int max_elem_size = 1U << 20;
module_param_cb(max_elem_size, &bounded_ops, &max_elem_size, 0644);
__MODULE_PARM_TYPE(max_elem_size, "uint");
MODULE_PARM_DESC(max_elem_size, "Largest element of a channel, in bytes (ENOSPC; default 1048576)");

static unsigned int max_cap = 1U << 20;
module_param_cb(max_cap, &bounded_ops, &max_cap, 0644);
__MODULE_PARM_TYPE(max_cap, "uint");
MODULE_PARM_DESC(max_cap, "Largest capacity of a channel, in elements (ENOSPC; default 1048576)");

static unsigned int max_ring_bytes = 1U << 28;
module_param_cb(max_ring_bytes, &bounded_ops, &max_ring_bytes, 0644);
__MODULE_PARM_TYPE(max_ring_bytes, "uint");
MODULE_PARM_DESC(max_ring_bytes, "Largest buffer of a channel, in bytes (ENOSPC; default 268435456)");

static unsigned int max_channels = 1U << 20;
module_param_cb(max_channels, &bounded_ops, &max_channels, 0644);
__MODULE_PARM_TYPE(max_channels, "uint");
MODULE_PARM_DESC(max_channels, "Channels of all users together (ENOSPC; default 1048576)");

static ulong max_user_channels = 16384;
module_param(max_user_channels, ulong, 0644);
MODULE_PARM_DESC(max_user_channels,
		 "Channels of one user without CAP_SYS_RESOURCE (EDQUOT; default 16384)");

static ulong max_user_names = 1024;
module_param(max_user_names, ulong, 0644);
MODULE_PARM_DESC(max_user_names,
		 "Names of one user without CAP_SYS_RESOURCE (EDQUOT; default 1024)");

static ulong max_user_bytes = 256UL << 20;
module_param(max_user_bytes, ulong, 0644);
MODULE_PARM_DESC(max_user_bytes,
		 "Bytes of one user without CAP_SYS_RESOURCE in buffers and long elements (EDQUOT; default 268435456)");

static int set_cases(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, CHAN_SELECT_MOST);
}

static const struct kernel_param_ops cases_ops = {
	.set = set_cases,
	.get = param_get_uint,
};

static unsigned int max_select_cases = 4096;
module_param_cb(max_select_cases, &cases_ops, &max_select_cases, 0644);
__MODULE_PARM_TYPE(max_select_cases, "uint");
MODULE_PARM_DESC(max_select_cases, "Most cases of a select (ENOSPC; default 4096, at most 65536)");

static DEFINE_HASHTABLE(users, 7);
static DEFINE_SPINLOCK(users_lock);
static atomic_long_t channels;

static struct chan_user *user_find(kuid_t uid)
{
	struct chan_user *user;

	lockdep_assert_held(&users_lock);
	hash_for_each_possible(users, user, link, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return chan_user_get(user);
	return NULL;
}

static struct chan_user *user_new(kuid_t uid)
{
	struct chan_user *user, *other;

	user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
	if (!user)
		return NULL;
	user->uid = uid;
	chan_spares_init(&user->spares);
	refcount_set(&user->refs, 1);

	spin_lock(&users_lock);
	other = user_find(uid);
	if (!other)
		hash_add(users, &user->link, __kuid_val(uid));
	spin_unlock(&users_lock);
	if (!other)
		return user;
	kfree(user);
	return other;
}

/**
 * chan_user_current() - the user of the current task
 * @guess: whom it probably is, so that no search is needed; or NULL.
 *
 * May sleep.
 *
 * Return: the user, with a reference for the caller; NULL for want of
 * memory.
 */
struct chan_user *chan_user_current(struct chan_user *guess)
{
	kuid_t uid = current_uid();
	struct chan_user *user;

	if (guess && uid_eq(guess->uid, uid))
		return chan_user_get(guess);

	spin_lock(&users_lock);
	user = user_find(uid);
	spin_unlock(&users_lock);
	return user ?: user_new(uid);
}

struct chan_user *chan_user_get(struct chan_user *user)
{
	refcount_inc(&user->refs);
	return user;
}

void chan_user_put(struct chan_user *user)
{
	bool last;

	if (refcount_dec_not_one(&user->refs))
		return;
	spin_lock(&users_lock);
	last = refcount_dec_and_test(&user->refs);
	if (last)
		hash_del(&user->link);
	spin_unlock(&users_lock);
	if (!last)
		return;
	chan_spares_free(&user->spares);
	kfree(user);
}

/* To be without the capability is no event worth an audit record. */
static bool may_exceed(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

static bool charge(atomic_long_t *use, unsigned long n, unsigned long limit, bool exempt)
{
	long old = atomic_long_read(use);

	do {
		unsigned long sum = old + n;

		if (sum > limit && !(exempt && may_exceed()))
			return false;
	} while (!atomic_long_try_cmpxchg(use, &old, old + n));
	return true;
}

/* Most cases of a select. */
unsigned int chan_max_select_cases(void)
{
	return READ_ONCE(max_select_cases);
}

/**
 * chan_check_size() - whether the module makes channels of this size
 * @elem_size: bytes of an element.
 * @cap: elements.
 * @ring_bytes: memory for these.
 *
 * Return: 0 or -ENOSPC.
 */
int chan_check_size(u32 elem_size, u64 cap, u64 ring_bytes)
{
	if (elem_size > READ_ONCE(max_elem_size) || cap > READ_ONCE(max_cap) ||
	    ring_bytes > READ_ONCE(max_ring_bytes))
		return -ENOSPC;
	return 0;
}

/* The last sixteenth is for those who may look after a system on which others have the rest. */
static bool charge_to_module(void)
{
	unsigned long most = READ_ONCE(max_channels);

	return charge(&channels, 1, most - most / 16, false) ||
	       (may_exceed() && charge(&channels, 1, most, false));
}

/**
 * chan_charge_channel() - account for one channel more
 * @user: its maker.
 *
 * Return: 0, -EDQUOT (the user's limit) or -ENOSPC (the module's).
 */
int chan_charge_channel(struct chan_user *user)
{
	if (!charge(&user->channels, 1, READ_ONCE(max_user_channels), true))
		return -EDQUOT;
	if (charge_to_module())
		return 0;
	atomic_long_dec(&user->channels);
	return -ENOSPC;
}

void chan_uncharge_channel(struct chan_user *user)
{
	atomic_long_dec(&channels);
	atomic_long_dec(&user->channels);
}

int chan_charge_name(struct chan_user *user)
{
	if (!charge(&user->names, 1, READ_ONCE(max_user_names), true))
		return -EDQUOT;
	return 0;
}

void chan_uncharge_name(struct chan_user *user)
{
	atomic_long_dec(&user->names);
}

int chan_charge_bytes(struct chan_user *user, size_t bytes)
{
	if (!charge(&user->bytes, bytes, READ_ONCE(max_user_bytes), true))
		return -EDQUOT;
	return 0;
}

void chan_uncharge_bytes(struct chan_user *user, size_t bytes)
{
	atomic_long_sub(bytes, &user->bytes);
}

/**
 * chan_limits_query() - report the limits, and their use by the current user
 * @q: where to.
 */
void chan_limits_query(struct chan_query *q)
{
	struct chan_user *user;

	q->max_elem_size = READ_ONCE(max_elem_size);
	q->max_cap = READ_ONCE(max_cap);
	q->max_ring_bytes = READ_ONCE(max_ring_bytes);
	q->max_channels = READ_ONCE(max_channels);
	q->channels = atomic_long_read(&channels);
	q->max_user_channels = READ_ONCE(max_user_channels);
	q->max_user_names = READ_ONCE(max_user_names);
	q->max_user_bytes = READ_ONCE(max_user_bytes);
	q->max_select_cases = READ_ONCE(max_select_cases);

	spin_lock(&users_lock);
	user = user_find(current_uid());
	spin_unlock(&users_lock);
	if (!user)
		return;
	q->user_channels = atomic_long_read(&user->channels);
	q->user_names = atomic_long_read(&user->names);
	q->user_bytes = atomic_long_read(&user->bytes);
	chan_user_put(user);
}
