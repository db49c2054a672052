# SPDX-License-Identifier: GPL-2.0-only
"""Reads what "chantrace record" has written.

A Trace is the events of a trace file, in the order of time, and what is known of the tasks
and goroutines in them.  An event is an Event: a dict of its fields, with those that all
events have as attributes.  chantrace(1) describes the file.
"""
import collections
import json
import os
import signal
import sys

FORMAT = 1
NONE_OF_CHANNELS = "none of channels: did the program use any?"


class BadTrace(Exception):
    """A file that is no trace; says where and why."""


class Event(dict):
    """The fields of an event.

    line  number in the trace file
    t     CLOCK_MONOTONIC, in nanoseconds
    cpu   processor
    tid   the task that did it; with the events of the scheduler whoever ran there
    comm  that task's name at the time
    e     what happened
    task  the task that the event is about: the one that is woken, or whose goroutine changes
          its state; that which did it, if there is no other
    """
    __slots__ = ("line", "t", "cpu", "tid", "comm", "e", "task")

    def __init__(self, fields, line):
        super().__init__(fields)
        self.line = line
        self.t = fields["t"]
        self.cpu = fields["cpu"]
        self.tid = fields["tid"]
        self.comm = fields["comm"]
        self.e = str(fields["e"])
        self.task = fields.get("task", self.tid)

    @property
    def is_of_chan(self):
        """Whether the module says it, not the scheduler."""
        return self.e.startswith("chan_")

    def __missing__(self, key):
        raise BadTrace(f"line {self.line}: {self.e} without '{key}'")


def identity(event):
    """What tells the goroutine of an event from all others: its number may be used again, even
    before the end of the one who had it is told.  Older traces lack the serial number."""
    return event["domain"], event["g"], event.get("serial", 0)


class Goroutine:
    """A goroutine, from the event that registered it to its end."""

    def __init__(self, event):
        self.domain = event["domain"]
        self.id = event["g"]
        self.name = event["name"]
        self.creator = event["creator"]
        self.tid = event.task
        self.born = event.t
        self.died = None
        self.process = ""   # if there are goroutines of others, too

    def __str__(self):
        return f"{self.name} {self.id}" + (f" ({self.process})" if self.process else "")


class Trace:
    """The events of a trace and who does them.

    path        of the file
    header      its first line, a dict
    events      all events
    goroutines  in the order of creation
    domains     the process of each runtime domain, in which goroutines are numbered, as
                (name, number)
    """

    def __init__(self, path, header, events):
        self.path = path
        self.header = header
        self.events = events
        self.goroutines = []
        self.domains = {}
        self._at = {}       # thread id: its goroutines, in the order of time
        self._living = {}   # identity: the goroutine
        self._comms = {}    # thread id: its last name
        self._pids = {}     # thread id: its process
        if "pid" in header:
            self._pids[header["pid"]] = header["pid"]
        for event in events:
            self._learn(event)
        self._learn_domains()

    def _learn(self, event):
        self._comms[event.tid] = event.comm
        if event.e == "chan_go_create":
            g = Goroutine(event)
            self.goroutines.append(g)
            self._at.setdefault(event.task, []).append(g)
            self._living[identity(event)] = g
        elif event.e == "chan_go_state" and event["to"] == "dead":
            g = self._living.pop(identity(event), None)
            if g:
                g.died = event.t
        elif event.e == "task_new":
            self._pids[event.task] = event["pid"]

    def _learn_domains(self):
        for g in self.goroutines:
            pid = self.pid(g.tid)
            self.domains.setdefault(g.domain, (self._comms.get(pid, self.comm(g.tid)), pid))
        if len(self.domains) < 2:
            return
        seen = collections.Counter(self.domains.values())
        for g in self.goroutines:
            process = self.domains[g.domain]
            g.process = f"{process[0]} {process[1]}"
            if seen[process] > 1:
                g.process += f", domain {g.domain}"

    @property
    def lost(self):
        """How many events the tracer had no room for."""
        return self.header.get("lost", 0)

    @property
    def begin(self):
        return self.events[0].t if self.events else 0

    @property
    def end(self):
        return self.events[-1].t if self.events else 0

    @property
    def of_channels(self):
        """Whether any event is one of the module."""
        return any(event.is_of_chan for event in self.events)

    @property
    def span(self):
        """From the first event of the module to its last; of all events if there is none."""
        times = [event.t for event in self.events if event.is_of_chan]
        return (times[0], times[-1]) if times else (self.begin, self.end)

    def goroutine(self, tid, t=None):
        """The goroutine that a thread was at a time, or became first; None if it was none."""
        of = self._at.get(tid)
        if not of:
            return None
        if t is not None:
            for g in reversed(of):
                if g.born <= t:
                    return g
        return of[0]

    def is_whole(self, tid):
        """Whether the trace has all that a thread did: it was not there before."""
        return tid in self._pids

    def comm(self, tid):
        """The name of a thread's program."""
        return self._comms.get(tid, "?")

    def pid(self, tid):
        """The process of a thread, or the thread itself if that is not known."""
        return self._pids.get(tid) or tid

    def who(self, tid, t=None):
        """A thread as people know it: by its goroutine, or by its name and number.  No two
        have the same."""
        g = self.goroutine(tid, t)
        return str(g) if g else f"{self.comm(tid)}/{tid}"


def _parse(line, number, path):
    try:
        value = json.loads(line)
    except ValueError as err:
        raise BadTrace(f"{path}:{number}: no JSON: {err}") from err
    if not isinstance(value, dict):
        raise BadTrace(f"{path}:{number}: no JSON object")
    return value


def _check_header(header, path):
    if header.get("chantrace") != FORMAT:
        raise BadTrace(f"{path}: not a trace of chantrace, or of another version")


def read_lines(lines, path="trace"):
    """The Trace of an iterable of lines; raises BadTrace."""
    header, events = None, []
    for number, line in enumerate(lines, 1):
        fields = _parse(line, number, path)
        if header is None:
            _check_header(fields, path)
            header = fields
            continue
        try:
            event = Event(fields, number)
        except KeyError as err:
            raise BadTrace(f"{path}:{number}: an event without {err}") from err
        if events and event.t < events[-1].t:
            raise BadTrace(f"{path}:{number}: earlier than the line before")
        events.append(event)
    if header is None:
        raise BadTrace(f"{path}: empty")
    return Trace(path, header, events)


def read(path):
    """The Trace of a file, "-" for standard input; raises BadTrace or OSError."""
    if path == "-":
        return read_lines(sys.stdin, "standard input")
    with open(path, encoding="utf-8", errors="replace") as file:
        return read_lines(file, path)


def read_or_exit(path):
    """As read(); says what is wrong and exits with status 2."""
    try:
        return read(path)
    except BadTrace as err:
        complain(err)
    except OSError as err:
        complain(f"cannot read {path}: {err.strerror}")
    sys.exit(2)


def goroutines_in_words(n):
    """How many they are."""
    return f"{n} goroutine" + ("" if n == 1 else "s")


def complain(text):
    """Say what is wrong."""
    print(f"chantrace: {text}", file=sys.stderr)


def run(main):
    """What main(arguments) returns; quietly gone if nobody reads the output any more."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BadTrace as err:
        complain(err)
        return 2
    except OSError as err:
        complain(f"cannot write the output: {err.strerror}")
        os._exit(2)
    return status
