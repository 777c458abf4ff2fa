// A recording with what a filter leaves of it, placed in time.

import { TINTS } from "./tints.js";

/**
 * @typedef {import("./recording.js").Recording} Recording
 * @typedef {ReturnType<typeof import("./select.js").select> & {failed: Uint8Array}} Selected
 */

/** A recording with what a filter leaves of it, and where each of its requests has its zero. */
export class Shown {
	/**
	 * @param {Recording} recording @param {Selected} selected
	 * @param {string} align  where zero is: `clock`, `request_start`, `response_sent`
	 * @param {import("./holds.js").Hold[]} holds
	 */
	constructor(recording, selected, align, holds) {
		this.recording = recording;
		this.selected = selected;
		this.holds = holds;
		this.align = align;
		this.offset = new Float64Array(recording.size);
		/** when each request begins and ends, with all that is shown of it */
		this.begins = new Float64Array(recording.size);
		this.ends = new Float64Array(recording.size);
		/** the requests that are shown, in time order */
		this.order = new Int32Array(0);
		/** the tint of each value that is a mode */
		this.tints = Uint8Array.from(recording.values, (value) =>
			typeof value === "string" ? Math.max(0, TINTS.indexOf(value)) : 0,
		);
		/** how many, and how many of those are requests */
		this.count = this.requests = 0;
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
		const {
			recording: { size, bars, tables, lifespan },
			selected,
			offset,
		} = this;
		for (let r = 0; r < size; r++)
			[this.begins[r], this.ends[r]] = [bars.requests.begin[r] + offset[r], bars.requests.end[r] + offset[r]];
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
			if (tables.requests.codes.kind[r] !== lifespan) this.requests++;
			if (this.begins[r] < this.begin) this.begin = this.begins[r];
			if (this.ends[r] > this.end) this.end = this.ends[r];
		}
		this.order = new Int32Array(this.count);
		let [at, isSorted] = [0, true];
		for (let r = 0; r < size; r++) {
			if (!selected.requests[r]) continue;
			isSorted &&= at === 0 || this.begins[this.order[at - 1]] <= this.begins[r];
			this.order[at++] = r;
		}
		if (!isSorted) this.order.sort((a, b) => this.begins[a] - this.begins[b] || a - b);
	}

	/**
	 * When the bars of a kind begin and end, on the axis.
	 * @param {string} type @returns {{begin: Float64Array, end: Float64Array}}
	 */
	barsOf(type) {
		const { recording, offset } = this;
		const { begin, end } = recording.bars[type];
		if (this.align === "clock") return { begin, end };
		const { owner } = recording.tables[type];
		return { begin: begin.map((at, i) => at + offset[owner[i]]), end: end.map((at, i) => at + offset[owner[i]]) };
	}

	/**
	 * The requests that are seen between two moments, in time order; `most` + 1 at most.
	 * @param {number} begin @param {number} end @param {number} most
	 */
	within(begin, end, most = Infinity) {
		const found = [];
		for (const r of this.order) {
			if (this.begins[r] > end) break;
			if (this.ends[r] >= begin && found.push(r) > most) break;
		}
		return found;
	}
}

/** @param {Shown[]} shown @returns {[number, number]} */
export function extentOf(shown) {
	const begin = Math.min(...shown.map((one) => one.begin));
	const end = Math.max(...shown.map((one) => one.end));
	return begin <= end ? [begin, end] : [0, 1e6];
}
