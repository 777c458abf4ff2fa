// What is shown as rows of bars: bands, one a request or shared by many, each with its rows.

const OWN_ROWS = 12; // more tasks of a request share rows
const FEW_SPANS = 24; // more spans of a request are only counted

export const TINTS = ["immediate", "after_route", "after_response", "background", "spawned", "requests", "client", "busy", "spans", "group", "held"];

/**
 * @typedef {object} Row
 * @property {string} kind  of its bars: group, marks, client, requests, spans, busy, tasks, held
 * @property {any} band @property {number[]} refs  positions in the recording's table
 * @property {number} from @property {number} to  positions in the scene's columns
 * @property {number} y @property {number} height @property {string} [name]
 */

/** Give each extent, in the order of their begin, the first lane in which it touches no other. */
export function lanes() {
	const ends = [];
	let least = Infinity;
	return (from, to) => {
		const lane = least <= from ? ends.findIndex((end) => end <= from) : ends.length;
		const freed = ends[lane] === least;
		ends[lane] = to;
		least = freed ? ends.reduce((a, b) => Math.min(a, b)) : Math.min(least, to);
		return lane;
	};
}

/** The first position above the limit, probably near `low`. */
export function after(values, low, high, limit) {
	let step = 1;
	for (; low + step < high && values[low + step] <= limit; step *= 2) low += step;
	high = Math.min(high, low + step);
	while (low < high) {
		const middle = (low + high) >> 1;
		if (values[middle] > limit) high = middle;
		else low = middle + 1;
	}
	return low;
}

/** A recording with what a filter leaves of it, and where each of its requests has its zero. */
export class Shown {
	constructor(recording, selected, align, holds) {
		this.recording = recording;
		this.selected = selected;
		this.holds = holds;
		this.align = align;
		this.offset = new Float64Array(recording.size);
		/** how many requests */
		this.count = 0;
		this.begin = Infinity;
		this.end = -Infinity;
		const { response_sent, request_end } = recording.tables.requests.times;
		if (align !== "clock")
			for (let r = 0; r < recording.size; r++) {
				const sent = response_sent[r] === response_sent[r] ? response_sent[r] : request_end[r] || 0;
				this.offset[r] = -recording.start[r] - (align === "response_sent" ? sent : 0);
			}
		this.measure();
	}

	/** Find when each request begins and ends, with all that is shown of it. */
	measure() {
		const { recording: { size, bars, tables }, selected, offset } = this;
		this.begins = new Float64Array(size);
		this.ends = new Float64Array(size);
		for (let r = 0; r < size; r++) [this.begins[r], this.ends[r]] = [bars.requests.begin[r] + offset[r], bars.requests.end[r] + offset[r]];
		for (const type of ["tasks", "client", "spans"]) {
			const { owner } = tables[type];
			const { begin, end } = bars[type];
			for (let i = 0; i < owner.length; i++) {
				const r = owner[i];
				if (type === "tasks" && !selected.tasks[i]) continue;
				if (begin[i] + offset[r] < this.begins[r]) this.begins[r] = begin[i] + offset[r];
				if (end[i] + offset[r] > this.ends[r]) this.ends[r] = end[i] + offset[r];
			}
		}
		for (let r = 0; r < size; r++) {
			if (!selected.requests[r]) continue;
			this.count++;
			if (this.begins[r] < this.begin) this.begin = this.begins[r];
			if (this.ends[r] > this.end) this.end = this.ends[r];
		}
		this.order = Int32Array.from({ length: size }, (_, r) => r).filter((r) => selected.requests[r]);
		this.order.sort((a, b) => this.begins[a] - this.begins[b] || a - b);
	}

	/** The requests that are seen between two moments, in time order; `most` + 1 at most. */
	within(begin, end, most = Infinity) {
		const found = [];
		for (const r of this.order) {
			if (this.begins[r] > end) break;
			if (this.ends[r] >= begin && found.push(r) > most) break;
		}
		return found;
	}
}

/** Rows of bars, and where each bar stands in time: columns over all rows, in their order. */
export class Scene {
	constructor(bands, shown) {
		this.bands = bands;
		/** @type {Row[]} */
		this.rows = bands.flatMap((band) => band.rows);
		const total = this.rows.reduce((sum, row) => sum + row.refs.length, 0);
		this.begins = new Float64Array(total);
		this.mids = new Float64Array(total);
		this.ends = new Float64Array(total);
		this.tints = new Uint8Array(total);
		this.refs = new Int32Array(total);
		const [begin, end] = extentOf(shown);
		this.begin = begin;
		this.end = end;
		this.height = 0;
		let at = 0;
		for (const row of this.rows) at = this.fill(row, at, shown[row.band.of]);
	}

	fill(row, at, { recording, holds, offset, begins, ends, selected }) {
		row.from = at;
		const tint = TINTS.indexOf(row.kind);
		const { owner, codes } = recording.tables[row.kind] ?? {};
		const bars = recording.bars[row.kind];
		const modes = recording.values.map((value) => Math.max(0, TINTS.indexOf(value)));
		const [ok, none] = [recording.values.indexOf("ok"), -1];
		const faults = [];
		for (const i of row.refs) {
			this.refs[at] = i;
			this.tints[at] = row.kind === "tasks" ? modes[codes.mode[i]] : tint;
			if (row.kind === "held") [this.begins[at], this.mids[at], this.ends[at]] = [holds[i].start, holds[i].start, holds[i].end];
			else if (row.kind === "group") [this.begins[at], this.mids[at], this.ends[at]] = [begins[i], begins[i], ends[i]];
			else {
				const shift = offset[row.kind === "requests" ? i : owner[i]];
				[this.begins[at], this.mids[at], this.ends[at]] = [bars.begin[i] + shift, bars.mid[i] + shift, bars.end[i] + shift];
			}
			if (row.kind === "tasks" && codes.outcome[i] !== ok && codes.outcome[i] !== none) faults.push(this.ends[at]);
			if (row.kind === "requests" && selected.failed?.[i]) faults.push(this.ends[at]);
			at++;
		}
		/** when what failed in this row did */
		row.faults = Float64Array.from(faults).sort();
		row.to = at;
		row.refs = [];
		return at;
	}

	/** Whether a row has a bar between two moments. */
	isSeen(row, begin, end) {
		const next = after(this.ends, row.from, row.to, begin);
		return next < row.to && this.begins[next] <= end && row.to > row.from;
	}
}

export function extentOf(shown) {
	const begin = Math.min(...shown.map((one) => one.begin));
	const end = Math.max(...shown.map((one) => one.end));
	return begin <= end ? [begin, end] : [0, 1e6];
}

const newRow = (kind, band, more = {}) => ({ kind, band, refs: [], from: 0, to: 0, y: 0, height: 0, ...more });

/** A band for each of these requests, with all that is known of it. @param {[number, number][]} requests of which recording, and which */
export function detailed(shown, requests, folded) {
	return new Scene(requests.map(([of, request]) => bandOf(shown[of], of, request, folded)), shown);
}

export const keyOf = (recording, request) => `${recording.value("requests", "process", request) ?? 0}:${recording.value("requests", "id", request)}`;

function bandOf(shown, of, request, folded) {
	const { recording, align, selected } = shown;
	const key = `${of}/${keyOf(recording, request)}`;
	const band = { key, of, request, label: recording.label, folded: folded.has(key), undrawn: 0, rows: [] };
	const add = (kind, refs, more) => refs.length && band.rows.push({ ...newRow(kind, band, more), refs });
	const all = (type) => range(...recording.range(type, request));
	add("group", [request]);
	band.rows.push(newRow("marks", band));
	if (band.folded) {
		add("requests", [request]);
		return band;
	}
	add("client", all("client"));
	add("requests", [request]);
	const tasks = all("tasks").filter((i) => selected.tasks[i]);
	const spans = spansOf(shown, request, tasks);
	band.undrawn = all("spans").length - spans.length;
	for (const refs of spanRows(recording, spans.filter(({ task }) => task < 0))) add("spans", refs);
	if (align !== "clock") for (const refs of packed(recording.bars.busy, all("busy"))) add("busy", refs);
	if (tasks.length > OWN_ROWS) for (const refs of packed(recording.bars.tasks, tasks)) add("tasks", refs);
	else
		for (const task of tasks) {
			add("tasks", [task]);
			for (const refs of spanRows(recording, spans.filter((span) => span.task === task))) add("spans", refs);
		}
	return band;
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/** Share out what is given in lanes. */
function packed({ begin, end }, refs) {
	const rows = [];
	const take = lanes();
	for (const i of refs.toSorted((a, b) => begin[a] - begin[b])) (rows[take(begin[i], end[i])] ??= []).push(i);
	return rows;
}

function spansOf({ recording }, request, tasks) {
	const [from, to] = recording.range("spans", request);
	if (to - from > FEW_SPANS || tasks.length > OWN_ROWS) return [];
	const ids = new Map(range(from, to).map((i) => [recording.value("spans", "id", i), i]));
	return range(from, to).map((i) => {
		const task = recording.taskOf(request, recording.value("spans", "task", i));
		let depth = 0;
		for (let one = i; depth < FEW_SPANS; depth++) {
			const parent = recording.value("spans", "parent", one);
			const above = parent === null ? undefined : ids.get(parent);
			if (above === undefined || above === one || recording.value("spans", "task", above) !== recording.value("spans", "task", i)) break;
			one = above;
		}
		return { i, task, depth };
	}).filter(({ task }) => task < 0 || tasks.includes(task));
}

// Deeper spans stand on lower rows, those that overlap on one each.
function spanRows(recording, spans) {
	const levels = [];
	for (const { i, depth } of spans) (levels[depth] ??= []).push(i);
	return levels.flatMap((refs) => packed(recording.bars.spans, refs));
}

/** Bands that many requests share, one after another. */
export function crowded(shown, folded) {
	return new Scene(shown.flatMap((one, of) => shared(one, of, folded)), shown);
}

function shared(shown, of, folded) {
	const { recording, order, begins, ends, selected } = shown;
	const bands = [];
	const take = lanes();
	for (const request of order) {
		const place = take(begins[request], ends[request]);
		const band = (bands[place] ??= newShared(`${of}/${place}`, of, recording.label, folded));
		band.heads.refs.push(request);
		band.bars.refs.push(request);
		if (!band.folded) addTasks(band, recording, request, selected.tasks);
	}
	for (const band of bands) band.rows = [band.heads, band.bars, ...band.tasks];
	return bands;
}

function newShared(key, of, label, folded) {
	const band = { key, of, label, shared: true, folded: folded.has(key), rows: /** @type {any[]} */ ([]) };
	return Object.assign(band, { heads: newRow("group", band), bars: newRow("requests", band), tasks: /** @type {any[]} */ ([]) });
}

function addTasks(band, recording, request, isShown) {
	const [from, to] = recording.range("tasks", request);
	const { begin, end } = recording.bars.tasks;
	const refs = [];
	for (let i = from; i < to; i++) if (isShown[i]) refs.push(i);
	const own = refs.length <= OWN_ROWS;
	if (!own) refs.sort((a, b) => begin[a] - begin[b]);
	const take = lanes();
	refs.forEach((i, n) => (band.tasks[own ? n : take(begin[i], end[i])] ??= newRow("tasks", band)).refs.push(i));
}

/** Bands by something else than the request: its route, the name of a task, the thread it ran in. */
export function grouped(shown, by, folded) {
	return new Scene(shown.flatMap((one, of) => (by === "route" ? byRoute(one, of, folded) : byTask(one, of, by, folded))), shown);
}

function titled(key, of, label, title, folded, rows) {
	const band = { key: `${of}/${key}`, of, label, title, folded: folded.has(`${of}/${key}`), rows: /** @type {any[]} */ ([]) };
	const heads = { ...newRow("title", band), name: title };
	band.rows = [heads, ...(band.folded ? rows.slice(0, 1) : rows).map(([kind, refs]) => ({ ...newRow(kind, band), refs }))];
	return band;
}

function byRoute({ recording, order, selected }, of, folded) {
	const routes = new Map();
	for (const request of order) {
		const route = recording.route(request);
		const one = routes.get(route) ?? routes.set(route, { requests: [], tasks: [] }).get(route);
		one.requests.push(request);
		const [from, to] = recording.range("tasks", request);
		for (let i = from; i < to; i++) if (selected.tasks[i]) one.tasks.push(i);
	}
	return [...routes].map(([route, { requests, tasks }]) => titled(route, of, recording.label, `${route} · ${requests.length.toLocaleString("en")} requests`, folded, [
		...packed(recording.bars.requests, requests).map((refs) => ["requests", refs]),
		...packed(recording.bars.tasks, tasks).map((refs) => ["tasks", refs]),
	]));
}

function byTask({ recording, selected }, of, by, folded) {
	const names = new Map();
	for (let i = 0; i < recording.tables.tasks.size; i++) {
		if (!selected.tasks[i]) continue;
		const name = by === "task" ? recording.value("tasks", "name", i) : recording.value("tasks", "thread", i) ? "worker threads" : "event loop";
		(names.get(name) ?? names.set(name, []).get(name)).push(i);
	}
	return [...names].map(([name, tasks]) => titled(name, of, recording.label, `${name} · ${tasks.length.toLocaleString("en")} tasks`, folded,
		packed(recording.bars.tasks, tasks).map((refs) => ["tasks", refs])));
}

/** One lane a process, of what held its event loop. */
export function loopLanes(shown) {
	const bands = shown.flatMap((one, of) => {
		if (one.align !== "clock" || !one.holds.length) return [];
		const processes = new Map();
		one.holds.forEach(({ process }, i) => (processes.get(process) ?? processes.set(process, []).get(process)).push(i));
		return [...processes].map(([process, refs]) => {
			const band = { key: `${of}/loop ${process}`, of, label: one.recording.label, process, rows: /** @type {any[]} */ ([]) };
			band.rows = [{ ...newRow("held", band), refs }];
			return band;
		});
	});
	return new Scene(bands, shown);
}
