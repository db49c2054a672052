/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A list in the order of arrival, from whose middle an entry can leave: an hlist that knows
 * its last node.  It is shorter than a list_head, and is not checked at each step where the
 * kernel is told to check those, which would be a tenth of what a rendezvous costs us.
 */
#ifndef CHAN_FIFO_H
#define CHAN_FIFO_H

#include <linux/list.h>

/**
 * struct chan_fifo - a list in the order of arrival
 * @head: the nodes, the oldest first.
 * @last: the newest; NULL if there is none.
 */
struct chan_fifo {
	struct hlist_head head;
	struct hlist_node *last;
};

static inline void chan_fifo_init(struct chan_fifo *f)
{
	INIT_HLIST_HEAD(&f->head);
	f->last = NULL;
}

static inline bool chan_fifo_is_empty(const struct chan_fifo *f)
{
	return hlist_empty(&f->head);
}

static __always_inline void chan_fifo_add(struct chan_fifo *f, struct hlist_node *n)
{
	if (f->last)
		hlist_add_behind(n, f->last);
	else
		hlist_add_head(n, &f->head);
	f->last = n;
}

static __always_inline void chan_fifo_del(struct chan_fifo *f, struct hlist_node *n)
{
	if (f->last == n)
		f->last = n->pprev == &f->head.first ? NULL :
			  container_of(n->pprev, struct hlist_node, next);
	hlist_del_init(n);
}

#endif /* CHAN_FIFO_H */
