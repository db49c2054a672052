# SPDX-License-Identifier: GPL-2.0-only
"""What the figures should come to, and which of them the README shows."""
from results import ICOUNT, SMP


def ratio(case, ours, peer, size=0, placement="one"):
    """Cost of a way of ours divided by that of a peer."""
    def value(results):
        mine = results.way(case, size, placement, ours)
        other = results.way(case, size, placement, peer)
        return mine.ratio_to(other) if mine and other else None
    return value


def cost(case, ours, size=0, placement="one"):
    def value(results):
        way = results.way(case, size, placement, ours)
        return way.cost() if way else None
    return value


def step(case, ours, placement="one"):
    """What one more of the size costs."""
    def value(results):
        points = {s: w.cost() for s, w in results.sizes(case, placement, ours).items()}
        if len(points) < 2:
            return None
        low, high = min(points), max(points)
        return (points[high] - points[low]) / (high - low)
    return value


def times(case, ours, low, high, placement="one"):
    """Cost at one size divided by that at another."""
    def value(results):
        small = results.way(case, low, placement, ours)
        large = results.way(case, high, placement, ours)
        return large.cost() / small.cost() if small and large else None
    return value


class Goal:
    """A figure that should be at most so much."""

    def __init__(self, what, at_most, value, kernel="6.12", method=ICOUNT):
        self.what, self.at_most, self.value = what, at_most, value
        self.kernel, self.method = kernel, method

    def applies(self, results):
        return (results.method, results.kernel) == (self.method, self.kernel)


GOALS = [
    Goal("round trip by calls / pipe", 0.58, ratio("round-trip", "chan-call", "pipe")),
    Goal("round trip by calls / futex word", 0.80,
         ratio("round-trip", "chan-call", "futex-word")),
    Goal("round trip / pipe", 0.72, ratio("round-trip", "chan", "pipe")),
    Goal("round trip / futex word", 0.98, ratio("round-trip", "chan", "futex-word")),
    Goal("round trip by calls / Go, locked", 0.25,
         ratio("round-trip", "chan-call", "go-locked")),
    Goal("round trip by calls / pipe", 0.67, ratio("round-trip", "chan-call", "pipe"),
         kernel="6.1"),
    Goal("round trip / pipe", 1.05, ratio("round-trip", "chan", "pipe"), kernel="6.1"),
    Goal("round trip by calls / pipe, beside a busy loop", 1.10,
         ratio("round-trip-hog", "chan-call", "pipe")),
    Goal("round trip / pipe, beside a busy loop", 1.10,
         ratio("round-trip-hog", "chan", "pipe")),
    Goal("unbuffered stream, instructions a message", 4300, cost("stream", "chan")),
    Goal("send and receive / pipe", 0.65, ratio("send-and-receive", "chan", "pipe")),
    Goal("send and receive / eventfd", 1.00, ratio("send-and-receive", "chan", "eventfd")),
    Goal("send and receive / POSIX queue", 0.57, ratio("send-and-receive", "chan", "mqueue")),
    Goal("stream, capacity 128 / pipe", 0.68,
         ratio("stream-buffered", "chan", "pipe", size=128)),
    Goal("one of 2 ready / epoll and read", 0.66,
         ratio("one-of-many-ready", "chan-select", "pipe-epoll", size=2)),
    Goal("one of 64 ready / poll and read", 0.35,
         ratio("one-of-many-ready", "chan-select", "pipe-poll", size=64)),
    Goal("a further case that is not ready, instructions", 80,
         step("one-of-many-ready", "chan-select")),
    Goal("a further case of a select that waits, instructions", 250,
         step("one-of-many-blocked", "chan-select")),
    Goal("stream in batches of 32, an element / pipe, one by one", 0.08,
         ratio("stream-batches", "chan", "pipe-single", size=32)),
    # One that waits alone does not sleep: with it compares selftests/bench/handoff_cost.
    Goal("hand-over with 10,000 waiting / with 1,000", 1.03,
         times("waiters", "chan", 1000, 10000)),
    Goal("idle channel beyond its file, bytes", 512, cost("idle-bytes-own", "chan", size=10000)),
    Goal("round trip by calls / pipe, unpinned", 0.15,
         ratio("round-trip", "chan-call", "pipe", placement="free"), method=SMP),
    Goal("round trip / pipe, on two processors, spinning", 0.04,
         ratio("round-trip", "chan", "pipe", placement="apart"), method=SMP),
    Goal("99th percentile / parking at once, two processors, beside busy loops", 1.10,
         ratio("latency-p99-hog", "chan", "chan-at-once", placement="apart"), method=SMP),
]


class Row:
    """Of the README's table: an operation, and how a channel does it."""

    def __init__(self, what, case, ours, size=0):
        self.what, self.case, self.ours, self.size = what, case, ours, size


ROWS = [
    Row("send and receive, one thread, capacity 1", "send-and-receive", "chan"),
    Row("request and reply, by `kchan_call`", "round-trip", "chan-call"),
    Row("request and reply, unbuffered", "round-trip", "chan"),
    Row("stream, unbuffered, a message", "stream", "chan"),
    Row("stream, capacity 128, a message", "stream-buffered", "chan", 128),
    Row("stream, batches of 32, an element (pipe: one by one)", "stream-batches", "chan", 32),
    Row("select, one of 2 ready (pipes: `epoll`)", "one-of-many-ready", "chan-select", 2),
    Row("select, one of 64 ready (pipes: `epoll`)", "one-of-many-ready", "chan-select", 64),
]

# Heading, and the ways that stand below it.
PEERS = [
    ("pipe", ["pipe-single", "pipe", "pipe-epoll"]),
    ("eventfd", ["eventfd"]),
    ("POSIX queue", ["mqueue"]),
    ("futex word", ["futex-word"]),
    ("mutex + cond", ["mutex-cond"]),
    ("Go, locked", ["go-locked"]),
]


def summary(results):
    """Rows of texts: operation, cost, and for each of PEERS the ratio."""
    rows = []
    for row in ROWS:
        way = results.way(row.case, row.size, "one", row.ours)
        if not way:
            continue
        cells = [row.what, f"{way.cost():,.0f}"]
        for _, names in PEERS:
            ratios = [ratio(row.case, row.ours, peer, row.size)(results) for peer in names]
            cells.append(next((f"{r:.2f}" for r in ratios if r is not None), ""))
        rows.append(cells)
    return rows


def verdicts(all_results):
    """(goal, value) of what was measured, and those goals that were not."""
    measured, missing = [], []
    for results in all_results:
        for goal in GOALS:
            if goal.applies(results):
                value = goal.value(results)
                (missing if value is None else measured).append((goal, value))
    return measured, missing
