# SPDX-License-Identifier: GPL-2.0-only
"""What tasks do when: their states, and their waits on channels."""
import collections

# States of a task.  Blocked is asleep, but not on a channel.  A goroutine that is "running"
# may be in any of them but waiting.
ON_CPU, RUNNABLE, WAITING, BLOCKED = "on CPU", "runnable", "waiting", "blocked"

# What a task that is switched away from is in when it is able to run on.
ABLE_TO_RUN = ("R", "R+")
EXITED = ("X", "Z")


class Wait:
    """A park.

    park      the chan_park
    queues    its chan_enqueue events
    end       the chan_ready or chan_abort that ended it, or None
    """

    def __init__(self, park):
        self.park = park
        self.queues = []
        self.end = None

    @property
    def tid(self):
        return self.park.tid

    @property
    def readied(self):
        """Whether somebody has completed it; perhaps with an error, as a close does."""
        return self.end is not None and self.end.e == "chan_ready"

    @property
    def time(self):
        """How long, in nanoseconds; None if it has no end."""
        return self.end["waited"] if self.end else None

    def __str__(self):
        chan = self.park["chan"]
        if self.readied:
            chan = self.end["chan"]
        where = f", channel {chan}" if chan else ""
        more = f" of {self.park['cases']} cases" if self.park["cases"] > 1 else ""
        return f"{self.park['reason']}{more}{where}"


def waits(trace):
    """All waits, in the order of their beginning."""
    found, of = [], {}
    for event in trace.events:
        if event.e == "chan_park":
            of[event.tid] = Wait(event)
            found.append(of[event.tid])
        elif event.e == "chan_enqueue" and event.tid in of:
            of[event.tid].queues.append(event)
        elif event.e == "chan_ready" and event.task in of:
            of.pop(event.task).end = event
        elif event.e == "chan_abort" and event.tid in of:
            of.pop(event.tid).end = event
    return found


# What a thread did from one time to another; "wait" if it was waiting.
Stretch = collections.namedtuple("Stretch", "tid begin end state wait")


class _Task:
    """What is known of a thread's state by now."""

    def __init__(self, tid, t):
        self.tid = tid
        self.since = t
        self.on_cpu = False
        self.able = True
        self.wait = None

    @property
    def state(self):
        if self.wait:
            return WAITING
        if self.on_cpu:
            return ON_CPU
        return RUNNABLE if self.able else BLOCKED


class Timeline:
    """The stretches of all threads that use channels or belong to the command.

    stretches  all of them, in the order of their ends
    waits      all waits
    """

    def __init__(self, trace):
        self.trace = trace
        self.stretches = []
        self.waits = waits(trace)
        self._wait_of = {wait.park.line: wait for wait in self.waits}
        self._tasks = {}
        for event in trace.events:
            self._follow(event)
        for tid in list(self._tasks):
            self._end(tid, trace.end)

    def _change(self, tid, t, **what):
        """Something of a thread's state is different from now on."""
        task = self._tasks.get(tid)
        if task is None:
            task = self._tasks[tid] = _Task(tid, t)
        old, wait = task.state, task.wait
        for name, value in what.items():
            setattr(task, name, value)
        if (task.state, task.wait) != (old, wait):
            self._stretch(task, t, old, wait)

    def _stretch(self, task, t, state, wait):
        if t > task.since:
            self.stretches.append(Stretch(task.tid, task.since, t, state, wait))
        task.since = t

    def _end(self, tid, t):
        task = self._tasks.pop(tid)
        self._stretch(task, t, task.state, task.wait)

    def _is_ours(self, tid):
        return tid in self._tasks or self.trace.is_whole(tid)

    def _follow(self, event):
        if event.e == "sched_switch":
            self._switch(event)
        elif event.e == "sched_wakeup":
            if self._is_ours(event["wakee"]):
                self._change(event["wakee"], event.t, able=True)
        elif event.e == "task_new":
            self._change(event.task, event.t)
            self._change(event.tid, event.t, on_cpu=True)
        elif event.e == "chan_park":
            self._change(event.tid, event.t, on_cpu=True, wait=self._wait_of[event.line])
        elif event.e == "chan_ready":
            self._change(event.task, event.t, wait=None, able=True)
            self._change(event.tid, event.t, on_cpu=True)
        elif event.e == "chan_abort":
            self._change(event.tid, event.t, on_cpu=True, wait=None)
        elif event.e != "chan_deadlock":    # found by a worker of the kernel
            self._change(event.tid, event.t, on_cpu=True)

    def _switch(self, event):
        prev, state = event["prev"], event["prev_state"]
        if self._is_ours(prev):
            self._change(prev, event.t, on_cpu=False, able=state in ABLE_TO_RUN)
            if state in EXITED:
                self._end(prev, event.t)
        if self._is_ours(event["next"]):
            self._change(event["next"], event.t, on_cpu=True, able=True)
