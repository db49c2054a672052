# SPDX-License-Identifier: GPL-2.0-only
"""chantrace perfetto: a trace in Chrome's trace event format.

A track for each thread shows what it was doing; arrows lead from who readied somebody to
whom he readied; counters show what channels buffer, and who is parked there.
"""
import argparse
import collections
import json
import sys

import timeline
import tracefile

# The tracks of channels belong to no process.
CHANNELS = 0

COLOURS = {
    timeline.ON_CPU: "thread_state_running",
    timeline.RUNNABLE: "thread_state_runnable",
    timeline.WAITING: "thread_state_iowait",
    timeline.BLOCKED: "thread_state_sleeping",
}

HELP = """\
Write a trace for ui.perfetto.dev or chrome://tracing, which open it from the disk: a track
for each goroutine or thread with what it was doing (on CPU, runnable, waiting for a channel,
blocked by something else), arrows from who readied somebody to whom he readied, counters of
what each channel buffers and of who is parked there, and marks where a channel is closed or a
deadlock was found.
"""


class Converter:
    """Collects the events of the other format.  Times are microseconds from the beginning."""

    def __init__(self, trace):
        self.trace = trace
        self.line = timeline.Timeline(trace)
        self.out = []
        self.flows = 0

    def _us(self, t):
        return (t - self.trace.begin) / 1000

    def _add(self, ph, t, pid, tid, name, **more):
        self.out.append({"ph": ph, "ts": self._us(t), "pid": pid, "tid": tid, "name": name,
                         **more})

    def _add_on(self, tid, ph, t, name, **more):
        self._add(ph, t, self.trace.pid(tid), tid, name, **more)

    def slices(self):
        """What each thread was doing."""
        for stretch in self.line.stretches:
            name, args = stretch.state, {}
            if stretch.wait:
                name, args = str(stretch.wait), self._wait_args(stretch.wait)
            self._add_on(stretch.tid, "X", stretch.begin, name, cat=stretch.state,
                         dur=(stretch.end - stretch.begin) / 1000,
                         cname=COLOURS[stretch.state], args=args)

    def _wait_args(self, wait):
        args = {"reason": wait.park["reason"], "cases": wait.park["cases"],
                "channels": sorted({entry["chan"] for entry in wait.queues})}
        if wait.readied:
            args.update(channel=wait.end["chan"], case=wait.end["scase"],
                        queue="sendq" if wait.end["send"] else "recvq",
                        readied_by=self.trace.who(wait.end.tid, wait.end.t))
        if wait.end:
            args.update(result=wait.end["result"], waited_ns=wait.end["waited"])
        return args

    def arrows(self):
        """From who readied somebody to whom he readied."""
        for wait in self.line.waits:
            if not wait.readied or wait.end.tid == wait.tid:
                continue
            self.flows += 1
            name = f"channel {wait.end['chan']}"
            self._add_on(wait.end.tid, "s", wait.end.t, name, cat="ready", id=self.flows)
            self._add_on(wait.tid, "f", wait.end.t, name, cat="ready", id=self.flows, bp="e")

    def counters(self):
        """What channels buffer, and who is parked there."""
        parked, of = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(list)
        for event in self.trace.events:
            if event.e in ("chan_send", "chan_recv"):
                if event["cap"] and event["path"] in ("direct", "buffered"):
                    self._add("C", event.t, CHANNELS, 0, f"channel {event['chan']} buffered",
                              args={"elements": event["len"]})
            elif event.e == "chan_enqueue":
                of[event.tid].append((event["chan"], event["send"]))
                self._count_parked(parked, event, event["chan"], event["send"], 1)
            elif event.e in ("chan_ready", "chan_abort"):
                tid = event.task if event.e == "chan_ready" else event.tid
                for chan, send in of.pop(tid, ()):
                    self._count_parked(parked, event, chan, send, -1)

    def _count_parked(self, parked, event, chan, send, step):
        parked[chan][send] += step
        self._add("C", event.t, CHANNELS, 0, f"channel {chan} parked",
                  args={"receivers": parked[chan][0], "senders": parked[chan][1]})

    def marks(self):
        """Where channels are closed, and deadlocks are found."""
        for event in self.trace.events:
            if event.e == "chan_close":
                self._add_on(event.tid, "i", event.t, f"{event['how']} channel {event['chan']}",
                             s="t", cat="close", args={"readied": event["woken"]})
            elif event.e == "chan_deadlock":
                self._add_on(event["pid"], "i", event.t,
                             f"deadlock of {tracefile.goroutines_in_words(event['goroutines'])}",
                             s="p", cat="deadlock")

    def names(self):
        """Of processes and tracks, in the order of their threads."""
        tids = sorted({stretch.tid for stretch in self.line.stretches})
        for pid in sorted({self.trace.pid(tid) for tid in tids}):
            self._name("process_name", pid, pid, f"{self.trace.comm(pid)}")
        for tid in tids:
            self._name("thread_name", self.trace.pid(tid), tid, self.trace.who(tid))
        self._name("process_name", CHANNELS, 0, "channels")

    def _name(self, what, pid, tid, name):
        self._add("M", self.trace.begin, pid, tid, what, args={"name": name})

    def convert(self):
        """The whole document."""
        self.slices()
        self.arrows()
        self.counters()
        self.marks()
        self.out.sort(key=lambda event: event["ts"])
        self.names()
        return {"traceEvents": self.out, "displayTimeUnit": "ns",
                "otherData": {key: str(value) for key, value in self.trace.header.items()}}


def output_path(args):
    """Where to write to, "-" for standard output."""
    if args.output or args.file == "-":
        return args.output or "-"
    return args.file.removesuffix(".jsonl") + ".perfetto.json"


def save(document, path):
    """Write the document; raises OSError."""
    if path == "-":
        json.dump(document, sys.stdout, separators=(",", ":"))
        return
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, separators=(",", ":"))


def main(argv):
    parser = argparse.ArgumentParser(prog="chantrace perfetto", description=HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", help="what chantrace record wrote, or -")
    parser.add_argument("-o", "--output", metavar="OUT",
                        help="where to (FILE with .perfetto.json instead of .jsonl); or -")
    args = parser.parse_args(argv)
    trace = tracefile.read_or_exit(args.file)
    if trace.lost:
        tracefile.complain(f"{trace.path} lacks {trace.lost} events that were lost")
    if not trace.of_channels:
        tracefile.complain(tracefile.NONE_OF_CHANNELS)
    converter = Converter(trace)
    path = output_path(args)
    try:
        save(converter.convert(), path)
    except OSError as err:
        tracefile.complain(f"cannot write {path}: {err.strerror}")
        return 2
    print(f"chantrace: {len(converter.line.stretches)} stretches of time and {converter.flows} "
          f"arrows in {path}; open it in ui.perfetto.dev", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(tracefile.run(main))
