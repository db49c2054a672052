/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histories: what tasks did to channels, and what they were told, in one order.
 *
 * As text, a line is an event.  The lines are in an order that respects real time: an operation
 * that had returned before another one was called stands before it.  From '#' on a line is
 * a comment.  Elements are numbers from 1 to 65535, each sent once at most.
 *
 *   history N seed S              the first line; "record --seed S --first N --histories 1"
 *                                 repeats the program
 *   chan C cap N                  channels 0, 1 ..., each with its capacity
 *   > T OPERATION                 task T calls
 *   < T RESULT [signal]           its operation returns; "signal": a handler ran meanwhile
 *   kill T                        the task has been killed by SIGKILL and is gone; what it was
 *                                 doing may have happened, in part or not at all
 *   stuck T                       for many seconds nothing has happened anywhere, and the
 *                                 operation of the task has not returned
 *   end                           the last line; operations without a result may have happened
 *
 * Operations, of which "-try" never waits, "-until" has a deadline to come, "-late" one that has
 * passed, and the others wait for ever:
 *
 *   send[-try|-until|-late] C V          sent | epipe | again | timedout | intr
 *   recv[-try|-until|-late] C            got V | closed | again | timedout | intr
 *   select[-try|-until|-late] CASE...    case I (it sent), case I got V, case I closed,
 *                                        case I epipe | again | timedout | intr
 *                                        CASE: rC receives, sC=V sends, - is nil; I counts from 0
 *   call[-until|-late] C V D             send V on C, then receive on D:  got V | closed | epipe |
 *                                        timedout | intr | sent timedout | sent intr: only sent
 *   send-n[-try|-until|-late] C V...     sent N | epipe | again | timedout | intr
 *   recv-n[-try|-until|-late] C N        got V... | closed | again | timedout | intr
 *   write[-try] C V...                   as send-n, by write(2)
 *   read[-try] C N                       as recv-n, by read(2)
 *   close C                              ok | epipe
 *   len C                                len N
 *   look C                               len N recvq N sendq N sends N receives N [closed]: what
 *                                        CHAN_IOC_INFO tells
 *
 * "error E" is the result with any other errno, which is never right.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_TASKS	8
#define MAX_CHANS	3
#define MAX_CAP		4
#define MAX_CASES	4
#define MAX_BATCH	4
#define MAX_OPS		256

enum kind {
	OP_SEND, OP_RECV, OP_SELECT, OP_CALL, OP_SEND_N, OP_RECV_N, OP_WRITE, OP_READ,
	OP_CLOSE, OP_LEN, OP_LOOK,
	KINDS,
};

enum patience { WAIT, TRY, UNTIL, LATE, PATIENCES };

enum dir { DIR_SEND, DIR_RECV, DIRS };

/* RES_NONE: it has not returned. */
enum result {
	RES_NONE, RES_OK, RES_SENT, RES_GOT, RES_CLOSED, RES_EPIPE, RES_AGAIN, RES_TIMEDOUT,
	RES_INTR, RES_SAW, RES_ERROR,
	RESULTS,
};

/**
 * struct op_case - one case of a select
 * @chan: the channel; negative: nil.
 * @dir: enum dir.
 * @value: what it sends.
 */
struct op_case {
	int8_t chan;
	uint8_t dir;
	uint16_t value;
};

/**
 * struct sight - what is seen of a channel
 * @len: elements in its buffer.
 * @recvq: receivers parked.
 * @sendq: senders parked.
 * @sends: elements sent so far.
 * @receives: elements received so far.
 * @closed: whether it is.
 */
struct sight {
	uint32_t len;
	uint32_t recvq;
	uint32_t sendq;
	uint32_t sends;
	uint32_t receives;
	bool closed;
};

/**
 * struct op - an operation and its result
 * @kind: enum kind.
 * @patience: enum patience.
 * @task: whose it is.
 * @chan: the channel.
 * @in: of a call: the channel of the reply.
 * @n: how many values it sends, or has room for.
 * @values: what it sends.
 * @n_cases: of a select: how many cases.
 * @cases: the cases.
 * @result: enum result; of a select that of its case.
 * @chosen: of a select: the case; -1: none.
 * @sent: how many elements it has sent, as far as it was told.
 * @n_got: how many elements it has received.
 * @got: these.
 * @saw: of a look, and its @len of a len.
 * @error: with RES_ERROR: the errno.
 * @signalled: a handler ran before it returned.
 * @killed: its task was killed before it returned.
 * @stuck: it was found not to return.
 */
struct op {
	uint8_t kind;
	uint8_t patience;
	uint8_t task;
	uint8_t chan;
	uint8_t in;
	uint8_t n;
	uint16_t values[MAX_BATCH];
	uint8_t n_cases;
	struct op_case cases[MAX_CASES];
	uint8_t result;
	int8_t chosen;
	uint8_t sent;
	uint8_t n_got;
	uint16_t got[MAX_BATCH];
	struct sight saw;
	int error;
	bool signalled;
	bool killed;
	bool stuck;
};

enum event_type { EV_CALL, EV_RETURN, EV_KILL, EV_STUCK };

/**
 * struct event - a line of a history
 * @type: enum event_type.
 * @task: whose it is.
 * @op: index of the operation; -1: a task that did nothing was killed.
 * @line: where in the text.
 */
struct event {
	uint8_t type;
	uint8_t task;
	int op;
	unsigned int line;
};

/**
 * struct history - a history
 * @number: which of those with this seed.
 * @seed: the seed.
 * @n_chans: how many channels.
 * @cap: their capacities.
 * @n_ops: how many operations.
 * @ops: these, in the order of their calls.
 * @n_events: how many events.
 * @events: these.
 * @line: where the history begins in what is read.
 */
struct history {
	unsigned long long number;
	unsigned long long seed;
	unsigned int n_chans;
	uint8_t cap[MAX_CHANS];
	unsigned int n_ops;
	struct op ops[MAX_OPS];
	unsigned int n_events;
	struct event events[3 * MAX_OPS];
	unsigned long line;
};

extern const char *const kind_names[KINDS];
extern const char *const patience_names[PATIENCES];
extern const char *const result_names[RESULTS];

static inline bool sends_many(const struct op *op)
{
	return op->kind == OP_SEND_N || op->kind == OP_WRITE;
}

static inline bool receives_many(const struct op *op)
{
	return op->kind == OP_RECV_N || op->kind == OP_READ;
}

/* write.c: both return where they have stopped; enough room is HISTORY_LINE bytes. */
#define HISTORY_LINE	160
char *write_call(char *to, const struct op *op);
char *write_result(char *to, const struct op *op);

/* read.c */
struct text;
int read_history(struct text *text, struct history *h);
struct text *text_of(int fd, const char *name);
const char *text_line(const struct text *text, unsigned int line, size_t *len);
void text_copy(const struct text *text, int fd);

#endif /* HISTORY_H */
