// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random programs.  All follows from the seed and the number of the history.
 */
#include <signal.h>
#include <string.h>

#include "record.h"

static uint64_t rng;
/* In this history few wait: what races are operations that find nothing ready. */
static bool is_hasty;

static void seed_rng(uint64_t seed, uint64_t number)
{
	rng = seed * 0x9e3779b97f4a7c15ULL + number;
}

static uint64_t next_random(void)
{
	uint64_t x = rng += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static unsigned int below(unsigned int n)
{
	return (next_random() >> 32) * n >> 32;
}

static bool one_in(unsigned int n)
{
	return !below(n);
}

/* An index, with the probability that its weight has among all. */
static unsigned int draw(const unsigned int *weights, unsigned int n)
{
	unsigned int sum = 0, i, x;

	for (i = 0; i < n; i++)
		sum += weights[i];
	x = below(sum);
	for (i = 0; x >= weights[i]; i++)
		x -= weights[i];
	return i;
}

/* ---- operations ---- */

/* What the operations of a history are mostly of. */
static void draw_weights(unsigned int *weights)
{
	static const unsigned int usual[KINDS] = {
		[OP_SEND] = 12, [OP_RECV] = 12, [OP_SELECT] = 14, [OP_CALL] = 4,
		[OP_SEND_N] = 4, [OP_RECV_N] = 4, [OP_WRITE] = 3, [OP_READ] = 3,
		[OP_CLOSE] = 1, [OP_LEN] = 2, [OP_LOOK] = 5,
	};
	int kind;

	for (kind = 0; kind < KINDS; kind++)
		weights[kind] = usual[kind] * below(4);
	weights[OP_SEND]++;
	weights[OP_RECV]++;
	if (one_in(2))
		weights[OP_CLOSE] = 0;
}

static enum patience draw_patience(enum kind kind)
{
	static const unsigned int usual[PATIENCES] = {
		[WAIT] = 9, [TRY] = 5, [UNTIL] = 5, [LATE] = 1,
	};
	static const unsigned int hasty[PATIENCES] = {
		[WAIT] = 1, [TRY] = 12, [UNTIL] = 1, [LATE] = 3,
	};
	enum patience patience = draw(is_hasty ? hasty : usual, PATIENCES);

	switch (kind) {
	case OP_CALL:
		return patience == TRY ? WAIT : patience;
	case OP_WRITE:
	case OP_READ:
		return patience == TRY ? TRY : WAIT;
	case OP_CLOSE:
	case OP_LEN:
	case OP_LOOK:
		return WAIT;
	default:
		return patience;
	}
}

static void make_case(struct op_case *c, unsigned int n_chans, uint16_t *value)
{
	c->chan = below(n_chans);
	c->dir = below(2);
	if (c->dir == DIR_SEND)
		c->value = ++*value;
}

static void make_cases(struct op *op, unsigned int n_chans, uint16_t *value)
{
	unsigned int i;

	op->n_cases = 1 + below(MAX_CASES);
	if (op->n_cases == 1)
		op->n_cases = 1 + below(2);
	for (i = 0; i < op->n_cases; i++) {
		make_case(&op->cases[i], n_chans, value);
		/* Not all, or it would wait for ever. */
		if (i && one_in(12))
			op->cases[i] = (struct op_case){ .chan = -1 };
	}
}

static void make_op(struct op *op, unsigned int kind, unsigned int n_chans, uint16_t *value)
{
	unsigned int i, n;

	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->patience = draw_patience(kind);
	op->chosen = -1;
	if (kind == OP_SELECT) {
		make_cases(op, n_chans, value);
		return;
	}
	op->chan = below(n_chans);
	if (kind == OP_CALL)
		op->in = (op->chan + 1 + below(n_chans - 1)) % n_chans;
	if (receives_many(op))
		op->n = 1 + below(MAX_BATCH);
	n = sends_many(op) ? 1 + below(MAX_BATCH) : kind == OP_SEND || kind == OP_CALL;
	for (i = 0; i < n; i++)
		op->values[i] = ++*value;
	if (n)
		op->n = n;
}

static void make_step(struct step *step, const unsigned int *weights, unsigned int n_chans,
		      uint16_t *value)
{
	unsigned int kind = draw(weights, KINDS);

	if (kind == OP_CALL && n_chans == 1)
		kind = OP_SEND;
	make_op(&step->op, kind, n_chans, value);
	step->raw = one_in(2);
	step->here = one_in(2);
	step->delay = !is_hasty && one_in(3) ? below(1 << below(12)) : 0;
	step->patience_ns = below(1 << (8 + below(12)));
}

/* ---- disturbances ---- */

static void add_disturbance(struct program *p, int signal, unsigned int events)
{
	struct disturbance d = { .at = 1 + below(events), .task = below(p->n_tasks),
				 .signal = signal };
	unsigned int i = p->n_disturbances++;

	for (; i && p->disturbances[i - 1].at > d.at; i--)
		p->disturbances[i] = p->disturbances[i - 1];
	p->disturbances[i] = d;
}

static void make_disturbances(struct program *p, unsigned int events)
{
	unsigned int n = one_in(3) ? 1 + below(MAX_SIGNALS) : 0;

	p->n_disturbances = 0;
	while (n--)
		add_disturbance(p, one_in(3) ? SIGUSR2 : SIGUSR1, events);
	if (one_in(16))
		add_disturbance(p, SIGKILL, events);
}

/* ---- all of it ---- */

void make_program(struct program *p, struct task *tasks, uint64_t seed, uint64_t number)
{
	static const unsigned int caps[] = { 8, 4, 3, 2 };
	unsigned int weights[KINDS], steps = 0, longest, i, t;
	uint16_t value = 0;

	seed_rng(seed, number);
	p->n_tasks = 2 + below(TASKS - 1);
	p->n_chans = 1 + below(MAX_CHANS);
	for (i = 0; i < p->n_chans; i++)
		p->cap[i] = draw(caps, sizeof(caps) / sizeof(*caps));
	is_hasty = one_in(4);
	draw_weights(weights);
	longest = is_hasty ? 13 : 4 + below(9);
	for (t = 0; t < p->n_tasks; t++) {
		tasks[t].n = 2 + below(longest - 1);
		for (i = 0; i < tasks[t].n; i++)
			make_step(&tasks[t].steps[i], weights, p->n_chans, &value);
		steps += tasks[t].n;
	}
	make_disturbances(p, 2 * steps);
	p->first_closed = below(p->n_chans);
	p->rescues = below(8);
	p->looks_often = one_in(2);
}

void make_processes(unsigned int *process, uint64_t seed, uint64_t batch)
{
	unsigned int t, n;

	seed_rng(~seed, batch);
	n = 1 + below(TASKS);
	for (t = 0; t < TASKS; t++)
		process[t] = t < n ? t : below(n);
}
