// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power series, after M. D. McIlroy's "Squinting at power series" and Go's test of the same:
 * every series is a goroutine that yields its next coefficient when it is asked to, so
 * that arithmetic is a dense web of requests, answers and selects.
 */
#include "go_test.h"

/* ---- coefficients ---- */

/* A rational number, in lowest terms. */
struct rat {
	int64_t num;
	int64_t den;
};

static int64_t gcd(int64_t a, int64_t b)
{
	return b ? gcd(b, a % b) : a;
}

static struct rat rat(int64_t num, int64_t den)
{
	int64_t g = gcd(llabs(num), llabs(den));

	if (!den)
		die("division by 0");
	/* The sign is the numerator's. */
	if (den < 0)
		g = -g;
	return (struct rat){ num / g, den / g };
}

static struct rat rat_add(struct rat a, struct rat b)
{
	return rat(a.num * b.den + b.num * a.den, a.den * b.den);
}

static struct rat rat_mul(struct rat a, struct rat b)
{
	return rat(a.num * b.num, a.den * b.den);
}

/* What a coefficient is as an element: itself, or where it is. */
static bool by_pointer;

union payload {
	struct rat value;
	struct rat *pointer;
};

static size_t payload_size(void)
{
	return by_pointer ? sizeof(struct rat *) : sizeof(struct rat);
}

static union payload wrap(struct rat r)
{
	union payload p = { .value = r };

	if (by_pointer) {
		p.pointer = malloc(sizeof(r));
		*p.pointer = r;
	}
	return p;
}

/* Whoever receives it owns it. */
static struct rat unwrap(union payload p)
{
	struct rat r;

	if (!by_pointer)
		return p.value;
	r = *p.pointer;
	poison(p.pointer, sizeof(r));
	free(p.pointer);
	return r;
}

/* ---- series ---- */

/**
 * struct series - a power series: its coefficients, one after the other
 * @req: asks for the next one.
 * @dat: yields it.
 */
struct series {
	int req;
	int dat;
};

static const struct series none = { KCHAN_NIL, KCHAN_NIL };

static struct series new_series(void)
{
	return (struct series){ make(0, 0), make(payload_size(), 0) };
}

/* Of all these: false if it is time to quit. */
static bool wanted(struct series s)
{
	return take(s.req, NULL, 0);
}

static bool answer(struct series s, struct rat r)
{
	union payload p = wrap(r);

	return give(s.dat, &p, payload_size());
}

static bool put(struct series s, struct rat r)
{
	return wanted(s) && answer(s, r);
}

static bool get(struct series s, struct rat *r)
{
	union payload p;

	if (!give(s.req, NULL, 0) || !take(s.dat, &p, payload_size()))
		return false;
	*r = unwrap(p);
	return true;
}

/* Ask both, and take what comes in any order. */
static bool get_both(struct series a, struct series b, struct rat *r)
{
	union payload p[2];
	struct kchan_case cases[] = {
		sending(a.req, NULL, 0), sending(b.req, NULL, 0),
		receiving(KCHAN_NIL, &p[0], payload_size()),
		receiving(KCHAN_NIL, &p[1], payload_size()),
		receiving(quit, NULL, 0),
	};
	int i, missing = 2;

	while (missing) {
		i = must(kchan_select(cases, ARRAY_SIZE(cases)));
		if (i == 4)
			return false;
		cases[i].ch = KCHAN_NIL;
		if (i == 0)
			cases[2].ch = a.dat;
		else if (i == 1)
			cases[3].ch = b.dat;
		else
			missing--;
	}
	r[0] = unwrap(p[0]);
	r[1] = unwrap(p[1]);
	return true;
}

/* ---- series from series ---- */

/**
 * struct node - a goroutine that makes series from series
 * @f: from this,
 * @g: and this, or none,
 * @c: and a constant;
 * @out: this,
 * @out2: and this, or none.
 */
struct node {
	struct series f;
	struct series g;
	struct rat c;
	struct series out;
	struct series out2;
};

static struct series derive_with(void (*fn)(void *arg), struct series f, struct series g,
				 struct rat c)
{
	struct node n = { .f = f, .g = g, .c = c, .out = new_series(), .out2 = none };

	spawn(fn, &n, sizeof(n));
	return n.out;
}

static struct series derive(void (*fn)(void *arg), struct series f, struct series g)
{
	return derive_with(fn, f, g, rat(0, 1));
}

/* The constant c. */
static void constant(void *arg)
{
	struct node *n = arg;
	struct rat c = n->c;

	for (; put(n->out, c); c = rat(0, 1))
		;
}

/* c + cx + cx^2 ... */
static void geometric(void *arg)
{
	struct node *n = arg;

	while (put(n->out, n->c))
		;
}

static void copy(struct series from, struct series to)
{
	struct rat r;

	while (wanted(to) && get(from, &r) && answer(to, r))
		;
}

/* c + xF */
static void shift(void *arg)
{
	struct node *n = arg;

	if (put(n->out, n->c))
		copy(n->f, n->out);
}

/* (F - f0) / x */
static void tail(void *arg)
{
	struct node *n = arg;
	struct rat first;

	if (get(n->f, &first))
		copy(n->f, n->out);
}

/* cF */
static void scale(void *arg)
{
	struct node *n = arg;
	struct rat r;

	while (wanted(n->out) && get(n->f, &r) && answer(n->out, rat_mul(n->c, r)))
		;
}

/* F + G */
static void sum(void *arg)
{
	struct node *n = arg;
	struct rat r[2];

	while (wanted(n->out) && get_both(n->f, n->g, r) &&
	       answer(n->out, rat_add(r[0], r[1])))
		;
}

static void derivative(void *arg)
{
	struct node *n = arg;
	struct rat r;
	int64_t i;

	if (!get(n->f, &r))
		return;
	for (i = 1; wanted(n->out) && get(n->f, &r); i++)
		if (!answer(n->out, rat_mul(r, rat(i, 1))))
			return;
}

/* The one that begins with c, before anything of F is known. */
static void integral(void *arg)
{
	struct node *n = arg;
	struct rat r;
	int64_t i;

	if (!put(n->out, n->c))
		return;
	for (i = 1; wanted(n->out) && get(n->f, &r); i++)
		if (!answer(n->out, rat_mul(r, rat(1, i))))
			return;
}

#define TERMS	32

/**
 * struct splitting - one series for two readers, each as fast as it likes
 * @out: what they read.
 * @wants: who waits for a term.
 * @at: how many terms they had.
 * @seen: the terms,
 * @known: and how many there are.
 * @asked: another one is on its way.
 */
struct splitting {
	struct series out[2];
	bool wants[2];
	int at[2];
	struct rat seen[TERMS];
	int known;
	bool asked;
};

static bool answer_both(struct splitting *s)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (!s->wants[i] || s->at[i] == s->known)
			continue;
		if (!answer(s->out[i], s->seen[s->at[i]++]))
			return false;
		s->wants[i] = false;
	}
	return true;
}

static void add_term(struct splitting *s, struct rat r)
{
	if (s->known == TERMS)
		die("too many terms");
	s->seen[s->known++] = r;
	s->asked = false;
}

/* One reader's term may depend on what the other one gets, so no wait may concern one only. */
static void split(void *arg)
{
	struct node *n = arg;
	struct splitting s = { .out = { n->out, n->out2 } };
	union payload p;
	struct kchan_case cases[] = {
		receiving(n->out.req, NULL, 0), receiving(n->out2.req, NULL, 0),
		sending(KCHAN_NIL, NULL, 0), receiving(n->f.dat, &p, payload_size()),
		receiving(quit, NULL, 0),
	};
	int i;

	while ((i = must(kchan_select(cases, ARRAY_SIZE(cases)))) != 4) {
		if (i == 2)
			s.asked = true;
		else if (i == 3)
			add_term(&s, unwrap(p));
		else
			s.wants[i] = true;
		if (!answer_both(&s))
			return;
		cases[2].ch = KCHAN_NIL;
		if ((s.wants[0] || s.wants[1]) && !s.asked)
			cases[2].ch = n->f.req;
	}
}

struct twins {
	struct series a;
	struct series b;
};

static struct twins two_of(struct series f)
{
	struct node n = { .f = f, .g = none, .out = new_series(), .out2 = new_series() };

	spawn(split, &n, sizeof(n));
	return (struct twins){ n.out, n.out2 };
}

/* FG, that is fg + x(fG' + gF' + xF'G') with the first coefficients and the tails. */
static void product(void *arg)
{
	struct node *n = arg;
	struct series inner, rest;
	struct twins f, g;
	struct rat r[2];

	if (!wanted(n->out) || !get_both(n->f, n->g, r) ||
	    !answer(n->out, rat_mul(r[0], r[1])))
		return;
	f = two_of(n->f);
	g = two_of(n->g);
	inner = derive(sum, derive_with(scale, g.a, none, r[0]),
		       derive_with(scale, f.a, none, r[1]));
	rest = derive(product, f.b, g.b);
	if (!wanted(n->out) || !get(inner, &r[0]) || !answer(n->out, r[0]))
		return;
	while (wanted(n->out) && get_both(inner, rest, r) &&
	       answer(n->out, rat_add(r[0], r[1])))
		;
}

/* F(G), that is f + xG'F'(G), if G begins with 0. */
static void composition(void *arg)
{
	struct node *n = arg;
	struct series inner;
	struct twins g;
	struct rat f;

	if (!wanted(n->out) || !get(n->f, &f) || !answer(n->out, f))
		return;
	g = two_of(n->g);
	inner = derive(composition, n->f, g.a);
	copy(derive(product, derive(tail, g.b, none), inner), n->out);
}

/*
 * The next ones are made from themselves: what is integrated ends in a product with an
 * earlier coefficient of the integral.
 */

/* Z with Z' = ZF' and Z = 1 at 0. */
static struct series exponential(struct series f)
{
	struct node n = { .g = none, .c = rat(1, 1), .out = new_series(), .out2 = none };
	struct twins z = two_of(n.out);

	n.f = derive(product, z.b, derive(derivative, f, none));
	spawn(integral, &n, sizeof(n));
	return z.a;
}

static struct series one(void)
{
	return derive_with(constant, none, none, rat(1, 1));
}

/* Z with Z' = 1 + Z^2. */
static struct series tangent(void)
{
	struct node n = { .g = none, .c = rat(0, 1), .out = new_series(), .out2 = none };
	struct twins z = two_of(n.out), factor = two_of(z.b);

	n.f = derive(sum, one(), derive(product, factor.a, factor.b));
	spawn(integral, &n, sizeof(n));
	return z.a;
}

/* Z with FZ = 1, where F begins with f: Z = 1/f - x F'Z/f. */
static struct series reciprocal(struct series f, struct rat first)
{
	struct rat z0 = rat(first.den, first.num);
	struct node n = { .g = none, .c = z0, .out = new_series(), .out2 = none };
	struct twins z = two_of(n.out);

	n.f = derive_with(scale, derive(product, derive(tail, f, none), z.b), none,
			  rat_mul(rat(-1, 1), z0));
	spawn(shift, &n, sizeof(n));
	return z.a;
}

static struct series ones(void)
{
	return derive_with(geometric, none, none, rat(1, 1));
}

static struct series just_x(void)
{
	return derive(shift, one(), none);
}

/* 1/(1 + x^2), integrated. */
static struct series arc_tangent(void)
{
	struct series x_squared = derive(shift, just_x(), none);
	struct series divisor = derive(sum, one(), x_squared);

	return derive(integral, reciprocal(divisor, rat(1, 1)), none);
}

FIXTURE(power_series)
{
};

FIXTURE_VARIANT(power_series)
{
	bool by_pointer;
};

FIXTURE_VARIANT_ADD(power_series, by_value) { .by_pointer = false };
FIXTURE_VARIANT_ADD(power_series, by_pointer) { .by_pointer = true };

FIXTURE_SETUP(power_series)
{
	by_pointer = variant->by_pointer;
	quit_setup();
}

FIXTURE_TEARDOWN(power_series)
{
	quit_all();
}

static void expect_terms(struct __test_metadata *_metadata, struct series s,
			 const struct rat *expected, int n)
{
	struct rat r;
	int i;

	for (i = 0; i < n; i++) {
		ASSERT_TRUE(get(s, &r));
		EXPECT_EQ(expected[i].num, r.num) TH_LOG("in the numerator of term %d", i);
		EXPECT_EQ(expected[i].den, r.den) TH_LOG("in the denominator of term %d", i);
	}
}

#define EXPECT_SERIES(s, ...) do {					\
	const struct rat __terms[] = { __VA_ARGS__ };			\
									\
	expect_terms(_metadata, s, __terms, ARRAY_SIZE(__terms));	\
} while (0)

TEST_F(power_series, sums_and_multiples)
{
	struct series minus = derive_with(geometric, none, none, rat(-1, 2));

	EXPECT_SERIES(derive(sum, ones(), ones()), {2, 1}, {2, 1}, {2, 1}, {2, 1});
	EXPECT_SERIES(derive(sum, ones(), minus), {1, 2}, {1, 2}, {1, 2}, {1, 2});
	EXPECT_SERIES(derive_with(scale, ones(), none, rat(-3, 4)), {-3, 4}, {-3, 4}, {-3, 4});
	EXPECT_SERIES(just_x(), {0, 1}, {1, 1}, {0, 1}, {0, 1});
}

TEST_F(power_series, derivatives_and_integrals)
{
	struct series d = derive(derivative, ones(), none);

	EXPECT_SERIES(derive(integral, ones(), none), {0, 1}, {1, 1}, {1, 2}, {1, 3});
	EXPECT_SERIES(d, {1, 1}, {2, 1}, {3, 1}, {4, 1});
	d = derive(derivative, ones(), none);
	EXPECT_SERIES(derive_with(integral, d, none, rat(1, 1)), {1, 1}, {1, 1}, {1, 1}, {1, 1});
}

TEST_F(power_series, products)
{
	EXPECT_SERIES(derive(product, ones(), ones()), {1, 1}, {2, 1}, {3, 1}, {4, 1},
		      {5, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1}, {10, 1});
	EXPECT_SERIES(derive(product, just_x(), ones()), {0, 1}, {1, 1}, {1, 1});
}

TEST_F(power_series, reciprocals)
{
	EXPECT_SERIES(reciprocal(ones(), rat(1, 1)), {1, 1}, {-1, 1}, {0, 1}, {0, 1}, {0, 1});
	EXPECT_SERIES(arc_tangent(), {0, 1}, {1, 1}, {0, 1}, {-1, 3}, {0, 1}, {1, 5}, {0, 1},
		      {-1, 7});
}

TEST_F(power_series, exponentials)
{
	EXPECT_SERIES(exponential(just_x()), {1, 1}, {1, 1}, {1, 2}, {1, 6}, {1, 24}, {1, 120},
		      {1, 720}, {1, 5040}, {1, 40320}, {1, 362880});
}

TEST_F(power_series, tangent_and_its_inverse)
{
	struct series t = derive(composition, tangent(), arc_tangent());

	EXPECT_SERIES(tangent(), {0, 1}, {1, 1}, {0, 1}, {1, 3}, {0, 1}, {2, 15}, {0, 1},
		      {17, 315}, {0, 1}, {62, 2835});
	EXPECT_SERIES(t, {0, 1}, {1, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1});
}

TEST_HARNESS_MAIN
