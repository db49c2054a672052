// SPDX-License-Identifier: GPL-2.0-only
// How states look.  Shape says what colour says: running fills its lane, runnable is a
// hatched band, a receiver stands at the lower edge, a sender at the upper one, a select at
// both.  What is smaller than a pixel is merged: the column shows what took most of it, and
// a bar as high as the share of running.

const colour = {};
let hatch = null;
const FONT = '11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace';
const FACE = '12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';

function readColours() {
	const style = getComputedStyle(document.documentElement);

	for (const name of ["paper", "panel", "stripe", "rule", "grid", "ink", "faint", "accent",
			    "arrow", "select", "buffer"])
		colour[name] = style.getPropertyValue("--" + name).trim();
	colour.states = COLOURS.map(name => style.getPropertyValue(name).trim());
	hatch = hatchPattern(colour.states[RUNNABLE]);
}

function hatchPattern(stroke) {
	const tile = document.createElement("canvas");
	const ctx = tile.getContext("2d");

	tile.width = tile.height = 6;
	ctx.strokeStyle = stroke;
	ctx.lineWidth = 2.2;
	ctx.beginPath();
	for (const x of [-6, 0, 6]) {
		ctx.moveTo(x - 1, 7);
		ctx.lineTo(x + 7, -1);
	}
	ctx.stroke();
	return ctx.createPattern(tile, "repeat");
}

// A canvas of so many CSS pixels, sharp on any screen.
function sized(canvas, width, height) {
	const ratio = window.devicePixelRatio || 1;
	const ctx = canvas.getContext("2d");

	if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
		canvas.width = Math.round(width * ratio);
		canvas.height = Math.round(height * ratio);
		canvas.style.width = width + "px";
		canvas.style.height = height + "px";
	}
	ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
	return ctx;
}

const widths = new Map();

function textWidth(ctx, text) {
	const key = ctx.font + text;
	let width = widths.get(key);

	if (width === undefined) {
		if (widths.size > 20000)
			widths.clear();
		width = ctx.measureText(text).width;
		widths.set(key, width);
	}
	return width;
}

// As much of a text as has room.
function clipped(ctx, text, room) {
	let low = 0, high = text.length;

	if (textWidth(ctx, text) <= room)
		return text;
	while (low < high) {
		const middle = (low + high + 1) >> 1;

		if (textWidth(ctx, text.slice(0, middle) + "…") <= room)
			low = middle;
		else
			high = middle - 1;
	}
	return low ? text.slice(0, low) + "…" : "";
}

function tint(ctx, kind, x, y, width, height) {
	const alpha = ctx.globalAlpha;

	ctx.globalAlpha = alpha * 0.13;
	ctx.fillStyle = colour.states[kind];
	ctx.fillRect(x, y, width, height);
	ctx.globalAlpha = alpha;
}

// One state over a stretch of a lane.
function paintState(ctx, kind, x, y, width, height) {
	const edge = Math.max(2, Math.round(height * 0.28));
	const alpha = ctx.globalAlpha;

	ctx.fillStyle = colour.states[kind];
	switch (kind) {
	case RUNNING:
		ctx.globalAlpha = trace.scheduled ? alpha * 0.42 : alpha;
		ctx.fillRect(x, y, width, height);
		ctx.globalAlpha = alpha;
		return;
	case RUNNABLE:
		tint(ctx, kind, x, y, width, height);
		ctx.fillStyle = width < 3 ? colour.states[kind] : hatch;
		ctx.fillRect(x, y + height * 0.22, width, height * 0.56);
		return;
	case RECEIVE:
		tint(ctx, kind, x, y, width, height);
		ctx.fillRect(x, y + height - edge, width, edge);
		return;
	case SEND:
		tint(ctx, kind, x, y, width, height);
		ctx.fillRect(x, y, width, edge);
		return;
	default:
		tint(ctx, kind, x, y, width, height);
		ctx.fillRect(x, y, width, Math.ceil(edge / 2));
		ctx.fillRect(x, y + height - Math.ceil(edge / 2), width, Math.ceil(edge / 2));
	}
}

function waitText(lane, segment) {
	const wait = lane.waitOf(segment);

	switch (lane.kind[segment]) {
	case RECEIVE: return "<-ch" + lane.chan[segment];
	case SEND: return "ch" + lane.chan[segment] + "<-";
	case SELECT: return "select " + wait[0];
	default: return "select {}";
	}
}

// In the half that the bar leaves free.
function paintText(ctx, lane, segment, x, y, width, height) {
	const kind = lane.kind[segment];
	const edge = Math.max(2, Math.round(height * 0.28));
	const text = waitText(lane, segment);
	const middle = kind === RECEIVE ? y + (height - edge) / 2 :
		kind === SEND ? y + (height + edge) / 2 : y + height / 2;

	if (height < 15 || textWidth(ctx, text) + 8 > width)
		return;
	ctx.fillStyle = colour.ink;
	ctx.fillText(text, x + 4, middle + 0.5);
}

// Collects what falls into one pixel column, and paints runs of alike columns at once.
class Columns {
	constructor(ctx, y, height) {
		this.ctx = ctx;
		this.y = y;
		this.height = height;
		this.share = new Float64Array(KINDS);
		this.column = -1;
		this.run = null;
	}

	add(kind, x, width) {
		const column = Math.floor(x);

		if (column !== this.column)
			this.endColumn();
		this.column = column;
		this.share[kind] += width;
	}

	endColumn() {
		let most = RUNNABLE, sum = 0;

		if (this.column < 0)
			return;
		for (let kind = 0; kind < KINDS; kind++) {
			sum += this.share[kind];
			if (kind !== RUNNING && this.share[kind] > this.share[most])
				most = kind;
		}
		const running = Math.ceil(4 * this.share[RUNNING] / (sum || 1));
		const alone = this.share[most] === 0;

		this.extend(this.column, alone ? RUNNING : most, running);
		this.share.fill(0);
		this.column = -1;
	}

	extend(column, kind, running) {
		const run = this.run;

		if (run && run.end === column && run.kind === kind && run.running === running) {
			run.end++;
			return;
		}
		this.flush();
		this.run = { begin: column, end: column + 1, kind, running };
	}

	flush() {
		const run = this.run;

		this.run = null;
		if (!run)
			return;
		if (run.kind !== RUNNING)
			paintState(this.ctx, run.kind, run.begin, this.y, run.end - run.begin,
				   this.height);
		if (run.running) {
			const height = Math.max(2, this.height * run.running / 4);

			this.ctx.fillStyle = colour.states[RUNNING];
			this.ctx.fillRect(run.begin, this.y + (this.height - height) / 2,
					  run.end - run.begin, height);
		}
	}

	end() {
		this.endColumn();
		this.flush();
	}
}

// The segments of a lane that are in view; how many of them were drawn as themselves.
function paintLane(ctx, lane, x, y, height) {
	const merged = new Columns(ctx, y, height);
	const first = Math.max(0, upperBound(lane.at, view.from) - 1);
	let drawn = 0;

	for (let i = first; i < lane.at.length && lane.at[i] < view.to; i++) {
		const left = x(Math.max(lane.at[i], view.from));
		const right = x(Math.min(lane.endOf(i), view.to));

		if (right < left)
			continue;
		if (right - left < 1) {
			merged.add(lane.kind[i], left, right - left);
			continue;
		}
		merged.end();
		const from = Math.round(left), width = Math.max(1, Math.round(right) - from);

		paintState(ctx, lane.kind[i], from, y, width, height);
		if (width > 30 && isWaiting(lane.kind[i]))
			paintText(ctx, lane, i, from, y, width, height);
		drawn++;
	}
	merged.end();
	paintCpu(ctx, lane, x, y, height);
	return drawn;
}

// Where it runs and really is on a processor.
function paintCpu(ctx, lane, x, y, height) {
	let last = -1;

	ctx.fillStyle = colour.states[RUNNING];
	for (let i = upperBound(lane.cpuEnd, view.from); i < lane.cpuBegin.length; i++) {
		if (lane.cpuBegin[i] >= view.to)
			break;
		for (let s = Math.max(0, lane.segmentAt(lane.cpuBegin[i])); s < lane.at.length; s++) {
			if (lane.at[s] >= lane.cpuEnd[i] || lane.at[s] >= view.to)
				break;
			if (lane.kind[s] !== RUNNING)
				continue;
			const from = Math.round(x(Math.max(lane.at[s], lane.cpuBegin[i], view.from)));
			const to = Math.round(x(Math.min(lane.endOf(s), lane.cpuEnd[i], view.to)));

			if (to > from && from >= last) {
				ctx.fillRect(from, y, to - from, height);
				last = to;
			}
		}
	}
}

function paintCross(ctx, x, y, size) {
	ctx.beginPath();
	ctx.arc(x, y, size + 2.5, 0, 2 * Math.PI);
	ctx.fillStyle = colour.paper;
	ctx.fill();
	ctx.strokeStyle = colour.accent;
	ctx.lineWidth = 1.6;
	ctx.stroke();
	ctx.beginPath();
	ctx.moveTo(x - size / 1.5, y - size / 1.5);
	ctx.lineTo(x + size / 1.5, y + size / 1.5);
	ctx.moveTo(x + size / 1.5, y - size / 1.5);
	ctx.lineTo(x - size / 1.5, y + size / 1.5);
	ctx.stroke();
}

// Closes always; sends and receives where there is room to tell them apart.
function paintMarks(ctx, lane, x, y, height) {
	const first = upperBound(lane.markAt, view.from);
	const last = upperBound(lane.markAt, view.to);
	const roomy = (last - first) * 9 < x(view.to) - x(view.from);
	let edge = -Infinity;

	for (let i = first; i < last; i++) {
		const left = x(lane.markAt[i]);

		if (lane.mark[i] === MARK_CLOSE) {
			if (left - edge < 4)
				continue;
			paintCross(ctx, left, y + height / 2, Math.min(4, height / 5));
			edge = left;
		} else if (roomy && lane.mark[i] <= MARK_RECV && height >= 15) {
			paintTriangle(ctx, left, y + height / 2, lane.mark[i] === MARK_SEND,
				      lane.markPath[i] >= 4);
		}
	}
}

// Up for a send, down for a receive; hollow if nothing went.
function paintTriangle(ctx, x, y, up, hollow) {
	const tip = up ? -4 : 4;

	ctx.beginPath();
	ctx.moveTo(x - 3.5, y - tip * 0.7);
	ctx.lineTo(x + 3.5, y - tip * 0.7);
	ctx.lineTo(x, y + tip);
	ctx.closePath();
	ctx.fillStyle = hollow ? colour.paper : colour.ink;
	ctx.strokeStyle = hollow ? colour.ink : colour.paper;
	ctx.lineWidth = 1;
	ctx.fill();
	ctx.stroke();
}

// A step function: the highest value of each column.
function paintSteps(x, times, values, begin, end, paint) {
	let column = -1, highest = 0;

	for (let i = Math.max(0, upperBound(times, view.from) - 1); i < times.length; i++) {
		const from = Math.max(times[i], view.from, begin);
		const to = Math.min(i + 1 < times.length ? times[i + 1] : end, view.to);

		if (times[i] >= view.to)
			break;
		if (to < from)
			continue;
		const left = Math.floor(x(from)), right = Math.floor(x(to));

		if (left !== column) {
			if (highest)
				paint(column, 1, highest);
			column = left;
			highest = 0;
		}
		highest = Math.max(highest, values[i]);
		if (right > left) {
			if (highest)
				paint(left, 1, highest);
			if (values[i] && right > left + 1)
				paint(left + 1, right - left - 1, values[i]);
			column = right;
			highest = values[i];
		}
	}
	if (highest)
		paint(column, 1, highest);
}

// Senders above, the buffer between, receivers below.
function paintChannel(ctx, channel, x, y, height) {
	const band = Math.floor(height * (channel.cap ? 0.28 : 0.42));
	const left = Math.max(x(Math.max(channel.begin, view.from)), x(view.from));
	const right = x(Math.min(channel.end, view.to));
	const middle = height - 2 * band;

	if (right < left)
		return;
	ctx.fillStyle = colour.grid;
	if (channel.cap)
		ctx.fillRect(left, y + band, right - left, middle);
	else
		ctx.fillRect(left, y + height / 2 - 0.5, right - left, 1);
	ctx.fillStyle = colour.buffer;
	paintSteps(x, channel.levelAt, channel.level, channel.begin, channel.end, (at, width, value) => {
		const high = channel.cap ? Math.max(1, middle * value / channel.cap) : 0;

		ctx.fillRect(at, y + band + middle - high, width, high);
	});
	ctx.fillStyle = colour.states[SEND];
	paintSteps(x, channel.queueAt, channel.senders, channel.begin, channel.end, (at, width, value) => {
		const high = Math.max(2, (band - 1) * value / channel.maxSenders);

		ctx.fillRect(at, y + band - high, width, high);
	});
	ctx.fillStyle = colour.states[RECEIVE];
	paintSteps(x, channel.queueAt, channel.receivers, channel.begin, channel.end, (at, width, value) => {
		const high = Math.max(2, (band - 1) * value / channel.maxReceivers);

		ctx.fillRect(at, y + height - band, width, high);
	});
	for (const [at, how] of channel.closes) {
		if (at < view.from || at > view.to)
			continue;
		ctx.fillStyle = colour.accent;
		ctx.fillRect(x(at) - 0.75, y, 1.5, height);
		paintCross(ctx, x(at), y + height / 2, 3.5);
		if (x(at) + 60 < x(view.to)) {
			ctx.fillStyle = colour.accent;
			ctx.fillText(how === "close" ? "closed" : how, x(at) + 9, y + height / 2 + 0.5);
		}
	}
}
