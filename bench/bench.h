/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What channels cost beside other mechanisms of the system.
 *
 * A case is something that programs do, such as a round trip between two threads.  There are
 * several ways to do it, some of them ours, which all are set up before any is measured.  They
 * take turns in blocks of so many operations, forwards in one round and backwards in the next,
 * so that what changes slowly in a machine falls on all alike.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct way;

/**
 * struct bench - a case
 * @name: without spaces.
 * @arg: its size, if it comes in several: how many channels, bytes, waiters.
 * @ops: operations in a block.
 * @bytes: of an element.
 */
struct bench {
	const char *name;
	unsigned int arg;
	unsigned int ops;
	unsigned int bytes;
};

/**
 * struct way - a way to do it
 * @name: of the mechanism, without spaces.
 * @set_up: returns what the others get; NULL if it is not to be had here.
 * @run: does the operation @n times.
 * @tear_down: undoes @set_up; nobody of it is left when it returns.
 * @mech: what it is done with, for ways that differ in that only.
 * @cap: elements that are buffered.
 */
struct way {
	const char *name;
	void *(*set_up)(const struct bench *b, const struct way *way);
	void (*run)(void *state, unsigned int n);
	void (*tear_down)(void *state);
	const struct mech *mech;
	unsigned int cap;
};

void bench_measure(const struct bench *b, const struct way *ways, size_t n);

/* Where threads run. */
enum placement {
	ON_ONE,		/* all on the first processor */
	APART,		/* each thread of a pair on another one */
	ANYWHERE,
};

extern enum placement placement;
extern bool hogged;

/* Of the current thread: which of a pair it is, 0 or 1. */
void place(int which);

/* What should not fail while measuring. */
#define must(call)							\
	({								\
		__typeof__(call) __ret = (call);			\
									\
		if (__ret < 0)						\
			die(#call);					\
		__ret;							\
	})

void die(const char *what) __attribute__((noreturn));
void *get_memory(size_t size);

void bench_pair(void);
void bench_round_trip(void);
void bench_stream(void);
void bench_choose(void);

#endif /* BENCH_H */
