// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it takes to make one and to close it, while so many others are there, and what memory
 * one takes that nobody uses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kchan.h>

#include "bench.h"
#include "make.h"

static void make_chan(int fds[2])
{
	fds[0] = must(kchan_make(8, 0, 0));
}

static void make_buffered_chan(int fds[2])
{
	fds[0] = must(kchan_make(8, 1, 0));
}

static void make_eventfd(int fds[2])
{
	fds[0] = must(eventfd(0, EFD_CLOEXEC));
}

static void make_pipe(int fds[2])
{
	must(pipe2(fds, O_CLOEXEC));
}

static void make_sockets(int fds[2])
{
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
}

const struct kind kinds[KINDS] = {
	{ "chan", make_chan, 1 },
	{ "chan-cap-1", make_buffered_chan, 1 },
	{ "eventfd", make_eventfd, 1 },
	{ "pipe", make_pipe, 2 },
	{ "seqpacket", make_sockets, 2 },
};

static void dispose(const struct kind *kind, int fds[2])
{
	close(fds[0]);
	if (kind->fds == 2)
		close(fds[1]);
}

/**
 * make_idle() - make many that nobody uses
 * @kind: of which kind.
 * @n: how many.
 *
 * Return: their descriptors, for dispose_idle().
 */
int *make_idle(const struct kind *kind, unsigned int n)
{
	int *fds = get_memory((2 * n + 1) * sizeof(*fds));
	unsigned int i;

	for (i = 0; i < n; i++)
		kind->make(fds + 2 * i);
	return fds;
}

/**
 * dispose_idle() - close what make_idle() has made
 * @kind: of which kind it is.
 * @fds: the descriptors.
 * @n: how many were made.
 */
void dispose_idle(const struct kind *kind, int *fds, unsigned int n)
{
	while (n--)
		dispose(kind, fds + 2 * n);
	free(fds);
}

/* ---- one more ---- */

struct idle {
	const struct kind *kind;
	int *fds;
	unsigned int n;
};

static const struct kind *kind_of(const struct way *way)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (way->name == kinds[i].name)
			return &kinds[i];
	abort();
}

static void *set_up(const struct bench *b, const struct way *way)
{
	struct idle *idle = get_memory(sizeof(*idle));

	idle->kind = kind_of(way);
	idle->n = b->arg;
	idle->fds = make_idle(idle->kind, b->arg);
	return idle;
}

static void run(void *state, unsigned int n)
{
	struct idle *idle = state;
	int fds[2];

	while (n--) {
		idle->kind->make(fds);
		dispose(idle->kind, fds);
	}
}

static void tear_down(void *state)
{
	struct idle *idle = state;

	dispose_idle(idle->kind, idle->fds, idle->n);
	free(idle);
}

void bench_make(void)
{
	static const unsigned int sizes[] = { 0, 1, 10, 100, 1000, 10000, 100000 };
	struct way ways[KINDS] = { 0 };
	size_t i;

	for (i = 0; i < KINDS; i++)
		ways[i] = (struct way){ kinds[i].name, set_up, run, tear_down };
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const struct bench b = {
			"make-and-close", sizes[i], 500, 8,
			.large = sizes[i] > 1000,
			.thorough = sizes[i] != 0 && sizes[i] != 10000,
		};

		bench_measure(&b, ways, KINDS);
	}
}
