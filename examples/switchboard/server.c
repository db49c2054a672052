// SPDX-License-Identifier: GPL-2.0-only
/*
 * The main loop.  It never blocks but in epoll_wait(2).
 *
 * What it cannot pass on it does not read: a client is not listened to while its last
 * question waits for room in the channel of jobs, or while it has WINDOW questions of
 * which it has not taken the answers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "switchboard.h"

#define MOST_EVENTS	32
#define TICK_NS		100000000L

/* What an event is for; with CLIENT added, the number of a client. */
enum { LISTENER, JOBS, REPLIES, TICKER, DONE, CLIENT };

/**
 * struct client - a connection
 * @fd: its socket; -1 before it came, and after it has gone.
 * @events: that epoll watches for.
 * @in_workers: questions whose answers the workers have yet to give.
 * @in_len: bytes of @in that have come.
 * @out_len: bytes of @out that have not gone.
 * @in: the question that comes, or waits for room in the channel of jobs.
 * @out: answers that go.
 */
struct client {
	int fd;
	uint32_t events;
	unsigned int in_workers;
	size_t in_len;
	size_t out_len;
	struct question in;
	char out[WINDOW * sizeof(struct question)];
};

/**
 * struct server - the main loop
 * @board: shared with the workers.
 * @epoll: where it waits.
 * @listener: socket on which clients come.
 * @jobs: view of the channel to try to send on.
 * @replies: view of the channel to try to receive from.
 * @ticker: channel of ticks.
 * @clients: @nclients of them.
 * @nclients: how many are expected.
 * @came: how many came.
 * @gone: how many of these have gone.
 * @turn: the client to begin with when there is room for jobs again.
 * @verbose: print statistics.
 * @running: the context is not done.
 * @tally: what was seen.
 */
struct server {
	struct board *board;
	int epoll;
	int listener;
	int jobs;
	int replies;
	int ticker;
	struct client *clients;
	unsigned int nclients;
	unsigned int came;
	unsigned int gone;
	unsigned int turn;
	bool verbose;
	bool running;
	struct tally *tally;
};

static bool control(struct server *server, int op, int fd, uint32_t what, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = what };

	if (!epoll_ctl(server->epoll, op, fd, &event))
		return true;
	give_up(server->board, "cannot use epoll");
	return false;
}

/* ---- clients ---- */

static bool has_question(const struct client *client)
{
	return client->fd >= 0 && client->in_len == sizeof(client->in);
}

static bool has_room(const struct client *client)
{
	size_t expected = (client->in_workers + 1) * sizeof(struct question);

	return client->out_len + expected <= sizeof(client->out);
}

static void watch(struct server *server, struct client *client)
{
	uint32_t events = 0;

	if (!has_question(client) && has_room(client))
		events |= EPOLLIN;
	if (client->out_len)
		events |= EPOLLOUT;
	if (events == client->events)
		return;
	client->events = events;
	control(server, EPOLL_CTL_MOD, client->fd, CLIENT + (client - server->clients), events);
}

static void accept_client(struct server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno != EAGAIN)
		give_up(server->board, "cannot accept a client");
	if (fd < 0)
		return;
	if (server->came == server->nclients) {
		close(fd);
		return;
	}
	server->clients[server->came].fd = fd;
	server->clients[server->came].events = EPOLLIN;
	control(server, EPOLL_CTL_ADD, fd, CLIENT + server->came++, EPOLLIN);
}

/* What the workers still have of it is dropped when it comes. */
static void hang_up(struct server *server, struct client *client)
{
	close(client->fd);
	client->fd = -1;
	if (++server->gone == server->nclients)
		kchan_ctx_cancel(server->board->ctx);
}

/* False if it has to wait. */
static bool pass_on(struct server *server, struct client *client)
{
	client->in.client = client - server->clients;
	if (kchan_try_send(server->jobs, &client->in, sizeof(client->in))) {
		if (errno != EAGAIN)
			give_up(server->board, "cannot send a job");
		return false;
	}
	client->in_len = 0;
	client->in_workers++;
	server->tally->questions++;
	return true;
}

static void read_client(struct server *server, struct client *client)
{
	char *to = (char *)&client->in + client->in_len;
	ssize_t n = recv(client->fd, to, sizeof(client->in) - client->in_len, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		hang_up(server, client);
		return;
	}
	client->in_len += n;
	if (has_question(client) && !pass_on(server, client)) {
		server->tally->full++;
		control(server, EPOLL_CTL_MOD, server->jobs, JOBS, EPOLLOUT);
	}
}

static void write_client(struct server *server, struct client *client)
{
	ssize_t n = send(client->fd, client->out, client->out_len, MSG_NOSIGNAL);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		hang_up(server, client);
		return;
	}
	client->out_len -= n;
	memmove(client->out, client->out + n, client->out_len);
}

static void serve_client(struct server *server, struct client *client, uint32_t events)
{
	if (client->fd >= 0 && events & EPOLLOUT)
		write_client(server, client);
	if (client->fd >= 0 && events & EPOLLIN)
		read_client(server, client);
	else if (client->fd >= 0 && events & (EPOLLHUP | EPOLLERR))
		hang_up(server, client);
	if (client->fd >= 0)
		watch(server, client);
}

/* ---- channels ---- */

/* In turn, so that no client is always the one for which there is no room. */
static void retry_jobs(struct server *server)
{
	struct client *client;
	unsigned int i;

	for (i = 0; i < server->nclients; i++) {
		client = &server->clients[server->turn];
		if (has_question(client)) {
			if (!pass_on(server, client))
				return;
			watch(server, client);
		}
		server->turn = (server->turn + 1) % server->nclients;
	}
	control(server, EPOLL_CTL_MOD, server->jobs, JOBS, 0);
}

static void deliver(struct server *server, const struct question *answer)
{
	struct client *client = &server->clients[answer->client];

	client->in_workers--;
	server->tally->answers++;
	if (client->fd < 0)
		return;
	memcpy(client->out + client->out_len, answer, sizeof(*answer));
	client->out_len += sizeof(*answer);
	serve_client(server, client, EPOLLOUT);
}

static void drain_replies(struct server *server)
{
	struct question answer;

	while (kchan_try_recv(server->replies, &answer, sizeof(answer)) > 0)
		deliver(server, &answer);
	if (errno != EAGAIN)
		give_up(server->board, "cannot receive a reply");
}

/* Ticks that nobody has received do not pile up: one is all there can be. */
static void tick(struct server *server)
{
	uint64_t due;

	if (kchan_try_recv(server->ticker, &due, sizeof(due)) != 1)
		return;
	server->tally->ticks++;
	if (server->verbose)
		fprintf(stderr, "at %.1f s: %u clients, %lu answers, %zd jobs waiting\n",
			due / 1e9, server->came - server->gone, server->tally->answers,
			kchan_len(server->jobs));
}

/* ---- the loop ---- */

static void handle(struct server *server, const struct epoll_event *event)
{
	switch (event->data.u32) {
	case LISTENER:
		accept_client(server);
		break;
	case JOBS:
		retry_jobs(server);
		break;
	case REPLIES:
		drain_replies(server);
		break;
	case TICKER:
		tick(server);
		break;
	case DONE:
		server->running = false;
		break;
	default:
		serve_client(server, &server->clients[event->data.u32 - CLIENT], event->events);
	}
}

static void loop(struct server *server)
{
	struct epoll_event events[MOST_EVENTS];
	int i, n;

	while (server->running) {
		n = epoll_wait(server->epoll, events, MOST_EVENTS, -1);
		for (i = 0; i < n; i++)
			handle(server, &events[i]);
	}
}

/*
 * The views are open file descriptions of their own: O_NONBLOCK there does not concern
 * the workers.
 */
static bool open_all(struct server *server)
{
	struct timespec period = { .tv_nsec = TICK_NS };

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->jobs = kchan_dup(server->board->jobs, O_WRONLY | O_NONBLOCK);
	server->replies = kchan_dup(server->board->replies, O_RDONLY | O_NONBLOCK);
	server->ticker = kchan_tick(&period);
	return server->epoll >= 0 && server->jobs >= 0 && server->replies >= 0 &&
	       server->ticker >= 0;
}

static bool watch_all(struct server *server)
{
	int done = kchan_ctx_done(server->board->ctx);

	return control(server, EPOLL_CTL_ADD, server->listener, LISTENER, EPOLLIN) &&
	       control(server, EPOLL_CTL_ADD, server->jobs, JOBS, 0) &&
	       control(server, EPOLL_CTL_ADD, server->replies, REPLIES, EPOLLIN) &&
	       control(server, EPOLL_CTL_ADD, server->ticker, TICKER, EPOLLIN) &&
	       control(server, EPOLL_CTL_ADD, done, DONE, EPOLLIN);
}

static void close_all(struct server *server)
{
	unsigned int i;

	for (i = 0; i < server->came; i++)
		if (server->clients[i].fd >= 0)
			close(server->clients[i].fd);
	close(server->ticker);
	close(server->replies);
	close(server->jobs);
	close(server->epoll);
}

void serve(struct board *board, int listener, unsigned int nclients, bool verbose,
	   struct tally *tally)
{
	struct server server = {
		.board = board,
		.listener = listener,
		.clients = calloc(nclients, sizeof(*server.clients)),
		.nclients = nclients,
		.verbose = verbose,
		.running = true,
		.tally = tally,
	};

	if (!server.clients || !open_all(&server))
		give_up(board, "cannot set up the main loop");
	else if (watch_all(&server))
		loop(&server);
	close_all(&server);
	free(server.clients);
}
