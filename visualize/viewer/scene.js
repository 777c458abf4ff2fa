// Rows of bars, and where each bar stands in time.

import { after } from "./packing.js";
import { extentOf } from "./shown.js";
import { TINTS } from "./tints.js";

/** @typedef {import("./shown.js").Shown} Shown */

/**
 * @typedef {object} Row
 * @property {string} kind  of its bars: group, marks, client, requests, spans, busy, tasks, held
 * @property {any} band @property {number[]} refs  positions in the recording's table
 * @property {number} from @property {number} to  positions in the scene's columns
 * @property {number} y @property {number} height @property {number} gap  pixels, and how many of them stay free
 * @property {Float64Array} faults  when what failed in this row did
 */

/** Rows of bars, and where each bar stands in time: columns over all rows, in their order. */
export class Scene {
	/** @param {any[]} bands @param {Shown[]} shown */
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
		/** @type {Record<string, ReturnType<typeof timesOf>>[]} */
		const times = shown.map(() => ({}));
		let at = 0;
		for (const row of this.rows) {
			const { of } = row.band;
			at = this.fill(row, at, (times[of][row.kind] ??= timesOf(shown[of], row.kind)));
			row.faults = faultsOf(shown[of], row);
			row.refs = [];
		}
	}

	/** @param {Row} row @param {number} at @param {ReturnType<typeof timesOf>} times */
	fill(row, at, { begin, mid, end, offset, owner, tint, tintOf, codes }) {
		const { begins, mids, ends, tints, refs } = this;
		row.from = at;
		for (const i of row.refs) {
			const shift = offset ? offset[owner ? owner[i] : i] : 0;
			refs[at] = i;
			begins[at] = begin[i] + shift;
			mids[at] = mid[i] + shift;
			ends[at] = end[i] + shift;
			tints[at] = codes ? tintOf[codes[i]] : tint;
			at++;
		}
		row.to = at;
		return at;
	}

	/** Whether a row has a bar between two moments. @param {Row} row @param {number} begin @param {number} end */
	isSeen(row, begin, end) {
		const next = after(this.ends, row.from, row.to, begin);
		return next < row.to && this.begins[next] <= end && row.to > row.from;
	}
}

/**
 * Columns with where the bars of a kind are in time, and in which tint.
 * @param {Shown} shown @param {string} kind @returns {any}
 */
function timesOf({ recording: { bars, tables }, holds, begins, ends, offset, tints }, kind) {
	const tint = Math.max(0, TINTS.indexOf(kind));
	const own = (/** @type {ArrayLike<number>} */ begin, /** @type {ArrayLike<number>} */ end) => ({
		begin,
		mid: begin,
		end,
		tint,
	});
	if (kind === "marks" || kind === "title") return own([], []);
	if (kind === "group") return own(begins, ends);
	if (kind === "held")
		return own(
			holds.map(({ start }) => start),
			holds.map(({ end }) => end),
		);
	const { owner, codes } = tables[kind];
	if (kind === "requests") return { ...bars.requests, offset, tint };
	return { ...bars[kind], offset, owner, tint, ...(kind === "tasks" && { codes: codes.mode, tintOf: tints }) };
}

const NONE = new Float64Array(0);

/** @param {Shown} shown @param {Row} row */
function faultsOf({ recording, offset, selected }, { kind, refs }) {
	const { owner } = recording.tables.tasks;
	/** @type {number[]} */
	const faults = [];
	if (kind === "tasks")
		for (const i of refs) if (recording.endedBadly(i)) faults.push(recording.bars.tasks.end[i] + offset[owner[i]]);
	if (kind === "requests")
		for (const r of refs) if (selected.failed[r]) faults.push(recording.bars.requests.end[r] + offset[r]);
	return faults.length ? Float64Array.from(faults) : NONE; // bars of a row end one after another
}

/**
 * A row of bars of one kind, still without any.
 * @param {string} kind @param {any} band @param {Partial<Row>} more @returns {Row}
 */
export const newRow = (kind, band, more = {}) => ({
	kind,
	band,
	refs: [],
	from: 0,
	to: 0,
	y: 0,
	height: 0,
	gap: 0,
	faults: NONE,
	...more,
});
