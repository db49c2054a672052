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

/* One of @n structs of @size bytes, by what each says so far behind its beginning. */
static inline const void *pick_weighted(struct rand *r, const void *array, unsigned int n,
					size_t size, size_t weight)
{
	const unsigned char *first = array;
	unsigned int sum = 0, i, at;

#define WEIGHT(i)	(*(const unsigned int *)(first + (i) * size + weight))
	for (i = 0; i < n; i++)
		sum += WEIGHT(i);
	at = below(r, sum);
	for (i = 0; at >= WEIGHT(i); i++)
		at -= WEIGHT(i);
#undef WEIGHT
	return first + i * size;
}

/* Of an array of structs that have a @weight. */
#define PICK_WEIGHTED(r, array)							\
	pick_weighted(r, array, sizeof(array) / sizeof((array)[0]), sizeof((array)[0]), \
		      offsetof(typeof((array)[0]), weight))

#endif /* FUZZ_RAND_H */
