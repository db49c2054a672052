#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Parse OpenMetrics text as the client library of Prometheus does.

usage: openmetrics.py FILE...

Writes FILE.families, a line "NAME TYPE UNIT" for each family, and FILE.samples, a line
"NAME{LABEL=VALUE,...} VALUE" for each sample, with labels sorted and not escaped.  The exit
status is 0 if all files are well formed.
"""
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def key(sample):
    labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}"


def check_histogram(family):
    """What the parser leaves to us: bounds ascend, +Inf is there and is the count."""
    last = {}
    for s in family.samples:
        rest = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
        if s.name.endswith("_bucket"):
            bound = float(s.labels["le"])
            old_bound, old_count = last.get(rest, (-1.0, 0))
            assert bound > old_bound and s.value >= old_count, key(s)
            last[rest] = (bound, s.value)
        elif s.name.endswith("_count"):
            assert last[rest] == (float("inf"), s.value), key(s)


def parse(path):
    with open(path, encoding="utf-8") as f:
        families = list(text_string_to_metric_families(f.read()))
    samples = {}
    for family in families:
        if family.type == "histogram":
            check_histogram(family)
        for s in family.samples:
            assert key(s) not in samples, key(s)
            samples[key(s)] = s.value
    with open(path + ".families", "w", encoding="utf-8") as f:
        f.writelines(f"{m.name} {m.type} {m.unit or '-'}\n" for m in families)
    with open(path + ".samples", "w", encoding="utf-8") as f:
        f.writelines(f"{name} {value:.15g}\n" for name, value in samples.items())


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for file in sys.argv[1:]:
        parse(file)
