// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Wait groups.
 *
 * A round lasts from one moment at which the number is 0 to the next.  Whoever is the
 * first to wait in it makes a channel that carries nothing, and whoever makes the
 * number 0 closes it, which wakes all at once.  That may be after the first of those
 * who waited has returned and freed the wait group, so a round has a memory and a
 * count of users of its own: the wait group as long as it points to it, and each who
 * waits.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

struct kchan_wg_round {
	int ch;
	atomic_int users;
};

static struct kchan_wg_round *round_new(void)
{
	struct kchan_wg_round *round = malloc(sizeof(*round));

	if (!round)
		return NULL;
	round->ch = kchan_make(0, 0, 0);
	if (round->ch < 0) {
		free(round);
		return NULL;
	}
	atomic_init(&round->users, 1);
	return round;
}

/* Leaves errno alone. */
static void round_put(struct kchan_wg_round *round)
{
	if (atomic_fetch_sub(&round->users, 1) > 1)
		return;
	kchan_close_fd(round->ch);
	free(round);
}

static int round_finish(struct kchan_wg_round *round)
{
	int ret = kchan_close(round->ch);

	round_put(round);
	return ret;
}

/* @finished is set if this ends a round in which somebody waits.  Returns 0 or -errno. */
static int add_locked(struct kchan_wg *wg, int n, struct kchan_wg_round **finished)
{
	int count;

	if (__builtin_add_overflow(wg->count, n, &count))
		return -EOVERFLOW;
	if (count < 0)
		return -EINVAL;
	wg->count = count;
	if (!count) {
		*finished = wg->round;
		wg->round = NULL;
	}
	return 0;
}

KCHAN_API int kchan_wg_init(struct kchan_wg *wg)
{
	int err = pthread_mutex_init(&wg->lock, NULL);

	wg->count = 0;
	wg->round = NULL;
	return err ? fail(err) : 0;
}

KCHAN_API int kchan_wg_add(struct kchan_wg *wg, int n)
{
	struct kchan_wg_round *finished = NULL;
	int err;

	pthread_mutex_lock(&wg->lock);
	err = add_locked(wg, n, &finished);
	pthread_mutex_unlock(&wg->lock);
	/* @wg may be gone from here on. */
	if (err)
		return fail(-err);
	return finished ? round_finish(finished) : 0;
}

KCHAN_API int kchan_wg_done(struct kchan_wg *wg)
{
	return kchan_wg_add(wg, -1);
}

/* The present round, with a reference; NULL with errno. */
static struct kchan_wg_round *get_round(struct kchan_wg *wg)
{
	if (!wg->round)
		wg->round = round_new();
	if (wg->round)
		atomic_fetch_add(&wg->round->users, 1);
	return wg->round;
}

static int wait_for(struct kchan_wg_round *round)
{
	int ret;

	do {
		ret = kchan_recv_within(round->ch, NULL, 0);
	} while (ret < 0 && errno == EINTR);
	round_put(round);
	return ret;
}

KCHAN_API int kchan_wg_wait(struct kchan_wg *wg)
{
	struct kchan_wg_round *round = NULL;
	int count;

	begin_blocking();
	pthread_mutex_lock(&wg->lock);
	count = wg->count;
	if (count)
		round = get_round(wg);
	pthread_mutex_unlock(&wg->lock);
	if (!count)
		return 0;
	return round ? wait_for(round) : -1;
}
