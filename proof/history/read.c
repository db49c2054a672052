// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads histories.  What is not one ends the program, with status 2 and the number of the line.
 */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history.h"

#define MAX_LINES	(sizeof(((struct history *)NULL)->events) / sizeof(struct event) + 8)
#define CHUNK		(1 << 16)

/**
 * struct text - where histories are read from
 * @fd: the descriptor.
 * @name: what it is called in messages.
 * @buf: what was read and is still needed.
 * @room: bytes allocated there.
 * @start: where the current history begins.
 * @next: where the line after the last that was taken begins.
 * @end: where what was read ends.
 * @lines: where the lines of the current history begin, and the end of the last one.
 * @n_lines: how many.
 * @line: number of the last line that was taken.
 * @p: the next word of that line.
 */
struct text {
	int fd;
	const char *name;
	char *buf;
	size_t room;
	size_t start;
	size_t next;
	size_t end;
	size_t lines[MAX_LINES + 1];
	unsigned int n_lines;
	unsigned long line;
	const char *p;
};

__attribute__((noreturn, format(printf, 2, 3)))
static void malformed(const struct text *text, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s: %s:%lu: ", program_invocation_short_name, text->name, text->line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

struct text *text_of(int fd, const char *name)
{
	struct text *text = calloc(1, sizeof(*text));

	if (!text)
		err(2, "memory for %s", name);
	text->fd = fd;
	text->name = name;
	return text;
}

/* ---- lines ---- */

static bool fill(struct text *text)
{
	ssize_t n;

	if (text->room - text->end < CHUNK) {
		text->room = 2 * text->room + CHUNK;
		text->buf = realloc(text->buf, text->room);
		if (!text->buf)
			err(2, "memory for %s", text->name);
	}
	do
		n = read(text->fd, text->buf + text->end, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		err(2, "reading %s", text->name);
	text->end += n;
	return n > 0;
}

/* The lines of the history before are not needed any more. */
static void forget(struct text *text)
{
	text->start = text->next;
	text->n_lines = 0;
	if (text->start < CHUNK)
		return;
	memmove(text->buf, text->buf + text->start, text->end - text->start);
	text->end -= text->start;
	text->start = 0;
	text->next = 0;
}

/* Where a line ends; NULL: there is no other.  A last line without an end is one. */
static char *find_end(struct text *text)
{
	size_t looked = text->next;
	char *newline;

	for (;;) {
		newline = text->end > looked ?
			memchr(text->buf + looked, '\n', text->end - looked) : NULL;
		if (newline)
			return newline;
		looked = text->end;
		if (fill(text))
			continue;
		if (text->end == text->next)
			return NULL;
		text->buf[text->end] = '\n';
		return text->buf + text->end++;
	}
}

/* The next line with something in it, as words.  False: there is none. */
static bool next_line(struct text *text)
{
	size_t here;
	char *end;

	do {
		end = find_end(text);
		if (!end)
			return false;
		text->line++;
		if (text->n_lines == MAX_LINES)
			malformed(text, "more than %zu lines in a history", MAX_LINES);
		here = text->next;
		text->lines[text->n_lines++] = here;
		text->next = end + 1 - text->buf;
		text->lines[text->n_lines] = text->next;
		*end = '\0';
		text->p = text->buf + here + strspn(text->buf + here, " \t");
	} while (!*text->p || *text->p == '#');
	return true;
}

const char *text_line(const struct text *text, unsigned int line, size_t *len)
{
	const char *start = text->buf + text->lines[line];

	*len = strlen(start);
	return start;
}

void text_copy(const struct text *text, int fd)
{
	unsigned int i;
	size_t len;

	for (i = 0; i < text->n_lines; i++) {
		const char *line = text_line(text, i, &len);

		if (write(fd, line, len) != (ssize_t)len || write(fd, "\n", 1) != 1)
			err(2, "writing a history");
	}
}

/* ---- words ---- */

static bool at_end(const struct text *text)
{
	return !*text->p || *text->p == '#';
}

static void skip_blanks(struct text *text)
{
	while (*text->p == ' ' || *text->p == '\t')
		text->p++;
}

static size_t word_len(const struct text *text)
{
	return strcspn(text->p, " \t#");
}

static bool take(struct text *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text->p, word, len) || !strchr(" \t#", text->p[len]))
		return false;
	text->p += len;
	skip_blanks(text);
	return true;
}

static void expect(struct text *text, const char *word)
{
	if (!take(text, word))
		malformed(text, "\"%s\" expected at \"%s\"", word, text->p);
}

static unsigned long long number(struct text *text, unsigned long long most, const char *what)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text->p, &end, 10);
	if (end == text->p || *text->p == '-' || errno || n > most)
		malformed(text, "%s expected, at most %llu, at \"%s\"", what, most, text->p);
	text->p = end;
	skip_blanks(text);
	return n;
}

static uint16_t value(struct text *text)
{
	unsigned long long n = number(text, UINT16_MAX, "an element");

	if (!n)
		malformed(text, "0 is no element");
	return n;
}

static uint8_t chan(struct text *text, const struct history *h)
{
	unsigned long long n = number(text, MAX_CHANS - 1, "a channel");

	if (n >= h->n_chans)
		malformed(text, "there is no channel %llu", n);
	return n;
}

static unsigned int values(struct text *text, uint16_t *to)
{
	unsigned int n = 0;

	while (*text->p >= '0' && *text->p <= '9') {
		if (n == MAX_BATCH)
			malformed(text, "more than %d elements", MAX_BATCH);
		to[n++] = value(text);
	}
	if (!n)
		malformed(text, "an element expected at \"%s\"", text->p);
	return n;
}

/* ---- calls ---- */

static bool is_name(const char *word, size_t len, enum kind kind, enum patience patience)
{
	size_t first = strlen(kind_names[kind]);

	return !strncmp(word, kind_names[kind], first) &&
	       strlen(patience_names[patience]) == len - first &&
	       !strncmp(word + first, patience_names[patience], len - first);
}

static bool has_form(enum kind kind, enum patience patience)
{
	switch (kind) {
	case OP_CALL:
		return patience != TRY;
	case OP_WRITE:
	case OP_READ:
		return patience <= TRY;
	case OP_CLOSE:
	case OP_LEN:
	case OP_LOOK:
		return patience == WAIT;
	default:
		return true;
	}
}

static void name(struct text *text, struct op *op)
{
	size_t len = word_len(text);
	int kind, patience;

	for (kind = 0; kind < KINDS; kind++) {
		for (patience = 0; patience < PATIENCES; patience++) {
			if (len < strlen(kind_names[kind]) || !has_form(kind, patience) ||
			    !is_name(text->p, len, kind, patience))
				continue;
			op->kind = kind;
			op->patience = patience;
			text->p += len;
			skip_blanks(text);
			return;
		}
	}
	malformed(text, "no operation: \"%s\"", text->p);
}

static void one_case(struct text *text, const struct history *h, struct op_case *c)
{
	if (take(text, "-")) {
		c->chan = -1;
		return;
	}
	if (*text->p != 's' && *text->p != 'r')
		malformed(text, "a case expected at \"%s\"", text->p);
	c->dir = *text->p++ == 's' ? DIR_SEND : DIR_RECV;
	c->chan = chan(text, h);
	if (c->dir == DIR_RECV)
		return;
	if (*text->p++ != '=')
		malformed(text, "a case that sends is sC=V");
	c->value = value(text);
}

static void all_cases(struct text *text, const struct history *h, struct op *op)
{
	while (!at_end(text)) {
		if (op->n_cases == MAX_CASES)
			malformed(text, "more than %d cases", MAX_CASES);
		one_case(text, h, &op->cases[op->n_cases++]);
	}
}

static void operands(struct text *text, const struct history *h, struct op *op)
{
	if (op->kind == OP_SELECT) {
		all_cases(text, h, op);
		return;
	}
	op->chan = chan(text, h);
	if (op->kind == OP_SEND || op->kind == OP_CALL) {
		op->values[0] = value(text);
		op->n = 1;
	} else if (sends_many(op)) {
		op->n = values(text, op->values);
	} else if (receives_many(op)) {
		op->n = number(text, MAX_BATCH, "a number of elements");
	}
	if (op->kind != OP_CALL)
		return;
	op->in = chan(text, h);
	if (op->in == op->chan)
		malformed(text, "a call on one channel");
}

static uint16_t sent_in(const struct op *op, unsigned int i)
{
	if (op->kind == OP_SELECT && i < op->n_cases)
		return op->cases[i].value;
	if (op->kind != OP_SELECT && i < op->n)
		return op->values[i];
	return 0;
}

/* Elements are told apart by their numbers. */
static void once(struct text *text, const struct op *op, bool *seen)
{
	unsigned int i;

	for (i = 0; i < MAX_CASES; i++) {
		uint16_t v = sent_in(op, i);

		if (v && seen[v])
			malformed(text, "element %u is sent a second time", v);
		seen[v] = true;
	}
}

/* ---- results ---- */

static void seen(struct text *text, struct op *op)
{
	struct sight *saw = &op->saw;

	saw->len = number(text, UINT32_MAX, "a length");
	if (op->kind == OP_LEN)
		return;
	expect(text, "recvq");
	saw->recvq = number(text, UINT32_MAX, "a number");
	expect(text, "sendq");
	saw->sendq = number(text, UINT32_MAX, "a number");
	expect(text, "sends");
	saw->sends = number(text, UINT32_MAX, "a number");
	expect(text, "receives");
	saw->receives = number(text, UINT32_MAX, "a number");
	saw->closed = take(text, "closed");
}

static bool may_end_with(const struct op *op, enum result result)
{
	bool sends = op->kind == OP_SEND || op->kind == OP_CALL || sends_many(op);
	bool receives = op->kind == OP_RECV || op->kind == OP_CALL || receives_many(op);
	bool selects = op->kind == OP_SELECT;

	switch (result) {
	case RES_OK:
		return op->kind == OP_CLOSE;
	case RES_SENT:
		return (sends && op->kind != OP_CALL) || selects;
	case RES_GOT:
	case RES_CLOSED:
		return receives || selects;
	case RES_EPIPE:
		return sends || selects || op->kind == OP_CLOSE;
	case RES_SAW:
		return op->kind == OP_LEN || op->kind == OP_LOOK;
	case RES_AGAIN:
	case RES_TIMEDOUT:
	case RES_INTR:
		return sends || receives || selects;
	default:
		return true;
	}
}

static void result_word(struct text *text, struct op *op)
{
	int result;

	for (result = RES_OK; result < RESULTS; result++) {
		if (!take(text, result_names[result]))
			continue;
		if (!may_end_with(op, result))
			malformed(text, "a %s does not end with \"%s\"", kind_names[op->kind],
				  result_names[result]);
		op->result = result;
		return;
	}
	malformed(text, "no result: \"%s\"", text->p);
}

static bool ends_without_word(const struct text *text)
{
	return at_end(text) || !strncmp(text->p, "signal", 6);
}

static void chosen_case(struct text *text, struct op *op)
{
	const struct op_case *c;
	bool is_sent, sends;

	op->chosen = number(text, op->n_cases - 1, "a case");
	c = &op->cases[op->chosen];
	if (c->chan < 0)
		malformed(text, "case %d is nil", op->chosen);
	op->result = RES_SENT;
	if (!ends_without_word(text))
		result_word(text, op);
	is_sent = op->result == RES_SENT || op->result == RES_EPIPE;
	sends = c->dir == DIR_SEND;
	if (is_sent != sends)
		malformed(text, "case %d cannot end like that", op->chosen);
}

static void outcome(struct text *text, struct op *op)
{
	op->chosen = -1;
	if (op->kind == OP_SELECT && op->n_cases && take(text, "case")) {
		chosen_case(text, op);
	} else if (op->kind == OP_CALL && take(text, "sent")) {
		op->sent = 1;
		result_word(text, op);
		if (op->result != RES_TIMEDOUT && op->result != RES_INTR)
			malformed(text, "\"timedout\" or \"intr\" expected");
	} else {
		result_word(text, op);
	}
	if (op->result == RES_GOT)
		op->n_got = values(text, op->got);
	else if (op->result == RES_SAW)
		seen(text, op);
	else if (op->result == RES_ERROR)
		op->error = number(text, INT16_MAX, "an errno");
	else if (op->result == RES_SENT)
		op->sent = sends_many(op) ? number(text, op->n, "a number of elements") : 1;
	if (op->n_got > (receives_many(op) ? op->n : 1))
		malformed(text, "more elements than asked for");
	op->signalled = take(text, "signal");
}

/* ---- events ---- */

static struct event *add_event(struct text *text, struct history *h, enum event_type type)
{
	struct event *ev = &h->events[h->n_events++];

	ev->type = type;
	ev->task = number(text, MAX_TASKS - 1, "a task");
	ev->line = text->n_lines - 1;
	return ev;
}

static void event_call(struct text *text, struct history *h, int *current, bool *sent)
{
	struct event *ev = add_event(text, h, EV_CALL);
	struct op *op;

	if (current[ev->task] >= 0)
		malformed(text, "task %u is in a call already", ev->task);
	if (h->n_ops == MAX_OPS)
		malformed(text, "more than %d operations", MAX_OPS);
	ev->op = h->n_ops;
	current[ev->task] = h->n_ops;
	op = &h->ops[h->n_ops++];
	memset(op, 0, sizeof(*op));
	op->task = ev->task;
	op->chosen = -1;
	name(text, op);
	operands(text, h, op);
	once(text, op, sent);
}

static struct op *end_op(struct text *text, struct history *h, struct event *ev, int *current)
{
	ev->op = current[ev->task];
	if (ev->op < 0)
		malformed(text, "task %u is in no call", ev->task);
	current[ev->task] = -1;
	return &h->ops[ev->op];
}

static void one_event(struct text *text, struct history *h, int *current, bool *sent)
{
	struct event *ev;

	if (take(text, ">")) {
		event_call(text, h, current, sent);
	} else if (take(text, "<")) {
		ev = add_event(text, h, EV_RETURN);
		outcome(text, end_op(text, h, ev, current));
	} else if (take(text, "stuck")) {
		ev = add_event(text, h, EV_STUCK);
		end_op(text, h, ev, current)->stuck = true;
	} else if (take(text, "kill")) {
		ev = add_event(text, h, EV_KILL);
		ev->op = current[ev->task];
		current[ev->task] = -1;
		if (ev->op >= 0)
			h->ops[ev->op].killed = true;
	} else {
		malformed(text, "no event: \"%s\"", text->p);
	}
	if (!at_end(text))
		malformed(text, "too much: \"%s\"", text->p);
}

static void add_chan(struct text *text, struct history *h)
{
	if (number(text, MAX_CHANS - 1, "a channel") != h->n_chans)
		malformed(text, "channel %u expected", h->n_chans);
	expect(text, "cap");
	h->cap[h->n_chans++] = number(text, MAX_CAP, "a capacity");
}

static void head(struct text *text, struct history *h)
{
	expect(text, "history");
	h->number = number(text, UINT64_MAX, "a number");
	expect(text, "seed");
	h->seed = number(text, UINT64_MAX, "a seed");
	h->line = text->line;
	h->n_chans = 0;
	h->n_ops = 0;
	h->n_events = 0;
}

/* Returns 1, or 0 if there is no other. */
int read_history(struct text *text, struct history *h)
{
	static bool sent[UINT16_MAX + 1];
	int current[MAX_TASKS], i;

	memset(sent, 0, sizeof(sent));
	for (i = 0; i < MAX_TASKS; i++)
		current[i] = -1;
	forget(text);
	if (!next_line(text))
		return 0;
	head(text, h);
	for (;;) {
		if (!next_line(text))
			malformed(text, "a history without an end");
		if (take(text, "end"))
			return 1;
		if (take(text, "chan"))
			add_chan(text, h);
		else
			one_event(text, h, current, sent);
	}
}
