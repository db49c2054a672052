// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that the kernel is given.
 *
 * What is sent consists of a few values of bytes only, and comes from places to which the
 * kernel is never told to write.  So a byte of another value that is received comes from
 * somewhere else: from memory of the kernel, perhaps.
 *
 * The places lie so that one wrong bit in an address does not lead from one to the other, nor
 * to what the fuzzer itself needs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define PAGE		4096UL
#define OUT		0x155550000000UL /* elements to send */
#define OUT_SIZE	(1UL << 20)
#define IN		0x1aaaa0000000UL /* rooms, for each task one */
#define IN_SIZE		(160UL << 10)
#define ARG		0x133330000000UL /* structs, likewise */
#define ARG_SIZE	(4 * PAGE)
#define SHIFTING_OUT	0x1ccc00000000UL /* mapped and unmapped all the time */
#define SHIFTING_IN	0x166600000000UL
#define SHIFTING_SIZE	(64 * PAGE)
#define READ_ONLY	0x199900000000UL
/* Multiples of three times a power of two never differ in one bit only. */
#define STRIDE		(3UL << 20)

static const unsigned char letters[] = { 0x00, 0x33, 0x77 };
static bool overlap;

static void map_at(unsigned long at, size_t size, int prot, int flags)
{
	void *p = mmap((void *)at, size, prot, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED) {
		fprintf(stderr, "chanfuzz: cannot map %zu bytes at %#lx: %m\n", size, at);
		exit(1);
	}
}

static void map_out(int sharing)
{
	unsigned char *out = (void *)OUT;
	size_t i;

	map_at(OUT, OUT_SIZE, PROT_READ | PROT_WRITE, sharing);
	for (i = 0; i < OUT_SIZE; i++)
		out[i] = letters[(i + i / 64 + i / PAGE) % sizeof(letters)];
}

/* Once, for all programs. */
void memory_init(void)
{
	map_out(MAP_SHARED);
	if (mprotect((void *)OUT, OUT_SIZE, PROT_READ)) {
		perror("chanfuzz: mprotect");
		exit(1);
	}
}

/* Before a program forks. */
void memory_begin(bool may_overlap)
{
	overlap = may_overlap;
	if (overlap)
		map_out(MAP_PRIVATE);
	map_at(SHIFTING_OUT, SHIFTING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	map_at(SHIFTING_IN, SHIFTING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	map_at(READ_ONLY, PAGE, PROT_READ, MAP_PRIVATE);
}

/* Before a task of this number begins. */
void memory_add_task(unsigned int index)
{
	map_at(IN + index * STRIDE, IN_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	map_at(ARG + index * STRIDE, ARG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static unsigned char *in_of(const struct task *t)
{
	return (void *)(IN + t->index * STRIDE);
}

static unsigned char *arg_of(const struct task *t)
{
	return (void *)(ARG + t->index * STRIDE);
}

uint64_t edge(struct task *t)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 7, 8, 9, 16, 63, 64, 65, 127, 128, 129, 255, 256, 1023, 1024,
		PAGE - 1, PAGE, PAGE + 1, 65535, 65536, 1 << 20, (1 << 20) + 1, INT32_MAX,
		1ULL << 31, UINT32_MAX - 1, UINT32_MAX, 1ULL << 32, INT64_MAX - 1, INT64_MAX,
		1ULL << 63, UINT64_MAX - 1, UINT64_MAX,
	};
	uint64_t value;

	switch (below(&t->r, 8)) {
	case 0:
		return draw(&t->r);
	case 1:
		return 1ULL << below(&t->r, 64);
	case 2:
		return -(uint64_t)below(&t->r, 5000);
	}
	value = PICK(&t->r, edges);
	return value;
}

/* Addresses that are no memory, or not such as one would like. */
static void *bad_place(struct task *t, unsigned long shifting)
{
	static const unsigned long bad[] = {
		0, 1, 8, PAGE - 8, 0x7fffffffefff, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000,
		0xffff800000000000, 0xffff888000001000, 0xffffffff81000000, 0xffffffffffffffff,
		READ_ONLY, READ_ONLY + 8, READ_ONLY + PAGE - 8,
	};

	if (chance(&t->r, 35))
		return (void *)PICK(&t->r, bad);
	if (chance(&t->r, 50))
		return (void *)(shifting + below(&t->r, SHIFTING_SIZE / 8) * 8);
	return (void *)(shifting + (1 + below(&t->r, SHIFTING_SIZE / PAGE)) * PAGE -
			below(&t->r, 40));
}

/**
 * source() - memory to send from
 * @t: who sends.
 * @size: how much.
 *
 * Return: the address, at which there may be less.
 */
void *source(struct task *t, size_t size)
{
	if (t->dirty && overlap && chance(&t->r, 20))
		return arg_of(t) + below(&t->r, 64);
	if (t->dirty && chance(&t->r, 40))
		return bad_place(t, SHIFTING_OUT);
	if (chance(&t->r, 20) && size < OUT_SIZE)	/* ends where the memory ends */
		return (void *)(OUT + OUT_SIZE - size);
	return (void *)(OUT + below(&t->r, 512) * 8);
}

/* An operation begins. */
void begin_rooms(struct task *t)
{
	t->n_rooms = 0;
	t->used = 0;
}

/* Memory of the task, with a guard before and behind it. */
static void *clean_room(struct task *t, size_t size)
{
	struct room *room = &t->rooms[t->n_rooms++];
	size_t skew = chance(&t->r, 30) ? below(&t->r, 64) : 0;

	room->addr = in_of(t) + t->used + SMALLEST_GUARD + skew;
	room->size = size;
	memset(in_of(t) + t->used, FILL, size + skew + 2 * SMALLEST_GUARD);
	t->used += size + skew + 2 * SMALLEST_GUARD;
	return room->addr;
}

/**
 * room() - memory to receive into
 * @t: who receives.
 * @size: how much.
 *
 * Return: the address, at which there may be less if the operation is dirty.  NULL if there is
 * no more clean memory, which discards what is received.
 */
void *room(struct task *t, size_t size)
{
	if (t->dirty && overlap && chance(&t->r, 20))
		return arg_of(t) + below(&t->r, 64);
	if (t->dirty)
		return chance(&t->r, 50) ? bad_place(t, SHIFTING_IN) :
					   in_of(t) + below(&t->r, IN_SIZE);
	if (t->n_rooms == MAX_ROOMS || t->used + size + 4 * SMALLEST_GUARD > IN_SIZE)
		return NULL;
	return clean_room(t, size);
}

/* A struct at a place that may not be good; more than is there is not copied. */
void *struct_place(struct task *t, const void *content, size_t size)
{
	unsigned char *at = arg_of(t) + 2 * PAGE;

	if (chance(&t->r, 30))
		return bad_place(t, SHIFTING_IN);
	if (chance(&t->r, 30))				/* ends where the memory ends */
		at = arg_of(t) + ARG_SIZE - size + below(&t->r, size > 8 ? 8 : 1);
	else if (chance(&t->r, 30))
		at += below(&t->r, 16);
	if (at + size > arg_of(t) + ARG_SIZE)
		memcpy(at, content, arg_of(t) + ARG_SIZE - at);
	else
		memcpy(at, content, size);
	return at;
}

/* A struct at a good place, which check_struct() looks at. */
void *clean_struct(struct task *t, const void *content, size_t size)
{
	unsigned char *at = arg_of(t) + PAGE;

	memset(at - SMALLEST_GUARD, FILL, SMALLEST_GUARD);
	memcpy(at, content, size);
	memset(at + size, FILL, SMALLEST_GUARD);
	return at;
}

static bool all(const unsigned char *p, unsigned char value, size_t n)
{
	while (n--)
		if (*p++ != value)
			return false;
	return true;
}

/**
 * check_struct() - whether the kernel has written where it may
 * @t: who called.
 * @what: the call.
 * @was: what clean_struct() was given.
 * @size: its bytes.
 * @from: the first that may be another one.
 * @to: the one behind the last.
 */
void check_struct(struct task *t, const char *what, const void *was, size_t size, size_t from,
		  size_t to)
{
	const unsigned char *at = arg_of(t) + PAGE;

	if (!all(at - SMALLEST_GUARD, FILL, SMALLEST_GUARD))
		complain(t, "%s wrote before its struct", what);
	if (!all(at + size, FILL, SMALLEST_GUARD))
		complain(t, "%s wrote behind its struct", what);
	if (memcmp(at, was, from) || memcmp(at + to, (const char *)was + to, size - to))
		complain(t, "%s changed its struct outside of bytes %zu to %zu", what, from, to);
}

static bool is_letter(unsigned char c)
{
	return c == letters[0] || c == letters[1] || c == letters[2];
}

/* What a timer yields is one time that has come: whichever it was given. */
static bool is_time(const unsigned char *p, size_t n)
{
	struct timespec now;
	uint64_t ns;

	if (n != sizeof(ns))
		return false;
	memcpy(&ns, p, sizeof(ns));
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ns <= now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void check_received(struct task *t, const char *what, const unsigned char *p, size_t n)
{
	size_t i;

	if (overlap || is_time(p, n))
		return;
	for (i = 0; i < n; i++)
		if (!is_letter(p[i])) {
			complain(t, "%s of %zu bytes has received %#x as byte %zu, never sent",
				 what, n, p[i], i);
			return;
		}
}

/**
 * check_room() - whether what was received is what somebody sent
 * @t: who received.
 * @what: the call.
 * @i: which of its rooms.
 * @len: bytes received; if that is negative, any number.
 */
void check_room(struct task *t, const char *what, unsigned int i, long len)
{
	const struct room *room = &t->rooms[i];
	const unsigned char *p = room->addr;
	size_t n = 0;

	if (i >= t->n_rooms)
		return;
	if (!all(p - SMALLEST_GUARD, FILL, SMALLEST_GUARD) ||
	    !all(p + room->size, FILL, SMALLEST_GUARD))
		complain(t, "%s wrote around a room of %zu bytes", what, room->size);
	if (len < 0) {
		while (n < room->size && p[n] != FILL)
			n++;
		len = n;
	}
	if ((size_t)len > room->size)
		complain(t, "%s says %ld bytes in a room of %zu", what, len, room->size);
	else if (!overlap && !all(p + len, FILL, room->size - len))
		complain(t, "%s of %ld bytes wrote behind them, in a room of %zu", what, len,
			 room->size);
	else
		check_received(t, what, p, len);
}

void check_rooms_untouched(struct task *t, const char *what)
{
	unsigned int i;

	for (i = 0; i < t->n_rooms; i++)
		check_room(t, what, i, 0);
}

static void flip(struct task *t, unsigned char *bytes, size_t size)
{
	unsigned int bit = below(&t->r, size * 8);

	bytes[bit / 8] ^= 1U << bit % 8;
}

static void put_edge(struct task *t, unsigned char *bytes, size_t size)
{
	size_t width = size >= 8 && chance(&t->r, 50) ? 8 : 4;
	uint64_t value = edge(t);

	memcpy(bytes + below(&t->r, size / width) * width, &value, width);
}

/* Make a struct one that is not quite right: at most one bit flips. */
void mutate(struct task *t, void *content, size_t size)
{
	unsigned int n = below(&t->r, 3);

	if (chance(&t->r, 50))
		flip(t, content, size);
	else
		n++;
	while (n--)
		put_edge(t, content, size);
}

/* What others have the kernel use meanwhile. */
void op_change_memory(struct task *t)
{
	unsigned long base = chance(&t->r, 50) ? SHIFTING_OUT : SHIFTING_IN;
	unsigned int first = below(&t->r, SHIFTING_SIZE / PAGE);
	unsigned int n = 1 + below(&t->r, SHIFTING_SIZE / PAGE - first);
	void *at = (void *)(base + first * PAGE);
	int flags = MAP_FIXED | MAP_ANONYMOUS;
	long ret = 0;

	if (chance(&t->r, 70))
		n = n > 4 ? 4 : n;
	flags |= chance(&t->r, 50) ? MAP_SHARED : MAP_PRIVATE;
	switch (below(&t->r, 6)) {
	case 0:
		ret = munmap(at, n * PAGE);
		break;
	case 1:
		ret = mprotect(at, n * PAGE, PROT_NONE);
		break;
	case 2:
		ret = mprotect(at, n * PAGE, PROT_READ);
		break;
	case 3:
		ret = madvise(at, n * PAGE, MADV_DONTNEED);
		break;
	case 4:
		ret = mprotect(at, n * PAGE, PROT_READ | PROT_WRITE);
		break;
	case 5:
		if (mmap(at, n * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
			ret = -1;
		break;
	}
	judge(t, "memory", ret ? -errno : 0, NULL);
}
