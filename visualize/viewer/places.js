// Which places are taken in a row: one list a row decides, so that labels never overlap.

import { listOf } from "./packing.js";

const FEWEST = 3; // letters by which a name is known again

/** @typedef {import("./scene.js").Row | "ruler"} Row  what has places */

export class Places {
	constructor() {
		/** @type {Map<Row, [number, number][]>} */
		this.rows = new Map();
	}

	/**
	 * Take the stretch of a row from `from` to `to`, unless some of it is taken.
	 * @param {Row} row @param {number} from @param {number} to
	 */
	take(row, from, to) {
		if (!this.isFree(row, from, to)) return false;
		this.block(row, from, to);
		return true;
	}

	/** Take it, whatever stands there. @param {Row} row @param {number} from @param {number} to */
	block(row, from, to) {
		listOf(this.rows, row).push([from, to]);
	}

	/** @param {Row} row @param {number} from @param {number} to */
	isFree(row, from, to) {
		return !this.rows.get(row)?.some(([begin, end]) => begin < to && from < end);
	}

	/**
	 * How far to the right of `from` the row is free, up to `to`.
	 * @param {Row} row @param {number} from @param {number} to
	 */
	roomRight(row, from, to) {
		let room = to;
		for (const [begin, end] of this.rows.get(row) ?? []) if (end > from && begin < room) room = Math.max(from, begin);
		return room;
	}

	/**
	 * How far to the left of `to` the row is free, down to `from`.
	 * @param {Row} row @param {number} to @param {number} from
	 */
	roomLeft(row, to, from) {
		let room = from;
		for (const [begin, end] of this.rows.get(row) ?? []) if (begin < to && end > room) room = Math.min(to, end);
		return room;
	}
}

/**
 * Shorten a text in its middle or at its end until it is no wider than `room`; "" if hardly any is left.
 * @param {string} text @param {number} room @param {(text: string) => number} widthOf
 */
export function elide(text, room, widthOf, { middle = false } = {}) {
	if (widthOf(text) <= room) return text;
	const letters = Array.from(text);
	/** @param {number} keep */
	const short = (keep) => {
		if (!middle) return `${letters.slice(0, keep).join("")}…`;
		const head = Math.ceil(keep / 2);
		return `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (keep - head)).join("")}`;
	};
	let [least, most] = [0, letters.length - 1];
	while (least < most) {
		const half = (least + most + 1) >> 1;
		if (widthOf(short(half)) <= room) least = half;
		else most = half - 1;
	}
	return least >= FEWEST && widthOf(short(least)) <= room ? short(least) : "";
}
