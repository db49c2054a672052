#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of what reads traces: no kernel module needed.

usage: selftests/chantrace_offline.py [TRACE] [TEST...]

Hand-made traces, each of which breaks one rule once, show that "chantrace check" finds what
it should and nothing else.  With TRACE, a real one, the conversions are tested with that too.
Exit status 0 if everything is as expected.
"""
import bisect
import collections
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools", "chantrace"))

import check         # noqa: E402
import html          # noqa: E402
import perfetto      # noqa: E402
import report        # noqa: E402
import timeline      # noqa: E402
import tracefile     # noqa: E402

MAIN, PEER, OTHER = 100, 101, 102   # threads
RECVQ, SENDQ = 0, 1
EPIPE, EDEADLK, EINTR = -32, -35, -512
WORKER = 9                          # of the kernel, which looks for deadlocks


class Recorder:
    """Makes a trace by hand: what threads MAIN, PEER and OTHER do.  Lines count from 1, the
    header; line() is the number of the last one."""

    def __init__(self, **header):
        self.lines = [{"chantrace": 1, "kernel": "none", "cpus": 1, "command": ["x"],
                       "pid": MAIN, "lost": 0, **header}]
        self.goroutine = {}     # thread: its number as a goroutine
        self.event(MAIN, "task_new", task=PEER, pid=MAIN)
        self.event(MAIN, "task_new", task=OTHER, pid=MAIN)

    def event(self, tid, e, **fields):
        self.lines.append({"t": 1000 * len(self.lines), "cpu": 0, "tid": tid, "comm": "x",
                           "e": e, **fields})

    def line(self):
        return len(self.lines)

    # What the module says, in the order in which it does.

    def make(self, chan, cap=0):
        self.event(MAIN, "chan_make", chan=chan, cap=cap, elem_size=8, flags=[])

    def state(self, tid, old, new, by=None, g=None, **more):
        self.event(by or tid, "chan_go_state", domain=1, g=g or tid, chan=0, task=tid,
                   **{"from": old, "to": new}, **more)

    def go(self, tid, g=None, **more):
        """more: perhaps a serial number."""
        self.event(tid, "chan_go_create", domain=1, g=g or tid, creator=0, task=tid, name="f",
                   **more)
        self.goroutine[tid] = g or tid
        self.state(tid, "idle", "runnable", g=g, **more)
        self.state(tid, "runnable", "running", g=g, **more)

    def is_g(self, tid):
        return self.goroutine.get(tid, 0)

    def switch(self, prev, following, state="S"):
        self.event(prev, "sched_switch", prev=prev, prev_state=state, next=following)

    def park(self, tid, *cases):
        """cases: (channel, queue); queued in this order."""
        reason = "select" if len(cases) > 1 else "chan send" if cases[0][1] else "chan receive"
        self.event(tid, "chan_park", chan=cases[0][0], g=self.is_g(tid), reason=reason,
                   cases=len(cases))
        for i, case in enumerate(cases):
            self.enqueue(tid, case, i)

    def enqueue(self, tid, case, scase=0):
        self.event(tid, "chan_enqueue", chan=case[0], g=0, send=case[1], place=1, scase=scase)

    def ready(self, tid, by, case, scase=0, result=0):
        self.event(by, "chan_ready", chan=case[0], waker=0, g=self.is_g(tid), waited=10,
                   task=tid, send=case[1], scase=scase, result=result)

    def abort(self, tid, chan, result=EINTR):
        self.event(tid, "chan_abort", chan=chan, g=self.is_g(tid), waited=10, reason="select",
                   result=result)

    def stale(self, tid, by, case, scase=0):
        self.event(by, "chan_select_stale", chan=case[0], g=0, task=tid, send=case[1],
                   scase=scase)

    def transfer(self, what, tid, chan, path, length=0, cap=0):
        self.event(tid, what, chan=chan, g=0, path=path, size=8, len=length, cap=cap)

    def send(self, *args, **fields):
        self.transfer("chan_send", *args, **fields)

    def recv(self, *args, **fields):
        self.transfer("chan_recv", *args, **fields)

    def close(self, tid, chan, how="close"):
        self.event(tid, "chan_close", chan=chan, g=0, how=how, woken=0, len=0)

    # Whole operations.

    def hand_over(self, chan, sender, receiver):
        """The receiver was parked; it comes back."""
        self.ready(receiver, sender, (chan, RECVQ))
        self.send(sender, chan, "direct")
        self.recv(receiver, chan, "parked")

    def trace(self):
        return tracefile.read_lines([json.dumps(line) for line in self.lines])


def goroutine_parks(rec):
    """PEER is a goroutine that waits, and is readied by MAIN."""
    rec.make(1)
    rec.go(PEER)
    rec.state(PEER, "running", "waiting")
    rec.park(PEER, (1, RECVQ))
    rec.ready(PEER, MAIN, (1, RECVQ))
    rec.send(MAIN, 1, "direct")
    rec.state(PEER, "waiting", "runnable", by=MAIN)
    rec.recv(PEER, 1, "parked")
    rec.state(PEER, "runnable", "running")


def two_deadlock(rec):
    """MAIN and PEER wait for each other, and are told so after 12 microseconds."""
    for tid in (MAIN, PEER):
        rec.go(tid)
        rec.state(tid, "running", "waiting")
        rec.park(tid, (tid, RECVQ))
    rec.event(WORKER, "chan_deadlock", domain=1, pid=MAIN, goroutines=2)
    for tid in (MAIN, PEER):
        rec.abort(tid, tid, EDEADLK)
        rec.state(tid, "waiting", "runnable")


class GoodTraces(unittest.TestCase):
    """What a module that works does is no violation."""

    def accept(self, rec):
        violations, _ = check.check(rec.trace())
        self.assertEqual(violations, [])

    def test_a_goroutine_that_lives_waits_and_dies(self):
        rec = Recorder()
        goroutine_parks(rec)
        rec.state(PEER, "running", "dead")
        rec.go(PEER)
        self.accept(rec)

    def test_one_who_has_given_up_is_passed_over_and_says_so_later(self):
        rec = Recorder()
        rec.make(1)
        rec.park(PEER, (1, RECVQ))
        rec.park(OTHER, (1, RECVQ))
        rec.ready(OTHER, MAIN, (1, RECVQ))
        rec.abort(PEER, 1)
        self.accept(rec)

    def test_a_stale_entry_of_one_who_has_given_up(self):
        rec = Recorder()
        rec.make(1)
        rec.park(PEER, (1, RECVQ), (2, RECVQ))
        rec.park(OTHER, (1, RECVQ))
        rec.stale(PEER, MAIN, (1, RECVQ))
        rec.ready(OTHER, MAIN, (1, RECVQ))
        rec.abort(PEER, 1)
        self.accept(rec)

    def test_a_select_is_served_in_one_queue_and_leaves_the_other(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ), (2, SENDQ))
        rec.park(OTHER, (1, RECVQ))
        rec.ready(PEER, MAIN, (2, SENDQ), scase=1)
        rec.recv(MAIN, 2, "direct")
        rec.ready(OTHER, MAIN, (1, RECVQ))
        rec.send(PEER, 2, "parked")
        self.accept(rec)

    def test_a_select_does_not_meet_itself(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.enqueue(PEER, (2, RECVQ), 1)
        rec.park(OTHER, (1, RECVQ))
        rec.ready(OTHER, PEER, (1, RECVQ))
        rec.ready(PEER, PEER, (1, SENDQ), scase=2)
        rec.send(PEER, 1, "direct")
        self.accept(rec)

    def test_a_full_buffer_takes_the_element_of_a_parked_sender(self):
        rec = Recorder()
        rec.make(1, cap=1)
        rec.send(MAIN, 1, "buffered", length=1, cap=1)
        rec.park(PEER, (1, SENDQ))
        rec.ready(PEER, MAIN, (1, SENDQ))
        rec.recv(MAIN, 1, "buffered", length=1, cap=1)
        rec.send(PEER, 1, "parked", length=1, cap=1)
        rec.recv(MAIN, 1, "buffered", length=0, cap=1)
        self.accept(rec)

    def test_a_select_that_does_not_block_is_completed_while_it_looks(self):
        rec = Recorder()
        rec.make(1, cap=1)
        rec.event(PEER, "chan_select_begin", chan=1, g=0, cases=2, blocks=0, sends=1, chans=[])
        rec.recv(MAIN, 1, "direct", cap=1)
        rec.send(PEER, 1, "parked", cap=1)
        rec.event(PEER, "chan_select_commit", chan=1, g=0, result=0, parked=0)
        self.accept(rec)

    def test_close_readies_all(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.park(OTHER, (1, RECVQ))
        rec.ready(PEER, MAIN, (1, RECVQ), result=EPIPE)
        rec.ready(OTHER, MAIN, (1, RECVQ), result=EPIPE)
        rec.close(MAIN, 1)
        rec.recv(PEER, 1, "closed")
        rec.close(MAIN, 1, how="remove")
        self.accept(rec)

    def test_a_stranger_who_was_parked_before(self):
        rec = Recorder()
        rec.ready(77, MAIN, (1, RECVQ))
        rec.send(MAIN, 1, "direct")
        rec.recv(77, 1, "parked")
        rec.recv(MAIN, 9, "buffered", length=3, cap=5)
        self.accept(rec)

    def test_one_who_has_given_up_has_no_time_to_say_so(self):
        for last in (False, True):
            rec = Recorder()
            rec.make(1)
            rec.park(PEER, (1, RECVQ))
            rec.switch(PEER, OTHER)
            rec.park(OTHER, (1, RECVQ))
            rec.switch(OTHER, PEER)
            rec.switch(PEER, MAIN, "R+")
            rec.ready(OTHER, MAIN, (1, RECVQ))
            if not last:
                rec.switch(MAIN, PEER)
                rec.abort(PEER, 1)
                rec.lines[-1]["t"] += 2 * check.SOON
            self.accept(rec)

    def test_a_number_is_used_again_before_its_end_is_told(self):
        """By another thread, by the same one, and by none that is a goroutine."""
        for tid in (OTHER, PEER):
            rec = Recorder()
            rec.make(1)
            rec.go(PEER, g=7, serial=5)
            rec.go(tid, g=7, serial=6)
            rec.state(tid, "running", "waiting", g=7, serial=6)
            rec.park(tid, (1, RECVQ))
            rec.state(PEER, "running", "dead", by=MAIN, g=7, serial=5)
            rec.ready(tid, MAIN, (1, RECVQ))
            rec.send(MAIN, 1, "direct")
            rec.state(tid, "waiting", "runnable", by=MAIN, g=7, serial=6)
            rec.recv(tid, 1, "parked")
            rec.state(tid, "runnable", "running", g=7, serial=6)
            rec.state(tid, "running", "dead", g=7, serial=6)
            self.accept(rec)
        rec = Recorder()
        rec.go(PEER, serial=5)
        del rec.goroutine[PEER]
        rec.park(PEER, (1, RECVQ))
        rec.state(PEER, "running", "dead", by=MAIN, serial=5)
        rec.abort(PEER, 1)
        self.accept(rec)

    def test_a_goroutine_that_waited_before(self):
        for begin in ("park", "ready", "runnable"):
            rec = Recorder()
            rec.goroutine[77] = 77
            if begin == "park":
                rec.park(77, (1, RECVQ))
            if begin != "runnable":
                rec.ready(77, MAIN, (1, RECVQ))
            rec.state(77, "waiting", "runnable", by=MAIN)
            rec.recv(77, 1, "parked")
            rec.state(77, "runnable", "running")
            rec.state(77, "running", "dead")
            self.accept(rec)

    def test_an_end_in_the_middle(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "running", "waiting")
        rec.park(PEER, (1, RECVQ))
        self.accept(rec)


class BadTraces(unittest.TestCase):
    """Each breaks one rule once, in its last line."""

    def refuse(self, rec, rule, words):
        violations, _ = check.check(rec.trace())
        self.assertEqual([(line, name) for line, name, _ in violations], [(rec.line(), rule)],
                         violations)
        self.assertIn(words, violations[0][2])

    def refuse_lines(self, rec, expected):
        violations, _ = check.check(rec.trace())
        self.assertEqual([(line, name) for line, name, _ in violations], expected, violations)

    # go-state

    def test_runnable_without_having_been_created(self):
        rec = Recorder()
        rec.state(PEER, "idle", "runnable")
        self.refuse(rec, "go-state", "never created")

    def test_created_twice(self):
        rec = Recorder()
        rec.go(PEER)
        rec.event(PEER, "chan_go_create", domain=1, g=PEER, creator=0, task=PEER, name="f")
        self.refuse(rec, "go-state", "there already")

    def test_from_a_state_that_it_is_not_in(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "waiting", "runnable", by=MAIN)
        self.refuse(rec, "go-state", "but it is running")

    def test_a_step_that_does_not_exist(self):
        for states in (("running", "runnable"), ("running", "idle"), ("running", "running")):
            rec = Recorder()
            rec.go(PEER)
            rec.state(PEER, *states)
            self.refuse(rec, "go-state", f"becomes {states[1]}")

    def test_dead_while_it_waits(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "running", "waiting")
        rec.state(PEER, "waiting", "dead")
        self.refuse(rec, "go-state", "becomes dead")

    def test_alive_after_death(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "running", "dead")
        rec.state(PEER, "dead", "running")
        self.refuse(rec, "go-state", "becomes running")

    def test_parks_while_it_is_running(self):
        rec = Recorder()
        rec.go(PEER)
        rec.event(PEER, "chan_park", chan=1, g=PEER, reason="chan receive", cases=1)
        self.refuse(rec, "go-state", "its goroutine is running")

    def test_readied_while_it_is_runnable(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "running", "waiting")
        rec.park(PEER, (1, RECVQ))
        rec.state(PEER, "waiting", "runnable", by=MAIN)
        self.refuse(rec, "go-state", "nobody has ended its park")
        line = rec.line()
        rec.ready(PEER, MAIN, (1, RECVQ))
        self.refuse_lines(rec, [(line, "go-state"), (rec.line(), "go-state")])

    def test_aborts_while_it_is_runnable(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "running", "waiting")
        rec.park(PEER, (1, RECVQ))
        rec.state(PEER, "waiting", "runnable")
        line = rec.line()
        rec.abort(PEER, 1)
        self.refuse_lines(rec, [(line, "go-state"), (rec.line(), "go-state")])

    def test_waits_without_a_park(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "running", "waiting")
        rec.state(PEER, "waiting", "runnable")
        self.refuse(rec, "go-state", "has not parked since")

    def test_runs_again_while_it_is_parked(self):
        rec = Recorder()
        rec.go(PEER)
        for _ in range(2):
            rec.state(PEER, "running", "waiting")
            rec.park(PEER, (1, RECVQ))
            rec.abort(PEER, 1)
            rec.state(PEER, "waiting", "runnable")
            rec.state(PEER, "runnable", "running")
        rec.state(PEER, "running", "waiting")
        rec.park(PEER, (1, RECVQ))
        rec.state(PEER, "waiting", "runnable")
        self.refuse(rec, "go-state", "nobody has ended its park")

    def test_parks_twice_while_it_waits(self):
        rec = Recorder()
        rec.go(PEER)
        rec.state(PEER, "running", "waiting")
        rec.park(PEER, (1, RECVQ))
        rec.abort(PEER, 1)
        rec.event(PEER, "chan_park", chan=1, g=PEER, reason="chan receive", cases=1)
        self.refuse(rec, "go-state", "has done so in line")

    def test_dies_while_it_is_parked(self):
        """It was there before."""
        rec = Recorder()
        rec.event(77, "chan_park", chan=1, g=77, reason="chan receive", cases=1)
        rec.state(77, "running", "dead", by=MAIN)
        self.refuse(rec, "go-state", "has no end")

    def test_the_same_goroutine_is_created_twice(self):
        rec = Recorder()
        rec.go(PEER, serial=5)
        rec.event(PEER, "chan_go_create", domain=1, g=PEER, creator=0, task=PEER, name="f",
                  serial=5)
        self.refuse(rec, "go-state", "there already")

    def test_of_two_with_the_same_number_the_dead_one_runs(self):
        rec = Recorder()
        rec.go(PEER, serial=5)
        rec.go(PEER, serial=6)
        rec.state(PEER, "running", "dead", by=MAIN, serial=5)
        rec.state(PEER, "running", "waiting", serial=5)
        self.refuse(rec, "go-state", "but it is dead")

    # park-end

    def test_parks_again_without_an_end(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.event(PEER, "chan_park", chan=1, g=0, reason="chan receive", cases=1)
        self.refuse(rec, "park-end", "has no end")

    def test_aborts_after_a_ready(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.ready(PEER, MAIN, (1, RECVQ))
        rec.abort(PEER, 1)
        self.refuse(rec, "park-end", "not parked")

    def test_aborts_twice(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.abort(PEER, 1)
        rec.abort(PEER, 1)
        self.refuse(rec, "park-end", "not parked")

    def test_joins_a_queue_without_parking(self):
        rec = Recorder()
        rec.enqueue(PEER, (1, RECVQ))
        self.refuse(rec, "park-end", "not parked")

    def test_a_select_ends_itself_without_having_parked(self):
        rec = Recorder()
        rec.ready(PEER, PEER, (1, RECVQ))
        self.refuse(rec, "park-end", "not parked")

    # queue-order, and with it park-end where a task is readied that does not wait

    def test_readied_twice(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.ready(PEER, MAIN, (1, RECVQ))
        rec.ready(PEER, OTHER, (1, RECVQ))
        violations, _ = check.check(rec.trace())
        self.assertEqual({(line, rule) for line, rule, _ in violations},
                         {(rec.line(), "park-end"), (rec.line(), "queue-order")})

    def test_readied_where_it_is_not_queued(self):
        for case, scase in (((2, RECVQ), 0), ((1, SENDQ), 0), ((1, RECVQ), 1)):
            rec = Recorder()
            rec.park(PEER, (1, RECVQ))
            rec.ready(PEER, MAIN, case, scase=scase)
            self.refuse(rec, "queue-order", "not there")

    def test_the_last_is_served_first(self):
        for queue in (RECVQ, SENDQ):
            rec = Recorder()
            rec.park(PEER, (1, queue))
            rec.park(OTHER, (1, queue))
            rec.ready(OTHER, MAIN, (1, queue))
            rec.ready(PEER, MAIN, (1, queue))
            self.refuse(rec, "queue-order", "passed over")

    def test_close_serves_the_last_first(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.park(OTHER, (1, RECVQ))
        rec.ready(OTHER, MAIN, (1, RECVQ), result=EPIPE)
        rec.ready(PEER, MAIN, (1, RECVQ), result=EPIPE)
        self.refuse(rec, "queue-order", "passed over")

    def test_a_select_is_passed_over_in_one_queue_and_served_in_another(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ), (2, RECVQ))
        rec.park(OTHER, (1, RECVQ))
        rec.ready(OTHER, MAIN, (1, RECVQ))
        rec.ready(PEER, MAIN, (2, RECVQ), scase=1)
        self.refuse(rec, "queue-order", "passed over")

    def test_dropped_as_stale_and_readied_later(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ), (2, RECVQ))
        rec.stale(PEER, MAIN, (1, RECVQ))
        rec.ready(PEER, MAIN, (2, RECVQ), scase=1)
        self.refuse(rec, "queue-order", "passed over")

    def passed_over(self):
        """PEER came before OTHER, who is served."""
        rec = Recorder()
        rec.make(1)
        rec.park(PEER, (1, RECVQ))
        rec.park(OTHER, (1, RECVQ))
        rec.ready(OTHER, MAIN, (1, RECVQ))
        return rec

    def test_waits_for_ever(self):
        self.refuse(self.passed_over(), "queue-order", "came first")

    def test_waits_while_others_are_served_again_and_again(self):
        rec = self.passed_over()
        line = rec.line()
        for _ in range(100):
            rec.recv(OTHER, 1, "parked")
            rec.park(OTHER, (1, RECVQ))
            rec.ready(OTHER, MAIN, (1, RECVQ))
        self.refuse_lines(rec, [(line, "queue-order")])

    def test_gives_up_long_after_it_was_passed_over(self):
        rec = self.passed_over()
        line = rec.line()
        rec.abort(PEER, 1)
        rec.lines[-1]["t"] += 2 * check.SOON
        self.refuse_lines(rec, [(line, "queue-order")])

    def test_sleeps_while_another_is_served(self):
        rec = Recorder()
        rec.make(1)
        rec.park(PEER, (1, RECVQ))
        rec.switch(PEER, OTHER)
        rec.park(OTHER, (1, RECVQ))
        rec.ready(OTHER, MAIN, (1, RECVQ))
        line = rec.line()
        rec.abort(PEER, 1)
        self.refuse_lines(rec, [(line, "queue-order")])

    def test_goes_to_sleep_after_it_was_passed_over(self):
        rec = self.passed_over()
        line = rec.line()
        rec.switch(PEER, OTHER)
        rec.abort(PEER, 1)
        self.refuse_lines(rec, [(line, "queue-order")])

    def test_joins_a_queue_twice(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.enqueue(PEER, (1, RECVQ))
        self.refuse(rec, "queue-order", "twice")

    # hand-off

    def test_its_partner_did_it_but_nobody_readied_it(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.abort(PEER, 1)
        rec.recv(PEER, 1, "parked")
        self.refuse(rec, "hand-off", "not readied")

    def test_readied_by_close_but_has_received(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.ready(PEER, MAIN, (1, RECVQ), result=EPIPE)
        rec.recv(PEER, 1, "parked")
        self.refuse(rec, "hand-off", "not readied")

    def test_readied_for_something_else(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ), (2, SENDQ))
        rec.ready(PEER, MAIN, (1, RECVQ))
        rec.send(PEER, 2, "parked")
        self.refuse(rec, "hand-off", "readied for another")

    def test_does_not_say_what_it_was_readied_for(self):
        rec = Recorder()
        rec.park(PEER, (1, RECVQ))
        rec.ready(PEER, MAIN, (1, RECVQ))
        rec.event(PEER, "chan_park", chan=1, g=0, reason="chan receive", cases=1)
        self.refuse(rec, "hand-off", "has not said")

    def test_a_select_that_has_parked_needs_to_be_readied(self):
        rec = Recorder()
        rec.event(PEER, "chan_select_begin", chan=1, g=0, cases=2, blocks=1, sends=0, chans=[])
        rec.park(PEER, (1, RECVQ), (2, RECVQ))
        rec.abort(PEER, 1)
        rec.recv(PEER, 1, "parked")
        self.refuse(rec, "hand-off", "not readied")

    # occupancy

    def test_more_than_the_capacity(self):
        rec = Recorder()
        rec.make(1, cap=1)
        rec.send(MAIN, 1, "buffered", length=1, cap=1)
        rec.send(MAIN, 1, "buffered", length=2, cap=1)
        self.refuse(rec, "occupancy", "2 of 1")

    def test_another_capacity(self):
        rec = Recorder()
        rec.make(1, cap=2)
        rec.send(MAIN, 1, "would-block", length=0, cap=3)
        self.refuse(rec, "occupancy", "capacity")

    def test_an_element_appears(self):
        rec = Recorder()
        rec.make(1, cap=3)
        rec.send(MAIN, 1, "buffered", length=2, cap=3)
        self.refuse(rec, "occupancy", "buffers 2")

    def test_an_element_vanishes(self):
        rec = Recorder()
        rec.make(1, cap=3)
        rec.send(MAIN, 1, "buffered", length=1, cap=3)
        rec.send(MAIN, 1, "buffered", length=2, cap=3)
        rec.recv(MAIN, 1, "buffered", length=0, cap=3)
        self.refuse(rec, "occupancy", "buffers 0")

    def test_received_from_an_empty_buffer(self):
        rec = Recorder()
        rec.make(1, cap=3)
        rec.recv(MAIN, 1, "buffered", length=0, cap=3)
        self.refuse(rec, "occupancy", "and 0 before")

    def test_received_but_still_there(self):
        rec = Recorder()
        rec.make(1, cap=3)
        rec.send(MAIN, 1, "buffered", length=1, cap=3)
        rec.recv(MAIN, 1, "buffered", length=1, cap=3)
        self.refuse(rec, "occupancy", "buffers 1")

    def test_a_sender_was_let_in_but_it_did_not_count(self):
        rec = Recorder()
        rec.make(1, cap=1)
        rec.send(MAIN, 1, "buffered", length=1, cap=1)
        rec.park(PEER, (1, SENDQ))
        rec.ready(PEER, MAIN, (1, SENDQ))
        rec.recv(MAIN, 1, "buffered", length=0, cap=1)
        self.refuse(rec, "occupancy", "buffers 0")

    def test_past_the_buffer_while_it_holds_something(self):
        rec = Recorder()
        rec.make(1, cap=3)
        rec.send(MAIN, 1, "buffered", length=1, cap=3)
        rec.send(MAIN, 1, "direct", length=1, cap=3)
        self.refuse(rec, "occupancy", "direct send")

    # after-close

    def test_sent_after_close(self):
        rec = Recorder()
        rec.make(1, cap=1)
        rec.close(MAIN, 1)
        rec.send(PEER, 1, "buffered", length=1, cap=1)
        self.refuse(rec, "after-close", "sends to")

    def test_parked_after_close(self):
        rec = Recorder()
        rec.close(MAIN, 1)
        rec.park(PEER, (1, RECVQ))
        self.refuse(rec, "after-close", "waits for")

    def test_closed_twice(self):
        rec = Recorder()
        rec.close(MAIN, 1)
        rec.close(PEER, 1)
        self.refuse(rec, "after-close", "was done")

    def test_received_after_removal(self):
        rec = Recorder()
        rec.close(MAIN, 1, how="remove")
        rec.recv(PEER, 1, "direct")
        self.refuse(rec, "after-close", "removed")


class Files(unittest.TestCase):
    """What the commands say and return, and what they do with what is no trace."""

    def run_main(self, main, *args):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(list(args))
            except SystemExit as end:
                status = end.code
        return status, out.getvalue(), err.getvalue()

    def run_on(self, main, text):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write(text)
            file.flush()
            return self.run_main(main, file.name)

    @staticmethod
    def text(rec):
        return "".join(json.dumps(line) + "\n" for line in rec.lines)

    def test_check_accepts(self):
        rec = Recorder()
        goroutine_parks(rec)
        status, out, err = self.run_on(check.main, self.text(rec))
        self.assertEqual((status, err), (0, ""))
        self.assertIn("park-end:    1 parks: 1 ended by a ready", out)
        self.assertIn("violations:  0\n", out)

    def test_check_refuses(self):
        rec = Recorder()
        rec.abort(PEER, 1)
        status, out, _ = self.run_on(check.main, self.text(rec))
        self.assertEqual(status, 1)
        self.assertIn(f".jsonl:{rec.line()}: park-end: ", out)
        self.assertIn("violations:  1\n", out)

    def test_check_does_not_judge_what_has_holes(self):
        status, out, err = self.run_on(check.main, self.text(Recorder(lost=3)))
        self.assertEqual((status, out), (2, ""))
        self.assertIn("3 events", err)

    def test_what_is_no_trace(self):
        header = json.dumps(Recorder().lines[0])
        for text in ("", "{}\n", "hello\n", "[1]\n", header + "\nhello\n", header + '\n{"t":1}\n',
                     header + '\n{"t":1,"cpu":0,"tid":1,"comm":"x","e":"chan_enqueue"}\n',
                     self.text(Recorder()).replace('"t": 1000', '"t": 9000')):
            with self.subTest(text), self.assertRaises(tracefile.BadTrace):
                check.check(tracefile.read_lines(text.splitlines()))

    def test_no_such_file(self):
        status, _, err = self.run_main(check.main, "/nonexistent.jsonl")
        self.assertEqual(status, 2)
        self.assertIn("/nonexistent.jsonl", err)

    def test_report_of_nothing(self):
        status, out, _ = self.run_on(report.main, self.text(Recorder()))
        self.assertEqual(status, 0)
        self.assertIn("events      2", out)

    def test_what_has_no_event_of_the_module(self):
        for main, options in ((report.main, ()), (html.main, ("-o", os.devnull)),
                              (perfetto.main, ("-o", os.devnull))):
            with self.subTest(main.__module__), tempfile.NamedTemporaryFile("w") as file:
                file.write(self.text(Recorder()))
                file.flush()
                status, out, err = self.run_main(main, *options, file.name)
                self.assertEqual(status, 0)
                self.assertIn("none of channels: did the program use any?", out + err)
                rec = Recorder()
                rec.make(1)
                file.seek(0)
                file.write(self.text(rec))
                file.flush()
                status, out, err = self.run_main(main, *options, file.name)
                self.assertEqual((status, "none of channels" in out + err), (0, False))

    def test_report_begins_with_the_first_event_of_the_module(self):
        rec = Recorder()
        rec.event(MAIN, "sched_switch", prev=MAIN, prev_state="R", next=PEER)      # at 3000
        rec.event(PEER, "sched_switch", prev=PEER, prev_state="R", next=MAIN)      # 4000
        rec.make(1)                                                               # 5000
        rec.make(2)                                                               # 6000
        rec.event(MAIN, "sched_switch", prev=MAIN, prev_state="X", next=0)         # 7000
        status, out, _ = self.run_on(report.main, self.text(rec))
        self.assertEqual(status, 0)
        self.assertIn("events      7 in 1 us\n", out)
        self.assertRegex(out, r"x/100 +100 +0 +0 ns +0 ns +1 us +0 ns\n")
        self.assertEqual(html.model(rec.trace())["length"], 1000)

    def test_report_tells_of_deadlocks(self):
        rec = Recorder()
        two_deadlock(rec)
        status, out, _ = self.run_on(report.main, self.text(rec))
        self.assertEqual(status, 0)
        self.assertIn(f"DEADLOCK    of 2 goroutines in process {MAIN}, after 12 us\n", out)
        self.assertNotIn(f"/{WORKER} ", out)
        _, out, _ = self.run_on(check.main, self.text(rec))
        self.assertIn("violations:  0\n", out)

    def test_goroutines_of_several_processes(self):
        """Both are goroutine 100, and wait for the same channel."""
        rec = Recorder()
        rec.event(MAIN, "task_new", task=200, pid=200)
        for tid, domain in ((MAIN, 1), (200, 2)):
            rec.event(tid, "chan_go_create", domain=domain, g=100, creator=0, task=tid, name="f")
            rec.park(tid, (1, RECVQ))
            rec.ready(tid, OTHER, (1, RECVQ))
            rec.recv(tid, 1, "parked")
        status, out, _ = self.run_on(report.main, self.text(rec))
        self.assertEqual(status, 0)
        words = [line.split()[:6] for line in out.splitlines()]
        for pid in ("100", "200"):
            self.assertIn(["f", "100", "(x", f"{pid})", pid, "1"], words)
            self.assertIn(["f", "100", "(x", f"{pid})", "x/102", "1"], words)
        lanes = html.model(rec.trace())
        self.assertEqual(lanes["domains"], {1: ["x", 100], 2: ["x", 200]})

    def test_a_process_that_has_become_another_program(self):
        rec = Recorder()
        for domain in (1, 2):
            rec.event(MAIN, "chan_go_create", domain=domain, g=1, creator=0, task=MAIN, name="f")
        self.assertEqual([str(g) for g in rec.trace().goroutines],
                         ["f 1 (x 100, domain 1)", "f 1 (x 100, domain 2)"])

    def test_of_two_with_the_same_number_the_right_one_is_dead(self):
        rec = Recorder()
        rec.go(PEER, serial=5)
        rec.go(PEER, serial=6)
        rec.state(PEER, "running", "dead", by=MAIN, serial=5)
        first, second = rec.trace().goroutines
        self.assertEqual((first.died, second.died), (1000 * (rec.line() - 1), None))
        rec.close(PEER, 1)
        lanes = html.model(rec.trace())["lanes"]
        end = rec.lines[-1]["t"] - first.born
        self.assertEqual([lane["end"] for lane in lanes if lane["g"] == PEER],
                         [first.died - first.born, end])

    def test_report_says_what_happened(self):
        rec = Recorder()
        goroutine_parks(rec)
        status, out, _ = self.run_on(report.main, self.text(rec))
        self.assertEqual(status, 0)
        words = [line.split() for line in out.splitlines()]
        self.assertIn(["1", "recvq", "1", "10", "ns", "10", "ns", "10", "ns", "10", "ns",
                       "10", "ns", "0"], words)
        self.assertIn(["f", "101", "x/100", "1", "1", "10", "ns"], words)
        self.assertIn(["x/100", "f", "101", "1", "1"], words)

    def test_percentiles(self):
        times = list(range(1, 201))
        self.assertEqual([report.percentile(times, p) for p in (50, 95, 99, 100)],
                         [100, 190, 198, 200])
        self.assertEqual(report.percentile([7], 50), 7)


class States(unittest.TestCase):
    """Where the time of a thread goes."""

    def test_each_nanosecond_belongs_to_one_state(self):
        rec = Recorder()
        rec.event(MAIN, "sched_switch", prev=MAIN, prev_state="S", next=PEER)      # at 3000
        rec.park(PEER, (1, RECVQ))                                                # 4000, 5000
        rec.event(PEER, "sched_switch", prev=PEER, prev_state="S", next=OTHER)
        rec.event(OTHER, "sched_wakeup", wakee=MAIN, target_cpu=0)                 # 7000
        rec.ready(PEER, OTHER, (1, RECVQ))                                        # 8000
        rec.event(OTHER, "sched_switch", prev=OTHER, prev_state="X", next=PEER)    # 9000
        rec.recv(PEER, 1, "parked")                                               # 10000
        line = timeline.Timeline(rec.trace())
        of = collections.defaultdict(list)
        for stretch in line.stretches:
            of[stretch.tid].append((stretch.state, stretch.begin, stretch.end))
        self.assertEqual(of[MAIN], [("on CPU", 1000, 3000), ("blocked", 3000, 7000),
                                    ("runnable", 7000, 10000)])
        self.assertEqual(of[PEER], [("runnable", 1000, 3000), ("on CPU", 3000, 4000),
                                    ("waiting", 4000, 8000), ("runnable", 8000, 9000),
                                    ("on CPU", 9000, 10000)])
        self.assertEqual(of[OTHER], [("runnable", 2000, 6000), ("on CPU", 6000, 9000)])


def perfetto_problems(document):
    """What a Chrome trace must not have, as a list of texts."""
    events, problems = document["traceEvents"], []
    slices, flows, named = collections.defaultdict(list), collections.defaultdict(dict), set()

    def ns(us):
        return round(us * 1000)

    for event in events:
        lacks = [key for key in ("ph", "ts", "pid", "tid", "name") if key not in event]
        if lacks or event["ph"] not in "XsfCiM" or event["ts"] < 0:
            problems.append(f"bad event {event}")
        elif event["ph"] == "X":
            slices[event["pid"], event["tid"]].append((ns(event["ts"]),
                                                      ns(event["ts"] + event["dur"])))
        elif event["ph"] in "sf":
            if event["ph"] in flows[event["id"]]:
                problems.append(f"flow {event['id']} has two {event['ph']}")
            flows[event["id"]][event["ph"]] = event
        elif event["ph"] == "C":
            if not all(isinstance(value, int) and value >= 0 for value in event["args"].values()):
                problems.append(f"bad counter {event}")
        elif event["ph"] == "M" and event["name"] == "thread_name":
            named.add((event["pid"], event["tid"]))
    for track, of in slices.items():
        if any(begin >= end for begin, end in of):
            problems.append(f"track {track} has a slice without duration")
        if any(first[1] > second[0] for first, second in zip(of, of[1:])):
            problems.append(f"track {track} goes back in time")
    for track in slices.keys() - named:
        problems.append(f"track {track} has no name")
    for number, ends in flows.items():
        if set(ends) != {"s", "f"} or ends["s"]["ts"] > ends["f"]["ts"]:
            problems.append(f"flow {number} does not lead from one event to a later one")
        for end in ends.values():
            of, t = slices[end["pid"], end["tid"]], ns(end["ts"])
            before = bisect.bisect(of, (t, float("inf"))) - 1
            if before < 0 or of[before][1] < t:
                problems.append(f"flow {number} ends in no slice")
    return problems


class Perfetto(unittest.TestCase):
    """The other format."""

    def test_a_rendezvous(self):
        rec = Recorder()
        goroutine_parks(rec)
        rec.close(MAIN, 1)
        rec.make(2, cap=4)
        rec.send(MAIN, 2, "buffered", length=1, cap=4)
        document = json.loads(json.dumps(perfetto.Converter(rec.trace()).convert()))
        self.assertEqual(perfetto_problems(document), [])
        kinds = collections.Counter(event["ph"] for event in document["traceEvents"])
        self.assertEqual((kinds["s"], kinds["f"], kinds["i"]), (1, 1, 1))
        names = [event["name"] for event in document["traceEvents"] if event["ph"] == "X"]
        self.assertIn("chan receive, channel 1", names)
        counters = [(event["name"], event["args"]) for event in document["traceEvents"]
                    if event["ph"] == "C"]
        self.assertEqual(counters, [("channel 1 parked", {"receivers": 1, "senders": 0}),
                                    ("channel 1 parked", {"receivers": 0, "senders": 0}),
                                    ("channel 2 buffered", {"elements": 1})])

    def test_a_deadlock(self):
        rec = Recorder()
        two_deadlock(rec)
        document = perfetto.Converter(rec.trace()).convert()
        self.assertEqual(perfetto_problems(document), [])
        marks = [event for event in document["traceEvents"] if event["ph"] == "i"]
        self.assertEqual([(mark["name"], mark["pid"], mark["s"]) for mark in marks],
                         [("deadlock of 2 goroutines", MAIN, "p")])

    def test_the_test_finds_what_is_wrong(self):
        track = {"ts": 0, "pid": 1, "tid": 1, "name": "x"}
        name = {**track, "ph": "M", "name": "thread_name", "args": {"name": "x"}}
        good = {**track, "ph": "X", "dur": 2}
        for bad in ([good], [name, good, {**good, "ts": 1}], [name, {**good, "dur": 0}],
                    [name, good, {**track, "ph": "s", "id": 1}], [{"ph": "X"}],
                    [{**track, "ph": "C", "args": {"n": -1}}]):
            self.assertNotEqual(perfetto_problems({"traceEvents": bad}), [])
        self.assertEqual(perfetto_problems({"traceEvents": [name, good, {**good, "ts": 2}]}), [])


REAL = None


class RealTrace(unittest.TestCase):
    """What was recorded."""

    def setUp(self):
        if not REAL:
            self.skipTest("no TRACE was given")
        self.trace = tracefile.read(REAL)

    def test_it_converts_to_perfetto(self):
        converter = perfetto.Converter(self.trace)
        document = json.loads(json.dumps(converter.convert()))
        self.assertEqual(perfetto_problems(document), [])
        self.assertGreater(converter.flows, 0)

    def test_its_times_add_up(self):
        of = collections.defaultdict(list)
        for stretch in timeline.Timeline(self.trace).stretches:
            of[stretch.tid].append(stretch)
        self.assertTrue(of)
        for stretches in of.values():
            for first, second in zip(stretches, stretches[1:]):
                self.assertEqual(first.end, second.begin)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        REAL = sys.argv.pop(1)
    unittest.main()
