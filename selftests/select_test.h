/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of select share. */
#ifndef SELECT_TEST_H
#define SELECT_TEST_H

#include "chan_test.h"

/* What a select writes, made recognisable. */
static inline void poison_results(struct chan_case *c, unsigned int n)
{
	while (n--) {
		poison(&c[n].ok, sizeof(c[n].ok));
		poison(&c[n].pad, sizeof(c[n].pad));
		poison(&c[n].len, sizeof(c[n].len));
	}
}

static inline bool is_untouched(const struct chan_case *c)
{
	return all_bytes(&c->ok, sizeof(c->ok), POISON) &&
	       all_bytes(&c->len, sizeof(c->len), POISON);
}

static inline bool is_done(const struct chan_case *c, int ok, uint64_t len)
{
	return c->ok == ok && c->len == len;
}

/* It failed because of this case. */
static inline bool has_failed(const struct chan_case *c, int ok)
{
	return c->ok == ok && all_bytes(&c->len, sizeof(c->len), POISON);
}

static inline bool is_poison(uint64_t v)
{
	return all_bytes(&v, sizeof(v), POISON);
}

static inline bool is_idle(int ch)
{
	return are_parked(ch, 0, 0);
}

/* Two unbuffered channels of 8 bytes; @rx receives from both, @tx sends 100 and 200. */
FIXTURE(pair)
{
	int ctl, a, b;
	uint64_t got[2], put[2];
	struct chan_case rx[2], tx[2];
	struct task t;
};

FIXTURE_SETUP(pair)
{
	self->ctl = chanctl();
	self->a = ch_make(8, 0, 0);
	self->b = ch_make(8, 0, 0);
	ASSERT_LE(0, self->a);
	ASSERT_LE(0, self->b);
	poison(self->got, sizeof(self->got));
	self->put[0] = 100;
	self->put[1] = 200;
	self->rx[0] = sel_recv(self->a, &self->got[0], 8);
	self->rx[1] = sel_recv(self->b, &self->got[1], 8);
	self->tx[0] = sel_send(self->a, &self->put[0], 8);
	self->tx[1] = sel_send(self->b, &self->put[1], 8);
	poison_results(self->rx, 2);
	poison_results(self->tx, 2);
}

FIXTURE_TEARDOWN(pair)
{
	close(self->a);
	close(self->b);
	close(self->ctl);
}

#endif /* SELECT_TEST_H */
