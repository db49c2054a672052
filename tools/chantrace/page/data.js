// SPDX-License-Identifier: GPL-2.0-only
// The trace, as picture.py gives it, and what is derived from it once.
"use strict";

const trace = JSON.parse(document.getElementById("trace").textContent);

const RUNNING = 0, RUNNABLE = 1, RECEIVE = 2, SEND = 3, SELECT = 4, FOREVER = 5;
const KINDS = 6;
const STATES = ["running", "runnable", "chan receive", "chan send", "select", "select (no cases)"];
const COLOURS = ["--running", "--runnable", "--receive", "--send", "--several", "--forever"];

const READY = 1, ABORTED = 2;
const MARK_SEND = 0, MARK_RECV = 1, MARK_CLOSE = 2, MARK_MAKE = 3;
const MARKS = ["sends on", "receives from", "closes", "makes"];
const PATHS = ["", "direct", "buffered", "parked", "would block", "closed", "removed"];

// Columns of a table whose rows lie one after the other in an array.
function columns(flat, count) {
	const rows = flat.length / count;
	const table = [];

	for (let c = 0; c < count; c++) {
		const column = new Float64Array(rows);

		for (let i = 0; i < rows; i++)
			column[i] = flat[i * count + c];
		table.push(column);
	}
	return table;
}

// The first index whose value is greater than x.
function upperBound(sorted, x) {
	let low = 0, high = sorted.length;

	while (low < high) {
		const middle = (low + high) >> 1;

		if (sorted[middle] > x)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

function isWaiting(kind) {
	return kind >= RECEIVE && kind < KINDS;
}

// Goroutines are numbered in each domain, that is, in each process.
const manyDomains = new Set(trace.lanes.filter(l => l.g).map(l => l.domain)).size > 1;

function processOf(domain) {
	const process = trace.domains[domain];

	return process ? process.join(" ") : "domain " + domain;
}

class Lane {
	constructor(data, index) {
		Object.assign(this, data);
		this.index = index;
		[this.at, this.kind, this.chan, this.wait] = columns(data.segments, 4);
		[this.markAt, this.mark, this.markChan, this.markPath] = columns(data.marks, 4);
		[this.cpuBegin, this.cpuEnd, this.cpuOn] = columns(data.cpu, 3);
		this.begin = this.at.length ? this.at[0] : data.end;
		this.partners = new Map();	// lane: [woke it, was woken by it]
		this.chans = new Set();
		this.key = this.g ? "g" + this.g : "tid" + this.tid;
		this.title = this.g ? (this.name || this.comm || "goroutine") : (this.comm || "thread");
		this.process = this.g && manyDomains ? processOf(this.domain) : "";
		this.short = this.key + (this.process ? " (" + this.process.split(" ").pop() + ")" : "");
		this.total = new Float64Array(KINDS);
		this.parks = 0;
		for (let i = 0; i < this.at.length; i++) {
			this.total[this.kind[i]] += this.endOf(i) - this.at[i];
			if (isWaiting(this.kind[i]))
				this.parks++;
		}
		this.onCpu = 0;
		for (let i = 0; i < this.cpuBegin.length; i++)
			this.onCpu += this.cpuEnd[i] - this.cpuBegin[i];
	}

	endOf(segment) {
		return segment + 1 < this.at.length ? this.at[segment + 1] : this.end;
	}

	// The segment at a time, or -1.
	segmentAt(time) {
		return time > this.end ? -1 : upperBound(this.at, time) - 1;
	}

	waitOf(segment) {
		return isWaiting(this.kind[segment]) ? this.waits[this.wait[segment]] : null;
	}

	label() {
		return this.title + " " + (this.g ? "g" + this.g : "tid " + this.tid) +
			(this.process ? " (" + this.process + ")" : "");
	}
}

class Channel {
	constructor(data, index) {
		Object.assign(this, data);
		this.index = index;
		this.key = "ch" + this.id;
		[this.levelAt, this.level] = columns(data.levels, 2);
		[this.queueAt, this.senders, this.receivers] = columns(data.queues, 3);
		this.maxSenders = this.senders.reduce((a, b) => Math.max(a, b), 0);
		this.maxReceivers = this.receivers.reduce((a, b) => Math.max(a, b), 0);
		this.maxLevel = this.level.reduce((a, b) => Math.max(a, b), 0);
		this.begin = this.made >= 0 ? this.made : 0;
		this.end = this.gone >= 0 ? this.gone : trace.length;
	}

	label() {
		return "chan " + this.id;
	}

	short() {
		return this.flags.includes("timer") ? "timer" : "cap " + this.cap;
	}

	kindText() {
		return (this.cap ? "cap " + this.cap : "unbuffered") +
			(this.flags.length ? ", " + this.flags.join(", ") : "");
	}
}

const lanes = trace.lanes.map((data, index) => new Lane(data, index));
const channels = trace.channels.map((data, index) => new Channel(data, index));
const channelOf = new Map(channels.map(channel => [channel.id, channel]));
const wakes = {};

[wakes.at, wakes.from, wakes.to, wakes.chan, wakes.bySend, wakes.resumed] = columns(trace.wakes, 6);
wakes.longest = 0;

function addPartner(lane, other, which) {
	const counts = lane.partners.get(other) || [0, 0];

	counts[which]++;
	lane.partners.set(other, counts);
}

for (let i = 0; i < wakes.at.length; i++) {
	if (wakes.from[i] !== wakes.to[i]) {
		addPartner(lanes[wakes.from[i]], wakes.to[i], 0);
		addPartner(lanes[wakes.to[i]], wakes.from[i], 1);
	}
	wakes.longest = Math.max(wakes.longest, wakes.resumed[i] - wakes.at[i]);
}

for (const channel of channels)
	for (const user of channel.users)
		lanes[user].chans.add(channel.id);

const goroutines = lanes.filter(lane => lane.g);
const threads = lanes.filter(lane => !lane.g);

// A duration, with three digits that count.
function duration(ns) {
	if (ns < 1e3)
		return Math.round(ns) + " ns";
	for (const [unit, size] of [["µs", 1e3], ["ms", 1e6]])
		if (ns < size * 999.5)
			return (ns / size).toPrecision(3) + " " + unit;
	return ns < 9995e6 ? (ns / 1e9).toPrecision(3) + " s" : (ns / 1e9).toFixed(1) + " s";
}

// A point in time, with as many digits as a step of the ruler asks for.
function instant(ns, step) {
	const [unit, size] = step >= 1e9 ? ["s", 1e9] : step >= 1e6 ? ["ms", 1e6] :
		step >= 1e3 ? ["µs", 1e3] : ["ns", 1];
	const big = ns >= 1e9 && size < 1e9 ? ["s", 1e9] : ns >= 1e6 && size < 1e6 ? ["ms", 1e6] :
		ns >= 1e3 && size < 1e3 ? ["µs", 1e3] : [unit, size];
	const digits = Math.max(0, Math.round(Math.log10(big[1])) - Math.floor(Math.log10(step) + 1e-9));

	return (ns / big[1]).toFixed(digits) + " " + big[0];
}

function count(n, one, many) {
	return n.toLocaleString("en") + " " + (n === 1 ? one : many || one + "s");
}
