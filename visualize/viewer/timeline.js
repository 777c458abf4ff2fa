/*
 * The interactive timeline of fastapi_tasks: one module, no import, no build step.
 *
 * mount(element, data) brings the markup of an element to life. Data flows one way: recordings
 * (what was measured) → a scene (rows of bars) → a painting, of SVG and, for crowds, of pixels.
 * Times of a request are nanoseconds since its start; the axis has nanoseconds, too.
 */

const MODES = ["immediate", "after_route", "after_response"];
const MARKS = ["endpoint_start", "endpoint_end", "response_start", "response_sent", "request_end"];
const STEPS = ["requested", "released", "started", "finished"];
const PARTS = ["tasks", "busy", "client"];
const TIMES = { requests: MARKS, tasks: STEPS, busy: ["start", "end"], client: ["sent", "answered", "received"] };
const FACTS = {
	requests: ["id", "process", "kind", "method", "path", "route", "status", "error", "aborted"],
	tasks: ["name", "mode", "outcome", "error", "thread", "shield", "parent"],
	busy: ["culprit", "task"],
	client: [],
};

const ROOMY = 26; // pixels of a row with space for everything
const LABELLED = 15; // least pixels of a row with text
const OWN_ROWS = 12; // up to so many tasks of a request get a row each
const STACKED = 40; // up to so many requests stand below each other; more share bands
const DETAILED = 250; // up to so many bars in view are drawn one by one
const RULER = 30;

// --- Words ---

const UNITS = [["min", 60e9], ["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const titleOf = ({ method, path, id }) => `${method} ${path} #${id}`;
const endingOf = (task) => task.outcome ?? (task.finished == null ? "running" : "ok");
const isOpen = (item) => (item.type === "tasks" ? endingOf(item) === "running" : item.type === "requests" && item.request_end == null);

/** A duration for people, to three digits: 12.6 ms, 1 min 35 s. */
function duration(ns) {
	const size = Math.abs(ns);
	const rough = Number(size.toPrecision(3));
	const [unit, factor] = UNITS.find(([, factor]) => factor <= rough) ?? UNITS[4];
	const seconds = Math.round(size / 1e9);
	const long = `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
	return (ns < 0 ? "−" : "") + (unit === "min" ? long : `${Number((size / factor).toPrecision(3))} ${unit}`);
}

/** Round moments of a span, in words: from nanoseconds to minutes. */
function ticksOf(begin, end, most) {
	const least = (end - begin) / most;
	const power = 10 ** Math.floor(Math.log10(least));
	const steps = least < 5e9 ? [2 * power, 5 * power, 10 * power] : [10e9, 15e9, 30e9, 60e9, 120e9, 300e9, 600e9, 1800e9];
	const step = steps.find((step) => step >= least) ?? Math.ceil(least / 36e11) * 36e11;
	const far = Math.max(-begin, end);
	const fits = ([, factor]) => factor <= far && factor <= 1000 * step && (factor < 60e9 || step % factor === 0);
	const [unit, factor] = UNITS.find(fits) ?? UNITS[4];
	const places = Math.max(0, Math.ceil(Math.log10(factor / step) - 1e-9));
	const ticks = [];
	for (let n = Math.ceil(begin / step); n * step <= end; n++)
		ticks.push([n * step, n ? `${((n * step) / factor).toFixed(places)} ${unit}`.replace("-", "−") : "0"]);
	return ticks;
}

function statusOf({ status, error, aborted, request_end, kind }) {
	const words = [status ?? (kind === "websocket" && "WebSocket"), error, aborted && "aborted", request_end == null && "open"];
	return words.filter(Boolean).join(" · ");
}

function summaryOf({ response_sent: sent, tasks }) {
	const words = [sent == null ? "no response sent" : `response sent after ${duration(sent)}`];
	const going = tasks.filter(isOpen).length;
	const later = tasks.reduce((most, { finished }) => Math.max(most, finished ?? 0), 0) - sent;
	if (tasks.length) words.push(count(tasks.length, "task"));
	if (going) words.push(`${going} not ended`);
	else if (sent != null && later > 0) words.push(`the last ended ${duration(later)} later`);
	return words.join(", ");
}

/** What an item is about, in a sentence or two. */
const SAY = {
	group: ({ request }) => SAY.requests(request),
	requests: (request) => `${titleOf(request)}: ${summaryOf(request)}.`,
	busy: ({ culprit, start, end }) => `${culprit} held the event loop for ${duration(end - start)}: nothing else on it could run.`,
	client({ sent, answered, received }) {
		const whole = received == null ? "" : `, the whole answer after ${duration(received - sent)}`;
		return answered == null ? "The client got no answer." : `The client had the status after ${duration(answered - sent)}${whole}.`;
	},
	tasks({ name, requested, started, finished, outcome, error, thread, request: { response_sent: sent } }) {
		if (outcome === "discarded") return `${name} was discarded: the endpoint failed, so it was never released.`;
		if (started == null) return outcome ? `${name} was ${outcome} before it started.` : `${name} has not started yet.`;
		const ran = finished == null ? "has been running" : `ran ${duration(finished - started)}`;
		const end = { ok: "", error: ` and raised ${error}` }[outcome ?? "ok"] ?? ` and was ${outcome}`;
		const side = `It started ${duration(Math.abs(started - sent))} ${started < sent ? "before" : "after"} the response was sent.`;
		const where = thread ? "in a worker thread" : "on the event loop";
		const words = [`${name} waited ${duration(started - requested)}, then ${ran} ${where}${end}.`];
		if (sent != null) words.push(side);
		if (started < requested || finished < (finished && started)) words.push("Its clock went backwards.");
		return words.join(" ");
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
	const read = (task, field) => ({ mode: task.mode, outcome: endingOf(task), path: READ.title(task), name: task.name })[field];
	const told = (task, field) => (field ? read(task, field) : `${task.name} ${READ.title(task)}`).toLowerCase();
	const wants = [...query.toLowerCase().matchAll(/(?:(name|mode|outcome|path):)?(\S+)/g)];
	return (task) => wants.every(([, field, word]) => told(task, field).includes(word));
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
		const { process, clock, wall } = request;
		this.first ??= request;
		// A process has a clock of its own: what others did is placed by the wall clock.
		request.start = Number(process === this.first.process ? clock - this.first.clock : wall - this.first.wall);
		if (request.start <= this.bound) return false;
		this.requests.set(`${process}:${request.id}`, request);
		for (const [key, { start }] of this.requests) {
			if (this.requests.size <= this.limit) break;
			this.requests.delete(key);
			this.bound = Math.max(this.bound, start);
			this.dropped++;
		}
		return true;
	}

	/** The axis' zero: the earliest start of what there was at first. */
	get zero() {
		return (this.origin ??= [...this.requests.values()].reduce((least, { start }) => Math.min(least, start), Infinity));
	}

	/** Takes in a request, or what is new about one that is known: told twice, it changes nothing. */
	merge({ id, process = 0, request_start, wall = 0, ...fields }) {
		let request = this.requests.get(`${process}:${id}`);
		if (!request) {
			if (request_start == null) return;
			request = newRequest({ id, process, clock: BigInt(request_start), wall: BigInt(wall) });
			if (!this.add(request)) return;
		}
		take(request, fields, request.clock);
		if (fields.client) fields.client = [fields.client];
		for (const type of PARTS)
			for (const [index, part] of Object.entries(fields[type] ?? {}))
				take((request[type][index] ??= { type, request, index: +index }), part, request.clock);
	}
}

/** Copies what the format knows; times become nanoseconds since the request's start. */
function take(target, fields, clock) {
	for (const field of FACTS[target.type]) if (field in fields) target[field] = fields[field];
	for (const field of TIMES[target.type])
		if (field in fields) target[field] = fields[field] === null ? null : Number(BigInt(fields[field]) - clock);
}

/** Reads lines of a recording. Times beyond 2⁵³ travel as text: a double would round them. */
function readLines(text, recording) {
	for (const line of text.split("\n"))
		if (line.trim()) recording.merge(JSON.parse(line.replace(/"(\w+)":\s*(-?\d{16,})(?=\s*[,}])/g, '"$1":"$2"')));
}

/** A request as a line of a recording: what is at its default is left out, times are whole again. */
function toLine(request) {
	const told = (record) => [
		...TIMES[record.type].filter((field) => record[field] != null).map((field) => `"${field}":${request.clock + BigInt(record[field])}`),
		...FACTS[record.type].filter((field) => record[field] || record[field] === 0).map((field) => `"${field}":${JSON.stringify(record[field])}`),
	];
	const fields = ['"format":1', `"wall":${request.wall}`, `"request_start":${request.clock}`, ...told(request)];
	for (const type of PARTS) {
		const parts = request[type].map((part) => `{${told(part)}}`);
		if (parts.length) fields.push(`"${type}":${type === "client" ? parts : `[${parts}]`}`);
	}
	return `{${fields}}\n`;
}

const linesOf = ({ requests }) => [...requests.values()].map(toLine).join("");

/** Undoes columns.py: a deflated JSON header, a zero byte, then each column as planes of bytes. */
async function readColumns(packed, recording) {
	const stream = new Blob([bytesOf(atob(packed))]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
	const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
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

function bytesOf(text) {
	const bytes = new Uint8Array(text.length);
	for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
	return bytes;
}

function fill(record, { endpoint_end, response_sent }, reader) {
	const row = reader.row++;
	let time = 0;
	for (const { field, kind, codes } of reader.columns) {
		const code = codes[row];
		const value = code % 2 ? (code - 1) / 2 : -code / 2;
		if (kind === "release") // counted from the mark at which its mode releases
			time = { after_route: endpoint_end, after_response: response_sent }[record.mode] ?? time;
		if (!code) record[field] = null;
		else if (kind === "text") record[field] = reader.names[value];
		else if (kind === "flag") record[field] = value === 1;
		else record[field] = kind === "number" ? value : (time += value);
	}
	return record;
}

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
	tasks({ requested, started, finished, outcome, request }, openEnd) {
		const unknown = outcome ? (started ?? request.endpoint_end ?? requested) : openEnd;
		const end = Math.max(requested, started ?? requested, finished ?? unknown);
		return [requested, Math.max(requested, started ?? end), end];
	},
};

/** One request in the picture: where its zero is on the axis, and from when to when it reaches. */
function groupOf(request, origin, tasks, now) {
	let [first, last] = [0, 0];
	for (const records of [[request], tasks, request.busy, request.client])
		for (const record of records)
			for (const field of TIMES[record.type]) {
				first = Math.min(first, record[field] ?? 0);
				last = Math.max(last, record[field] ?? 0);
			}
	const openEnd = Math.max(last + 0.05 * (last - first) + 1, now);
	const open = isOpen(request) || tasks.some(isOpen);
	return { type: "group", request, origin, tasks, openEnd, first, last: open ? openEnd : last, known: last };
}

const TINTS = [...MODES, "requests", "client", "busy", "group"];
const inOrder = (tasks) => tasks.filter(Boolean).sort((a, b) => a.requested - b.requested);

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
		for (const name of ["begins", "mids", "ends", "tints"]) this[name] = new Float64Array(total);
		for (const row of this.rows) this.flatten(row);
		if (!total) [this.begin, this.end] = [0, 1e6];
	}

	/** A few tasks get a row each; more of them share rows where they do not overlap. */
	addBand(band, folded) {
		const newRow = (kind) => ({ kind, band, folded, items: [] });
		const upper = ["group", "marks", "client", "requests", "busy"].map(newRow);
		const below = [];
		for (const group of band.groups) {
			const { request, tasks, openEnd } = group;
			const put = (item, row) => row.items.push(Object.assign(item, { row, group }));
			for (const item of [group, request, ...request.client, ...request.busy]) put(item, upper.find(({ kind }) => kind === item.type));
			const take = lanes();
			for (const [i, task] of inOrder(tasks).entries()) {
				const [begin, , end] = SPAN.tasks(task, openEnd);
				put(task, (below[tasks.length > OWN_ROWS ? take(begin, end) : i] ??= newRow("tasks")));
			}
		}
		band.rows = [...upper.filter(({ kind, items }) => kind === "marks" || items.length), ...below];
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
		this.height = 0;
		for (const row of this.rows) {
			if (row.kind === "group" && roomy && this.height) this.height += 14;
			row.y = this.height;
			row.height = row.folded && row.kind === "tasks" ? Math.min(4, pitch) : (heights[row.kind] ?? pitch);
			row.gap = row.height > 20 ? 6 : row.height > 7 ? 3 : row.height > 2 ? 1 : 0;
			row.band.bottom = this.height += row.height;
		}
		return this.height;
	}

	rowAt(y) {
		const found = this.rows.findIndex((row) => row.y + row.height > y);
		return found < 0 ? this.rows.length : found;
	}
}

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
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text) => `${text}`.replace(/[&<>"]/g, (c) => ENTITIES[c]).replace(/[\p{Cc}\p{Cs}]/gu, "\ufffd");
const near = (value) => Math.round(value * 10) / 10;
const gauge = document.createElement("canvas").getContext("2d");
const widths = new Map();

function widthOf(text) {
	if (widths.size > 5000) widths.clear();
	gauge.font = "600 12px system-ui, sans-serif";
	if (!widths.has(text)) widths.set(text, gauge.measureText(text).width);
	return widths.get(text);
}

function elide(text, room) {
	if (widthOf(text) <= room) return text;
	let keep = Math.min(text.length, Math.floor(room / 3));
	while (keep > 0 && widthOf(text.slice(0, keep) + "…") > room) keep--;
	return keep > 0 ? text.slice(0, keep) + "…" : "";
}

/** A scene as seen through a view: SVG for what is drawn one by one, pixels for crowds of bars. */
class Painting {
	svg = "";

	constructor({ scene, view, width, height, focus, colors, parts: { canvas } }) {
		Object.assign(this, { scene, view, width, height, scale: width / (view.end - view.begin) });
		const ticks = ticksOf(view.begin, view.end, Math.max(2, width / 120));
		for (const [time] of ticks) this.rect("grid", Math.round(this.x(time)), RULER, 1, height);
		const rows = scene.rows.slice(scene.rowAt(view.y), scene.rowAt(view.y + height) + 1).filter((row) => row.height);
		const bars = rows.filter(({ kind }) => kind !== "group");
		canvas.width = width; // empties it
		if (bars.reduce((sum, row) => sum + this.count(row), 0) <= DETAILED) this.detail(bars);
		else this.overview(bars, canvas, colors);
		for (const row of rows) if (row.kind === "group" && row.height > LABELLED) this.heads(row);
		for (const item of focus) if (item?.row?.height && scene.items[item.at] === item && item.type !== "group") this.outline(this.box(item.at));
		if (view.measure) this.measured(view.measure);
		this.rect("ruler", 0, 0, width, RULER);
		for (const [time, words] of ticks) {
			const x = this.x(time) - widthOf(words) / 2;
			if (x > 0 && x + widthOf(words) < width) this.text("muted", words, x, RULER / 2);
		}
	}

	x(time) {
		return (time - this.view.begin) * this.scale;
	}

	y(row) {
		return row.y - this.view.y + RULER;
	}

	reach(...times) {
		return times.map((time) => Math.max(-30, Math.min(this.width + 30, this.x(time))));
	}

	rect(look, x, y, width, height) {
		this.svg += `<rect class="${look}" x="${near(x)}" y="${near(y)}" width="${near(Math.max(0, width))}" height="${near(height)}"/>`;
	}

	path(look, data) {
		this.svg += `<path class="${look}" d="${data}"/>`;
	}

	sign(look, name, x, y) {
		this.svg += `<use class="${look}" href="#sign-${name}" x="${near(x)}" y="${near(y)}"/>`;
	}

	text(look, words, x, y) {
		this.svg += `<text class="${look}" x="${near(x)}" y="${near(y)}">${escape(words)}</text>`;
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

	box(i) {
		const { begins, mids, ends, items } = this.scene;
		const { row } = items[i];
		const [x, mid, end] = this.reach(begins[i], mids[i], ends[i]);
		return { i, item: items[i], x, mid, end, y: this.y(row) + row.gap / 2, h: row.height - row.gap };
	}

	detail(rows) {
		const boxes = rows.flatMap((row) => [...this.bars(row)]);
		const of = (type) => boxes.filter(({ item }) => item.type === type);
		for (const box of of("busy")) this.wash(box);
		for (const { item } of of("requests")) this.marks(item);
		for (const box of of("tasks")) this.arrow(box);
		for (const box of boxes) this[box.item.type](box);
	}

	/** While something held the loop nothing else of the request could move: shade it all. */
	wash({ x, end, item: { row: { band } } }) {
		this.rect("wash", x, this.y(band.rows[1]), end - x, band.bottom - band.rows[1].y);
	}

	marks(request) {
		const { rows: [, row], bottom } = request.row.band;
		const top = this.y(row);
		let free = 0;
		for (const [mark, words] of Object.entries(LINES)) {
			const x = Math.round(this.x(request.group.origin + request[mark])) + 0.5;
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
		this.path("arrow", `M${near(x)} ${this.y(row) + row.height / 2}V${y + h / 2 - turn}q0 ${turn} ${turn} ${turn}H${near(mid)}`);
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
			if (PHASES[i] === "endpoint") named = this.label({ ...box, mid: left, end: right }, "endpoint", duration(to - from), "endpoint", true);
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
		const { name, mode, started, released, finished, error, thread, group } = item;
		const ending = endingOf(item);
		if (mid - x > 0.5) this.rect(`wait ${mode}`, x, y, mid - x, h);
		if (started != null) this.rect(`run ${mode}`, mid, y, Math.max(2, end - mid), h);
		if (thread && started != null) this.path(`thread ink-${mode}`, `M${near(mid)} ${y + h - 1}H${near(end)}`);
		if (isOpen(item)) this.tail(box, `run ${mode}`);
		else if (ending !== "ok") this.sign("ending", ending, end + 9, y + h / 2);
		if (released != null && h > 8) this.sign(`released ${mode}`, mode, this.x(group.origin + released), y + h / 2);
		const ran = started == null ? "waiting" : finished == null ? "running" : duration(finished - started);
		this.label(box, name, { ok: ran, running: ran, error }[ending] ?? ending, mode);
	}

	/** It goes on: three pieces, each narrower than the last. */
	tail({ end, y, h }, look) {
		for (const [at, width] of [[3, 7], [13, 5], [21, 3]]) this.rect(look, end + at, y, width, h);
	}

	/** Writes a name and a note into a bar, or else beside it where nothing stands. */
	label({ i, item, x, mid, end, y, h }, name, note, look, insideOnly) {
		if (h < 10) return true;
		const { row, outcome } = item;
		const { begins, ends } = this.scene;
		const sign = isOpen(item) ? 30 : outcome && outcome !== "ok" ? 19 : 7;
		const inside = [Math.max(mid, 0) + 8, Math.min(end, this.width) - 6, `ink-${look}`];
		const right = [Math.max(end, 0) + sign, (i + 1 < row.to ? this.x(begins[i + 1]) : this.width) - 6, ""];
		const left = [i > row.from ? this.x(ends[i - 1]) + 30 : 4, x - 8, "end"];
		const rooms = insideOnly ? [inside] : look ? [inside, right, left] : [right, left];
		const fits = (words) => words && rooms.find(([from, to]) => widthOf(words) <= to - from);
		const widest = Math.max(...rooms.map(([from, to]) => to - from));
		const words = [note && `${name}  ${note}`, name, widest > 40 && elide(name, widest)].find(fits);
		if (!words) return false;
		const [from, to, style] = fits(words);
		this.text(style, words, style === "end" ? to : from, y + h / 2);
		return true;
	}

	/** Each crowded row is one line of pixels, repeated as often as it is high. */
	overview(rows, canvas, colors) {
		const inks = [...MODES, "endpoint", "phase", "busy"].map((name) => colors[name]);
		const [solid, pale] = [255, 80].map((alpha) => inks.map((ink) => pixelOf(ink, alpha)));
		const { width, height } = canvas;
		const image = new ImageData(width, height);
		const pixels = new Uint32Array(image.data.buffer);
		for (const row of rows) {
			const top = Math.max(RULER, Math.round(this.y(row) + row.gap / 2));
			const bottom = Math.min(height, Math.round(this.y(row) + row.height - row.gap / 2));
			if (top >= bottom) continue;
			this.strip(row, pixels.subarray(top * width, (top + 1) * width), solid, pale);
			for (let y = top + 1; y < bottom; y++) pixels.copyWithin(y * width, top * width, (top + 1) * width);
			if (row.kind === "tasks" && row.height >= LABELLED)
				for (const box of this.bars(row, 70)) this.label(box, box.item.name, "", box.item.mode, true);
		}
		canvas.getContext("2d").putImageData(image, 0, 0);
	}

	/** From a bar it leaps to the next that ends in another pixel: a frame costs pixels, not bars. */
	strip(row, line, solid, pale) {
		const { begins, mids, ends, tints } = this.scene;
		const { begin, end } = this.view;
		const scale = line.length / (end - begin);
		let i = after(ends, row.from, row.to, begin);
		let x = 0;
		while (i < row.to && begins[i] < end) {
			const to = Math.min(line.length, Math.max(x + 1, Math.floor((ends[i] - begin) * scale)));
			const mid = Math.min(to - 1, (mids[i] - begin) * scale);
			x = Math.max(x, Math.floor((begins[i] - begin) * scale));
			for (const ink = pale[tints[i]]; x < mid; x++) line[x] = ink;
			for (const ink = solid[tints[i]]; x < to; x++) line[x] = ink;
			i = after(ends, i + 1, row.to, begin + x / scale);
		}
	}

	heads(row) {
		const { packed } = this.scene;
		for (const { item: { request, label }, x, end } of this.bars(row, packed ? 40 : 0)) {
			let left = packed ? Math.max(6, x) : 8;
			const right = (packed ? Math.min(this.width, end) : this.width) - 8;
			const failed = request.error || request.aborted || request.status >= 500 ? "failed" : "muted";
			for (const [look, words] of [["muted", row.folded ? "▸" : "▾"], ["muted strong", label], ["strong", titleOf(request)],
				[`${failed} strong`, statusOf(request)], ["muted", summaryOf(request)]]) {
				const shown = words && elide(words, right - left);
				if (!shown) continue;
				this.text(look, shown, left, this.y(row) + row.height / 2 + 2);
				left += widthOf(shown) + 10;
			}
		}
	}

	outline({ x, end, y, h }) {
		this.rect("outline", x - 2, y - 2, Math.max(2, end - x) + 4, h + 4);
	}

	measured([from, to]) {
		const [left, right] = this.reach(Math.min(from, to), Math.max(from, to));
		const words = duration(Math.abs(to - from));
		const wide = widthOf(words) + 16;
		const x = Math.max(4, Math.min(this.width - wide - 4, (left + right - wide) / 2));
		this.rect("measured", left, RULER, right - left, this.height);
		this.rect("pill", x, RULER + 4, wide, 22);
		this.text("ink-after_route strong", words, x + 8, RULER + 15);
	}

	/** What stands at a place of the picture: a bar, or the head of a request. */
	hit(x, y) {
		const { rows, items, begins, ends, packed } = this.scene;
		const row = rows[this.scene.rowAt(y + this.view.y - RULER)];
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

/** Chrome Trace Events for Perfetto: a process a request, its rows as threads, an arrow a task. */
function toTrace({ groups, begin: zero }) {
	const events = [];
	let next = groups.length; // threads and processes must not share a number
	for (const [i, { request, tasks, origin, openEnd }] of groups.entries()) {
		const add = (ph, tid, name, time, more) =>
			events.push({ ph, pid: i + 1, tid, name, ts: (origin + time - zero) / 1000, ...more });
		const meta = (what, tid, name, order) => {
			add("M", tid, `${what}_name`, 0, { args: { name } });
			add("M", tid, `${what}_sort_index`, 0, { args: { sort_index: order } });
		};
		const threads = new Map();
		const bar = (item, name, from, to) => {
			if (!threads.has(item.row)) meta("thread", threads.set(item.row, ++next) && next, item.type, next);
			const tid = threads.get(item.row);
			const end = Math.max(to, from + 1);
			add("X", tid, name, from, { cat: item.mode ?? item.type, dur: (end - from) / 1000 });
			return { tid, from, to: end };
		};
		meta("process", undefined, titleOf(request), i + 1);
		const whole = bar(request, titleOf(request), 0, SPAN.requests(request, openEnd)[2]);
		for (const [mark, name] of Object.entries(LINES)) if (request[mark] != null) add("i", whole.tid, name, request[mark], { s: "p" });
		for (const item of [...request.client, ...request.busy]) bar(item, item.culprit ?? "client", ...SPAN[item.type](item).slice(1));
		const runs = new Map();
		for (const task of inOrder(tasks)) {
			const [from, mid, to] = SPAN.tasks(task, openEnd);
			const wait = mid > from && bar(task, `${task.name} waits`, from, mid);
			if (task.started == null) continue;
			const run = bar(task, task.name, mid, to);
			runs.set(task.index, run);
			// An arrow has to leave a bar that is open then: the parent's, the request's, or one of its own.
			const source = [runs.get(task.parent), whole, wait, run].find((bar) => bar && bar.from <= from && from < bar.to);
			const flow = { cat: "flow", id: events.length };
			add("s", source.tid, "schedule", from, flow);
			add("f", run.tid, "schedule", mid, { ...flow, bp: "e" });
		}
	}
	return JSON.stringify({ traceEvents: events, displayTimeUnit: "ms" });
}

/** The picture as a file: its strokes and pixels, and the style that they use. */
function toSvg({ parts: { picture, canvas }, width, height, data, element }) {
	const size = `width="${width}" height="${height}"`;
	const style = `<style>svg{${element.style.cssText}}${data.style}</style><rect ${size} class="ruler"/>`;
	const pixels = `<image ${size} href="${canvas.toDataURL()}"/>`;
	return `<svg xmlns="http://www.w3.org/2000/svg" class="picture" ${size}>${style}${pixels}${picture.innerHTML}</svg>`;
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
	const [host, module, policy, json] = [`#${element.id}`, "script[type=module]", "meta[http-equiv]", "#timeline-data"].map((it) => page.querySelector(it));
	const told = recordings.map((recording, i) => data.recordings[i]?.packed ? data.recordings[i] : { label: recording.label, lines: linesOf(recording) });
	if (module.src) module.textContent = await (await fetch(module.src)).text();
	module.removeAttribute("src");
	host.removeAttribute("style");
	host.innerHTML = markup;
	policy.content = data.policy;
	json.textContent = JSON.stringify({ ...data, events: null, recordings: told }).replace(/</g, "\\u003c");
	return `<!doctype html>${page.outerHTML}`;
}

const FILES = {
	png: toPng,
	svg: toSvg,
	html: toPage,
	jsonl: ({ recordings }) => recordings.map(linesOf).join(""),
	json: ({ scene }) => toTrace(scene),
};

async function save(v, kind) {
	const href = URL.createObjectURL(new Blob([await FILES[kind](v)]));
	Object.assign(document.createElement("a"), { href, download: `timeline.${kind}` }).click();
	URL.revokeObjectURL(href);
}

// --- What one can do ---

/** What the buttons and keys of the markup name, so that its help cannot be wrong. */
const ACTIONS = {
	fit, reset, zoom, fold, step, clear, measure, turn, save, theme, follow,
	move: (v, share) => pan(v, -share * v.width, 0),
	scroll: (v, share) => pan(v, 0, -share * v.height),
	zoomTo: (v) => v.focus[0] && look(v, ...reachOf(v, v.focus[0])),
	stretch: (v, share) => v.view.measure && span(v, [v.view.measure[0], v.view.measure[1] + share * (v.view.end - v.view.begin)]),
	search: (v) => v.parts.search.select(),
	help: (v) => v.parts.help.showModal(),
	table: (v) => v.element.classList.toggle("tabled"),
	toggle(v, key) {
		if (!v.hidden.delete(key)) v.hidden.add(key);
		rebuild(v);
	},
};

const press = (button, on) => button.setAttribute("aria-pressed", on);
const reachOf = ({ scene }, { at }) => [scene.begins[at], scene.ends[at]];

function pan(v, dx, dy) {
	const { view, scene, width, height } = v;
	const length = view.end - view.begin;
	const [least, most] = [scene.begin - view.end + length / 10, scene.end - view.begin - length / 10];
	const by = dx && Math.max(least, Math.min(most, (-dx * length) / width));
	view.begin += by;
	view.end += by;
	if (dx && v.following) follow(v);
	view.y = Math.max(0, Math.min(scene.height - height + RULER + 8, view.y - dy));
	refresh(v);
}

function zoom(v, factor, x = v.width / 2) {
	const { view, scene, width } = v;
	const old = view.end - view.begin;
	const length = Math.max(10, Math.min(4 * (scene.end - scene.begin) + 10, old * factor));
	view.begin += (x / width) * (old - length);
	view.end = view.begin + length;
	v.fitted = false;
	pan(v, 0, 0);
}

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
	v.fitted = true;
	if (scene.groups.length) look(v, scene.begin, scene.end);
}

function follow(v) {
	v.following = !v.following;
	press(v.parts.follow, v.following);
	refresh(v);
}

/** Brings the newest into view: all there is, but no more than ten seconds, or as much as was chosen. */
function keepUp(v) {
	const { view, scene, fitted } = v;
	if (fitted) fit(v);
	const length = Math.min(view.end - view.begin, fitted ? 10e9 : Infinity);
	Object.assign(view, { begin: scene.end - 0.97 * length, end: scene.end + 0.03 * length });
	pan(v, 0, scene.packed ? 0 : -1e9);
}

function reset(v) {
	v.parts.search.value = "";
	v.hidden.clear();
	v.folded.clear();
	clear(v);
	rebuild(v);
	fit(v);
}

function fold(v, all, item = v.focus[0]) {
	const keys = all ? v.scene.rows.map(({ band }) => band.key) : item ? [item.row.band.key] : [];
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
	for (const list of panel.querySelectorAll("dl")) {
		list.hidden = list.dataset.facts !== shown?.type;
		if (!list.hidden) for (const value of list.querySelectorAll("dd")) value.textContent = fact(shown, value.dataset.field);
	}
	refresh(v);
}

function clear(v) {
	pin(v, null);
	span(v, null);
}

function hover(v, x, y) {
	const { tip, stage } = v.parts;
	const item = v.painting.hit(x, y);
	if (item && item !== v.focus[1]) tip.textContent = SAY[item.type](item);
	if (item !== v.focus[1]) refresh(v);
	v.focus[1] = item;
	tip.hidden = !item;
	stage.classList.toggle("over", !!item);
	tip.style.left = `${Math.max(4, Math.min(x + 14, v.width - tip.offsetWidth - 8))}px`;
	tip.style.top = `${y > v.height / 2 ? y - tip.offsetHeight - 12 : y + 20}px`;
}

/** Pins the next task of the picture, or the one before, and brings it into view. */
function step(v, by) {
	const { view, scene: { items }, focus, height } = v;
	let at = focus[0]?.at ?? (by > 0 ? -1 : items.length);
	do at += +by;
	while (items[at] && items[at].type !== "tasks");
	if (!items[at]) return;
	const [begin, end] = reachOf(v, items[at]);
	const half = (view.end - view.begin) / 2;
	if (end < view.begin || begin > view.end) Object.assign(view, { begin: begin - half, end: begin + half });
	if (Math.abs(items[at].row.y - view.y - height / 2) > height / 2 - 60) view.y = items[at].row.y - height / 2;
	pin(v, items[at]);
	pan(v, 0, 0);
}

/** Starts to measure, at the pinned bar or in the middle of the view; or ends it. */
function measure(v) {
	const { begin, end } = v.view;
	const third = (end - begin) / 3;
	span(v, v.view.measure ? null : v.focus[0] ? reachOf(v, v.focus[0]) : [begin + third, end - third]);
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
	v.first = Math.max(0, Math.min(v.first + +by, Math.floor((tasks.length - 1) / 100) * 100));
	const page = tasks.slice(v.first, v.first + 100);
	range.textContent = `${page.length && v.first + 1}–${v.first + page.length} of ${count(tasks.length, "task")}`;
	rows.replaceChildren(...page.map((task) => {
		const row = document.createElement("tr");
		for (const { dataset } of table.querySelectorAll("th")) row.insertCell().textContent = fact(task, dataset.field);
		return row;
	}));
}

// --- The viewer ---

/** Makes the scene anew, after a change of what is recorded or shown. */
function rebuild(v) {
	const { recordings, parts } = v;
	const groups = [];
	v.tally = {};
	for (const [side, recording] of recordings.entries()) {
		let turn = side / 10; // compared requests stand next to each other
		for (const request of recording.requests.values()) {
			const group = shownOf(v, request, recording);
			if (group) groups.push(Object.assign(group, { turn: turn++, label: recording.label }));
		}
	}
	const compared = recordings.length > 1;
	groups.sort((a, b) => (compared ? a.turn - b.turn : a.origin + a.first - b.origin - b.first));
	const packed = !compared && parts.align.value === "clock" && groups.length > STACKED;
	v.scene = new Scene(groups, packed, v.folded);
	v.scene.stack(v.pitch);
	v.stale = false;
	tell(v);
	pan(v, 0, 0);
}

/** A request with those of its tasks that are to be shown, or null. */
function shownOf(v, request, recording) {
	const { tally, hidden, parts: { search, align }, data } = v;
	const wanted = toFilter(search.value);
	const tasks = request.tasks.filter((task) => {
		const keys = [task.mode, endingOf(task)];
		for (const key of keys) tally[key] = (tally[key] ?? 0) + 1;
		return !keys.some((key) => hidden.has(key)) && wanted(task);
	});
	const itself = { name: "", mode: "", outcome: request.error ? "error" : "ok", request };
	if (!tasks.length && !wanted(itself)) return null;
	const start = request.start - recording.zero;
	const sent = request.response_sent ?? request.request_end ?? 0;
	const clock = performance.now() * 1e6;
	const group = groupOf(request, { clock: start, request: 0, response: -sent }[align.value], tasks, data.events ? clock - v.skew - start : 0);
	v.skew = Math.min(v.skew, clock - start - group.known);
	return group;
}

/** Says how much is shown: in the legend, beside the search, and where the picture is empty. */
function tell(v) {
	const { parts: { found, notice, legend, search }, scene: { groups }, tally } = v;
	const sum = (list, of) => list.reduce((sum, item) => sum + of(item), 0);
	const shown = sum(groups, ({ tasks }) => tasks.length);
	const total = sum(MODES, (mode) => tally[mode] ?? 0);
	const gone = v.missed + sum(v.recordings, ({ dropped }) => dropped);
	const words = [shown < total ? `${shown} of ${count(total, "task")}` : count(total, "task")];
	if (gone) words.push(`${count(gone, "older request")} let go`);
	found.textContent = words.join(" · ");
	notice.hidden = groups.length > 0;
	notice.textContent = search.value ? "No request and no task matches the filter." : "Nothing is recorded yet.";
	for (const chip of legend.querySelectorAll("button")) {
		const key = chip.dataset.with;
		chip.hidden = !tally[key];
		chip.lastElementChild.textContent = tally[key];
		press(chip, !v.hidden.has(key));
	}
	turn(v, 0);
}

function refresh(v) {
	v.frame ??= requestAnimationFrame(() => {
		v.frame = null;
		if (v.stale) rebuild(v);
		if (v.following && v.scene?.groups.length) keepUp(v);
		if (!v.width || !v.scene) return;
		v.painting = new Painting(v);
		v.parts.ink.innerHTML = v.painting.svg; // every name in it went through escape()
	});
}

function resize(v) {
	const { canvas, stage } = v.parts;
	[v.width, v.height] = [stage.clientWidth, stage.clientHeight];
	canvas.height = v.height;
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
		const taken = target.closest({ Enter: "button, summary, select, dialog", Escape: "dialog" }[key] ?? "input, select, dialog");
		if (!action || taken || event.ctrlKey || event.metaKey || event.altKey) return;
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
	parts.align.addEventListener("change", () => {
		rebuild(v);
		fit(v);
	});
	point(v, parts.stage);
	v.resizer = new ResizeObserver(() => resize(v));
	v.resizer.observe(parts.stage);
}

/** Pointers on the stage: one drags, or measures with Shift; two pinch; a click pins. */
function point(v, stage) {
	const held = new Map();
	let travelled = 0;
	const time = (x) => v.view.begin + (x / v.width) * (v.view.end - v.view.begin);
	const on = (type, act) => stage.addEventListener(type, (event) => {
		if (event.target === stage && v.painting) act(event, event.offsetX, event.offsetY);
	});
	on("pointerdown", (event, x, y) => {
		stage.setPointerCapture(event.pointerId);
		held.set(event.pointerId, [x, y]);
		travelled = 0;
		v.measuring = event.shiftKey || v.view.measure;
		if (v.measuring) span(v, [time(x), time(x)]);
	});
	on("pointermove", (event, x, y) => {
		const [left, top] = held.get(event.pointerId) ?? [];
		if (left === undefined) return hover(v, x, y);
		travelled += Math.abs(x - left) + Math.abs(y - top);
		held.set(event.pointerId, [x, y]);
		const other = [...held].find(([id]) => id !== event.pointerId);
		if (other) zoom(v, Math.abs(left - other[1][0]) / Math.max(1, Math.abs(x - other[1][0])), other[1][0]);
		else if (v.measuring) span(v, [v.view.measure[0], time(x)]);
		else pan(v, x - left, y - top);
	});
	on("pointerup", (event, x, y) => {
		held.delete(event.pointerId);
		if (travelled < 4) pin(v, v.painting.hit(x, y));
	});
	on("pointercancel", (event) => held.delete(event.pointerId));
	on("pointerleave", () => hover(v, 0, 0));
	on("dblclick", (event, x, y) => {
		const item = v.painting.hit(x, y);
		if (item?.type === "group") fold(v, "", item);
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
	for (const { label, packed, lines } of v.data.recordings) {
		const recording = new Recording(label, v.data.limit);
		if (packed) await readColumns(packed, recording);
		if (lines) readLines(lines, recording);
		v.recordings.push(recording);
	}
	rebuild(v);
	fit(v);
	if (v.data.events) connect(v);
	if (v.data.events) follow(v);
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

/** Draws recordings into an element that holds the viewer's markup; `data` is what page.py writes. */
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
	resize(v);
	theme(v, "", matchMedia("(prefers-color-scheme: dark)").matches);
	const ready = load(v).catch((error) => (v.parts.notice.textContent = `The recording cannot be read: ${error.message}`));
	return { ready, append: (rows) => append(v, rows), destroy: () => destroy(v), state: v };
}

const host = document.querySelector("#timeline");
if (host) host.viewer = mount(host, JSON.parse(document.querySelector("#timeline-data").textContent));
