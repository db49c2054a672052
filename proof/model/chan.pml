/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol of the module as a model: how calls meet on channels, park, claim one another,
 * are woken and leave.  A configuration includes names.pml, defines who does what, includes
 * this file, and is searched exhaustively by ./run.
 *
 * Each inline names the function of kmod/ that it mirrors: whoever changes that changes this.
 * A step of the model is what others can see at once: a lock taken, or one store or load of
 * what is looked at without a lock.  What a lock guards is read and written in one step with
 * that.  Memory is sequentially consistent here.
 *
 * A rule of the protocol is taken out by its name, -DNO_...; ./rules has them all, with the
 * configuration that then has to fail.
 *
 * A configuration defines
 *
 *	TASKS, CHANS		how many
 *	CASES			the most of a select; 1 if there is none
 *	CAPS(c)			how many elements channel c buffers
 *	MOST			the largest of these, but at least 1
 *	STEPS			the most calls that a task makes
 *	script()		call number `step` of task `me`, by the macros below
 *
 * and may define
 *
 *	PREFILL(c)		elements that are buffered at the beginning
 *	SIGNALLED(t)		task t may get a signal, at any time
 *	HURRIED(t)		task t has a deadline, which may come while it sleeps
 *	MISSING(t)		so many copies of task t find their page missing
 *	BATCH			as CHAN_BATCH, but small
 *	WITHOUT_POLL		who will queue does not look before: fewer states, and a look
 *				less to hide behind
 *	CHECK_SNAPSHOT		"nothing ready" needs a moment at which nothing was
 *	CHECK_ORDER		first come, first served
 */

#ifndef PREFILL
#define PREFILL(c)	0
#endif
#ifndef SIGNALLED
#define SIGNALLED(t)	false
#endif
#ifndef HURRIED
#define HURRIED(t)	false
#endif
#ifndef MISSING
#define MISSING(t)	0
#endif
#ifndef BATCH
#define BATCH		2
#endif

#define ENTRIES		(TASKS * CASES)
#define NOBODY		255

/* What a task may do: a select of 1 is the plain operation. */
#define NOTHING		0
#define SELECT		1
#define CLOSE		2
#define CALL		3

/* ---- what there is ---- */

/* struct chan_fifo */
typedef fifo {
	byte n;
	byte at[ENTRIES]
}

/* struct chan */
typedef channel {
	bit lock;
	bit closed;
	byte used;
	byte slot[MOST];	/* the oldest element first */
	byte entries;
	fifo q[4];
	byte tickets;		/* to check the order: those given to who sends, ... */
	byte served;
	byte rtickets;		/* ... and to who receives, and the last one served */
	byte rserved
}

/* struct chan_wait, one for each task, whose frame is there while @alive */
typedef wait {
	bit alive;
	bit lock;
	byte winner;
	byte result;
	byte progress
}

/* struct chan_waiter */
typedef waiter {
	byte on;		/* the channel */
	bit dir;
	byte elem;
	byte next;
	bit hashed;		/* in a queue */
	bit offered;		/* to check: anybody may rely on it */
	byte ticket
}

channel ch[CHANS];
wait wt[TASKS];
waiter wr[ENTRIES];

byte state[TASKS];		/* of the task, as the scheduler sees it */
bit pending[TASKS];		/* a signal */
bit nb[TASKS];			/* the call at hand does not block */

/* To check: whether a call that does not block has seen a moment when nothing was ready. */
bit asking[TASKS];
bit none[TASKS];

byte did[TASKS];		/* transfers done in the name of the call at hand */
byte ended;			/* tasks that have come to the end of their script */

/* To check: elements, a bit for each. */
int sent;
int received;

#define OWNER(w)	((w) / CASES)
#define INDEX(w)	((w) % CASES)
#define BIT(v)		(1 << (v))

/* Elements differ: those of calls, and those that were there at the beginning. */
#define VALUE(t, s)	(1 + (t) * STEPS + (s))
#define FILLED(c, i)	(1 + TASKS * STEPS + (c) * MOST + (i))

/* For loops within one step. */
hidden byte h_i;
hidden byte h_t;
hidden byte h_w;
hidden byte h_x;
hidden byte h_ready;

/* Whoever touches the frame of a call has to know that it is there. */
#define TOUCH(t)	assert(wt[t].alive)

#define TAKE(l)		d_step { !(l) -> l = 1 }
#define DROP(l)		l = 0

/* ---- what is checked all the time ---- */

/* Somebody other than task @t has parked on channel @c to go in direction @dir. */
inline is_offered(t, c, direction)
{
	for (h_x : 0 .. ENTRIES - 1) {
		if
		:: wr[h_x].offered && wr[h_x].on == c && wr[h_x].dir == (direction) &&
		   OWNER(h_x) != t -> h_ready = true
		:: else
		fi
	}
}

/* Whether a case is ready, at this moment. */
inline is_ready(t, w)
{
	if
	:: ch[wr[w].on].closed -> h_ready = true
	:: wr[w].dir == SEND && ch[wr[w].on].used < CAPS(wr[w].on) -> h_ready = true
	:: wr[w].dir == RECV && ch[wr[w].on].used > 0 -> h_ready = true
	:: else -> is_offered(t, wr[w].on, 1 - wr[w].dir)
	fi
}

/* After each change: for whom is this a moment at which nothing is ready? */
inline look_around()
{
#ifdef CHECK_SNAPSHOT
	for (h_t : 0 .. TASKS - 1) {
		if
		:: asking[h_t] && !none[h_t] ->
			h_ready = false;
			for (h_w : h_t * CASES .. h_t * CASES + CASES - 1) {
				if
				:: wr[h_w].on != NOBODY -> is_ready(h_t, h_w)
				:: else
				fi
			}
			none[h_t] = !h_ready
		:: else
		fi
	}
	h_t = 0			/* spin does not let a loop end a step */
#else
	skip
#endif
}

#ifdef CHECK_ORDER
/* The elements in a ring have their places, by who sent them. */
byte place[2 + TASKS * STEPS + CHANS * MOST];
#endif

/* An element comes to its channel, or who sends it parks there. */
inline draw_ticket(number, c)
{
#ifdef CHECK_ORDER
	ch[c].tickets++;
	number = ch[c].tickets
#else
	skip
#endif
}

inline draw_rticket(number, c)
{
#ifdef CHECK_ORDER
	ch[c].rtickets++;
	number = ch[c].rtickets
#else
	skip
#endif
}

inline serve(number, latest)
{
#ifdef CHECK_ORDER
	assert(number > latest);	/* first come, first served */
	latest = number
#else
	skip
#endif
}

/* ---- queues: fifo.h, and core.h with them ---- */

inline fifo_add(f, w)
{
	f.at[f.n] = w;
	f.n++
}

inline fifo_del(f, w)
{
	h_i = 0;
	do
	:: h_i < f.n && f.at[h_i] != w -> h_i++
	:: else -> break
	od;
	assert(h_i < f.n);		/* it is in the queue */
	f.n--;
	do
	:: h_i < f.n -> f.at[h_i] = f.at[h_i + 1]; h_i++
	:: else -> f.at[h_i] = 0; break
	od
}

/* chan_enqueue().  Who looks without a lock looks at the count first. */
inline enqueue(c, w)
{
	d_step {
		fifo_add(ch[c].q[wr[w].dir + PASSING * nb[me]], w);
		wr[w].hashed = 1;
		if
		:: nb[me]
		:: !nb[me] && wr[w].dir == SEND -> draw_ticket(wr[w].ticket, c)
		:: else -> draw_rticket(wr[w].ticket, c)
		fi;
		printf("MSC: T%d queues on %d\n", me, c)
	}
	d_step {
		ch[c].entries++;
		wr[w].offered = !nb[me];
		look_around()
	}
}

/* chan_dequeue() */
inline dequeue(c, w)
{
	d_step {
		TOUCH(OWNER(w));
		fifo_del(ch[c].q[wr[w].dir + PASSING * nb[OWNER(w)]], w);
		wr[w].hashed = 0;
		wr[w].offered = 0;
		look_around()
	}
	ch[c].entries--
}

/* ---- claims: wait.h, wait.c ---- */

/* chan_claim(): OK with the wait locked, or ESTALE */
inline claim_wait(t)
{
	TOUCH(t);
#ifdef NO_CLAIM
	ret = OK
#else
	TAKE(wt[t].lock);
	d_step {
		TOUCH(t);
		if
		:: wt[t].winner == NO_WINNER -> ret = OK
		:: else -> ret = ESTALE; DROP(wt[t].lock)
		fi
	}
#endif
}

/* chan_claim_cancel() */
inline claim_cancel(t)
{
	d_step {
		TOUCH(t);
		DROP(wt[t].lock)
	}
}

/* chan_claim_both(): the wait of @t, and my own, which is claimed */
inline claim_both(t)
{
#ifdef NO_LOCK_ORDER
	TAKE(wt[t].lock);
#else
	claim_cancel(me);
	if
	:: t < me -> TAKE(wt[t].lock); TAKE(wt[me].lock)
	:: else -> TAKE(wt[me].lock); TAKE(wt[t].lock)
	fi;
#endif
	d_step {
		TOUCH(t);
		if
#ifndef NO_SECOND_LOOK_AT_OWN
		:: wt[me].winner != NO_WINNER ->
			ret = ECANCELED;
			DROP(wt[me].lock);
			DROP(wt[t].lock)
#endif
#ifdef NO_SECOND_LOOK_AT_OWN
		:: wt[t].winner == NO_WINNER -> ret = OK
		:: wt[t].winner != NO_WINNER -> ret = ESTALE; DROP(wt[t].lock)
#else
		:: wt[me].winner == NO_WINNER && wt[t].winner == NO_WINNER -> ret = OK
		:: wt[me].winner == NO_WINNER && wt[t].winner != NO_WINNER ->
			ret = ESTALE;
			DROP(wt[t].lock)
#endif
		fi
	}
}

/* claim() of core.c */
inline claim(w)
{
	if
	:: !own -> claim_wait(OWNER(w))
	:: else ->
		claim_both(OWNER(w));
		own = (ret != ECANCELED)
	fi
}

/* chan_claim_commit() */
inline claim_commit(w, res)
{
	d_step {
		TOUCH(OWNER(w));
		assert(wt[OWNER(w)].winner == NO_WINNER);	/* one winner */
		wt[OWNER(w)].winner = INDEX(w);
		wt[OWNER(w)].result = res;
		DROP(wt[OWNER(w)].lock);
		for (h_x : OWNER(w) * CASES .. OWNER(w) * CASES + CASES - 1) {
			wr[h_x].offered = 0
		}
		look_around();
		printf("MSC: T%d commits case %d of T%d, result %d\n", me, INDEX(w), OWNER(w), res)
	}
}

/* chan_abort(): the end of my own wait without a case, or ESTALE */
inline abort()
{
	TAKE(wt[me].lock);
	d_step {
		if
#ifndef NO_LOOK_BEFORE_ABORT
		:: wt[me].winner != NO_WINNER -> ret = ESTALE
		:: wt[me].winner == NO_WINNER ->
#else
		:: true ->
#endif
			wt[me].winner = ABORTED;
			for (h_x : me * CASES .. me * CASES + CASES - 1) {
				wr[h_x].offered = 0
			}
			look_around();
			ret = OK;
			printf("MSC: T%d aborts\n", me)
		fi;
		DROP(wt[me].lock)
	}
}

/* ---- the oldest partner: core.h, core.c ---- */

/*
 * chan_claim_oldest(), chan_claim_some() and claim_first(): `w`, claimed; or EAGAIN, EBUSY,
 * ECANCELED.  `own`: I have claimed my own wait.  `passes`: I do not block.
 */
inline claim_oldest(c, queue)
{
	pass = 0;
	i = 0;
	dropped = 0;
	do
	:: i == ch[c].q[(queue) + pass].n ->
		d_step {
			ret = EAGAIN;
			w = NOBODY
		}
		if
		:: pass || ch[c].q[(queue) + PASSING].n == 0 -> break
#ifndef NO_PASSING_OVER
#ifndef NO_MEETING_ON_BUFFERED
		:: !pass && ch[c].q[(queue) + PASSING].n && passes && CAPS(c) == 0 -> break
		:: !pass && ch[c].q[(queue) + PASSING].n && !(passes && CAPS(c) == 0) ->
#else
		:: !pass && ch[c].q[(queue) + PASSING].n && passes -> break
		:: !pass && ch[c].q[(queue) + PASSING].n && !passes ->
#endif
#else
		:: !pass && ch[c].q[(queue) + PASSING].n ->
#endif
			d_step {
				pass = PASSING;
				i = 0;
				dropped = 0
			}
		fi
	:: else ->
		w = ch[c].q[(queue) + pass].at[i];
		if
#ifndef NO_SELF_SKIP
		:: own && OWNER(w) == me -> i++
		:: !(own && OWNER(w) == me) ->
#else
		:: true ->
#endif
			claim(w);
			if
			:: ret == OK || ret == ECANCELED -> break
			:: else ->
#ifdef NO_NEXT_AFTER_LOST_CLAIM
				ret = EAGAIN;
				break
#endif
				dequeue(c, w);
				dropped++;
				if
				:: dropped == BATCH -> ret = EBUSY; break
				:: else
				fi
			fi
		fi
	od;
	pass = 0;		/* no step: spin does not let a break end before one */
	d_step {
		i = 0;
		dropped = 0;
		if
		:: ret != OK -> w = NOBODY
		:: else
		fi
	}
}

/* chan_complete(), with chan_commit() */
inline complete(c, w, res)
{
	dequeue(c, w);
	claim_commit(w, res);
	d_step {
		TOUCH(OWNER(w));
		wr[w].next = NOBODY;
		if
		:: last == NOBODY -> first = w
		:: else -> wr[last].next = w
		fi;
		last = w
	}
}

/* To check: a partner has been found. */
inline meet(c, w)
{
	/* two that do not block do not meet */
	assert(CAPS(c) > 0 || !nb[me] || !nb[OWNER(w)]);
	did[me]++;
	did[OWNER(w)]++
}

/* ---- send and receive under the lock: core.h ---- */

/* chan_hand_over(): to the oldest receiver */
inline hand_over()
{
	claim_oldest(c, RECV);
	if
	:: ret == OK ->
		d_step {
			TOUCH(OWNER(w));
			wr[w].elem = value;
			meet(c, w);
			draw_ticket(h_x, c);
			serve(h_x, ch[c].served);
			if
			:: nb[OWNER(w)] -> draw_rticket(wr[w].ticket, c)
			:: else
			fi;
			serve(wr[w].ticket, ch[c].rserved)
		}
		complete(c, w, OK)
	:: else
	fi
}

/* chan_ring_put() */
inline ring_put(c, v)
{
	d_step {
		assert(ch[c].used < CAPS(c));
		ch[c].slot[ch[c].used] = v;
		ch[c].used++;
		look_around()
	}
}

/* chan_ring_pop() */
inline ring_pop(c)
{
	d_step {
		ch[c].used--;
		for (h_x : 1 .. MOST - 1) {
			ch[c].slot[h_x - 1] = ch[c].slot[h_x]
		}
		ch[c].slot[MOST - 1] = 0;
		look_around()
	}
}

/* To check: the oldest element of the ring is taken. */
inline take_buffered(c)
{
#ifdef CHECK_ORDER
	serve(place[ch[c].slot[0]], ch[c].served);
	place[ch[c].slot[0]] = 0;
	draw_rticket(h_x, c);
	serve(h_x, ch[c].rserved)
#else
	skip
#endif
}

/* chan_try_send() */
inline try_send()
{
	if
	:: ch[c].closed -> ret = EPIPE
	:: else ->
#ifdef NO_PARKED_BEFORE_RING
		ret = EAGAIN;
		if
		:: ch[c].used == CAPS(c) -> hand_over()
		:: else
		fi;
#else
		hand_over();
#endif
		if
		:: ret == EAGAIN && ch[c].used < CAPS(c) ->
			d_step {
#ifdef CHECK_ORDER
				draw_ticket(place[value], c);
#endif
				did[me]++;
				ret = OK
			}
			ring_put(c, value)
		:: else
		fi
	fi
}

/* Whether chan_dest_take() finds that a page is missing. */
inline copy_out()
{
	if
	:: missing > 0 -> missing--; ret = EFAULT
	:: true -> ret = OK
	fi
}

/* chan_claim_refill() */
inline claim_refill()
{
	ret = OK;
#ifndef NO_REFILL
	if
	:: !ch[c].closed && ch[c].used == CAPS(c) ->
		claim_oldest(c, SEND);
		if
		:: ret == EAGAIN -> ret = OK
		:: else
		fi
	:: else
	fi
#endif
}

/* chan_recv_buffered() */
inline recv_buffered()
{
	claim_refill();
	if
	:: ret == OK ->
		copy_out();
		if
		:: ret == EFAULT && w != NOBODY -> claim_cancel(OWNER(w))
		:: ret == OK && w == NOBODY ->
			d_step {
				got = ch[c].slot[0];
				take_buffered(c);
				did[me]++
			}
			ring_pop(c)
		:: ret == OK && w != NOBODY ->
			d_step {
				TOUCH(OWNER(w));
				got = ch[c].slot[0];
				take_buffered(c);
				did[me]++;
				did[OWNER(w)]++;
#ifdef CHECK_ORDER
				if
				:: nb[OWNER(w)] -> draw_ticket(wr[w].ticket, c)
				:: else
				fi;
				place[wr[w].elem] = wr[w].ticket
#endif
			}
			ring_refill();
			complete(c, w, OK)
		:: else
		fi
	:: else
	fi
}

/* The slot that becomes free goes to the oldest parked sender. */
inline ring_refill()
{
#ifdef NO_REFILL_IN_ONE
	ring_pop(c);
	ring_put(c, wr[w].elem)
#else
	d_step {
		for (h_x : 1 .. MOST - 1) {
			ch[c].slot[h_x - 1] = ch[c].slot[h_x]
		}
		ch[c].slot[CAPS(c) - 1] = wr[w].elem;
		look_around()
	}
#endif
}

/* chan_recv_from_sender() */
inline recv_from_sender()
{
	claim_oldest(c, SEND);
	if
	:: ret == OK ->
		copy_out();
		if
		:: ret == EFAULT -> claim_cancel(OWNER(w))
		:: else ->
			d_step {
				TOUCH(OWNER(w));
				got = wr[w].elem;
				meet(c, w);
				if
				:: nb[OWNER(w)] -> draw_ticket(wr[w].ticket, c)
				:: else
				fi;
				serve(wr[w].ticket, ch[c].served);
				draw_rticket(h_x, c);
				serve(h_x, ch[c].rserved)
			}
			complete(c, w, OK)
		fi
	:: else
	fi
}

/* chan_try_recv() */
inline try_recv()
{
#ifdef NO_RING_BEFORE_PARKED
	recv_from_sender();
	if
	:: ret == EAGAIN && ch[c].used > 0 -> recv_buffered()
	:: ret == EAGAIN && ch[c].used == 0 && ch[c].closed -> ret = EPIPE
	:: else
	fi
#else
	if
	:: ch[c].used > 0 -> recv_buffered()
	:: ch[c].used == 0 && ch[c].closed -> ret = EPIPE
	:: else -> recv_from_sender()
	fi
#endif
}

/* ---- or else queue: core.h ---- */

/* chan_lock_own(): my own wait, queued elsewhere already */
inline lock_own()
{
	ret = OK;
	if
	:: own ->
		claim_wait(me);
		if
		:: ret == ESTALE -> ret = ECANCELED; own = 0
		:: else
		fi
	:: else
	fi
}

/* chan_settle_own() */
inline settle_own()
{
	if
	:: own && (ret == EAGAIN || ret == EFAULT || ret == EBUSY) -> claim_cancel(me)
	:: own && !(ret == EAGAIN || ret == EFAULT || ret == EBUSY) ->
		claim_commit(me * CASES + k, ret);
		own = 0
	:: else
	fi
}

/*
 * chan_send_once(), chan_recv_once() with recv_again(): case `k` at channel `c` in direction
 * `d`; `queueing`: with an entry, to be queued if it is not ready.
 */
inline attempt()
{
	do
	::
		TAKE(ch[c].lock);
		lock_own();
#ifdef NO_LOOK_BEFORE_QUEUE
		if
		:: ret == OK && queueing && !ch[c].closed -> ret = EAGAIN
		:: else
		fi;
#endif
		if
		:: ret == OK && d == SEND -> try_send()
		:: ret == OK && d == RECV -> try_recv()
		:: else
		fi;
		w = NOBODY;
		if
		:: ret == EAGAIN && queueing -> enqueue(c, me * CASES + k)
		:: else
		fi;
		settle_own();
		DROP(ch[c].lock);
		if
		:: ret == EBUSY || ret == EFAULT
		:: else -> break
		fi
	od
}

/* chan_finish(), with chan_finish_asleep() and chan_wake() */
inline finish(t)
{
	TOUCH(t);			/* its goroutine, its task */
#ifdef NO_EXCHANGE
	i = wt[t].progress;
	d_step {
		TOUCH(t);
		wt[t].progress = DONE
	}
#else
	d_step {
		TOUCH(t);
		i = wt[t].progress;
		if
		:: i == AWAKE -> wt[t].progress = DONE
		:: else -> assert(i == ASLEEP)
		fi
	}
#endif
	if
	:: i == ASLEEP ->
#ifdef NO_WAKE_AFTER_DONE
		state[t] = RUNNING;
		d_step {
			TOUCH(t);
			wt[t].progress = DONE
		}
#else
		d_step {
			TOUCH(t);
			wt[t].progress = DONE
		}
		d_step {
			state[t] = RUNNING;
			printf("MSC: T%d wakes T%d\n", me, t)
		}
#endif
	:: else
	fi;
	i = 0
}

/* chan_tell(), chan_ready(): who has been completed, from entry @from on */
inline tell(from)
{
	do
	:: from != NOBODY ->
#ifdef NO_DONE_LAST
		finish(OWNER(from));
		d_step {
			TOUCH(OWNER(from));
			from = wr[from].next
		}
#else
		d_step {
			TOUCH(OWNER(from));
			w = wr[from].next
		}
		finish(OWNER(from));
		d_step {
			from = w;
			w = NOBODY
		}
#endif
	:: else -> break
	od
}

inline tell_all()
{
	tell(first);
	last = NOBODY
}

/* ---- an end: core.c ---- */

/* fail_some(): waiters of one queue */
inline fail_some(queue)
{
	do
	:: failed < BATCH ->
		claim_oldest(c, queue);
		if
		:: ret == OK -> complete(c, w, EPIPE); w = NOBODY; failed++
		:: ret == EBUSY -> failed = BATCH
		:: else -> break
		fi
	:: else -> break
	od
}

/* fail_waiters() */
inline fail_waiters()
{
	passes = 0;
	do
	::
		TAKE(ch[c].lock);
		failed = 0;
		fail_some(RECV);
		fail_some(SEND);
		DROP(ch[c].lock);
		tell_all();
		if
		:: failed < BATCH -> break
		:: else
		fi
	od;
	failed = 0
}

/* chan_close(), and end() */
inline close()
{
#ifdef NO_STATE_BEFORE_FAILING
	fail_waiters();
#endif
	TAKE(ch[c].lock);
	d_step {
		ret = (ch[c].closed -> EPIPE : OK);
		ch[c].closed = 1;
		look_around();
		DROP(ch[c].lock);
		printf("MSC: T%d closes %d\n", me, c)
	}
#ifndef NO_STATE_BEFORE_FAILING
#ifndef NO_FAILING
	if
	:: ret == OK -> fail_waiters()
	:: else
	fi;
#endif
#endif
	ret = OK
}

/* ---- parking: wait.c, park.h ---- */

/* fall_asleep(): `ret` is OK if there is no need to */
inline fall_asleep()
{
#ifdef NO_EXCHANGE
	i = wt[me].progress;
	d_step {
		if
		:: i != DONE -> wt[me].progress = ASLEEP; ret = EAGAIN
		:: else -> ret = OK
		fi;
		i = 0
	}
#else
	d_step {
		if
		:: wt[me].progress == AWAKE -> wt[me].progress = ASLEEP; ret = EAGAIN
		:: wt[me].progress == ASLEEP -> ret = EAGAIN
		:: wt[me].progress == DONE -> ret = OK
		fi
	}
#endif
}

/* chan_await(): it has a winner, which is about to be finished with it */
inline await()
{
#ifndef NO_AWAIT
	fall_asleep();
	do
	:: ret == OK -> break
	:: else ->
		state[me] = UNINTERRUPTIBLE;
		if
		:: wt[me].progress == DONE -> ret = OK
		:: else -> (state[me] == RUNNING)
		fi
	od;
	state[me] = RUNNING;
#endif
	ret = wt[me].result
}

/* chan_sleep(): OK if it is done, or EINTR */
inline sleep()
{
	do
	::
#ifdef NO_STATE_BEFORE_LOOK
		if
		:: wt[me].progress == DONE -> ret = OK; break
		:: else
		fi;
		state[me] = INTERRUPTIBLE;
		if
#else
		state[me] = INTERRUPTIBLE;
		if
		:: wt[me].progress == DONE -> ret = OK; break
#endif
		:: wt[me].progress != DONE && pending[me] -> ret = EINTR; break
		:: else
		fi;
end_asleep:
		if
		:: state[me] == RUNNING || pending[me]
		:: HURRIED(me) -> ret = EINTR; break
		fi
	od;
	state[me] = RUNNING
}

/*
 * __chan_park().  To give way and to spin are looks at what fall_asleep() looks at, too, so
 * they are left out.
 */
inline park()
{
	fall_asleep();
	if
	:: ret == OK -> ret = wt[me].result
	:: else ->
		sleep();
		if
		:: wt[me].progress == DONE -> ret = wt[me].result
		:: else ->
			abort();
			if
			:: ret == OK -> ret = EINTR
			:: else -> ret = ECANCELED
			fi
		fi
	fi
}

/* chan_leave(), where it is queued */
inline leave(c, w)
{
	TAKE(ch[c].lock);
	if
	:: wr[w].hashed -> dequeue(c, w)
#ifdef NO_LOOK_BEFORE_LEAVING
	:: !wr[w].hashed -> dequeue(c, w)
#endif
	:: else
	fi;
	DROP(ch[c].lock)
}

/* leave_all() of select.c; chan_park_single() */
inline leave_all()
{
#ifndef NO_LEAVING
	k = 0;
	do
	:: k < queued ->
		if
		:: k != wt[me].winner -> leave(wr[me * CASES + k].on, me * CASES + k)
		:: else
		fi;
		k++
	:: else -> break
	od;
#endif
	k = 0
}

/* ---- select, and the plain operations: select.c, xfer.c ---- */

/* chan_looks_ready(): `ret` is OK if it does */
inline looks_ready()
{
	ret = EAGAIN;
#ifdef NO_STATE_LAST
	if
	:: ch[c].closed -> ret = OK
	:: else
	fi;
#endif
	if
	:: (d == SEND && ch[c].used < CAPS(c)) || (d == RECV && ch[c].used > 0) -> ret = OK
	:: else ->
		if
		:: ret == EAGAIN && ch[c].entries ->
			if
			:: ch[c].q[1 - d].n -> ret = OK
			:: else ->
				if
				:: ch[c].q[1 - d + PASSING].n -> ret = OK
				:: else
				fi
			fi
		:: else
		fi
	fi;
#ifndef NO_STATE_LAST
	if
	:: ret == EAGAIN && ch[c].closed -> ret = OK
	:: else
	fi
#endif
}

/* The case whose turn it is, in the order that was drawn. */
inline nth()
{
	d_step {
		c = wr[me * CASES + k].on;
		d = wr[me * CASES + k].dir
	}
}

/* poll_cases(); or the first look of send() and recv() */
inline poll_cases()
{
	k = 0;
	ret = EAGAIN;
	do
	:: k < n && ret == EAGAIN ->
		nth();
		looks_ready();
		if
		:: ret == OK ->
			passes = nb[me];
			own = 0;
			attempt();
			tell_all()
		:: else
		fi;
		if
		:: ret == EAGAIN -> k++
		:: else
		fi
	:: else -> break
	od
}

/* chan_wait_init() */
inline wait_init()
{
	d_step {
		wt[me].alive = 1;
		wt[me].winner = NO_WINNER;
		wt[me].result = OK;
		wt[me].progress = AWAKE;
		k = 0;
		queued = 0;
		queueing = 1;
		ret = EAGAIN
	}
}

/* queue_all(): `queued` cases are queued when it ends */
inline queue_all()
{
	do
	:: k < n && ret == EAGAIN ->
		nth();
		passes = nb[me];
#ifdef NO_CLAIM_OF_OWN
		own = 0;
#else
		own = (k > 0);
#endif
		attempt();
		own = 0;
		tell_all();
		if
		:: ret == EAGAIN -> k++; queued++
		:: else
		fi
	:: else -> break
	od
}

/* look_once_more(), with chan_fire() */
inline look_once_more()
{
#ifndef NO_LOOK_ONCE_MORE
	k = 0;
	do
	:: k < n && wt[me].winner == NO_WINNER ->
		nth();
		if
		:: ch[c].closed -> fail_waiters()
		:: else
		fi;
		k++
	:: else -> break
	od
#else
	skip
#endif
}

/* end_without_case(): ECANCELED means that there is one */
inline end_without_case()
{
	if
	:: !nb[me] -> park()
	:: else ->
		look_once_more();
		abort();
		if
		:: ret == OK -> ret = EAGAIN
		:: else -> ret = ECANCELED
		fi
	fi
}

/* take_given() */
inline take_given()
{
	d_step {
		if
		:: wt[me].winner < CASES && wr[me * CASES + wt[me].winner].dir == RECV &&
		   ret == OK && !got ->
			got = wr[me * CASES + wt[me].winner].elem
		:: else
		fi
	}
}

/* queue_and_wait() */
inline queue_and_wait()
{
	if
	:: ret == EAGAIN -> end_without_case()
	:: else
	fi;
	if
	:: ret == ECANCELED -> await()
	:: else
	fi;
	leave_all();
	take_given()
}

/* chan_select(), chan_send(), chan_recv() */
inline select_or_one()
{
#if defined(WITHOUT_POLL) && !defined(NO_SNAPSHOT)
	ret = EAGAIN;
	if
	:: n == 1 && nb[me] -> poll_cases()
	:: else
	fi;
#else
	poll_cases();
#endif
#ifdef NO_SNAPSHOT
	if
	:: ret == EAGAIN && !nb[me] ->
#else
	if
	:: ret == EAGAIN && !(n == 1 && nb[me]) ->
#endif
		wait_init();
		queue_all();
		queue_and_wait()
	:: else
	fi
}

/* ---- a request and its reply: call.c ---- */

/*
 * send_then_recv(), with recv_then_tell() if somebody waits for the request: entry 0 is for
 * the reply, which is queued before the receiver of the request is told.
 */
inline call()
{
	c = out;
	d = SEND;
	k = 0;
	attempt();
	if
	:: ret == OK ->
		d_step {
			did[me] = 0;
			sent = sent | BIT(value);
			request = first;
			first = NOBODY;
			last = NOBODY
		}
		wait_init();
		nth();
		attempt();
		tell(request);
		tell_all();
		if
		:: ret == EAGAIN -> queued = 1
		:: else
		fi;
		queue_and_wait()
	:: else			/* as a send, then a receive, by the script */
	fi
}

/* ---- what a task does ---- */

/* Macros for script(). */
inline case_of(number, channel_number, direction)
{
	wr[me * CASES + number].on = channel_number;
	wr[me * CASES + number].dir = direction
}
inline one(c0, d0)
{
	kind = SELECT; n = 1; case_of(0, c0, d0)
}
/* Either order may be drawn. */
inline two(c0, d0, c1, d1)
{
	kind = SELECT; n = 2;
	if
	:: case_of(0, c0, d0); case_of(1, c1, d1)
	:: case_of(1, c0, d0); case_of(0, c1, d1)
	fi
}
inline try_one(c0, d0)
{
	one(c0, d0); nb[me] = 1
}
inline try_two(c0, d0, c1, d1)
{
	two(c0, d0, c1, d1); nb[me] = 1
}
inline closing(c0)
{
	kind = CLOSE; c = c0
}
inline calling(c_out, c_in)
{
	kind = CALL; n = 1; out = c_out; case_of(0, c_in, RECV)
}

inline begin_call()
{
	value = VALUE(me, step);
	missing = MISSING(me);
	for (h_i : me * CASES .. me * CASES + n - 1) {
		if
		:: wr[h_i].dir == SEND -> wr[h_i].elem = value
		:: else
		fi
	}
	asking[me] = nb[me];
	look_around();
	printf("MSC: T%d begins call %d\n", me, step)
}

/* It returns, and its frame is gone. */
inline end_call()
{
	printf("MSC: T%d ends call %d with %d\n", me, step, ret);
	/* one transfer in its name, or none if it says so */
	assert(kind == CLOSE || did[me] == (ret == OK));
#ifdef CHECK_SNAPSHOT
	/* "nothing ready" has been true at one moment during the call */
	assert(!(nb[me] && ret == EAGAIN) || none[me]);
#endif
	if
	:: kind != CLOSE && ret == OK && got ->
		assert(!(received & BIT(got)));		/* no element comes twice */
		received = received | BIT(got)
	:: kind == SELECT && ret == OK && !got -> sent = sent | BIT(value)
	:: else
	fi;
	if
	:: ret == EINTR -> pending[me] = 0
	:: else
	fi;
	wt[me].alive = 0;
	wt[me].winner = 0;
	wt[me].result = 0;
	wt[me].progress = 0;
	for (h_i : me * CASES .. me * CASES + CASES - 1) {
		wr[h_i].on = NOBODY;
		wr[h_i].dir = 0;
		wr[h_i].elem = 0;
		wr[h_i].next = 0;
		wr[h_i].offered = 0;
		wr[h_i].ticket = 0
	}
	asking[me] = 0;
	none[me] = 0;
	did[me] = 0;
	nb[me] = 0;
	kind = NOTHING;
	n = 0;
	c = 0;
	d = 0;
	k = 0;
	got = 0;
	value = 0;
	out = 0;
	missing = 0;
	queued = 0;
	queueing = 0;
	own = 0;
	passes = 0
}

proctype task(byte me)
{
	byte step, kind, n, out, c, k, i, w = NOBODY, ret, value, got, missing, queued, failed;
	byte first = NOBODY, last = NOBODY, request = NOBODY, dropped, pass;
	bit d, own, passes, queueing;

	do
	:: step < STEPS ->
		atomic {
			script();
			begin_call()
		}
		if
		:: kind == SELECT -> select_or_one()
		:: kind == CLOSE -> close()
#ifdef WITH_CALL
		:: kind == CALL -> call()
#endif
		:: else
		fi;
		d_step {
			if
			:: kind != NOTHING -> end_call()
			:: else
			fi;
			ret = OK;
			step++
		}
	:: else -> break
	od;
	ended++
}

/* A signal: TIF_SIGPENDING, and a wake-up of who sleeps interruptibly. */
proctype signal(byte t)
{
	if
	:: pending[t] = 1;
		if
		:: state[t] == INTERRUPTIBLE -> state[t] = RUNNING
		:: else
		fi
	:: true		/* it does not come */
	fi
}

/* ---- what is checked at the end, when nothing goes on ---- */

/* Who is still parked has nobody to go with. */
inline check_parked(t)
{
	assert(wt[t].winner == NO_WINNER);		/* no wake-up is lost */
	assert(state[t] == INTERRUPTIBLE && !wt[t].lock);
	for (h_w : t * CASES .. t * CASES + CASES - 1) {
		if
		:: wr[h_w].on != NOBODY ->
			h_ready = false;
			is_ready(t, h_w);
			assert(!h_ready)		/* no partner is missed */
		:: else
		fi
	}
}

inline check_end()
{
	for (h_t : 0 .. TASKS - 1) {
		if
		:: wt[h_t].alive -> check_parked(h_t)
		:: else
		fi
	}
	for (h_t : 0 .. CHANS - 1) {
		assert(!ch[h_t].lock);
		for (h_i : 0 .. MOST - 1) {
			if
			:: h_i < ch[h_t].used ->
				assert(!(received & BIT(ch[h_t].slot[h_i])));
				received = received | BIT(ch[h_t].slot[h_i])
			:: else
			fi
		}
	}
	assert(sent == received)			/* no element is lost */
}

inline prefill()
{
	for (h_t : 0 .. CHANS - 1) {
		for (h_i : 0 .. MOST - 1) {
			if
			:: h_i < PREFILL(h_t) ->
				ch[h_t].slot[h_i] = FILLED(h_t, h_i);
				ch[h_t].used++;
				sent = sent | BIT(FILLED(h_t, h_i));
#ifdef CHECK_ORDER
				draw_ticket(place[FILLED(h_t, h_i)], h_t)
#endif
			:: else
			fi
		}
	}
	for (h_w : 0 .. ENTRIES - 1) {
		wr[h_w].on = NOBODY
	}
}

init {
	byte t;

	atomic {
		prefill();
		t = 0;
		do
		:: t < TASKS ->
			run task(t);
			if
			:: SIGNALLED(t) -> run signal(t)
			:: else
			fi;
			t++
		:: else -> break
		od
	}
	timeout ->
	d_step {
		check_end()
	}
}
