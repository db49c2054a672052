// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Contexts.
 *
 * A context is a channel, and what is done about it: who is done is closed, and the kernel
 * closes the channel of a context at its deadline.  So the channel is the truth: whether a
 * cancellation or the deadline was first, closing it tells.
 *
 * One lock guards the tree of all contexts and why each is done.  It is held for as long as
 * it takes to close the channels of a context and its descendants, which does not block.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

struct kchan_ctx {
	int done;
	int err;		/* 0, ECANCELED, ETIMEDOUT */
	__u64 deadline;		/* CHAN_FOREVER: none */
	struct kchan_ctx *parent;
	struct kchan_ctx *children;	/* the first of them */
	struct kchan_ctx *next;		/* sibling */
	struct kchan_ctx **link;	/* what points to this one */
};

static struct kchan_ctx background = { .done = KCHAN_NIL, .deadline = CHAN_FOREVER };
static pthread_mutex_t tree = PTHREAD_MUTEX_INITIALIZER;

static void attach(struct kchan_ctx *ctx, struct kchan_ctx *parent)
{
	ctx->parent = parent;
	ctx->next = parent->children;
	ctx->link = &parent->children;
	if (ctx->next)
		ctx->next->link = &ctx->next;
	parent->children = ctx;
}

static void detach(struct kchan_ctx *ctx)
{
	if (!ctx->parent)
		return;
	*ctx->link = ctx->next;
	if (ctx->next)
		ctx->next->link = ctx->link;
	ctx->parent = NULL;
}

/* Why it is done, as far as that is settled by now. */
static int settled_err(struct kchan_ctx *ctx)
{
	if (!ctx->err && ctx->deadline != CHAN_FOREVER && kchan_now() >= ctx->deadline)
		ctx->err = ETIMEDOUT;
	return ctx->err;
}

/* @err is why, unless the deadline was first. */
static void finish(struct kchan_ctx *ctx, int err)
{
	if (ctx->err)
		return;
	ctx->err = kchan_close(ctx->done) && errno == EPIPE ? ETIMEDOUT : err;
}

/* Without recursion: goroutines have small stacks. */
static void finish_tree(struct kchan_ctx *top, int err)
{
	struct kchan_ctx *ctx = top, *parent;

	for (;;) {
		while (ctx->children)
			ctx = ctx->children;
		finish(ctx, err);
		if (ctx == top)
			return;
		/* Done is done: its parent has nothing more to tell it. */
		parent = ctx->parent;
		detach(ctx);
		ctx = parent;
	}
}

KCHAN_API struct kchan_ctx *kchan_ctx_background(void)
{
	return &background;
}

static int make_done(__u64 deadline)
{
	struct chan_make make = { .closes = deadline == CHAN_FOREVER ? 0 : deadline ?: 1 };

	return kchan_make_as(&make, 0, 0, 0);
}

static struct kchan_ctx *ctx_new(struct kchan_ctx *parent, __u64 deadline)
{
	struct kchan_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->deadline = deadline < parent->deadline ? deadline : parent->deadline;
	ctx->done = make_done(ctx->deadline);
	if (ctx->done < 0) {
		free(ctx);
		return NULL;
	}

	pthread_mutex_lock(&tree);
	if (settled_err(parent))
		finish(ctx, parent->err);
	else
		attach(ctx, parent);
	pthread_mutex_unlock(&tree);
	return ctx;
}

KCHAN_API struct kchan_ctx *kchan_ctx_with_cancel(struct kchan_ctx *parent)
{
	return ctx_new(parent, CHAN_FOREVER);
}

KCHAN_API struct kchan_ctx *kchan_ctx_with_deadline(struct kchan_ctx *parent,
						    const struct timespec *deadline)
{
	__u64 ns;

	return kchan_deadline(deadline, &ns) ? NULL : ctx_new(parent, ns);
}

KCHAN_API struct kchan_ctx *kchan_ctx_with_timeout(struct kchan_ctx *parent,
						   const struct timespec *delay)
{
	__u64 ns;

	return kchan_ns(delay, &ns) ? NULL : ctx_new(parent, kchan_from_now(ns));
}

KCHAN_API int kchan_ctx_done(struct kchan_ctx *ctx)
{
	return ctx->done;
}

KCHAN_API int kchan_ctx_err(struct kchan_ctx *ctx)
{
	int err;

	pthread_mutex_lock(&tree);
	err = settled_err(ctx);
	pthread_mutex_unlock(&tree);
	return err;
}

KCHAN_API void kchan_ctx_cancel(struct kchan_ctx *ctx)
{
	if (ctx == &background)
		return;
	pthread_mutex_lock(&tree);
	finish_tree(ctx, ECANCELED);
	detach(ctx);
	pthread_mutex_unlock(&tree);
}

KCHAN_API void kchan_ctx_free(struct kchan_ctx *ctx)
{
	if (!ctx || ctx == &background)
		return;
	kchan_ctx_cancel(ctx);
	kchan_close_fd(ctx->done);
	free(ctx);
}
