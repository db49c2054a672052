# SPDX-License-Identifier: GPL-2.0-only
"""chantrace report: what went through channels, who waited for whom, and how long."""
import argparse
import collections
import sys

import timeline
import tracefile

PATHS = ("direct", "buffered", "parked")

HELP = """\
Print what a trace says, in tables.

Times are from the first event of the module to the last.

Channels: what went through each.  An element went "direct" if it was given to, or taken
from, a task that was parked; "buffered" into or out of the buffer; and "parked" if it was the
partner who did it, while this side was parked.  "Most" is how many elements it ever buffered.

Waits: how long tasks were parked in each queue, until somebody readied them.  Those that a
signal, a deadline or a deadlock ended are counted as aborted, and not among the times.

Who readied whom, rendezvous: the pairs of tasks that met, on which channel and how often.
What comes first is what was waited for longest, and met most often.

Tasks: goroutines by name and number, and by process if there are several; other threads by
name/thread id.  Waiting is to be parked; runnable, to be able to run without a processor to
do it on; blocked, to sleep, but not on a channel.
"""


def duration(ns):
    """Nanoseconds as people read them."""
    for unit, size in (("s", 10 ** 9), ("ms", 10 ** 6), ("us", 10 ** 3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1000 * size else f"{ns / size:.0f} {unit}"
    return f"{ns} ns"


def percentile(ordered, percent):
    """By nearest rank."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def table(title, heads, rows, left=1, note=""):
    """Print rows under their heads: the first columns to the left, numbers to the right."""
    if not rows:
        return
    cells = [heads] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    if note:
        print(f"  {note}")


class Channel:
    """What happened on a channel."""

    def __init__(self, number):
        self.number = number
        self.cap = None
        self.most = 0
        self.ends = []
        self.paths = {"chan_send": collections.Counter(), "chan_recv": collections.Counter()}
        self.waited = {0: [], 1: []}
        self.aborted = {0: 0, 1: 0}

    def transfer(self, event):
        self.cap = event["cap"]
        self.most = max(self.most, event["len"])
        self.paths[event.e][event["path"]] += 1


def read_channels(trace, waits):
    """All channels, by their numbers."""
    channels = {}

    def channel(number):
        return channels.setdefault(number, Channel(number))

    for event in trace.events:
        if event.e == "chan_make":
            channel(event["chan"]).cap = event["cap"]
        elif event.e in ("chan_send", "chan_recv"):
            channel(event["chan"]).transfer(event)
        elif event.e == "chan_close":
            channel(event["chan"]).ends.append(event["how"])
    for wait in waits:
        if wait.readied:
            channel(wait.end["chan"]).waited[wait.end["send"]].append(wait.time)
        elif wait.end:
            for entry in wait.queues:
                channel(entry["chan"]).aborted[entry["send"]] += 1
    return [channels[number] for number in sorted(channels)]


def print_channels(channels):
    rows = []
    for c in channels:
        sends, recvs = c.paths["chan_send"], c.paths["chan_recv"]
        rows.append([c.number, "?" if c.cap is None else c.cap, c.most] +
                    [sends[path] for path in PATHS] + [recvs[path] for path in PATHS] +
                    [sends["would-block"] + recvs["would-block"], ", ".join(c.ends) or "-"])
    table("Channels", ["chan", "cap", "most", "sends: direct", "buffered", "parked",
                       "receives: direct", "buffered", "parked", "would block", "ended by"],
          rows)


def print_waits(channels):
    rows = []
    for c in channels:
        for send in (0, 1):
            times, aborted = sorted(c.waited[send]), c.aborted[send]
            if not times and not aborted:
                continue
            ranks = [duration(percentile(times, p)) for p in (50, 95, 99, 100)] if times \
                else ["-"] * 4
            rows.append([c.number, "sendq" if send else "recvq", len(times)] + ranks +
                        [duration(sum(times)), aborted])
    table("Waits", ["chan", "queue", "waits", "P50", "P95", "P99", "max", "total", "aborted"],
          rows, left=2)


def most(counter, top):
    """The first of those with most; all if top is 0.  With how many there are beside them."""
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    shown = ordered[:top] if top else ordered
    return shown, len(ordered) - len(shown)


def rest(n):
    return f"and {n} more (--top 0 shows all)" if n else ""


def print_pairs(trace, waits, top):
    times, waited = collections.Counter(), collections.Counter()
    for wait in waits:
        if not wait.readied:
            continue
        end = wait.end
        pair = (trace.who(wait.tid, end.t), trace.who(end.tid, end.t), end["chan"])
        times[pair] += 1
        waited[pair] += wait.time
    shown, more = most(waited, top)
    table("Who readied whom", ["waited", "for", "on chan", "times", "total"],
          [[*pair, times[pair], duration(total)] for pair, total in shown], left=2,
          note=rest(more))


def rendezvous(trace):
    """How often an element went from one task straight to another: (from, to, channel)."""
    met, last = collections.Counter(), {}
    for event in trace.events:
        if event.e == "chan_ready" and event["result"] == 0:
            woken, waker = trace.who(event.task, event.t), trace.who(event.tid, event.t)
            if event.tid == event.task:
                continue
            if event["send"]:
                last[event.tid, event["chan"]] = (woken, waker, event["chan"])
            else:
                met[waker, woken, event["chan"]] += 1
        elif event.e == "chan_recv":
            # From a buffer the receiver had an older element, not that of the sender.
            pair = last.pop((event.tid, event["chan"]), None)
            if pair and event["path"] == "direct":
                met[pair] += 1
    return met


def print_rendezvous(trace, top):
    shown, more = most(rendezvous(trace), top)
    table("Rendezvous", ["sender", "receiver", "on chan", "times"],
          [[*pair, n] for pair, n in shown], left=2, note=rest(more))


def print_tasks(trace, line, top):
    spent = collections.defaultdict(collections.Counter)
    parks, tids = collections.Counter(), {}
    first, last = trace.span
    for stretch in line.stretches:
        who = trace.who(stretch.tid, stretch.begin)
        spent[who][stretch.state] += max(0, min(stretch.end, last) - max(stretch.begin, first))
        tids.setdefault(who, stretch.tid)
    for wait in line.waits:
        parks[trace.who(wait.tid, wait.park.t)] += 1
    order = sorted(spent, key=lambda who: tids[who])
    shown = order[:top] if top else order
    states = (timeline.WAITING, timeline.RUNNABLE, timeline.ON_CPU, timeline.BLOCKED)
    table("Tasks", ["task", "thread", "parks", *states],
          [[who, tids[who], parks[who]] + [duration(spent[who][state]) for state in states]
           for who in shown], note=rest(len(order) - len(shown)))


def print_header(trace):
    header, (first, last) = trace.header, trace.span
    print(f"command     {' '.join(header.get('command', ['?']))}")
    print(f"kernel      {header.get('kernel', '?')}, {header.get('cpus', '?')} processors")
    print(f"events      {len(trace.events)} in {duration(last - first)}" +
          ("" if trace.of_channels else f", {tracefile.NONE_OF_CHANNELS}"))
    if trace.lost:
        print(f"LOST        {trace.lost} EVENTS: all figures below are too small")
    for event in trace.events:
        if event.e == "chan_deadlock":
            print(f"DEADLOCK    of {tracefile.goroutines_in_words(event['goroutines'])} in "
                  f"process {event['pid']}, after {duration(event.t - first)}")


def main(argv):
    parser = argparse.ArgumentParser(prog="chantrace report", description=HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", help="what chantrace record wrote, or -")
    parser.add_argument("--top", metavar="N", type=int, default=20,
                        help="rows of the tables of pairs and tasks (20); 0 for all")
    args = parser.parse_args(argv)
    if args.top < 0:
        parser.error("--top takes a number from 0 on")
    trace = tracefile.read_or_exit(args.file)
    line = timeline.Timeline(trace)
    channels = read_channels(trace, line.waits)
    print_header(trace)
    print_channels(channels)
    print_waits(channels)
    print_pairs(trace, line.waits, args.top)
    print_rendezvous(trace, args.top)
    print_tasks(trace, line, args.top)
    return 0


if __name__ == "__main__":
    sys.exit(tracefile.run(main))
