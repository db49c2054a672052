// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request and its reply: send, then receive, as one call.
 *
 * The receive is queued when the request is sent, and before its receiver wakes.  So
 * whoever got the request finds somebody who waits for the reply, and a round trip costs a
 * switch there and a switch back.
 */
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "command.h"
#include "core.h"
#include "file.h"
#include "ioctl.h"
#include "park.h"
#include "pin.h"
#include "trace.h"
#include "word.h"

/* The receiver of the request does not wait until its @source is let go. */
static __always_inline void tell_of_request(struct chan *out, struct chan_news *request,
					    struct chan_pinned *source)
{
	chan_tell(out, request);
	if (source)
		chan_put_source(source);
}

/* Park for the reply before the receiver of the request is told. */
static __always_inline int recv_then_tell(struct chan *out, struct chan_news *request,
					  struct chan_pinned *source, struct chan *in,
					  struct chan_dest *dest, struct chan_blocking *how)
{
	struct chan_elem elem __uninitialized;
	struct chan_single s __uninitialized;
	struct chan_news reply = CHAN_NEWS_INIT(reply);
	int ret;

	/* Neither who gives way, nor who has much to remove from a ticker's queue, lets it wait. */
	if (unlikely(in->timer || chan_may_park(how))) {
		tell_of_request(out, request, source);
		return chan_recv(in, dest, how);
	}
	chan_single_init(&s, in, false, &elem, dest->room);
	s.w.pinned = dest->pinned;
	how->entry = &s.w;
	ret = chan_recv_or_queue(in, dest, how, &reply, true);
	request->here = ret == -EAGAIN;
	tell_of_request(out, request, source);
	chan_tell(in, &reply);
	switch (ret) {
	case -EAGAIN:
		return chan_recv_parked(in, dest, &s, how);
	case -EBUSY:
	case -EFAULT:
		/* There is a reply, but many who have gone elsewhere, or a page has gone again. */
		return chan_recv(in, dest, how);
	case 0:
		return chan_recv_finish(in, dest);
	default:
		return ret;
	}
}

/* The request, in full; then the reply, on whose destination hold has been taken. */
static __always_inline int send_then_recv(struct chan *out, struct chan_elem *elem,
					  struct chan *in, struct chan_dest *dest,
					  struct chan_blocking *how, bool *sent)
{
	struct chan_news request = CHAN_NEWS_INIT(request);
	int ret = chan_send_once(out, elem, how, NULL, &request, true);

	if (!ret) {
		*sent = true;
		return recv_then_tell(out, &request, NULL, in, dest, how);
	}
	chan_tell(out, &request);
	if (ret == -EAGAIN)
		ret = chan_send(out, elem, how);
	if (ret)
		return ret;
	*sent = true;
	/* That may have been long ago. */
	dest->writable = 0;
	return chan_recv(in, dest, how);
}

/* The request to a receiver whose memory is pinned; -EAGAIN if there is none. */
static noinline int copy_then_recv(struct file *out, const struct chan_call *args, struct chan *in,
				   struct chan_dest *dest, struct chan_blocking *how, bool *sent)
{
	struct chan *c = chan_file_chan(out);
	struct chan_news request = CHAN_NEWS_INIT(request);
	struct chan_pinned *source;

	source = chan_send_copy_once(c, chan_file_user(out), u64_to_user_ptr(args->req),
				     args->req_size, &request);
	if (!source)
		return -EAGAIN;
	*sent = true;
	return recv_then_tell(c, &request, source, in, dest, how);
}

/**
 * call() - send a request, then receive the reply
 * @out: where to send.
 * @args: the request.
 * @in: where to receive, another channel.
 * @dest: where the reply goes; its @len is set.
 * @how: whether to block, in both halves.
 * @sent: set once the request is sent.
 *
 * May sleep.
 *
 * Return: an errno of chan_send() or chan_elem_from_user() with @sent false, or what
 * chan_recv() returns with it true.
 */
static __always_inline int call(struct file *out, const struct chan_call *args, struct chan *in,
				struct chan_dest *dest, struct chan_blocking *how, bool *sent)
{
	struct chan_elem elem __uninitialized;
	int ret;

	if (unlikely(args->req_size >= CHAN_PIN_MIN)) {
		ret = copy_then_recv(out, args, in, dest, how, sent);
		if (*sent)
			return ret;
	}
	ret = chan_elem_from_user(&elem, chan_file_user(out), u64_to_user_ptr(args->req),
				  args->req_size);
	if (ret)
		return ret;
	ret = send_then_recv(chan_file_chan(out), &elem, in, dest, how, sent);
	chan_elem_drop(&elem);
	return ret;
}

static __always_inline int check_call(struct file *out, struct file *in,
				      const struct chan_call *args)
{
	int ret = chan_may_recv(in, u64_to_user_ptr(args->rep), args->rep_size);

	if (ret || !out)
		return ret;
	if (chan_file_chan(out) == chan_file_chan(in))
		return -EINVAL;
	return chan_may_send(out, args->req_size);
}

/* @out is NULL if the request is sent already. */
static __always_inline int run_call(struct file *file, struct file *out, struct file *in,
				    const struct chan_call *args, bool *sent)
{
	struct file *held[] = { in, out };
	struct chan_blocking how __uninitialized;
	struct chan_dest dest __uninitialized;
	struct chan *c = chan_file_chan(in);
	int ret;

	ret = check_call(out, in, args);
	if (ret)
		return ret;
	chan_dest_init(&dest, u64_to_user_ptr(args->rep), args->rep_size);
	chan_blocking_init(&how, chan_deadline(args->deadline), file);
	how.held = held;
	how.n_held = out && args->out != CHAN_CALL_HERE ? 2 : 1;
	if (chan_dest_hold(&dest, c->user, min(dest.room, c->ring.elem_size)))
		return -EFAULT;
	ret = out ? call(out, args, c, &dest, &how, sent) : chan_recv(c, &dest, &how);
	chan_dest_release(&dest);
	chan_file_count_parks(in, how.parks);
	return *sent ? chan_recv_result(c, &dest, ret) : ret;
}

/* Where the request goes: NULL if it is sent already. */
static __always_inline struct file *get_out(struct file *file, const struct chan_call *args,
					    bool sent)
{
	if (sent)
		return NULL;
	if (args->out != CHAN_CALL_HERE)
		return chan_get_channel(args->out);
	return chan_file_is_channel(file) ? file : ERR_PTR(-ENOTTY);
}

static inline void put_out(struct file *out, const struct chan_call *args)
{
	if (out && args->out != CHAN_CALL_HERE)
		fput(out);
}

/* One that is sent already unless @sent is false; sets it. */
static __always_inline int do_call(struct file *file, const struct chan_call *args, bool *sent)
{
	struct file *out = get_out(file, args, *sent), *in;
	int ret;

	if (IS_ERR(out))
		return PTR_ERR(out);
	in = chan_get_channel(args->in);
	if (IS_ERR(in)) {
		put_out(out, args);
		return PTR_ERR(in);
	}
	ret = run_call(file, out, in, args, sent);
	fput(in);
	put_out(out, args);
	return ret;
}

/*
 * What the caller asks for.  Its flags, which may have to be written later, have to be
 * writable now.
 */
static int get_args(struct chan_call *args, struct chan_call __user *ucall)
{
	int ret = chan_get_args(args, sizeof(*args), ucall);

	if (ret)
		return ret;
	if (args->flags & ~CHAN_CALL_SENT)
		return -EINVAL;
	return put_user(args->flags, &ucall->flags);
}

/*
 * Whoever repeats a call that failed, be it the kernel after a signal, must not send again:
 * then the caller's struct says that it is sent.
 */
static int put_flags(struct chan_call __user *ucall, u32 old, bool sent, int ret)
{
	u32 flags = ret < 0 && sent ? CHAN_CALL_SENT : 0;

	if (flags == old)
		return ret;
	return put_user(flags, &ucall->flags) ? -EFAULT : ret;
}

/* Any call. */
static noinline int call_any(struct file *file, struct chan_call __user *ucall)
{
	struct chan_call args __uninitialized;
	bool sent;
	int ret = get_args(&args, ucall);

	if (ret)
		return ret;
	sent = args.flags;
	ret = do_call(file, &args, &sent);
	return put_flags(ucall, args.flags, sent, ret);
}

/* ---- words ---- */

/*
 * Without a function that copies it, a struct as we know it, of a call that begins.  Its flags
 * are written as they were: should they have to be later, they can be.
 */
static __always_inline bool get_new(struct chan_call *args, struct chan_call __user *ucall)
{
	const u64 __user *from = (const u64 __user *)ucall;
	u64 *to = (u64 *)args;
	unsigned int i;

	if (!user_access_begin(ucall, sizeof(*ucall)))
		return false;
#pragma GCC unroll 8
	for (i = 0; i < sizeof(*args) / sizeof(*to); i++)
		unsafe_get_user(to[i], &from[i], fault);
	unsafe_put_user(args->flags, &ucall->flags, fault);
	user_access_end();
	return args->size == sizeof(*args) && !args->flags && args->deadline >= KTIME_MAX;

fault:
	user_access_end();
	return false;
}

static __always_inline bool is_word_call(const struct file *out, const struct file *in,
					 const struct chan_call *args)
{
	const struct chan *c = chan_file_chan(in);
	void __user *rep = u64_to_user_ptr(args->rep);

	return (out->f_mode & FMODE_WRITE) && (in->f_mode & FMODE_READ) && !chan_asks_modules() &&
	       c != chan_file_chan(out) && chan_takes_word(c, rep, args->rep_size) && rep &&
	       chan_is_writable(rep);
}

/* Send a word to who waits for it. */
static __always_inline struct chan_waiter *give_word(struct chan *c, const struct chan_call *args)
{
	struct chan_waiter *w;
	u64 word;

	if (unlikely(chan_get_word(&word, u64_to_user_ptr(args->req), args->req_size)))
		return NULL;
	spin_lock(&c->lock);
	w = likely(!c->state) ? chan_give_word(c, word, args->req_size) : NULL;
	spin_unlock(&c->lock);
	return w;
}

/* As for any call, when the reply is not to be waited for in the short way. */
static noinline int recv_any_then_tell(struct file *file, struct chan_waiter *w, struct file *in,
				       void __user *rep, u32 rep_size)
{
	struct chan_news request = { .ready = w, .last = &w->next };
	struct chan_blocking how __uninitialized;
	struct chan_dest dest __uninitialized;
	struct chan *c = chan_file_chan(in);
	int ret;

	w->next = NULL;
	chan_dest_init(&dest, rep, rep_size);
	dest.writable = rep_size;
	chan_blocking_init(&how, KTIME_MAX, file);
	how.held = &in;
	how.n_held = 1;
	ret = recv_then_tell(w->chan, &request, NULL, c, &dest, &how);
	chan_file_count_parks(in, how.parks);
	return chan_recv_result(c, &dest, ret);
}

/* The reply, and who got the request is told of it. */
static __always_inline int recv_word(struct file *file, struct chan_waiter *w, struct file *in,
				     void __user *rep, u32 len)
{
	struct chan_word_wait wait __uninitialized;
	int ret;

	chan_word_wait_init(&wait, chan_file_chan(in), false, len, file);
	wait.how.held = &in;
	wait.how.n_held = 1;
	if (unlikely(!chan_queue_word(&wait, false)))
		return recv_any_then_tell(file, w, in, rep, len);
	chan_finish(w->wait, true);
	ret = chan_recv_word_parked(&wait, rep, len);
	chan_file_count_parks(in, wait.how.parks);
	return ret;
}

/* Both are words, and somebody waits for the request.  -EAGAIN, with nothing done: call_any(). */
static __always_inline int call_word(struct file *file, const struct chan_call *args, bool *sent)
{
	struct chan *c = chan_file_chan(file);
	struct chan_waiter *w = NULL;
	struct file *in;
	int ret = -EAGAIN;

	if (!chan_takes_word(c, u64_to_user_ptr(args->req), args->req_size) ||
	    chan_fifo_is_empty(&c->recvq.list))
		return ret;
	in = chan_get_channel(args->in);
	if (IS_ERR(in))
		return ret;
	if (likely(is_word_call(file, in, args)))
		w = give_word(c, args);
	if (likely(w)) {
		*sent = true;
		ret = recv_word(file, w, in, u64_to_user_ptr(args->rep), args->rep_size);
	}
	fput(in);
	return ret;
}

/**
 * chan_command_call() - one call by command
 * @file: the descriptor that took the command.
 * @ucall: what the caller asks for.
 *
 * Return: as chan_command_recv(), or an errno of chan_command_send(), -ENOTTY, -EINVAL,
 * -E2BIG.
 */
long chan_command_call(struct file *file, struct chan_call __user *ucall)
{
	struct chan_call args __uninitialized;
	bool sent = false;
	int ret = -EAGAIN;

	if (likely(get_new(&args, ucall) && args.out == CHAN_CALL_HERE &&
		   chan_file_is_channel(file)))
		ret = call_word(file, &args, &sent);
	if (unlikely(!sent))
		return call_any(file, ucall);
	return likely(ret >= 0) ? ret : put_flags(ucall, 0, true, ret);
}
