/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * switchboard: a server that waits on sockets and channels at once.
 *
 *   client 1..N === socket ===  main loop  --- jobs --->  worker 1..M
 *   (processes)                  (epoll)  <-- replies --  (goroutines)
 *
 * The main loop has one place where it waits, epoll_wait(2): for connections, for what
 * clients send, for room in their sockets, for room in the channel of jobs, for replies,
 * for a ticker, and for the end of a context.  A channel is a descriptor, so it is one
 * more entry there.  The workers wait for channels only, and use kchan_select().
 *
 * epoll tells that an operation looks possible; a select does it.  What follows from that:
 *
 * - What epoll says is a hint, never a reservation: somebody else may be faster.  So the
 *   main loop has descriptors of its own which are O_NONBLOCK, only ever tries, and takes
 *   EAGAIN for an answer.
 * - A select does exactly one of its operations.  Nothing is taken from one channel and
 *   then dropped because another was ready too.
 * - On an unbuffered channel a try succeeds only while the other side is parked in a call.
 *   Two programs that both poll and then try never meet.  Here the workers are parked:
 *   "replies" is unbuffered, and a worker that offers one is what makes it readable.
 * - A select that waits has a place in the queue of each of its channels, and is served in
 *   its turn.  Who polls has no place, and may find each time that others were faster.
 */
#ifndef SWITCHBOARD_H
#define SWITCHBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <kchan.h>

/* Questions of a client that may be unanswered at a time. */
#define WINDOW		8

/**
 * struct question - a question, and with its divisor the answer; on sockets and channels
 * @client: whose it is; the server sets it.
 * @number: of the question, which the client chose: answers come in any order.
 * @n: the number whose smallest divisor above 1 is asked for.
 * @divisor: that divisor.
 */
struct question {
	uint32_t client;
	uint32_t number;
	uint64_t n;
	uint64_t divisor;
};

/**
 * struct address - where the server listens
 * @name: its name.
 * @len: how much of @name counts.
 */
struct address {
	struct sockaddr_un name;
	socklen_t len;
};

/**
 * struct board - what the main loop and the workers share
 * @jobs: channel of questions for the workers.
 * @replies: channel of answers from them.
 * @ctx: done when all is over, or the time is up.
 * @workers: waits for them to end.
 * @failed: a worker or the main loop has met an error.
 */
struct board {
	int jobs;
	int replies;
	struct kchan_ctx *ctx;
	struct kchan_wg workers;
	atomic_bool failed;
};

/**
 * struct tally - what the main loop has seen
 * @questions: that were passed to the workers.
 * @answers: that came from them.
 * @ticks: of the ticker.
 * @full: how often a question found the channel of jobs full.
 */
struct tally {
	unsigned long questions;
	unsigned long answers;
	unsigned long ticks;
	unsigned long full;
};

/* main.c */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void give_up(struct board *board, const char *what);

/* client.c: body of a process; returns its exit status. */
int ask(const struct address *address, unsigned int client, unsigned int questions);

/* worker.c: body of a goroutine; the argument is the board. */
void work(void *arg);

/* server.c: runs until the context is done. */
void serve(struct board *board, int listener, unsigned int nclients, bool verbose,
	   struct tally *tally);

#endif /* SWITCHBOARD_H */
