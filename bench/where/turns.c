// SPDX-License-Identifier: GPL-2.0-only
/*
 * turns: does an operation over and over, for scripts/where to look at.
 *
 * A turn is what makes the operation possible, the operation, and what undoes it.  Prints where
 * the operation begins and ends in the program, and what a turn takes by the clock, and then
 * goes on for a while.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <kchan.h>

#define WARM_UP		500
#define BLOCKS		21
#define TURNS		100		/* in a block */
#define LOOKED_AT_NS	1000000000ULL	/* so long can the virtual machine be looked at */
#define ELEM		8

static int there, back;		/* channels; the second one for replies */
static int fds[2];		/* of a pipe, or twice an eventfd */
static uint64_t elem = 1;
static struct kchan_case cases[2];

static void die(const char *what)
{
	fprintf(stderr, "turns: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void must(int ok, const char *what)
{
	if (!ok)
		die(what);
}

static void nothing(void)
{
}

/* ---- operations of one thread ---- */

static void make_buffered(void)
{
	there = kchan_make(ELEM, 1, 0);
	must(there >= 0, "kchan_make");
}

static void send_one(void)
{
	must(!kchan_send(there, &elem, ELEM), "kchan_send");
}

static void recv_one(void)
{
	must(kchan_recv(there, &elem, ELEM) == 1, "kchan_recv");
}

static void send_and_recv(void)
{
	send_one();
	recv_one();
}

static void write_one(void)
{
	must(write(there, &elem, ELEM) == ELEM, "write");
}

static void read_one(void)
{
	must(read(there, &elem, ELEM) == ELEM, "read");
}

static void make_two(void)
{
	int i;

	make_buffered();
	back = kchan_make(ELEM, 1, 0);
	must(back >= 0, "kchan_make");
	for (i = 0; i < 2; i++)
		cases[i] = (struct kchan_case){
			.ch = i ? there : back, .dir = KCHAN_RECV, .elem = &elem, .size = ELEM,
		};
}

static void select_one(void)
{
	must(kchan_select(cases, 2) == 1, "kchan_select");
}

/* ---- of two ---- */

static void *reply(void *arg)
{
	uint64_t v;

	(void)arg;
	for (;;) {
		must(kchan_recv(there, &v, ELEM) == 1, "kchan_recv");
		must(!kchan_send(back, &v, ELEM), "kchan_send");
	}
	return NULL;
}

static void *reply_by_calls(void *arg)
{
	uint64_t v;

	(void)arg;
	must(kchan_recv(there, &v, ELEM) == 1, "kchan_recv");
	for (;;)
		must(kchan_call(back, &v, ELEM, there, &v, ELEM) == 1, "kchan_call");
	return NULL;
}

static void start(void *(*server)(void *))
{
	pthread_t thread;

	there = kchan_make(ELEM, 0, 0);
	back = kchan_make(ELEM, 0, 0);
	must(there >= 0 && back >= 0, "kchan_make");
	errno = pthread_create(&thread, NULL, server, NULL);
	must(!errno, "pthread_create");
}

static void start_server(void)
{
	start(reply);
}

static void start_caller(void)
{
	start(reply_by_calls);
}

static void round_trip(void)
{
	send_one();
	must(kchan_recv(back, &elem, ELEM) == 1, "kchan_recv");
}

static void call(void)
{
	must(kchan_call(there, &elem, ELEM, back, &elem, ELEM) == 1, "kchan_call");
}

/* ---- of others ---- */

static void make_pipe(void)
{
	must(!pipe(fds), "pipe");
}

static void make_eventfd(void)
{
	fds[0] = eventfd(0, 0);
	fds[1] = fds[0];
	must(fds[0] >= 0, "eventfd");
}

static void write_other(void)
{
	must(write(fds[1], &elem, ELEM) == ELEM, "write");
}

static void read_other(void)
{
	must(read(fds[0], &elem, ELEM) == ELEM, "read");
}

/* ---- turns ---- */

struct operation {
	const char *name;
	void (*set_up)(void);
	void (*before)(void);
	void (*operate)(void);
	void (*after)(void);
};

static const struct operation operations[] = {
	{ "send", make_buffered, nothing, send_one, recv_one },
	{ "recv", make_buffered, send_one, recv_one, nothing },
	{ "send-and-receive", make_buffered, nothing, send_and_recv, nothing },
	{ "write", make_buffered, nothing, write_one, read_one },
	{ "read", make_buffered, write_one, read_one, nothing },
	{ "select", make_two, send_one, select_one, nothing },
	{ "round-trip", start_server, nothing, round_trip, nothing },
	{ "call", start_caller, nothing, call, nothing },
	{ "pipe-write", make_pipe, nothing, write_other, read_other },
	{ "pipe-read", make_pipe, write_other, read_other, nothing },
	{ "eventfd-write", make_eventfd, nothing, write_other, read_other },
	{ "eventfd-read", make_eventfd, write_other, read_other, nothing },
};

/* Where the operation begins and ends, for who looks at addresses. */
void operation_begins(void);
void operation_ends(void);

__attribute__((noinline)) void operation_begins(void)
{
	__asm__ volatile("");
}

__attribute__((noinline)) void operation_ends(void)
{
	__asm__ volatile("");
}

static __attribute__((noinline)) void turn(const struct operation *op, unsigned int n)
{
	while (n--) {
		op->before();
		operation_begins();
		op->operate();
		operation_ends();
		op->after();
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of blocks, as a tick of the kernel's clock is in some of them. */
static double median_turn(const struct operation *op)
{
	uint64_t taken[BLOCKS], start;
	int i;

	for (i = 0; i < BLOCKS; i++) {
		start = now_ns();
		turn(op, TURNS);
		taken[i] = now_ns() - start;
	}
	qsort(taken, BLOCKS, sizeof(*taken), compare);
	return (double)taken[BLOCKS / 2] / TURNS;
}

static void go(const struct operation *op)
{
	uint64_t start;

	op->set_up();
	turn(op, WARM_UP);
	printf("turn %.2f\n", median_turn(op));
	printf("begins %lx\nends %lx\nready\n", (unsigned long)operation_begins,
	       (unsigned long)operation_ends);
	fflush(stdout);
	start = now_ns();
	while (now_ns() - start < LOOKED_AT_NS)
		turn(op, 1000);
}

int main(int argc, char **argv)
{
	const size_t n = sizeof(operations) / sizeof(*operations);
	size_t i;

	for (i = 0; argc == 2 && i < n; i++)
		if (!strcmp(argv[1], operations[i].name)) {
			go(&operations[i]);
			return 0;
		}
	fputs("usage: turns OPERATION\n\nIn a virtual machine; scripts/where starts it.\n"
	      "Operations:", stderr);
	for (i = 0; i < n; i++)
		fprintf(stderr, " %s", operations[i].name);
	fputc('\n', stderr);
	return 2;
}
