/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events of the module.  Channels and goroutines are told by their numbers, never by
 * an address, and what an element holds is told by nobody.
 *
 * What happens to a queue or to the ring is traced under the channel's lock, so that the
 * order of the events of a channel is the order of what happened:
 *
 *	chan_send, chan_recv	of a call that did not park
 *	chan_park		a call begins to wait, in the first of its queues
 *	chan_enqueue		an entry joins a queue
 *	chan_ready		whoever comes second has completed a call that waits
 *
 * A call that is queued may give way or spin before it sleeps: chan_give_way, chan_spin.
 *
 * Each chan_park is followed by exactly one chan_ready or chan_abort of that task, which says
 * by a chan_send or chan_recv of the path "parked" when it has come back.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM chan

#if !defined(CHAN_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CHAN_TRACE_H

#include <linux/build_bug.h>
#include <linux/pid.h>
#include <linux/tracepoint.h>

#include "chan.h"
#include "compat.h"
#include "g.h"
#include "select.h"

#ifndef CHAN_TRACE_ENUMS
#define CHAN_TRACE_ENUMS

/* How an element went, or why it did not. */
enum chan_path {
	CHAN_PATH_DIRECT,	/* from a task to one that was parked, or the other way */
	CHAN_PATH_BUFFERED,	/* into the ring, or out of it */
	CHAN_PATH_PARKED,	/* by the partner, while this call was queued */
	CHAN_PATH_WOULD_BLOCK,
	CHAN_PATH_CLOSED,
	CHAN_PATH_REMOVED,
};

/* What has ended a channel. */
enum chan_end {
	CHAN_END_CLOSE,
	CHAN_END_AUTOCLOSE,
	CHAN_END_TIME,
	CHAN_END_REMOVE,
};

/* So many channels chan_select_begin prints. */
#define CHAN_EIGHT_IDS "%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu"
static_assert(CHAN_SMALL_SELECT == 8);

#endif /* CHAN_TRACE_ENUMS */

TRACE_DEFINE_ENUM(CHAN_PATH_DIRECT);
TRACE_DEFINE_ENUM(CHAN_PATH_BUFFERED);
TRACE_DEFINE_ENUM(CHAN_PATH_PARKED);
TRACE_DEFINE_ENUM(CHAN_PATH_WOULD_BLOCK);
TRACE_DEFINE_ENUM(CHAN_PATH_CLOSED);
TRACE_DEFINE_ENUM(CHAN_PATH_REMOVED);
TRACE_DEFINE_ENUM(CHAN_END_CLOSE);
TRACE_DEFINE_ENUM(CHAN_END_AUTOCLOSE);
TRACE_DEFINE_ENUM(CHAN_END_TIME);
TRACE_DEFINE_ENUM(CHAN_END_REMOVE);
TRACE_DEFINE_ENUM(CHAN_WAIT_RECV);
TRACE_DEFINE_ENUM(CHAN_WAIT_SEND);
TRACE_DEFINE_ENUM(CHAN_WAIT_SELECT);
TRACE_DEFINE_ENUM(CHAN_WAIT_SELECT_NONE);
TRACE_DEFINE_ENUM(CHAN_GO_IDLE);
TRACE_DEFINE_ENUM(CHAN_GO_RUNNABLE);
TRACE_DEFINE_ENUM(CHAN_GO_RUNNING);
TRACE_DEFINE_ENUM(CHAN_GO_WAITING);
TRACE_DEFINE_ENUM(CHAN_GO_DEAD);

#define chan_show_path(path) __print_symbolic(path,			\
	{ CHAN_PATH_DIRECT,		"direct" },			\
	{ CHAN_PATH_BUFFERED,		"buffered" },			\
	{ CHAN_PATH_PARKED,		"parked" },			\
	{ CHAN_PATH_WOULD_BLOCK,	"would-block" },		\
	{ CHAN_PATH_CLOSED,		"closed" },			\
	{ CHAN_PATH_REMOVED,		"removed" })

#define chan_show_end(end) __print_symbolic(end,			\
	{ CHAN_END_CLOSE,		"close" },			\
	{ CHAN_END_AUTOCLOSE,		"autoclose" },			\
	{ CHAN_END_TIME,		"time" },			\
	{ CHAN_END_REMOVE,		"remove" })

#define chan_show_reason(reason) __print_symbolic(reason,		\
	{ CHAN_WAIT_RECV,		"chan receive" },		\
	{ CHAN_WAIT_SEND,		"chan send" },			\
	{ CHAN_WAIT_SELECT,		"select" },			\
	{ CHAN_WAIT_SELECT_NONE,	"select (no cases)" })

#define chan_show_state(state) __print_symbolic(state,			\
	{ CHAN_GO_IDLE,			"idle" },			\
	{ CHAN_GO_RUNNABLE,		"runnable" },			\
	{ CHAN_GO_RUNNING,		"running" },			\
	{ CHAN_GO_WAITING,		"waiting" },			\
	{ CHAN_GO_DEAD,			"dead" })

TRACE_EVENT(chan_make,
	TP_PROTO(const struct chan *c),
	TP_ARGS(c),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, cap)
		__field(u32, elem_size)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->chan = c->id;
		__entry->cap = c->ring.cap;
		__entry->elem_size = c->ring.elem_size;
		__entry->flags = c->flags;
	),
	TP_printk("chan=%llu cap=%llu elem_size=%u flags=%s",
		  __entry->chan, __entry->cap, __entry->elem_size,
		  __print_flags(__entry->flags, "|",
				{ CHAN_MESSAGE,		"message" },
				{ CHAN_AUTOCLOSE,	"autoclose" },
				{ CHAN_NAMED,		"named" },
				{ CHAN_TIMER,		"timer" }))
);

DECLARE_EVENT_CLASS(chan_only,
	TP_PROTO(const struct chan *c),
	TP_ARGS(c),
	TP_STRUCT__entry(
		__field(u64, chan)
	),
	TP_fast_assign(
		__entry->chan = c->id;
	),
	TP_printk("chan=%llu", __entry->chan)
);

DEFINE_EVENT(chan_only, chan_destroy,
	TP_PROTO(const struct chan *c), TP_ARGS(c));

/* An element that a receiver could not write to its memory any more. */
DEFINE_EVENT(chan_only, chan_lost,
	TP_PROTO(const struct chan *c), TP_ARGS(c));

/* A select found itself completed by somebody else when it was about to complete itself. */
DEFINE_EVENT(chan_only, chan_select_lost,
	TP_PROTO(const struct chan *c), TP_ARGS(c));

DECLARE_EVENT_CLASS(chan_transfer,
	TP_PROTO(const struct chan *c, enum chan_path path, u32 size),
	TP_ARGS(c, path, size),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(u32, path)
		__field(u32, size)
		__field(u32, len)
		__field(u32, cap)
	),
	TP_fast_assign(
		__entry->chan = c->id;
		__entry->g = chan_g_current_id();
		__entry->path = path;
		__entry->size = size;
		__entry->len = READ_ONCE(c->ring.len);
		__entry->cap = c->ring.cap;
	),
	TP_printk("chan=%llu g=%llu path=%s size=%u len=%u cap=%u",
		  __entry->chan, __entry->g, chan_show_path(__entry->path), __entry->size,
		  __entry->len, __entry->cap)
);

DEFINE_EVENT(chan_transfer, chan_send,
	TP_PROTO(const struct chan *c, enum chan_path path, u32 size), TP_ARGS(c, path, size));

DEFINE_EVENT(chan_transfer, chan_recv,
	TP_PROTO(const struct chan *c, enum chan_path path, u32 size), TP_ARGS(c, path, size));

TRACE_EVENT(chan_close,
	TP_PROTO(const struct chan *c, enum chan_end how, unsigned int woken),
	TP_ARGS(c, how, woken),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(u32, how)
		__field(u32, woken)
		__field(u32, len)
	),
	TP_fast_assign(
		__entry->chan = c->id;
		__entry->g = chan_g_current_id();
		__entry->how = how;
		__entry->woken = woken;
		__entry->len = READ_ONCE(c->ring.len);
	),
	TP_printk("chan=%llu g=%llu how=%s woken=%u len=%u",
		  __entry->chan, __entry->g, chan_show_end(__entry->how), __entry->woken,
		  __entry->len)
);

/* Go's gopark.  @c is the channel of the first queue; NULL if there is none. */
TRACE_EVENT(chan_park,
	TP_PROTO(const struct chan_wait *wait, const struct chan *c),
	TP_ARGS(wait, c),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(u32, reason)
		__field(u32, cases)
	),
	TP_fast_assign(
		__entry->chan = c ? c->id : 0;
		__entry->g = chan_g_id(wait->g);
		__entry->reason = wait->reason;
		__entry->cases = wait->n;
	),
	TP_printk("chan=%llu g=%llu reason='%s' cases=%u",
		  __entry->chan, __entry->g, chan_show_reason(__entry->reason), __entry->cases)
);

TRACE_EVENT(chan_enqueue,
	TP_PROTO(const struct chan_waiter *w),
	TP_ARGS(w),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(u32, send)
		__field(u32, place)
		__field(u32, scase)
	),
	TP_fast_assign(
		__entry->chan = w->chan->id;
		__entry->g = chan_g_id(w->wait->g);
		__entry->send = w->queue == &w->chan->sendq;
		__entry->place = w->queue->n;
		__entry->scase = w->scase;
	),
	TP_printk("chan=%llu g=%llu queue=%s place=%u case=%u",
		  __entry->chan, __entry->g, __entry->send ? "sendq" : "recvq",
		  __entry->place, __entry->scase)
);

/* Go's goready.  The current task is the waker, @w belongs to the woken one. */
TRACE_EVENT_CONDITION(chan_ready,
	TP_PROTO(const struct chan_waiter *w, int result),
	TP_ARGS(w, result),
	TP_CONDITION(w->wait->parked),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, waker)
		__field(u64, g)
		__field(u64, waited)
		__field(pid_t, tid)
		__field(u32, send)
		__field(u32, scase)
		__field(s32, result)
	),
	TP_fast_assign(
		__entry->chan = w->chan->id;
		__entry->waker = chan_g_current_id();
		__entry->g = chan_g_id(w->wait->g);
		__entry->waited = chan_wait_time(w->wait);
		__entry->tid = w->wait->task->pid;
		__entry->send = w->queue == &w->chan->sendq;
		__entry->scase = w->scase;
		__entry->result = result;
	),
	TP_printk("chan=%llu waker=%llu g=%llu tid=%d queue=%s case=%u result=%d waited=%llu",
		  __entry->chan, __entry->waker, __entry->g, __entry->tid,
		  __entry->send ? "sendq" : "recvq", __entry->scase, __entry->result,
		  __entry->waited)
);

/* What a call did that was queued and not asleep yet, and whether it was completed by then. */
DECLARE_EVENT_CLASS(chan_linger,
	TP_PROTO(const struct chan_wait *wait, bool done),
	TP_ARGS(wait, done),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(u32, done)
		__field(u32, elsewhere)
	),
	TP_fast_assign(
		__entry->chan = wait->waiters[0].chan->id;
		__entry->g = chan_g_id(wait->g);
		__entry->done = done;
		__entry->elsewhere = done && wait->elsewhere;
	),
	TP_printk("chan=%llu g=%llu done=%u elsewhere=%u",
		  __entry->chan, __entry->g, __entry->done, __entry->elsewhere)
);

DEFINE_EVENT(chan_linger, chan_give_way,
	TP_PROTO(const struct chan_wait *wait, bool done),
	TP_ARGS(wait, done));

DEFINE_EVENT(chan_linger, chan_spin,
	TP_PROTO(const struct chan_wait *wait, bool done),
	TP_ARGS(wait, done));

/* A park that a signal, a deadline or the like has ended. */
TRACE_EVENT(chan_abort,
	TP_PROTO(const struct chan_wait *wait, int result),
	TP_ARGS(wait, result),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(u64, waited)
		__field(u32, reason)
		__field(s32, result)
	),
	TP_fast_assign(
		__entry->chan = wait->n ? wait->waiters[0].chan->id : 0;
		__entry->g = chan_g_id(wait->g);
		__entry->waited = chan_wait_time(wait);
		__entry->reason = wait->reason;
		__entry->result = result;
	),
	TP_printk("chan=%llu g=%llu reason='%s' result=%d waited=%llu",
		  __entry->chan, __entry->g, chan_show_reason(__entry->reason),
		  __entry->result, __entry->waited)
);

/*
 * The first of the channels is repeated as "chan", by which all events can be filtered.  They
 * are shown one by one, because __print_array() is something else to each tracer.
 */
TRACE_EVENT(chan_select_begin,
	TP_PROTO(const struct chan_scase *cases, unsigned int n, bool blocks),
	TP_ARGS(cases, n, blocks),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(u32, cases)
		__field(u32, blocks)
		__field(u32, sends)
		__array(u64, chans, CHAN_SMALL_SELECT)
	),
	TP_fast_assign(
		unsigned int i;

		__entry->chan = n ? cases[0].chan->id : 0;
		__entry->g = chan_g_current_id();
		__entry->cases = n;
		__entry->blocks = blocks;
		__entry->sends = 0;
		for (i = 0; i < CHAN_SMALL_SELECT; i++) {
			__entry->chans[i] = i < n ? cases[i].chan->id : 0;
			__entry->sends |= i < n && cases[i].send ? 1U << i : 0;
		}
	),
	TP_printk("chan=%llu g=%llu cases=%u blocks=%u sends=0x%x chans=" CHAN_EIGHT_IDS,
		  __entry->chan, __entry->g, __entry->cases, __entry->blocks, __entry->sends,
		  __entry->chans[0], __entry->chans[1], __entry->chans[2], __entry->chans[3],
		  __entry->chans[4], __entry->chans[5], __entry->chans[6], __entry->chans[7])
);

/* @result: the index of the case, or an errno. */
TRACE_EVENT(chan_select_commit,
	TP_PROTO(const struct chan *c, int result, bool parked),
	TP_ARGS(c, result, parked),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(s32, result)
		__field(u32, parked)
	),
	TP_fast_assign(
		__entry->chan = c ? c->id : 0;
		__entry->g = chan_g_current_id();
		__entry->result = result;
		__entry->parked = parked;
	),
	TP_printk("chan=%llu g=%llu result=%d parked=%u",
		  __entry->chan, __entry->g, __entry->result, __entry->parked)
);

/* An entry whose owner has gone elsewhere is dropped by who would have completed it. */
TRACE_EVENT(chan_select_stale,
	TP_PROTO(const struct chan_waiter *w),
	TP_ARGS(w),
	TP_STRUCT__entry(
		__field(u64, chan)
		__field(u64, g)
		__field(pid_t, tid)
		__field(u32, send)
		__field(u32, scase)
	),
	TP_fast_assign(
		__entry->chan = w->chan->id;
		__entry->g = chan_g_id(w->wait->g);
		__entry->tid = w->wait->task->pid;
		__entry->send = w->queue == &w->chan->sendq;
		__entry->scase = w->scase;
	),
	TP_printk("chan=%llu g=%llu tid=%d queue=%s case=%u",
		  __entry->chan, __entry->g, __entry->tid,
		  __entry->send ? "sendq" : "recvq", __entry->scase)
);

TRACE_EVENT(chan_go_create,
	TP_PROTO(const struct chan_g *g),
	TP_ARGS(g),
	TP_STRUCT__entry(
		__field(u64, domain)
		__field(u64, g)
		__field(u64, serial)
		__field(u64, creator)
		__field(pid_t, tid)
		__string(name, g->name)
	),
	TP_fast_assign(
		__entry->domain = g->domain_id;
		__entry->g = g->id;
		__entry->serial = g->serial;
		__entry->creator = g->creator;
		__entry->tid = pid_nr(g->pid);
		chan_assign_str(name, g->name);
	),
	TP_printk("domain=%llu g=%llu serial=%llu tid=%d creator=%llu name=%s",
		  __entry->domain, __entry->g, __entry->serial, __entry->tid,
		  __entry->creator, __get_str(name))
);

/*
 * A goroutine changes its state.  The current task is who made it do so; @c is the channel
 * where it began to wait, if it is or was waiting.
 */
TRACE_EVENT(chan_go_state,
	TP_PROTO(const struct chan_g *g, u32 from, u32 to),
	TP_ARGS(g, from, to),
	TP_STRUCT__entry(
		__field(u64, domain)
		__field(u64, g)
		__field(u64, serial)
		__field(u64, chan)
		__field(pid_t, tid)
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		__entry->domain = g->domain_id;
		__entry->g = g->id;
		__entry->serial = g->serial;
		__entry->chan = g->chan;
		__entry->tid = pid_nr(g->pid);
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("domain=%llu g=%llu serial=%llu tid=%d %s ==> %s chan=%llu",
		  __entry->domain, __entry->g, __entry->serial, __entry->tid,
		  chan_show_state(__entry->from), chan_show_state(__entry->to),
		  __entry->chan)
);

TRACE_EVENT(chan_deadlock,
	TP_PROTO(const struct chan_domain *domain),
	TP_ARGS(domain),
	TP_STRUCT__entry(
		__field(u64, domain)
		__field(pid_t, pid)
		__field(u32, goroutines)
	),
	TP_fast_assign(
		__entry->domain = domain->id;
		__entry->pid = pid_nr(domain->tgid);
		__entry->goroutines = domain->n;
	),
	TP_printk("domain=%llu pid=%d goroutines=%u",
		  __entry->domain, __entry->pid, __entry->goroutines)
);

#endif /* CHAN_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
