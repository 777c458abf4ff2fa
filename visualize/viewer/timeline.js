/*
 * The interactive timeline of fastapi_tasks: one module, no import, no build step.
 *
 * mount(element, data) brings the markup of an element to life. Data flows one way: recordings
 * (what was measured) → a scene (rows of bars) → paint, with a pen for canvas or one for SVG.
 * Times of a request are nanoseconds since its start; the axis has nanoseconds, too.
 */

const MODES = ["immediate", "after_route", "after_response"];
const MARKS = ["endpoint_start", "endpoint_end", "response_start", "response_sent", "request_end"];
const STEPS = ["requested", "released", "started", "finished"];
const CLIENT = ["sent", "answered", "received"];
const TIMES = { requests: MARKS, tasks: STEPS, busy: ["start", "end"], client: CLIENT };
const FACTS = {
	requests: ["id", "process", "kind", "method", "path", "route", "status", "error", "aborted"],
	tasks: ["name", "mode", "outcome", "error", "thread", "shield", "parent"],
	busy: ["culprit", "task"],
	client: [],
};
const PARTS = ["tasks", "busy", "client"];

const ROOMY = 26; // pixels of a row with space for everything
const LABELLED = 15; // least pixels of a row with text
const OWN_ROWS = 12; // up to so many tasks of a request get a row each
const STACKED = 40; // up to so many requests stand below each other; more share bands
const DETAILED = 400; // up to so many bars in view are drawn one by one
const DECORATED = 200; // up to so many have hatches and arrows
const RULER = 30;

// --- Words ---

const UNITS = [["min", 60e9], ["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
const unitOf = (size) => UNITS.find(([, factor]) => factor <= size) ?? UNITS.at(-1);
const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const titleOf = ({ method, path, id }) => `${method} ${path} #${id}`;
const endingOf = (task) => task.outcome ?? (task.finished == null ? "running" : "ok");
const isOpen = (item) =>
	item.type === "tasks" ? endingOf(item) === "running" : item.type === "requests" && item.request_end == null;

/** A duration for people, to three digits: 12.6 ms, 1 min 35 s. */
function duration(ns) {
	const size = Math.abs(ns);
	const [unit, factor] = unitOf(Number(size.toPrecision(3)));
	const seconds = Math.round(size / 1e9);
	const long = `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ""}`;
	return (ns < 0 ? "−" : "") + (unit === "min" ? long : `${Number((size / factor).toPrecision(3))} ${unit}`);
}

/** Round moments of a span, in words: from nanoseconds to minutes. */
function ticksOf(begin, end, most) {
	const least = (end - begin) / most;
	const power = 10 ** Math.floor(Math.log10(least));
	const steps = [2, 5, 10].map((digit) => digit * power);
	const minutes = [10, 15, 30, 60, 120, 300, 600, 1800].map((seconds) => seconds * 1e9);
	const step = (least < 5e9 ? steps : minutes).find((step) => step >= least) ?? Math.ceil(least / 36e11) * 36e11;
	const [unit, factor] = UNITS.find(([, factor]) => factor <= Math.max(-begin, end) && factor / step <= 1000
		&& (factor < 60e9 || step % factor === 0)) ?? UNITS.at(-1);
	const ticks = [];
	for (let n = Math.ceil(begin / step); n * step <= end; n++) {
		const places = Math.max(0, Math.ceil(Math.log10(factor / step) - 1e-9));
		ticks.push([n * step, n ? `${(n * step / factor).toFixed(places)} ${unit}`.replace("-", "−") : "0"]);
	}
	return ticks;
}

function statusOf({ status, error, aborted, request_end, kind }) {
	const words = [status ?? (kind === "websocket" && "WebSocket"), error, aborted && "aborted", request_end == null && "open"];
	return words.filter(Boolean).join(" · ");
}

function summaryOf({ response_sent: sent, tasks }) {
	const answer = sent == null ? "no response sent" : `response sent after ${duration(sent)}`;
	const going = tasks.filter(isOpen).length;
	const later = tasks.reduce((most, { finished }) => Math.max(most, finished ?? 0), 0) - sent;
	const rest = going ? `, ${going} not ended` : sent != null && later > 0 ? `, the last ended ${duration(later)} later` : "";
	return tasks.length ? `${answer} · ${count(tasks.length, "task")}${rest}` : answer;
}

/** What an item is about, in a sentence or two. */
const SAY = {
	group: ({ request }) => SAY.requests(request),
	requests: (request) => `${titleOf(request)}: ${summaryOf(request)}.`,
	busy: ({ culprit, start, end }) => `${culprit} held the event loop for ${duration(end - start)}: nothing else on it could run.`,
	client: ({ sent, answered, received }) => answered == null ? "The client got no answer."
		: `The client had the status after ${duration(answered - sent)}, and the whole answer ${
			received == null ? "never" : `after ${duration(received - sent)}`}.`,
	tasks({ name, requested, started, finished, outcome, error, thread, request: { response_sent: sent } }) {
		if (outcome === "discarded") return `${name} was discarded: the endpoint failed, so it was never released.`;
		if (started == null) return outcome ? `${name} was ${outcome} before it started.` : `${name} has not started yet.`;
		const ran = finished == null ? "has been running" : `ran ${duration(finished - started)}`;
		const where = thread ? "in a worker thread" : "on the event loop";
		const end = { running: "", ok: "", error: ` and raised ${error}` }[outcome ?? "ok"] ?? ` and was ${outcome}`;
		const side = sent == null ? "" : ` It started ${duration(Math.abs(started - sent))} ${started < sent ? "before" : "after"} the response was sent.`;
		const odd = started < requested || finished < (finished && started) ? " Its clock went backwards." : "";
		return `${name} waited ${duration(started - requested)}, then ${ran} ${where}${end}.${side}${odd}`;
	},
};

/** Fields that a record does not have as such. */
const READ = {
	title: (item) => titleOf(item.request ?? item),
	ending: endingOf,
	source: (task) => task.request.tasks[task.parent ?? -1]?.name ?? "the request",
	date: ({ wall }) => new Date(Number(wall / 1000000n)).toISOString().replace(/T(.*)Z/, " $1 UTC"),
};

function fact(item, field) {
	const value = READ[field] ? READ[field](item) : item[field];
	if (TIMES[item.type].includes(field)) return value == null ? "never" : duration(value);
	return value === true ? "yes" : `${value || "–"}`;
}

/** What a search asks for: words of a name or path, and name:, mode:, outcome:, path:. */
function toFilter(query) {
	const read = { name: ({ name }) => name, mode: ({ mode }) => mode, outcome: endingOf, path: READ.title };
	const wants = [...query.toLowerCase().matchAll(/(?:(name|mode|outcome|path):)?(\S+)/g)];
	const told = (task, field) => (field ? read[field](task) : `${task.name} ${read.path(task)}`).toLowerCase();
	return wants.length && ((task) => wants.every(([, field, value]) => told(task, field).includes(value)));
}

// --- Recordings ---

const newRequest = (fields) => ({ type: "requests", kind: "http", tasks: [], busy: [], client: [], ...fields });

/** The requests of one recording; above its limit it lets the oldest go, and counts them. */
class Recording {
	requests = new Map();
	dropped = 0;
	bound = -Infinity; // where the latest request that was let go started

	constructor(label, limit = Infinity) {
		Object.assign(this, { label, limit });
	}

	add(request) {
		const { requests, first = (this.first = request) } = this;
		const { process, clock, wall } = request;
		// A process has a clock of its own: what others did is placed by the wall clock.
		request.start = Number(process === first.process ? clock - first.clock : wall - first.wall);
		if (request.start <= this.bound) return false;
		requests.set(`${process}:${request.id}`, request);
		for (const [key, { start }] of requests) {
			if (requests.size <= this.limit) break;
			requests.delete(key);
			this.bound = Math.max(this.bound, start);
			this.dropped++;
		}
		return true;
	}

	/** Takes in a request, or what is new about one that is known: told twice, it changes nothing. */
	merge({ id, process = 0, request_start: start, wall = 0, ...fields }) {
		let request = this.requests.get(`${process}:${id}`);
		if (!request) {
			if (start == null) return;
			request = newRequest({ id, process, clock: BigInt(start), wall: BigInt(wall) });
			if (!this.add(request)) return;
		}
		take(request, fields, request.clock);
		if (fields.client) fields.client = [fields.client];
		for (const type of PARTS)
			for (const [index, part] of Object.entries(fields[type] ?? {}))
				take((request[type][index] ??= { type, request, index: +index }), part, request.clock);
	}

	/** The axis' zero: the earliest start, as it was first seen. */
	get zero() {
		return (this.origin ??= [...this.requests.values()].reduce((t, { start }) => Math.min(t, start), Infinity));
	}
}

/** Copies what the format knows; times become nanoseconds since the request's start. */
function take(target, fields, clock) {
	for (const field of FACTS[target.type]) if (field in fields) target[field] = fields[field];
	for (const field of TIMES[target.type])
		if (field in fields) target[field] = fields[field] === null ? null : Number(BigInt(fields[field]) - clock);
}

/** Undoes columns.py: a JSON header, a zero byte, then each column as planes of bytes. */
function readColumns(bytes, recording) {
	let at = bytes.indexOf(0);
	const { names, tables, clock, offset, widths } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at++)));
	const readers = tables.map(([type, counts, fields]) => {
		const rows = counts.reduce((sum, count) => sum + count, 0);
		const columns = fields.map(([field, kind]) => {
			const codes = new Float64Array(rows);
			for (let planes = widths.shift(), unit = 1; planes--; unit *= 256)
				for (let i = 0; i < rows; i++) codes[i] += bytes[at++] * unit;
			return { field, kind, codes };
		});
		return { type, counts, columns, names, row: 0 };
	});
	let [start, apart] = [0n, 0n];
	for (const i of clock.keys()) {
		start += BigInt(clock[i]);
		apart += BigInt(offset[i]);
		const request = newRequest({ clock: start, wall: start + apart });
		for (const reader of readers)
			for (let index = 0; index < reader.counts[i]; index++) {
				const { type } = reader;
				if (type === "requests") fill(request, request, reader);
				else request[type].push(fill({ type, request, index }, request, reader));
			}
		recording.add(request);
	}
}

function fill(record, { endpoint_end, response_sent }, reader) {
	const row = reader.row++;
	let time = 0;
	for (const { field, kind, codes } of reader.columns) {
		const value = codes[row] % 2 ? (codes[row] - 1) / 2 : -codes[row] / 2;
		if (kind === "release") // counted from the mark at which its mode releases
			time = { after_route: endpoint_end, after_response: response_sent }[record.mode] ?? time;
		if (!codes[row]) record[field] = null;
		else if (kind === "number") record[field] = value;
		else if (kind === "flag") record[field] = value === 1;
		else record[field] = kind === "text" ? reader.names[value] : (time += value);
	}
	return record;
}

const through = async (bytes, stream) =>
	new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
const toBytes = (text) => Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
const inflate = (packed) => through(toBytes(atob(packed)), new DecompressionStream("deflate-raw"));

/** Reads lines of a recording. Times beyond 2⁵³ travel as text: a double would round them. */
function readLines(text, recording) {
	for (const line of text.split("\n"))
		if (line.trim()) recording.merge(JSON.parse(line.replace(/"(\w+)":\s*(-?\d{16,})(?=\s*[,}])/g, '"$1":"$2"')));
}

/** A request as a line of a recording: what is at its default is left out, times are whole again. */
function toLine(request) {
	const told = (record) => [
		...TIMES[record.type].filter((field) => record[field] != null)
			.map((field) => `"${field}":${request.clock + BigInt(record[field])}`),
		...FACTS[record.type].filter((field) => record[field] || record[field] === 0)
			.map((field) => `"${field}":${JSON.stringify(record[field])}`),
	];
	const fields = ['"format":1', `"wall":${request.wall}`, `"request_start":${request.clock}`, ...told(request)];
	for (const name of PARTS) {
		const parts = request[name].map((part) => `{${told(part)}}`);
		if (parts.length) fields.push(`"${name}":${name === "client" ? parts : `[${parts}]`}`);
	}
	return `{${fields}}\n`;
}

const linesOf = ({ requests }) => [...requests.values()].map(toLine).join("");

// --- Scene: what stands where ---

/** Hands out the lowest lane that is free at a time; times come in order. */
function lanes() {
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

/** When a bar begins, turns from waiting to running, and ends, even if its clock went backwards. */
const SPAN = {
	group: ({ first, last }) => [first, first, last],
	busy: ({ start, end }) => [start, start, Math.max(start, end)],
	requests: ({ request_end }, openEnd) => [0, 0, Math.max(0, request_end ?? openEnd)],
	client: ({ sent, answered, received }) => [sent, sent, Math.max(sent, received ?? answered ?? sent)],
	tasks: ({ requested, started, finished, outcome, request }, openEnd) => {
		const unknown = outcome ? (started ?? request.endpoint_end ?? requested) : openEnd;
		const end = Math.max(requested, started ?? requested, finished ?? unknown);
		return [requested, Math.max(requested, started ?? end), end];
	},
};

/** One request in the picture: where its zero is on the axis, and from when to when it reaches. */
function groupOf(request, origin, tasks, now) {
	let [first, last] = [0, 0];
	for (const part of [[request], tasks, request.busy, request.client])
		for (const record of part)
			for (const field of TIMES[record.type]) {
				first = Math.min(first, record[field] ?? 0);
				last = Math.max(last, record[field] ?? 0);
			}
	const openEnd = Math.max(last + 0.05 * (last - first) + 1, now);
	const open = isOpen(request) || tasks.some(isOpen);
	return { type: "group", request, origin, tasks, openEnd, first, last: open ? openEnd : last, known: last };
}

/** Rows of bars, as flat arrays for the painters. Requests are stacked, or packed into bands. */
class Scene {
	rows = [];
	items = [];
	begin = Infinity;
	end = -Infinity;

	constructor(groups, packed, folded) {
		Object.assign(this, { groups, packed });
		const take = lanes();
		const bands = [];
		for (const [i, group] of groups.entries()) {
			const [begin, end] = [group.origin + group.first, group.origin + group.last];
			const place = packed ? take(begin, end) : i;
			(bands[place] ??= { key: packed ? place : group.request, groups: [] }).groups.push(group);
			this.begin = Math.min(this.begin, begin);
			this.end = Math.max(this.end, end);
		}
		for (const band of bands) this.addBand(band, folded.has(band.key));
		const total = this.rows.reduce((sum, { items }) => sum + items.length, 0);
		for (const name of ["begins", "mids", "ends"]) this[name] = new Float64Array(total);
		this.tints = new Uint8Array(total);
		for (const row of this.rows) this.flatten(row);
	}

	addBand(band, folded) {
		const newRow = (kind) => ({ kind, band, folded, items: [] });
		const upper = {};
		for (const kind of ["group", "marks", "client", "requests", "busy"]) upper[kind] = newRow(kind);
		const below = [];
		for (const group of band.groups) {
			const { request } = group;
			const put = (item, row) => row.items.push(Object.assign(item, { row, group }));
			for (const item of [group, request, ...request.client, ...request.busy]) put(item, upper[item.type]);
			spread(group, (task, lane) => put(task, (below[lane] ??= newRow("tasks"))));
		}
		band.rows = [...Object.values(upper).filter((row) => row.kind === "marks" || row.items.length), ...below];
		this.rows.push(...band.rows);
	}

	flatten(row) {
		row.from = this.items.length;
		for (const item of row.items) {
			const at = (item.at = this.items.push(item) - 1);
			const { origin, openEnd } = item.group;
			const [begin, mid, end] = SPAN[item.type](item, openEnd);
			[this.begins[at], this.mids[at], this.ends[at]] = [origin + begin, origin + mid, origin + end];
			this.tints[at] = TINTS.indexOf(item.mode ?? item.type);
		}
		row.to = this.items.length;
		row.items = null;
	}

	/** Gives every row its place, for lanes of so many pixels; returns the height of all. */
	stack(pitch) {
		const roomy = pitch >= LABELLED;
		const heights = { group: roomy ? 28 : 2, marks: roomy && !this.packed ? 16 : 0 };
		let y = 0;
		for (const row of this.rows) {
			if (row.kind === "group" && roomy && y) y += 14;
			row.y = y;
			row.height = row.folded && row.kind === "tasks" ? Math.min(4, pitch) : (heights[row.kind] ?? pitch);
			row.gap = row.height >= LABELLED ? 6 : row.height > 2 ? 1 : 0;
			row.band.bottom = y += row.height;
		}
		return (this.height = y);
	}
}

const TINTS = [...MODES, "requests", "client", "busy", "group"];

/** A few tasks get a row each; more of them share rows where they do not overlap. */
function spread({ tasks, openEnd }, put) {
	const take = lanes();
	for (const [i, task] of inOrder(tasks).entries()) {
		const [begin, , end] = SPAN.tasks(task, openEnd);
		put(task, tasks.length <= OWN_ROWS ? i : take(begin, end));
	}
}

const inOrder = (tasks) => tasks.toSorted((a, b) => a.requested - b.requested);

/** The first position from low on whose value lies above the limit; often it is near. */
function after(values, low, high, limit) {
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

// --- Painting ---

const LINES = { endpoint_end: "endpoint end", response_sent: "response sent" };
const PHASES = ["before", "endpoint", "handling", "sending", "after"]; // what leads to each of the marks
const gauge = document.createElement("canvas").getContext("2d");
const widths = new Map();
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text) => `${text}`.replace(/[&<>"]/g, (c) => ENTITIES[c]).replace(/[\p{Cc}\p{Cs}]/gu, "\ufffd");
const near = (value) => Math.round(value * 10) / 10;

/** How wide a text is in pixels; all texts of the picture are 12 pixels high. */
function widthOf(text) {
	if (widths.size > 5000) widths.clear();
	gauge.font = "600 12px system-ui, sans-serif";
	if (!widths.has(text)) widths.set(text, gauge.measureText(text).width);
	return widths.get(text);
}

/** The text, cut off where there is no room for the rest. */
function elide(text, room) {
	if (widthOf(text) <= room) return text;
	let keep = Math.max(0, Math.min(text.length, Math.floor(room / 3)));
	while (keep && widthOf(text.slice(0, keep) + "…") > room) keep--;
	return keep ? text.slice(0, keep) + "…" : "";
}

/** A scene as seen through a view: SVG for what is drawn one by one, a canvas for crowds of bars. */
class Painting {
	parts = [];

	constructor({ scene, view, width, height, focus }, canvas, colors) {
		Object.assign(this, { scene, view, width, height, focus, scale: width / (view.end - view.begin) });
		const top = this.rowAt(view.y);
		const rows = scene.rows.slice(top, this.rowAt(view.y + height) + 1);
		const ticks = ticksOf(view.begin, view.end, Math.max(2, width / 120));
		for (const [time] of ticks) this.rect("grid", this.x(time), RULER, 1, height);
		const bars = rows.filter(({ kind, height }) => kind !== "group" && height);
		canvas.getContext("2d").reset();
		if (bars.reduce((sum, row) => sum + this.count(row), 0) <= DETAILED) this.detail(bars);
		else this.overview(bars, canvas, colors);
		for (const row of rows) if (row.kind === "group" && row.height > LABELLED) this.heads(row);
		for (const item of focus) if (item && scene.items[item.at] === item && item.type !== "group") this.outline(this.box(item.at));
		if (view.measure) this.measured(view.measure);
		this.ruler(ticks);
	}

	x(time) {
		return (time - this.view.begin) * this.scale;
	}

	y(row) {
		return row.y - this.view.y + RULER;
	}

	/** Places on the canvas, cut off a little outside of it. */
	reach(...times) {
		return times.map((time) => Math.max(-30, Math.min(this.width + 30, this.x(time))));
	}

	rowAt(y) {
		const { rows } = this.scene;
		const found = rows.findIndex((row) => row.y + row.height > y);
		return found < 0 ? rows.length : found;
	}

	rect(look, x, y, width, height) {
		const size = `width="${near(Math.max(0, width))}" height="${near(height)}"`;
		this.parts.push(`<rect class="${look}" x="${near(x)}" y="${near(y)}" ${size}/>`);
	}

	path(look, data) {
		this.parts.push(`<path class="${look}" d="${data}"/>`);
	}

	sign(look, name, x, y) {
		this.parts.push(`<use class="${look}" href="#sign-${name}" x="${near(x)}" y="${near(y)}"/>`);
	}

	text(look, words, x, y) {
		this.parts.push(`<text class="${look}" x="${near(x)}" y="${near(y)}">${escape(words)}</text>`);
	}

	count(row) {
		const first = after(this.scene.ends, row.from, row.to, this.view.begin);
		return after(this.scene.begins, first, row.to, this.view.end) - first;
	}

	/** The bars of a row that are in view; those narrower than so many pixels may be passed over. */
	*bars(row, least = 0) {
		const { begins, ends } = this.scene;
		let i = after(ends, row.from, row.to, this.view.begin - 30 / this.scale);
		while (i < row.to && begins[i] <= this.view.end) {
			if ((ends[i] - begins[i]) * this.scale >= least) yield this.box(i);
			i = least ? after(ends, i + 1, row.to, ends[i] + least / this.scale) : i + 1;
		}
	}

	/** The place of a bar inside its row. */
	box(i) {
		const { begins, mids, ends, items } = this.scene;
		const { row } = items[i];
		const [x, mid, end] = this.reach(begins[i], mids[i], ends[i]);
		return { i, item: items[i], x, mid, end, y: this.y(row) + row.gap / 2, h: row.height - row.gap };
	}

	// Few bars: each is drawn as it is.

	detail(rows) {
		const boxes = rows.flatMap((row) => [...this.bars(row)]);
		for (const box of boxes) if (box.item.type === "busy") this.wash(box);
		for (const group of new Set(boxes.map(({ item }) => item.group))) this.marks(group);
		for (const box of boxes) if (box.item.type === "tasks") this.arrow(box);
		for (const box of boxes) this[box.item.type](box);
	}

	/** While something held the loop nothing else of the request could move: shade it all. */
	wash({ x, end, item: { row: { band } } }) {
		this.rect("wash", x, this.y(band.rows[1]), end - x, band.bottom - band.rows[1].y);
	}

	marks({ request, origin }) {
		const { rows: [, row], bottom } = request.row.band;
		const top = this.y(row);
		let free = 0;
		for (const [mark, words] of Object.entries(LINES)) {
			const x = Math.round(this.x(origin + request[mark])) + 0.5;
			if (request[mark] == null || x < 0 || x > this.width) continue;
			this.path(`line ${mark}`, `M${x} ${top + 2}V${top + bottom - row.y}`);
			const wide = widthOf(words) + 5;
			// The first name stands before its line, the second one after: they often are close.
			const left = (mark === "endpoint_end" && x > wide) || x + wide > this.width ? x - wide : x + 5;
			if (row.height && left >= free) this.text("muted", words, left, top + 9);
			free = left + wide;
		}
	}

	/** From the place that scheduled a task: down to its row, and along its wait to its start. */
	arrow({ item, x, mid, y, h }) {
		const parent = item.request.tasks[item.parent ?? -1];
		const { row } = parent && this.scene.items[parent.at] === parent ? parent : item.request;
		if (x < 0 || x > this.width) return;
		const turn = Math.min(4, mid - x);
		const middle = y + h / 2;
		this.path("arrow", `M${near(x)} ${this.y(row) + row.height / 2}V${middle - turn}q0 ${turn} ${turn} ${turn}H${near(mid)}`);
	}

	requests(box) {
		const { item, y, h } = box;
		const { origin, openEnd } = item.group;
		let from = 0;
		let named = false;
		for (const [i, mark] of MARKS.entries()) {
			const to = item[mark] ?? (mark === "request_end" ? openEnd : null);
			if (to === null) continue;
			const [left, right] = this.reach(origin + from, origin + to);
			this.rect(PHASES[i], left, y, Math.max(1, right - left), h);
			if (PHASES[i] === "endpoint")
				named = this.label({ ...box, mid: left, end: right }, "endpoint", duration(to - from), "endpoint", true);
			from = Math.max(from, to);
		}
		if (isOpen(item)) this.tail(box, "after");
		if (!named) this.label(box, "request", duration(item.response_sent ?? from));
	}

	client(box) {
		const { x, end, y, h, item } = box;
		this.path("client", `M${near(x)} ${y + 2}v${h - 4}m0 ${2 - h / 2}H${near(end)}m0 ${2 - h / 2}v${h - 4}`);
		const got = item.received ?? item.answered;
		this.label(box, "client", got == null ? "no answer" : duration(got - item.sent));
	}

	busy(box) {
		const { x, end, y, h, item } = box;
		this.rect("busy", x, y, Math.max(2, end - x), h);
		this.label(box, `${item.culprit} held the loop`, duration(item.end - item.start), "busy");
	}

	tasks(box) {
		const { item, x, mid, end, y, h } = box;
		const { mode, started, released, finished } = item;
		const ending = endingOf(item);
		const middle = y + h / 2;
		if (mid - x > 0.5) this.rect(`wait ${mode}`, x, y, mid - x, h);
		if (started != null) this.rect(`run ${mode}`, mid, y, Math.max(2, end - mid), h);
		if (item.thread && started != null) this.path(`thread ink-${mode}`, `M${mid + 3} ${y + h - 2.5}H${end - 3}`);
		if (ending === "running") this.tail(box, `run ${mode}`);
		if (released != null && h > 8) this.sign(`released ${mode}`, mode, this.x(item.group.origin + released), middle);
		if (!["ok", "running"].includes(ending)) this.sign("ending", ending, end + 9, middle);
		const note = started == null && ending === "running" ? "waiting"
			: { ok: started != null && duration(finished - started), error: item.error }[ending] ?? ending;
		this.label(box, item.name, note, mode);
	}

	/** It goes on: three pieces, each narrower than the last. */
	tail({ end, y, h }, look) {
		for (const [at, width] of [[3, 7], [13, 5], [21, 3]]) this.rect(look, end + at, y, width, h);
	}

	/** Writes a name and what belongs to it into a bar, or else beside it where nothing stands. */
	label({ i, item, x, mid, end, y, h }, name, note, look, insideOnly) {
		if (h < 10) return true;
		const { begins, ends } = this.scene;
		const { from, to } = item.row;
		const sign = isOpen(item) ? 30 : item.outcome && item.outcome !== "ok" ? 19 : 7;
		const inside = [Math.max(mid, 0) + 8, Math.min(end, this.width) - 6, `ink-${look}`];
		const right = [Math.max(end, 0) + sign, (i + 1 < to ? this.x(begins[i + 1]) : this.width) - 6, ""];
		const left = [i > from ? this.x(ends[i - 1]) + 30 : 4, x - 8, "end"];
		const rooms = insideOnly ? [inside] : look ? [inside, right, left] : [right, left];
		const write = (words, [from, to, style]) => {
			this.text(style, words, style === "end" ? to : from, y + h / 2 + 0.5);
			return true;
		};
		for (const words of note ? [`${name}  ${note}`, name] : [name])
			for (const room of rooms) if (widthOf(words) <= room[1] - room[0]) return write(words, room);
		const room = inside[1] - inside[0];
		return look && room > 40 && write(elide(name, room), inside);
	}

	// Many bars: each row is one line of pixels, stretched to its height.

	overview(rows, canvas, colors) {
		const inks = [...MODES, "endpoint", "phase", "busy"].map((name) => colors[name]);
		const [solid, pale] = [255, 80].map((alpha) => inks.map((ink) => pixelOf(ink, alpha)));
		const { width } = canvas;
		const image = new ImageData(width, rows.length);
		const pixels = new Uint32Array(image.data.buffer);
		for (const [line, row] of rows.entries()) this.strip(row, pixels.subarray(line * width, (line + 1) * width), solid, pale);
		const strips = Object.assign(document.createElement("canvas"), { width, height: rows.length });
		strips.getContext("2d").putImageData(image, 0, 0);
		const context = canvas.getContext("2d");
		const ratio = width / this.width;
		context.imageSmoothingEnabled = false;
		for (const [line, row] of rows.entries()) {
			const place = [0, (this.y(row) + row.gap / 2) * ratio, width, (row.height - row.gap) * ratio];
			context.drawImage(strips, 0, line, width, 1, ...place);
			if (row.kind !== "tasks" || row.height < LABELLED) continue;
			for (const box of this.bars(row, 70)) this.label(box, box.item.name, "", box.item.mode, true);
		}
	}

	/** From a bar it leaps to the next that ends in another pixel: a frame costs pixels, not bars. */
	strip(row, line, solid, pale) {
		const { begins, mids, ends, tints } = this.scene;
		const { begin, end } = this.view;
		const scale = line.length / (end - begin);
		const pixel = (time) => Math.floor((time - begin) * scale);
		let i = after(ends, row.from, row.to, begin);
		while (i < row.to && begins[i] < end) {
			const from = Math.max(0, pixel(begins[i]));
			const to = Math.min(line.length, Math.max(from + 1, pixel(ends[i])));
			const mid = Math.min(to - 1, pixel(mids[i]));
			if (mid > from) line.fill(pale[tints[i]], from, mid);
			line.fill(solid[tints[i]], Math.max(from, mid), to);
			i = after(ends, i + 1, row.to, begin + to / scale);
		}
	}

	// What stands around the bars.

	/** The titles of requests, each where there is room for it. */
	heads(row) {
		const { packed } = this.scene;
		for (const { item: { request, label }, x, end } of this.bars(row, packed ? 40 : 0)) {
			let left = packed ? Math.max(6, x) : 8;
			const right = (packed ? Math.min(this.width, end) : this.width) - 8;
			const y = this.y(row) + row.height / 2 + 2;
			const failed = request.error || request.aborted || request.status >= 500;
			const fold = ["muted", row.folded ? "▸" : "▾"];
			for (const [look, words] of [fold, ["muted strong", label], ["strong", titleOf(request)],
				[failed ? "failed strong" : "muted strong", statusOf(request)], ["muted", summaryOf(request)]]) {
				const shown = words && elide(words, right - left);
				if (!shown) continue;
				this.text(look, shown, left, y);
				left += widthOf(shown) + 10;
			}
		}
	}

	outline({ x, end, y, h }) {
		this.rect("outline", x - 2, y - 2, Math.max(2, end - x) + 4, h + 4);
	}

	measured(range) {
		const [left, right] = this.reach(Math.min(...range), Math.max(...range));
		this.rect("measured", left, RULER, right - left, this.height);
		const words = duration(Math.abs(range[1] - range[0]));
		const wide = widthOf(words) + 16;
		const x = Math.max(4, Math.min(this.width - wide - 4, (left + right - wide) / 2));
		this.rect("pill", x, RULER + 4, wide, 22);
		this.text("ink-after_route strong", words, x + 8, RULER + 15);
	}

	ruler(ticks) {
		this.rect("ruler", 0, 0, this.width, RULER);
		for (const [time, words] of ticks) {
			const half = widthOf(words) / 2;
			const x = this.x(time);
			if (x > half && x + half < this.width) this.text("muted", words, x - half, RULER / 2);
		}
	}

	/** What stands at a place of the picture: a bar, or the head of a request. */
	hit(x, y) {
		const { rows, items, begins, ends, packed } = this.scene;
		const row = rows[this.rowAt(y + this.view.y - RULER)];
		if (!row || y < RULER || this.y(row) > y) return null;
		if (row.kind === "group" && !packed) return items[row.from];
		const time = (x) => this.view.begin + x / this.scale;
		const first = after(ends, row.from, row.to, time(x - 6));
		const close = [first, first + 1].filter((i) => i < row.to && begins[i] <= time(x + 4));
		return items[close.find((i) => begins[i] <= time(x) && ends[i] >= time(x)) ?? close[0]] ?? null;
	}
}

/** A colour as ImageData has it, where the lowest byte comes first. */
function pixelOf(color, alpha) {
	const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
	return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// --- Files ---

/** Chrome Trace Events for Perfetto: a process a request, its lanes as threads, an arrow a task. */
function toTrace({ request, origin, openEnd }, i) {
	const pid = i + 1;
	const events = [];
	const add = (ph, tid, name, time, more) => events.push({ ph, pid, tid, name, ts: (origin + time) / 1000, ...more });
	const meta = (tid, what, name, order) => {
		add("M", tid, `${what}_name`, 0, { args: { name } });
		add("M", tid, `${what}_sort_index`, 0, { args: { sort_index: order } });
	};
	const bar = (tid, thread, name, from, to, args) => {
		if (!events.some((event) => event.tid === tid && event.name === "thread_name")) meta(tid, "thread", thread, tid);
		add("X", tid, name, from, { cat: thread, dur: (to - from) / 1000, args });
	};
	meta(1, "process", titleOf(request), pid);
	bar(1, "request", titleOf(request), ...SPAN.requests(request, openEnd).slice(1));
	for (const [mark, name] of Object.entries(LINES)) if (request[mark] != null) add("i", 1, name, request[mark], { s: "p" });
	for (const client of request.client) bar(2, "client", "client", ...SPAN.client(client).slice(1));
	for (const busy of request.busy) bar(3, "event loop", `held by ${busy.culprit}`, ...SPAN.busy(busy).slice(1));
	const take = lanes();
	const runs = [];
	for (const task of inOrder(request.tasks)) {
		const [from, mid, to] = SPAN.tasks(task, openEnd);
		const tid = 4 + take(from, to);
		if (mid > from) bar(tid, "tasks", `${task.name} waits`, from, mid);
		if (task.started == null) continue;
		bar(tid, "tasks", task.name, mid, to, { mode: task.mode, outcome: endingOf(task), thread: !!task.thread });
		runs[task.index] = { tid, from: mid, to };
		// An arrow has to leave a bar that is open then: the parent's, the request's, or its own wait.
		const own = { tid, from, to: mid };
		const bars = [runs[task.parent ?? -1], { tid: 1, from: 0, to: request.request_end ?? openEnd }, own];
		const source = bars.find((bar) => bar && bar.from <= from && from <= bar.to);
		const flow = { id: pid * 1e6 + task.index, cat: "flow" };
		add("s", source.tid, "schedule", from, flow);
		add("f", tid, "schedule", mid, { ...flow, bp: "e" });
	}
	return events;
}

/** The picture as a file: the strokes, and the style and shapes that they use. */
function toSvg({ parts: { picture, canvas }, width, height, data, element }) {
	const size = `width="${width}" height="${height}"`;
	const style = `svg{${element.style.cssText}}${data.style.replace(/[&<]/g, "")}`;
	const ground = `<rect ${size} fill="var(--background)"/><image ${size} href="${canvas.toDataURL()}"/>`;
	return `<svg xmlns="http://www.w3.org/2000/svg" class="picture" ${size}><style>${style}</style>${ground}${picture.innerHTML}</svg>`;
}

async function toPng(v) {
	const image = new Image();
	image.src = `data:image/svg+xml,${encodeURIComponent(toSvg(v))}`;
	await image.decode();
	const canvas = Object.assign(document.createElement("canvas"), { width: 2 * v.width, height: 2 * v.height });
	canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
	return new Promise((done) => canvas.toBlob(done));
}

/** This page as a file of its own: the markup as it was, with the module and the data inside. */
async function toPage({ element, markup, data, recordings }) {
	const page = document.documentElement.cloneNode(true);
	const find = (selector) => page.querySelector(selector);
	const host = find(`#${element.id}`);
	const module = find("script[type=module]");
	const packed = recordings.map(async (recording, i) => {
		if (data.recordings[i]?.packed) return data.recordings[i];
		const bytes = await through(new TextEncoder().encode(linesOf(recording)), new CompressionStream("deflate-raw"));
		return { label: recording.label, zipped: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
	});
	const told = { ...data, events: null, recordings: await Promise.all(packed) };
	if (module.src) module.textContent = await (await fetch(module.src)).text();
	module.removeAttribute("src");
	host.removeAttribute("style");
	host.innerHTML = markup;
	find("meta[http-equiv]").content = data.policy;
	find("#timeline-data").textContent = JSON.stringify(told).replace(/</g, "\\u003c");
	return `<!doctype html>${page.outerHTML}`;
}

const FILES = {
	png: toPng,
	svg: toSvg,
	html: toPage,
	jsonl: ({ recordings }) => recordings.map(linesOf).join(""),
	json: ({ scene }) => JSON.stringify({ traceEvents: scene.groups.flatMap(toTrace), displayTimeUnit: "ms" }),
};

async function save(v, kind) {
	const url = URL.createObjectURL(new Blob([await FILES[kind](v)]));
	Object.assign(document.createElement("a"), { href: url, download: `timeline.${kind}` }).click();
	URL.revokeObjectURL(url);
}

// --- What one can do ---

/** What the buttons and keys of the markup name, so that its help cannot be wrong. */
const ACTIONS = {
	fit, reset, zoom, fold, step, clear, measure, turn, save, theme,
	move: (v, share) => pan(v, -share * v.width, 0),
	scroll: (v, share) => pan(v, 0, -share * v.height),
	zoomTo: (v) => v.focus[0] && look(v, v.scene.begins[v.focus[0].at], v.scene.ends[v.focus[0].at]),
	stretch: (v, share) => v.view.measure && span(v, [v.view.measure[0], v.view.measure[1] + share * (v.view.end - v.view.begin)]),
	search: (v) => v.parts.search.select(),
	help: (v) => v.parts.help.showModal(),
	table: (v) => v.element.classList.toggle("tabled"),
	follow: (v) => press(v.parts.follow, (v.following = !v.following)) || refresh(v),
	toggle(v, key) {
		if (!v.hidden.delete(key)) v.hidden.add(key);
		rebuild(v);
	},
};

const press = (button, on) => button.setAttribute("aria-pressed", on);

function pan(v, dx, dy) {
	const { view, scene, width, height } = v;
	const length = view.end - view.begin;
	const [least, most] = [scene.begin - view.end + length / 10, scene.end - view.begin - length / 10];
	const by = Math.max(least, Math.min(most, (-dx * length) / width)) || 0;
	view.begin += by;
	view.end += by;
	view.y = Math.max(0, Math.min(scene.height - height + RULER + 8, view.y - dy));
	refresh(v);
}

function zoom(v, factor, x = v.width / 2) {
	const { view, scene, width } = v;
	const old = view.end - view.begin;
	const length = Math.max(10, Math.min(4 * (scene.end - scene.begin) + 10, old * factor));
	view.begin += (x / width) * (old - length);
	view.end = view.begin + length;
	pan(v, 0, 0);
}

/** Shows a span of time, with a margin. */
function look(v, begin, end) {
	const margin = (end - begin) * 0.03 || 5;
	Object.assign(v.view, { begin: begin - margin, end: end + margin });
	pan(v, 0, 0);
}

/** Shows everything. Rows shrink as far as needed; if they are few they rather scroll. */
function fit(v) {
	const { scene, height } = v;
	const least = scene.items.length > 1000 ? 2 : 18;
	v.pitch = [ROOMY, 22, 18, 15, 10, 7, 5, 3, 2].find((pitch) => scene.stack(pitch) < height - RULER || pitch <= least);
	v.view.y = 0;
	if (scene.groups.length) look(v, scene.begin, scene.end);
}

function reset(v) {
	v.parts.search.value = "";
	v.hidden.clear();
	v.folded.clear();
	clear(v);
	rebuild(v);
	fit(v);
}

/** Folds a request, or unfolds it; without one, all of them. */
function fold(v, whole, item = v.focus[0]) {
	const keys = whole ? v.scene.rows.map(({ band }) => band.key) : item ? [item.row.band.key] : [];
	const change = keys.every((key) => v.folded.has(key)) ? "delete" : "add";
	for (const key of keys) v.folded[change](key);
	rebuild(v);
}

/** Pins an item: its details stay until it is let go. */
function pin(v, item) {
	const { panel, sentence } = v.parts;
	const shown = item?.type === "group" ? item.request : item;
	v.focus[0] = item;
	panel.hidden = !item;
	sentence.textContent = item ? SAY[item.type](item) : "";
	for (const value of panel.querySelectorAll("dd")) {
		const own = value.parentNode.dataset.facts === shown?.type;
		value.parentNode.hidden = !own;
		if (own) value.textContent = fact(shown, value.dataset.field);
	}
	refresh(v);
}

function clear(v) {
	pin(v, null);
	span(v, null);
}

/** Shows what the pointer is on. */
function hover(v, x, y) {
	const { tip, stage } = v.parts;
	const item = v.painting.hit(x, y);
	const moved = item !== v.focus[1];
	v.focus[1] = item;
	stage.classList.toggle("over", !!item);
	tip.hidden = !item;
	if (item && moved) tip.textContent = SAY[item.type](item);
	tip.style.left = `${Math.max(4, Math.min(x + 14, v.width - tip.offsetWidth - 8))}px`;
	tip.style.top = `${y + 24 + tip.offsetHeight > v.height ? y - tip.offsetHeight - 12 : y + 20}px`;
	if (moved) refresh(v);
}

/** Pins the next task of the picture, or the one before, and brings it into view. */
function step(v, by) {
	const { view, scene: { items, begins, ends }, focus, height } = v;
	let at = focus[0]?.at ?? (by > 0 ? -1 : items.length);
	do at += +by;
	while (items[at] && items[at].type !== "tasks");
	if (!items[at]) return;
	const { row } = items[at];
	const half = (view.end - view.begin) / 2;
	if (ends[at] < view.begin || begins[at] > view.end) Object.assign(view, { begin: begins[at] - half, end: begins[at] + half });
	if (row.y < view.y || row.y > view.y + height - RULER - 40) view.y = row.y - height / 2;
	pin(v, items[at]);
	pan(v, 0, 0);
}

/** Starts to measure, at the pinned bar or in the middle of the view; or ends it. */
function measure(v) {
	const { view, scene, focus: [item] } = v;
	const third = (view.end - view.begin) / 3;
	const range = item ? [scene.begins[item.at], scene.ends[item.at]] : [view.begin + third, view.end - third];
	span(v, view.measure ? null : range);
}

function span(v, range) {
	v.view.measure = range;
	press(v.parts.measure, !!range);
	refresh(v);
}

function theme(v, _, dark = !v.dark) {
	const { style } = v.element;
	v.dark = dark;
	v.colors = v.data.colors[dark ? "dark" : "light"];
	style.colorScheme = dark ? "dark" : "light";
	for (const [name, color] of Object.entries(v.colors)) style.setProperty(`--${name}`, color);
	refresh(v);
}

/** Turns to the page of the table that is so many tasks further. */
function turn(v, by) {
	const { rows, range, table } = v.parts;
	const tasks = v.scene.groups.flatMap(({ tasks }) => tasks);
	v.first = Math.max(0, v.first + +by < tasks.length ? v.first + +by : v.first);
	const page = tasks.slice(v.first, v.first + 100);
	range.textContent = `${page.length ? v.first + 1 : 0}–${v.first + page.length} of ${count(tasks.length, "task")}`;
	const fields = [...table.querySelectorAll("[data-field]")].map(({ dataset }) => dataset.field);
	rows.replaceChildren(...page.map((task) => {
		const row = document.createElement("tr");
		for (const field of fields) row.insertCell().textContent = fact(task, field);
		return row;
	}));
}

// --- The viewer ---

/** Makes the scene anew, after a change of what is recorded or shown. */
function rebuild(v) {
	const filter = toFilter(v.parts.search.value);
	const groups = [];
	v.tally = new Map();
	for (const [side, recording] of v.recordings.entries()) {
		let turn = side / 10; // compared requests stand next to each other
		for (const request of recording.requests.values()) {
			const group = shownOf(v, request, recording, filter);
			if (group) groups.push(Object.assign(group, { turn: turn++, label: recording.label }));
		}
	}
	const compared = v.recordings.length > 1;
	groups.sort((a, b) => (compared ? a.turn - b.turn : a.origin + a.first - b.origin - b.first));
	const packed = !compared && v.parts.align.value === "clock" && groups.length > STACKED;
	v.scene = new Scene(groups, packed, v.folded);
	v.scene.stack(v.pitch);
	v.stale = false;
	tell(v, filter);
	pan(v, 0, 0);
}

/** A request with those of its tasks that are to be shown, or null. */
function shownOf(v, request, recording, filter) {
	const tasks = request.tasks.filter((task) => {
		const keys = [task.mode, endingOf(task)];
		for (const key of keys) v.tally.set(key, (v.tally.get(key) ?? 0) + 1);
		return !keys.some((key) => v.hidden.has(key)) && (!filter || filter(task));
	});
	const itself = { name: "", mode: "", outcome: request.error ? "error" : "ok", request };
	if (filter && !tasks.length && !filter(itself)) return null;
	const start = request.start - recording.zero;
	const sent = request.response_sent ?? request.request_end ?? 0;
	const origin = { clock: start, request: 0, response: -sent }[v.parts.align.value];
	const clock = performance.now() * 1e6;
	const group = groupOf(request, origin, tasks, v.data.events ? clock - v.skew - start : -Infinity);
	v.skew = Math.min(v.skew, clock - start - group.known);
	return group;
}

/** Says how much is shown: in the legend, beside the search, and where the picture is empty. */
function tell(v, filter) {
	const { parts: { found, notice, legend }, scene: { groups }, tally } = v;
	const shown = groups.reduce((sum, { tasks }) => sum + tasks.length, 0);
	const total = MODES.reduce((sum, mode) => sum + (tally.get(mode) ?? 0), 0);
	const gone = v.recordings.reduce((sum, { dropped }) => sum + dropped, v.missed);
	const words = (shown < total ? `${shown.toLocaleString("en")} of ` : "") + count(total, "task");
	found.textContent = words + (gone ? ` · ${count(gone, "older request")} let go` : "");
	notice.hidden = groups.length > 0;
	notice.textContent = filter ? "No request and no task matches the filter." : "Nothing is recorded yet.";
	for (const chip of legend.querySelectorAll("button")) {
		const key = chip.dataset.with;
		chip.hidden = !tally.has(key);
		press(chip, !v.hidden.has(key));
		chip.lastElementChild.textContent = tally.get(key)?.toLocaleString("en") ?? "";
	}
	turn(v, 0);
}

function refresh(v) {
	v.frame ??= requestAnimationFrame(() => {
		v.frame = null;
		if (v.stale) rebuild(v);
		if (v.following) pan(v, -1e9, -1e9);
		if (!v.width || !v.scene) return;
		v.painting = new Painting(v, v.parts.canvas, v.colors);
		v.parts.ink.innerHTML = v.painting.parts.join(""); // every name in it went through escape()
	});
}

function resize(v) {
	const { canvas, stage } = v.parts;
	[v.width, v.height] = [stage.clientWidth, stage.clientHeight];
	Object.assign(canvas, { width: v.width * devicePixelRatio, height: v.height * devicePixelRatio });
	if (v.scene) pan(v, 0, 0);
}

function listen(v) {
	const { element, parts } = v;
	const keys = new Map();
	for (const { dataset } of element.querySelectorAll("[data-keys]"))
		for (const key of dataset.keys.split(" ")) keys.set(key, dataset);
	const act = ({ action, with: value }) => ACTIONS[action](v, value);
	element.addEventListener("keydown", (event) => {
		const { key, target } = event;
		const action = keys.get((event.shiftKey && key.startsWith("Arrow") ? "Shift+" : "") + key);
		const taken = target.closest("input, select, dialog") || (target.closest("button, summary") && key === "Enter");
		if (!action || event.ctrlKey || event.metaKey || event.altKey || (taken && key !== "Escape")) return;
		if (target === parts.search) parts.stage.focus();
		act(action);
		event.preventDefault();
	});
	element.addEventListener("click", ({ target }) => {
		const button = target.closest("button[data-action]");
		if (button) act(button.dataset);
		if (button || !parts.menu.contains(target)) parts.menu.open = false;
	});
	parts.search.addEventListener("input", () => rebuild(v));
	parts.align.addEventListener("change", () => rebuild(v) || fit(v));
	point(v, parts.stage);
	v.resizer = new ResizeObserver(() => resize(v));
	v.resizer.observe(parts.stage);
}

/** Pointers on the stage: one drags, or measures with Shift; two pinch; a click pins. */
function point(v, stage) {
	const held = new Map();
	let travelled = 0;
	const on = (type, act) => stage.addEventListener(type, (event) => {
		if (!event.target.closest(".panel")) act(event, event.clientX - stage.getBoundingClientRect().x, event.clientY - stage.getBoundingClientRect().y);
	}, { passive: false });
	const time = (x) => v.view.begin + (x / v.width) * (v.view.end - v.view.begin);
	on("pointerdown", (event, x, y) => {
		stage.setPointerCapture(event.pointerId);
		held.set(event.pointerId, [x, y]);
		travelled = 0;
		v.measuring = event.shiftKey || v.view.measure;
		if (v.measuring) span(v, [time(x), time(x)]);
	});
	on("pointermove", (event, x, y) => {
		const before = held.get(event.pointerId);
		if (!before) return hover(v, x, y);
		const [dx, dy] = [x - before[0], y - before[1]];
		travelled += Math.abs(dx) + Math.abs(dy);
		held.set(event.pointerId, [x, y]);
		const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
		if (other) zoom(v, Math.abs(before[0] - other[0]) / Math.max(1, Math.abs(x - other[0])), other[0]);
		else if (v.measuring) span(v, [v.view.measure[0], time(x)]);
		else pan(v, dx, dy);
	});
	on("pointerup", (event, x, y) => {
		held.delete(event.pointerId);
		if (travelled < 4) pin(v, v.painting.hit(x, y));
	});
	on("pointercancel", (event) => held.delete(event.pointerId));
	on("pointerleave", () => hover(v, -9, -9));
	on("dblclick", (event, x, y) => {
		const item = v.painting.hit(x, y);
		if (item?.type === "group") fold(v, false, item);
		else ACTIONS.zoomTo(v);
	});
	on("wheel", (event, x) => {
		const { deltaX, deltaY, shiftKey, ctrlKey } = event;
		event.preventDefault();
		if (shiftKey) pan(v, 0, -deltaY || -deltaX);
		else if (Math.abs(deltaX) > Math.abs(deltaY)) pan(v, -deltaX, 0);
		else zoom(v, Math.exp(deltaY * (ctrlKey ? 0.01 : 0.002)), x);
	});
}

async function load(v) {
	for (const { label, packed, zipped } of v.data.recordings) {
		const recording = new Recording(label, v.data.limit);
		if (packed) readColumns(await inflate(packed), recording);
		if (zipped) readLines(new TextDecoder().decode(await inflate(zipped)), recording);
		v.recordings.push(recording);
	}
	rebuild(v);
	fit(v);
	if (v.data.events) connect(v);
}

/** Follows a running app. The browser reconnects by itself and tells where it stopped. */
function connect(v) {
	const say = (words) => (v.parts.status.textContent = words);
	if (!globalThis.EventSource) return say("This browser cannot follow live events: it has no EventSource.");
	v.source = new EventSource(v.data.events);
	v.source.onopen = () => say("live");
	v.source.onmessage = ({ data }) => append(v, data);
	v.source.addEventListener("dropped", ({ data }) => (v.missed = +data));
	v.source.onerror = () => {
		say("not connected, trying again …");
		if (v.source.readyState === EventSource.CLOSED) v.retry = setTimeout(() => connect(v), 2000);
	};
}

/** Takes in lines of a recording, or a list of what is new about requests. */
function append(v, rows) {
	const [recording] = v.recordings;
	if (typeof rows === "string") readLines(rows, recording);
	else for (const row of rows) recording.merge(row);
	v.stale = true;
	refresh(v);
}

function destroy(v) {
	v.source?.close();
	clearTimeout(v.retry);
	cancelAnimationFrame(v.frame);
	v.resizer.disconnect();
	document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== v.sheet);
	v.element.replaceChildren();
}

/** Draws recordings into an element that holds the markup of the viewer; `data` is what page.py writes. */
export function mount(element, data) {
	const v = {
		element, data, markup: element.innerHTML, parts: {}, recordings: [], view: { begin: 0, end: 1e6, y: 0 },
		hidden: new Set(), folded: new Set(), focus: [null, null], first: 0, missed: 0, skew: Infinity, pitch: ROOMY,
		sheet: new CSSStyleSheet(),
	};
	for (const part of element.querySelectorAll("[data-part]")) v.parts[part.dataset.part] = part;
	v.sheet.replaceSync(data.style);
	document.adoptedStyleSheets.push(v.sheet);
	v.parts.title.textContent = data.title;
	v.parts.align.value = data.align;
	v.parts.follow.hidden = !data.events;
	element.hidden = false;
	listen(v);
	theme(v, null, matchMedia("(prefers-color-scheme: dark)").matches);
	const ready = load(v).catch((error) => (v.parts.notice.textContent = `The recording cannot be read: ${error.message}`));
	return { ready, append: (rows) => append(v, rows), destroy: () => destroy(v), state: v };
}

const host = document.querySelector("#timeline");
if (host) host.viewer = mount(host, JSON.parse(document.querySelector("#timeline-data").textContent));
