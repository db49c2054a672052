/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Go channels and goroutines for C programs, on top of the chan kernel module.
 *
 * A channel is a descriptor.  It may be sent to other processes, inherited, polled,
 * read and written like any other.  close(2) drops the descriptor; kchan_close() is
 * what Go calls close, and concerns everybody who uses the channel.
 *
 * Calls return -1 and set errno on failure.  What every call on a channel may fail
 * with is listed here, and only what is particular to a function is listed there:
 *
 *   EBADF   not an open descriptor, or it does not grant this direction
 *   ENOTTY  the descriptor is no channel
 *   EIDRM   the channel was removed
 *
 * A call that may block also fails with EINTR when a signal handler installed without
 * SA_RESTART ran before anything happened.  The library retries no such call itself,
 * but for kchan_wg_wait().  Without a deadline it fails with EDEADLK if
 * kchan_detect_deadlock() asked for that.
 *
 * Deadlines are absolute CLOCK_MONOTONIC times.  One that has passed, or is negative,
 * means to try once; NULL means none.  They take precedence over O_NONBLOCK.
 *
 * Every function may be called by several threads at once, and none is a cancellation
 * point that anybody should rely on.  None may be called by a signal handler except
 * kchan_close(), kchan_len(), kchan_cap() and the functions that send and receive.
 *
 * The semantics are those of the Go language specification, sections "Channel types",
 * "Send statements", "Receive operator", "Select statements" and "Close", and of Go's
 * sync.WaitGroup, time.Timer, time.Ticker and context.
 * Where Go panics, these functions fail.
 */
#ifndef KCHAN_H
#define KCHAN_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a channel. */
#define KCHAN_MESSAGE	(1U << 0)	/* elements keep their own length */
#define KCHAN_AUTOCLOSE	(1U << 1)	/* closes with its last sender or receiver */

/* Flags of the descriptor that is returned. */
#define KCHAN_NONBLOCK	(1U << 16)	/* O_NONBLOCK */
#define KCHAN_INHERIT	(1U << 17)	/* stays open across execve(2) */

/* ---- making and finding channels ---- */

/**
 * kchan_make() - make a channel, as Go's make(chan T, cap)
 * @elem_size: bytes of an element; with KCHAN_MESSAGE the most that one may have.
 *	0 makes a channel that carries no data, as Go's chan struct{}.
 * @cap: elements it buffers; 0 makes it unbuffered.
 * @flags: KCHAN_MESSAGE, KCHAN_AUTOCLOSE; KCHAN_NONBLOCK, KCHAN_INHERIT.
 *
 * Does not block.
 *
 * Return: a descriptor that sends and receives; or -1 with EINVAL (unknown flag),
 * ENODEV (the module is not loaded), EACCES (no permission for /dev/chanctl), EDQUOT
 * (a limit of the user), ENOSPC (a limit of the module), EMFILE, ENFILE, ENOMEM.
 */
int kchan_make(size_t elem_size, size_t cap, unsigned int flags);

/**
 * kchan_make_named() - make a channel that others can open by name
 * @name: 1 to 64 characters out of [A-Za-z0-9._-], neither "." nor ".." nor "chan"
 *	followed by digits only: the node is /dev/chan/NAME.  NULL: the kernel chooses
 *	a number N, and the node is /dev/chanN.
 * @elem_size: as for kchan_make().
 * @cap: as for kchan_make().
 * @flags: as for kchan_make().  The descriptor returned does not count as a sender or
 *	receiver for KCHAN_AUTOCLOSE, so that the maker may exit.
 * @mode: permissions of the node, less the umask.
 *
 * The channel stays until kchan_remove(), even if nobody has it open.  Does not block.
 *
 * Return: a descriptor that sends and receives; or -1 with an errno of kchan_make(),
 * or EINVAL (a bad name or mode), EEXIST (the name is taken, or a file that is no
 * channel is in the way of the node), EPERM (not in the initial user namespace).
 */
int kchan_make_named(const char *name, size_t elem_size, size_t cap, unsigned int flags,
		     mode_t mode);

/**
 * kchan_open() - open a named channel
 * @name: its name; or a path, if there is a '/' in it.
 * @oflags: O_RDONLY to receive, O_WRONLY to send, O_RDWR for both; O_NONBLOCK.
 *	O_CLOEXEC is implied.
 *
 * Does not block, whatever kind of file it finds.
 *
 * Return: a descriptor; or -1 with EINVAL (a bad name or flag), ENOENT (no such name),
 * ENOTTY (the file is no channel), ENXIO (the channel of this node was removed),
 * EACCES, EMFILE, ENFILE, ENOMEM, or another errno of open(2).
 */
int kchan_open(const char *name, int oflags);

/**
 * kchan_remove() - remove a named channel
 * @name: its name, without a path.
 *
 * The name is free at once, elements in the buffer are dropped, and calls on the
 * channel fail with EIDRM, those in progress included.  Does not block.
 *
 * Return: 0; or -1 with ENOENT (no such name), EPERM (neither owner nor CAP_FOWNER),
 * EINVAL (too long), ENODEV, EACCES, EMFILE, ENFILE, ENOMEM.
 */
int kchan_remove(const char *name);

/**
 * kchan_dup() - another descriptor of a channel, perhaps for one direction only
 * @ch: the channel.
 * @oflags: O_RDONLY makes Go's <-chan T, O_WRONLY makes chan<- T, O_RDWR both;
 *	O_NONBLOCK.  O_CLOEXEC is implied.
 *
 * Unlike dup(2), the result is an open file description of its own, with its own
 * O_NONBLOCK, and its own sender or receiver for KCHAN_AUTOCLOSE.  Does not block.
 *
 * Return: the descriptor; or -1 with EBADF (@ch does not grant that much), EINVAL,
 * EMFILE, ENFILE, ENOMEM.
 */
int kchan_dup(int ch, int oflags);

/* ---- sending ---- */

/**
 * kchan_send() - send an element, as Go's ch <- elem
 * @ch: the channel.
 * @elem: the element.  May be NULL if @size is 0.
 * @size: its bytes: exactly the element size, or the length of a message.
 *
 * Blocks while the buffer is full, or for an unbuffered channel until somebody
 * receives, unless @ch is O_NONBLOCK.
 *
 * Return: 0; or -1 with EPIPE (the channel is closed; Go panics), EAGAIN (would block,
 * and @ch is O_NONBLOCK), EINTR, EMSGSIZE (wrong size), EFAULT, EDQUOT (a limit of
 * the user on what is under way), ENOMEM.
 */
int kchan_send(int ch, const void *elem, size_t size);

/**
 * kchan_try_send() - send an element if that is possible at once
 * @ch: the channel.
 * @elem: the element.
 * @size: its bytes.
 *
 * As Go's select with this send and a default case.  Does not block.
 *
 * Return: as kchan_send(); EAGAIN if it would block.
 */
int kchan_try_send(int ch, const void *elem, size_t size);

/**
 * kchan_send_until() - send an element before a deadline
 * @ch: the channel.
 * @elem: the element.
 * @size: its bytes.
 * @deadline: absolute CLOCK_MONOTONIC time; NULL for none.
 *
 * Blocks, even if @ch is O_NONBLOCK, but not beyond @deadline.
 *
 * Return: as kchan_send(), or -1 with ETIMEDOUT; EINVAL if tv_nsec is not below 10^9.
 */
int kchan_send_until(int ch, const void *elem, size_t size, const struct timespec *deadline);

/**
 * kchan_send_n() - send several elements of fixed size
 * @ch: the channel.
 * @elems: an array of @n elements.
 * @n: how many.
 *
 * The same as so many sends one after the other; sends of others may come in between.
 * Blocks until the last is sent, unless @ch is O_NONBLOCK.
 *
 * Return: @n; or fewer if an error or a signal came after the first one; or -1 with an
 * errno of kchan_send() if nothing was sent, or EINVAL (a channel of messages).
 */
ssize_t kchan_send_n(int ch, const void *elems, size_t n);

/* ---- receiving ---- */

/**
 * kchan_recv() - receive an element, as Go's elem, ok = <-ch
 * @ch: the channel.
 * @elem: where to; NULL discards it.
 * @size: bytes there: exactly the element size (or 0 if @elem is NULL), or at least
 *	the length of the message.
 *
 * Blocks while there is nothing to receive, unless @ch is O_NONBLOCK.
 *
 * Return: 1 if an element was received; 0 if the channel is closed and drained, in
 * which case @size bytes at @elem are zeroed; or -1 with EAGAIN (would block, and @ch
 * is O_NONBLOCK), EINTR, EMSGSIZE (wrong size, or a message longer than @size, which
 * stays in the channel), EFAULT.
 */
int kchan_recv(int ch, void *elem, size_t size);

/**
 * kchan_recv_msg() - receive a message and its length
 * @ch: the channel.
 * @buf: where to; NULL discards it.
 * @size: bytes there.
 * @len: set to the length of the message, or the element size of a channel of fixed
 *	elements; to 0 if 0 is returned; left alone on failure.  May be NULL.
 *
 * Return: as kchan_recv().
 */
int kchan_recv_msg(int ch, void *buf, size_t size, size_t *len);

/**
 * kchan_try_recv() - receive an element if there is one
 * @ch: the channel.
 * @elem: where to; NULL discards it.
 * @size: bytes there.
 *
 * As Go's select with this receive and a default case.  Does not block.
 *
 * Return: as kchan_recv(); EAGAIN if it would block.
 */
int kchan_try_recv(int ch, void *elem, size_t size);

/**
 * kchan_try_recv_msg() - receive a message and its length if there is one
 * @ch: the channel.
 * @buf: where to; NULL discards it.
 * @size: bytes there.
 * @len: as for kchan_recv_msg().
 *
 * Return: as kchan_try_recv().
 */
int kchan_try_recv_msg(int ch, void *buf, size_t size, size_t *len);

/**
 * kchan_recv_until() - receive an element before a deadline
 * @ch: the channel.
 * @elem: where to; NULL discards it.
 * @size: bytes there.
 * @deadline: absolute CLOCK_MONOTONIC time; NULL for none.
 *
 * Blocks, even if @ch is O_NONBLOCK, but not beyond @deadline.
 *
 * Return: as kchan_recv(), or -1 with ETIMEDOUT; EINVAL if tv_nsec is not below 10^9.
 */
int kchan_recv_until(int ch, void *elem, size_t size, const struct timespec *deadline);

/**
 * kchan_recv_msg_until() - receive a message and its length before a deadline
 * @ch: the channel.
 * @buf: where to; NULL discards it.
 * @size: bytes there.
 * @len: as for kchan_recv_msg().
 * @deadline: absolute CLOCK_MONOTONIC time; NULL for none.
 *
 * Return: as kchan_recv_until().
 */
int kchan_recv_msg_until(int ch, void *buf, size_t size, size_t *len,
			 const struct timespec *deadline);

/**
 * kchan_recv_n() - receive what is there, of elements of fixed size
 * @ch: the channel.
 * @elems: room for @n elements; NULL discards them.
 * @n: the most to receive, at least 1.
 *
 * Waits for the first element, unless @ch is O_NONBLOCK; takes of the others only
 * those that are there.
 *
 * Return: how many were received; 0 if the channel is closed and drained (@elems is
 * left alone then); or -1 with an errno of kchan_recv(), or EINVAL (@n is 0, or a
 * channel of messages).
 */
ssize_t kchan_recv_n(int ch, void *elems, size_t n);

/* ---- select ---- */

/* What a case of a select does. */
#define KCHAN_SEND	1
#define KCHAN_RECV	2

/* A case that takes no part: Go's nil channel. */
#define KCHAN_NIL	(-1)

/**
 * struct kchan_case - one case of a select
 * @ch: the channel; KCHAN_NIL if the case takes no part.
 * @dir: KCHAN_SEND or KCHAN_RECV.
 * @elem: the element, or where to receive it to; NULL discards what is received.
 * @size: bytes there, as for kchan_send() and kchan_recv().
 * @ok: set in the chosen case: 1, or 0 for a receive from a channel that is closed and
 *	drained (@elem is zeroed then).  Set to -errno in the case because of which the
 *	select failed.  Left alone in all others.
 * @len: set in the chosen case: bytes received or sent.
 * @reserved: 0.
 *
 * Initialise it by naming fields, so that the others are 0.
 */
struct kchan_case {
	int ch;
	int dir;
	void *elem;
	/* private: fields have the place and size that 64-bit programs give them */
#if __SIZEOF_POINTER__ == 4
	uint32_t elem_pad;
#endif
	/* public: */
	size_t size;
	/* private: */
#if __SIZEOF_POINTER__ == 4
	uint32_t size_pad;
#endif
	/* public: */
	int ok;
	/* private: */
	int ok_pad;
	/* public: */
	size_t len;
	/* private: */
#if __SIZEOF_POINTER__ == 4
	uint32_t len_pad;
#endif
	/* public: */
	uint64_t reserved[2];
};

/**
 * kchan_select() - wait until one of several operations can proceed, and do that one
 * @cases: the cases; must be writable.
 * @n: how many.  0 blocks for ever, as Go's select {}.
 *
 * If several can proceed, each is chosen with the same probability.  If none can, it
 * blocks, even if channels are O_NONBLOCK, and the first that can is chosen.  No other
 * operation is done, and no other element is touched.  A channel may occur in several
 * cases; a send and a receive of the same select never meet.
 *
 * Return: index of the chosen case; or -1 with EPIPE (a send was chosen whose channel is
 * closed; Go panics), EINTR, EMSGSIZE, EFAULT, EINVAL (unknown @dir, @reserved not 0),
 * ENOSPC (more cases than the module allows), EDQUOT, ENOMEM.
 */
int kchan_select(struct kchan_case *cases, size_t n);

/**
 * kchan_try_select() - do one of several operations if one can proceed at once
 * @cases: the cases; must be writable.
 * @n: how many.
 *
 * As Go's select with a default case.  Does not block.
 *
 * Return: as kchan_select(); EAGAIN, Go's default, if there was a moment at which no case
 * could proceed.
 */
int kchan_try_select(struct kchan_case *cases, size_t n);

/**
 * kchan_select_until() - wait for one of several operations until a deadline
 * @cases: the cases; must be writable.
 * @n: how many.
 * @deadline: absolute CLOCK_MONOTONIC time; NULL for none.
 *
 * Return: as kchan_select(), or -1 with ETIMEDOUT; EINVAL if tv_nsec is not below 10^9.
 */
int kchan_select_until(struct kchan_case *cases, size_t n, const struct timespec *deadline);

/* ---- request and reply ---- */

/**
 * kchan_call() - send a request on one channel, then receive the reply on another
 * @out: where to send.
 * @req: the request.
 * @req_size: its bytes.
 * @in: where to receive; another channel than @out.
 * @rep: where the reply goes; NULL discards it.
 * @rep_size: bytes there.
 *
 * The same as kchan_send() and kchan_recv(), but in one system call, which waits for the
 * reply before the receiver of the request wakes: a round trip costs two switches.
 * Nothing says whose reply it is: @in should be the caller's own, or its lock be held.
 *
 * Blocks, even if the channels are O_NONBLOCK.  A signal which comes when the request is
 * sent does not end the call; EINTR means that nothing was sent.
 *
 * Return: as kchan_recv(); or -1 with an errno of kchan_send(), or EINVAL (@in and @out
 * are one channel).
 */
int kchan_call(int out, const void *req, size_t req_size, int in, void *rep, size_t rep_size);

/**
 * kchan_call_until() - request and reply before a deadline
 * @out: where to send.
 * @req: the request.
 * @req_size: its bytes.
 * @in: where to receive; another channel than @out.
 * @rep: where the reply goes; NULL discards it.
 * @rep_size: bytes there.
 * @deadline: absolute CLOCK_MONOTONIC time, of both halves; NULL for none.
 *
 * Return: as kchan_call(), or -1 with ETIMEDOUT, in which case the request may have been
 * sent, and its reply may come yet; EINVAL if tv_nsec is not below 10^9.
 */
int kchan_call_until(int out, const void *req, size_t req_size, int in, void *rep,
		     size_t rep_size, const struct timespec *deadline);

/* ---- timers ---- */

/**
 * kchan_after() - a channel that yields one element, after a time; Go's time.NewTimer
 * @delay: how long; 0 or less means at once.
 *
 * The channel can only be received from.  Its element is a uint64_t: the CLOCK_MONOTONIC
 * time in nanoseconds at which it was due.  Its capacity and length are 0, and it is
 * never closed.  close(2) it when done, whether or not the time has come.  No kernel
 * timer runs but while somebody waits for it.
 *
 * Return: the channel; or -1 with EINVAL (tv_nsec is not within 0..10^9-1) or an errno of
 * kchan_make().
 */
int kchan_after(const struct timespec *delay);

/**
 * kchan_tick() - a channel that yields an element after each period; Go's time.NewTicker
 * @period: how long; more than 0.
 *
 * As kchan_after(), again and again.  Ticks that are due while one has not been received
 * yet are dropped.  The others keep the phase.
 *
 * Return: the channel; or -1 with EINVAL (@period is not positive) or an errno of
 * kchan_make().
 */
int kchan_tick(const struct timespec *period);

/**
 * kchan_timer_stop() - stop a timer or a ticker
 * @ch: its channel.
 *
 * When this has returned, no element from before is received.  Does not block.
 *
 * Return: 1 if the timer was active (its time had not come, or had not been received),
 * 0 if not; or -1 with EINVAL (no timer channel).
 */
int kchan_timer_stop(int ch);

/**
 * kchan_timer_reset() - set a timer or a ticker anew
 * @ch: its channel.
 * @delay: from now on; for a ticker also the new period, which must be positive.
 *
 * When this has returned, no element from before is received.  Whoever waits on the
 * channel waits for the new time.  Does not block.
 *
 * Return: 1 if the timer was active, 0 if not; or -1 with EINVAL (no timer channel, or a
 * bad @delay).
 */
int kchan_timer_reset(int ch, const struct timespec *delay);

/* ---- contexts ---- */

struct kchan_ctx;

/**
 * kchan_ctx_background() - the context that is never cancelled
 *
 * Return: the context, always the same; it need not be freed.  Never fails.
 */
struct kchan_ctx *kchan_ctx_background(void);

/**
 * kchan_ctx_with_cancel() - a context which is done when it, or its parent, is cancelled
 * @parent: the parent; not NULL.
 *
 * It holds one descriptor.  Does not block.
 *
 * Return: the context, to be freed by kchan_ctx_free(); or NULL with an errno of
 * kchan_make().
 */
struct kchan_ctx *kchan_ctx_with_cancel(struct kchan_ctx *parent);

/**
 * kchan_ctx_with_deadline() - a context which is also done at a certain time
 * @parent: the parent; not NULL.  An earlier deadline of it holds for the child too.
 * @deadline: absolute CLOCK_MONOTONIC time (so not { .tv_sec = 1 } for a second from now);
 *	NULL for none.
 *
 * No thread and no timer watches the clock: the channel counts as closed once the time
 * has come, and who waits on it wakes.
 *
 * Return: as kchan_ctx_with_cancel(); EINVAL if tv_nsec is not below 10^9.
 */
struct kchan_ctx *kchan_ctx_with_deadline(struct kchan_ctx *parent,
					  const struct timespec *deadline);

/**
 * kchan_ctx_with_timeout() - a context which is also done after some time
 * @parent: the parent; not NULL.
 * @delay: from now on.
 *
 * As kchan_ctx_with_deadline(), which takes a point in time.
 *
 * Return: as kchan_ctx_with_cancel(); EINVAL if tv_nsec is not below 10^9.
 */
struct kchan_ctx *kchan_ctx_with_timeout(struct kchan_ctx *parent, const struct timespec *delay);

/**
 * kchan_ctx_done() - the channel which is closed when a context is done
 * @ctx: the context.
 *
 * It carries no data (element size 0) and belongs to the context: use neither close(2) nor
 * kchan_close() on it.  A descriptor from kchan_dup() outlives the context.
 *
 * Return: the channel; KCHAN_NIL for the background, so that it fits a select.  Never
 * fails.
 */
int kchan_ctx_done(struct kchan_ctx *ctx);

/**
 * kchan_ctx_err() - why a context is done
 * @ctx: the context.
 *
 * Does not block.
 *
 * Return: 0 if it is not done; otherwise ECANCELED, or ETIMEDOUT after its deadline.  Once
 * it is not 0 it does not change, and kchan_ctx_done() is closed.
 */
int kchan_ctx_err(struct kchan_ctx *ctx);

/**
 * kchan_ctx_cancel() - cancel a context and its children
 * @ctx: the context; nothing happens if it is done already, or the background.
 *
 * Does not block.  Does not fail.
 */
void kchan_ctx_cancel(struct kchan_ctx *ctx);

/**
 * kchan_ctx_free() - cancel a context and free it
 * @ctx: the context; NULL and the background are left alone.
 *
 * Its children are cancelled, and remain to be freed.  Nobody may use @ctx any more, nor
 * wait on its channel.
 */
void kchan_ctx_free(struct kchan_ctx *ctx);

/* ---- the state of a channel ---- */

/**
 * kchan_close() - close a channel for everybody, as Go's close(ch)
 * @ch: the channel; needs a descriptor that may send.
 *
 * What is in the buffer can still be received.  Receivers that wait get 0, senders
 * that wait fail with EPIPE.  Does not block.
 *
 * Return: 0; or -1 with EPIPE (it is closed already; Go panics).
 */
int kchan_close(int ch);

/**
 * kchan_len() - elements in the buffer, as Go's len(ch)
 * @ch: the channel.
 *
 * Does not block.
 *
 * Return: how many, always 0 for an unbuffered channel; or -1.
 */
ssize_t kchan_len(int ch);

/**
 * kchan_cap() - elements that the buffer holds at most, as Go's cap(ch)
 * @ch: the channel.
 *
 * Does not block.
 *
 * Return: how many; or -1.
 */
ssize_t kchan_cap(int ch);

/* ---- goroutines ---- */

/**
 * kchan_go() - start a goroutine, as Go's go fn(arg)
 * @fn: what it runs; it ends when that returns.
 * @arg: the argument.
 *
 * A goroutine is a detached thread with the small stack that kchan_stack_size() says
 * and the signal mask of its creator.  As in Go, nothing waits for it: the process
 * ends when main() returns.  Does not block.
 *
 * It is registered with the kernel, where traces and dumps show it under the name of the
 * function; for that the process keeps a descriptor of /dev/chanctl.
 *
 * Return: its id; or -1 with EAGAIN (a limit on threads), ENOMEM, EINVAL (the stack is
 * too small for the thread-local variables of the program).
 */
int64_t kchan_go(void (*fn)(void *), void *arg);

/**
 * kchan_go_named() - start a goroutine under another name than its function's
 * @fn: as in kchan_go().
 * @arg: as in kchan_go().
 * @name: what traces and dumps call it, up to 47 bytes of it.  NULL: the function's name, as
 *	far as it can be found out.
 *
 * Return: as kchan_go().
 */
int64_t kchan_go_named(void (*fn)(void *), void *arg, const char *name);

/* Where a function itself is given, and not a pointer to it, its name is at hand. */
#ifndef __cplusplus
#define KCHAN_NAME_OF(fn) \
	(__builtin_types_compatible_p(__typeof__(fn), void (void *)) ? #fn : (const char *)0)
#define kchan_go(fn, ...)	kchan_go_named((fn), (__VA_ARGS__), KCHAN_NAME_OF(fn))
#endif

/**
 * kchan_goid() - id of the calling goroutine
 *
 * Ids are never used twice in a process.  The child of fork(2) keeps the id of the
 * goroutine that called it.
 *
 * Return: 1 in the main thread, what kchan_go() returned in a goroutine, and 0 in
 * threads that were started otherwise.  Never fails.
 */
int64_t kchan_goid(void);

/**
 * kchan_stack_size() - how large the stacks of goroutines are
 * @bytes: size for those that are started from now on, including a guard page; rounded
 *	up to whole pages and to what the system needs at least.  0: leave it.
 *
 * It is 64 KiB at first.
 *
 * Return: the size in effect, in bytes; or -1 with EINVAL (more than 1 GiB).
 */
int kchan_stack_size(size_t bytes);

/**
 * kchan_dump() - print what every goroutine does, in the manner of Go's dump
 * @f: where to.
 *
 * For each: id, state or reason of its wait, how long it waits, function, channels, place in
 * the program, thread, creator.  Then for each channel on which goroutines wait: how many, and
 * in which order.  Does not block on channels.
 *
 * Return: 0; or -1 with ENODEV (the module is not loaded), an errno of open(2) of
 * /dev/chanctl, ENOMEM, or one of fflush(3).
 */
int kchan_dump(FILE *f);

/**
 * kchan_leaks() - print the goroutines whose wait nobody can end any more
 * @f: where to, as kchan_dump(); NULL only counts them.
 *
 * The kernel looks for them among the goroutines of all processes: a goroutine is leaked if it
 * waits without a deadline, and the only references left to its channels are those of calls of
 * leaked goroutines, and of descriptors of processes in which every thread is one.  Who is
 * not found may be leaked all the same.
 *
 * Return: how many are leaked; or -1 as kchan_dump(), or with EAGAIN (goroutines somewhere
 * were so busy that nothing can be said for certain).
 */
int kchan_leaks(FILE *f);

/**
 * kchan_detect_deadlock() - notice when all goroutines are asleep
 * @on: whether to.
 *
 * When every thread of the process is a goroutine that waits, without a deadline, for
 * channels that nothing outside the process refers to, their calls fail with EDEADLK, and a
 * message and, the first time, a dump go to stderr.  It is noticed within about a second.
 * Call it in the main thread, which becomes a goroutine by that.
 *
 * Return: 0; or -1 with ENODEV (the module is not loaded), ENOTTY (it is too old), or an
 * errno of open(2).
 */
int kchan_detect_deadlock(int on);

/**
 * kchan_gomaxprocs() - confine the goroutines to some processors, as Go's GOMAXPROCS
 * @n: to how many of those that the process was allowed when it first called this; more than
 *	there are stands for all.  0 or less: leave it.
 *
 * Sets the affinity of the calling thread and of all goroutines, which those that they start
 * inherit.  Unlike Go's, it says nothing of what they do in system calls.
 *
 * Return: on how many the calling thread was allowed to run before; or -1 with an errno of
 * sched_setaffinity(2) or kchan_dump().
 */
int kchan_gomaxprocs(int n);

#ifdef KCHAN_SHORT_NAMES
#define go(fn, ...)	kchan_go(fn, __VA_ARGS__)
#endif

/* ---- wait groups ---- */

struct kchan_wg_round;

/**
 * struct kchan_wg - waits for a number of things to be done, as Go's sync.WaitGroup
 * @lock: private.
 * @count: private.
 * @round: private.
 *
 * Call kchan_wg_init() first.  It may be freed or used anew when the last
 * kchan_wg_wait() has returned.  It belongs to one process.
 */
struct kchan_wg {
	pthread_mutex_t lock;
	int count;
	struct kchan_wg_round *round;
};

/**
 * kchan_wg_init() - set up a wait group with nothing to wait for
 * @wg: the wait group.
 *
 * Return: 0; or -1 with ENOMEM.
 */
int kchan_wg_init(struct kchan_wg *wg);

/**
 * kchan_wg_add() - add to the number of things to wait for
 * @wg: the wait group.
 * @n: what to add; may be negative.
 *
 * When the number becomes 0, all who wait are woken.  Call it before starting what
 * calls kchan_wg_done().  Does not block.
 *
 * Return: 0; or -1 with EINVAL (the number would become negative, and stays as it was;
 * Go panics), EOVERFLOW.
 */
int kchan_wg_add(struct kchan_wg *wg, int n);

/**
 * kchan_wg_done() - one thing is done
 * @wg: the wait group.
 *
 * Return: as kchan_wg_add() of -1.
 */
int kchan_wg_done(struct kchan_wg *wg);

/**
 * kchan_wg_wait() - wait until everything is done
 * @wg: the wait group.
 *
 * Blocks, on a channel which exists as long as somebody waits, so it needs a
 * descriptor.  Goes on waiting after a signal, as pthread_join(3) does.
 *
 * Return: 0; or -1 with EDEADLK, or an errno of kchan_make().
 */
int kchan_wg_wait(struct kchan_wg *wg);

/* ---- versions ---- */

/**
 * kchan_version() - what the loaded module offers
 * @kernel_abi: set to CHAN_ABI_VERSION of the module.  May be NULL.
 * @features: set to its CHAN_FEATURE_* bits (linux/chan.h).  May be NULL.
 *
 * Does not block.
 *
 * Return: 0; or -1 with ENODEV (the module is not loaded), EACCES, EMFILE, ENFILE,
 * ENOMEM.
 */
int kchan_version(unsigned int *kernel_abi, unsigned long long *features);

#ifdef __cplusplus
}
#endif

#endif /* KCHAN_H */
