// SPDX-License-Identifier: GPL-2.0-only
// The parts of the chart: minimap, ruler, and a pane each for goroutines and channels.
// Everything is drawn again, once a frame, when something has changed.

const MINIMAP = 54, RULER = 26;
const byId = id => document.getElementById(id);
const panes = {
	lanes: newPane("lanes", 40, 16),
	channels: newPane("channels", 44, 26),
};
const errors = [];
let width = 0;
let frame = 0;

window.addEventListener("error", event => {
	errors.push(event.message);
	document.body.dataset.errors = errors.length;
});

function newPane(id, tallest, lowest) {
	const element = document.getElementById(id);

	return {
		element,
		tall: element.firstElementChild,
		canvas: element.querySelector("canvas"),
		tallest,
		lowest,
		row: tallest,
		height: 0,
	};
}

// Time to pixel, right of the names.
function toX(time) {
	return GUTTER + (time - view.from) / (view.to - view.from) * (width - GUTTER);
}

function toTime(x) {
	return view.from + (x - GUTTER) / (width - GUTTER) * (view.to - view.from);
}

function rowsOf(pane) {
	return pane === panes.lanes ? view.lanes : view.channels;
}

// Rows as high as they may be if there is room for all, else two fifths for the channels.
function channelsShare(room) {
	const forLanes = Math.max(1, view.lanes.length) * panes.lanes.tallest + 8;
	const count = Math.max(1, view.channels.length);

	return Math.min(count * panes.channels.tallest + 8,
			Math.max(room - forLanes, Math.min(count * 30 + 8, room * 0.42)));
}

// How high the rows are, and how much room the channels get unless somebody has said so.
function layOut() {
	const chart = byId("chart");
	const room = chart.clientHeight - MINIMAP - RULER - byId("status").offsetHeight - 10;
	const share = panes.channels.wish === undefined ?
		channelsShare(room) : Math.min(panes.channels.wish, room - 60);

	panes.channels.height = Math.max(0, Math.floor(channels.length ? share : 0));
	panes.lanes.height = Math.max(40, Math.floor(room - panes.channels.height));
	byId("split").hidden = !channels.length;
	for (const pane of Object.values(panes)) {
		const count = Math.max(1, rowsOf(pane).length);

		pane.row = Math.max(pane.lowest, Math.min(pane.tallest,
			Math.floor((pane.height - 8) / count)));
		pane.element.style.height = pane.height + "px";
		pane.element.style.flexBasis = pane.height + "px";
		pane.tall.style.height = Math.max(pane.height, rowsOf(pane).length * pane.row + 8) + "px";
	}
	width = panes.lanes.element.clientWidth;
	minimapStates = null;
}

function rowTop(pane, index) {
	return 4 + index * pane.row - pane.element.scrollTop;
}

function rowAt(pane, y) {
	const index = Math.floor((y - 4 + pane.element.scrollTop) / pane.row);

	return index >= 0 && index < rowsOf(pane).length ? index : -1;
}

function reveal(pane, index) {
	const top = index * pane.row;
	const scroll = pane.element;

	if (index < 0)
		return;
	if (top < scroll.scrollTop)
		scroll.scrollTop = top;
	else if (top + pane.row + 8 > scroll.scrollTop + pane.height)
		scroll.scrollTop = top + pane.row + 8 - pane.height;
}

function redraw() {
	if (!frame)
		frame = requestAnimationFrame(draw);
}

function draw() {
	const begun = performance.now();
	const said = document.body.dataset;

	frame = 0;
	drawMinimap();
	const step = drawRuler();

	said.segments = drawLanes(step);
	said.arrows = drawArrows();
	drawDeadlocks();
	said.channels = drawChannels(step);
	for (const pane of Object.values(panes))
		drawCursor(pane);
	said.from = Math.round(view.from);
	said.to = Math.round(view.to);
	said.frames = Number(said.frames || 0) + 1;
	said.frameMs = (performance.now() - begun).toFixed(1);
	showStatus();
}

// States of all lanes over the whole trace, in columns: how many lanes are in each.
let minimapStates = null;

function countStates(columnsWide) {
	const states = [];
	const scale = columnsWide / (whole.to - whole.from);

	for (let kind = 0; kind < KINDS; kind++)
		states.push(new Float32Array(columnsWide));
	for (const lane of lanes)
		for (let i = 0; i < lane.at.length; i++) {
			const left = (lane.at[i] - whole.from) * scale;
			const right = (lane.endOf(i) - whole.from) * scale;
			const of = states[lane.kind[i]];

			for (let c = Math.floor(left); c < right && c < columnsWide; c++)
				of[c] += Math.min(right, c + 1) - Math.max(left, c);
		}
	return states;
}

function drawMinimap() {
	const ctx = sized(byId("minimap"), width, MINIMAP);
	const room = Math.max(1, Math.floor(width - GUTTER));
	const high = MINIMAP - 10;
	const scale = room / (whole.to - whole.from);
	const left = GUTTER + (view.from - whole.from) * scale;
	const right = GUTTER + (view.to - whole.from) * scale;

	minimapStates = minimapStates || countStates(room);
	ctx.fillStyle = colour.panel;
	ctx.fillRect(0, 0, width, MINIMAP);
	for (let c = 0; c < room; c++) {
		let y = 5 + high;

		for (let kind = 0; kind < KINDS; kind++) {
			const part = minimapStates[kind][c] / lanes.length * high;

			ctx.globalAlpha = kind <= RUNNABLE ? 1 : 0.4;
			ctx.fillStyle = colour.states[kind];
			ctx.fillRect(GUTTER + c, y - part, 1, part);
			y -= part;
		}
	}
	ctx.globalAlpha = 0.72;
	ctx.fillStyle = colour.panel;
	ctx.fillRect(GUTTER, 0, left - GUTTER, MINIMAP);
	ctx.fillRect(right, 0, width - right, MINIMAP);
	ctx.globalAlpha = 1;
	ctx.strokeStyle = colour.ink;
	ctx.lineWidth = 1.5;
	ctx.strokeRect(left + 0.75, 1, Math.max(3, right - left - 1.5), MINIMAP - 3);
	ctx.font = FACE;
	ctx.textBaseline = "middle";
	ctx.fillStyle = colour.faint;
	ctx.fillText("whole trace", 14, 18);
	ctx.fillText(duration(trace.length), 14, 36);
}

function stepFor(span, pixels) {
	const rough = Math.max(1, span * 110 / pixels);
	const power = 10 ** Math.floor(Math.log10(rough));

	return power * [1, 2, 5, 10].find(digit => digit * power >= rough);
}

function drawRuler() {
	const ctx = sized(byId("ruler"), width, RULER);
	const step = stepFor(view.to - view.from, width - GUTTER);

	ctx.fillStyle = colour.paper;
	ctx.fillRect(0, 0, width, RULER);
	ctx.font = FACE;
	ctx.textBaseline = "middle";
	ctx.fillStyle = colour.faint;
	ctx.fillText(count(view.lanes.length, "lane"), 14, RULER / 2);
	ctx.save();
	ctx.beginPath();
	ctx.rect(GUTTER, 0, width - GUTTER, RULER);
	ctx.clip();
	for (let t = Math.ceil(Math.max(view.from, 0) / step) * step; t <= view.to; t += step) {
		const text = instant(t, step);

		ctx.fillStyle = colour.faint;
		ctx.fillRect(Math.round(toX(t)), RULER - 7, 1, 7);
		ctx.fillStyle = colour.ink;
		if (toX(t) + textWidth(ctx, text) + 5 < width)
			ctx.fillText(text, toX(t) + 4, RULER / 2 - 1);
	}
	if (view.range) {
		ctx.globalAlpha = 0.3;
		ctx.fillStyle = colour.states[RECEIVE];
		ctx.fillRect(toX(view.range[0]), 0, toX(view.range[1]) - toX(view.range[0]), RULER);
	}
	ctx.restore();
	return step;
}

function drawGrid(ctx, pane, step) {
	ctx.fillStyle = colour.paper;
	ctx.fillRect(0, 0, width, pane.height);
	ctx.fillStyle = colour.grid;
	for (let t = Math.ceil(Math.max(view.from, 0) / step) * step; t <= view.to; t += step)
		ctx.fillRect(Math.round(toX(t)), 0, 1, pane.height);
}

// The rows of a pane that can be seen.
function* visibleRows(pane) {
	const rows = rowsOf(pane);
	const first = Math.max(0, Math.floor((pane.element.scrollTop - 4) / pane.row));

	for (let i = first; i < rows.length && rowTop(pane, i) < pane.height; i++)
		yield [rows[i], rowTop(pane, i)];
}

function drawName(ctx, pane, top, name, number, chosen, hovered, matters) {
	const middle = top + pane.row / 2 + 0.5;

	if (chosen || hovered) {
		ctx.fillStyle = chosen ? colour.select : colour.stripe;
		ctx.fillRect(0, top, GUTTER - 8, pane.row);
	}
	if (chosen) {
		ctx.fillStyle = colour.states[RECEIVE];
		ctx.fillRect(0, top, 4, pane.row);
	} else if (view.selected && matters) {
		ctx.beginPath();
		ctx.arc(7, middle - 0.5, 2.5, 0, 2 * Math.PI);
		ctx.fillStyle = colour.ink;
		ctx.fill();
	}
	ctx.globalAlpha = matters ? 1 : 0.45;
	ctx.font = FONT;
	ctx.textBaseline = "middle";
	ctx.textAlign = "right";
	ctx.fillStyle = colour.faint;
	ctx.fillText(number, GUTTER - 14, middle);
	ctx.textAlign = "left";
	const room = GUTTER - 14 - 14 - 8 - textWidth(ctx, number);

	ctx.font = FACE;
	ctx.fillStyle = colour.ink;
	ctx.fillText(clipped(ctx, name, room), 14, middle);
	ctx.globalAlpha = 1;
}

function drawSeparator(ctx, pane, top) {
	ctx.fillStyle = colour.rule;
	ctx.fillRect(0, top, width, 1);
}

function clipToChart(ctx, pane) {
	ctx.save();
	ctx.beginPath();
	ctx.rect(GUTTER, 0, width - GUTTER, pane.height);
	ctx.clip();
	ctx.font = FONT;
	ctx.textBaseline = "middle";
}

function laneHeight() {
	return panes.lanes.row - (panes.lanes.row > 20 ? 8 : 4);
}

function drawLanes(step) {
	const pane = panes.lanes;
	const ctx = sized(pane.canvas, width, pane.height);
	const chosen = view.selected && view.selected.lane;
	const height = laneHeight();
	let drawn = 0, shown = 0;

	drawGrid(ctx, pane, step);
	for (const [lane, top] of visibleRows(pane)) {
		const matters = laneMatters(lane);
		const y = top + (pane.row - height) / 2;

		if (lane === threads[0] && goroutines.length && view.lanes[0] !== lane)
			drawSeparator(ctx, pane, top);
		drawName(ctx, pane, top, lane.title, lane.g ? lane.short : "tid " + lane.tid,
			 lane === chosen, view.hover && view.hover.lane === lane, matters);
		clipToChart(ctx, pane);
		ctx.globalAlpha = matters ? 1 : 0.2;
		drawn += paintLane(ctx, lane, toX, y, height);
		paintMarks(ctx, lane, toX, y, height);
		ctx.globalAlpha = 1;
		outlineSegment(ctx, lane, y, height);
		ctx.restore();
		shown++;
	}
	if (!view.lanes.length) {
		ctx.font = FACE;
		ctx.fillStyle = colour.faint;
		ctx.fillText("No goroutine or thread of that name.", GUTTER, 20);
	}
	document.body.dataset.lanes = shown;
	return drawn;
}

function outlineSegment(ctx, lane, y, height) {
	for (const which of [view.selected, view.hover]) {
		if (!which || which.lane !== lane || !(which.segment >= 0))
			continue;
		const left = Math.max(toX(lane.at[which.segment]), GUTTER - 4);
		const right = Math.min(toX(lane.endOf(which.segment)), width + 4);

		ctx.strokeStyle = colour.ink;
		ctx.lineWidth = which === view.selected ? 2 : 1;
		ctx.strokeRect(left - 0.5, y - 1, Math.max(2, right - left + 1), height + 2);
	}
}

// The wakes that are in view.  Those that would cover each other are drawn once.
function wakesInView() {
	const first = upperBound(wakes.at, view.from - wakes.longest);
	const last = upperBound(wakes.at, view.to);
	const seen = new Set();
	const found = [];

	for (let i = first; i < last; i++) {
		const end = wakes.resumed[i] < 0 ? wakes.at[i] : wakes.resumed[i];

		if (end < view.from || wakes.from[i] === wakes.to[i] || !wakeMatters(i))
			continue;
		const key = (Math.round(toX(wakes.at[i]) / 2) * 65536 + wakes.from[i]) * 65536 + wakes.to[i];

		if (seen.has(key))
			continue;
		seen.add(key);
		found.push(i);
	}
	return found;
}

function arrowsOfHover() {
	const chosen = view.hover && view.hover.lane && view.hover.segment >= 0 ? view.hover : null;
	const found = new Set();

	if (!chosen || chosen.segment + 1 > chosen.lane.at.length)
		return found;
	const from = chosen.lane.at[chosen.segment], to = chosen.lane.endOf(chosen.segment);
	const first = upperBound(wakes.at, from - wakes.longest - 1);

	for (let i = first; i < wakes.at.length && wakes.at[i] <= to; i++) {
		const wakesIt = wakes.to[i] === chosen.lane.index && wakes.at[i] >= from &&
			wakes.resumed[i] !== from;

		if (wakesIt || (wakes.to[i] === chosen.lane.index && wakes.resumed[i] === from))
			found.add(i);
	}
	return found;
}

const MOST_ARROWS = 2500;

function drawArrows() {
	const pane = panes.lanes;
	const ctx = pane.canvas.getContext("2d");
	const strong = arrowsOfHover();
	const place = new Map(view.lanes.map((lane, i) => [lane.index, i]));
	let drawn = 0;

	view.crowded = false;
	clipToChart(ctx, pane);
	if (view.arrows) {
		const found = wakesInView();

		view.crowded = found.length > MOST_ARROWS;
		ctx.globalAlpha = view.selected ? 0.9 : found.length > 500 ? 0.3 : found.length > 120 ? 0.5 : 0.75;
		for (const i of view.crowded ? [] : found)
			drawn += drawArrow(ctx, pane, place, i, found.length < 400, false);
	}
	ctx.globalAlpha = 1;
	for (const i of strong)
		drawn += drawArrow(ctx, pane, place, i, true, true);
	ctx.restore();
	return drawn;
}

// From the waker, when it wakes, to the woken, when that runs.
function drawArrow(ctx, pane, place, i, head, strong) {
	const from = place.get(wakes.from[i]), to = place.get(wakes.to[i]);

	if (from === undefined || to === undefined || from === to)
		return 0;
	const x1 = toX(wakes.at[i]), x2 = toX(wakes.resumed[i] < 0 ? wakes.at[i] : wakes.resumed[i]);
	const down = to > from ? 1 : -1;
	const y1 = rowTop(pane, from) + pane.row / 2;
	const y2 = rowTop(pane, to) + pane.row / 2 - down * (laneHeight() / 2 - 1);

	if (Math.max(y1, y2) < 0 || Math.min(y1, y2) > pane.height)
		return 0;
	ctx.strokeStyle = ctx.fillStyle = strong ? colour.accent : colour.arrow;
	ctx.lineWidth = strong ? 2 : 1.1;
	ctx.beginPath();
	ctx.moveTo(x1, y1);
	ctx.bezierCurveTo(x1, y1 + (y2 - y1) * 0.6, x2, y2 - (y2 - y1) * 0.6, x2, y2 - down * (head ? 4 : 0));
	ctx.stroke();
	if (head) {
		ctx.beginPath();
		ctx.moveTo(x2, y2);
		ctx.lineTo(x2 - 3, y2 - down * 6);
		ctx.lineTo(x2 + 3, y2 - down * 6);
		ctx.closePath();
		ctx.fill();
		ctx.beginPath();
		ctx.arc(x1, y1, 2, 0, 2 * Math.PI);
		ctx.fill();
	}
	return 1;
}

function drawChannels(step) {
	const pane = panes.channels;
	const ctx = sized(pane.canvas, width, pane.height);
	const chosen = view.selected && view.selected.channel;
	let shown = 0;

	drawGrid(ctx, pane, step);
	for (const [channel, top] of visibleRows(pane)) {
		const matters = channelMatters(channel);

		drawName(ctx, pane, top, channel.label(), channel.short(),
			 channel === chosen, view.hover && view.hover.channel === channel, matters);
		clipToChart(ctx, pane);
		ctx.globalAlpha = matters ? 1 : 0.2;
		paintChannel(ctx, channel, toX, top + 3, pane.row - 6);
		ctx.restore();
		shown++;
	}
	if (!view.channels.length) {
		ctx.font = FACE;
		ctx.fillStyle = colour.faint;
		ctx.fillText("No channel of that number.", GUTTER, 16);
	}
	return shown;
}

function drawDeadlocks() {
	const pane = panes.lanes;
	const ctx = pane.canvas.getContext("2d");

	clipToChart(ctx, pane);
	ctx.fillStyle = colour.accent;
	for (const [at] of trace.deadlocks) {
		const x = Math.round(toX(at));
		const left = x + 80 > width;

		ctx.fillRect(x - 1, 0, 2, pane.height);
		ctx.textAlign = left ? "right" : "left";
		ctx.fillText("deadlock", x + (left ? -5 : 5), pane.height - 10);
	}
	ctx.textAlign = "left";
	ctx.restore();
}

function drawCursor(pane) {
	const ctx = pane.canvas.getContext("2d");

	if (view.cursor === null || view.cursor < view.from || view.cursor > view.to)
		return;
	ctx.fillStyle = colour.faint;
	ctx.globalAlpha = 0.7;
	ctx.fillRect(Math.round(toX(view.cursor)), 0, 1, pane.height);
	ctx.globalAlpha = 1;
}
