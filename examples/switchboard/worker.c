// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker takes jobs and gives replies, until the context is done.
 */
#include "switchboard.h"

static uint64_t smallest_divisor(uint64_t n)
{
	uint64_t d;

	for (d = 2; d * d <= n; d++)
		if (n % d == 0)
			return d;
	return n;
}

/* Do this operation, unless the context is done first. */
static bool exchange(struct board *board, int ch, int dir, struct question *question)
{
	struct kchan_case cases[] = {
		{ .ch = ch, .dir = dir, .elem = question, .size = sizeof(*question) },
		{ .ch = kchan_ctx_done(board->ctx), .dir = KCHAN_RECV },
	};
	int chosen = kchan_select(cases, 2);

	if (chosen < 0)
		give_up(board, "a worker cannot wait");
	return !chosen;
}

void work(void *arg)
{
	struct board *board = arg;
	struct question question;

	while (exchange(board, board->jobs, KCHAN_RECV, &question)) {
		question.divisor = smallest_divisor(question.n);
		if (!exchange(board, board->replies, KCHAN_SEND, &question))
			break;
	}
	kchan_wg_done(&board->workers);
}
