// SPDX-License-Identifier: GPL-2.0-only
/*
 * switchboard: makes the channels, starts the clients and workers, and judges.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "switchboard.h"

#define MOST_CLIENTS	10000
#define MOST_WORKERS	1000

static const char help[] =
"Usage: switchboard [OPTION]...\n"
"\n"
"A server on a socket, whose main loop waits with epoll for clients and channels at\n"
"once, and whose workers, goroutines, wait for channels with select.  The clients are\n"
"processes which it starts itself; they ask for divisors of numbers and check every\n"
"answer.  Prints one line.\n"
"\n"
"  --clients N     processes that ask (default 8)\n"
"  --requests N    questions of each (default 500)\n"
"  --workers N     goroutines that answer (default 4)\n"
"  --timeout S     give up after S seconds (default 60)\n"
"  --verbose       print statistics to standard error, at each tick\n"
"  --help          print this\n"
"\n"
"Exit status: 0 if every question was answered, once, and every answer is right; 1 if\n"
"not; 2 for wrong usage.\n";

/* What the command line asks for. */
struct wish {
	unsigned long clients;
	unsigned long requests;
	unsigned long workers;
	unsigned long timeout;
	bool verbose;
};

/* In one piece, as several processes do it. */
void complain(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "switchboard: %s\n", text);
}

void give_up(struct board *board, const char *what)
{
	complain("%s: %s", what, strerror(errno));
	board->failed = true;
	kchan_ctx_cancel(board->ctx);
}

/* ---- what is shared ---- */

static bool make_board(struct board *board, const struct wish *wish)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += wish->timeout;
	board->jobs = kchan_make(sizeof(struct question), wish->workers, 0);
	board->replies = kchan_make(sizeof(struct question), 0, 0);
	board->ctx = kchan_ctx_with_deadline(kchan_ctx_background(), &end);
	if (board->jobs >= 0 && board->replies >= 0 && board->ctx &&
	    !kchan_wg_init(&board->workers))
		return true;
	complain("cannot make the channels: %s%s", strerror(errno),
		 errno == ENODEV ? " (is the module loaded?)" : "");
	return false;
}

/* The kernel chooses the name, which no file stands for. */
static int make_listener(struct address *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr *name = (struct sockaddr *)&address->name;

	address->name.sun_family = AF_UNIX;
	address->len = sizeof(address->name);
	if (fd >= 0 && !bind(fd, name, sizeof(sa_family_t)) && !listen(fd, SOMAXCONN) &&
	    !getsockname(fd, name, &address->len))
		return fd;
	complain("cannot listen: %s", strerror(errno));
	return -1;
}

/* ---- processes and goroutines ---- */

static unsigned int start_clients(const struct wish *wish, const struct address *address)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < wish->clients; i++) {
		pid = fork();
		if (pid < 0) {
			complain("cannot start client %u: %s", i, strerror(errno));
			break;
		}
		if (!pid) {
			close_range(STDERR_FILENO + 1, ~0U, 0);
			_exit(ask(address, i, wish->requests));
		}
	}
	return i;
}

static bool start_workers(const struct wish *wish, struct board *board)
{
	unsigned int i;

	for (i = 0; i < wish->workers; i++) {
		kchan_wg_add(&board->workers, 1);
		if (kchan_go(work, board) < 0) {
			kchan_wg_done(&board->workers);
			give_up(board, "cannot start a worker");
			return false;
		}
	}
	return true;
}

/* How many of these clients were content. */
static unsigned int wait_clients(unsigned int clients)
{
	unsigned int content = 0;
	int status;

	while (clients--)
		if (wait(&status) > 0 && WIFEXITED(status) && !WEXITSTATUS(status))
			content++;
	return content;
}

/* ---- one run ---- */

static bool judge(const struct wish *wish, const struct board *board,
		  const struct tally *tally, unsigned int content)
{
	unsigned long expected = wish->clients * wish->requests;
	bool good = !board->failed;

	if (kchan_ctx_err(board->ctx) == ETIMEDOUT) {
		complain("not done after %lu s", wish->timeout);
		good = false;
	}
	if (content != wish->clients) {
		complain("only %u of %lu clients got right answers to all", content, wish->clients);
		good = false;
	}
	if (tally->questions != expected || tally->answers != expected) {
		complain("%lu questions and %lu answers, of %lu", tally->questions,
			 tally->answers, expected);
		good = false;
	}
	return good;
}

static void print_tally(const struct wish *wish, const struct tally *tally, bool good)
{
	printf("%lu clients, %lu workers: %lu questions, %lu answers, ",
	       wish->clients, wish->workers, tally->questions, tally->answers);
	printf("jobs full %lu times, %lu ticks: %s\n", tally->full, tally->ticks,
	       good ? "all right" : "WRONG");
}

static bool run_with(const struct wish *wish, struct board *board)
{
	struct address address = {};
	struct tally tally = {};
	int listener = make_listener(&address);
	unsigned int clients;
	bool good;

	if (listener < 0)
		return false;
	/* First, because a child of a process with threads has but one of them. */
	clients = start_clients(wish, &address);
	if (clients == wish->clients && start_workers(wish, board))
		serve(board, listener, clients, wish->verbose, &tally);
	close(listener);
	kchan_ctx_cancel(board->ctx);
	kchan_wg_wait(&board->workers);
	good = judge(wish, board, &tally, wait_clients(clients));
	print_tally(wish, &tally, good);
	return good;
}

static bool run(const struct wish *wish)
{
	struct board board = {};
	bool good;

	if (!make_board(&board, wish))
		return false;
	good = run_with(wish, &board);
	kchan_ctx_free(board.ctx);
	close(board.replies);
	close(board.jobs);
	return good;
}

/* ---- arguments ---- */

static const struct option long_options[] = {
	{ "clients", required_argument, NULL, 'c' },
	{ "requests", required_argument, NULL, 'r' },
	{ "workers", required_argument, NULL, 'w' },
	{ "timeout", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static bool parse_number(unsigned long *n, unsigned long most)
{
	char *end;

	*n = strtoul(optarg, &end, 10);
	if (end != optarg && !*end && *n >= 1 && *n <= most)
		return true;
	complain("\"%s\" is not a number from 1 to %lu", optarg, most);
	return false;
}

static bool set_option(struct wish *wish, int opt)
{
	switch (opt) {
	case 'c':
		return parse_number(&wish->clients, MOST_CLIENTS);
	case 'r':
		return parse_number(&wish->requests, 1000000);
	case 'w':
		return parse_number(&wish->workers, MOST_WORKERS);
	case 't':
		return parse_number(&wish->timeout, 1000000);
	case 'v':
		wish->verbose = true;
		return true;
	}
	return false;
}

static int misuse(void)
{
	fputs("See \"switchboard --help\".\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct wish wish = { .clients = 8, .requests = 500, .workers = 4, .timeout = 60 };
	bool good;
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (!set_option(&wish, opt))
			return misuse();
	}
	if (optind != argc)
		return misuse();
	good = run(&wish);
	return fflush(stdout) || !good;
}
