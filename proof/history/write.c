// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations and results as text.  Not by printf(): the recorder writes millions of them on an
 * emulated processor.
 */
#include <string.h>

#include "history.h"

const char *const kind_names[KINDS] = {
	[OP_SEND] = "send",	[OP_RECV] = "recv",	[OP_SELECT] = "select",
	[OP_CALL] = "call",	[OP_SEND_N] = "send-n",	[OP_RECV_N] = "recv-n",
	[OP_WRITE] = "write",	[OP_READ] = "read",	[OP_CLOSE] = "close",
	[OP_LEN] = "len",	[OP_LOOK] = "look",
};

const char *const patience_names[PATIENCES] = {
	[WAIT] = "",	[TRY] = "-try",	[UNTIL] = "-until",	[LATE] = "-late",
};

const char *const result_names[RESULTS] = {
	[RES_NONE] = "",	[RES_OK] = "ok",	[RES_SENT] = "sent",	[RES_GOT] = "got",
	[RES_CLOSED] = "closed",	[RES_EPIPE] = "epipe",	[RES_AGAIN] = "again",
	[RES_TIMEDOUT] = "timedout",	[RES_INTR] = "intr",	[RES_SAW] = "len",
	[RES_ERROR] = "error",
};

static char *put(char *to, const char *word)
{
	return stpcpy(to, word);
}

static char *put_number(char *to, unsigned int n)
{
	char digits[10];
	int i = 0;

	do
		digits[i++] = '0' + n % 10;
	while (n /= 10);
	while (i)
		*to++ = digits[--i];
	*to = '\0';
	return to;
}

static char *put_named(char *to, const char *name, unsigned int n)
{
	return put_number(put(to, name), n);
}

static char *put_numbers(char *to, const uint16_t *numbers, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		to = put_named(to, " ", numbers[i]);
	return to;
}

static char *put_case(char *to, const struct op_case *c)
{
	if (c->chan < 0)
		return put(to, " -");
	to = put_named(to, c->dir == DIR_SEND ? " s" : " r", c->chan);
	return c->dir == DIR_SEND ? put_named(to, "=", c->value) : to;
}

char *write_call(char *to, const struct op *op)
{
	unsigned int i;

	to = put(to, kind_names[op->kind]);
	to = put(to, patience_names[op->patience]);
	if (op->kind == OP_SELECT) {
		for (i = 0; i < op->n_cases; i++)
			to = put_case(to, &op->cases[i]);
		return to;
	}
	to = put_named(to, " ", op->chan);
	if (receives_many(op))
		return put_named(to, " ", op->n);
	to = put_numbers(to, op->values, op->n);
	return op->kind == OP_CALL ? put_named(to, " ", op->in) : to;
}

static char *write_saw(char *to, const struct op *op)
{
	const struct sight *saw = &op->saw;

	to = put_named(to, "len ", saw->len);
	if (op->kind == OP_LEN)
		return to;
	to = put_named(to, " recvq ", saw->recvq);
	to = put_named(to, " sendq ", saw->sendq);
	to = put_named(to, " sends ", saw->sends);
	to = put_named(to, " receives ", saw->receives);
	return saw->closed ? put(to, " closed") : to;
}

static char *write_outcome(char *to, const struct op *op)
{
	if (op->result == RES_SAW)
		return write_saw(to, op);
	if (op->chosen >= 0) {
		to = put_named(to, "case ", op->chosen);
		if (op->result == RES_SENT)
			return to;
		*to++ = ' ';
	}
	if (op->kind == OP_CALL && op->sent &&
	    (op->result == RES_TIMEDOUT || op->result == RES_INTR))
		to = put(to, "sent ");
	to = put(to, result_names[op->result]);
	if (op->result == RES_GOT)
		to = put_numbers(to, op->got, op->n_got);
	if (op->result == RES_SENT && sends_many(op))
		to = put_named(to, " ", op->sent);
	return op->result == RES_ERROR ? put_named(to, " ", op->error) : to;
}

char *write_result(char *to, const struct op *op)
{
	to = write_outcome(to, op);
	return op->signalled ? put(to, " signal") : to;
}
