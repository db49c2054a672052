# SPDX-License-Identifier: GPL-2.0-only
"""What the events of a trace say about goroutines and channels over time.

Times are nanoseconds since the first event of the module.  Rows of numbers are kept in
flat lists, because the page that draws them has to read a hundred thousand.

A lane is a goroutine, or a thread that is none.  It is a sequence of segments, each of
which lasts until the next one begins.  While it waits, its entries stand in the queues of
channels; a wake joins who completed a wait to whose wait it was.
"""
import math

import tracefile

RUNNING, RUNNABLE, RECEIVE, SEND, SELECT, FOREVER, DEAD = range(7)

REASONS = {
    "chan receive": RECEIVE,
    "chan send": SEND,
    "select": SELECT,
    "select (no cases)": FOREVER,
}

# What anybody may find, or do as a last consequence; it makes him no user of channels.
ABOUT_OTHERS = {"chan_destroy", "chan_lost", "chan_go_state", "chan_deadlock"}

# How a wait ended.
WAITS, READY, ABORTED = range(3)

# Of a larger select the first cases are told.
MOST_CASES = 16

# What a lane did, and how an element went (as kmod/trace.h names it).
MARK_SEND, MARK_RECV, MARK_CLOSE, MARK_MAKE = range(4)
PATHS = ["", "direct", "buffered", "parked", "would-block", "closed", "removed"]


def percentile(ordered, share):
    """The nearest-rank percentile of a sorted list."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0


def spread(values):
    """Count, median, P99 and maximum."""
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "p50": percentile(ordered, 0.5),
        "p99": percentile(ordered, 0.99),
        "max": ordered[-1] if ordered else 0,
    }


class Lane:
    """A goroutine, or a thread that is none, from its first event to its last."""

    def __init__(self, number, tid, comm, at):
        self.number = number
        self.tid = tid
        self.comm = comm
        self.g = 0
        self.domain = 0
        self.creator = 0
        self.name = ""
        self.first = at
        self.last = at
        self.segments = []  # [time, kind, channel, wait or -1]
        self.waits = []  # [cases, how it ended, waker, case, result, entries]
        self.marks = []  # time, what, channel, path, ...
        self.on_cpu = []  # begin, end, cpu, ...
        self.wake = None  # it has been woken by this, and does not run yet
        self.exit = None

    def kind(self):
        return self.segments[-1][1] if self.segments else None

    def waiting(self):
        return self.kind() in (RECEIVE, SEND, SELECT, FOREVER)

    def wait(self):
        return self.waits[self.segments[-1][3]]

    def enter(self, at, kind, channel=0):
        """Begin a segment, unless this is what it does already."""
        if self.kind() == kind or self.kind() == DEAD:
            return
        if self.segments:
            at = max(at, self.segments[-1][0])
        self.segments.append([at, kind, channel, -1])
        if kind == RUNNING and self.wake:
            self.wake[5] = at
            self.wake = None

    def act(self, at):
        """It does something: it runs, unless it completes its own select before it sleeps."""
        if not self.waiting():
            self.enter(at, RUNNING)

    def enter_wait(self, at, kind, channel, cases):
        if self.segments:
            at = max(at, self.segments[-1][0])
        self.segments.append([at, kind, channel, len(self.waits)])
        self.waits.append([cases, WAITS, -1, -1, 0, []])

    def data(self):
        return {
            "g": self.g,
            "tid": self.tid,
            "comm": self.comm,
            "name": self.name,
            "domain": self.domain,
            "creator": self.creator,
            "end": self.last,
            "segments": [x for segment in self.segments for x in segment],
            "waits": self.waits,
            "marks": self.marks,
            "cpu": self.on_cpu,
        }


class Channel:
    """A channel: how full it was, and how many waited on it."""

    def __init__(self, number):
        self.id = number
        self.cap = 0
        self.elem_size = -1
        self.flags = []
        self.made = -1
        self.gone = -1
        self.closes = []  # [time, how, lane, woken]
        self.levels = []  # time, len, ...
        self.queues = []  # time, senders, receivers, ...
        self.parked = [0, 0]
        self.sends = 0
        self.recvs = 0
        self.users = {}

    def set_level(self, at, length):
        if not self.levels or self.levels[-1] != length:
            self.levels += [at, length]

    def queue(self, at, send, change):
        side = 0 if send else 1
        self.parked[side] = max(0, self.parked[side] + change)
        self.queues += [at] + self.parked

    def data(self):
        return {
            "id": self.id,
            "cap": self.cap,
            "elem_size": self.elem_size,
            "flags": self.flags,
            "made": self.made,
            "gone": self.gone,
            "closes": self.closes,
            "levels": self.levels,
            "queues": self.queues,
            "sends": self.sends,
            "recvs": self.recvs,
            "users": sorted(self.users),
        }


class Picture:
    """Feed it the events of a trace in their order, then ask for data()."""

    def __init__(self):
        self.lanes = []
        self.of_tid = {}
        self.of_g = {}
        self.channels = {}
        self.wakes = []  # [time, from, to, channel, by a sender?, running again or -1]
        self.entries = {}  # tid: [(channel, send)]
        self.waited = []
        self.deadlocks = []  # [time, domain, goroutines]
        self.cpu_begin = {}
        self.cpu_times = {}
        self.start = None
        self.end = 0
        self.counts = {}
        self.handlers = {
            "chan_make": self.on_make,
            "chan_destroy": self.on_destroy,
            "chan_send": self.on_transfer,
            "chan_recv": self.on_transfer,
            "chan_close": self.on_close,
            "chan_park": self.on_park,
            "chan_enqueue": self.on_enqueue,
            "chan_ready": self.on_ready,
            "chan_abort": self.on_abort,
            "chan_select_commit": self.on_commit,
            "chan_go_create": self.on_create,
            "chan_go_state": self.on_state,
            "chan_deadlock": self.on_deadlock,
        }

    def add(self, event):
        what = event.e
        self.counts[what] = self.counts.get(what, 0) + 1
        if what == "sched_switch":
            self.on_switch(event)
            return
        if not what.startswith("chan_"):
            return
        if self.start is None:
            self.start = event.t
        at = max(event.t - self.start, self.end)
        self.end = at
        lane = None if what in ABOUT_OTHERS else self.lane(event.tid, event.comm, at)
        if what in self.handlers:
            self.handlers[what](event, at, lane)

    def lane(self, tid, comm, at):
        """The lane of a task; a new one if the task is new."""
        lane = self.of_tid.get(tid)
        if lane is None:
            lane = self.new_lane(tid, comm, at)
        elif comm:
            lane.comm = comm
        lane.last = max(lane.last, at)
        return lane

    def new_lane(self, tid, comm, at):
        lane = Lane(len(self.lanes), tid, comm, at)
        self.lanes.append(lane)
        self.of_tid[tid] = lane
        return lane

    def channel(self, number, lane=None):
        channel = self.channels.get(number)
        if channel is None:
            channel = self.channels[number] = Channel(number)
        if lane is not None:
            channel.users[lane.number] = True
        return channel

    def on_make(self, event, at, lane):
        lane.act(at)
        channel = self.channel(event["chan"], lane)
        channel.made = at
        channel.cap = event["cap"]
        channel.elem_size = event["elem_size"]
        channel.flags = event["flags"]
        channel.set_level(at, 0)
        lane.marks += [at, MARK_MAKE, channel.id, 0]

    def on_destroy(self, event, at, lane):
        self.channel(event["chan"]).gone = at

    def on_transfer(self, event, at, lane):
        channel = self.channel(event["chan"], lane)
        channel.cap = event["cap"]
        path = event["path"]
        if path == "parked":
            lane.enter(at, RUNNING)
        else:
            lane.act(at)
        if path in ("direct", "buffered"):
            channel.set_level(at, event["len"])
        send = event.e == "chan_send"
        if path in ("direct", "buffered", "parked"):
            channel.sends += send
            channel.recvs += not send
        lane.marks += [at, MARK_SEND if send else MARK_RECV, channel.id,
                       PATHS.index(path) if path in PATHS else 0]

    def on_close(self, event, at, lane):
        lane.act(at)
        channel = self.channel(event["chan"], lane)
        channel.closes.append([at, event["how"], lane.number, event["woken"]])
        if event["how"] == "remove":
            channel.set_level(at, 0)
        lane.marks += [at, MARK_CLOSE, channel.id, 0]

    def on_park(self, event, at, lane):
        if lane.kind() == DEAD:
            lane = self.new_lane(lane.tid, lane.comm, at)
        kind = REASONS.get(event["reason"], FOREVER)
        lane.enter_wait(at, kind, event["chan"], event["cases"])

    def on_enqueue(self, event, at, lane):
        channel = self.channel(event["chan"], lane)
        self.entries.setdefault(lane.tid, []).append((channel, event["send"]))
        channel.queue(at, event["send"], 1)
        if lane.waiting() and lane.segments[-1][3] >= 0 and event["scase"] < MOST_CASES:
            lane.wait()[5] += [channel.id, event["send"], event["place"], event["scase"]]

    def leave_queues(self, tid, at):
        for channel, send in self.entries.pop(tid, ()):
            channel.queue(at, send, -1)

    def end_wait(self, lane, event, at, how, waker):
        """Note how a wait ended, also one that began before the trace did."""
        if not lane.waiting() or lane.segments[-1][3] < 0:
            kind = REASONS.get(event.get("reason"), SEND if event.get("send") else RECEIVE)
            since = max(0, at - event["waited"])
            lane.enter_wait(since, kind, event["chan"], 1)
            lane.first = min(lane.first, since)
        lane.wait()[1:5] = [how, waker, event.get("scase", -1), event["result"]]
        self.leave_queues(lane.tid, at)
        self.waited.append(event["waited"])

    def on_ready(self, event, at, waker):
        lane = self.lane(event.task, "", at)
        self.channel(event["chan"], waker)
        self.end_wait(lane, event, at, READY, waker.number)
        if lane is waker:
            lane.enter(at, RUNNING)
            return
        lane.enter(at, RUNNABLE, event["chan"])
        lane.wake = [at, waker.number, lane.number, event["chan"], 1 - event["send"], -1]
        self.wakes.append(lane.wake)

    def on_abort(self, event, at, lane):
        self.end_wait(lane, event, at, ABORTED, -1)
        lane.enter(at, RUNNING)

    def on_commit(self, event, at, lane):
        self.leave_queues(lane.tid, at)
        lane.enter(at, RUNNING)

    def on_create(self, event, at, lane):
        if lane.g or lane.kind() == DEAD:
            lane = self.new_lane(lane.tid, lane.comm, at)
        lane.g = event["g"]
        lane.domain = event["domain"]
        lane.creator = event["creator"]
        lane.name = event["name"]
        self.of_g[tracefile.identity(event)] = lane

    def on_state(self, event, at, lane):
        # A thread that ends without a word is found dead later, by others.
        key, to = tracefile.identity(event), event["to"]
        if to == "dead" and key not in self.of_g and event.task in self.of_tid:
            return
        lane = self.of_g.get(key) or self.lane(event.task, "", at)
        if not lane.g:
            lane.g, lane.domain = event["g"], event["domain"]
            self.of_g[key] = lane
        if to == "running":
            lane.enter(at, RUNNING)
        elif to == "runnable" and not lane.waiting():
            lane.enter(at, RUNNABLE, event["chan"])
        elif to == "dead":
            lane.enter(at, DEAD)

    def on_deadlock(self, event, at, lane):
        self.deadlocks.append([at, event["domain"], event["goroutines"]])

    def on_switch(self, event):
        begun = self.cpu_begin.pop(event.cpu, None)
        if event["prev"]:
            if begun is None or begun[0] != event["prev"]:
                begun = (event["prev"], 0)
            self.cpu_times.setdefault(event["prev"], []).append(
                (begun[1], event.t, event.cpu))
        if event["prev_state"][:1] in ("Z", "X") and event["prev"] in self.of_tid:
            self.of_tid.pop(event["prev"]).exit = event.t - self.start
        if event["next"]:
            self.cpu_begin[event.cpu] = (event["next"], event.t)

    def finish(self):
        """Let who has not ended last until the end; give each lane its time on a CPU."""
        for lane in self.lanes:
            if lane.exit is not None:
                lane.last = min(lane.exit, self.end)
                while lane.segments and lane.segments[-1][0] > lane.last:
                    lane.segments.pop()
            if lane.kind() == DEAD:
                lane.last = lane.segments.pop()[0]
            elif lane.exit is not None:
                pass
            elif not lane.segments:
                lane.last = lane.first
            elif lane is self.of_tid.get(lane.tid):
                lane.last = self.end
        for cpu, (tid, begin) in self.cpu_begin.items():
            self.cpu_times.setdefault(tid, []).append((begin, self.start + self.end, cpu))
        for lane in self.lanes:
            for begin, end, cpu in self.cpu_times.get(lane.tid, ()):
                begin = max(begin - self.start, lane.first)
                end = min(end - self.start, lane.last)
                if begin < end:
                    lane.on_cpu += [begin, end, cpu]

    def data(self):
        if self.start is None:
            self.start = 0
        self.finish()
        latency = [wake[5] - wake[0] for wake in self.wakes if wake[5] >= 0]
        return {
            "start": self.start,
            "length": self.end,
            "counts": self.counts,
            "scheduled": bool(self.cpu_times),
            "wait": spread(self.waited),
            "latency": spread(latency),
            "lanes": [lane.data() for lane in self.lanes],
            "channels": [c.data() for _, c in sorted(self.channels.items())],
            "deadlocks": self.deadlocks,
            "wakes": [x for wake in self.wakes for x in wake],
        }
