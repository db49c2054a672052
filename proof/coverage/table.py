#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which lines of kmod/ ran, of what gcovr --json has collected; see proof/coverage/run --help."""
import json
import os
import sys


def read_reasons(path):
    """{file: {line of source: reason}}"""
    reasons = {}
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            # A line of source may have " | " in it, a name of a file and a reason have not.
            name, rest = line.rstrip("\n").split(" | ", 1)
            source, _, reason = rest.rpartition(" | ")
            if not source or not reason.strip():
                raise ValueError(f"{path}:{number}: not FILE | LINE | REASON")
            reasons.setdefault(name, {})[source.strip()] = reason
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


def unexplained(name, lines, kmod, reasons, used):
    with open(os.path.join(kmod, name), encoding="ascii") as source:
        text = [line.strip() for line in source]
    for number in sorted(number for number, count in lines.items() if not count):
        line = text[number - 1]
        if line in reasons.get(name, {}):
            used.add((name, line))
        else:
            yield f"{name}:{number}: {line}"


def main():
    path, kmod, reasons_path = sys.argv[1:]
    with open(path, encoding="utf-8") as data:
        files = merge(json.load(data)["files"])
    reasons, used = read_reasons(reasons_path), set()
    missing, all_lines, all_branches = [], {}, {}
    print(f"{'':24}{'lines':>8}{'ran':>8}{'%':>8}{'branches':>10}{'ran':>8}{'%':>8}")
    for name in sorted(files):
        lines, branches = files[name]
        print(f"{name:24}{len(lines):8}{ran(lines):8}{percent(ran(lines), len(lines)):8.1f}"
              f"{len(branches):10}{ran(branches):8}"
              f"{percent(ran(branches), len(branches)):8.1f}")
        missing += unexplained(name, lines, kmod, reasons, used)
        all_lines.update({(name, key): count for key, count in lines.items()})
        all_branches.update({(name, key): count for key, count in branches.items()})
    for line in missing:
        print(f"did not run: {line}")
    for name, source in sorted((name, source) for name in reasons for source in reasons[name]):
        if (name, source) not in used:
            print(f"has a reason not to run, but ran or is not there: {name} | {source}")
    print(f"{ran(all_lines)} of {len(all_lines)} lines "
          f"({percent(ran(all_lines), len(all_lines)):.1f} %), "
          f"{ran(all_branches)} of {len(all_branches)} branches "
          f"({percent(ran(all_branches), len(all_branches)):.1f} %); "
          f"{len(missing)} lines without a reason")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
