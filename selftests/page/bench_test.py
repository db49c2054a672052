#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of what the bench makes of its figures: tables, growth, goals, and the page; and of how
scripts/where reads addresses.

usage: selftests/page/bench_test.py [NAME...]    (the tests of these names, instead of all)

Needs no kernel module and no virtual machine.  Those in a browser are skipped if none is
installed (Debian: chromium-headless-shell).
"""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(os.path.dirname(os.path.dirname(HERE)), "bench")
sys.path[:0] = [HERE, BENCH]

import goals      # noqa: E402
import growth     # noqa: E402
import harness    # noqa: E402
import page       # noqa: E402
import results    # noqa: E402
from harness import equal, fine, in_browser, test  # noqa: E402


def load_script(name):
    """A program in scripts/ that is written in Python, as a module."""
    loader = importlib.machinery.SourceFileLoader(
        name, os.path.join(os.path.dirname(BENCH), "scripts", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


where = load_script("where")
REPORT = os.path.join(BENCH, "report.py")
scratch = tempfile.TemporaryDirectory()


def line(case="round-trip", size=0, placement="one", way="chan", number=0, ns=100.0,
         voluntary=2.0, involuntary=0.5, quiet=1):
    return f"{case},{size},{placement},{way},{number},{ns},{voluntary},{involuntary},{quiet}\n"


def file_of(lines, name="6.12-icount.csv"):
    path = os.path.join(scratch.name, name)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines)
    return path


def results_of(lines, path="6.12-icount.csv"):
    return results.Results(path).read(lines)


def report(*arguments, text=""):
    done = subprocess.run([sys.executable, "-B", REPORT, *arguments], input=text, text=True,
                          capture_output=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def words_of(text, first):
    """The words of the line that begins with this word."""
    return next(row.split() for row in text.splitlines() if row.split()[:1] == [first])


# ---- what is read

@test
def a_cost_is_the_median_and_the_spread_is_of_the_middle_half():
    costs = [100, 101, 102, 103, 104, 105, 106, 900]
    way = results_of([line(number=i, ns=ns) for i, ns in enumerate(costs)]).way(
        "round-trip", 0, "one", "chan")
    equal("cost", 103.5, way.cost())
    equal("middle half", (102, 105), way.middle_half())
    equal("spread", round(300 / 103.5, 6), round(way.spread(), 6))
    equal("switches", (2.0, 0.5), (way.voluntary(), way.involuntary()))


@test
def a_ratio_is_of_the_same_rounds():
    lines = [line(number=i, ns=ns) for i, ns in enumerate([100, 200, 400])]
    lines += [line(way="pipe", number=i, ns=ns) for i, ns in enumerate([200, 200, 200])]
    lines += [line(way="late", number=i, ns=50) for i in (2, 3)]
    lines += [line(way="never", number=9)]
    read = results_of(lines)
    case = read.cases["round-trip", 0, "one"]
    equal("of three", 1.0, case.ways["chan"].ratio_to(case.ways["pipe"]))
    equal("of one", 8.0, case.ways["chan"].ratio_to(case.ways["late"]))
    equal("of none", None, case.ways["chan"].ratio_to(case.ways["never"]))


@test
def the_name_of_a_file_says_what_it_is_of():
    for path, kernel, unit in [("build/6.12-icount.csv", "6.12", "instructions"),
                               ("6.1-smp.csv", "6.1", "ns"), ("6.12-rt-smp.csv", "6.12-rt", "ns"),
                               ("6.12.csv", "", "ns"), ("", "", "ns")]:
        read = results.Results(path)
        equal(path, (kernel, unit), (read.kernel, read.unit))
    equal("told", "apples", results.Results("6.12-icount.csv", "apples").unit)


@test
def a_line_that_no_bench_has_written_is_refused():
    good = line()
    for what, bad in [
            ("8 fields instead of 9", good.rsplit(",", 1)[0] + "\n"),
            ("10 fields instead of 9", good.strip() + ",1\n"),
            ("1 fields instead of 9", "chanbench: kchan_make: No such device\n"),
            ("case is '', not a name", line(case="")),
            ("case is '<b>', not a name", line(case="<b>")),
            ("size is '-1', not a natural number", line(size=-1)),
            ("size is '1.5', not a natural number", line(size=1.5)),
            ("placement is 'two'", line(placement="two")),
            ("way is 'a b', not a name", line(way="a b")),
            ("round is 'x', not a natural number", line(number="x")),
            ("ns is '0', not a positive amount", line(ns=0)),
            ("ns is '-5', not a positive amount", line(ns=-5)),
            ("ns is 'nan', not a number", line(ns="nan")),
            ("ns is 'inf', not a number", line(ns="inf")),
            ("ns is '', not a number", line(ns="")),
            ("voluntary is '-1', not an amount", line(voluntary=-1)),
            ("involuntary is 'one', not a number", line(involuntary="one")),
            ("bytes is 'many', not a number", line(case="idle-bytes", ns="many")),
            ("quiet is '2', not 0 or 1", line(quiet=2)),
            ("chan has round 1 twice", line(number=1))]:
        done = report(text=line(number=1) + bad)
        equal(f"status for {bad!r}", 2, done.returncode)
        assert f"standard input: line 2: {what}" in done.stderr, f"{bad!r}: {done.stderr}"
        equal(f"printed for {bad!r}", "", done.stdout)


@test
def what_cannot_be_read_is_told():
    empty = file_of([], "empty.csv")
    binary = os.path.join(scratch.name, "binary.csv")
    with open(binary, "wb") as file:
        file.write(b"\xff\xfe\x00")
    good = file_of([line()], "good.csv")
    for arguments, what in [
            (["/nonexistent.csv"], "/nonexistent.csv"), ([empty], "there is no line in it"),
            ([binary], "binary.csv"), (["--wrong"], "unrecognized arguments"),
            (["--goals", good], "no goal is about what these files hold"),
            ([good, "--html", "/nonexistent/x.html"], "/nonexistent/x.html")]:
        done = report(*arguments)
        equal(f"status of {arguments}", 2, done.returncode)
        assert what in done.stderr, f"{arguments}: {done.stderr}"


# ---- what is printed

@test
def the_table_has_costs_ratios_and_switches():
    lines = [line(number=i, ns=100 + i) for i in range(3)]
    lines += [line(way="pipe", number=i, ns=2 * (100 + i), quiet=int(i > 0)) for i in range(3)]
    done = report(file_of(lines))
    equal("status", 0, done.returncode)
    equal("head", ["round-trip", "(one)", "instructions", "spread", "vol", "invol", "chan/"],
          words_of(done.stdout, "round-trip"))
    equal("ours", ["chan", "101.0", "1.98%", "2.00", "0.50"], words_of(done.stdout, "chan"))
    equal("a peer", ["pipe", "202.0", "1.98%", "2.00", "0.50", "0.500", "disturbed",
                     "blocks:", "1"], words_of(done.stdout, "pipe"))


@test
def memory_is_in_bytes_and_may_become_less():
    lines = [line(case="idle-bytes-own", size=1000, number=i, ns=ns)
             for i, ns in enumerate((-8, 0, 12))]
    done = report(file_of(lines))
    equal("status", 0, done.returncode)
    equal("head", "bytes", words_of(done.stdout, "idle-bytes-own")[3])
    equal("cost", "0.0", words_of(done.stdout, "chan")[1])
    root = xml.etree.ElementTree.fromstring(page.page([results_of(lines)]))
    equal("width", "0", marks(root)["idle-bytes-own", 1000, "one", "chan"][0].get("width")[:1])


@test
def several_files_have_each_its_unit():
    done = report(file_of([line()]), file_of([line(placement="free")], "6.12-smp.csv"))
    equal("titles", ["6.12: one processor, time counts instructions",
                     "6.12: two emulated processors"],
          [row for row in done.stdout.splitlines() if row.startswith("6.12:")])
    equal("units", ["instructions", "ns"],
          [row.split()[2] for row in done.stdout.splitlines() if row.startswith("round-trip")])


@test
def the_summary_is_a_table_for_the_readme():
    lines = [line(way="chan-call", ns=1234.5), line(way="pipe", ns=1000),
             line(way="go-locked", ns=5000)]
    done = report("--summary", file_of([line(placement="free")], "6.12-smp.csv"),
                  file_of(lines))
    rows = done.stdout.splitlines()
    equal("rows", 3, len(rows))
    equal("columns", {rows[0].count("|")}, {row.count("|") for row in rows})
    equal("cells", ["request and reply, by `kchan_call`", "1,234", "1.23"],
          [cell.strip() for cell in rows[2].split("|")[1:4]])
    equal("the last cell", "0.25", rows[2].split("|")[-2].strip())


@test
def goals_are_met_or_not_or_not_measured():
    lines = [line(way="chan-call", ns=500), line(way="pipe", ns=1000),
             line(way="futex-word", ns=510)]
    done = report("--goals", file_of(lines))
    equal("status", 1, done.returncode)
    said = {row[5:75].strip(): row.rsplit(": ", 1)[1] for row in done.stdout.splitlines()}
    equal("pipe", "met", said["round trip by calls / pipe"])
    equal("futex", "NOT MET", said["round trip by calls / futex word"])
    equal("Go", "not measured", said["round trip by calls / Go, locked"])
    equal("status when all are met", 0, report("--goals", file_of(lines[:2])).returncode)
    old = report("--goals", file_of(lines[:2], "6.1-icount.csv")).stdout
    assert "at most    0.67: met" in old and "0.58" not in old, old


@test
def every_goal_and_row_is_about_something_that_can_be_measured():
    """Fed with a file that holds every case, all come to a figure."""
    names = [(row.case, row.size, row.ours) for row in goals.ROWS]
    lines = [line(case=case, size=size, way=way) for case, size, way in dict.fromkeys(names)]
    equal("rows", len(goals.ROWS), len(goals.summary(results_of(lines))))
    for goal in goals.GOALS:
        assert 0 < goal.at_most and goal.method in results.UNITS, goal.what
    equal("goals that are told apart", len(goals.GOALS),
          len({(goal.what, goal.kernel) for goal in goals.GOALS}))


@test
def two_runs_are_compared():
    first = file_of([line(ns=1000), line(way="pipe", ns=100)], "first.csv")
    second = file_of([line(ns=1009), line(way="pipe", ns=98)], "second.csv")

    def compared(*arguments):
        return subprocess.run([sys.executable, "-B", os.path.join(BENCH, "compare.py"),
                               *arguments], capture_output=True, text=True, check=False)
    done = compared(first, second)
    equal("status", 1, done.returncode)
    rows = done.stdout.splitlines()
    equal("apart", ["no", "round-trip", "0", "(one)", "pipe", "100.0", "98.0", "-2.00%"],
          rows[0].split())
    equal("sum", "2 figures, 1 of them more than 1 % apart", rows[-1])
    equal("status within 2 %", 0, compared("--within", "2", first, second).returncode)
    equal("status of one that is missing", 1,
          compared(first, file_of([line(ns=1000)], "third.csv")).returncode)
    equal("status of nothing in common", 2,
          compared(first, file_of([line(case="else")], "third.csv")).returncode)
    equal("status of a bad line", 2,
          compared(first, file_of(["what\n"], "third.csv")).returncode)


# ---- growth

@test
def an_exponent_is_found():
    for exponent in (0, 0.5, 1, 2):
        points = {n: 7.0 * n ** exponent for n in (1, 10, 100, 1000)}
        equal(f"of n^{exponent}", exponent, round(growth.power(points), 9))
    equal("of what shrinks", -1, round(growth.power({1: 100.0, 10: 10.0}), 9))


@test
def a_part_that_does_not_grow_is_told_from_one_that_does():
    for exponent in (0.5, 1, 2):
        points = {n: 2000 + 70.0 * n ** exponent for n in (2, 8, 64, 512)}
        fixed, factor, found = growth.power_beside_fixed(points)
        equal("exponent", exponent, found)
        equal("fixed part and factor", (2000, 70), (round(fixed, 3), round(factor, 3)))
    flat = {2: 1000.0, 8: 1004.0, 64: 1001.0, 512: 1003.0}
    equal("flat", 0.0, growth.power_beside_fixed(flat)[2])


@test
def growth_that_is_too_fast_is_not_met():
    def done_with(exponent):
        costs = {n: 1000 + 10 * n ** exponent for n in (2, 8, 64, 512)}
        lines = [line(case="one-of-many-ready", size=n, way=way, ns=ns)
                 for n, ns in costs.items() for way in ("chan-select", "pipe-poll")]
        return words_of(report("--growth", file_of(lines)).stdout, "one-of-many-ready")
    equal("linear", ["one", "chan-select", "1.000", "10.0", "6", "at", "most", "1.05:",
                     "met"], done_with(1)[1:])
    equal("quadratic", ["2.000", "NOT", "MET"],
          [word for i, word in enumerate(done_with(2)) if i in (3, 9, 10)])


@test
def too_few_sizes_say_nothing_about_growth():
    lines = [line(case="one-of-many-ready", size=n, way="chan-select") for n in (2, 8, 64)]
    equal("growth", [], growth.growths(results_of(lines)))


# ---- the page

def many_lines():
    """Cases of each shape: bars, bars beside a busy loop, lines."""
    lines = []
    for number in range(4):
        for i, way in enumerate(("chan-call", "chan", "futex-word", "pipe", "go-locked")):
            lines += [line(way=way, number=number, ns=1000 * (i + 1) + 7 * number),
                      line(case="round-trip-hog", way=way, number=number, ns=1500 * (i + 1))]
        for size in (2, 8, 64, 512, 4096):
            for i, way in enumerate(("chan-select", "pipe-poll")):
                lines.append(line(case="one-of-many-ready", size=size, way=way, number=number,
                                  ns=2000 * (i + 1) + 70.5 * size + number))
            lines.append(line(case="payload", size=size // 8, number=number, ns=100 + size))
            lines.append(line(case="payload", size=size // 8, number=number, ns=90 + size,
                              way="chan-read-write"))
        lines += [line(case="of-which-nobody-knows", way="odd", number=number, ns=3),
                  line(case="one-of-many-ready-hog", size=8, way="chan-select", number=number)]
    return lines


def marks(root):
    """{(case, size, placement, way): the marks that stand for it}."""
    found = {}
    for mark in root.iter():
        if mark.get("data-case"):
            key = (mark.get("data-case"), int(mark.get("data-size")),
                   mark.get("data-placement"), mark.get("data-way"))
            found.setdefault(key, []).append(mark)
    return found


def words(root):
    return " ".join("".join(root.find("body").itertext()).split())


@test
def the_page_is_well_formed_and_its_figures_are_those_of_the_file():
    icount, smp = results_of(many_lines()), results_of(
        [line(placement=p, way=w) for p in ("apart", "free") for w in ("chan", "pipe")],
        "6.12-smp.csv")
    root = xml.etree.ElementTree.fromstring(page.page([icount, smp]))
    wanted = {(*key, name): f"{way.cost():.2f}" for read in (icount, smp)
              for key, case in read.cases.items() for name, way in case.ways.items()}
    drawn = marks(root)
    equal("what is drawn", sorted(wanted), sorted(drawn))
    for key, cost in wanted.items():
        equal(f"marks of {key}", [cost], [mark.get("data-cost") for mark in drawn[key]])
    cells = {cell.text for cell in root.iter("td")}
    for key, cost in wanted.items():
        assert f"{float(cost):,.1f}" in cells, f"{key}: {cost} is in no table"


@test
def bars_are_as_long_as_what_they_stand_for():
    root = xml.etree.ElementTree.fromstring(page.page([results_of(many_lines())]))
    bars = [mark for key, found in marks(root).items() if key[0].startswith("round-trip")
            for mark in found]
    equal("bars", 10, len(bars))
    ratios = [float(bar.get("width")) / float(bar.get("data-cost")) for bar in bars]
    assert max(ratios) / min(ratios) < 1.001, ratios


@test
def lines_rise_with_the_logarithm():
    root = xml.etree.ElementTree.fromstring(page.page([results_of(
        [line(case="one-of-many-ready", size=10 ** i, ns=100 ** i, way="chan-select")
         for i in range(1, 5)])]))
    dots = [(float(m.get("cx")), float(m.get("cy"))) for found in marks(root).values()
            for m in found]
    equal("dots", 4, len(dots))
    for axis in (0, 1):
        steps = [b[axis] - a[axis] for a, b in zip(dots, dots[1:])]
        assert max(steps) - min(steps) < 0.05 and abs(steps[0]) > 20, steps
    text = words(root)
    assert "with the power 2.00 of the size" in text and "not met" in text, text


@test
def a_page_says_what_is_seen():
    text = words(xml.etree.ElementTree.fromstring(page.page([results_of(many_lines())])))
    for said in ("A round trip takes 1,010 instructions at best (channel, by calls), 0.25 times "
                 "what it takes with a pipe", "the cheapest of the others, futex word, takes 3,010",
                 "with 4,096 channels the cost is 136 times that with 2; each further one costs "
                 "70.5 instructions on average.",
                 "at most 1.05. met", "Of which nobody knows"):
        assert said in text, f"{said!r} is not in: {text}"


@test
def the_page_is_written_where_it_is_told():
    out = os.path.join(scratch.name, "page.html")
    done = report(file_of(many_lines()), "--html", out)
    equal("status", 0, done.returncode)
    assert "round-trip" in done.stdout
    with open(out, encoding="utf-8") as file:
        equal("the page", page.page([results_of(many_lines())]), file.read())


@in_browser
def a_browser_shows_it_light_and_dark_without_a_complaint(tab):
    out = os.path.join(scratch.name, "shown.html")
    page.write([results_of(many_lines())], out)
    tab.command("Page.navigate", url="file://" + out)
    tab.until("document.readyState === 'complete' && !!document.getElementById('method')")
    fine(tab)
    equal("bars that can be seen", 14, tab.value(
        "[...document.querySelectorAll('rect')].filter(r => r.getBoundingClientRect().width > 1 "
        "&& getComputedStyle(r).fill !== 'rgb(0, 0, 0)').length"))
    equal("labels that are cut off", [], tab.value(
        "[...document.querySelectorAll('svg text')].filter(t => { const box = t.getBBox(), "
        "view = t.ownerSVGElement.viewBox.baseVal; return box.x < 0 || box.y < 0 || "
        "box.x + box.width > view.width || box.y + box.height > view.height; })"
        ".map(t => t.textContent)"))
    equal("what is wider than the window", 0, tab.value(
        "Math.max(0, document.documentElement.scrollWidth - innerWidth)"))
    brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)" \
                 ".reduce((a, b) => a + b)"
    assert tab.value(brightness) > 600
    tab.command("Emulation.setEmulatedMedia",
                features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert tab.value(brightness) < 150


# ---- where instructions go

KERNEL = 0xffffffff81000000


def symbols():
    found = where.Symbols()
    for address, name in ((0x1000, "main"), (0x1100, "send"), (KERNEL, "entry"),
                          (KERNEL + 0x100, "__do_it"), (KERNEL + 0x100, "do_it"),
                          (KERNEL + 0x200, "chan_send [chan]")):
        found.add(address, name)
    return found


@test
def an_address_belongs_to_the_function_before_it():
    known = symbols()
    for address, name in ((0x1000, "main"), (0x10ff, "main"), (0x1100, "send"), (0xfff, "?"),
                          (0x7ffff7fc1000, "[vdso]"), (0xffff800000000000, "?"),
                          (KERNEL + 0x1ff, "do_it"), (KERNEL + 0x200, "chan_send [chan]")):
        equal(f"{address:x}", name, known.find(address)[0])


@test
def calls_and_returns_are_told_from_addresses():
    operation = [0x1004, 0x1100, 0x1104, KERNEL, KERNEL + 4, KERNEL + 0x100, KERNEL + 0x200,
                 KERNEL + 0x204, KERNEL + 0x104, KERNEL + 0x200, KERNEL + 8, 0x1108, 0x1008]
    root = where.call_tree(operation, symbols())
    seen = [(depth, node.name, node.own, node.total(), node.entered)
            for node, depth in where.walk(root)]
    equal("tree", [(0, "main", 2, 13, 1), (1, "send", 3, 11, 1), (2, "entry", 3, 8, 1),
                   (3, "do_it", 2, 5, 1), (4, "chan_send [chan]", 3, 3, 2)], seen)
    equal("kinds", ["user space", "user space", "the rest", "the rest", "channels"],
          [where.kind_of(node) for node, _ in where.walk(root)])
    # To another thread, which is in the middle of something.
    other = where.call_tree([0x1000, KERNEL, KERNEL + 0x104, 0x1004], symbols())
    equal("after a switch", [(0, "main"), (1, "entry"), (0, "do_it")],
          [(depth, node.name) for node, depth in where.walk(other)])
    equal("all of it", 4, other.total())


@test
def operations_are_cut_where_they_begin_and_end():
    begins, ends = 0x2000, 0x2010
    turn = [begins, 1, 2, ends, 3]
    found, turns = where.operations([7, ends, *turn, *turn, begins, 1, 2, 2, ends, 3, begins],
                                    begins, ends)
    equal("operations", [[begins, 1, 2], [begins, 1, 2], [begins, 1, 2, 2]], found)
    equal("turns", [5, 5, 6], turns)
    equal("mean without a tick", 110.0, where.mean_turn([100, 120, 100, 120, 9000]))
    operation, lengths = where.typical(found)
    equal("typical", ([begins, 1, 2], {3: 2, 4: 1}), (operation, dict(lengths)))


@test
def counts_agree_within_a_percent():
    for logged, verdict in ((1000, True), (1009, True), (991, True), (1011, False), (989, False)):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            equal(f"{logged} of 1000", verdict, where.agree(logged, 1000.0))
        assert f"{logged} instructions in the log, 1000 by the clock" in said.getvalue()


if __name__ == "__main__":
    sys.exit(harness.main(__doc__))
