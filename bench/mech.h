/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mechanisms by which one thread passes elements to another, each as a one-way link.
 */
#ifndef MECH_H
#define MECH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct message;
struct queue;

/**
 * struct link - a way from senders to receivers
 * @mech: what it is made of.
 * @bytes: of an element, which lies in @room when it has been received.
 * @rx: descriptor or number, to receive from.
 * @tx: likewise, to send to.
 * @word: of a futex.
 * @queue: of mutex and condition variables.
 * @sent: room for a long System V message that is sent.
 * @received: likewise, for one that is received.
 * @why: it could not be opened.
 */
struct link {
	const struct mech *mech;
	size_t bytes;
	int rx;
	int tx;
	uint32_t word;
	struct queue *queue;
	struct message *sent;
	struct message *received;
	const char *why;
};

/**
 * struct mech - a mechanism
 * @name: without spaces.
 * @open: makes a link that buffers @cap elements, or as many as the mechanism can; returns
 *	whether it is to be had here, and if not says why in the link.
 * @close: ends it.
 * @send: passes on an element.
 * @recv: receives one.
 */
struct mech {
	const char *name;
	bool (*open)(struct link *l, unsigned int cap);
	void (*close)(struct link *l);
	void (*send)(struct link *l, const void *elem);
	void (*recv)(struct link *l, void *elem);
};

extern const struct mech mech_chan;
extern const struct mech mech_chan_rw;
extern const struct mech mech_pipe;
extern const struct mech mech_eventfd;
extern const struct mech mech_seqpacket;
extern const struct mech mech_mqueue;
extern const struct mech mech_sysv;
extern const struct mech mech_cond;
extern const struct mech mech_futex;

bool link_open(struct link *l, const struct mech *mech, size_t bytes, unsigned int cap);
void link_close(struct link *l);

static inline void link_send(struct link *l, const void *elem)
{
	l->mech->send(l, elem);
}

static inline void link_recv(struct link *l, void *elem)
{
	l->mech->recv(l, elem);
}

#endif /* MECH_H */
