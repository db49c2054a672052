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

/* Where threads run. */
enum placement {
	ON_ONE,		/* all on the first processor */
	APART,		/* each thread of a pair on another one */
	ANYWHERE,
};

extern enum placement placement;
extern bool hogged;

#define BIT_OF(where)	(1U << (where))
#define EVERYWHERE	(BIT_OF(ON_ONE) | BIT_OF(APART) | BIT_OF(ANYWHERE))

/*
 * Threads of a stream change turns when a buffer is full or empty, or when the clock ticks:
 * only many of these make a mean.
 */
#define STREAM_STRETCH	4

/**
 * struct bench - a case
 * @name: without spaces.
 * @arg: its size, if it comes in several: how many channels, bytes, waiters.
 * @ops: operations in a block; a multiple if that is over too fast.
 * @bytes: of an element.
 * @where: bits of the placements that make sense; none: on one processor only.
 * @blocks: somebody waits, so that it is another matter beside a busy loop.
 * @large: the ways are not set up at the same time, but one after the other; there are
 *	fewer sessions and rounds.
 * @stretch: blocks take so many times as long as others; 0 is as 1.
 * @exact: no more operations in a block than @ops.
 * @thorough: left out of a quick run.
 */
struct bench {
	const char *name;
	unsigned int arg;
	unsigned int ops;
	unsigned int bytes;
	unsigned int where;
	unsigned int stretch;
	bool blocks;
	bool large;
	bool exact;
	bool thorough;
};

/**
 * struct way - a way to do it
 * @name: of the mechanism, without spaces.
 * @set_up: returns what the others get; NULL if it is not to be had here, of which
 *	bench_skip() has told.
 * @run: does the operation @n times.
 * @tear_down: undoes @set_up; nobody of it is left when it returns.
 * @mech: what it is done with, for ways that differ in that only.
 * @cap: elements that are buffered.
 * @tell: prints further figures of a block that was run, if there are any.
 */
struct way {
	const char *name;
	void *(*set_up)(const struct bench *b, const struct way *way);
	void (*run)(void *state, unsigned int n);
	void (*tear_down)(void *state);
	const struct mech *mech;
	unsigned int cap;
	void (*tell)(void *state, const struct bench *b, const struct way *way,
		     unsigned int round);
};

/**
 * struct settings - how to measure
 * @rounds: blocks of each way.
 * @sessions: how often the ways are set up anew on the way there.
 * @least_ms: how long a block takes at least.
 * @tolerance: by how much two calibrations may differ before a block is repeated.
 * @pattern: which cases.
 * @quick: not the thorough ones.
 * @verbose: say where it is.
 */
struct settings {
	unsigned int rounds;
	unsigned int sessions;
	double least_ms;
	double tolerance;
	const char *pattern;
	bool quick;
	bool verbose;
};

extern struct settings settings;
extern unsigned int cases_measured;

void bench_measure(const struct bench *b, const struct way *ways, size_t n);
bool bench_wanted(const struct bench *b);
void bench_print(const struct bench *b, const char *suffix, const char *way,
		 unsigned int round, double figure);
void *bench_skip(const struct bench *b, const char *way, const char *why);

/* For a @run of which only a part counts: it begins with the clock running. */
void clock_stop(void);
void clock_go(void);
double now_ns(void);

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
void *get_element(size_t size);
void write_setting(const char *path, const char *value);

void bench_pair(void);
void bench_round_trip(void);
void bench_latency(void);
void bench_stream(void);
void bench_batches(void);
void bench_choose(void);
void bench_waiters(void);
void bench_close(void);
void bench_payload(void);
void bench_unbuffered_payload(const struct bench *b);
void bench_buffered_payload(const struct bench *b);
void bench_crowd(void);
void bench_make(void);
void bench_memory(void);

#endif /* BENCH_H */
