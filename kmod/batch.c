// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several elements of fixed size in one call.
 *
 * They are so many sends or receives, one after the other.  Those that are possible at once
 * are done while the lock is held once, each as core.h would do it alone.  Whatever takes more
 * is left to a single send or receive of xfer.c: to park, to bring in a page, to move a long
 * element, to tell the end of the channel.  Then there is another look.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "batch.h"
#include "chan.h"
#include "command.h"
#include "core.h"
#include "file.h"
#include "ioctl.h"
#include "pin.h"
#include "trace.h"

/* How many are moved while the lock is held. */
static u32 at_once(const struct chan_elems *elems)
{
	u32 n = min_t(u32, elems->n, CHAN_BATCH);

	return n * elems->size <= PAGE_SIZE ? n : PAGE_SIZE / elems->size;
}

/*
 * Whether the lock may be held on, with whom has been served, and those that were found to have
 * gone elsewhere.
 */
static bool may_go_on(const struct chan *c, u32 entries)
{
	return entries - c->entries < CHAN_BATCH;
}

/*
 * What follows copies without page faults, and returns how many bytes or elements it has
 * copied.  For a few words it takes less to copy them here than to call what copies anything.
 */

#define FEW_BYTES		512

static bool is_words(const void __user *addr, const void *place, size_t bytes)
{
	return addr && bytes <= FEW_BYTES &&
	       IS_ALIGNED((unsigned long)addr | (unsigned long)place | bytes, 8);
}

static size_t words_in(u64 *to, const u64 __user *from, size_t bytes)
{
	size_t i, n = bytes / sizeof(*to);

	if (!user_read_access_begin(from, bytes))
		return 0;
#pragma GCC unroll 4
	for (i = 0; i < n; i++)
		unsafe_get_user(to[i], &from[i], fault);
fault:
	user_read_access_end();
	return i * sizeof(*to);
}

static size_t words_out(u64 __user *to, const u64 *from, size_t bytes)
{
	size_t i, n = bytes / sizeof(*to);

	if (!user_write_access_begin(to, bytes))
		return 0;
#pragma GCC unroll 4
	for (i = 0; i < n; i++)
		unsafe_put_user(from[i], &to[i], fault);
fault:
	user_write_access_end();
	return i * sizeof(*to);
}

/* Of an element that is there in part only, the rest is left to a single send or receive. */
static u32 whole(struct chan_elems *elems, size_t copied, u32 n)
{
	if (likely(copied == n * elems->size))
		return n;
	n = copied / elems->size;
	iov_iter_revert(elems->iter, copied - n * elems->size);
	return n;
}

static u32 copy_in(struct chan_elems *elems, void *to, u32 n)
{
	const void __user *addr = chan_iter_addr(elems->iter);
	size_t bytes = n * elems->size, copied;

	pagefault_disable();
	if (is_words(addr, to, bytes)) {
		copied = words_in(to, addr, bytes);
		iov_iter_advance(elems->iter, copied);
	} else {
		copied = copy_from_iter(to, bytes, elems->iter);
	}
	pagefault_enable();
	return whole(elems, copied, n);
}

static u32 copy_out(struct chan_elems *elems, const void *from, u32 n)
{
	void __user *addr = elems->iter ? chan_iter_addr(elems->iter) : NULL;
	size_t bytes = n * elems->size, copied;

	if (!elems->iter)
		return n;
	pagefault_disable();
	if (is_words(addr, from, bytes)) {
		copied = words_out(addr, from, bytes);
		iov_iter_advance(elems->iter, copied);
	} else {
		copied = copy_to_iter(from, bytes, elems->iter);
	}
	pagefault_enable();
	return whole(elems, copied, n);
}

/* ---- send ---- */

static void count_sent(struct chan *c, u32 n)
{
	c->stats.sends += n;
	if (likely(!trace_chan_send_enabled())) {
		chan_ring_push_run(&c->ring, n);
		return;
	}
	for (; n; n--) {
		chan_ring_push(&c->ring);
		trace_chan_send(c, CHAN_PATH_BUFFERED, c->ring.elem_size);
	}
}

/* Nobody is parked: as many as fit go into the ring, up to the end of its memory. */
static u32 fill_ring(struct chan *c, struct chan_elems *elems, u32 max)
{
	struct chan_ring *ring = &c->ring;
	u32 n = min3(max, ring->cap - ring->len, ring->cap - ring->sendx);

	n = min(n, chan_ring_run(ring));
	if (!n)
		return 0;
	n = copy_in(elems, chan_ring_slot(ring, ring->sendx), n);
	count_sent(c, n);
	return n;
}

/* The next one may be for somebody. */
static u32 hand_next(struct chan *c, struct chan_elems *elems, struct chan_blocking *how,
		     struct chan_news *news)
{
	struct chan_elem elem __uninitialized;

	elem.len = elems->size;
	if (!copy_in(elems, elem.bytes, 1))
		return 0;
	if (!chan_try_send(c, &elem, how, news, true))
		return 1;
	iov_iter_revert(elems->iter, elems->size);
	return 0;
}

/**
 * chan_send_some() - send what can be sent at once
 * @c: the channel, whose elements are of fixed size and not long.
 * @elems: the elements; those that are sent are taken off.
 * @how: how long the call may block, which this does not.
 *
 * The lock is held once, for CHAN_BATCH elements or a page of them at most.  Each receiver that
 * was served is woken once, when it is free.
 *
 * Return: how many were sent.  0: see what chan_send() says.
 */
u32 chan_send_some(struct chan *c, struct chan_elems *elems, struct chan_blocking *how)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	u32 max = at_once(elems), done = 0, entries, n;

	how->entry = NULL;
	chan_lock(c, how, &news, true);
	entries = c->entries;
	while (done < max && !c->state && may_go_on(c, entries)) {
		n = c->entries ? hand_next(c, elems, how, &news) :
				 fill_ring(c, elems, max - done);
		if (!n)
			break;
		done += n;
	}
	if (done && c->ring.len && chan_is_polled(c))
		news.events = CHAN_POLL_RECV;
	spin_unlock(&c->lock);
	chan_tell(c, &news);
	elems->n -= done;
	return done;
}

/* To a receiver whose memory is pinned: see chan_send_copy(). */
static int send_copy_from(struct chan *c, struct chan_user *guess, struct iov_iter *from, u32 size)
{
	const void __user *addr = chan_iter_addr(from);
	int ret;

	if (size < CHAN_PIN_MIN || !addr)
		return -EAGAIN;
	ret = chan_send_copy(c, guess, addr, size);
	if (!ret)
		iov_iter_advance(from, size);
	return ret;
}

/**
 * chan_send_from() - send one element
 * @c: the channel.
 * @guess: as for chan_elem_alloc().
 * @from: the caller's memory; moves on by the element if it is sent.
 * @size: its bytes.
 * @how: how long to block.
 *
 * May sleep.
 *
 * Return: 0, or an errno of chan_send() or chan_elem_alloc(), -EFAULT.
 */
int chan_send_from(struct chan *c, struct chan_user *guess, struct iov_iter *from, u32 size,
		   struct chan_blocking *how)
{
	struct chan_elem elem __uninitialized;
	size_t copied;
	int ret;

	if (!send_copy_from(c, guess, from, size))
		return 0;
	ret = chan_elem_alloc(&elem, guess, size);
	if (ret)
		return ret;
	copied = copy_from_iter(chan_elem_bytes(&elem), size, from);
	ret = copied == size ? chan_send(c, &elem, how) : -EFAULT;
	if (ret)
		iov_iter_revert(from, copied);
	chan_elem_drop(&elem);
	return ret;
}

/**
 * chan_send_batch() - send one element after the other
 * @c: the channel, whose elements are of fixed size.
 * @guess: as for chan_elem_alloc().
 * @elems: the elements; those that are sent are taken off.
 * @how: how long to block, in all.
 *
 * So many sends: those of others may come in between.  Parks for each element for which it
 * must.  May sleep.
 *
 * Return: how many were sent before the last, an error, a deadline or a signal; or what kept
 * the first from being sent, as chan_send_from().
 */
long chan_send_batch(struct chan *c, struct chan_user *guess, struct chan_elems *elems,
		     struct chan_blocking *how)
{
	bool is_long = chan_is_long(elems->size);
	u32 n = elems->n;
	long ret = 0;

	while (elems->n) {
		if (elems->n < n && signal_pending(current))
			break;
		if (is_long || !chan_looks_ready(c, true) || !chan_send_some(c, elems, how)) {
			ret = chan_send_from(c, guess, elems->iter, elems->size, how);
			if (ret)
				break;
			elems->n--;
		}
		cond_resched();
	}
	return elems->n < n ? n - elems->n : ret;
}

/* ---- receive ---- */

static void count_received(struct chan *c, u32 n)
{
	c->stats.receives += n;
	if (likely(!trace_chan_recv_enabled())) {
		chan_ring_pop_run(&c->ring, n);
		return;
	}
	for (; n; n--) {
		chan_ring_pop(&c->ring);
		trace_chan_recv(c, CHAN_PATH_BUFFERED, c->ring.elem_size);
	}
}

/*
 * So many of @n elements that none of them has a part in a second page, which may not be there
 * when the first one has been written.  To a place of several parts it is not applied, as
 * for a single receive.
 */
static u32 without_torn(const struct chan_elems *elems, u32 n)
{
	const void __user *addr = elems->iter ? chan_iter_addr(elems->iter) : NULL;
	u32 left = PAGE_SIZE - offset_in_page(addr);

	if (!addr || n * elems->size <= left || !(left % elems->size))
		return n;
	return left / elems->size;
}

/* Nobody is parked: as many as there are come out of the ring, up to the end of its memory. */
static u32 drain_ring(struct chan *c, struct chan_elems *elems, u32 max)
{
	struct chan_ring *ring = &c->ring;
	u32 n = min3(max, ring->len, ring->cap - ring->recvx);

	n = without_torn(elems, min(n, chan_ring_run(ring)));
	if (!n)
		return 0;
	n = copy_out(elems, chan_ring_slot(ring, ring->recvx), n);
	count_received(c, n);
	return n;
}

/* With the next one somebody may be let in. */
static u32 take_next(struct chan *c, struct chan_elems *elems, struct chan_blocking *how,
		     struct chan_news *news)
{
	struct chan_dest dest = { .iter = elems->iter, .room = elems->size };

	return !chan_try_recv(c, &dest, how, news, true);
}

/* What pollers have to hear of several receives, as of each of them. */
static __poll_t events_of(const struct chan *c, const struct chan_news *news)
{
	__poll_t events = 0;

	if (c->state)
		return c->ring.len ? 0 : CHAN_POLL_RECV | EPOLLHUP;
	if (news->ready && c->ring.len)
		events |= CHAN_POLL_RECV;
	if (chan_ring_has_room(&c->ring))
		events |= CHAN_POLL_SEND;
	return events;
}

/**
 * chan_recv_some() - receive what can be received at once
 * @c: the channel, whose elements are of fixed size and not long.
 * @elems: where to; what is filled is taken off.
 * @how: how long the call may block, which this does not; from the first element on,
 *	not at all.
 *
 * As chan_send_some().
 *
 * Return: how many were received.  0: see what chan_recv() says.
 */
u32 chan_recv_some(struct chan *c, struct chan_elems *elems, struct chan_blocking *how)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	u32 max = at_once(elems), done = 0, entries, n;

	how->entry = NULL;
	chan_lock(c, how, &news, true);
	entries = c->entries;
	while (done < max && may_go_on(c, entries)) {
		if (!c->ring.len && (c->state || !c->entries))
			break;
		n = c->entries ? take_next(c, elems, how, &news) :
				 drain_ring(c, elems, max - done);
		if (!n)
			break;
		done += n;
		how->until = CHAN_NOWAIT;
	}
	if (done && chan_is_polled(c))
		news.events = events_of(c, &news);
	spin_unlock(&c->lock);
	chan_tell(c, &news);
	elems->n -= done;
	return done;
}

/**
 * chan_recv_batch() - wait for one element, and take what else is there
 * @c: the channel, whose elements are of fixed size.
 * @elems: where to; what is filled is taken off.
 * @how: how long to wait for the first one.
 *
 * May sleep.
 *
 * Return: how many were received; or what kept the first from being received, as
 * chan_recv().
 */
long chan_recv_batch(struct chan *c, struct chan_elems *elems, struct chan_blocking *how)
{
	bool is_long = chan_is_long(elems->size);
	long ret = 0;
	u32 n;

	/* The next tick may be due by then, but one time is all that a read gives. */
	if (unlikely(c->flags & CHAN_TIMER))
		elems->n = min(elems->n, 1u);
	n = elems->n;
	while (elems->n) {
		struct chan_dest dest = { .iter = elems->iter, .room = elems->size };

		if (elems->n < n && signal_pending(current))
			break;
		if (is_long || !chan_looks_ready(c, false) || !chan_recv_some(c, elems, how)) {
			ret = chan_recv(c, &dest, how);
			if (ret)
				break;
			elems->n--;
		}
		how->until = CHAN_NOWAIT;
		cond_resched();
	}
	return elems->n < n ? n - elems->n : ret;
}

/* ---- by command ---- */

static int get_patience(const struct file *file, const struct chan_batch *args, ktime_t *until)
{
	switch (args->flags) {
	case CHAN_BATCH_UNTIL:
		*until = chan_deadline(args->deadline);
		return 0;
	case CHAN_XFER_TRY:
		*until = CHAN_NOWAIT;
		break;
	case 0:
		*until = chan_file_patience(file);
		break;
	default:
		return -EINVAL;
	}
	return args->deadline ? -EINVAL : 0;
}

/**
 * chan_command_batch() - several sends or receives by command
 * @file: the descriptor.
 * @sends: which of the two.
 * @args: what the caller asks for.
 *
 * Return: how many were sent or received; 0 if the channel is closed and drained; an errno of
 * chan_send_batch() or chan_recv_batch(), -EBADF, -EINVAL, -EMSGSIZE.
 */
long chan_command_batch(struct file *file, bool sends, const struct chan_batch *args)
{
	struct chan_blocking how = { .file = file };
	struct chan *c = chan_file_chan(file);
	u32 size = c->ring.elem_size;
	void __user *addr = u64_to_user_ptr(args->elems);
	struct chan_elems elems = { .size = size, .n = args->n };
	struct iov_iter iter;
	long ret;

	if (c->ring.message || args->n > INT_MAX || (!sends && !args->n))
		return -EINVAL;
	ret = get_patience(file, args, &how.until) ?:
	      chan_may_transfer(file, sends ? FMODE_WRITE : FMODE_READ,
				size_mul(args->n, size));
	if (ret)
		return ret;
	if (args->elem_size && args->elem_size != size)
		return -EMSGSIZE;
	if (sends || addr) {
		iov_iter_ubuf(&iter, sends ? ITER_SOURCE : ITER_DEST, addr,
			      size_mul(args->n, size));
		elems.iter = &iter;
	}
	ret = sends ? chan_send_batch(c, chan_file_user(file), &elems, &how) :
		      chan_recv_batch(c, &elems, &how);
	chan_file_count_parks(file, how.parks);
	return ret == -EPIPE && !sends ? 0 : ret;
}
