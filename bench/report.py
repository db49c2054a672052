#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the lines of chanbench and gobench say.

A ratio is the cost of a channel divided by that of the other way, in the same round of the
same boot, and of these the median: below 1 the channel is cheaper.  A cost is the median of
the blocks, the spread how far the middle half of them is apart.  A file named
KERNEL-icount.csv is in instructions, all others are in nanoseconds (--unit says otherwise).
"""
import argparse
import csv
import signal
import sys

import goals
import growth
import results

EPILOG = """
what is printed:
  (nothing said)  a table of each case, then how costs grow
  --summary       a table in Markdown, as the README has it, of the first file of an icount run:
                  operation | instructions | for each peer the ratio, empty if not measured
  --growth        case, placement, way, exponent, what one more of the size costs, how many times
                  as much the largest size costs as the smallest, what is expected, and whether it
                  is met; a case needs three sizes, or four, so bench-quick has none of this
  --goals         each goal for these kernels, what was measured, and whether it is met; exit
                  status 1 if one is not met
  --html FILE     writes a page with plots as well
Exit status 2: a file could not be read, or holds a line that was not written by a bench.
"""


def load(path, unit):
    try:
        found = results.Results(path or "", unit)
        if path:
            with open(path, encoding="ascii", newline="") as lines:
                found.read(lines)
        else:
            found.read(sys.stdin)
    except (OSError, UnicodeDecodeError, csv.Error, results.BadLine) as error:
        complain(f"{path or 'standard input'}: {error}")
    if not found.cases:
        complain(f"{path or 'standard input'}: there is no line in it")
    return found


def complain(what):
    print(f"report.py: {what}", file=sys.stderr)
    sys.exit(2)


def heading(text):
    print(text + "\n" + "=" * len(text) + "\n")


def print_case(case):
    ours = case.ours()
    head = f"{case.title():32}{case.unit:>14}{'spread':>10}{'vol':>7}{'invol':>7}"
    print(head + "".join(f"{way.name + '/':>19}" for way in ours))
    for way in case.ways.values():
        line = f"  {way.name:30}{way.cost():14.1f}{way.spread():9.2f}%"
        line += f"{way.voluntary():7.2f}{way.involuntary():7.2f}"
        for our in ours:
            ratio = None if our is way else our.ratio_to(way)
            line += f"{'' if ratio is None else f'{ratio:.3f}':>19}"
        line += f"  disturbed blocks: {way.disturbed}" if way.disturbed else ""
        print(line.rstrip())
    print()


def print_growth(found):
    grown = growth.growths(found)
    if not grown:
        return
    print(f"{'how costs grow':28}{'placement':>10}  {'way':20}{'exponent':>9}{'one more':>11}"
          f"{'times':>9}  expected")
    for g in grown:
        times = f"{g.times():.3g}" if g.times() < 1000 else f"{g.times():.0f}"
        line = f"{g.expected.case:28}{g.placement:>10}  {g.way:20}"
        line += f"{round(g.exponent, 3) + 0.0:9.3f}{g.step():11.1f}{times:>9}"
        if g.way.startswith("chan"):
            line += f"  at most {g.expected.at_most:g}: {'met' if g.met() else 'NOT MET'}"
        print(line)
    print()


def print_summary(files):
    shown = [f for f in files if f.method == results.ICOUNT] or files
    head = ["operation", shown[0].unit, *(f"/ {name}" for name, _ in goals.PEERS)]
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for cells in goals.summary(shown[0]):
        print("| " + " | ".join(cells) + " |")


def print_goals(files):
    """Whether all that could be told are met."""
    measured, missing = goals.verdicts(files)
    for goal, value in measured:
        met = "met" if value <= goal.at_most else "NOT MET"
        print(f"{goal.kernel:5}{goal.what:70}{value:12.3f}  at most {goal.at_most:7g}: {met}")
    for goal, _ in missing:
        print(f"{goal.kernel:5}{goal.what:70}{'-':>12}  at most {goal.at_most:7g}: not measured")
    if not measured:
        complain("no goal is about what these files hold")
    return all(value <= goal.at_most for goal, value in measured)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="lines (standard input)")
    parser.add_argument("--unit", help="what costs are counted in, if the names do not tell")
    what = parser.add_mutually_exclusive_group()
    for option in ("summary", "growth", "goals"):
        what.add_argument("--" + option, action="store_true")
    parser.add_argument("--html", metavar="FILE")
    return parser.parse_args()


def main():
    args = parse()
    files = [load(path, args.unit) for path in args.files or [None]]
    good = True
    if args.goals:
        good = print_goals(files)
    elif args.summary:
        print_summary(files)
    else:
        for found in files:
            if len(files) > 1:
                heading(found.title())
            for case in [] if args.growth else found.cases.values():
                print_case(case)
            print_growth(found)
    if args.html:
        import page
        try:
            page.write(files, args.html)
        except OSError as error:
            complain(error)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)   # as for any other filter
    main()
