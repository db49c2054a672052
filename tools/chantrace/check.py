# SPDX-License-Identifier: GPL-2.0-only
"""chantrace check: is this a trace of channels that work?

Each rule is a class that follows the events which concern it, through methods named after
them.  kmod/trace.h and kmod/wait.h say why the rules hold, and which events are traced under
a lock, so that their order is the order of what happened.

Of a task or a channel that was there before the recording began nothing is known at first,
so the first event that concerns it is believed.
"""
import argparse
import collections
import sys

import tracefile

# Who has given up says so within this time, in nanoseconds, if nothing shows why not.
SOON = 1000000000

# The most violations of one rule that are printed.
MOST_SHOWN = 20

HELP = """\
Check that a trace is one of channels that work.  The rules:

  go-state    a goroutine goes from idle to runnable to running; from there to waiting,
              back to runnable, and to running; and from running to dead.  It waits
              exactly when it is parked: a park follows on each waiting, and a ready or an
              abort comes before each return from there.
  park-end    each park of a task ends by one ready that names it, or by one abort of its
              own, before its next park
  hand-off    a task that says that its partner did its send or receive while it was
              parked was readied for that, and the other way round
  queue-order a queue of a channel is served in the order of coming, except for waits
              that have ended elsewhere; nobody is readied who is not in it, and nobody
              sleeps on there while one who came later is served
  occupancy   each send and receive changes the number of buffered elements by what it
              says, and that stays between 0 and the capacity
  after-close nothing is sent and nobody parks where a channel was closed; it is closed
              once

Prints "FILE:LINE: RULE: what is wrong" for each violation, up to %d for each rule, and then
what was checked.  Exit status: 0 if no rule is violated, 1 if one is, 2 if the file is no
trace, or one with lost events, of which nothing can be said.
""" % MOST_SHOWN


class Rule:
    """What all rules have: a name, the trace, and violations to report."""
    name = ""

    def __init__(self, trace, report):
        self.trace = trace
        self._report = report

    def violated(self, event, text):
        """Report that an event should not be."""
        self._report(event.line, self.name, text)

    def who(self, event, tid=None):
        """The task that an event is of, or another one, as people know it."""
        return self.trace.who(event.tid if tid is None else tid, event.t)

    def finish(self):
        """The trace ends."""

    def summary(self):
        """What was checked, a line of text."""
        raise NotImplementedError


class Life:
    """What is known of a goroutine."""

    def __init__(self, state=None):
        self.state = state
        self.waits = None   # the event that made it wait
        self.park = None    # its chan_park since then
        self.end = None     # the end of that


class GoStates(Rule):
    """A goroutine's way through its states."""
    name = "go-state"

    LEGAL = {
        ("idle", "runnable"), ("runnable", "running"), ("running", "waiting"),
        ("waiting", "runnable"), ("running", "dead"),
    }

    def __init__(self, trace, report):
        super().__init__(trace, report)
        self.lives = {}     # of a goroutine, by its identity
        self.of = {}        # thread: the identity of the goroutine that it is
        self.parks = {}     # thread: its chan_park, as long as that has no end
        self.created = 0
        self.changes = 0

    def on_chan_go_create(self, event):
        key = tracefile.identity(event)
        if key in self.lives and self.lives[key].state != "dead":
            self.violated(event, f"goroutine {event['g']} is created, but it is there already")
        self.lives[key] = Life("idle")
        self.of[event.task] = key
        self.created += 1

    def on_chan_go_state(self, event):
        key, old, new = tracefile.identity(event), event["from"], event["to"]
        life = self.lives.get(key)
        if not life and self.trace.is_whole(event.task):
            self.violated(event, f"goroutine {event['g']} becomes {new}, but was never created")
        elif life and life.state != old:
            self.violated(event, f"goroutine {event['g']} becomes {new} from {old}, "
                                 f"but it is {life.state}")
        elif (old, new) not in self.LEGAL:
            self.violated(event, f"goroutine {event['g']} becomes {new}, but it is {old}")
        life = self.lives.setdefault(key, Life())
        # The end of one may be told when its thread is another goroutine.
        if self.of.setdefault(event.task, key) == key and new == "dead":
            self._must_have_no_park(event)
            del self.of[event.task]
        self._follow_wait(life, event)
        life.state = new
        self.changes += 1

    def _follow_wait(self, life, event):
        """It has begun to wait, or does not any more."""
        if event["to"] == "waiting":
            life.waits, life.park, life.end = event, None, None
        elif life.waits and (event["from"], event["to"]) == ("waiting", "runnable"):
            if not life.park:
                self.violated(event, f"goroutine {event['g']} becomes runnable, but has not "
                                     f"parked since it is waiting, line {life.waits.line}")
            elif not life.end:
                self.violated(event, f"goroutine {event['g']} becomes runnable, but nobody has "
                                     f"ended its park of line {life.park.line}")
            life.waits = None

    def _must_have_no_park(self, event):
        park = self.parks.pop(event.task, None)
        if park and park["g"] == event["g"]:
            self.violated(event, f"goroutine {event['g']} becomes dead, but its park of line "
                                 f"{park.line} has no end")

    def _waiting(self, event, tid, what, as_g):
        """The life of a thread, which has to be waiting, if it does that as a goroutine; or
        None: of one that is none any more the end may not have been told yet."""
        life = self.lives.get(self.of.get(tid)) if as_g else None
        if life and life.state != "waiting":
            self.violated(event, f"{self.who(event, tid)} {what}, but its goroutine is "
                                 f"{life.state}")
        return life

    def on_chan_park(self, event):
        life = self._waiting(event, event.tid, "parks", event["g"])
        if life and life.end:
            self.violated(event, f"{self.who(event)} parks, but it has done so in line "
                                 f"{life.park.line}, and is still waiting")
        if life:
            life.park = event
        self.parks[event.tid] = event

    def _ends(self, event, tid, what):
        life = self._waiting(event, tid, what, self.parks.pop(tid, event)["g"])
        if life and life.park:
            life.end = event

    def on_chan_ready(self, event):
        self._ends(event, event.task, "is readied")

    def on_chan_abort(self, event):
        self._ends(event, event.tid, "aborts a park")

    def summary(self):
        return f"{self.created} goroutines, {self.changes} changes of state"


class Parks(Rule):
    """Each park has one end."""
    name = "park-end"

    def __init__(self, trace, report):
        super().__init__(trace, report)
        self.parked = {}    # thread: its chan_park, None if it is not parked
        self.n = 0
        self.readies = 0
        self.aborts = 0

    def on_chan_park(self, event):
        open_park = self.parked.get(event.tid)
        if open_park:
            self.violated(event, f"{self.who(event)} parks, but its park of line "
                                 f"{open_park.line} has no end")
        self.parked[event.tid] = event
        self.n += 1

    def _ends(self, event, tid, how):
        known = tid in self.parked or self.trace.is_whole(tid)
        if known and not self.parked.get(tid):
            self.violated(event, f"{self.who(event, tid)} {how}, but it is not parked")
        self.parked[tid] = None

    def on_chan_ready(self, event):
        self._ends(event, event.task, "is readied")
        self.readies += 1

    def on_chan_abort(self, event):
        self._ends(event, event.tid, "aborts a park")
        self.aborts += 1

    def on_chan_enqueue(self, event):
        known = event.tid in self.parked or self.trace.is_whole(event.tid)
        if known and not self.parked.get(event.tid):
            self.violated(event, f"{self.who(event)} joins a queue, but it is not parked")

    def summary(self):
        still = sum(park is not None for park in self.parked.values())
        return (f"{self.n} parks: {self.readies} ended by a ready, {self.aborts} by an abort, "
                f"{still} not ended yet")


class Entry:
    """A task in a queue, for a case of its wait."""

    def __init__(self, event, wait):
        self.event = event
        self.wait = wait


class Wait:
    """A park: where it is queued, and whether something shows that it has ended already."""

    def __init__(self):
        self.places = []    # (queue, key) of its entries
        self.passed = None  # the event that passed it over
        self.told = False   # whether that was reported


class Queues(Rule):
    """Queues are served in order.

    Whoever serves a queue takes the first entry whose wait he can claim.  If he cannot, he
    drops it, which is traced (chan_select_stale); or its owner has taken it out himself, which
    is not.  The latter has given up by then, as it would have been readied otherwise, and
    says so afterwards (chan_abort).  So somebody who is passed over may not be readied later,
    nor may he sleep: to give up he has to be on a processor, and from then on he does not sleep
    before he has said so.
    """
    name = "queue-order"

    def __init__(self, trace, report):
        super().__init__(trace, report)
        self.queues = {}    # (channel, sends): (thread, case): Entry, in the order of coming
        self.waits = {}     # thread: Wait
        self.known = set()  # threads of which all entries are known
        self.seen = set()   # threads of which it is known when they sleep
        self.asleep = set()
        self.entries = 0
        self.served = 0
        self.stale = 0

    @staticmethod
    def _place(event, tid):
        return (event["chan"], event["send"]), (tid, event["scase"])

    @staticmethod
    def _name(queue):
        return f"the {'sendq' if queue[1] else 'recvq'} of channel {queue[0]}"

    def on_chan_park(self, event):
        self._forget(event.tid)
        self.waits[event.tid] = Wait()
        self.known.add(event.tid)

    def on_chan_enqueue(self, event):
        queue, key = self._place(event, event.tid)
        wait = self.waits.setdefault(event.tid, Wait())
        entries = self.queues.setdefault(queue, collections.OrderedDict())
        if key in entries:
            self.violated(event, f"{self.who(event)} joins {self._name(queue)} twice")
            del entries[key]
        entries[key] = Entry(event, wait)
        wait.places.append((queue, key))
        self.entries += 1

    def on_chan_select_stale(self, event):
        queue, key = self._place(event, event.task)
        entry = self.queues.get(queue, {}).pop(key, None)
        if entry and not entry.wait.passed:
            entry.wait.passed = event
        self.stale += 1

    def on_chan_ready(self, event):
        queue, key = self._place(event, event.task)
        entries = self.queues.get(queue, {})
        if key in entries:
            self._serve(event, queue, key)
        elif event.tid != event.task and (event.task in self.known or
                                          self.trace.is_whole(event.task)):
            self.violated(event, f"{self.who(event, event.task)} is readied in "
                                 f"{self._name(queue)}, but it is not there")
        self._not_passed(event)
        self._forget(event.task)

    def _serve(self, event, queue, key):
        for other, entry in self.queues[queue].items():
            if other == key:
                break
            # A send and a receive of one select do not meet.
            if other[0] != event.tid and not entry.wait.passed:
                entry.wait.passed = event
                if other[0] in self.asleep:
                    self._starved(entry.wait, other[0])
        self.served += 1

    def _not_passed(self, event):
        wait = self.waits.get(event.task)
        if wait and wait.passed and not wait.told:
            self.violated(event, f"{self.who(event, event.task)} is readied, but it was passed "
                                 f"over in {self._name(self._place(wait.passed, 0)[0])} in "
                                 f"line {wait.passed.line}")

    def on_chan_abort(self, event):
        wait = self.waits.get(event.tid)
        if self._unseen(event.tid, wait) and event.t - wait.passed.t > SOON:
            self._starved(wait, event.tid)
        self._forget(event.tid)

    def on_sched_switch(self, event):
        prev, following = event["prev"], event["next"]
        self.seen.update((prev, following))
        self.asleep.discard(following)
        # Others are ready to run, or wait for memory or the like.
        if event["prev_state"].startswith("S"):
            self.asleep.add(prev)
            wait = self.waits.get(prev)
            if wait and wait.passed:
                self._starved(wait, prev)

    def finish(self):
        # Whoever was awake may have had no time to say that he has given up.
        for tid, wait in self.waits.items():
            if self._unseen(tid, wait):
                self._starved(wait, tid)

    def _unseen(self, tid, wait):
        """Whether it was passed over, and nothing shows what it did meanwhile."""
        return wait and wait.passed and wait.passed.e == "chan_ready" and tid not in self.seen

    def _starved(self, wait, tid):
        event = wait.passed
        if not wait.told:
            self.violated(event, f"{self.who(event, event.task)} is readied in "
                                 f"{self._name(self._place(event, 0)[0])}, where "
                                 f"{self.who(event, tid)} came first, and waits on")
        wait.told = True

    def _forget(self, tid):
        wait = self.waits.pop(tid, None)
        for queue, key in wait.places if wait else ():
            self.queues[queue].pop(key, None)

    def summary(self):
        return (f"{self.entries} entries in {len(self.queues)} queues: {self.served} served, "
                f"{self.stale} dropped")


class HandOffs(Rule):
    """What one side says that it did for the other, the other says too."""
    name = "hand-off"

    def __init__(self, trace, report):
        super().__init__(trace, report)
        self.queued = collections.defaultdict(set)  # thread: (channel, sends) of its park
        self.owed = {}                              # thread: its chan_ready
        self.passing = set()                        # threads in a select that has not parked
        self.n = 0

    # A select that does not block is completed by others without a ready.

    def on_chan_select_begin(self, event):
        self.passing.add(event.tid)

    def on_chan_select_commit(self, event):
        self.passing.discard(event.tid)

    def on_chan_park(self, event):
        self.passing.discard(event.tid)
        owed = self.owed.pop(event.tid, None)
        if owed:
            self.violated(event, f"{self.who(event)} parks, but has not said what it was "
                                 f"readied for in line {owed.line}")
        self.queued[event.tid].clear()

    def on_chan_enqueue(self, event):
        self.queued[event.tid].add((event["chan"], event["send"]))

    def on_chan_ready(self, event):
        # A select that has found a case ready while it queued ends its wait itself.
        by_itself = (event.tid == event.task and
                     (event["chan"], event["send"]) not in self.queued[event.task])
        if event["result"] == 0 and not by_itself:
            self.owed[event.task] = event

    def _told(self, event, send):
        if event["path"] != "parked":
            return
        owed = self.owed.pop(event.tid, None)
        what = "send" if send else "receive"
        if owed:
            self.n += 1
            if (owed["chan"], owed["send"]) != (event["chan"], send):
                self.violated(event, f"a {what} on channel {event['chan']} was done for "
                                     f"{self.who(event)}, but it was readied for another in "
                                     f"line {owed.line}")
        elif event.tid not in self.passing and self.trace.is_whole(event.tid):
            self.violated(event, f"a {what} was done for {self.who(event)}, but it was not "
                                 f"readied")

    def on_chan_send(self, event):
        self._told(event, 1)

    def on_chan_recv(self, event):
        self._told(event, 0)

    def summary(self):
        return f"{self.n} operations done by the partner, told by both"


class Occupancy(Rule):
    """How many elements a channel buffers, at each send and receive under its lock."""
    name = "occupancy"

    def __init__(self, trace, report):
        super().__init__(trace, report)
        self.lens = {}      # of a channel; absent as long as it is unknown
        self.caps = {}
        self.refills = {}   # channel: who has let a sender in, for the receive that follows
        self.n = 0

    def on_chan_make(self, event):
        self.lens[event["chan"]] = 0
        self.caps[event["chan"]] = event["cap"]

    def on_chan_close(self, event):
        if event["how"] == "remove":
            self.lens[event["chan"]] = 0

    def on_chan_ready(self, event):
        if event["send"] and event["result"] == 0:
            self.refills[event["chan"]] = event.tid

    def _check_bounds(self, event):
        cap = self.caps.setdefault(event["chan"], event["cap"])
        if event["cap"] != cap:
            self.violated(event, f"channel {event['chan']} had a capacity of {cap}, now "
                                 f"{event['cap']}")
        if not 0 <= event["len"] <= cap:
            self.violated(event, f"channel {event['chan']} buffers {event['len']} of {cap}")

    def _step(self, event, legal):
        """The length is to be one of those that legal(length before) gives."""
        chan, now = event["chan"], event["len"]
        before = self.lens.get(chan)
        if before is not None and now not in legal(before):
            self.violated(event, f"channel {chan} buffers {now} after a {event['path']} "
                                 f"{event.e[5:]}, and {before} before")
        self.lens[chan] = now
        self.n += 1

    def on_chan_send(self, event):
        self._check_bounds(event)
        if event["path"] == "direct":
            self._step(event, lambda before: {0} if before == 0 else set())
        elif event["path"] == "buffered":
            self._step(event, lambda before: {before + 1})

    def on_chan_recv(self, event):
        self._check_bounds(event)
        refilled = self.refills.get(event["chan"]) == event.tid
        if event["path"] in ("direct", "buffered"):
            self.refills.pop(event["chan"], None)
        if event["path"] == "direct":
            self._step(event, lambda before: {0} if before == 0 else set())
        elif event["path"] == "buffered":
            self._step(event, lambda before: self._after_recv(event, before, refilled))

    @staticmethod
    def _after_recv(event, before, refilled):
        if before == 0:
            return set()
        if refilled:
            return {before}
        # A select that does not block has no event of its own when it is let in.
        return {before - 1, before} if before == event["cap"] else {before - 1}

    def summary(self):
        return f"{self.n} sends and receives on {len(self.caps)} channels change the occupancy"


class AfterClose(Rule):
    """What is closed stays closed."""
    name = "after-close"

    def __init__(self, trace, report):
        super().__init__(trace, report)
        self.closed = {}    # channel: its chan_close
        self.removed = {}
        self.n = 0

    def on_chan_close(self, event):
        ends = self.removed if event["how"] == "remove" else self.closed
        chan = event["chan"]
        if chan in ends:
            self.violated(event, f"channel {chan} is ended by \"{event['how']}\", but that was "
                                 f"done in line {ends[chan].line}")
        ends[chan] = event
        self.n += 1

    def _must_be_open(self, event, what):
        end = self.closed.get(event["chan"]) or self.removed.get(event["chan"])
        if end:
            self.violated(event, f"{self.who(event)} {what} channel {event['chan']}, which was "
                                 f"closed in line {end.line}")

    def on_chan_enqueue(self, event):
        self._must_be_open(event, "waits for")

    def on_chan_send(self, event):
        if event["path"] in ("direct", "buffered"):
            self._must_be_open(event, "sends to")

    def on_chan_recv(self, event):
        if event["path"] in ("direct", "buffered") and event["chan"] in self.removed:
            self.violated(event, f"{self.who(event)} receives from channel {event['chan']}, "
                                 f"which was removed in line "
                                 f"{self.removed[event['chan']].line}")

    def summary(self):
        return f"{self.n} ends of channels"


RULES = (GoStates, Parks, HandOffs, Queues, Occupancy, AfterClose)


def check(trace):
    """Returns the violations as (line, rule, text), in the order of lines, and the rules."""
    violations = []
    rules = [rule(trace, lambda *violation: violations.append(violation)) for rule in RULES]
    handlers = collections.defaultdict(list)
    for rule in rules:
        for name in dir(rule):
            if name.startswith("on_"):
                handlers[name[3:]].append(getattr(rule, name))
    for event in trace.events:
        for handle in handlers.get(event.e, ()):
            handle(event)
    for rule in rules:
        rule.finish()
    return sorted(violations, key=lambda violation: violation[0]), rules


def show(trace, violations):
    """Print violations, not all if there are many."""
    shown = collections.Counter()
    for line, rule, text in violations:
        shown[rule] += 1
        if shown[rule] <= MOST_SHOWN:
            print(f"{trace.path}:{line}: {rule}: {text}")
    for rule, n in shown.items():
        if n > MOST_SHOWN:
            print(f"{trace.path}: {rule}: {n - MOST_SHOWN} more")


def main(argv):
    parser = argparse.ArgumentParser(prog="chantrace check", description=HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", help="what chantrace record wrote, or -")
    args = parser.parse_args(argv)
    trace = tracefile.read_or_exit(args.file)
    if trace.lost:
        tracefile.complain(f"{trace.path} lacks {trace.lost} events that were lost, so it "
                           "cannot be checked: record with more room (-b)")
        return 2
    violations, rules = check(trace)
    show(trace, violations)
    print(f"{len(trace.events)} events")
    for rule in rules:
        print(f"{rule.name + ':':13}{rule.summary()}")
    print(f"violations:  {len(violations)}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(tracefile.run(main))
