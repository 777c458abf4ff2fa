// The bars of a picture: each kind of record as it is drawn, with its label in a place of its own.

import { elide } from "./places.js";
import { answerOf, endingOf, isOpen, spanWords, titleOf } from "./say.js";
import { duration, harmless, isolated, sentence } from "./words.js";

/** @typedef {import("./paint.js").Painter} Painter */
/** @typedef {import("./paint.js").Box} Box */
/** @typedef {import("./scene.js").Row} Row */

export const LINE = 14; // pixels that a line of text takes
const MARKS = [
	["response_sent", "response sent"],
	["endpoint_end", "endpoint end"],
];
const PHASES = ["endpoint_start", "endpoint_end", "response_start", "response_sent", "request_end"];

/** @param {Painter} painter @param {Box} box */
export function washBand(painter, { x, end, row: { band } }) {
	const first = painter.yOf(band.rows.find((/** @type {Row} */ row) => row.kind !== "group"));
	painter.pen.rect("wash", x, first, end - x, painter.yOf({ y: band.bottom }) - first);
}

/** @param {Painter} painter @param {Box} box */
export function lines(painter, { record, row, i, shownOf }) {
	const { band } = row;
	if (band.shared) return;
	const label = band.rows.find((/** @type {Row} */ { kind, height }) => kind === "marks" && height);
	const top = painter.yOf(label ?? row);
	const zero = record.recording.start[i] + shownOf.offset[i];
	for (const [mark, words] of MARKS) {
		if (record[mark] === null) continue;
		const x = Math.round(painter.xOf(zero + record[mark])) + 0.5;
		if (x < 0 || x > painter.width) continue;
		painter.pen.path(`line ${mark}`, [x, top + 2, x, painter.yOf({ y: band.bottom })]);
		if (!label) continue;
		const wide = painter.widthOf(words);
		// One before its line, one after: they are close.
		const places = [x + 5, x - wide - 5];
		if (mark === "endpoint_end") places.reverse();
		const left = places.find(
			(at) => at > 0 && at + wide < painter.width && painter.places.take(label, at - 3, at + wide + 3),
		);
		if (left !== undefined) painter.write("muted", words, left, top + 9);
	}
}

/** @param {Painter} painter @param {Box[]} boxes */
export function arrows(painter, boxes) {
	// Many arrows would smear: of those that are close, the last and longest stands for all.
	const shown = new Map();
	for (const box of boxes) {
		const source = sourceOf(painter, box);
		if (source && box.x >= 0 && box.x <= painter.width)
			shown.set(`${source.row.y} ${Math.floor((20 * box.x) / boxes.length)}`, [source, box]);
	}
	for (const [{ row }, { x, mid, y, h }] of shown.values()) {
		const from = painter.yOf(row) + row.height / 2;
		painter.pen.path("arrow", [x, from, x, y + h / 2, mid, y + h / 2]);
	}
}

/** @param {Painter} painter @param {Box} box */
export function sourceOf(painter, { record, row }) {
	const parent = record.recording.taskOf(record.owner, record.parent);
	return (
		painter.placed.get(`${row.band.of} tasks ${parent}`) ??
		painter.placed.get(`${row.band.of} requests ${record.owner}`)
	);
}

/** @param {Painter} painter @param {Box} box */
export function request(painter, box) {
	const { record, y, h, i, shownOf } = box;
	const zero = record.recording.start[i] + shownOf.offset[i];
	let from = 0;
	let named = false;
	for (const mark of PHASES) {
		const to = record[mark] ?? (mark === "request_end" ? record.recording.now - record.recording.start[i] : null);
		if (to === null) continue;
		const [mid, end] = [painter.reach(zero + from), painter.reach(zero + to)];
		const look = /endpoint_end|response_sent/.test(mark) ? `until ${mark}` : "until";
		painter.pen.rect(look, mid, y, Math.max(1, end - mid), h);
		if (mark === "endpoint_end")
			named = label(painter, { ...box, mid, end }, "endpoint", duration(to - from), "endpoint", true);
		from = Math.max(from, to);
	}
	if (isOpen(record)) tail(painter, box, "until");
	const sent = record.response_sent;
	if (!named)
		label(
			painter,
			box,
			box.row.band.shared ? titleOf(record) : "request",
			sent === null ? duration(from) : `response after ${duration(sent)}`,
			"",
		);
}

/** @param {Painter} painter @param {Box} box */
export function client(painter, box) {
	painter.pen.rect("client", box.x, box.y + box.h / 2 - 2, box.end - box.x, 4);
	label(painter, box, "client", box.record.answered === null ? "no answer" : answerOf(box.record), "");
}

/** @param {Painter} painter @param {Box} box */
export function busy(painter, box) {
	painter.pen.rect("busy", box.x, box.y, Math.max(2, box.end - box.x), box.h);
	busyLabel(painter, box);
}

/** @param {Painter} painter @param {Box} box */
export function busyLabel(painter, box) {
	const { culprit, start, end } = box.record;
	label(painter, box, `${sentence(culprit)} held the loop`, duration(end - start), "busy");
}

/** @param {Painter} painter @param {Box} box */
export function span(painter, box) {
	const { record, x, end, y, h } = box;
	painter.pen.rect("span", x, y, Math.max(2, end - x), h);
	if (isOpen(record)) tail(painter, box, "span");
	else if (record.error) painter.pen.sign("fault", "error", end + 9, y + h / 2);
	const note = record.error ? harmless(record.error) : isOpen(record) ? "open" : duration(record.end - record.start);
	label(painter, box, spanWords(record, painter.words), note, "span");
}

/** @param {Painter} painter @param {Box} box */
export function task(painter, box) {
	const { record, x, mid, end, y, h, shownOf } = box;
	const { mode, started, released, finished, error, thread, owner } = record;
	const ending = endingOf(record);
	const zero = record.recording.start[owner] + shownOf.offset[owner];
	const freed = released === null ? mid : Math.max(x, Math.min(mid, painter.reach(zero + released)));
	if (freed - x > 0.5) painter.pen.rect(`held ${mode}`, x, y, freed - x, h);
	if (mid - freed > 0.5) painter.pen.rect(`wait ${mode}`, freed, y, mid - freed, h);
	if (started !== null)
		painter.pen.rect(`${thread && h > 8 ? "thread" : "run"} ${mode}`, mid, y, Math.max(2, end - mid), h);
	if (ending === "running") tail(painter, box, started === null ? `wait ${mode}` : `run ${mode}`);
	else if (ending !== "ok" && h >= 9) painter.pen.sign("fault", ending, end + 9, y + h / 2);
	else if (ending !== "ok") painter.pen.rect("failed", end - 3, y, 4, h);
	if (released !== null && h > 8) painter.pen.sign(`sign ${mode}`, mode, painter.xOf(zero + released), y + h / 2);
	const ran =
		started === null
			? released === null
				? "held back"
				: "waiting"
			: finished === null
				? "running"
				: duration(finished - started);
	label(
		painter,
		box,
		isolated(record.name),
		{ ok: ran, running: ran, error: error && harmless(error) }[ending] ?? ending,
		mode,
	);
}

/** @param {Painter} painter @param {Box} box @param {string} look */
export function tail(painter, { end, y, h }, look) {
	for (const [at, wide] of [
		[3, 7],
		[13, 5],
		[21, 3],
	])
		painter.pen.rect(look, end + at, y, wide, h);
}

/**
 * Write a bar's name, and its note if there is room: in the bar, else beside it, else where it waits.
 * @param {Painter} painter @param {Box} box @param {string} name @param {string | null} note
 * @param {string} look  that of the bar, for words in it
 */
export function label(painter, box, name, note, look, insideOnly = false) {
	const { row, x, mid, end, y, h } = box;
	if (row.height < LINE) return true;
	const inside = [Math.max(mid, 0) + 8, Math.min(end, painter.width) - 6];
	const from = Math.max(end, x + 2, 0) + painter.signRoom(box) + 5;
	const right = [from, painter.places.roomRight(row, from, painter.width) - 6];
	const left = [painter.places.roomLeft(row, x - 2, 0) + 6, x - 8];
	const waits = [Math.max(x, 0) + 10, Math.min(mid, painter.width) - 6];
	const rooms = insideOnly ? [inside] : look ? [inside, right, left, waits] : [right, left];
	const roomFor = (/** @type {string} */ words) => rooms.find(([from, to]) => painter.widthOf(words) <= to - from);
	const widest = Math.max(...rooms.map(([from, to]) => to - from));
	const short = widest > 60 ? elide(name, widest, painter.widthOf) : name;
	const words = [note ? `${name}  ${note}` : "", short].find((words) => words && roomFor(words));
	const room = words && roomFor(words);
	if (!words || !room) return false;
	const at = room === left ? room[1] - painter.widthOf(words) : room[0];
	if (room !== inside) painter.places.block(row, at - 3, at + painter.widthOf(words) + 3);
	if (!painter.isAbove) painter.nameless = false;
	painter.write(room === inside && look ? `ink ${look}` : "halo", words, at, y + h / 2 + 1);
	return true;
}
