// SPDX-License-Identifier: GPL-2.0-only
// What part of the trace is shown, what is selected, and what the filter lets through.

const SHORTEST = 200;	// ns across the whole chart
const GUTTER = 178;	// px for the names

const view = {
	from: 0,
	to: Math.max(trace.length, SHORTEST),
	lanes: [],		// those that the filter lets through
	channels: [],
	selected: null,		// { lane, segment } or { channel }
	hover: null,		// the same, and a time
	cursor: null,		// time under the pointer
	range: null,		// being chosen on the ruler
	arrows: true,
	filter: "",
};

const whole = { from: 0, to: Math.max(trace.length, SHORTEST) };

{
	// Some room, so that the first and the last event do not stick to the edges.
	const room = (whole.to - whole.from) * 0.01;

	whole.from -= room;
	whole.to += room;
	view.from = whole.from;
	view.to = whole.to;
}

function setView(from, to) {
	const longest = whole.to - whole.from;
	const span = Math.min(Math.max(to - from, SHORTEST), longest);
	const middle = (from + to) / 2;

	view.from = Math.min(Math.max(middle - span / 2, whole.from), whole.to - span);
	view.to = view.from + span;
	redraw();
}

// Keep the time where the pointer is.
function zoom(factor, time) {
	const pivot = time === undefined || time === null ? (view.from + view.to) / 2 : time;
	const span = Math.min(Math.max((view.to - view.from) * factor, SHORTEST),
			      whole.to - whole.from);
	const share = (pivot - view.from) / (view.to - view.from);

	setView(pivot - span * share, pivot + span * (1 - share));
}

function pan(ns) {
	setView(view.from + ns, view.to + ns);
}

function fit() {
	setView(whole.from, whole.to);
}

// Show a stretch with something on both sides.
function show(from, to) {
	const room = Math.max((to - from) * 0.6, SHORTEST / 2);

	setView(from - room, to + room);
}

// Whether a lane has to do with what is selected.
function laneMatters(lane) {
	const chosen = view.selected;

	if (!chosen)
		return true;
	if (chosen.channel)
		return lane.chans.has(chosen.channel.id);
	return lane === chosen.lane || chosen.lane.partners.has(lane.index);
}

function channelMatters(channel) {
	const chosen = view.selected;

	if (!chosen)
		return true;
	return chosen.channel ? channel === chosen.channel : chosen.lane.chans.has(channel.id);
}

function wakeMatters(i) {
	const chosen = view.selected;

	if (!chosen)
		return true;
	if (chosen.channel)
		return wakes.chan[i] === chosen.channel.id;
	return wakes.from[i] === chosen.lane.index || wakes.to[i] === chosen.lane.index;
}

function select(what) {
	view.selected = what;
	if (what && what.lane)
		reveal(panes.lanes, view.lanes.indexOf(what.lane));
	if (what && what.channel)
		reveal(panes.channels, view.channels.indexOf(what.channel));
	showSelection();
	redraw();
}

// The words of the filter; any of them lets something through.
function filterTerms(text) {
	const joined = text.toLowerCase().replace(/\b(chan|ch|g|tid)\s+(?=\d)/g, "$1");

	return joined.split(/[\s,]+/).filter(term => term);
}

function laneIs(lane, term) {
	const exact = /^(g|tid)(\d+)$/.exec(term);

	if (exact)
		return Number(exact[2]) === (exact[1] === "g" ? lane.g : lane.tid);
	return [lane.title, lane.comm, lane.process].some(text => text.toLowerCase().includes(term));
}

function channelIs(channel, term) {
	const exact = /^(?:chan|ch)(\d+)$/.exec(term);

	return exact !== null && Number(exact[1]) === channel.id;
}

// What matches, and what it has to do with: a goroutine's channels, a channel's users.
function setFilter(text) {
	const terms = filterTerms(text);
	const all = [...goroutines, ...threads];
	const named = new Set(all.filter(lane => terms.some(term => laneIs(lane, term))));
	const wanted = channels.filter(channel => terms.some(term => channelIs(channel, term)));
	const used = new Set([...named].flatMap(lane => [...lane.chans]));

	view.filter = text;
	if (!terms.length) {
		view.lanes = all;
		view.channels = channels;
	} else {
		view.lanes = all.filter(lane => named.has(lane) ||
			wanted.some(channel => lane.chans.has(channel.id)));
		view.channels = channels.filter(channel => wanted.includes(channel) ||
			used.has(channel.id));
	}
	layOut();
	redraw();
}
