# SPDX-License-Identifier: GPL-2.0-only
"""What chanbench and gobench have printed, read back.

A line is a block of operations: case,size,placement,way,round,ns,voluntary,involuntary,quiet.
Where time counts instructions, ns are instructions.  What a file is of is in its name:
KERNEL-icount.csv, of one processor and in instructions, or KERNEL-smp.csv, of several and in
nanoseconds; a case of memory is in bytes.
"""
import csv
import math
import os
import statistics

FIELDS = ("case", "size", "placement", "way", "round", "ns", "voluntary", "involuntary", "quiet")
ICOUNT, SMP = "icount", "smp"
UNITS = {ICOUNT: "instructions", SMP: "ns"}
PLACEMENTS = {"one": "one processor", "apart": "two processors, pinned",
              "free": "two processors, unpinned"}


class BadLine(Exception):
    """A line that neither chanbench nor gobench has written."""


def natural(text, what):
    if not text.isascii() or not text.isdigit():
        raise BadLine(f"{what} is {text!r}, not a natural number")
    return int(text)


def number(text, what):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadLine(f"{what} is {text!r}, not a number")
    return value


def amount(text, what, positive=False):
    value = number(text, what)
    if value < 0 or (positive and value == 0):
        raise BadLine(f"{what} is {text!r}, not {'a positive' if positive else 'an'} amount")
    return value


def in_bytes(case):
    """Of memory, which may have become less."""
    return case.startswith("idle-bytes")


def name(text, what):
    if not text or not all(c.isalnum() or c in "-_." for c in text) or not text.isascii():
        raise BadLine(f"{what} is {text!r}, not a name")
    return text


class Way:
    """The blocks of one way to do what a case is about."""

    def __init__(self, name):
        self.name = name
        self.rounds = {}
        self.switches = []      # pairs: voluntary, involuntary
        self.disturbed = 0

    @property
    def ours(self):
        return self.name == "chan" or self.name.startswith("chan-")

    def add(self, row):
        turn = natural(row["round"], "round")
        if turn in self.rounds:
            raise BadLine(f"{self.name} has round {turn} twice")
        if row["quiet"] not in ("0", "1"):
            raise BadLine(f"quiet is {row['quiet']!r}, not 0 or 1")
        if in_bytes(row["case"]):
            self.rounds[turn] = number(row["ns"], "bytes")
        else:
            self.rounds[turn] = amount(row["ns"], "ns", positive=True)
        self.switches.append((amount(row["voluntary"], "voluntary"),
                              amount(row["involuntary"], "involuntary")))
        self.disturbed += row["quiet"] == "0"

    def cost(self):
        return statistics.median(self.rounds.values())

    def voluntary(self):
        return statistics.mean(v for v, _ in self.switches)

    def involuntary(self):
        return statistics.mean(i for _, i in self.switches)

    def middle_half(self):
        """Between which costs the middle half of the blocks is."""
        values = sorted(self.rounds.values())
        quarter = len(values) // 4
        return values[quarter], values[-1 - quarter]

    def spread(self):
        """How far the middle half of the blocks is apart, in percent of the median."""
        low, high = self.middle_half()
        return 100 * (high - low) / abs(self.cost()) if self.cost() else 0.0

    def ratio_to(self, other):
        """Median of the ratios in the same rounds; None if there is no such round."""
        both = [r for r in self.rounds if other.rounds.get(r)]
        return statistics.median(self.rounds[r] / other.rounds[r] for r in both) if both else None


class Case:
    """What is measured, of one size and in one placement; ways in the order of the file."""

    def __init__(self, name, size, placement, unit):
        self.name, self.size, self.placement = name, size, placement
        self.unit = unit
        self.ways = {}

    def title(self):
        return f"{self.name}{f' {self.size}' if self.size else ''} ({self.placement})"

    def ours(self):
        return [way for way in self.ways.values() if way.ours]


class Results:
    """One file."""

    def __init__(self, path="", unit=None):
        words = os.path.basename(path).removesuffix(".csv").rsplit("-", 1)
        self.method = words[1] if len(words) == 2 and words[1] in UNITS else ""
        self.kernel = words[0] if self.method else ""
        self.unit = unit or UNITS.get(self.method, "ns")
        self.cases = {}         # (name, size, placement): Case

    def title(self):
        how = {ICOUNT: "one processor, time counts instructions",
               SMP: "two emulated processors"}.get(self.method)
        return f"{self.kernel}: {how}" if how else self.unit

    def read(self, lines):
        """Raises BadLine, csv.Error."""
        for number, row in enumerate(csv.reader(lines), 1):
            try:
                if len(row) != len(FIELDS):
                    raise BadLine(f"{len(row)} fields instead of {len(FIELDS)}")
                self.add(dict(zip(FIELDS, row)))
            except BadLine as error:
                raise BadLine(f"line {number}: {error}") from error
        return self

    def add(self, row):
        if row["placement"] not in PLACEMENTS:
            raise BadLine(f"placement is {row['placement']!r}, not one, apart or free")
        key = name(row["case"], "case"), natural(row["size"], "size"), row["placement"]
        unit = "bytes" if in_bytes(key[0]) else self.unit
        case = self.cases.setdefault(key, Case(*key, unit))
        way = name(row["way"], "way")
        case.ways.setdefault(way, Way(way)).add(row)

    def way(self, case, size, placement, way):
        """None if it was not measured."""
        found = self.cases.get((case, size, placement))
        return found and found.ways.get(way)

    def sizes(self, case, placement, way):
        """{size: Way}, by size."""
        return {c.size: c.ways[way]
                for c in sorted(self.cases.values(), key=lambda c: c.size)
                if (c.name, c.placement) == (case, placement) and way in c.ways}
