/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that only depend on a seed: each operation has a stream of its own, so that what one
 * of them draws does not change what comes after it.
 */
#ifndef FUZZ_RAND_H
#define FUZZ_RAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rand {
	uint64_t state;
};

/* Steele, Lea and Flood's SplitMix64. */
static inline uint64_t draw(struct rand *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline uint32_t below(struct rand *r, uint32_t n)
{
	return ((draw(r) >> 32) * n) >> 32;
}

static inline bool chance(struct rand *r, unsigned int percent)
{
	return below(r, 100) < percent;
}

/* The stream of one operation of one task of one program. */
static inline struct rand stream(uint64_t seed, uint32_t task, uint32_t op)
{
	struct rand r = { seed };

	r.state = draw(&r) ^ ((uint64_t)task << 32 | op);
	r.state = draw(&r);
	return r;
}

#define PICK(r, array)	((array)[below(r, sizeof(array) / sizeof((array)[0]))])

/* One of several, by their weights, the first of which is there and the next ones so far behind. */
static inline unsigned int weighted(struct rand *r, const unsigned int *first, size_t stride,
				    unsigned int n)
{
	const unsigned int *weight = first;
	unsigned int sum = 0, i, at;

	for (i = 0; i < n; i++, weight += stride)
		sum += *weight;
	at = below(r, sum);
	for (i = 0, weight = first; at >= *weight; i++, weight += stride)
		at -= *weight;
	return i;
}

/* Of an array of structs that have a @weight. */
#define PICK_WEIGHTED(r, array)							\
	(&(array)[weighted(r, &(array)[0].weight,				\
			   sizeof((array)[0]) / sizeof(unsigned int),		\
			   sizeof(array) / sizeof((array)[0]))])

#endif /* FUZZ_RAND_H */
