# SPDX-License-Identifier: GPL-2.0-only
"""Traces made by hand, event by event, for the tests of what reads traces."""
import json
import random

STATES = ["idle", "runnable", "running", "waiting", "dead"]


class Made:
    """A trace that grows; time goes on by a microsecond with each event."""

    def __init__(self, command=("made",), lost=0, sched=False):
        self.header = {"chantrace": 1, "kernel": "6.12.0", "cpus": 2,
                       "command": list(command), "lost": lost}
        self.events = []
        self.now = 1_000_000_000
        self.g_of = {}
        self.state = {}
        self.sched = sched

    def event(self, what, tid, **fields):
        self.now += 1000
        self.events.append({"t": self.now, "cpu": tid % 2, "tid": tid, "comm": "made",
                            "e": what, **fields})

    def pass_time(self, ns):
        self.now += ns

    def make(self, tid, chan, cap=0, flags=()):
        self.event("chan_make", tid, chan=chan, cap=cap, elem_size=8, flags=list(flags))

    def go(self, tid, g, name, creator=0, domain=1):
        self.g_of[tid] = (g, domain)
        self.event("chan_go_create", tid, domain=domain, g=g, creator=creator, task=tid,
                   name=name)
        self.become(tid, "idle", "runnable")
        self.become(tid, "runnable", "running")

    def become(self, tid, before, after, by=None):
        if tid in self.g_of:
            g, domain = self.g_of[tid]
            self.event("chan_go_state", by or tid, domain=domain, g=g, chan=0, task=tid,
                       **{"from": before, "to": after})

    def g(self, tid):
        return self.g_of.get(tid, (0, 0))[0]

    def transfer(self, what, tid, chan, path="direct", length=0, cap=0):
        self.event("chan_" + what, tid, chan=chan, g=self.g(tid), path=path, size=8,
                   len=length, cap=cap)

    def park(self, tid, entries, reason=None):
        """Entries: (channel, is a send)."""
        reason = reason or ("select" if len(entries) != 1 else
                            "chan send" if entries[0][1] else "chan receive")
        self.become(tid, "running", "waiting")
        self.event("chan_park", tid, chan=entries[0][0] if entries else 0, g=self.g(tid),
                   reason=reason, cases=len(entries))
        for index, (chan, send) in enumerate(entries):
            self.event("chan_enqueue", tid, chan=chan, g=self.g(tid), send=int(send),
                       place=1, scase=index)

    def ready(self, waker, tid, chan, send, waited=5000, index=0, result=0):
        self.event("chan_ready", waker, chan=chan, waker=self.g(waker), g=self.g(tid),
                   waited=waited, task=tid, send=int(send), scase=index, result=result)
        self.become(tid, "waiting", "runnable", by=waker)

    def resume(self, tid, chan, send):
        self.transfer("send" if send else "recv", tid, chan, "parked")
        self.become(tid, "runnable", "running")

    def close(self, tid, chan, woken=0):
        self.event("chan_close", tid, chan=chan, g=self.g(tid), how="close", woken=woken,
                   len=0)

    def end(self, tid):
        self.become(tid, "running", "dead")

    def lines(self):
        return [json.dumps(line) for line in [self.header, *self.events]]

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines()) + "\n")
        return path


def rendezvous(sender_name="sender", receiver_name="receiver"):
    """A receiver parks, a sender comes, the channel is closed."""
    made = Made()
    made.go(10, 1, sender_name)
    made.make(10, 7)
    made.go(11, 2, receiver_name, creator=1)
    made.park(11, [(7, False)])
    made.pass_time(100_000)
    made.ready(10, 11, 7, False, waited=102_000)
    made.transfer("send", 10, 7)
    made.pass_time(50_000)
    made.resume(11, 7, False)
    made.close(10, 7)
    made.end(11)
    made.end(10)
    return made


def crowd(goroutines, events):
    """Workers that pass elements on at random, through channels of their own."""
    made = Made(command=["crowd", str(goroutines)])
    dice = random.Random(1)
    tids = list(range(1000, 1000 + goroutines))
    parked = {}
    for number, tid in enumerate(tids):
        made.go(tid, number + 1, f"worker{number}", creator=min(number, 1))
        made.make(tid, number + 1, cap=number % 3 * 4)
    while len(made.events) < events:
        tid = dice.choice(tids)
        if tid in parked:
            waker = dice.choice(tids)
            if waker in parked:
                continue
            chan, send, since = parked.pop(tid)
            made.ready(waker, tid, chan, send, waited=made.now - since)
            made.transfer("recv" if send else "send", waker, chan)
            made.resume(tid, chan, send)
        elif dice.random() < 0.7 and len(parked) < goroutines - 1:
            chan, send = dice.randrange(goroutines) + 1, dice.random() < 0.5
            made.park(tid, [(chan, send)])
            parked[tid] = (chan, send, made.now)
        else:
            chan = dice.randrange(goroutines // 3) * 3 + 2
            made.transfer("send", tid, chan, "buffered", dice.randrange(5), 4)
        made.pass_time(dice.randrange(20_000))
    return made
