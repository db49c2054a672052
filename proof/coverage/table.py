#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which lines of kmod/ ran, of what gcovr --json has collected; see proof/coverage/run --help."""
import collections
import json
import os
import re
import sys


def read_reasons(path):
    """How many lines that read so have a reason: {(file, function, line of source): n}"""
    reasons = collections.Counter()
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            # A line of source may have " | " in it, the others have not.
            name, function, rest = (line.rstrip("\n").split(" | ", 2) + ["", ""])[:3]
            source, _, reason = rest.rpartition(" | ")
            if not source or not reason.strip():
                raise ValueError(f"{path}:{number}: not FILE | FUNCTION | LINE | REASON")
            reasons[name, function, source.strip()] += 1
    return reasons


def merge(files):
    """{file: ({line: runs}, {(line, branch): runs})}, as a header is in several objects."""
    merged = {}
    for entry in files:
        lines, branches = merged.setdefault(os.path.basename(entry["file"]), ({}, {}))
        for line in entry["lines"]:
            if line.get("gcovr/noncode"):
                continue
            number = line["line_number"]
            lines[number] = lines.get(number, 0) + line["count"]
            for i, branch in enumerate(line["branches"]):
                key = (number, i)
                branches[key] = branches.get(key, 0) + branch["count"]
    return merged


def ran(counts):
    return sum(1 for count in counts.values() if count)


def percent(part, whole):
    return 100 * part / whole if whole else 100


def read_source(path):
    """For each line (the function it is in, itself without spaces around it).

    What the compiler calls a function is not all: small ones are parts of others to it."""
    source, function = [], ""
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if head := re.match(r"\w[^(]*?(\w+)\(", line):
                function = head[1]
            source.append((function, line.strip()))
    return source


def places(name, counts, source):
    """Where the lines of a file are, and whether they ran: (number, (file, function, line), ran)"""
    for number, count in sorted(counts.items()):
        yield number, (name, *source[number - 1]), bool(count)


def explain(found, reasons):
    """Lines that did not run, of which each reason holds for one; and reasons of lines that did."""
    left, missing = reasons.copy(), []
    for number, place, has_run in found:
        if has_run:
            continue
        if left[place]:
            left[place] -= 1
        else:
            missing.append(f"{place[0]}:{number}: {place[2]}")
    there = collections.Counter(place for _, place, _ in found)
    stale = [place for place, n in reasons.items() if n > there[place]]
    needless = [place for place, n in left.items() if n and place not in stale]
    return missing, stale, needless


def has_code(path):
    """Whether a source is more than what it includes."""
    return any(line == "{" for _, line in read_source(path))


def uncounted(files, kmod):
    """Sources of which nothing is known."""
    return sorted(name for name in os.listdir(kmod) if name.endswith(".c") and
                  not name.endswith("_kunit.c") and name not in files and
                  has_code(os.path.join(kmod, name)))


def main():
    path, kmod, reasons_path = sys.argv[1:]
    with open(path, encoding="utf-8") as data:
        files = merge(json.load(data)["files"])
    unknown = uncounted(files, kmod)
    if unknown:
        sys.exit(f"table.py: nothing was counted in {' '.join(unknown)}")
    found, all_lines, all_branches = [], {}, {}
    print(f"{'':24}{'lines':>8}{'ran':>8}{'%':>8}{'branches':>10}{'ran':>8}{'%':>8}")
    for name in sorted(files):
        lines, branches = files[name]
        print(f"{name:24}{len(lines):8}{ran(lines):8}{percent(ran(lines), len(lines)):8.1f}"
              f"{len(branches):10}{ran(branches):8}"
              f"{percent(ran(branches), len(branches)):8.1f}")
        found += places(name, lines, read_source(os.path.join(kmod, name)))
        all_lines.update({(name, key): count for key, count in lines.items()})
        all_branches.update({(name, key): count for key, count in branches.items()})
    missing, stale, needless = explain(found, read_reasons(reasons_path))
    for line in missing:
        print(f"did not run: {line}")
    for place in stale:
        print(f"has a reason not to run, but is not there: {' | '.join(place)}")
    for place in needless:
        print(f"has a reason not to run, and ran this time: {' | '.join(place)}")
    print(f"{ran(all_lines)} of {len(all_lines)} lines "
          f"({percent(ran(all_lines), len(all_lines)):.1f} %), "
          f"{ran(all_branches)} of {len(all_branches)} branches "
          f"({percent(ran(all_branches), len(all_branches)):.1f} %); "
          f"{len(missing)} lines without a reason")
    return 1 if missing or stale else 0


if __name__ == "__main__":
    sys.exit(main())
