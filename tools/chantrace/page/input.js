// SPDX-License-Identifier: GPL-2.0-only
// Mouse, keys, the address, and the start of it all.

let drag = null;

// What is at a point of a pane: a lane or a channel, and a time unless it is a name.
function whatIsAt(pane, x, y) {
	const index = rowAt(pane, y);
	const time = x < GUTTER ? undefined : toTime(x);

	if (index < 0)
		return null;
	if (pane === panes.channels)
		return { channel: view.channels[index], time: time === undefined ? view.to : time };
	const lane = view.lanes[index];

	return { lane, segment: time === undefined ? -1 : lane.segmentAt(time), time };
}

function place(event, element) {
	const box = element.getBoundingClientRect();

	return [event.clientX - box.left, event.clientY - box.top];
}

function onWheel(event) {
	const pane = Object.values(panes).find(p => p.element === event.currentTarget);
	const [x] = place(event, event.currentTarget);
	const unit = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 400 : 1;
	const dx = event.deltaX * unit, dy = event.deltaY * unit;

	event.preventDefault();
	if (pane && (event.shiftKey || x < GUTTER))
		pane.element.scrollTop += dy || dx;
	else if (Math.abs(dx) > Math.abs(dy))
		pan(dx / (width - GUTTER) * (view.to - view.from));
	else
		zoom(Math.exp(Math.max(-1, Math.min(1, dy * 0.0022))), toTime(Math.max(GUTTER, x)));
}

function onPaneDown(event) {
	const pane = Object.values(panes).find(p => p.canvas === event.currentTarget);

	if (event.button !== 0)
		return;
	drag = { kind: "pane", pane, x: event.clientX, y: event.clientY, from: view.from, to: view.to,
		 scroll: pane.element.scrollTop, moved: false };
	pane.canvas.setPointerCapture(event.pointerId);
}

function onPaneMove(event) {
	const pane = Object.values(panes).find(p => p.canvas === event.currentTarget);
	const [x, y] = place(event, pane.canvas);

	if (drag && drag.kind === "pane" && drag.pane === pane) {
		const dx = event.clientX - drag.x, dy = event.clientY - drag.y;

		drag.moved = drag.moved || Math.abs(dx) + Math.abs(dy) > 4;
		if (drag.moved) {
			const ns = dx / (width - GUTTER) * (drag.to - drag.from);

			pane.element.classList.add("dragged");
			pane.element.scrollTop = drag.scroll - dy;
			view.hover = null;
			showTip();
			setView(drag.from - ns, drag.to - ns);
			return;
		}
	}
	view.hover = whatIsAt(pane, x, y);
	view.cursor = x < GUTTER ? null : toTime(x);
	document.body.dataset.hover = view.hover ? (view.hover.lane || view.hover.channel).key : "";
	showTip(event.clientX, event.clientY);
	redraw();
}

function onPaneUp(event) {
	const done = drag;

	drag = null;
	if (!done || done.kind !== "pane")
		return;
	done.pane.element.classList.remove("dragged");
	if (!done.moved)
		select(whatIsAt(done.pane, ...place(event, done.pane.canvas)));
}

function onPaneLeave() {
	view.hover = null;
	view.cursor = null;
	document.body.dataset.hover = "";
	showTip();
	redraw();
}

function onPaneDoubleClick(event) {
	const pane = Object.values(panes).find(p => p.canvas === event.currentTarget);
	const what = whatIsAt(pane, ...place(event, pane.canvas));

	if (what && what.lane && what.segment >= 0)
		show(what.lane.at[what.segment], what.lane.endOf(what.segment));
}

// On the ruler a stretch is chosen; on the minimap the window is moved.
function onStripDown(event) {
	const strip = event.currentTarget;
	const [x] = place(event, strip);

	strip.setPointerCapture(event.pointerId);
	if (strip.id === "ruler") {
		drag = { kind: "range", begin: toTime(Math.max(GUTTER, x)) };
	} else {
		const time = minimapTime(x);
		const inside = time >= view.from && time <= view.to;

		drag = { kind: "window", offset: inside ? time - (view.from + view.to) / 2 : 0 };
		onStripMove(event);
	}
}

function minimapTime(x) {
	return whole.from + (x - GUTTER) / (width - GUTTER) * (whole.to - whole.from);
}

function onStripMove(event) {
	const [x] = place(event, event.currentTarget);

	if (!drag)
		return;
	if (drag.kind === "range") {
		const time = toTime(Math.max(GUTTER, x));

		view.range = [Math.min(drag.begin, time), Math.max(drag.begin, time)];
		redraw();
	} else if (drag.kind === "window") {
		const half = (view.to - view.from) / 2;
		const middle = minimapTime(x) - drag.offset;

		setView(middle - half, middle + half);
	}
}

function onStripUp() {
	const range = view.range;

	drag = null;
	view.range = null;
	if (range && range[1] - range[0] > (view.to - view.from) / 200)
		setView(range[0], range[1]);
	else
		redraw();
}

function onSplitDown(event) {
	drag = { kind: "split", y: event.clientY, height: panes.channels.height };
	event.currentTarget.setPointerCapture(event.pointerId);
}

function onSplitMove(event) {
	if (!drag || drag.kind !== "split")
		return;
	panes.channels.wish = Math.max(40, drag.height + drag.y - event.clientY);
	layOut();
	redraw();
}

// The lane above or below the selected one.
function step(by) {
	const rows = view.selected && view.selected.channel ? view.channels : view.lanes;
	const now = view.selected ? rows.indexOf(view.selected.channel || view.selected.lane) : -1;
	const next = rows[now < 0 ? (by > 0 ? 0 : rows.length - 1) :
		Math.max(0, Math.min(rows.length - 1, now + by))];

	if (next)
		select(rows === view.channels ? { channel: next } : { lane: next, segment: -1 });
}

// The next state of the selected lane, brought into view.
function stepSegment(by) {
	const chosen = view.selected;

	if (!chosen || !chosen.lane || !chosen.lane.at.length)
		return;
	const { lane } = chosen;
	const now = chosen.segment >= 0 ? chosen.segment + by : Math.max(0, lane.segmentAt(view.from));
	const segment = Math.max(0, Math.min(lane.at.length - 1, now));
	const span = view.to - view.from;
	const from = lane.at[segment], to = Math.min(lane.endOf(segment), from + span * 0.8);

	if (from < view.from || to > view.to)
		setView(from - span * 0.1, from + span * 0.9);
	select({ lane, segment });
}

function toggleArrows() {
	view.arrows = !view.arrows;
	byId("arrows").setAttribute("aria-pressed", String(view.arrows));
	redraw();
}

function showPanel(shown) {
	byId("side").hidden = !shown;
	byId("panel").setAttribute("aria-pressed", String(shown));
	layOut();
	redraw();
}

function togglePanel() {
	showPanel(byId("side").hidden);
}

const KEYS = {
	w: () => zoom(1 / 1.5, view.cursor), "+": () => zoom(1 / 1.5, view.cursor),
	"=": () => zoom(1 / 1.5, view.cursor),
	s: () => zoom(1.5, view.cursor), "-": () => zoom(1.5, view.cursor),
	a: () => pan((view.from - view.to) * 0.2), ArrowLeft: () => pan((view.from - view.to) * 0.2),
	d: () => pan((view.to - view.from) * 0.2), ArrowRight: () => pan((view.to - view.from) * 0.2),
	ArrowUp: () => step(-1), ArrowDown: () => step(1),
	n: () => stepSegment(1), p: () => stepSegment(-1),
	f: fit, Home: fit,
	r: toggleArrows, i: togglePanel, t: nextTheme,
	"/": () => byId("filter").focus(),
	Escape: () => select(null),
};

function onKey(event) {
	if (event.ctrlKey || event.metaKey || event.altKey)
		return;
	if (event.target.id === "filter") {
		if (event.key === "Escape") {
			event.target.value = "";
			setFilter("");
			event.target.blur();
		}
		return;
	}
	if (KEYS[event.key]) {
		event.preventDefault();
		KEYS[event.key]();
	}
}

const dark = matchMedia("(prefers-color-scheme: dark)");
let theme = "system";

function applyTheme() {
	document.documentElement.dataset.theme = theme === "system" ?
		(dark.matches ? "dark" : "light") : theme;
	readColours();
	showLegend();
	redraw();
}

function nextTheme() {
	const now = document.documentElement.dataset.theme;

	theme = now === "dark" ? "light" : "dark";
	applyTheme();
}

// "12.5ms" as nanoseconds.
function parseTime(text) {
	const found = /^([\d.]+)(ns|us|µs|ms|s)?$/.exec(text || "");
	const size = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9 };

	return found ? Number(found[1]) * size[found[2] || "ns"] : null;
}

// #from=12ms&to=14ms&select=g3&filter=ch2&theme=dark
function readAddress() {
	const said = new URLSearchParams(location.hash.slice(1));
	const from = parseTime(said.get("from")), to = parseTime(said.get("to"));
	const key = said.get("select");

	if (["light", "dark"].includes(said.get("theme"))) {
		theme = said.get("theme");
		applyTheme();
	}
	byId("filter").value = said.get("filter") || "";
	setFilter(byId("filter").value);
	if (from !== null && to !== null && from < to)
		setView(from, to);
	const lane = lanes.find(l => l.key === key) || lanes.find(l => "tid" + l.tid === key);
	const channel = channels.find(c => c.key === key);

	if (lane || channel)
		select(lane ? { lane, segment: -1 } : { channel });
}

function listen() {
	for (const pane of Object.values(panes)) {
		pane.canvas.addEventListener("pointerdown", onPaneDown);
		pane.canvas.addEventListener("pointermove", onPaneMove);
		pane.canvas.addEventListener("pointerup", onPaneUp);
		pane.canvas.addEventListener("pointerleave", onPaneLeave);
		pane.canvas.addEventListener("dblclick", onPaneDoubleClick);
		pane.element.addEventListener("wheel", onWheel, { passive: false });
		pane.element.addEventListener("scroll", redraw);
	}
	for (const strip of [byId("ruler"), byId("minimap")]) {
		strip.addEventListener("pointerdown", onStripDown);
		strip.addEventListener("pointermove", onStripMove);
		strip.addEventListener("pointerup", onStripUp);
		strip.addEventListener("wheel", onWheel, { passive: false });
	}
	byId("split").addEventListener("pointerdown", onSplitDown);
	byId("split").addEventListener("pointermove", onSplitMove);
	byId("split").addEventListener("pointerup", () => { drag = null; });
	byId("zoom-in").addEventListener("click", () => zoom(1 / 1.5));
	byId("zoom-out").addEventListener("click", () => zoom(1.5));
	byId("fit").addEventListener("click", fit);
	byId("arrows").addEventListener("click", toggleArrows);
	byId("panel").addEventListener("click", togglePanel);
	byId("theme").addEventListener("click", nextTheme);
	byId("filter").addEventListener("input", event => setFilter(event.target.value));
	byId("tools").addEventListener("submit", event => event.preventDefault());
	document.addEventListener("keydown", onKey);
	dark.addEventListener("change", applyTheme);
	addEventListener("resize", () => { layOut(); redraw(); });
	addEventListener("hashchange", readAddress);
}

function deadlockText(at, domain, n) {
	return "All goroutines " + (manyDomains ? "of " + processOf(domain) + " " : "") +
		"are asleep: a deadlock of " + count(n, "goroutine") + " was found after " +
		duration(at) + ".";
}

function begin() {
	showHeader();
	if (!lanes.length) {
		showNote("This trace holds no event of a channel. Was the module loaded, and did the " +
			"command use channels?");
		byId("main").hidden = true;
		byId("tools").hidden = true;
		document.body.dataset.lanes = 0;
		return;
	}
	if (trace.lost)
		showNote(count(trace.lost, "event was", "events were") + " lost: what is drawn has gaps. " +
			"Record again with a larger buffer.");
	else if (trace.deadlocks.length)
		showNote(deadlockText(...trace.deadlocks[0]));
	else if (!goroutines.length)
		showNote("No goroutines in this trace: the lanes are threads. Those that kchan_go() " +
			"starts have names and states of their own.");
	showSummary();
	showKeys();
	listen();
	applyTheme();
	readAddress();
	if (innerWidth < 900)
		showPanel(false);
}

begin();
