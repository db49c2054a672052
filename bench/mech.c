// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mechanisms.  Each is used as its manual page suggests, without tricks.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kchan.h>

#include "bench.h"
#include "mech.h"

/* What a pipe holds if nobody asks for more. */
#define PIPE_BYTES	(64U << 10)

/* The longest System V message if nobody asks for more. */
#define SYSV_BYTES	8192

static bool not_here(struct link *l, const char *why)
{
	l->why = why;
	return false;
}

bool link_open(struct link *l, const struct mech *mech, size_t bytes, unsigned int cap)
{
	*l = (struct link){ .mech = mech, .bytes = bytes, .rx = -1, .tx = -1 };
	return mech->open(l, cap);
}

void link_close(struct link *l)
{
	l->mech->close(l);
}

static void close_fds(struct link *l)
{
	close(l->rx);
	if (l->tx != l->rx)
		close(l->tx);
}

static void send_by_write(struct link *l, const void *elem)
{
	if (write(l->tx, elem, l->bytes) != (ssize_t)l->bytes)
		die("write");
}

/* A pipe may have but a part of a long element yet. */
static void recv_by_read(struct link *l, void *elem)
{
	size_t done = 0;
	ssize_t n;

	do {
		n = read(l->rx, (char *)elem + done, l->bytes - done);
		if (n <= 0)
			die("read");
		done += n;
	} while (done < l->bytes);
}

static void recv_by_one_read(struct link *l, void *elem)
{
	if (read(l->rx, elem, l->bytes) != (ssize_t)l->bytes)
		die("read");
}

/* ---- channels ---- */

static bool chan_open(struct link *l, unsigned int cap)
{
	l->rx = must(kchan_make(l->bytes, cap, 0));
	l->tx = l->rx;
	return true;
}

static void chan_send(struct link *l, const void *elem)
{
	if (kchan_send(l->tx, elem, l->bytes))
		die("kchan_send");
}

static void chan_recv(struct link *l, void *elem)
{
	if (kchan_recv(l->rx, elem, l->bytes) != 1)
		die("kchan_recv");
}

const struct mech mech_chan = {
	"chan", chan_open, close_fds, chan_send, chan_recv,
};

static bool chan_rw_open(struct link *l, unsigned int cap)
{
	if (!l->bytes)
		return not_here(l, "a write of nothing does nothing");
	return chan_open(l, cap);
}

const struct mech mech_chan_rw = {
	"chan-read-write", chan_rw_open, close_fds, send_by_write, recv_by_one_read,
};

/* ---- pipe ---- */

static bool pipe_open(struct link *l, unsigned int cap)
{
	int fds[2];

	(void)cap;
	if (!l->bytes)
		return not_here(l, "a write of nothing does nothing");
	must(pipe2(fds, O_CLOEXEC));
	if (l->bytes > PIPE_BYTES)
		must(fcntl(fds[1], F_SETPIPE_SZ, (int)l->bytes));
	l->rx = fds[0];
	l->tx = fds[1];
	return true;
}

const struct mech mech_pipe = {
	"pipe", pipe_open, close_fds, send_by_write, recv_by_read,
};

/* ---- eventfd, as a semaphore ---- */

static bool eventfd_open(struct link *l, unsigned int cap)
{
	(void)cap;
	if (l->bytes != 8)
		return not_here(l, "it carries 8 bytes");
	l->rx = must(eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE));
	l->tx = l->rx;
	return true;
}

static void eventfd_send(struct link *l, const void *elem)
{
	const uint64_t one = 1;

	(void)elem;
	if (write(l->tx, &one, sizeof(one)) != sizeof(one))
		die("write");
}

const struct mech mech_eventfd = {
	"eventfd", eventfd_open, close_fds, eventfd_send, recv_by_one_read,
};

/* ---- socket ---- */

static bool seqpacket_open(struct link *l, unsigned int cap)
{
	int fds[2], room = 2 * l->bytes;

	(void)cap;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
	if (l->bytes > PIPE_BYTES)
		must(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)));
	l->rx = fds[0];
	l->tx = fds[1];
	return true;
}

static void seqpacket_send(struct link *l, const void *elem)
{
	if (send(l->tx, elem, l->bytes, 0) != (ssize_t)l->bytes)
		die("send");
}

static void seqpacket_recv(struct link *l, void *elem)
{
	if (recv(l->rx, elem, l->bytes, 0) != (ssize_t)l->bytes)
		die("recv");
}

const struct mech mech_seqpacket = {
	"seqpacket", seqpacket_open, close_fds, seqpacket_send, seqpacket_recv,
};

/* ---- POSIX message queue ---- */

static bool mqueue_open(struct link *l, unsigned int cap)
{
	struct mq_attr attr = { .mq_maxmsg = cap ? cap : 1, .mq_msgsize = l->bytes };
	char name[64];
	static int n;

	snprintf(name, sizeof(name), "/chanbench-%d-%d", getpid(), n++);
	l->rx = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attr);
	if (l->rx < 0)
		return not_here(l, strerror(errno));
	l->tx = l->rx;
	mq_unlink(name);
	return true;
}

static void mqueue_send(struct link *l, const void *elem)
{
	if (mq_send(l->tx, elem, l->bytes, 0))
		die("mq_send");
}

static void mqueue_recv(struct link *l, void *elem)
{
	if (mq_receive(l->rx, elem, l->bytes, NULL) != (ssize_t)l->bytes)
		die("mq_receive");
}

const struct mech mech_mqueue = {
	"mqueue", mqueue_open, close_fds, mqueue_send, mqueue_recv,
};

/* ---- System V message queue ---- */

/* Longest element that lies in a thread's stack on its way. */
#define SHORT		64

struct message {
	long type;
	char text[];
};

struct short_message {
	long type;
	char text[SHORT];
};

static void allow_long_messages(struct link *l)
{
	struct msqid_ds settings;
	char most[32];

	snprintf(most, sizeof(most), "%zu", l->bytes);
	write_setting("/proc/sys/kernel/msgmax", most);
	must(msgctl(l->rx, IPC_STAT, &settings));
	settings.msg_qbytes = 2 * l->bytes;
	must(msgctl(l->rx, IPC_SET, &settings));
}

static bool sysv_open(struct link *l, unsigned int cap)
{
	(void)cap;
	l->rx = must(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
	if (l->bytes <= SHORT)
		return true;
	l->sent = get_memory(sizeof(*l->sent) + l->bytes);
	l->received = get_memory(sizeof(*l->received) + l->bytes);
	if (l->bytes > SYSV_BYTES)
		allow_long_messages(l);
	return true;
}

static void sysv_close(struct link *l)
{
	msgctl(l->rx, IPC_RMID, NULL);
	free(l->sent);
	free(l->received);
}

static void sysv_send(struct link *l, const void *elem)
{
	struct short_message brief;
	struct message *m = l->bytes <= SHORT ? (struct message *)&brief : l->sent;

	m->type = 1;
	memcpy(m->text, elem, l->bytes);
	if (msgsnd(l->rx, m, l->bytes, 0))
		die("msgsnd");
}

static void sysv_recv(struct link *l, void *elem)
{
	struct short_message brief;
	struct message *m = l->bytes <= SHORT ? (struct message *)&brief : l->received;

	if (msgrcv(l->rx, m, l->bytes, 0, 0) != (ssize_t)l->bytes)
		die("msgrcv");
	memcpy(elem, m->text, l->bytes);
}

const struct mech mech_sysv = {
	"sysv-msg", sysv_open, sysv_close, sysv_send, sysv_recv,
};

/* ---- a queue under a mutex, with two condition variables ---- */

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	unsigned int cap;
	unsigned int len;
	unsigned int first;
	char elems[];
};

static bool cond_open(struct link *l, unsigned int cap)
{
	if (!cap)
		cap = 1;
	l->queue = get_memory(sizeof(*l->queue) + cap * l->bytes);
	l->queue->cap = cap;
	pthread_mutex_init(&l->queue->lock, NULL);
	pthread_cond_init(&l->queue->not_empty, NULL);
	pthread_cond_init(&l->queue->not_full, NULL);
	return true;
}

static void cond_close(struct link *l)
{
	free(l->queue);
}

static void cond_send(struct link *l, const void *elem)
{
	struct queue *q = l->queue;

	pthread_mutex_lock(&q->lock);
	while (q->len == q->cap)
		pthread_cond_wait(&q->not_full, &q->lock);
	memcpy(q->elems + (q->first + q->len) % q->cap * l->bytes, elem, l->bytes);
	q->len++;
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->not_empty);
}

static void cond_recv(struct link *l, void *elem)
{
	struct queue *q = l->queue;

	pthread_mutex_lock(&q->lock);
	while (!q->len)
		pthread_cond_wait(&q->not_empty, &q->lock);
	memcpy(elem, q->elems + q->first * l->bytes, l->bytes);
	q->first = (q->first + 1) % q->cap;
	q->len--;
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->not_full);
}

const struct mech mech_cond = {
	"mutex-cond", cond_open, cond_close, cond_send, cond_recv,
};

/* ---- a futex word: it says that there is something, and carries nothing ---- */

static bool futex_open(struct link *l, unsigned int cap)
{
	(void)l;
	(void)cap;
	return true;
}

static void futex_close(struct link *l)
{
	(void)l;
}

static void futex_send(struct link *l, const void *elem)
{
	(void)elem;
	__atomic_store_n(&l->word, 1, __ATOMIC_RELEASE);
	must(syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
}

static void futex_recv(struct link *l, void *elem)
{
	(void)elem;
	while (!__atomic_exchange_n(&l->word, 0, __ATOMIC_ACQUIRE))
		if (syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) &&
		    errno != EAGAIN && errno != EINTR)
			die("futex");
}

const struct mech mech_futex = {
	"futex-word", futex_open, futex_close, futex_send, futex_recv,
};
