/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A list in the order of arrival, from whose middle an entry can leave: an hlist that knows
 * its end.  It is shorter than a list_head, and is not checked at each step where the
 * kernel is told to check those, which would be a tenth of what a rendezvous costs us.
 */
#ifndef CHAN_FIFO_H
#define CHAN_FIFO_H

#include <linux/list.h>

/**
 * struct chan_fifo - a list in the order of arrival
 * @head: the nodes, the oldest first.
 * @end: where the next one goes: @next of the newest, or @head if there is none.
 */
struct chan_fifo {
	struct hlist_head head;
	struct hlist_node **end;
};

static inline void chan_fifo_init(struct chan_fifo *f)
{
	INIT_HLIST_HEAD(&f->head);
	f->end = &f->head.first;
}

static inline bool chan_fifo_is_empty(const struct chan_fifo *f)
{
	return hlist_empty(&f->head);
}

/* Others may look whether the list is empty, without a lock. */

static __always_inline void chan_fifo_add(struct chan_fifo *f, struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = f->end;
	WRITE_ONCE(*f->end, n);
	f->end = &n->next;
}

/* From now on hlist_unhashed() is true of it. */
static __always_inline void chan_fifo_del(struct chan_fifo *f, struct hlist_node *n)
{
	struct hlist_node *next = n->next, **pprev = n->pprev;

	WRITE_ONCE(*pprev, next);
	if (next)
		next->pprev = pprev;
	else
		f->end = pprev;
	n->pprev = NULL;
}

#endif /* CHAN_FIFO_H */
