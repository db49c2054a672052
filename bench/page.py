# SPDX-License-Identifier: GPL-2.0-only
"""The page of the bench: one file that needs nothing but a browser, and no script."""
import base64
import hashlib
import os
from xml.sax.saxutils import escape

import goals
import growth
import plot
import results
import texts
from plot import element, number

FROM_SIZES = 3      # a case that comes in so many sizes is drawn as lines

INTRO = """A channel passes elements from one thread or process to another, as Go has it, but
through the kernel. Here is what that costs, beside the other means that the system has for it,
measured in turns in the same boot of a virtual machine. Shorter bars and lower lines are cheaper;
blue is ours. Point at a bar or a dot to see its figures in full; below each plot is a table of
them all."""

NOTES = [
    ("Instructions", "With one processor, the virtual machine's clock counts instructions. That "
     "repeats to a fraction of a percent and shows how much work an operation is; it hides "
     "caches, mispredicted branches and what a processor really takes for an instruction."),
    ("Nanoseconds", "With two processors, time is that of an emulator on a host that may have "
     "other things to do. It shows directions, such as whether somebody is woken on another "
     "processor, and not what hardware would take."),
    ("A figure", "is the median of the blocks; the dark line in a bar is where the middle half "
     "of them lies, if it can be seen at all. Ratios are of blocks of the same round, and the "
     "median of these: below 1 the channel is cheaper."),
    ("In turns", "All ways of a case are set up before any is measured, and take turns in blocks, "
     "forwards in one round and backwards in the next. A calibrated loop before and after each "
     "block tells whether something else ran meanwhile; if so, the block is repeated. Go's ways "
     "are a program of their own, which runs after the others."),
    ("Beside a busy loop", "(the pale bars) another process on the same processor never waits. "
     "Who waits then competes for its turn."),
    ("Go, locked", "is a goroutine that is bound to a thread, as every user of a kernel channel "
     "is. Go without that switches goroutines in user space, inside one process: what it saves "
     "is the price of going through the kernel, which is what reaches other processes."),
    ("Futex word, mutex", "stay in user space as long as nobody waits, and the word carries no "
     "data. They are the least that threads of one process need."),
    ("Near-ties", "Differences of a few percent between different mechanisms say little about "
     "hardware: they are printed as they are."),
]


def policy(style):
    """Nothing is loaded, and no script runs."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; " \
           f"style-src 'sha256-{digest}'"


def paragraph(text, cls=None):
    return element("p", escape(" ".join(text.split())), cls=cls)


def times(ratio):
    return f"{ratio:.2f} times" if ratio < 100 else f"{ratio:,.0f} times"


def seen_in_bars(case):
    """One sentence."""
    ours = min(case.ours(), key=lambda way: way.cost(), default=None)
    others = [way for way in case.ways.values() if not way.ours]
    if not ours:
        return f"No way of ours was measured; {texts.case(case.name).operation} is counted."
    operation = texts.case(case.name).operation.capitalize()
    what = f"{operation} takes {number(ours.cost())} {case.unit}"
    if len(case.ours()) > 1:
        what += f" at best ({texts.way(ours.name)})"
    pipe = next((way for way in others if way.name.startswith("pipe")), None)
    if pipe and ours.ratio_to(pipe):
        what += f", {times(ours.ratio_to(pipe))} what it takes with " \
                f"{'a pipe' if pipe.name == 'pipe' else texts.way(pipe.name)}"
    if not others:
        return what + "."
    least = min(others, key=lambda way: way.cost())
    if least is not pipe:
        what += f"; the cheapest of the others, {texts.way(least.name)}, takes " \
                f"{number(least.cost())}"
    return what + "."


def seen_in_lines(grown, cases):
    what = texts.case(cases[0].name).size
    for g in grown:
        if g.way.startswith("chan"):
            low, high = min(g.points), max(g.points)
            how = f"{texts.way(g.way).capitalize()}: with {high:,} {what} the cost is " \
                  f"{times(g.times())} that with {low:,}"
            if g.expected.fixed_part:
                how += f"; each further one costs {number(g.step())} {cases[0].unit} on average"
            return how + "."
    low, high = cases[0], cases[-1]
    ours = next((way for way in low.ours() if way.name in high.ways), None)
    if not ours:
        return ""
    ratio = high.ways[ours.name].cost() / ours.cost()
    return f"{texts.way(ours.name).capitalize()}: with {high.size:,} {what} the cost is " \
           f"{times(ratio)} that with {low.size:,}."


def verdict(g):
    """What was expected of growth."""
    met, word = ("met", "met") if g.met() else ("unmet", "not met")
    power = f"{round(g.exponent, 2) + 0.0:.2f}"     # without a minus before nothing
    beside = " (beside a fixed part)" if g.expected.fixed_part else ""
    return element("p", escape(
        f"{texts.way(g.way).capitalize()}: cost grows with the power {power} of the "
        f"size{beside}; expected, as {g.expected.because}: at most {g.expected.at_most:g}. ") +
        element("b", word, cls=met))


def table(cases):
    ours = list(dict.fromkeys(way.name for case in cases for way in case.ours()))
    head = ["", cases[0].unit, "spread", "voluntary", "involuntary",
            *(f"{name} /" for name in ours)]
    rows = []
    for case in cases:
        for way in case.ways.values():
            ratios = [case.ways[name].ratio_to(way) if name in case.ways and name != way.name
                      else None for name in ours]
            name = (f"{case.size:,}: " if len(cases) > 1 else "") + texts.way(way.name)
            cells = [name, f"{way.cost():,.1f}", f"{way.spread():.2f} %",
                     f"{way.voluntary():.2f}", f"{way.involuntary():.2f}",
                     *("" if ratio is None else f"{ratio:.3f}" for ratio in ratios)]
            rows.append(element("tr", "".join(element("td", escape(c)) for c in cells)))
    head = element("tr", "".join(element("th", escape(cell)) for cell in head))
    inside = element("table", element("thead", head) + element("tbody", "".join(rows)))
    return element("details", element("summary", "Figures; switches are of one operation") +
                   element("div", inside, cls="scroll"))


def figure(heading, drawn, said, *tables):
    text = element("h3", escape(heading))
    explanation = texts.case(tables[0][0].name).explanation
    if explanation:
        text += paragraph(explanation, "what")
    return element("figure", text + drawn + element("figcaption", said) +
                   "".join(table(cases) for cases in tables))


def where(found, case):
    """Of a machine with one processor that goes without saying."""
    return f": {results.PLACEMENTS[case.placement]}" if found.method == results.SMP else ""


def bar_figure(found, case):
    hogged = found.cases.get((case.name + "-hog", case.size, case.placement))
    heading = texts.case(case.name).heading + where(found, case)
    if any(c.size for c in found.cases.values() if c.name == case.name):
        heading += f", {case.size:,} {texts.case(case.name).size}"
    said = paragraph(seen_in_bars(case), "seen")
    ours = next(iter(case.ours()), None)
    if ours:
        said += paragraph(f"The dashed line is the cost of “{texts.way(ours.name)}”; the small "
                          "figure of each other way is that cost divided by its own, and below 1 "
                          "if ours is cheaper." +
                          (f" Pale: the same {texts.HOG}." if hogged else ""))
    drawn = plot.bars(case, hogged, f"{heading}, {case.unit}")
    return figure(heading, drawn, said, [case], *([[hogged]] if hogged else []))


def line_figure(found, cases):
    name, placement = cases[0].name, cases[0].placement
    heading = texts.case(name).heading + where(found, cases[0])
    grown = [g for g in growth.growths(found)
             if (g.expected.case, g.placement) == (name, placement)]
    said = paragraph(seen_in_lines(grown, cases), "seen")
    said += "".join(verdict(g) for g in grown if g.way.startswith("chan"))
    said += paragraph("Both axes are logarithmic: a straight line is a power of the size, a level "
                      "one does not depend on it.")
    drawn = plot.lines(cases, f"{heading}, {cases[0].unit}", texts.case(name).size)
    return figure(heading, drawn, said, cases)


def families(found):
    """Cases of one name and placement, by size."""
    grouped = {}
    for case in found.cases.values():
        grouped.setdefault((case.name, case.placement), []).append(case)
    return [sorted(cases, key=lambda case: case.size) for cases in grouped.values()]


def plots(found):
    """Lines for cases of several sizes, but nothing of size 0 has a logarithm; bars for all
    others, with those beside a busy loop in the same plot."""
    drawn, in_bars = [], set()
    for cases in families(found):
        with_size = [case for case in cases if case.size]
        if len(with_size) >= FROM_SIZES:
            drawn.append(line_figure(found, with_size))
            cases = [case for case in cases if not case.size]
        for case in cases:
            if (case.name.removesuffix("-hog"), case.size, case.placement) not in in_bars:
                drawn.append(bar_figure(found, case))
                in_bars.add((case.name, case.size, case.placement))
    return element("div", "".join(drawn), cls="plots")


def tiles(found):
    """The rows of the README's summary; the ratio is that to the first peer which has one."""
    drawn = []
    for cells in goals.summary(found):
        beside = next(((name, ratio) for (name, _), ratio in zip(goals.PEERS, cells[2:])
                       if ratio), None)
        text = element("span", escape(cells[0].replace("`", "")))
        text += element("b", cells[1]) + element("span", escape(
            found.unit + (f"; {beside[1]} × {beside[0]}" if beside else "")))
        drawn.append(element("div", text, cls="tile"))
    return element("div", "".join(drawn), cls="tiles") if drawn else ""


def section(i, found):
    return element("section", element("h2", escape(found.title())) + tiles(found) + plots(found),
                   id=f"part-{i}")


def body(files):
    links = [element("a", escape(found.title()), href=f"#part-{i}")
             for i, found in enumerate(files)]
    links.append(element("a", "How it was measured", href="#method"))
    head = element("header", element("h1", "What channels cost") + paragraph(INTRO) +
                   element("nav", "".join(links)))
    notes = element("dl", "".join(element("dt", escape(term)) + element("dd", escape(text))
                                  for term, text in NOTES))
    more = element("p", "More is in " + element("code", "Documentation/benchmarks.rst") + ".")
    method = element("section", element("h2", "How it was measured") + notes + more, id="method")
    return head + element("main", "".join(section(i, found) for i, found in enumerate(files))) + \
        method


def page(files):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.css"),
              encoding="utf-8") as file:
        style = "\n" + file.read()
    head = "".join([
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy(style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="bench/report.py"),
        element("link", rel="icon", href="data:,"),
        element("title", "What channels cost"), element("style", style)])
    return "<!DOCTYPE html>\n" + element(
        "html", element("head", head) + "\n" + element("body", body(files)), lang="en") + "\n"


def write(files, path):
    """Raises OSError."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(page(files))
