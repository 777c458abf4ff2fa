// The interactive timeline: one module, no import, no build step, one viewer a page. Data flows one way:
// recordings → a scene (rows of bars) → the picture: SVG, and pixels for crowds of bars.
// Times are nanoseconds: a request's since its start, the axis' since its zero.

const { abs, ceil, floor, log10, max, min, round } = Math;

const original = document.documentElement.cloneNode(true);
const host = document.querySelector("#timeline");
const data = JSON.parse(document.querySelector("#timeline-data").textContent); // as page.py writes it
const { FIELDS, TIMES } = data.format;

const MODES = ["immediate", "after_route", "after_response", "background", "spawned"];
const [, ...PARTS] = Object.keys(FIELDS);

const [ROOMY, LABELLED, RULER] = [26, 15, 30]; // pixels
const OWN_ROWS = 12; // more tasks share rows
const STACKED = 40; // more requests share bands
const DETAILED = 250; // more bars in view are painted as pixels
const FEW_SPANS = 24; // more spans of a request are only counted

// --- Words ---

const UNITS = [["min", 60e9], ["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
const sum = (list, of) => list.reduce((sum, item) => sum + of(item), 0);
const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const titleOf = ({ request, method, path, id }) => (request ? titleOf(request) : `${method} ${path} #${id}`);
const endingOf = ({ outcome, finished }) => outcome ?? (finished == null ? "running" : "ok");
// An abandoned task ran on.
const isOpen = (item) => item.type === "spans" ? item.end == null : /request|task/.test(item.type) && (item.finished ?? item.request_end) == null && /running|abandoned/.test(endingOf(item));

function duration(ns) {
	const size = abs(ns);
	const [unit, factor] = UNITS.find(([, factor]) => factor <= size.toPrecision(3)) ?? UNITS[4];
	const seconds = round(size / 1e9);
	const words = unit === "min" ? `${floor(seconds / 60)} min ${seconds % 60} s` : `${+(size / factor).toPrecision(3)} ${unit}`;
	return ns < 0 ? `−${words}` : words;
}

function ticksOf(begin, end, most) {
	const least = (end - begin) / most;
	const base = least < 20e9 ? 1 : 60e9;
	const power = base * 10 ** floor(log10(least / base));
	const step = power * [2, 5, 10].find((digit) => digit * power >= least);
	const fits = ([, factor]) => factor <= max(-begin, end) && factor <= 1000 * step && (factor < 60e9 || step % factor === 0);
	const [unit, factor] = UNITS.find(fits) ?? UNITS[4];
	const places = max(0, ceil(log10(factor / step) - 1e-9));
	const ticks = [];
	for (let n = ceil(begin / step); n * step <= end; n++)
		ticks.push([n * step, n ? `${((n * step) / factor).toFixed(places)} ${unit}`.replace("-", "−") : "0"]);
	return ticks;
}

const statusOf = ({ status, error, aborted, request_end }) =>
	[status, error, aborted && "aborted", request_end == null && "open"].filter(Boolean).join(" · ");

function summaryOf({ response_sent: sent, tasks, spans, spans_dropped, undrawn }) {
	const going = tasks.filter(isOpen).length;
	const later = tasks.reduce((most, { finished }) => max(most, finished), 0) - sent;
	const answer = sent == null ? "no response sent" : `response sent after ${duration(sent)}`;
	const ending = going ? `${going} not ended` : sent != null && later > 0 && `the last ended ${duration(later)} later`;
	const within = spans.length && count(spans.length, "span") + (undrawn ? ` (${undrawn} not drawn)` : "");
	const gone = spans_dropped && `${count(spans_dropped, "earlier span")} let go`;
	return [answer, tasks.length && count(tasks.length, "task"), ending, within, gone].filter(Boolean).join(", ");
}

const answerOf = ({ sent, answered, received }) => duration((received ?? answered) - sent);
const say = (item) => item && SAY[item.type](item);

const SAY = {
	requests: (request) => `${titleOf(request)}: ${summaryOf(request)}.`,
	busy: ({ culprit, start, end, line }) => `${culprit} held the event loop for ${duration(end - start)}${line ? ` at ${line}` : ""}: nothing else on it could run.`,
	spans: (span) => `${wordsOf(span)} ${span.end == null ? "has not ended" : `took ${duration(span.end - span.start)}`}${span.error ? ` and raised ${span.error}` : ""}, in ${ownerOf(span)}.`,
	client: (view) => (view.answered == null ? "The client got no answer." : `The client had its answer after ${answerOf(view)}.`),
	tasks({ name, mode, requested, released, started, finished, outcome, error, thread, request: { response_sent: sent } }) {
		if (outcome === "discarded") return `${name} was discarded: the endpoint failed, so it was never released.`;
		if (started == null && outcome) return `${name} was ${outcome} before it started.`;
		if (started == null) return released == null ? `${name} is still held back by its mode.` : `${name} has not started yet.`;
		const ran = finished == null ? "has been running" : `ran ${duration(finished - started)}`;
		const end = { ok: "", error: ` and raised ${error}` }[outcome ?? "ok"] ?? ` and was ${outcome}`;
		const side = sent == null ? "" : ` It started ${duration(abs(started - sent))} ${started < sent ? "before" : "after"} the response was sent.`;
		const held = released > requested && !/immediate|spawned/.test(mode) ? ` was held back ${duration(released - requested)} by its mode,` : "";
		return `${name}${held} waited ${duration(started - (released ?? requested))}, then ${ran} ${thread ? "in a worker thread" : "on the event loop"}${end}.${side}`;
	},
};

// As words.py writes it: a span that has no name of its own, and one that has.
function wordsOf({ kind, name }) {
	const [alone, named] = data.spans[kind] ?? [kind, "{}"];
	return !name || name === kind ? alone : named.split("{}").join(name);
}

const ownerOf = ({ request, task }) => taskOf(request, task)?.name ?? "the request";

const READ = {
	owner: ownerOf,
	attributes: ({ attributes }) => Object.entries(attributes ?? {}).map((pair) => pair.join(": ")).join(", "),
	title: titleOf,
	ending: endingOf,
	source: ({ request, parent }) => taskOf(request, parent)?.name ?? "the request",
};

function fact(item, field) {
	const value = READ[field]?.(item) ?? item[field];
	if (TIMES[item.type].includes(field)) return value == null ? "never" : duration(value);
	return value === true ? "yes" : `${value || "–"}`;
}

function toFilter(query) {
	const words = query.toLowerCase().split(/\s+/);
	return (task) => {
		const told = `name:${task.name} mode:${task.mode} outcome:${endingOf(task)} path:${task.request.path} ${titleOf(task)}`.toLowerCase();
		return words.every((word) => told.includes(word));
	};
}

// --- Recordings ---

const newRequest = (fields) => ({ type: "requests", ...Object.fromEntries(PARTS.map((part) => [part, []])), ...fields });

function add(recording, request) {
	const { requests } = recording;
	const { process, clock, wall } = request;
	const first = (recording.first ??= request);
	// Other processes have other clocks.
	request.start = Number(process === first.process ? clock - first.clock : wall - first.wall);
	if (request.start > recording.bound) requests.set(`${process}:${request.id}`, request);
	for (const [key, { start }] of requests) {
		if (!(requests.size > data.limit)) return;
		requests.delete(key);
		recording.bound = max(recording.bound, start);
		recording.dropped++;
	}
}

// Told twice, it changes nothing.
function merge(recording, { id, process = 0, request_start, wall = 0, client, ...fields }) {
	const key = `${process}:${id}`;
	if (request_start != null && !recording.requests.has(key))
		add(recording, newRequest({ id, process, clock: BigInt(request_start), wall: BigInt(wall) }));
	const request = recording.requests.get(key);
	if (!request) return;
	take(request, fields, request.clock);
	fields.client = client && [client];
	for (const type of PARTS)
		for (const [index, part] of Object.entries(fields[type] ?? {}))
			take(partOf(request, type, index), part, request.clock);
}

// Of a request with very many tasks only the last are told, by their ids.
function partOf(request, type, number) {
	const known = (request.known ??= new Map());
	const key = `${type} ${number}`;
	if (!known.has(key)) known.set(key, request[type][request[type].push({ type, request, index: request[type].length }) - 1]);
	return known.get(key);
}

const taskOf = ({ tasks }, id) => (tasks[id]?.id === id ? tasks[id] : tasks.find((task) => task.id === id));

function take(target, fields, clock) {
	for (const [field, value] of Object.entries(fields))
		if (TIMES[target.type].includes(field)) target[field] = value == null ? null : Number(BigInt(value) - clock);
		else if (FIELDS[target.type].includes(field)) target[field] = value;
}

function readLines(text, recording) {
	for (const line of text.split("\n")) // doubles would round long integers
		if (line.trim()) merge(recording, JSON.parse(line.replace(/"(\w+)":\s*(-?\d{16,})(?=\s*[,}])/g, '"$1":"$2"')));
}

function toLine(request) {
	const told = (record) => FIELDS[record.type].filter((field) => (record[field] ?? false) !== false)
		.map((field) => `"${field}":${TIMES[record.type].includes(field) ? request.clock + BigInt(record[field]) : JSON.stringify(record[field])}`);
	const fields = ['"format":1', `"wall":${request.wall}`, `"request_start":${request.clock}`, ...told(request)];
	for (const type of PARTS) {
		const parts = request[type].map((part) => `{${told(part)}}`);
		if (parts.length) fields.push(`"${type}":${type === "client" ? parts : `[${parts}]`}`);
	}
	return `{${fields}}\n`;
}

// Undoes columns.py.
async function readColumns(packed, recording) {
	const deflated = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt());
	const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
	const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
	let at = bytes.indexOf(0);
	const { values, tables, clock, offset, widths } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at++)));
	let [start, apart] = [0n, 0n];
	const requests = clock.map((step, i) => {
		start += BigInt(step);
		apart += BigInt(offset[i]);
		return newRequest({ clock: start, wall: start + apart });
	});
	for (const [type, counts, fields] of tables) {
		const recordsOf = (request, i) => Array.from({ length: counts[i] }, (_, index) => (request[type][index] = { type, request, index }));
		const records = type === "requests" ? requests : requests.flatMap(recordsOf);
		const times = new Float64Array(records.length);
		for (const [field, kind] of fields) {
			const codes = new Float64Array(records.length);
			for (let planes = widths.shift(), unit = 1; planes--; unit *= 256)
				for (let i = 0; i < codes.length; i++) codes[i] += bytes[at++] * unit;
			for (const [i, record] of records.entries()) {
				const code = codes[i];
				const value = code % 2 ? (code - 1) / 2 : -code / 2;
				if (kind === "release") times[i] = dueOf(record) ?? times[i];
				if (!code) record[field] = null;
				else record[field] = kind === "value" ? values[value] : (times[i] += value);
			}
		}
	}
	for (const request of requests) add(recording, request);
}

// A release is counted from the mark of its mode.
const dueOf = ({ mode, request }) => ({ after_route: request.endpoint_end, after_response: request.response_sent })[mode];

// --- Scene ---

function lanes() {
	const ends = [];
	let least = Infinity;
	return (from, to) => {
		const lane = least <= from ? ends.findIndex((end) => end <= from) : ends.length;
		const freed = ends[lane] === least;
		ends[lane] = to;
		least = freed ? ends.reduce((a, b) => min(a, b)) : min(least, to);
		return lane;
	};
}

// When a bar begins and ends and, in between, starts to run; clocks may go backwards.
const SPAN = {
	group: ({ first, last }) => [first, last],
	busy: ({ start, end }) => [start, max(start, end)],
	requests: ({ request_end, group }) => [0, max(0, request_end ?? group.openEnd)],
	spans: ({ start, end, group }) => [start, max(start, end ?? group.last)],
	client: ({ sent, answered, received }) => [sent, max(sent, received ?? answered ?? sent)],
	tasks(task) {
		const { requested, started, finished, request, group } = task;
		const unknown = isOpen(task) ? group.openEnd : (started ?? request.endpoint_end ?? requested);
		const end = max(requested, started ?? requested, finished ?? unknown);
		return [requested, end, max(requested, started ?? end)];
	},
};

function groupOf(request, tasks, more) {
	const begun = ({ start, requested }) => start ?? requested;
	const items = [request, ...request.client, ...[...request.busy, ...tasks, ...spansOf(request, tasks)].toSorted((a, b) => begun(a) - begun(b))];
	let [first, last] = [0, 0];
	for (const item of items)
		for (const field of TIMES[item.type]) {
			first = min(first, item[field] ?? 0);
			last = max(last, item[field] ?? 0);
		}
	const group = { type: "group", request, tasks, items, first, last, ...more };
	for (const item of items) item.group = group;
	return group;
}

// Those whose owner is shown, and how many others each is inside of.
function spansOf(request, tasks) {
	const { spans } = request;
	if (spans.length > FEW_SPANS || tasks.length > OWN_ROWS) return [];
	for (const span of spans) {
		span.depth = 0;
		for (let one = span; span.depth < FEW_SPANS; span.depth++) {
			const above = one.parent == null ? null : spans.find(({ id, task }) => id === one.parent && task === one.task);
			if (!above || above === span) break;
			one = above;
		}
	}
	return spans.filter(({ task }) => task == null || !taskOf(request, task) || tasks.includes(taskOf(request, task)));
}

function sceneOf(groups, packed) {
	const total = sum(groups, ({ items }) => items.length + 1);
	const column = () => new Float64Array(total);
	const columns = { begins: column(), mids: column(), ends: column(), tints: column() };
	const scene = { groups, packed, rows: [], items: [], ...columns, begin: 0, end: 1e6 };
	const take = lanes();
	const bands = [];
	for (const [i, group] of groups.entries()) {
		const [begin, end] = [group.origin + group.first, group.origin + group.last];
		const place = packed ? take(begin, end) : i;
		(bands[place] ??= { key: packed ? place : group.request, groups: [] }).groups.push(group);
		scene.begin = i ? min(scene.begin, begin) : begin;
		scene.end = i ? max(scene.end, end) : end;
	}
	for (const band of bands) addBand(scene, band);
	return scene;
}

function addBand(scene, band) {
	const rows = { group: [], marks: [], client: [], requests: [], busy: [], tasks: [] }; // from the top
	const beneath = new Map(); // the rows of spans, by the row of what made them
	const rowOf = (kind, lane = 0) => (rows[kind][lane] ??= { kind, band, folded: folded.has(band.key), items: [] });
	rowOf("marks");
	for (const group of band.groups) {
		let next = 0;
		const take = { busy: lanes(), tasks: group.tasks.length > OWN_ROWS ? lanes() : () => next++ };
		for (const item of [group, ...group.items]) {
			item.row = null;
			if (item.type === "spans") continue;
			item.row = rowOf(item.type, take[item.type]?.(...SPAN[item.type](item)));
			item.row.items.push(item);
		}
	}
	for (const group of band.groups) addSpans(group, band, beneath, scene.packed);
	band.rows = Object.values(rows).flat().flatMap((row) => [row, ...(beneath.get(row) ?? [])]);
	for (const row of band.rows) addRow(row, scene);
}

// Deeper spans stand on lower rows, those that overlap on one each.
function addSpans(group, band, beneath, packed) {
	const takes = new Map();
	const spans = packed ? [] : group.items.filter(({ type }) => type === "spans");
	group.request.undrawn = group.request.spans.length - spans.length;
	for (const span of spans.toSorted((a, b) => a.depth - b.depth || a.start - b.start)) {
		const above = (taskOf(group.request, span.task) ?? group.request).row;
		const key = `${span.task} ${span.depth}`;
		const rows = beneath.get(above) ?? beneath.set(above, []).get(above);
		const take = takes.get(key) ?? takes.set(key, { lane: lanes(), from: rows.length }).get(key);
		const place = take.from + take.lane(...SPAN.spans(span));
		span.row = rows[place] ??= { kind: "spans", band, folded: folded.has(band.key), items: [] };
		span.row.items.push(span);
	}
}

function addRow(row, { rows, items, begins, mids, ends, tints }) {
	rows.push(row);
	row.from = items.length;
	for (const item of row.items) {
		const at = (item.at = items.push(item) - 1);
		const [begin, end, mid = begin] = SPAN[item.type](item);
		[begins[at], mids[at], ends[at]] = [begin, mid, end].map((time) => time + (item.group ?? item).origin);
		tints[at] = TINTS.indexOf(item.mode ?? item.type);
	}
	row.to = items.length;
	row.items = null;
}

function stack() {
	const roomy = pitch >= LABELLED;
	const heights = { group: roomy ? 28 : 2, marks: roomy && !scene.packed ? 16 : 0, spans: min(15, pitch) };
	let y = 0;
	for (const row of scene.rows) {
		if (row.kind === "group" && roomy && y) y += 14;
		row.y = y;
		row.height = row.folded && /tasks|spans/.test(row.kind) ? (row.kind === "tasks" ? min(4, pitch) : 0) : (heights[row.kind] ?? pitch);
		row.gap = round(row.height / 5);
		row.band.bottom = y += row.height;
	}
	return (scene.height = y);
}

const TINTS = [...MODES, "requests", "client", "busy", "spans"];

// The first position above the limit, probably near low.
function after(values, low, high, limit) {
	let step = 1;
	for (; low + step < high && values[low + step] <= limit; step *= 2) low += step;
	high = min(high, low + step);
	while (low < high) {
		const middle = (low + high) >> 1;
		if (values[middle] > limit) high = middle;
		else low = middle + 1;
	}
	return low;
}

// --- The picture ---

const LINES = [["response_sent", "response sent"], ["endpoint_end", "endpoint end"]];
const escape = (text) => `${text}`.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt()};`).replace(/[\p{Cc}\p{Cs}]/gu, "\ufffd");
const near = (value) => round(value * 10) / 10;
const make = (tag, fields) => Object.assign(document.createElement(tag), fields);
const widths = new Map();
const widthOf = (text) => widths.get(text) ?? widths.set(text, pen.measureText(text).width).get(text);

function elide(text, room) {
	let shown = text;
	for (let keep = ceil((text.length * room) / widthOf(text)); shown && widthOf(shown) > room; keep--) shown = keep > 0 ? text.slice(0, keep) + "…" : "";
	return shown;
}

let svg = "";
const xOf = (time) => ((time - view.begin) * width) / (view.end - view.begin);
const yOf = (row) => row.y - view.y + RULER;
const timeAt = (x) => view.begin + (x / width) * (view.end - view.begin);
const reach = (...times) => times.map((time) => max(-30, min(width + 30, xOf(time))));

const at = (look, x, y) => `class="${look}" x="${near(x)}" y="${near(y)}"`;
const rect = (look, x, y, wide, high) => (svg += `<rect ${at(look, x, y)} width="${near(max(0, wide))}" height="${near(high)}"/>`);
const path = (look, data) => (svg += `<path class="${look}" d="${data}"/>`);
const sign = (look, name, x, y) => (svg += `<use ${at(look, x, y)} href="#sign-${name}"/>`);
const write = (look, words, x, y) => (svg += `<text ${at(look, x, y)}>${escape(words)}</text>`);

function paint() {
	const ticks = ticksOf(view.begin, view.end, max(5, width / 120));
	const rows = scene.rows.filter((row) => yOf(row) < height && yOf(row) + row.height > RULER);
	svg = "";
	if (widths.size > 5000) widths.clear();
	for (const [time] of ticks) rect("grid", round(xOf(time)), RULER, 1, height);
	if (detail(rows)) pen.clearRect(0, 0, width, height);
	else pen.putImageData(overview(rows), 0, 0);
	for (const row of rows) if (row.kind === "group" && row.height > LABELLED) heads(row);
	for (const item of [pinned, hovered]) {
		if (!item || scene.items[item.at] !== item) continue;
		const { x, end, y, h } = boxOf(item.at);
		rect("outline", x - 2, y - 2, max(2, end - x) + 4, h + 4);
	}
	if (range) measured(...range);
	rect("ruler", 0, 0, width, RULER);
	for (const [time, words] of ticks) {
		const x = xOf(time) - widthOf(words) / 2;
		if (x > 0 && x + widthOf(words) < width) write("muted", words, x, RULER / 2);
	}
	part.ink.innerHTML = svg; // every name in it went through escape()
}

function* barsOf(row, least = 0) {
	const { begins, ends } = scene;
	const margin = timeAt(30) - view.begin;
	let i = after(ends, row.from, row.to, view.begin - margin);
	while (i < row.to && begins[i] <= view.end) {
		if (xOf(ends[i]) - xOf(begins[i]) >= least) yield boxOf(i);
		i = least ? after(ends, i + 1, row.to, ends[i] + (least / 30) * margin) : i + 1;
	}
}

function boxOf(i) {
	const item = scene.items[i];
	const { row } = item;
	const [x, mid, end] = reach(scene.begins[i], scene.mids[i], scene.ends[i]);
	return { i, item, x, mid, end, y: yOf(row) + row.gap / 2, h: row.height - row.gap };
}

function detail(rows) {
	const boxes = [];
	for (const row of rows) for (const box of barsOf(row)) if (boxes.push(box) > DETAILED) return false;
	const draw = (layer) => boxes.forEach((box) => layer[box.item.type]?.(box));
	// Many arrows would smear: of those that are close, the last and longest stands for all.
	const arrows = new Map();
	draw({ busy: wash, tasks: (box) => arrows.set(`${box.item.request.at} ${box.item.parent} ${floor((20 * box.x) / boxes.length)}`, box) });
	draw({ requests: marks });
	arrows.forEach(arrow);
	draw({ requests, client, busy, spans, tasks });
	return true;
}

// While the loop was held nothing else could move.
function wash({ x, end, item: { row: { band: { rows: [, top], bottom } } } }) {
	rect("wash", x, yOf(top), end - x, bottom - top.y);
}

function marks({ item }) {
	const { rows: [, row], bottom } = item.row.band;
	const top = yOf(row);
	let free = Infinity;
	for (const [mark, words] of LINES) {
		const x = round(xOf(item.group.origin + item[mark])) + 0.5;
		if (item[mark] == null || x < 0 || x > width) continue;
		path(`line ${mark}`, `M${x} ${top + 2}V${top + bottom - row.y}`);
		const wide = widthOf(words) + 5;
		// One before its line, one after: they are close.
		const left = (mark === "endpoint_end" && x > wide) || x + wide > width ? x - wide : x + 5;
		if (row.height && left + wide <= free) write("muted", words, left, top + 9);
		free = min(x, left);
	}
}

function arrow({ item: { request, parent, group }, x, mid, y, h }) {
	if (x < 0 || x > width) return;
	const { row } = taskOf(request, parent)?.group === group ? taskOf(request, parent) : request;
	path("arrow", `M${near(x)} ${yOf(row) + row.height / 2}V${y + h / 2}H${near(mid)}`);
}

function requests(box) {
	const { item, y, h } = box;
	const { origin, openEnd } = item.group;
	let [from, named] = [0, false];
	for (const mark of TIMES.requests) {
		const to = item[mark] ?? (mark === "request_end" ? openEnd : null);
		if (to === null) continue;
		const [mid, end] = reach(origin + from, origin + to);
		rect(`until ${mark}`, mid, y, max(1, end - mid), h);
		if (mark === "endpoint_end") named = label({ ...box, mid, end }, "endpoint", duration(to - from), "endpoint", true);
		from = max(from, to);
	}
	if (isOpen(item)) tail(box, "until request_end");
	if (!named) label(box, "request", duration(item.response_sent ?? from));
}

function client(box) {
	rect("client", box.x, box.y + box.h / 2 - 2, box.end - box.x, 4);
	label(box, "client", box.item.answered == null ? "no answer" : answerOf(box.item));
}

function busy(box) {
	rect("busy", box.x, box.y, max(2, box.end - box.x), box.h);
	label(box, `${box.item.culprit} held the loop`, duration(box.item.end - box.item.start), "busy");
}

function spans(box) {
	const { item, x, end, y, h } = box;
	rect("span", x, y, max(2, end - x), h);
	if (isOpen(item)) tail(box, "span");
	else if (item.error) sign("ending", "error", end + 9, y + h / 2);
	label(box, wordsOf(item), item.error ?? (isOpen(item) ? "open" : duration(item.end - item.start)), "span");
}

function tasks(box) {
	const { item, x, mid, end, y, h } = box;
	const { name, mode, started, released, finished, error, thread, group } = item;
	const ending = endingOf(item);
	const freed = released == null ? mid : max(x, min(mid, reach(group.origin + released)[0]));
	if (freed - x > 0.5) rect(`held ${mode}`, x, y, freed - x, h);
	if (mid - freed > 0.5) rect(`wait ${mode}`, freed, y, mid - freed, h);
	if (started != null) rect(`run ${mode}${thread ? " thread" : ""}`, mid, y, max(2, end - mid), h);
	if (ending === "running") tail(box, `run ${mode}`);
	else if (ending !== "ok") sign("ending", ending, end + 9, y + h / 2);
	if (released != null && h > 8) sign(`released ${mode}`, mode, xOf(group.origin + released), y + h / 2);
	const ran = started == null ? (released == null ? "held back" : "waiting") : finished == null ? "running" : duration(finished - started);
	label(box, name, { ok: ran, running: ran, error }[ending] ?? ending, mode);
}

function tail({ end, y, h }, look) {
	for (const [at, wide] of [[3, 7], [13, 5], [21, 3]]) rect(look, end + at, y, wide, h);
}

function label({ i, item, x, mid, end, y, h }, name, note, look, insideOnly) {
	if (h < 10) return true;
	const { row, outcome = item.type === "spans" && item.error } = item;
	const sign = isOpen(item) ? 30 : outcome && outcome !== "ok" ? 19 : 7;
	const inside = [max(mid, 0) + 8, min(end, width) - 6, `ink-${look}`];
	const right = [max(end, 0) + sign, (i + 1 < row.to ? xOf(scene.begins[i + 1]) : width) - 6, ""];
	const left = [i > row.from ? xOf(scene.ends[i - 1]) + 30 : 4, x - 8, "end"];
	const rooms = insideOnly ? [inside] : look ? [inside, right, left] : [right, left];
	const fits = (words) => words && rooms.find(([from, to]) => widthOf(words) <= to - from);
	const widest = max(...rooms.map(([from, to]) => to - from));
	const words = [note && `${name}  ${note}`, widest > 60 ? elide(name, widest) : name].find(fits);
	if (!words) return false;
	const [from, to, style] = fits(words);
	write(style, words, style === "end" ? to : from, y + h / 2);
	return true;
}

function overview(rows) {
	const look = getComputedStyle(host);
	const inks = [...MODES, "endpoint", "phase", "busy", "span"].map((name) => look.getPropertyValue(`--${name}`));
	const [solid, pale] = ["ff", "50"].map((alpha) => inks.map((ink) => pixelOf(ink, alpha)));
	const pixels = new Uint32Array(image.data.buffer).fill(0);
	for (const row of rows) {
		const top = max(RULER, round(yOf(row) + row.gap / 2));
		const bottom = min(height, round(yOf(row) + row.height - row.gap / 2));
		if (top >= bottom || row.kind === "group") continue;
		strip(row, pixels.subarray(top * width, (top + 1) * width), solid, pale);
		for (let y = top + 1; y < bottom; y++) pixels.copyWithin(y * width, top * width, (top + 1) * width);
		if (row.kind === "tasks" && row.height >= LABELLED)
			for (const box of barsOf(row, 70)) label(box, box.item.name, "", box.item.mode, true);
	}
	return image;
}

// Leaps to the next bar that ends in another pixel: costs pixels, not bars.
function strip(row, line, solid, pale) {
	const { begins, mids, ends, tints } = scene;
	const { begin, end } = view;
	const scale = width / (end - begin);
	let i = after(ends, row.from, row.to, begin);
	let x = 0;
	while (i < row.to && begins[i] < end) {
		const to = min(line.length, max(x + 1, floor((ends[i] - begin) * scale)));
		const mid = min(to - 1, (mids[i] - begin) * scale);
		x = max(x, floor((begins[i] - begin) * scale));
		for (const ink = pale[tints[i]]; x < mid; x++) line[x] = ink;
		for (const ink = solid[tints[i]]; x < to; x++) line[x] = ink;
		i = after(ends, i + 1, row.to, begin + x / scale);
	}
}

const pixelOf = (color, alpha) => +`0x${alpha}${color.slice(5)}${color.slice(3, 5)}${color.slice(1, 3)}`;

function heads(row) {
	const { packed } = scene;
	for (const { item: { request, label }, x, end } of barsOf(row, packed ? 40 : 0)) {
		let [left, right] = packed ? [max(6, x), min(width, end) - 8] : [8, width - 8];
		const failed = request.error || request.aborted || request.status >= 500 ? "failed" : "muted";
		for (const [look, words] of [["muted", row.folded ? "▸" : "▾"], ["muted strong", label], ["strong", titleOf(request)],
			[`${failed} strong`, statusOf(request)], ["muted", summaryOf(request)]]) {
			const shown = words && elide(words, right - left);
			if (!shown) continue;
			write(look, shown, left, yOf(row) + row.height / 2 + 2);
			left += widthOf(shown) + 10;
		}
	}
}

function measured(from, to) {
	const [left, right] = reach(min(from, to), max(from, to));
	rect("measured", left, RULER, right - left, height);
	const words = duration(abs(to - from));
	write("strong", words, max(6, min(left + 6, width - widthOf(words) - 6)), height - 14);
}

function hit(x, y) {
	const { rows, items, begins, ends, packed } = scene;
	const row = rows.find((row) => yOf(row) <= y && y < yOf(row) + row.height);
	if (!row || y < RULER) return;
	const next = after(ends, row.from, row.to, timeAt(x));
	const isClose = (i) => items[i]?.row === row && begins[i] <= timeAt(x + 4) && ends[i] >= timeAt(x - 6);
	const found = items[[next, next - 1].find(isClose)];
	return row.kind === "group" ? (packed ? found : items[row.from])?.request : found;
}

// --- Files ---

function toTrace() {
	const { groups, begin, begins, mids, ends } = scene;
	const traceEvents = [];
	let next = groups.length + 1; // threads and processes share no ids
	for (const [i, { request, items, origin }] of groups.entries()) {
		const pid = i + 1;
		const add = (ph, tid, name, time, more) => traceEvents.push({ ph, pid, tid, name, ts: (time - begin) / 1000, ...more });
		const title = (what, name, sort_index, tid) => {
			add("M", tid, `${what}_name`, begin, { args: { name } });
			add("M", tid, `${what}_sort_index`, begin, { args: { sort_index } });
		};
		const tids = new Map(request.row.band.rows.map((row) => [row, next++]));
		title("process", titleOf(request), pid);
		for (const [{ kind }, tid] of tids) title("thread", kind, tid, tid);
		for (const item of items.filter(({ row }) => row)) {
			const tid = tids.get(item.row);
			const [from, mid, to] = [begins, mids, ends].map((times) => times[item.at]);
			const name = item.type === "spans" ? wordsOf(item) : (item.name ?? item.culprit ?? (item === request ? titleOf(request) : "client"));
			const bar = (name, from, to) => add("X", tid, name, from, { cat: item.mode ?? item.type, dur: (to - from) / 1000 });
			const freed = item.mode ? max(from, min(mid, item.released == null ? mid : origin + item.released)) : mid;
			if (freed > from) bar(`${name} is held back`, from, freed);
			if (mid > freed) bar(`${name} waits`, freed, mid);
			if (item.mode && item.started == null) continue;
			bar(name, mid, max(to, mid + 1));
			if (!item.mode) continue;
			// An arrow must leave an open bar.
			const isSource = (one) => tids.has(one?.row) && mids[one.at] <= from && from < ends[one.at];
			const source = [taskOf(request, item.parent), request].find(isSource) ?? item;
			const flow = { cat: "flow", id: traceEvents.length };
			add("s", tids.get(source.row), "schedule", from, flow);
			add("f", tid, "schedule", mid, { ...flow, bp: "e" });
		}
		for (const [mark, words] of LINES) if (request[mark] != null) add("i", tids.get(request.row), words, origin + request[mark], { s: "p" });
	}
	return JSON.stringify({ traceEvents, displayTimeUnit: "ms" });
}

function toSvg() {
	const size = `width="${width}" height="${height}"`;
	const start = `<svg xmlns="http://www.w3.org/2000/svg" class="picture" data-theme="${host.dataset.theme}" ${size}><style>${data.style}</style>`;
	return `${start}<rect ${size} class="ruler"/><image ${size} href="${part.canvas.toDataURL()}"/>${part.picture.innerHTML}</svg>`;
}

async function toPng() {
	const image = make("img", { src: `data:image/svg+xml,${encodeURIComponent(toSvg())}` });
	const canvas = new OffscreenCanvas(2 * width, 2 * height);
	await image.decode();
	canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
	return canvas.convertToBlob();
}

const toLines = ({ requests }) => [...requests.values()].map(toLine).join("");

async function toPage() {
	const [module, policy, json] = ["[type=module]", "[http-equiv]", "#timeline-data"].map((one) => original.querySelector(one));
	const told = data.recordings.map((given, i) => (given.packed ? given : { ...given, lines: toLines(recordings[i]) }));
	if (module.src) module.textContent = await (await fetch(module.src)).text();
	module.removeAttribute("src");
	policy.content = data.policy;
	json.textContent = JSON.stringify({ ...data, events: null, recordings: told }).replace(/</g, "\\u003c");
	return `<!doctype html>\n${original.outerHTML}\n`;
}

const FILES = { png: toPng, svg: toSvg, html: toPage, jsonl: () => recordings.map(toLines).join(""), json: toTrace };

async function save(kind) {
	const href = URL.createObjectURL(new Blob([await FILES[kind]()]));
	make("a", { href, download: `timeline.${kind}` }).click();
	URL.revokeObjectURL(href);
}

// --- Actions ---

const part = Object.fromEntries(Array.from(host.querySelectorAll("[data-part]"), (one) => [one.dataset.part, one]));
const pen = part.canvas.getContext("2d");
const view = { begin: 0, end: 1e6, y: 0 };
const recordings = [];
const hidden = new Set();
const folded = new Set();
let [pitch, first, missed] = [ROOMY, 0, 0];
let scene, tally, width, height, image, frame;
let range, pinned, hovered, following, fitted, stale;

// The markup binds them to buttons and keys: its help is the truth.
const ACTIONS = {
	fit, reset, zoom, fold, step, clear, measure, stretch, turn, save, theme, follow,
	move: (share) => pan(-share * width, 0),
	scroll: (share) => pan(0, -share * height),
	walk: (by) => step(by, "group"),
	zoomTo: () => pinned && look(...extent(pinned)),
	search: () => part.search.select(),
	help: () => part.help.showModal(),
	table: () => host.classList.toggle("tabled"),
	toggle(key) {
		if (!hidden.delete(key)) hidden.add(key);
		rebuild();
	},
};

const see = (begin, end) => Object.assign(view, { begin, end });
const tell = (name, words) => (part[name].textContent = words);
const extent = ({ at }) => [scene.begins[at], scene.ends[at]];

function pan(dx, dy) {
	const length = view.end - view.begin;
	const [least, most] = [scene.begin - view.end + length / 10, scene.end - view.begin - length / 10];
	const by = dx && max(least, min(most, (-dx * length) / width));
	see(view.begin + by, view.end + by);
	view.y = max(0, min(scene.height - height + RULER + 8, view.y - dy));
	if (dx && following) follow();
	refresh();
}

function zoom(factor, x = width / 2) {
	const old = view.end - view.begin;
	const length = max(10, min(4 * (scene.end - scene.begin) + 10, old * factor));
	view.begin += (x / width) * (old - length);
	view.end = view.begin + length;
	fitted = false;
	refresh();
}

function look(begin, end) {
	const margin = (end - begin) * max(0.03, width && 28 / width) || 5; // a sign may follow the last bar
	see(begin - margin, end + margin);
	refresh();
}

// Many rows shrink, few rather scroll.
function fit() {
	const least = scene.items.length > 1000 ? 2 : 18;
	for (pitch = ROOMY; stack() >= height - RULER && pitch > least; ) pitch--;
	view.y = 0;
	fitted = true;
	look(scene.begin, scene.end);
}

function follow() {
	part.follow.ariaPressed = following = !following;
	refresh();
}

function keepUp() {
	if (fitted) fit();
	const length = min(view.end - view.begin, fitted ? 10e9 : Infinity);
	see(scene.end - 0.97 * length, scene.end + 0.03 * length);
	if (!scene.packed) pan(0, -Infinity);
}

function reset() {
	part.search.value = "";
	hidden.clear();
	folded.clear();
	clear();
	rebuild();
	fit();
}

function fold(all) {
	const keys = all ? scene.rows.map(({ band }) => band.key) : pinned ? [pinned.row.band.key] : [];
	const change = keys.every((key) => folded.has(key)) ? "delete" : "add";
	for (const key of keys) folded[change](key);
	rebuild();
}

function pin(item) {
	pinned = item;
	part.panel.hidden = !item;
	tell("sentence", say(item));
	for (const value of part.panel.querySelectorAll("dd")) {
		const own = value.parentNode.dataset.facts === item?.type;
		value.parentNode.hidden = !own;
		value.textContent = own && fact(item, value.dataset.field);
	}
	refresh();
}

function clear() {
	pin(null);
	span();
}

function hover(x, y) {
	const item = hit(x, y);
	if (item !== hovered) refresh();
	hovered = item;
	tell("tip", say(item));
	part.tip.hidden = !item;
	part.tip.style = `--x: ${x}px; --y: ${y}px`;
}

function step(by, wanted = "mode") {
	const { items } = scene;
	let at = pinned?.at ?? (by > 0 ? -1 : items.length);
	do at += +by;
	while (items[at] && !items[at][wanted]);
	if (!items[at]) return;
	const [begin, end] = extent(items[at]);
	const half = (view.end - view.begin) / 2;
	if (end < view.begin || begin > view.end) see(begin - half, begin + half);
	view.y = items[at].row.y - height / 2;
	pin(items[at]);
	pan(0, 0);
}

function measure() {
	const third = (view.end - view.begin) / 3;
	span(...(range ? [] : pinned ? extent(pinned) : [view.begin + third, view.end - third]));
}

function stretch(share) {
	if (range) span(range[0], range[1] + share * (view.end - view.begin));
}

function span(from, to) {
	range = from == null ? null : [from, to];
	part.measure.ariaPressed = !!range;
	refresh();
}

function theme(dark = host.dataset.theme !== "dark") {
	host.dataset.theme = dark ? "dark" : "light";
	refresh();
}

function turn(by) {
	const tasks = scene.groups.flatMap(({ tasks }) => tasks);
	first = max(0, min(first + +by, floor((tasks.length - 1) / 100) * 100));
	const page = tasks.slice(first, first + 100);
	const fields = [...part.table.querySelectorAll("th")].map(({ dataset }) => dataset.field);
	part.rows.innerHTML = page.map((task) => `<tr><td>${fields.map((field) => escape(fact(task, field))).join("<td>")}`).join("");
	tell("range", `${page.length && first + 1}–${first + page.length} of ${count(tasks.length, "task")}`);
}

// --- The viewer ---

function rebuild() {
	const groups = [];
	tally = {};
	for (const { label, requests } of recordings) {
		const own = [...requests.values()].flatMap((request, turn) => shownOf(request, label, turn));
		const now = own.reduce((latest, { request, last }) => max(latest, request.start + last), 0);
		for (const group of own) {
			group.openEnd = max(group.last, now - group.request.start) + (group.last - group.first) / 20 + 1;
			if (group.items.some(isOpen)) group.last = group.openEnd;
			groups.push(group);
		}
	}
	const compared = recordings.length > 1;
	groups.sort((a, b) => (compared ? a.turn - b.turn : a.origin + a.first - b.origin - b.first));
	scene = sceneOf(groups, !compared && part.align.value === "clock" && groups.length > STACKED);
	stack();
	stale = false;
	recount();
	pan(0, 0);
}

function shownOf(request, label, turn) {
	const wanted = toFilter(part.search.value);
	const tasks = request.tasks.filter((task) => {
		const keys = [task.mode, endingOf(task)];
		for (const key of keys) tally[key] = (tally[key] ?? 0) + 1;
		return !keys.some((key) => hidden.has(key)) && wanted(task);
	});
	const itself = { name: "", mode: "", outcome: request.error ? "error" : "ok", request };
	if (!tasks.length && !wanted(itself)) return [];
	const origin = { clock: request.start, request_start: 0, response_sent: -(request.response_sent ?? request.request_end ?? 0) }[part.align.value];
	return groupOf(request, tasks, { origin, label, turn });
}

function recount() {
	const shown = sum(scene.groups, ({ tasks }) => tasks.length);
	const total = sum(MODES, (mode) => tally[mode] ?? 0);
	const gone = sum(recordings, ({ dropped }) => dropped) + missed;
	tell("found", (shown < total ? `${shown} of ` : "") + count(total, "task") + (gone ? ` · ${count(gone, "older request")} let go` : ""));
	part.notice.hidden = scene.groups.length > 0;
	tell("notice", part.search.value ? "Nothing matches the filter." : "Nothing is recorded yet.");
	for (const chip of part.legend.querySelectorAll("button")) {
		const key = chip.dataset.with;
		chip.hidden = !tally[key];
		chip.lastElementChild.textContent = tally[key];
		chip.ariaPressed = !hidden.has(key);
	}
	turn(0);
}

function refresh() {
	frame ??= requestAnimationFrame(() => {
		frame = null;
		if (stale) rebuild();
		if (following && scene.groups.length) keepUp();
		if (scene) paint();
	});
}

function resize() {
	const unseen = !width; // a frame may be shown late
	[width, height] = [part.stage.clientWidth, part.stage.clientHeight];
	Object.assign(part.canvas, { width, height });
	pen.font = "600 12px system-ui, sans-serif";
	image = new ImageData(max(1, width), max(1, height)); // not one a frame
	if (scene) unseen ? fit() : pan(0, 0);
}

function listen() {
	const { search, stage, menu, align } = part;
	const keys = new Map();
	for (const { dataset } of host.querySelectorAll("[data-keys]")) for (const key of dataset.keys.split(" ")) keys.set(key, dataset);
	const act = ({ action, with: value }) => ACTIONS[action](value);
	host.onkeydown = (event) => {
		const { key, target } = event;
		const action = keys.get(event.shiftKey ? `Shift+${key}` : key) ?? keys.get(key);
		const taken = target.closest({ Enter: "button, summary, select, dialog", Escape: "dialog" }[key] ?? "input, select, dialog");
		if (!action || taken || event.ctrlKey || event.metaKey || event.altKey) return;
		if (target === search) stage.focus();
		act(action);
		event.preventDefault();
	};
	host.onclick = ({ target }) => {
		const button = target.closest("button[data-action]");
		if (button) act(button.dataset);
		if (button || !menu.contains(target)) menu.open = false;
	};
	search.oninput = rebuild;
	align.onchange = () => {
		rebuild();
		fit();
	};
	point(stage);
	new ResizeObserver(resize).observe(stage);
}

function point(stage) {
	const held = new Map();
	let [travelled, measuring] = [0, false];
	const on = (type, act) => stage.addEventListener(type, (event) => {
		if (event.target === stage && scene) act(event, event.offsetX, event.offsetY);
	});
	on("pointerdown", ({ pointerId, shiftKey }, x, y) => {
		stage.setPointerCapture(pointerId);
		held.set(pointerId, [x, y]);
		[travelled, measuring] = [0, shiftKey || range];
		if (measuring) span(timeAt(x), timeAt(x));
	});
	on("pointermove", ({ pointerId }, x, y) => {
		const before = held.get(pointerId);
		if (!before) return hover(x, y);
		const [dx, dy] = [x - before[0], y - before[1]];
		const [, other] = [...held].find(([id]) => id !== pointerId) ?? [];
		travelled += abs(dx) + abs(dy);
		held.set(pointerId, [x, y]);
		if (other) zoom(abs(x - dx - other[0]) / max(1, abs(x - other[0])), other[0]);
		else if (measuring) span(range[0], timeAt(x));
		else pan(dx, dy);
	});
	on("pointerup", ({ pointerId }, x, y) => {
		held.delete(pointerId);
		if (travelled < 4) pin(hit(x, y));
	});
	on("pointercancel", ({ pointerId }) => held.delete(pointerId));
	on("pointerleave", () => hover(0, 0));
	on("wheel", (event, x) => {
		const { deltaX, deltaY, shiftKey, ctrlKey } = event;
		// In a frame the wheel scrolls the host, until one clicks in.
		if (parent !== window && !document.hasFocus() && !ctrlKey) return;
		event.preventDefault();
		if (shiftKey) pan(0, -deltaY || -deltaX);
		else if (abs(deltaX) > abs(deltaY)) pan(-deltaX, 0);
		else zoom(Math.exp(deltaY * (ctrlKey ? 0.01 : 0.002)), x);
	});
}

async function load() {
	for (const { label, packed, lines } of data.recordings) {
		const recording = { label, requests: new Map(), dropped: 0, bound: -Infinity };
		if (packed) await readColumns(packed, recording);
		if (lines) readLines(lines, recording);
		recordings.push(recording);
	}
	rebuild();
	fit();
	if (!data.events) return;
	connect();
	follow();
}

function connect() {
	if (!globalThis.EventSource) return tell("status", "This browser has no EventSource: it cannot follow the app.");
	const source = new EventSource(data.events);
	source.onopen = () => tell("status", "live");
	source.onmessage = ({ data }) => append(data);
	source.addEventListener("dropped", ({ data }) => (missed = +data));
	source.onerror = () => {
		tell("status", "not connected, trying again …");
		if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
	};
}

function append(lines) {
	readLines(lines, recordings[0]);
	stale = true;
	refresh();
}

// --- Start ---

const sheet = new CSSStyleSheet();
sheet.replaceSync(data.style);
document.adoptedStyleSheets.push(sheet);
tell("title", data.title);
part.align.value = data.align;
part.follow.hidden = !data.events;
host.hidden = false;
listen();
resize();
theme(matchMedia("(prefers-color-scheme: dark)").matches);
const ready = load().catch((error) => tell("notice", `The recording cannot be read: ${error.message}`));
host.viewer = { ready, append, get state() { return { view, scene, width, height, recordings, part, pinned, range, boxOf }; } };
