# SPDX-License-Identifier: GPL-2.0-only
"""Plots as SVG: bars of ways side by side, and lines of costs that grow, both logarithmic."""
import math
from xml.sax.saxutils import escape, quoteattr

import texts

WIDTH = 620


def element(tag, text="", **attributes):
    """cls stands for class, and _ for - in the names of attributes."""
    said = "".join(f" {'class' if key == 'cls' else key.replace('_', '-')}={quoteattr(str(value))}"
                   for key, value in attributes.items() if value is not None)
    return f"<{tag}{said}>{text}</{tag}>" if text else f"<{tag}{said}/>"


def number(value):
    """Three digits at least, and no more than can be read."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def short(value):
    """Of an axis."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{letter}"
    return f"{value:g}"


def short_size(size):
    """Sizes are round in one way or the other."""
    if size < 10000 and size % 1024 or size < 4096:
        return f"{size:,}"
    for step, letter in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if size % step == 0:
            return f"{size // step}{letter}"
    return short(size)


def label(x, y, text, *classes):
    return element("text", escape(text), x=round(x, 1), y=round(y, 1),
                   cls=" ".join(classes) or None)


def svg(height, title, parts):
    return element("svg", element("title", escape(title)) + "".join(parts), role="img",
                   viewBox=f"0 0 {WIDTH} {height:g}", xmlns="http://www.w3.org/2000/svg")


def figures(case, way):
    """What a mark stands for, for those who read the page by program."""
    return {"data_case": case.name, "data_size": case.size, "data_placement": case.placement,
            "data_way": way.name, "data_cost": f"{way.cost():.2f}"}


def told(case, way):
    low, high = way.middle_half()
    return element("title", escape(
        f"{texts.way(way.name)}, {case.title()}: {number(way.cost())} {case.unit}; middle half of "
        f"{len(way.rounds)} blocks {number(low)} to {number(high)}; switches "
        f"{way.voluntary():.2f} voluntary, {way.involuntary():.2f} involuntary"))


def nice_steps(most):
    """Where to draw the grid from 0 on: three to six lines."""
    if most <= 0:
        return [0]
    step = 10 ** math.floor(math.log10(most))
    while most / step < 3:
        step /= 2
    return [i * step for i in range(int(most / step) + 1)]


# ---- bars

LEFT, RIGHT, TOP = 172, 128, 6
BAR, GAP = 15, 8
HOG_BAR = 8


def kind(way):
    return "ours" if way.ours else "go" if way.name.startswith("go") else "peer"


def furthest(way):
    """What is drawn of it reaches so far."""
    return max(0, way.cost(), way.middle_half()[1])


def bars(case, hogged, title):
    """The ways of a case; below each, if it was measured, the same beside a busy loop."""
    most = max(furthest(way) for c in (case, hogged) if c for way in c.ways.values())
    scale = (WIDTH - LEFT - RIGHT) / most if most > 0 else 0
    ours = next(iter(case.ours()), None)
    rows, y = [], TOP
    for way in case.ways.values():
        noisy = hogged and hogged.ways.get(way.name)
        rows.append(row(case, way, y, scale, ours))
        y += BAR
        if noisy:
            rows.append(bar(hogged, noisy, y + 1, HOG_BAR, scale, "hog"))
            rows.append(label(LEFT + scale * furthest(noisy) + 6, y + HOG_BAR + 1,
                              number(noisy.cost()), "small"))
            y += HOG_BAR + 2
        y += GAP
    grid = []
    for step in nice_steps(most):
        x = round(LEFT + step * scale, 1)
        grid.append(element("line", x1=x, x2=x, y1=TOP - 4, y2=y, cls="grid"))
        grid.append(label(x, y + 14, short(step), "small", "middle"))
    if ours:
        x = round(LEFT + ours.cost() * scale, 1)
        grid.append(element("line", x1=x, x2=x, y1=TOP - 4, y2=y, cls="guide"))
    grid.append(label(WIDTH - 2, y + 14, case.unit, "small", "left"))
    return svg(y + 20, title, grid + rows)


def row(case, way, y, scale, ours):
    end = LEFT + scale * furthest(way) + 6
    text = number(way.cost())
    ratio = None if ours in (way, None) else ours.ratio_to(way)
    parts = [label(LEFT - 8, y + BAR - 3.5, texts.way(way.name), "left",
                   *(["bold"] if way.ours else [])),
             bar(case, way, y, BAR, scale),
             label(end, y + BAR - 3.5, text, *(["bold"] if way.ours else []))]
    if ratio is not None:
        parts.append(label(end + 7 * len(text) + 10, y + BAR - 3.5, f"{ratio:.2f} ×", "small"))
    return "".join(parts)


def bar(case, way, y, height, scale, extra=""):
    low, high = way.middle_half()
    parts = [told(case, way),
             element("rect", x=LEFT, y=y, width=max(0, round(scale * way.cost(), 2)),
                     height=height, rx=2, cls=f"bar-{kind(way)} {extra}".strip(),
                     **figures(case, way))]
    if scale * (high - low) > 1:
        parts.append(element("line", x1=round(LEFT + scale * low, 1), cls="range",
                             x2=round(LEFT + scale * high, 1), y1=y + height / 2,
                             y2=y + height / 2))
    return element("g", "".join(parts))


# ---- lines

PLOT_LEFT, PLOT_RIGHT, PLOT_TOP, PLOT_HEIGHT = 52, 190, 10, 290
OURS = ["ours", "ours-1", "ours-2"]
OTHERS = ["peer", "peer-1", "peer-2", "peer-4", "peer-5", "peer-3"]
LINE_OF_TEXT = 14


class Axis:
    """A logarithmic one."""

    def __init__(self, least, most, start, end):
        self.least, self.most, self.start, self.end = least, most, start, end

    def at(self, value):
        if self.most == self.least:
            return (self.start + self.end) / 2
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return round(self.start + share * (self.end - self.start), 2)


def decades(least, most):
    """Round numbers that hold both; of few decades, more of them."""
    powers = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 2)
    steps = [1] if most / least > 300 else [1, 2, 5] if most / least > 4 else \
        [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]
    values = [step * 10.0 ** p for p in powers for step in steps]
    first = max(v for v in values if v <= least)
    last = min(v for v in values if v >= most)
    return [v for v in values if first <= v <= last]


def classes_of(names):
    """Each way its colour: those of ours, then the others."""
    ours = [n for n in names if n.startswith("chan")]
    others = [n for n in names if n not in ours]
    return {**{n: OURS[i % len(OURS)] for i, n in enumerate(ours)},
            **{n: OTHERS[i % len(OTHERS)] for i, n in enumerate(others)}}


def apart(wanted, low, high):
    """Heights of labels, near where they are wanted: {name: y}."""
    placed, at = {}, low - LINE_OF_TEXT
    for name, y in sorted(wanted.items(), key=lambda item: item[1]):
        at = max(y, at + LINE_OF_TEXT)
        placed[name] = at
    for i, name in enumerate(reversed(list(placed))):
        placed[name] = min(placed[name], high - i * LINE_OF_TEXT)
    return placed


def thinned(values, axis, room):
    """Those that leave room between their labels; the last one stays."""
    kept = []
    for value in reversed(values):
        if not kept or abs(axis.at(kept[-1]) - axis.at(value)) >= room:
            kept.append(value)
    return kept


def lines(cases, title, axis_title):
    """Cases of one name and placement, each of another size."""
    drawn = [(case, way) for case in cases for way in case.ways.values() if way.cost() > 0]
    names = list(dict.fromkeys(way.name for _, way in drawn))
    costs = [way.cost() for _, way in drawn]
    bottom = PLOT_TOP + PLOT_HEIGHT
    sizes = [case.size for case in cases]
    levels = decades(min(costs), max(costs))
    x = Axis(sizes[0], sizes[-1], PLOT_LEFT + 8, WIDTH - PLOT_RIGHT - 8)
    y = Axis(levels[0], levels[-1], bottom, PLOT_TOP)
    colour = classes_of(names)
    parts = frame(x, y, sizes, levels, bottom)
    ends = {}
    for name in sorted(names, key=lambda n: n.startswith("chan")):
        have = [case for case, way in drawn if way.name == name]
        dots = [(x.at(c.size), y.at(c.ways[name].cost())) for c in have]
        mine = " mine" if name.startswith("chan") else ""
        parts.append(element("polyline", points=" ".join(f"{a},{b}" for a, b in dots),
                             cls=f"s-{colour[name]}{mine}"))
        parts += [element("g", told(c, c.ways[name]) + element(
            "circle", cx=a, cy=b, r=4 if mine else 3, cls=f"f-{colour[name]}",
            **figures(c, c.ways[name]))) for c, (a, b) in zip(have, dots)]
        ends[name] = dots[-1]
    for name, at in apart({n: b for n, (_, b) in ends.items()}, PLOT_TOP + 4, bottom).items():
        parts.append(element("line", x1=ends[name][0] + 5, y1=ends[name][1], cls="axis",
                             x2=WIDTH - PLOT_RIGHT + 12, y2=round(at, 1)))
        parts.append(label(WIDTH - PLOT_RIGHT + 16, at + 4, texts.way(name),
                           "f-" + colour[name], *(["bold"] if name.startswith("chan") else [])))
    parts.append(label((PLOT_LEFT + WIDTH - PLOT_RIGHT) / 2, bottom + 34, axis_title, "small",
                       "middle"))
    parts.append(label(2, bottom + 34, cases[0].unit, "small"))
    return svg(bottom + 40, title, parts)


def frame(x, y, sizes, levels, bottom):
    parts = []
    for level in levels:
        parts.append(element("line", x1=PLOT_LEFT, x2=WIDTH - PLOT_RIGHT, y1=y.at(level),
                             y2=y.at(level), cls="grid"))
    for level in thinned(levels, y, LINE_OF_TEXT):
        parts.append(label(PLOT_LEFT - 6, y.at(level) + 4, short(level), "small", "left"))
    for size in sizes:
        parts.append(element("line", x1=x.at(size), x2=x.at(size), y1=PLOT_TOP, y2=bottom,
                             cls="grid"))
    for size in thinned(sizes, x, 34):
        parts.append(label(x.at(size), bottom + 16, short_size(size), "small", "middle"))
    return parts
