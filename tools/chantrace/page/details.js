// SPDX-License-Identifier: GPL-2.0-only
// What is said in words: summary, legend, keys, the selection, the tip under the pointer.
// Text goes into the page as text only, never as markup.

const ERRORS = { 4: "interrupted", 32: "the channel was closed", 35: "a deadlock",
		 43: "the channel was removed", 90: "no room for the message", 110: "the deadline passed", 512: "interrupted" };

function errorText(result) {
	return ERRORS[-result] || "error " + -result;
}

function make(tag, attributes, ...children) {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes || {})) {
		if (name.startsWith("on"))
			element.addEventListener(name.slice(2), value);
		else if (name === "style")
			Object.assign(element.style, value);
		else
			element.setAttribute(name, value);
	}
	element.append(...children.filter(child => child !== null && child !== undefined));
	return element;
}

function table(rows) {
	return make("table", {}, ...rows.filter(row => row).map(([head, ...cells]) =>
		make("tr", {}, make("th", { scope: "row" }, head),
		     ...cells.map(cell => make("td", {}, cell)))));
}

function stateBar(total) {
	const sum = total.reduce((a, b) => a + b, 0) || 1;

	return make("div", { class: "bar", role: "img",
			     "aria-label": STATES.map((state, kind) => state + " " +
				Math.round(100 * total[kind] / sum) + "%").join(", ") },
		...STATES.map((state, kind) => make("span", { title: state, style: {
			width: 100 * total[kind] / sum + "%",
			background: "var(" + COLOURS[kind] + ")",
		} })));
}

function named(kind) {
	const spot = make("i", { class: "spot", style: { background: "var(" + COLOURS[kind] + ")" } });

	return make("span", {}, spot, STATES[kind]);
}

function stateRows(total) {
	const sum = total.reduce((a, b) => a + b, 0) || 1;

	return STATES.map((state, kind) => total[kind] ?
		[named(kind), duration(total[kind]), (100 * total[kind] / sum).toFixed(1) + "%"] : null);
}

function laneButton(lane, more) {
	return make("button", { type: "button", onclick: () => select({ lane, segment: -1 }) },
		lane.label() + (more || ""));
}

function channelButton(channel) {
	return make("button", { type: "button", onclick: () => select({ channel }) }, channel.label());
}

// The longest waits of some lanes; a click shows one.
function longestWaits(of, most, named) {
	const found = [];

	for (const lane of of)
		for (let i = 0; i < lane.at.length; i++)
			if (isWaiting(lane.kind[i]))
				found.push([lane.endOf(i) - lane.at[i], lane, i]);
	found.sort((a, b) => b[0] - a[0]);
	return make("ul", { class: "waits" }, ...found.slice(0, most).map(([length, lane, i]) =>
		make("li", {}, make("button", { type: "button", onclick: () => {
			show(lane.at[i], lane.endOf(i));
			select({ lane, segment: i });
		} }, (named ? lane.short + " " : "") + waitText(lane, i), make("b", {}, duration(length))))));
}

function showHeader() {
	const [program, ...rest] = trace.command;
	const what = program ? [program.replace(/.*\//, ""), ...rest].join(" ") : "all tasks";

	document.title = what + " - chantrace";
	byId("title").append(what, make("span", {}, " - chantrace"));
	byId("subtitle").textContent = [
		trace.kernel ? "Linux " + trace.kernel : "",
		trace.cpus ? count(trace.cpus, "CPU") : "",
		duration(trace.length),
	].filter(part => part).join(" · ");
}

function showNote(text) {
	byId("note").hidden = false;
	byId("note").textContent = text;
}

function showSummary() {
	const total = new Float64Array(KINDS);
	const counts = trace.counts;

	for (const lane of lanes)
		lane.total.forEach((ns, kind) => { total[kind] += ns; });
	byId("summary").replaceChildren(
		make("h2", {}, "Summary"),
		table([
			["events", trace.events.toLocaleString("en")],
			trace.lost ? ["lost", make("span", { class: "loud" }, trace.lost.toLocaleString("en"))] : null,
			["goroutines", goroutines.length.toLocaleString("en")],
			threads.length ? ["other threads", threads.length.toLocaleString("en")] : null,
			["channels", channels.length.toLocaleString("en")],
			["sends, receives", (counts.chan_send || 0).toLocaleString("en") + ", " +
				(counts.chan_recv || 0).toLocaleString("en")],
			["parks", (counts.chan_park || 0).toLocaleString("en")],
			["wakes", (counts.chan_ready || 0).toLocaleString("en")],
			counts.chan_abort ? ["aborted", counts.chan_abort.toLocaleString("en")] : null,
		]),
		table([
			["", "P50", "P99", "max"],
			["parked", ...["p50", "p99", "max"].map(p => duration(trace.wait[p]))],
			["until running", ...["p50", "p99", "max"].map(p => duration(trace.latency[p]))],
		]),
		make("h3", {}, "All goroutines together"),
		stateBar(total), table(stateRows(total)),
		make("h3", {}, "Longest waits"), longestWaits(lanes, 6, true));
}

// What a segment is, as lines of text; the first is its heading.
function describeSegment(lane, segment) {
	const kind = lane.kind[segment];
	const length = lane.endOf(segment) - lane.at[segment];
	const lines = [STATES[kind] + " for " + duration(length)];
	const wait = lane.waitOf(segment);

	if (wait)
		lines.push(...describeWait(lane, segment, wait));
	else if (kind === RUNNABLE && lane.chan[segment])
		lines.push("woken through chan " + lane.chan[segment] + ", not running yet");
	if (trace.scheduled)
		lines.push("on a CPU for " + duration(cpuTime(lane, lane.at[segment], lane.endOf(segment))));
	lines.push("from " + instant(Math.max(0, lane.at[segment]), Math.max(1, length / 100)));
	return lines;
}

function describeWait(lane, segment, [cases, how, waker, index, result, entries]) {
	const lines = [];

	for (let i = 0; i < entries.length && i < 4 * 6; i += 4) {
		const chosen = how === READY && cases > 1 && entries[i + 3] === index;

		lines.push((chosen ? "▸ " : "") + (cases > 1 ? "case " + entries[i + 3] + ": " : "") +
			(entries[i + 1] ? "send on" : "receive from") + " chan " + entries[i] +
			", place " + entries[i + 2] + " in the queue");
	}
	if (cases > 6)
		lines.push("and " + (cases - 6) + " cases more");
	if (!entries.length && lane.chan[segment])
		lines.push("chan " + lane.chan[segment]);
	if (how === READY)
		lines.push((waker === lane.index ? "completed by itself: the case had become ready" : "woken by " + lanes[waker].label()) +
			(cases > 1 ? ", case " + index : "") + (result < 0 ? ": " + errorText(result) : ""));
	else if (how === ABORTED)
		lines.push("aborted: " + errorText(result));
	else
		lines.push("still waiting at the end of the trace");
	return lines;
}

function cpuTime(lane, from, to) {
	let sum = 0;

	for (let i = upperBound(lane.cpuEnd, from); i < lane.cpuBegin.length && lane.cpuBegin[i] < to; i++)
		sum += Math.min(to, lane.cpuEnd[i]) - Math.max(from, lane.cpuBegin[i]);
	return sum;
}

function describeChannel(channel, time) {
	const lines = [channel.label() + ", " + channel.kindText()];
	const level = upperBound(channel.levelAt, time) - 1;
	const queue = upperBound(channel.queueAt, time) - 1;
	const closed = channel.closes.find(([at]) => at <= time);

	if (time < channel.begin)
		lines.push("not made yet");
	else if (time > channel.end)
		lines.push("gone");
	else if (channel.cap)
		lines.push((level < 0 ? "?" : channel.level[level]) + " of " + channel.cap + " buffered");
	lines.push(count(queue < 0 ? 0 : channel.senders[queue], "sender") + " and " +
		count(queue < 0 ? 0 : channel.receivers[queue], "receiver") + " parked");
	if (closed)
		lines.push("closed (" + closed[1] + ") by " + lanes[closed[2]].label() + ", woke " + closed[3]);
	return lines;
}

// What was done near the pointer, if anything is drawn there.
function describeMark(lane, time) {
	const near = (view.to - view.from) / (width - GUTTER) * 5;
	const i = upperBound(lane.markAt, time + near) - 1;

	if (i < 0 || Math.abs(lane.markAt[i] - time) > near)
		return null;
	return MARKS[lane.mark[i]] + " chan " + lane.markChan[i] +
		(lane.markPath[i] ? ", " + PATHS[lane.markPath[i]] : "");
}

function linesOf(which) {
	if (which.channel)
		return describeChannel(which.channel, which.time);
	const lines = [which.lane.label()];

	if (which.segment >= 0)
		lines.push(...describeSegment(which.lane, which.segment));
	const mark = which.time === undefined ? null : describeMark(which.lane, which.time);

	return mark ? [...lines, mark] : lines;
}

function showTip(x, y) {
	const tip = byId("tip");

	if (!view.hover) {
		tip.hidden = true;
		return;
	}
	const [head, ...lines] = linesOf(view.hover);

	tip.replaceChildren(make("b", {}, head), ...lines.map(line => make("p", {}, line)));
	tip.hidden = false;
	tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 8)) + "px";
	tip.style.top = Math.max(4, y + 18 + tip.offsetHeight > innerHeight ?
		y - tip.offsetHeight - 12 : y + 18) + "px";
}

function showSelection() {
	const box = byId("selection");
	const chosen = view.selected;

	box.hidden = !chosen;
	box.replaceChildren();
	if (!chosen)
		return;
	box.append(make("button", { type: "button", class: "close", title: "Clear the selection (Esc)",
				    onclick: () => select(null) }, "×"));
	box.append(...(chosen.channel ? channelDetails(chosen.channel) : laneDetails(chosen)));
	byId("side").scrollTop = 0;
}

function laneDetails({ lane, segment }) {
	const creator = lanes.find(other => other.g && other.g === lane.creator && other.domain === lane.domain);
	const partners = [...lane.partners].sort((a, b) => b[1][0] + b[1][1] - a[1][0] - a[1][1]);
	const parts = [make("h2", {}, lane.label())];

	if (segment >= 0) {
		const [head, ...lines] = describeSegment(lane, segment);

		parts.push(make("h3", {}, head), ...lines.map(line => make("div", {}, line)));
	}
	parts.push(make("h3", {}, "Its time"), stateBar(lane.total), table([
		...stateRows(lane.total),
		trace.scheduled ? ["on a CPU", duration(lane.onCpu), ""] : null,
		["parks", lane.parks.toLocaleString("en"), ""],
		["thread", lane.comm + " " + lane.tid, ""],
		lane.creator ? ["started by", creator ? creator.key : "g" + lane.creator, ""] : null,
	]));
	if (lane.chans.size)
		parts.push(make("h3", {}, "Its channels"), make("div", { class: "links" },
			...[...lane.chans].sort((a, b) => a - b).slice(0, 40)
				.map(id => channelButton(channelOf.get(id)))));
	if (partners.length)
		parts.push(make("h3", {}, "Its partners (woke it, were woken by it)"),
			make("div", { class: "links" }, ...partners.slice(0, 20).map(([other, [woke, woken]]) =>
				laneButton(lanes[other], ": " + woken + ", " + woke))));
	if (lane.parks)
		parts.push(make("h3", {}, "Its longest waits"), longestWaits([lane], 5, false));
	return parts;
}

function channelDetails(channel) {
	return [
		make("h2", {}, channel.label()),
		table([
			["", channel.kindText()],
			channel.elem_size >= 0 ? ["element", count(channel.elem_size, "byte")] : null,
			["sent", channel.sends.toLocaleString("en")],
			["received", channel.recvs.toLocaleString("en")],
			channel.cap ? ["most buffered", channel.maxLevel + " of " + channel.cap] : null,
			["most senders parked", channel.maxSenders],
			["most receivers parked", channel.maxReceivers],
			...channel.closes.map(([at, how, lane, woken]) =>
				[how, "by " + lanes[lane].short + ", woke " + woken]),
		]),
		make("h3", {}, "Who used it"),
		make("div", { class: "links" }, ...channel.users.slice(0, 40).map(user => laneButton(lanes[user]))),
	];
}

function swatch(paint) {
	const canvas = make("canvas", { "aria-hidden": "true" });
	const ctx = sized(canvas, 34, 16);

	paint(ctx);
	return canvas;
}

function showLegend() {
	const list = make("dl", {});
	const add = (paint, text) => list.append(make("dt", {}, swatch(paint)), make("dd", {}, text));
	const kinds = [RUNNING, RUNNABLE, RECEIVE, SEND, SELECT, FOREVER];
	const texts = [trace.scheduled ? "running; dark: really on a CPU" : "running",
		       "runnable: woken, not running yet", "parked, to receive", "parked, to send",
		       "parked in a select", "parked in select {}, for ever"];
	const word = text => ctx => {
		ctx.font = FONT;
		ctx.textBaseline = "middle";
		ctx.fillStyle = colour.ink;
		ctx.fillText(text, 0, 8);
	};

	kinds.forEach((kind, i) => add(ctx => {
		paintState(ctx, kind, 0, 0, 34, 16);
		if (kind === RUNNING) {
			ctx.fillStyle = colour.states[RUNNING];
			ctx.fillRect(0, 0, trace.scheduled ? 20 : 34, 16);
		}
	}, texts[i]));
	add(word("<-ch1"), "receive from chan 1, as Go writes it");
	add(word("ch1<-"), "send on chan 1");
	add(ctx => {
		ctx.strokeStyle = ctx.fillStyle = colour.arrow;
		ctx.beginPath();
		ctx.moveTo(8, 1);
		ctx.bezierCurveTo(8, 10, 24, 3, 24, 11);
		ctx.stroke();
		ctx.beginPath();
		ctx.moveTo(20.5, 9);
		ctx.lineTo(24, 16);
		ctx.lineTo(27.5, 9);
		ctx.fill();
	}, "a wake: from who did it, to where the woken one runs; \u201cuntil running\u201d is how long that took");
	add(ctx => {
		paintTriangle(ctx, 9, 8, true, false);
		paintTriangle(ctx, 25, 8, false, false);
	}, "a send, a receive; hollow: nothing went");
	add(ctx => paintCross(ctx, 17, 8, 3.5), "a close");
	add(ctx => {
		ctx.fillStyle = colour.accent;
		ctx.fillRect(16, 0, 2, 16);
	}, "a deadlock was found");
	add(ctx => {
		ctx.fillStyle = colour.states[SEND];
		ctx.fillRect(0, 0, 34, 4);
		ctx.fillStyle = colour.grid;
		ctx.fillRect(0, 5, 34, 6);
		ctx.fillStyle = colour.buffer;
		ctx.fillRect(0, 7, 34, 4);
		ctx.fillStyle = colour.states[RECEIVE];
		ctx.fillRect(0, 12, 34, 4);
	}, "a channel: parked senders, what is buffered, parked receivers");
	byId("legend").replaceChildren(make("h2", {}, "Legend"), list);
}

function showKeys() {
	const rows = [
		[["wheel"], "zoom; with Shift: scroll"], [["drag"], "move; on the ruler: choose a stretch"],
		[["click"], "select"], [["double click"], "show one state"],
		[["w", "s"], "zoom in, out"], [["a", "d"], "left, right"], [["↑", "↓"], "select the one above, below"],
		[["n", "p"], "next, previous state"], [["r"], "arrows"], [["i"], "this panel"], [["t"], "light, dark"],
		[["f"], "all of it"], [["/"], "filter"], [["Esc"], "clear"],
	];

	byId("keys").replaceChildren(make("h2", {}, "Keys"), make("table", {}, ...rows.map(([keys, text]) =>
		make("tr", {}, make("th", {}, ...keys.flatMap((key, i) => i ? [" ", make("kbd", {}, key)] :
			[make("kbd", {}, key)])), make("td", {}, text)))));
}

function showStatus() {
	const span = Math.min(view.to, trace.length) - Math.max(view.from, 0);
	const parts = [duration(span) + " of " + duration(trace.length)];

	if (view.cursor !== null)
		parts.push("at " + instant(Math.max(0, view.cursor), Math.max(1, span / 2000)));
	if (view.filter)
		parts.push("filter: " + view.lanes.length + " of " + count(lanes.length, "lane") + ", " +
			view.channels.length + " of " + count(channels.length, "channel"));
	if (view.crowded)
		parts.push("too many wakes for arrows: zoom in, or select a goroutine");
	byId("status").textContent = parts.join("  ·  ");
}
