#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the lines of chanbench say: a table of each case.

A ratio is the cost of a channel divided by that of the other way, in the same round of the
same boot, and of these the median: below 1 the channel is cheaper.
"""
import argparse
import csv
import statistics
import sys

FIELDS = ("case", "size", "placement", "way", "round", "ns", "voluntary", "involuntary", "quiet")


class BadLine(Exception):
    """A line that chanbench did not write."""


class Way:
    """The blocks of one way to do what a case is about."""

    def __init__(self, name):
        self.name = name
        self.rounds = {}
        self.voluntary = []
        self.involuntary = []
        self.disturbed = 0

    def add(self, row):
        self.rounds[int(row["round"])] = float(row["ns"])
        self.voluntary.append(float(row["voluntary"]))
        self.involuntary.append(float(row["involuntary"]))
        self.disturbed += row["quiet"] == "0"

    def cost(self):
        return statistics.median(self.rounds.values())

    def spread(self):
        """How far the middle half of the blocks is apart, in percent of the median."""
        values = sorted(self.rounds.values())
        quarter = len(values) // 4
        return 100 * (values[-1 - quarter] - values[quarter]) / self.cost()

    def ratio_to(self, other):
        both = self.rounds.keys() & other.rounds.keys()
        return statistics.median(self.rounds[r] / other.rounds[r] for r in both)


def read(lines):
    """The cases in the order of the file: {(case, size, placement): {way: Way}}."""
    cases = {}
    for number, row in enumerate(csv.reader(lines), 1):
        if len(row) != len(FIELDS):
            raise BadLine(f"line {number}: {len(row)} fields instead of {len(FIELDS)}")
        fields = dict(zip(FIELDS, row))
        ways = cases.setdefault((fields["case"], fields["size"], fields["placement"]), {})
        try:
            ways.setdefault(fields["way"], Way(fields["way"])).add(fields)
        except ValueError as error:
            raise BadLine(f"line {number}: {error}") from error
    return cases


def title(key):
    case, size, placement = key
    return case + (f" {size}" if size != "0" else "") + f" ({placement})"


def print_case(key, ways, unit):
    ours = [way for way in ways.values() if way.name.startswith("chan")]
    head = f"{title(key):32}{unit:>14}{'spread':>8}{'vol':>7}{'invol':>7}"
    print(head + "".join(f"{'/' + o.name:>17}" for o in ours))
    for way in ways.values():
        line = f"  {way.name:30}{way.cost():14.1f}{way.spread():7.2f}%"
        line += f"{statistics.mean(way.voluntary):7.2f}{statistics.mean(way.involuntary):7.2f}"
        line += "".join(f"{o.ratio_to(way):17.3f}" if o is not way else f"{'':17}" for o in ours)
        print(line + (f"  {way.disturbed} blocks disturbed" if way.disturbed else ""))
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="lines of chanbench (standard input)")
    parser.add_argument("--unit", default="ns", help="what a cost is counted in (ns)")
    args = parser.parse_args()
    try:
        with open(args.file, encoding="ascii") if args.file else sys.stdin as lines:
            cases = read(lines)
    except (OSError, UnicodeDecodeError, BadLine) as error:
        sys.exit(f"report.py: {args.file or 'standard input'}: {error}")
    if not cases:
        sys.exit(f"report.py: {args.file or 'standard input'}: there is no line in it")
    for key, ways in cases.items():
        print_case(key, ways, args.unit)


if __name__ == "__main__":
    main()
