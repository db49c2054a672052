// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can happen next.  How each operation ends is known from the history, so only that is
 * tried which leads there.
 *
 * Steps are of two kinds.  To observe, as who is told "would block" or "closed" does, changes
 * nothing for others.  So it is done as soon as it is possible (model_settle()): whatever can
 * come later can come after it, too.  To move an element, and to close, is tried in all orders
 * (model_steps()).  That somebody waits matters only if a look has counted it, and is decided
 * there: before it he may have been on his way.
 */
#include <string.h>

#include "model.h"

/* One that may have come to its end, but did not tell. */
static bool is_open(const struct op *op)
{
	return op->result == RES_NONE && !op->stuck;
}

static bool is_pending(const struct state *s, unsigned int task)
{
	return s->phase[task] < PHASE_OVER;
}

/* ---- operations ---- */

/* Whether it would wait for its next element. */
static bool is_willing(const struct op *op, unsigned int phase)
{
	return (op->patience == WAIT || op->patience == UNTIL) &&
	       !(receives_many(op) && phase);
}

/* What an operation attempts once it has moved @phase elements. */
static unsigned int attempts(const struct op *op, unsigned int phase, struct op_case *to)
{
	switch (op->kind) {
	case OP_SELECT:
		memcpy(to, op->cases, op->n_cases * sizeof(*to));
		return op->n_cases;
	case OP_CALL:
		to->chan = phase ? op->in : op->chan;
		to->dir = phase ? DIR_RECV : DIR_SEND;
		to->value = op->values[0];
		return 1;
	case OP_SEND:
	case OP_SEND_N:
	case OP_WRITE:
		to->chan = op->chan;
		to->dir = DIR_SEND;
		to->value = op->values[phase];
		return 1;
	case OP_RECV:
	case OP_RECV_N:
	case OP_READ:
		to->chan = op->chan;
		to->dir = DIR_RECV;
		to->value = 0;
		return 1;
	default:
		return 0;
	}
}

/* The most elements that it can move. */
static unsigned int most(const struct op *op)
{
	if (op->kind == OP_CALL)
		return 2;
	return sends_many(op) || receives_many(op) ? op->n : 1;
}

/* How many it has moved, by what it was told. */
static unsigned int moved(const struct op *op)
{
	if (op->kind == OP_CALL)
		return op->result == RES_GOT ? 2 : op->sent || op->result == RES_CLOSED;
	return op->result == RES_SENT ? op->sent : op->result == RES_GOT ? op->n_got : 0;
}

/* Whether it ends with its last element, and not with something that it has observed. */
static bool ends_with_element(const struct op *op)
{
	return (op->result == RES_SENT || op->result == RES_GOT) && moved(op) == most(op);
}

/* Whether it was told that it has moved this element, by this case. */
static bool was_told(const struct op *op, unsigned int phase, unsigned int i, uint16_t value,
		     enum dir dir)
{
	if (is_open(op))
		return true;
	if (op->stuck || phase >= moved(op) || (op->kind == OP_SELECT && op->chosen != (int)i))
		return false;
	return dir == DIR_SEND || op->got[op->kind == OP_CALL ? 0 : phase] == value;
}

/* ---- queues ---- */

static uint8_t entry_of(unsigned int task, unsigned int i)
{
	return task << 4 | i;
}

static unsigned int task_of(uint8_t entry)
{
	return entry >> 4;
}

/* The one who has waited longest, not counting @task itself; negative: nobody. */
static int oldest(const struct state *s, unsigned int c, enum dir dir, unsigned int task)
{
	unsigned int i;

	for (i = 0; i < s->n_queue[c][dir]; i++)
		if (task_of(s->queue[c][dir][i]) != task)
			return s->queue[c][dir][i];
	return -1;
}

static void leave_queue(struct state *s, unsigned int c, enum dir dir, unsigned int task)
{
	uint8_t *queue = s->queue[c][dir];
	unsigned int i, n = 0;

	for (i = 0; i < s->n_queue[c][dir]; i++)
		if (task_of(queue[i]) != task)
			queue[n++] = queue[i];
	memset(queue + n, 0, s->n_queue[c][dir] - n);
	s->n_queue[c][dir] = n;
}

static void leave_queues(struct state *s, unsigned int task)
{
	unsigned int c;

	for (c = 0; c < MAX_CHANS; c++) {
		leave_queue(s, c, DIR_SEND, task);
		leave_queue(s, c, DIR_RECV, task);
	}
}

/* The operation of a task is no more. */
void model_remove(struct state *s, unsigned int task)
{
	unsigned int c;

	leave_queues(s, task);
	for (c = 0; c < MAX_CHANS; c++)
		s->released[c] &= ~(1 << task);
	s->phase[task] = PHASE_IDLE;
}

static bool is_queued(const struct state *s, unsigned int c, enum dir dir, uint8_t entry)
{
	return memchr(s->queue[c][dir], entry, s->n_queue[c][dir]);
}

/* One that loses its place, or leaves its queue, nobody knows when. */
static bool is_restless(const struct op *op)
{
	return op->signalled || op->killed;
}

/*
 * Entries that may be in a queue, and before those who are known to wait there.  Returns how
 * many; @task has none.
 */
static unsigned int restless_entries(const struct model *m, const struct state *s, unsigned int c,
				     enum dir dir, unsigned int task, uint8_t *to)
{
	struct op_case cases[MAX_CASES];
	unsigned int t, i, n, found = 0;

	for (t = 0; t < MAX_TASKS; t++) {
		const struct op *op = m->current[t];

		if (!op || t == task || !is_pending(s, t) || !is_restless(op) ||
		    !is_willing(op, s->phase[t]))
			continue;
		n = attempts(op, s->phase[t], cases);
		for (i = 0; i < n; i++)
			if (cases[i].chan == (int)c && cases[i].dir == dir)
				to[found++] = entry_of(t, i);
	}
	return found;
}

/* ---- readiness ---- */

static bool can_recv(const struct state *s, unsigned int c, unsigned int task)
{
	return s->chan[c].len || oldest(s, c, DIR_SEND, task) >= 0;
}

static bool can_send(const struct model *m, const struct state *s, unsigned int c,
		     unsigned int task)
{
	return s->chan[c].len < m->h->cap[c] || oldest(s, c, DIR_RECV, task) >= 0;
}

static bool is_case_ready(const struct model *m, const struct state *s, const struct op_case *oc,
			  unsigned int task)
{
	if (oc->chan < 0)
		return false;
	if (s->chan[oc->chan].closed)
		return true;
	return oc->dir == DIR_SEND ? can_send(m, s, oc->chan, task) :
				     can_recv(s, oc->chan, task);
}

/* Whether the operation of a task could go on at once. */
bool model_is_ready(const struct model *m, const struct state *s, unsigned int task)
{
	const struct op *op = m->current[task];
	struct op_case cases[MAX_CASES];
	unsigned int i, n = attempts(op, s->phase[task], cases);

	for (i = 0; i < n; i++)
		if (is_case_ready(m, s, &cases[i], task))
			return true;
	return false;
}

/* ---- looks ---- */

/* Entries of an operation which are in a queue if it waits. */
static unsigned int entries(const struct op *op, unsigned int phase, unsigned int c, enum dir dir)
{
	struct op_case cases[MAX_CASES];
	unsigned int i, n = attempts(op, phase, cases), found = 0;

	for (i = 0; i < n; i++)
		found += cases[i].chan == (int)c && cases[i].dir == dir;
	return found;
}

/* Likewise if it is over, but those of the case that was done. */
static unsigned int entries_left(const struct op *op, unsigned int c, enum dir dir)
{
	unsigned int phase = moved(op), n;

	if (!is_willing(op, phase) || ends_with_element(op))
		phase = 0;
	if (op->kind != OP_SELECT && ends_with_element(op))
		return 0;
	n = entries(op, phase, c, dir);
	if (op->kind == OP_SELECT && op->chosen >= 0)
		n -= op->cases[op->chosen].chan == (int)c && op->cases[op->chosen].dir == dir;
	return n;
}

/* Entries that a look may have counted or not. */
static unsigned int uncertain(const struct model *m, const struct state *s, unsigned int c,
			      enum dir dir)
{
	unsigned int task, n = 0;

	for (task = 0; task < MAX_TASKS; task++) {
		const struct op *op = m->current[task];

		if (!op || !is_willing(op, 0))
			continue;
		if (s->phase[task] == PHASE_OVER)
			n += is_open(op) ? MAX_CASES : entries_left(op, c, dir);
		else if (is_restless(op))
			n += is_willing(op, s->phase[task]) ?
				entries(op, s->phase[task], c, dir) : 0;
	}
	return n;
}

/* How many more must be known to wait than are, for a look to be right; negative: it is not. */
static int missing(const struct model *m, const struct state *s, unsigned int c, enum dir dir,
		   unsigned int counted)
{
	unsigned int known = s->n_queue[c][dir], open = uncertain(m, s, c, dir);

	if (counted < known)
		return -1;
	return counted <= known + open ? 0 : counted - known - open;
}

static bool has_seen_contents(const struct state *s, const struct op *op)
{
	const struct sight *saw = &op->saw;
	unsigned int c = op->chan;

	return saw->len == s->chan[c].len && saw->closed == s->chan[c].closed &&
	       saw->sends == s->chan[c].sends && saw->receives + saw->len == saw->sends;
}

/* ---- observing ---- */

static bool looks_right(const struct model *m, const struct state *s, const struct op *op)
{
	if (!has_seen_contents(s, op))
		return false;
	/* They are being completed one by one. */
	if (op->saw.closed)
		return true;
	return !missing(m, s, op->chan, DIR_RECV, op->saw.recvq) &&
	       !missing(m, s, op->chan, DIR_SEND, op->saw.sendq);
}

static unsigned int chan_of(const struct op *op)
{
	if (op->kind == OP_SELECT)
		return op->cases[op->chosen].chan;
	return op->kind == OP_CALL && op->result == RES_CLOSED ? op->in : op->chan;
}

/* Fewer elements than asked for. */
static bool may_stop_short(const struct model *m, const struct state *s, const struct op *op)
{
	unsigned int c = op->chan;

	if (op->signalled)
		return true;
	if (receives_many(op))
		return !can_recv(s, c, op->task);
	return s->chan[c].closed || (op->patience != WAIT && !can_send(m, s, c, op->task));
}

/* Whether the operation could have been told now what it was told. */
static bool observes(const struct model *m, const struct state *s, const struct op *op)
{
	unsigned int c;

	switch (op->result) {
	case RES_SENT:
	case RES_GOT:
		return may_stop_short(m, s, op);
	case RES_CLOSED:
		c = chan_of(op);
		return s->chan[c].closed && !s->chan[c].len;
	case RES_EPIPE:
		return s->chan[chan_of(op)].closed;
	case RES_AGAIN:
	case RES_TIMEDOUT:
		return !model_is_ready(m, s, op->task);
	case RES_INTR:
		return op->signalled;
	case RES_SAW:
		return op->kind == OP_LEN ? op->saw.len == s->chan[op->chan].len :
					    looks_right(m, s, op);
	default:
		return false;
	}
}

void model_settle(const struct model *m, struct state *s)
{
	unsigned int task;

	for (task = 0; task < MAX_TASKS; task++) {
		const struct op *op = m->current[task];

		if (!op || !is_pending(s, task) || s->phase[task] != moved(op) ||
		    ends_with_element(op) || !observes(m, s, op))
			continue;
		s->phase[task] = PHASE_OVER;
		leave_queues(s, task);
		/* It was in the way of others, perhaps. */
		task = -1;
	}
}

/* ---- moving an element ---- */

static void found(const struct model *m, struct state *s)
{
	model_settle(m, s);
	m->found(m->arg, s);
}

static void advance(const struct model *m, struct state *s, unsigned int task)
{
	const struct op *op = m->current[task];

	leave_queues(s, task);
	s->phase[task]++;
	if (s->phase[task] == most(op) || (ends_with_element(op) && s->phase[task] == moved(op)))
		s->phase[task] = PHASE_OVER;
}

/* Whether @entry, which waits, may be the partner for an element. */
static bool agrees(const struct model *m, const struct state *s, uint8_t entry, uint16_t value,
		   enum dir dir)
{
	unsigned int task = task_of(entry);

	return was_told(m->current[task], s->phase[task], entry & 15, value, dir);
}

/* Whether @entry is not in the way of others who have waited longer. */
static bool has_turn(const struct model *m, int first, uint8_t entry)
{
	return first < 0 || first == entry || is_restless(m->current[task_of(entry)]);
}

/* A send and a receive on one channel, of two tasks, as one step. */
static void meet(const struct model *m, const struct state *s, uint8_t sender, uint8_t receiver,
		 const struct op_case *sends)
{
	unsigned int from = task_of(sender), to = task_of(receiver), c = sends->chan;
	struct state next;

	if (!has_turn(m, oldest(s, c, DIR_SEND, to), sender) ||
	    !has_turn(m, oldest(s, c, DIR_RECV, from), receiver))
		return;
	if (!is_willing(m->current[from], s->phase[from]) &&
	    !is_willing(m->current[to], s->phase[to]))
		return;
	if (!agrees(m, s, receiver, sends->value, DIR_RECV))
		return;
	next = *s;
	next.chan[c].sends++;
	advance(m, &next, from);
	advance(m, &next, to);
	found(m, &next);
}

static void meet_all(const struct model *m, const struct state *s, uint8_t sender,
		     const struct op_case *sends)
{
	struct op_case cases[MAX_CASES];
	unsigned int task, i, n;

	for (task = 0; task < MAX_TASKS; task++) {
		if (!m->current[task] || !is_pending(s, task) || task == task_of(sender))
			continue;
		n = attempts(m->current[task], s->phase[task], cases);
		for (i = 0; i < n; i++)
			if (cases[i].chan == sends->chan && cases[i].dir == DIR_RECV)
				meet(m, s, sender, entry_of(task, i), sends);
	}
}

static void give(const struct model *m, const struct state *s, unsigned int task,
		 const struct op_case *oc, uint8_t receiver)
{
	struct state next = *s;

	if (!agrees(m, s, receiver, oc->value, DIR_RECV))
		return;
	next.chan[oc->chan].sends++;
	advance(m, &next, task);
	advance(m, &next, task_of(receiver));
	found(m, &next);
}

static void append(const struct model *m, const struct state *s, unsigned int task,
		   const struct op_case *oc)
{
	unsigned int c = oc->chan;
	struct state next = *s;

	next.chan[c].sends++;
	next.chan[c].buffer[next.chan[c].len++] = oc->value;
	advance(m, &next, task);
	found(m, &next);
}

/* To who waits, or else to the buffer. */
static void send_buffered(const struct model *m, const struct state *s, unsigned int task,
			  const struct op_case *oc)
{
	uint8_t others[MAX_TASKS * MAX_CASES];
	int receiver = oldest(s, oc->chan, DIR_RECV, task);
	unsigned int i, n;

	if (receiver < 0) {
		if (s->chan[oc->chan].len < m->h->cap[oc->chan])
			append(m, s, task, oc);
		return;
	}
	give(m, s, task, oc, receiver);
	n = restless_entries(m, s, oc->chan, DIR_RECV, task, others);
	for (i = 0; i < n; i++)
		give(m, s, task, oc, others[i]);
}

static uint16_t take_first(struct state *s, unsigned int c)
{
	uint16_t *buffer = s->chan[c].buffer, value = buffer[0];

	s->chan[c].len--;
	memmove(buffer, buffer + 1, s->chan[c].len * sizeof(*buffer));
	buffer[s->chan[c].len] = 0;
	return value;
}

/* A sender who waits gets the free slot. */
static void let_in(const struct model *m, const struct state *s, unsigned int c, uint8_t sender)
{
	struct op_case cases[MAX_CASES];
	unsigned int task = task_of(sender);
	struct state next = *s;

	if (!agrees(m, s, sender, 0, DIR_SEND))
		return;
	attempts(m->current[task], s->phase[task], cases);
	next.chan[c].buffer[next.chan[c].len++] = cases[sender & 15].value;
	next.chan[c].sends++;
	advance(m, &next, task);
	found(m, &next);
}

static void recv_buffered(const struct model *m, const struct state *s, unsigned int task,
			  unsigned int i, unsigned int c)
{
	int sender = s->chan[c].closed ? -1 : oldest(s, c, DIR_SEND, task);
	uint8_t others[MAX_TASKS * MAX_CASES];
	struct state next = *s;
	unsigned int k, n;

	if (!s->chan[c].len || !was_told(m->current[task], s->phase[task], i,
					 take_first(&next, c), DIR_RECV))
		return;
	advance(m, &next, task);
	if (sender < 0) {
		found(m, &next);
		return;
	}
	n = restless_entries(m, &next, c, DIR_SEND, task, others);
	let_in(m, &next, c, sender);
	for (k = 0; k < n; k++)
		let_in(m, &next, c, others[k]);
}

static void attempt(const struct model *m, const struct state *s, unsigned int task,
		    unsigned int i, const struct op_case *oc)
{
	if (oc->chan < 0)
		return;
	if (oc->dir == DIR_RECV) {
		/* Without a buffer it is its partner's step. */
		recv_buffered(m, s, task, i, oc->chan);
		return;
	}
	if (s->chan[oc->chan].closed || !was_told(m->current[task], s->phase[task], i, 0, DIR_SEND))
		return;
	if (m->h->cap[oc->chan])
		send_buffered(m, s, task, oc);
	else
		meet_all(m, s, entry_of(task, i), oc);
}

/* ---- closing ---- */

static void release(struct state *s, unsigned int c, enum dir dir)
{
	unsigned int i;

	for (i = 0; i < s->n_queue[c][dir]; i++)
		s->released[c] |= 1 << task_of(s->queue[c][dir][i]);
	memset(s->queue[c][dir], 0, sizeof(s->queue[c][dir]));
	s->n_queue[c][dir] = 0;
}

static void close_chan(const struct model *m, const struct state *s, const struct op *op)
{
	struct state next = *s;

	if (s->chan[op->chan].closed || (op->result != RES_OK && !is_open(op)))
		return;
	next.chan[op->chan].closed = true;
	release(&next, op->chan, DIR_SEND);
	release(&next, op->chan, DIR_RECV);
	next.phase[op->task] = PHASE_OVER;
	found(m, &next);
}

/* ---- looking, when somebody has to be known to wait ---- */

static bool may_wait(const struct model *m, const struct state *s, unsigned int task)
{
	const struct op *op = m->current[task];

	return op && is_pending(s, task) && !is_restless(op) &&
	       is_willing(op, s->phase[task]);
}

static void look(const struct model *m, const struct state *s, const struct op *op);

static void wait_then_look(const struct model *m, const struct state *s, const struct op *op,
			   enum dir dir, unsigned int task)
{
	struct op_case cases[MAX_CASES];
	unsigned int c = op->chan, i, n = attempts(m->current[task], s->phase[task], cases);

	for (i = 0; i < n; i++) {
		uint8_t entry = entry_of(task, i);
		struct state next = *s;

		if (cases[i].chan != (int)c || cases[i].dir != dir ||
		    is_queued(s, c, dir, entry) || s->n_queue[c][dir] == MAX_QUEUE ||
		    is_case_ready(m, s, &cases[i], task))
			continue;
		next.queue[c][dir][next.n_queue[c][dir]++] = entry;
		look(m, &next, op);
	}
}

static void look(const struct model *m, const struct state *s, const struct op *op)
{
	int receivers = missing(m, s, op->chan, DIR_RECV, op->saw.recvq);
	int senders = missing(m, s, op->chan, DIR_SEND, op->saw.sendq);
	struct state next = *s;
	unsigned int task;

	if (receivers < 0 || senders < 0)
		return;
	if (!receivers && !senders) {
		found(m, &next);
		return;
	}
	for (task = 0; task < MAX_TASKS; task++)
		if (may_wait(m, s, task))
			wait_then_look(m, s, op, receivers ? DIR_RECV : DIR_SEND, task);
}

/* ---- all of it ---- */

void model_steps(const struct model *m, const struct state *s)
{
	struct op_case cases[MAX_CASES];
	unsigned int task, i, n;

	for (task = 0; task < MAX_TASKS; task++) {
		const struct op *op = m->current[task];

		if (!op || !is_pending(s, task))
			continue;
		if (op->kind == OP_CLOSE) {
			close_chan(m, s, op);
		} else if (op->kind == OP_LOOK) {
			if (op->result == RES_SAW && !op->saw.closed && has_seen_contents(s, op))
				look(m, s, op);
		} else {
			n = attempts(op, s->phase[task], cases);
			for (i = 0; i < n; i++)
				attempt(m, s, task, i, &cases[i]);
		}
	}
}

void model_begin(struct model *m, const struct history *h, struct state *first)
{
	m->h = h;
	memset(m->current, 0, sizeof(m->current));
	memset(first, 0, sizeof(*first));
	memset(first->phase, PHASE_IDLE, sizeof(first->phase));
}

/* What is wrong with a result whatever the others did; NULL: nothing. */
const char *model_flaw(const struct op *op)
{
	switch (op->result) {
	case RES_ERROR:
		return "no operation ends with this errno";
	case RES_INTR:
		return op->signalled ? NULL : "it was interrupted, and there was no signal";
	case RES_AGAIN:
		return op->patience == TRY ? NULL : "it would block, and was to wait";
	case RES_TIMEDOUT:
		return op->patience >= UNTIL ? NULL : "its deadline has passed, and it has none";
	case RES_EPIPE:
		return op->kind != OP_SELECT || op->chosen >= 0 ? NULL :
		       "a case of it failed, and it does not say which";
	case RES_SENT:
	case RES_GOT:
		return moved(op) ? NULL : "nothing was moved, and it is no error";
	default:
		return NULL;
	}
}
