#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How far the figures of two runs of chanbench are apart.

A figure is the median of the blocks of one way to do what a case is about.  Printed are those
that do not agree: "no", the case, its size and placement, the way, both figures, and how far the
second is from the first.

Exit status: 0 if all of both runs agree; 1 if some do not, or are in one run only; 2 for wrong
input.
"""
import argparse
import csv
import statistics
import sys

FIELDS = 9


def read(path):
    """{(case, size, placement, way): median}"""
    figures = {}
    with open(path, encoding="ascii", newline="") as lines:
        for number, row in enumerate(csv.reader(lines), 1):
            if len(row) != FIELDS:
                raise ValueError(f"{path}: line {number} has {len(row)} fields, not {FIELDS}")
            figures.setdefault(tuple(row[:4]), []).append(float(row[5]))
    return {key: statistics.median(values) for key, values in figures.items()}


def percent_apart(first, second):
    if first == second:
        return 0.0
    return 100 * (second - first) / first if first else float("inf")


def title(key):
    case, size, placement, way = key
    return f"{case} {size} ({placement}) {way}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", help="lines of chanbench")
    parser.add_argument("second", help="those of another run")
    parser.add_argument("--within", type=float, default=1, metavar="PERCENT",
                        help="how far apart figures may be to agree (1)")
    parser.add_argument("--all", action="store_true",
                        help="print those too that agree, after \"ok\"")
    args = parser.parse_args()
    try:
        first, second = read(args.first), read(args.second)
    except (OSError, ValueError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    both = [key for key in first if key in second]
    if not both:
        print("compare.py: no figure is in both", file=sys.stderr)
        return 2
    apart = 0
    for key in both:
        percent = percent_apart(first[key], second[key])
        agrees = abs(percent) <= args.within
        apart += not agrees
        if args.all or not agrees:
            print(f"{'ok' if agrees else 'no':4}{title(key):56}{first[key]:14.1f}"
                  f"{second[key]:14.1f}{percent:+9.2f}%")
    for key in [key for key in {**first, **second} if (key in first) != (key in second)]:
        print(f"no  {title(key)}: only in one of the runs")
    print(f"{len(both)} figures, {apart} of them more than {args.within:g} % apart")
    return 1 if apart or first.keys() != second.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
