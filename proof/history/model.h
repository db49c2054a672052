/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: channels on which one thing happens at a time.
 *
 * A history is right if each operation can be thought to happen at one moment between its call
 * and its return (that of several elements at one moment for each), such that what it was told
 * is what the model does at these moments.  What the model does:
 *
 * - A send on a buffered channel appends to the buffer if it is not full, a receive takes the
 *   first element.  On an unbuffered channel a send and a receive happen as one, at a
 *   moment that lies within both calls.  A select does exactly one of its cases.
 * - Of two operations that meet on an unbuffered channel one must be willing to wait.  Willing
 *   are those without a deadline, and those whose deadline has not passed when they are called.
 *   A receive of several elements waits for the first one only.
 * - A closed channel takes no element.  What is in its buffer can still be received, and then
 *   "closed" is.
 * - "Would block", and that a deadline has passed, is told only if at some moment of the call no
 *   case could proceed.  That is so on an unbuffered channel if no partner *waits*.
 *   An operation that was called may be on its way and not wait yet.  Whether it does is known
 *   only if somebody has looked: CHAN_IOC_INFO counts who waits.
 * - Who is known to wait stays so until the operation ends.  Nobody is known to wait for what
 *   could be done.  Elements and free slots go to the one who has waited longest, and are not to be
 *   had by others.  When a close has returned, nobody waits who had waited on that channel
 *   when it closed.
 * - A call that has ended with a deadline or a signal has done nothing (of several elements:
 *   nothing more; of request and reply: what it says).  A signal is the reason only if there was
 *   one.  What was killed did all, a part, or nothing.
 *
 * It is not required that an operation which was called before another waits before it, and not
 * that a signal, a deadline or a kill ends a call soon.
 *
 * When an operation is interrupted by a signal and restarted by the kernel, it loses its place.  So
 * one during which a handler ran is never taken to wait, and whether a look counts
 * it is left open.  Left open is also whether a look counts those that are over and are about
 * to leave the queues: what was aborted, killed, or a select of which another case was done.
 */
#ifndef MODEL_H
#define MODEL_H

#include "history.h"

/* In a queue: more than all tasks can have there. */
#define MAX_QUEUE	12

/* Of struct state, beside the number of elements that the operation of a task has moved. */
#define PHASE_OVER	0xfe
#define PHASE_IDLE	0xff

/**
 * struct state - what there is at a moment
 * @phase: of each task: the elements that its operation has sent or received so far;
 *	PHASE_OVER: it has happened and not returned; PHASE_IDLE: there is none.
 * @released: of each channel: a bit for each task that waited on it when it closed.
 * @n_queue: how many are known to wait, to send and to receive.
 * @queue: these, in the order of their coming; each is the task times 16, plus its case.
 * @unused: 0.
 * @chan: the channels.
 *
 * What is not in use is 0: two states that are the same have the same bytes.
 */
struct state {
	uint8_t phase[MAX_TASKS];
	uint8_t released[MAX_CHANS];
	uint8_t n_queue[MAX_CHANS][DIRS];
	uint8_t queue[MAX_CHANS][DIRS][MAX_QUEUE];
	uint8_t unused[3];
	struct {
		uint8_t closed;
		uint8_t len;
		uint16_t sends;
		uint16_t buffer[MAX_CAP];
	} chan[MAX_CHANS];
};

_Static_assert(sizeof(struct state) == 128, "there are no holes in it");

/**
 * struct model - a history under examination
 * @h: the history.
 * @current: the operation of each task; NULL: none.
 * @found: called with each state that a step leads to.
 * @arg: its argument.
 */
struct model {
	const struct history *h;
	const struct op *current[MAX_TASKS];
	void (*found)(void *arg, const struct state *state);
	void *arg;
};

void model_begin(struct model *m, const struct history *h, struct state *first);
const char *model_flaw(const struct op *op);

/* The state as it is when all that is to be observed in it has been: see model.c. */
void model_settle(const struct model *m, struct state *s);
/* All that one step can lead to. */
void model_steps(const struct model *m, const struct state *s);

void model_remove(struct state *s, unsigned int task);
bool model_is_ready(const struct model *m, const struct state *s, unsigned int task);

#endif /* MODEL_H */
