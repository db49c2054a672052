// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows a history that cannot be explained, and what there was in all of them.
 */
#include <string.h>

#include "report.h"

#define STATES_SHOWN	4

/* ---- the part that cannot be explained ---- */

static const struct event *end_of(const struct history *h, int op)
{
	unsigned int i;

	for (i = 0; i < h->n_events; i++)
		if (h->events[i].op == op && h->events[i].type != EV_CALL)
			return &h->events[i];
	return NULL;
}

/* A call that is pending where the history goes wrong: how it ends later. */
static void show_later(FILE *f, const struct history *h, const struct event *ev,
		       unsigned int stopped)
{
	const struct event *end = end_of(h, ev->op);
	char line[HISTORY_LINE];

	if (ev->type != EV_CALL)
		return;
	if (!end) {
		fputs("\t# does not return", f);
	} else if (end > &h->events[stopped]) {
		write_result(line, &h->ops[ev->op]);
		fprintf(f, "\t# pending; line %u: %s", end->line + 1,
			end->type == EV_RETURN ? line : end->type == EV_KILL ? "kill" : "stuck");
	}
}

static void show_events(FILE *f, const struct text *text, const struct history *h,
			unsigned int stopped)
{
	unsigned int i, c;
	size_t len;

	for (c = 0; c < h->n_chans; c++)
		fprintf(f, "       chan %u cap %u\n", c, h->cap[c]);
	for (i = 0; i <= stopped; i++) {
		const struct event *ev = &h->events[i];

		fprintf(f, "%4u   %s", ev->line + 1, text_line(text, ev->line, &len));
		show_later(f, h, ev, stopped);
		fputs(i == stopped ? "\t# <-- here\n" : "\n", f);
	}
}

/* ---- the states before it ---- */

static void show_queue(FILE *f, const struct state *s, unsigned int c, enum dir dir)
{
	unsigned int i;

	if (!s->n_queue[c][dir])
		return;
	fprintf(f, ", known to wait to %s:", dir == DIR_SEND ? "send" : "receive");
	for (i = 0; i < s->n_queue[c][dir]; i++)
		fprintf(f, " task %u", s->queue[c][dir][i] >> 4);
}

static void show_chan(FILE *f, const struct history *h, const struct state *s, unsigned int c)
{
	unsigned int i;

	fprintf(f, "       chan %u: %s, %u sent", c, s->chan[c].closed ? "closed" : "open",
		s->chan[c].sends);
	if (h->cap[c]) {
		fputs(", holds", f);
		for (i = 0; i < s->chan[c].len; i++)
			fprintf(f, " %u", s->chan[c].buffer[i]);
		if (!s->chan[c].len)
			fputs(" nothing", f);
	}
	show_queue(f, s, c, DIR_SEND);
	show_queue(f, s, c, DIR_RECV);
	fputc('\n', f);
}

static void show_tasks(FILE *f, const struct state *s)
{
	unsigned int task, n = 0;

	for (task = 0; task < MAX_TASKS; task++) {
		if (s->phase[task] == PHASE_IDLE)
			continue;
		fprintf(f, "%stask %u %s", n++ ? ", " : "       ", task,
			s->phase[task] == PHASE_OVER ? "has happened" : "is pending");
		if (s->phase[task] && s->phase[task] < PHASE_OVER)
			fprintf(f, " after %u elements", s->phase[task]);
	}
	if (n)
		fputc('\n', f);
}

static void show_states(FILE *f, const struct check *check)
{
	const struct history *h = check->model.h;
	unsigned int i, c;

	for (i = 0; i < check->now.n && i < STATES_SHOWN; i++) {
		const struct state *s = &check->now.state[i];

		fputs(i ? "or\n" : "before that event:\n", f);
		for (c = 0; c < h->n_chans; c++)
			show_chan(f, h, s, c);
		show_tasks(f, s);
	}
	if (i < check->now.n)
		fprintf(f, "or one of %u other states\n", check->now.n - i);
}

void report(FILE *f, const struct text *text, const struct check *check)
{
	const struct history *h = check->model.h;
	const struct event *ev = &h->events[check->event];

	fprintf(f, "history %llu of seed %llu is not linearizable: ", h->number, h->seed);
	if (check->flaw)
		fprintf(f, "%s:\n", check->flaw);
	else
		fprintf(f, "no order of what had been called explains line %u:\n", ev->line + 1);
	show_events(f, text, h, check->event);
	show_states(f, check);
}

/* ---- what there was ---- */

static unsigned long outcomes[KINDS][RESULTS];
static unsigned long signals, kills, kills_amidst, stucks;

void count_outcomes(const struct history *h)
{
	unsigned int i;

	for (i = 0; i < h->n_ops; i++) {
		outcomes[h->ops[i].kind][h->ops[i].result]++;
		signals += h->ops[i].signalled;
	}
	for (i = 0; i < h->n_events; i++) {
		kills += h->events[i].type == EV_KILL;
		kills_amidst += h->events[i].type == EV_KILL && h->events[i].op >= 0;
		stucks += h->events[i].type == EV_STUCK;
	}
}

void show_outcomes(FILE *f)
{
	int kind, result;

	fprintf(f, "%-8s", "");
	for (result = RES_OK; result < RESULTS; result++)
		fprintf(f, " %9s", result == RES_SAW ? "saw" : result_names[result]);
	fprintf(f, " %9s\n", "no return");
	for (kind = 0; kind < KINDS; kind++) {
		fprintf(f, "%-8s", kind_names[kind]);
		for (result = RES_OK; result < RESULTS; result++)
			fprintf(f, " %9lu", outcomes[kind][result]);
		fprintf(f, " %9lu\n", outcomes[kind][RES_NONE]);
	}
	fprintf(f, "%lu tasks killed, %lu of them in an operation; %lu operations met signals; "
		"%lu stuck\n", kills, kills_amidst, signals, stucks);
}
