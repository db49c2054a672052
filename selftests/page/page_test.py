#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of chantrace html: what it makes of a trace, and the page in a real browser.

usage: selftests/page/page_test.py [NAME...]    (the tests of these names, instead of all)

Needs no kernel module and no virtual machine.  Those in a browser are skipped if none is
installed (Debian: chromium-headless-shell).

The traces *.jsonl here are real ones: of "sieve 4", and of "deadlock_test -t
two_that_wait_for_each_other", by "scripts/vm --by-turns -- build/user/chantrace record -o -".
"""
import io
import os
import struct
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(os.path.dirname(os.path.dirname(HERE)), "tools", "chantrace")
sys.path[:0] = [HERE, TOOL]

import harness  # noqa: E402
import made  # noqa: E402
import picture  # noqa: E402
import tracefile  # noqa: E402
from harness import equal, fine, in_browser, test  # noqa: E402

HTML = os.path.join(TOOL, "html.py")
REAL = os.path.join(HERE, "sieve.jsonl")
DEADLOCK = os.path.join(HERE, "deadlock.jsonl")
scratch = tempfile.TemporaryDirectory()


def data_of(trace):
    built = picture.Picture()
    for event in tracefile.read_lines(trace.lines()).events:
        built.add(event)
    return built.data()


def html(*arguments, text=""):
    return subprocess.run([sys.executable, "-B", HTML, *arguments], input=text, text=True,
                          capture_output=True, check=False)


def page_of(trace):
    """Writes the page of a trace, a file or one made here; where it is."""
    path = os.path.join(scratch.name, "page.jsonl")
    out = os.path.join(scratch.name, "page.html")
    source = trace if isinstance(trace, str) else trace.write(path)
    done = html(source, "-o", out)
    equal("status", 0, done.returncode)
    return out


def segments(lane):
    """(kind, length) of each segment."""
    flat = lane["segments"]
    starts = flat[0::4] + [lane["end"]]
    return [(kind, starts[i + 1] - starts[i]) for i, kind in enumerate(flat[1::4])]


# ---- what it makes of a trace

@test
def a_wait_is_a_segment_from_park_to_ready():
    receiver = data_of(made.rendezvous())["lanes"][1]
    kinds = [kind for kind, _ in segments(receiver)]
    equal("states", [picture.RUNNABLE, picture.RUNNING, picture.RECEIVE,
                     picture.RUNNABLE, picture.RUNNING], kinds)
    # Park, enqueue, and a hundred microseconds until ready.
    equal("waited", 102_000, segments(receiver)[2][1])
    equal("runnable until it came back", 53_000, segments(receiver)[3][1])


@test
def a_wake_joins_waker_and_woken():
    data = data_of(made.rendezvous())
    at, waker, woken, chan, by_send, resumed = data["wakes"]
    equal("waker, woken, channel, by a sender", [0, 1, 7, 1], [waker, woken, chan, by_send])
    equal("until it runs", 53_000, resumed - at)
    equal("how the wait ended", [1, picture.READY, 0, 0, 0, [7, 0, 1, 0]],
          data["lanes"][1]["waits"][0])


@test
def queues_are_counted_and_left_by_a_select_at_once():
    trace = made.Made()
    trace.go(10, 1, "a")
    trace.go(11, 2, "b")
    trace.park(10, [(1, False), (2, True)])
    trace.ready(11, 10, 2, True, index=1)
    data = data_of(trace)
    queues = {c["id"]: c["queues"][1::3] + c["queues"][2::3] for c in data["channels"]}
    equal("senders and receivers of chan 1", [0, 0, 1, 0], queues[1])
    equal("senders and receivers of chan 2", [1, 0, 0, 0], queues[2])
    equal("kind", picture.SELECT, data["lanes"][0]["segments"][2 * 4 + 1])
    equal("case", 1, data["lanes"][0]["waits"][0][3])


@test
def a_select_may_complete_itself():
    trace = made.Made()
    trace.go(10, 1, "a")
    trace.park(10, [(1, False), (2, False)])
    trace.transfer("recv", 10, 2, "buffered", 0, 1)
    trace.ready(10, 10, 2, False, waited=8000, index=1)
    trace.become(10, "runnable", "running")
    trace.event("chan_select_commit", 10, chan=2, g=1, result=1, parked=1)
    trace.make(10, 3)
    data = data_of(trace)
    lane = data["lanes"][0]
    equal("states", [picture.RUNNABLE, picture.RUNNING, picture.SELECT, picture.RUNNING],
          [kind for kind, _ in segments(lane)][:4])
    equal("waits", [[2, picture.READY, 0, 1, 0]], [wait[:5] for wait in lane["waits"]])
    equal("wakes of others", [], data["wakes"])
    equal("receivers left", [0, 0], [c["queues"][-1] for c in data["channels"][:2]])


@test
def a_real_run_adds_up():
    trace = tracefile.read(REAL)
    built = picture.Picture()
    for event in trace.events:
        built.add(event)
    data = built.data()
    on_cpu = {}
    for lane in data["lanes"]:
        flat = lane["cpu"]
        for begin, end, cpu in zip(flat[0::3], flat[1::3], flat[2::3]):
            on_cpu.setdefault(cpu, []).append((begin, end))
    equal("processors", trace.header["cpus"], len(on_cpu))
    for times in on_cpu.values():
        times.sort()
        overlaps = [(a, b) for a, b in zip(times, times[1:]) if a[1] > b[0]]
        equal("two at once on a processor", [], overlaps)
    parks = [e for e in trace.events if e.e == "chan_park"]
    equal("waits", len(parks), sum(len(lane["waits"]) for lane in data["lanes"]))
    told = sum(e["waited"] for e in trace.events if e.e == "chan_ready")
    drawn = sum(length for lane in data["lanes"] for kind, length in segments(lane)
                if kind in (picture.RECEIVE, picture.SEND, picture.SELECT))
    assert abs(drawn - told) < told / 50, f"{drawn} ns drawn, {told} ns told"
    equal("left in queues", [], [c["id"] for c in data["channels"] if any(c["queues"][-2:])])


@test
def a_wait_that_is_given_up_leaves_its_queue_and_runs():
    trace = made.Made()
    trace.park(10, [(1, True)])
    trace.event("chan_abort", 10, chan=1, g=0, waited=9000, reason="chan send", result=-110)
    trace.transfer("recv", 10, 1, "would-block")
    data = data_of(trace)
    equal("senders", [1, 0], data["channels"][0]["queues"][1::3])
    equal("end of the wait", [picture.ABORTED, -1, -1, -110],
          data["lanes"][0]["waits"][0][1:5])
    equal("state after it", picture.RUNNING, data["lanes"][0]["segments"][-3])


@test
def a_wait_that_began_before_the_trace_is_drawn_from_its_start():
    trace = made.Made()
    trace.make(11, 1)
    trace.pass_time(50_000)
    trace.ready(11, 10, 1, False, waited=20_000)
    data = data_of(trace)
    equal("states", [(picture.RECEIVE, 20_000), (picture.RUNNABLE, 0)],
          segments(data["lanes"][1]))


@test
def a_number_of_a_thread_may_be_used_again():
    trace = made.Made()
    trace.go(10, 1, "first")
    trace.end(10)
    trace.go(10, 2, "second")
    trace.park(10, [(1, False)])
    data = data_of(trace)
    equal("lanes", ["first", "second"], [lane["name"] for lane in data["lanes"]])
    equal("the first has ended", True, data["lanes"][0]["end"] < data["length"])
    equal("waits", [0, 1], [len(lane["waits"]) for lane in data["lanes"]])


@test
def time_on_a_cpu_comes_from_the_scheduler():
    trace = made.Made()
    trace.go(10, 1, "a")
    trace.event("sched_switch", 0, prev=0, prev_state="R", next=10)
    trace.pass_time(30_000)
    trace.event("sched_switch", 10, prev=10, prev_state="S", next=0)
    trace.make(10, 1)
    lane = data_of(trace)["lanes"][0]
    equal("time on a CPU", 31_000, lane["cpu"][1] - lane["cpu"][0])


@test
def a_killed_thread_ends_when_it_is_off_the_cpu_for_ever():
    trace = made.Made()
    trace.go(10, 1, "a")
    trace.go(11, 2, "b")
    trace.park(10, [(1, False)])
    trace.event("sched_switch", 10, prev=10, prev_state="Z", next=0)
    trace.pass_time(500_000)
    trace.become(10, "waiting", "dead", by=11)
    data = data_of(trace)
    equal("lanes", 2, len(data["lanes"]))
    assert data["lanes"][0]["end"] < 20_000, data["lanes"][0]["end"]


@test
def percentiles_are_nearest_rank():
    equal("of ten", (5, 10), (picture.percentile(list(range(1, 11)), 0.5),
                              picture.percentile(list(range(1, 11)), 0.99)))
    equal("of none", 0, picture.percentile([], 0.5))


# ---- the command

@test
def says_what_is_wrong():
    bad, wrong, odd = [os.path.join(scratch.name, name)
                       for name in ("bad.jsonl", "wrong.jsonl", "odd.jsonl")]
    with open(odd, "w", encoding="utf-8") as file:
        file.write('{"chantrace":1}\n{"t":1,"cpu":0,"tid":1,"comm":"a","e":5}\n')
    for path, fields in [(bad, ""), (wrong, ',"reason":[],"chan":1,"cases":1')]:
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"chantrace":1}\n{"t":1,"cpu":0,"tid":1,"comm":"a","e":"chan_park"' +
                       fields + '}\n')
    for arguments, status, words in [
            (["/nonexistent"], 2, "cannot read /nonexistent"),
            ([wrong], 2, "line 2: chan_park cannot be understood"),
            ([os.devnull], 2, "empty"),
            ([odd], 0, "none of channels"),
            ([bad], 2, "line 2: chan_park without 'reason'"),
            ([REAL, "-o", "/nonexistent/x.html"], 2, "cannot write /nonexistent/x.html"),
            ([], 2, "FILE"), (["--wrong"], 2, "usage")]:
        done = html(*arguments)
        equal(f"status of {arguments}", status, done.returncode)
        assert words in done.stderr, f"{arguments}: {done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr


@test
def writes_where_it_is_told():
    trace = made.rendezvous().write(os.path.join(scratch.name, "there.jsonl"))
    equal("status", 0, html(trace).returncode)
    assert os.path.exists(os.path.join(scratch.name, "there.html"))
    with open(trace, encoding="utf-8") as file:
        done = html("-", "-o", "-", text=file.read())
    assert done.stdout.startswith("<!DOCTYPE html>") and done.stdout.endswith("</html>\n")
    help_text = html("--help")
    equal("status of --help", 0, help_text.returncode)
    assert "--output OUT" in help_text.stdout


# ---- the page

def colours(png):
    """How many colours a PNG has; 8 bits a channel, as browsers write them."""
    stream = io.BytesIO(png)
    stream.read(8)
    packed, size, depth = b"", 0, 0
    while True:
        length, kind = struct.unpack(">I4s", stream.read(8))
        chunk = stream.read(length)
        stream.read(4)
        if kind == b"IHDR":
            width, height, _, colour_type = struct.unpack(">IIBB", chunk[:10])
            depth = {2: 3, 6: 4}[colour_type]
            size = (width * depth + 1) * height
        elif kind == b"IDAT":
            packed += chunk
        elif kind == b"IEND":
            break
    raw = zlib.decompress(packed)
    equal("bytes of the picture", size, len(raw))
    row = len(raw) // height
    return len({raw[at:at + depth] for y in range(height)
                for at in range(y * row + 1, (y + 1) * row, depth)})


def middle_of(tab, lane, segment):
    """Where a segment of a lane is, in the window."""
    return tab.value(f"""(() => {{
        const lane = lanes.find(l => l.key === {lane!r}), pane = panes.lanes;
        const box = pane.canvas.getBoundingClientRect(), i = {segment};
        const from = Math.max(toX(lane.at[i]), GUTTER), to = Math.min(toX(lane.endOf(i)), width);
        return [box.left + (from + to) / 2,
                box.top + rowTop(pane, view.lanes.indexOf(lane)) + pane.row / 2];
    }})()""")


def text(tab, element):
    return tab.value(f"document.getElementById({element!r}).innerText")


@in_browser
def a_real_run_is_drawn(tab):
    tab.open(page_of(REAL))
    said = tab.drawn()
    trace = tracefile.read(REAL)
    equal("lanes", len(trace.goroutines), int(said["lanes"]))
    equal("channels", sum(e.e == "chan_make" for e in trace.events), int(said["channels"]))
    wakes = sum(e.e == "chan_ready" and e.tid != e.task for e in trace.events)
    assert 0 < int(said["arrows"]) <= wakes, f"{said['arrows']} arrows of {wakes} wakes"
    assert int(said["segments"]) > 2 * len(trace.goroutines), said
    assert f"events\t{len(trace.events)}" in text(tab, "summary"), text(tab, "summary")
    picture = tab.screenshot()
    assert colours(picture) > 200, f"{colours(picture)} colours"
    fine(tab)


@in_browser
def the_wheel_zooms_at_the_pointer(tab):
    tab.open(page_of(REAL))
    before = tab.drawn()
    time = tab.value("toTime(900)")
    tab.wheel(900, 300, -400)
    tab.until(f"Number(document.body.dataset.to) < {before['to']}")
    near = abs(tab.value("toX(%r)" % time) - 900)
    assert near < 1, f"the time under the pointer has gone {near} px away"
    tab.wheel(900, 300, 4000)
    tab.wheel(900, 300, 4000)
    tab.wheel(900, 300, 4000)
    tab.until(f"document.body.dataset.to === '{before['to']}'")
    fine(tab)


@in_browser
def dragging_moves_and_a_stretch_of_the_ruler_is_shown(tab):
    tab.open(page_of(REAL), "#from=10ms&to=12ms")
    equal("shown", ("10000000", "12000000"), (tab.drawn()["from"], tab.drawn()["to"]))
    tab.drag(900, 300, 800, 300)
    moved = tab.value("toTime(GUTTER)") - 10e6
    expected = tab.value("100 / (width - GUTTER) * 2e6")
    assert abs(moved - expected) < 1000, f"moved by {moved}, not {expected}"
    from_to = tab.value("[toTime(400), toTime(600)]")
    tab.drag(400, 115, 600, 115)
    tab.drawn()
    seen = tab.value("[view.from, view.to]")
    assert all(abs(a - b) < 5000 for a, b in zip(from_to, seen)), (from_to, seen)
    fine(tab)


@in_browser
def keys_zoom_move_and_select(tab):
    tab.open(page_of(REAL))
    whole = tab.drawn()
    tab.key("w")
    assert int(tab.drawn()["to"]) < int(whole["to"])
    near = tab.drawn()
    tab.key("d")
    assert int(tab.drawn()["from"]) > int(near["from"])
    tab.key("f")
    equal("all of it", whole["to"], tab.drawn()["to"])
    tab.key("ArrowDown")
    tab.key("ArrowDown")
    assert text(tab, "selection").startswith("×\ngenerate g2"), text(tab, "selection")
    tab.key("n")
    assert "runn" in text(tab, "selection"), text(tab, "selection")
    tab.key("Escape")
    equal("nothing selected", True, tab.value("document.getElementById('selection').hidden"))
    fine(tab)


@in_browser
def hovering_tells_who_woke_it(tab):
    tab.open(page_of(made.rendezvous()))
    tab.move(*middle_of(tab, "g2", 2))
    tab.until("!document.getElementById('tip').hidden")
    equal("under the pointer", "g2", tab.drawn()["hover"])
    tip = text(tab, "tip")
    for words in ["receiver g2", "chan receive for 102 µs", "receive from chan 7",
                  "woken by sender g1"]:
        assert words in tip, f"no {words!r} in {tip!r}"
    tab.move(20, 700)
    tab.until("document.body.dataset.hover !== 'g2'")
    fine(tab)


@in_browser
def a_wait_in_a_select_tells_its_cases(tab):
    trace = made.Made()
    trace.go(10, 1, "a")
    trace.go(11, 2, "b")
    trace.park(10, [(1, False), (2, True)])
    trace.pass_time(90_000)
    trace.ready(11, 10, 2, True, index=1)
    trace.pass_time(20_000)
    trace.resume(10, 2, True)
    tab.open(page_of(trace))
    tab.click(*middle_of(tab, "g1", 2))
    said = text(tab, "selection")
    for words in ["case 0: receive from chan 1", "▸ case 1: send on chan 2",
                  "woken by b g2, case 1"]:
        assert words in said, f"no {words!r} in {said!r}"
    fine(tab)


@in_browser
def selecting_a_goroutine_leaves_the_arrows_of_its_partners(tab):
    tab.open(page_of(REAL))
    everything = int(tab.drawn()["arrows"])
    # The name of the last filter: at most the one before it has to do with it, and main.
    tab.click(40, middle_of(tab, "g4", 0)[1])
    few = int(tab.drawn()["arrows"])
    assert 0 < few < everything, f"{few} of {everything}"
    assert "Its partners" in text(tab, "selection"), text(tab, "selection")
    others = tab.value("lanes.filter(l => !laneMatters(l)).map(l => l.key)")
    partners = tab.value("[...lanes.find(l => l.key === 'g4').partners.keys()]"
                         ".map(i => lanes[i].key)")
    assert partners and others and not set(partners) & set(others), (partners, others)
    tab.value("select({ channel: channels[0] })")
    assert "chan 1" in text(tab, "selection") and "unbuffered" in text(tab, "selection")
    equal("who used it", ["g1", "g2", "g3"],
          tab.value("lanes.filter(laneMatters).map(l => l.key)"))
    fine(tab)


@in_browser
def the_filter_leaves_what_matches_and_what_it_uses(tab):
    tab.open(page_of(REAL), "#filter=g2")
    said = tab.drawn()
    equal("lanes", "1", said["lanes"])
    used = {e["chan"] for e in tracefile.read(REAL).events if e.get("g") == 2 and e.get("chan")}
    equal("channels", len(used), int(said["channels"]))
    tab.value("setFilter('chan 1')")
    equal("lanes", "3", tab.drawn()["lanes"])
    tab.value("setFilter('FILTER')")
    equal("lanes", tab.value("lanes.filter(l => l.name === 'filter').length"),
          int(tab.drawn()["lanes"]))
    tab.value("setFilter('nobody')")
    equal("lanes", "0", tab.drawn()["lanes"])
    tab.value("setFilter('')")
    equal("lanes", tab.value("lanes.length"), int(tab.drawn()["lanes"]))
    fine(tab)


@in_browser
def names_are_text(tab):
    name = "</script ><script>window.bad=1</script ><img src=x onerror=window.bad=2>"
    trace = made.rendezvous(name, "@SCRIPT@ \u202eback")
    trace.header["command"] = [name]
    trace.header["kernel"] = name
    tab.open(page_of(trace))
    tab.click(*middle_of(tab, "g1", 1))
    tab.drawn()
    equal("scripts", 2, tab.value("document.scripts.length"))
    equal("pictures", 0, tab.value("document.images.length"))
    equal("bad", None, tab.value("window.bad"))
    assert name in text(tab, "selection"), text(tab, "selection")
    assert name in text(tab, "subtitle"), text(tab, "subtitle")
    equal("the other name", "@SCRIPT@ \ufffdback", tab.value("lanes[1].name"))
    fine(tab)


@in_browser
def only_its_own_script_runs(tab):
    tab.open(page_of(made.rendezvous()))
    tab.value("""{ const s = document.createElement("script");
        s.textContent = "window.bad = 1"; document.body.append(s); }""")
    equal("bad", None, tab.value("window.bad"))


@in_browser
def a_hundred_thousand_events_stay_smooth(tab):
    trace = made.crowd(300, 100_000)
    tab.open(page_of(trace))
    said = tab.drawn()
    assert int(said["lanes"]) < 60, "lanes out of sight are drawn"
    room = tab.value("width") * int(said["lanes"])
    assert int(said["segments"]) < room, f"{said['segments']} segments in {room} columns"
    slowest = float(said["frameMs"])
    for by in [-700] * 8 + [700] * 8:
        frames = int(tab.value("document.body.dataset.frames"))
        tab.wheel(900, 300, by)
        tab.until(f"Number(document.body.dataset.frames) > {frames}")
        slowest = max(slowest, float(tab.drawn()["frameMs"]))
    print(f"# {len(trace.events)} events, 300 goroutines: slowest frame {slowest:.0f} ms")
    # Busy machines are slow; a frame that draws every event would take seconds.
    assert slowest < 1000, f"a frame took {slowest} ms"
    tab.key("ArrowUp")
    assert tab.value("panes.lanes.element.scrollTop") > 0, "the last lane is out of sight"
    fine(tab)


@in_browser
def what_is_smaller_than_a_pixel_is_merged(tab):
    tab.open(page_of(made.crowd(4, 40_000)))
    said = tab.drawn()
    states = tab.value("lanes.reduce((sum, lane) => sum + lane.at.length, 0)")
    columns = 4 * tab.value("width")
    assert states > 2 * columns, f"{states} states in {columns} columns prove nothing"
    assert int(said["segments"]) < columns, f"{said['segments']} in {columns} columns"
    assert int(said["arrows"]) < columns, f"{said['arrows']} arrows"
    fine(tab)


@in_browser
def pages_with_nothing_to_draw_say_so(tab):
    tab.open(page_of(made.Made()))
    assert "no event of a channel" in text(tab, "note"), text(tab, "note")
    fine(tab)
    threads = made.Made()
    threads.park(10, [(1, False)])
    threads.ready(11, 10, 1, False)
    tab.open(page_of(threads))
    assert "No goroutines" in text(tab, "note"), text(tab, "note")
    equal("lanes", "2", tab.drawn()["lanes"])
    fine(tab)
    lossy = made.rendezvous()
    lossy.header["lost"] = 12
    tab.open(page_of(lossy))
    assert "12 events were lost" in text(tab, "note"), text(tab, "note")
    fine(tab)


@in_browser
def a_wait_that_failed_tells_why(tab):
    trace = made.Made()
    trace.go(10, 1, "a")
    trace.park(10, [(1, True)])
    trace.pass_time(90_000)
    trace.event("chan_abort", 10, chan=1, g=1, waited=90_000, reason="chan send", result=-110)
    trace.park(10, [(1, True)])
    trace.pass_time(90_000)
    trace.ready(11, 10, 1, True, result=-32)
    tab.open(page_of(trace))
    tab.click(*middle_of(tab, "g1", 2))
    assert "aborted: the deadline passed" in text(tab, "selection"), text(tab, "selection")
    tab.click(*middle_of(tab, "g1", 4))
    assert "made tid 11: the channel was closed" in text(tab, "selection"), text(tab, "selection")
    fine(tab)


@in_browser
def a_real_close_tells_why_it_woke(tab):
    tab.open(page_of(REAL))
    closed = tab.value("""lanes.flatMap(lane => [...lane.kind.keys()].filter(i => {
        const wait = lane.waitOf(i);
        return wait && wait[4];
    }).map(i => describeSegment(lane, i).join("; ")))""")
    equal("waits that closes ended", sum(e.get("result") == -32 and e.e == "chan_ready"
                                         for e in tracefile.read(REAL).events), len(closed))
    assert closed and all(": the channel was closed" in line for line in closed), closed
    fine(tab)


@in_browser
def a_real_deadlock_is_drawn(tab):
    tab.open(page_of(DEADLOCK))
    assert "a deadlock of 2 goroutines was found after" in text(tab, "note"), text(tab, "note")
    equal("lanes", "2", tab.drawn()["lanes"])
    line = tab.value("""(() => {
        const ctx = panes.lanes.canvas.getContext("2d"), x = Math.round(toX(trace.deadlocks[0][0]));
        return [...ctx.getImageData(x, 2, 1, 1).data];
    })()""")
    assert line[0] > 2 * line[1] and line[0] > 2 * line[2], f"no red line: {line}"
    # Its name is at the lower end.
    equal("it can be seen", True, tab.value(
        "panes.lanes.element.clientHeight >= panes.lanes.height"))
    tab.click(*middle_of(tab, "g1", tab.value("lanes[0].kind.lastIndexOf(RECEIVE)")))
    assert "aborted: a deadlock" in text(tab, "selection"), text(tab, "selection")
    fine(tab)


def two_processes():
    """Each has a goroutine 1; the second one is in a deadlock."""
    trace = made.Made()
    for pid in (10, 20):
        trace.event("task_new", 9, task=pid, pid=pid)
        trace.go(pid, 1, "main", domain=pid)
        trace.make(pid, pid)
        trace.park(pid, [(pid, False)])
    trace.event("chan_deadlock", 99, domain=20, pid=20, goroutines=1)
    return trace


@in_browser
def goroutines_of_two_processes_are_told_apart(tab):
    tab.open(page_of(two_processes()), "#select=tid20")
    assert text(tab, "selection").startswith("×\nmain g1 (made 20)"), text(tab, "selection")
    assert "All goroutines of made 20 are asleep" in text(tab, "note"), text(tab, "note")
    equal("lanes", ["main g1 (made 10)", "main g1 (made 20)"],
          tab.value("lanes.map(lane => lane.label())"))
    equal("numbers", ["g1 (10)", "g1 (20)"], tab.value("lanes.map(lane => lane.short)"))
    tab.value("setFilter('20')")
    equal("lanes of a process", "1", tab.drawn()["lanes"])
    tab.open(page_of(made.rendezvous()))
    equal("lanes of one process", ["sender g1", "receiver g2"],
          tab.value("lanes.map(lane => lane.label())"))
    fine(tab)


@in_browser
def the_panel_has_room_for_what_it_holds(tab):
    for page in (REAL, DEADLOCK, two_processes()):
        tab.open(page_of(page))
        too_wide = tab.value("""[...document.querySelectorAll("#side, #side *")].filter(
            e => e.scrollWidth > e.clientWidth && getComputedStyle(e).display !== "inline")
            .map(e => `${e.tagName}: ${e.scrollWidth} in ${e.clientWidth}`)""")
        equal("what is wider than its room", [], too_wide)


@in_browser
def the_legend_has_all_that_is_drawn(tab):
    tab.open(page_of(REAL))
    legend = text(tab, "legend")
    for words in ["select {}", "deadlock", "receive from chan 1", "send on chan 1",
                  "until running"]:
        assert words in legend, f"no {words!r} in {legend!r}"
    fine(tab)


@in_browser
def a_deadlock_is_announced(tab):
    trace = made.Made()
    trace.go(10, 1, "a")
    trace.park(10, [(1, False)])
    trace.event("chan_deadlock", 99, domain=1, pid=10, goroutines=1)
    equal("lanes", 1, len(data_of(trace)["lanes"]))
    tab.open(page_of(trace))
    assert "a deadlock of 1 goroutine was found" in text(tab, "note"), text(tab, "note")
    fine(tab)


@in_browser
def dark_is_dark(tab):
    page = page_of(made.rendezvous())
    brightness = "(getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)" \
                 ".reduce((a, b) => a + b))"
    tab.open(page)
    assert tab.value(brightness) > 600
    tab.key("t")
    assert tab.value(brightness) < 150
    tab.open(page, "#theme=dark")
    assert tab.value(brightness) < 150
    fine(tab)


if __name__ == "__main__":
    sys.exit(harness.main(__doc__))
