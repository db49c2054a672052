// SPDX-License-Identifier: GPL-2.0-only
/*
 * The search.  check.h says how it works.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- sets of states ---- */

static unsigned int hash(const struct state *s)
{
	uint64_t words[sizeof(*s) / sizeof(uint64_t)], sum = 0;
	unsigned int i;

	memcpy(words, s, sizeof(*s));
	for (i = 0; i < sizeof(*s) / sizeof(uint64_t); i++) {
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		sum ^= sum >> 29;
	}
	return sum >> 13;
}

static void clear(struct states *set)
{
	/* Most sets are much smaller than the largest one. */
	if (set->n_slots > 64 && set->n < set->n_slots / 16) {
		unsigned int i, slot;

		for (i = 0; i < set->n; i++) {
			slot = hash(&set->state[i]) & (set->n_slots - 1);
			while (set->slots[slot]) {
				set->slots[slot] = 0;
				slot = (slot + 1) & (set->n_slots - 1);
			}
		}
	} else if (set->n_slots) {
		memset(set->slots, 0, set->n_slots * sizeof(*set->slots));
	}
	set->n = 0;
}

static unsigned int *slot_of(const struct states *set, const struct state *s)
{
	unsigned int slot = hash(s) & (set->n_slots - 1);

	while (set->slots[slot] &&
	       memcmp(&set->state[set->slots[slot] - 1], s, sizeof(*s)))
		slot = (slot + 1) & (set->n_slots - 1);
	return &set->slots[slot];
}

static void grow(struct states *set)
{
	unsigned int i;

	set->room = set->room ? 2 * set->room : 64;
	set->n_slots = 4 * set->room;
	set->state = realloc(set->state, set->room * sizeof(*set->state));
	free(set->slots);
	set->slots = calloc(set->n_slots, sizeof(*set->slots));
	if (!set->state || !set->slots)
		err(2, "memory for %u states", set->room);
	for (i = 0; i < set->n; i++)
		*slot_of(set, &set->state[i]) = i + 1;
}

static void add(struct states *set, const struct state *s)
{
	unsigned int *slot;

	if (set->n == set->room)
		grow(set);
	slot = slot_of(set, s);
	if (*slot)
		return;
	set->state[set->n++] = *s;
	*slot = set->n;
}

/* ---- events ---- */

static void found(void *arg, const struct state *s)
{
	struct check *check = arg;

	add(&check->seen, s);
}

static void on_call(struct check *check, const struct event *ev)
{
	unsigned int i;

	check->model.current[ev->task] = &check->model.h->ops[ev->op];
	for (i = 0; i < check->now.n; i++) {
		struct state s = check->now.state[i];

		s.phase[ev->task] = 0;
		model_settle(&check->model, &s);
		add(&check->next, &s);
	}
}

/* Somebody is looking, and may have counted who is about to return. */
static bool somebody_looks(const struct check *check)
{
	unsigned int task;

	for (task = 0; task < MAX_TASKS; task++) {
		const struct op *op = check->model.current[task];

		if (op && op->kind == OP_LOOK && !op->saw.closed)
			return true;
	}
	return false;
}

/* All that can have come to pass; with @until: up to where the operation of this task has. */
static void explore(struct check *check, int until)
{
	bool all = until < 0 || somebody_looks(check) ||
		   check->model.current[until]->kind == OP_CLOSE;
	unsigned int i;

	for (i = 0; i < check->now.n; i++)
		add(&check->seen, &check->now.state[i]);
	for (i = 0; i < check->seen.n && check->seen.n < MAX_STATES; i++) {
		struct state s = check->seen.state[i];

		if (all || s.phase[until] != PHASE_OVER)
			model_steps(&check->model, &s);
	}
}

/* After a close nobody waits who had waited there. */
static bool all_are_released(struct state *s, unsigned int c)
{
	unsigned int task;

	for (task = 0; task < MAX_TASKS; task++)
		if (s->released[c] & 1 << task && s->phase[task] < PHASE_OVER)
			return false;
	s->released[c] = 0;
	return true;
}

static void on_return(struct check *check, const struct event *ev)
{
	const struct op *op = &check->model.h->ops[ev->op];
	unsigned int i;

	explore(check, ev->task);
	for (i = 0; i < check->seen.n; i++) {
		struct state s = check->seen.state[i];

		if (s.phase[ev->task] != PHASE_OVER)
			continue;
		model_remove(&s, ev->task);
		if (op->kind != OP_CLOSE || op->result != RES_OK ||
		    all_are_released(&s, op->chan))
			add(&check->next, &s);
	}
	check->model.current[ev->task] = NULL;
}

static void on_kill(struct check *check, const struct event *ev)
{
	unsigned int i;

	if (ev->op >= 0)
		explore(check, -1);
	for (i = 0; i < (ev->op >= 0 ? check->seen.n : check->now.n); i++) {
		struct state s = ev->op >= 0 ? check->seen.state[i] : check->now.state[i];

		if (ev->op >= 0)
			model_remove(&s, ev->task);
		add(&check->next, &s);
	}
	check->model.current[ev->task] = NULL;
}

static const char *stuck_flaw(const struct check *check, const struct event *ev)
{
	const struct op *op = check->model.current[ev->task];

	return op && op->kind < OP_CLOSE ? NULL : "it is stuck, and does not wait for anybody";
}

/* It still waits, so it must not be possible to go on. */
static void on_stuck(struct check *check, const struct event *ev)
{
	unsigned int i;

	for (i = 0; i < check->now.n; i++) {
		struct state s = check->now.state[i];

		if (model_is_ready(&check->model, &s, ev->task))
			continue;
		model_remove(&s, ev->task);
		add(&check->next, &s);
	}
	check->model.current[ev->task] = NULL;
}

static void on_event(struct check *check, const struct event *ev)
{
	switch (ev->type) {
	case EV_CALL:
		on_call(check, ev);
		break;
	case EV_RETURN:
		on_return(check, ev);
		break;
	case EV_KILL:
		on_kill(check, ev);
		break;
	case EV_STUCK:
		on_stuck(check, ev);
		break;
	}
}

enum verdict check_history(struct check *check, const struct history *h)
{
	struct state first;
	struct states set;

	model_begin(&check->model, h, &first);
	check->model.found = found;
	check->model.arg = check;
	check->flaw = NULL;
	clear(&check->now);
	add(&check->now, &first);
	for (check->event = 0; check->event < h->n_events; check->event++) {
		const struct event *ev = &h->events[check->event];

		if (ev->type == EV_RETURN)
			check->flaw = model_flaw(&h->ops[ev->op]);
		else if (ev->type == EV_STUCK)
			check->flaw = stuck_flaw(check, ev);
		if (check->flaw)
			return NOT_LINEARIZABLE;
		clear(&check->next);
		clear(&check->seen);
		on_event(check, ev);
		if (check->seen.n > check->most)
			check->most = check->seen.n;
		if (check->seen.n >= MAX_STATES)
			return UNDECIDED;
		if (!check->next.n)
			return NOT_LINEARIZABLE;
		set = check->now;
		check->now = check->next;
		check->next = set;
	}
	return LINEARIZABLE;
}
