/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The search for an order that explains a history.
 *
 * It goes through the events with the set of all states in which the model can be.  When an
 * operation returns, all that pending operations can do is tried, until this one has
 * happened; states in which it cannot are given up.  States that are the same are kept once.  So
 * if the set becomes empty, the events up to there are the shortest part of the history that
 * cannot be explained (given how what is pending there ends).
 */
#ifndef CHECK_H
#define CHECK_H

#include "model.h"

/**
 * struct states - a set of states
 * @state: these.
 * @n: how many.
 * @room: for how many there is memory.
 * @slots: a hash table of their numbers plus 1.
 * @n_slots: its size, a power of 2.
 */
struct states {
	struct state *state;
	unsigned int n;
	unsigned int room;
	unsigned int *slots;
	unsigned int n_slots;
};

enum verdict { LINEARIZABLE, NOT_LINEARIZABLE, UNDECIDED };

/**
 * struct check - a search
 * @model: the history and what is pending.
 * @now: the states before @event.
 * @next: those after it.
 * @seen: those that were met on the way.
 * @event: the event at which it has stopped.
 * @flaw: why, if it is for a result that is never right.
 * @most: the largest set so far, of all histories.
 */
struct check {
	struct model model;
	struct states now;
	struct states next;
	struct states seen;
	unsigned int event;
	const char *flaw;
	unsigned int most;
};

/* More states than that are not looked at: the history stays undecided. */
#define MAX_STATES	(1 << 20)

enum verdict check_history(struct check *check, const struct history *h);

#endif /* CHECK_H */
