// Undoes columns.py: from a page's packed text to a recording.

import { inflated } from "./inflate.js";
import { Recording, Table } from "./recording.js";

/** Read a packed recording. @param {string} packed @param {string} label @param {any} format  as columns.py tells it */
export async function readColumns(packed, label, format) {
	return fromBytes(new Uint8Array(await inflated(packed).arrayBuffer()), label, format);
}

/** @param {Uint8Array} bytes @param {string} label @param {any} format */
export function fromBytes(bytes, label, format) {
	let at = bytes.indexOf(0);
	const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at++)));
	let [start, apart] = [0n, 0n];
	/** @type {bigint[]} */
	const clock = header.clock.map((/** @type {number | string} */ step) => (start += BigInt(step)));
	const wall = header.offset.map(
		(/** @type {number | string} */ step, /** @type {number} */ i) => clock[i] + (apart += BigInt(step)),
	);
	/** @type {Record<string, Table>} */
	const tables = {};
	const widths = [...header.widths];
	for (const [type, counts, fields] of header.tables) {
		const table = (tables[type] = new Table(type, ownersOf(counts), format));
		const before = new Float64Array(table.size);
		for (const [field, kind] of fields) {
			const codes = new Float64Array(table.size);
			for (let planes = widths.shift(), unit = 1; planes--; unit *= 256)
				for (let i = 0; i < codes.length; i++) codes[i] += bytes[at++] * unit;
			if (kind === "release") countFromMarks(before, table, tables.requests, header.values);
			if (kind === "value") readValues(codes, table.codes[field]);
			else readTimes(codes, table.times[field], before);
		}
	}
	const recording = new Recording(label, format, header.values, clock, wall, tables);
	recording.findings = header.findings;
	return recording;
}

/** @param {number[]} counts */
function ownersOf(counts) {
	const owner = new Int32Array(counts.reduce((sum, n) => sum + n, 0));
	let at = 0;
	for (let r = 0; r < counts.length; r++) at = (owner.fill(r, at, at + counts[r]), at + counts[r]);
	return owner;
}

/** @param {Float64Array} codes @param {Int32Array} column */
function readValues(codes, column) {
	for (let i = 0; i < codes.length; i++) column[i] = codes[i] ? (codes[i] - 1) / 2 : -1;
}

// 0 is none; odd codes count from 0 up, even ones from -1 down.
/** @param {Float64Array} codes @param {Float64Array} column @param {Float64Array} before */
function readTimes(codes, column, before) {
	for (let i = 0; i < codes.length; i++)
		if (codes[i]) column[i] = before[i] += codes[i] % 2 ? (codes[i] - 1) / 2 : -codes[i] / 2;
}

// A release is told as its distance from the mark of its mode.
/** @param {Float64Array} before @param {Table} table @param {Table} requests @param {any[]} values */
function countFromMarks(before, { codes, owner }, requests, values) {
	/** @type {Record<string, Float64Array>} */
	const marks = { after_route: requests.times.endpoint_end, after_response: requests.times.response_sent };
	const of = values.map((value) => marks[value]);
	for (let i = 0; i < before.length; i++) {
		const mark = of[codes.mode[i]]?.[owner[i]];
		if (mark === mark && mark !== undefined) before[i] = mark;
	}
}
