#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which lines of kmod/ ran, of what gcovr --json has collected; see proof/coverage/run --help."""
import collections
import json
import os
import sys


def read_reasons(path):
    """How many of the lines of a file that read so have a reason: {(file, line of source): n}"""
    reasons = collections.Counter()
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            # A line of source may have " | " in it, a name of a file and a reason have not.
            name, rest = line.rstrip("\n").split(" | ", 1)
            source, _, reason = rest.rpartition(" | ")
            if not source or not reason.strip():
                raise ValueError(f"{path}:{number}: not FILE | LINE | REASON")
            reasons[name, source.strip()] += 1
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
    with open(path, encoding="ascii") as source:
        return [line.strip() for line in source]


def unexplained(name, lines, text, reasons):
    """Those without a reason, each of which holds for one line."""
    left = reasons.copy()
    for number in sorted(number for number, count in lines.items() if not count):
        line = text[number - 1]
        if left[name, line]:
            left[name, line] -= 1
        else:
            yield f"{name}:{number}: {line}"


def stale(reasons, kmod):
    """Reasons of what is not there.  One that ran for once may not run the next time."""
    for (name, line), n in sorted(reasons.items()):
        path = os.path.join(kmod, name)
        if not os.path.exists(path) or read_source(path).count(line) < n:
            yield f"{name} | {line}"


def has_code(path):
    """Whether a source is more than what it includes."""
    with open(path, encoding="ascii") as source:
        return any(line.startswith("{") for line in source)


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
    reasons = read_reasons(reasons_path)
    missing, all_lines, all_branches = [], {}, {}
    print(f"{'':24}{'lines':>8}{'ran':>8}{'%':>8}{'branches':>10}{'ran':>8}{'%':>8}")
    for name in sorted(files):
        lines, branches = files[name]
        print(f"{name:24}{len(lines):8}{ran(lines):8}{percent(ran(lines), len(lines)):8.1f}"
              f"{len(branches):10}{ran(branches):8}"
              f"{percent(ran(branches), len(branches)):8.1f}")
        text = read_source(os.path.join(kmod, name))
        missing += unexplained(name, lines, text, reasons)
        all_lines.update({(name, key): count for key, count in lines.items()})
        all_branches.update({(name, key): count for key, count in branches.items()})
    for line in missing:
        print(f"did not run: {line}")
    gone = list(stale(reasons, kmod))
    for line in gone:
        print(f"has a reason not to run, but is not there: {line}")
    print(f"{ran(all_lines)} of {len(all_lines)} lines "
          f"({percent(ran(all_lines), len(all_lines)):.1f} %), "
          f"{ran(all_branches)} of {len(all_branches)} branches "
          f"({percent(ran(all_branches), len(all_branches)):.1f} %); "
          f"{len(missing)} lines without a reason")
    return 1 if missing or gone else 0


if __name__ == "__main__":
    sys.exit(main())
