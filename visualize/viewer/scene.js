// Rows of bars, and where each bar stands in time.

import { after } from "./packing.js";
import { extentOf } from "./shown.js";
import { TINTS } from "./tints.js";

/**
 * @typedef {object} Row
 * @property {string} kind  of its bars: group, marks, client, requests, spans, busy, tasks, held
 * @property {any} band @property {number[]} refs  positions in the recording's table
 * @property {number} from @property {number} to  positions in the scene's columns
 * @property {number} y @property {number} height @property {string} [name]
 */

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

	fill(row, at, shown) {
		row.from = at;
		const place = PLACES[row.kind]?.(shown) ?? placeOf(shown, row.kind);
		for (const i of row.refs) {
			this.refs[at] = i;
			place(this, at, i);
			at++;
		}
		/** when what failed in this row did */
		row.faults = faultsOf(shown, row);
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

// How bars of a kind get their places in the columns of a scene.
const PLACES = {
	held:
		({ holds }) =>
		(scene, at, i) => {
			scene.begins[at] = scene.mids[at] = holds[i].start;
			scene.ends[at] = holds[i].end;
			scene.tints[at] = TINTS.indexOf("held");
		},
	group:
		({ begins, ends }) =>
		(scene, at, i) => {
			scene.begins[at] = scene.mids[at] = begins[i];
			scene.ends[at] = ends[i];
		},
	requests:
		({
			recording: {
				bars: { requests },
			},
			offset,
		}) =>
		(scene, at, i) => {
			scene.begins[at] = scene.mids[at] = requests.begin[i] + offset[i];
			scene.ends[at] = requests.end[i] + offset[i];
			scene.tints[at] = TINTS.indexOf("requests");
		},
	tasks:
		({
			recording: {
				bars: { tasks },
				tables: {
					tasks: { owner, codes },
				},
			},
			offset,
			tints,
		}) =>
		(scene, at, i) => {
			const shift = offset[owner[i]];
			scene.begins[at] = tasks.begin[i] + shift;
			scene.mids[at] = tasks.mid[i] + shift;
			scene.ends[at] = tasks.end[i] + shift;
			scene.tints[at] = tints[codes.mode[i]];
		},
};

function placeOf({ recording: { bars, tables }, offset }, kind) {
	const tint = TINTS.indexOf(kind);
	return (scene, at, i) => {
		const shift = offset[tables[kind].owner[i]];
		scene.begins[at] = scene.mids[at] = bars[kind].begin[i] + shift;
		scene.ends[at] = bars[kind].end[i] + shift;
		scene.tints[at] = tint;
	};
}

function faultsOf({ recording, offset, selected }, { kind, refs }) {
	const { owner, codes } = recording.tables.tasks;
	const ok = recording.values.indexOf("ok");
	const faults = [];
	if (kind === "tasks")
		for (const i of refs)
			if (codes.outcome[i] !== ok && codes.outcome[i] >= 0) faults.push(recording.bars.tasks.end[i] + offset[owner[i]]);
	if (kind === "requests")
		for (const r of refs) if (selected.failed[r]) faults.push(recording.bars.requests.end[r] + offset[r]);
	return Float64Array.from(faults); // bars of a row end one after another
}

/** A row of bars of one kind, still without any. */
export const newRow = (kind, band, more = {}) => ({ kind, band, refs: [], from: 0, to: 0, y: 0, height: 0, ...more });
