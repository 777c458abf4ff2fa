// Crowds of bars as rows of pixels: costs pixels, not bars. What failed is painted last.

import { after } from "./packing.js";
import { MODES } from "./words.js";

const FAULT = 2; // pixels

/**
 * The colours of a strip as pixels: solid for what runs, pale for what waits.
 * @param {(token: string) => string} color
 */
export function inksOf(color) {
	const names = [...MODES, "endpoint", "phase", "busy", "span", "paper", "busy"];
	const [solid, pale] = [255, 80].map((alpha) => names.map((name) => pixelOf(color(name), alpha)));
	return { solid, pale, fault: pixelOf(color("error"), 255) };
}

/** @param {string} color @param {number} alpha */
function pixelOf(color, alpha) {
	const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
	return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** @typedef {ReturnType<typeof inksOf>} Inks */

/**
 * Paint a row into a line of pixels, leaping to the next bar that ends in another one.
 * @param {import("./scene.js").Scene} scene @param {import("./scene.js").Row} row
 * @param {Uint32Array} line @param {{begin: number, end: number}} view @param {Inks} inks
 */
export function strip({ begins, mids, ends, tints }, row, line, view, { solid, pale, fault }) {
	const { begin, end } = view;
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
	paintFaults(row.faults, line, begin, scale, fault);
}

/**
 * @param {Float64Array} faults @param {Uint32Array} line @param {number} begin @param {number} scale
 * @param {number} ink
 */
function paintFaults(faults, line, begin, scale, ink) {
	const last = begin + line.length / scale;
	let i = after(faults, 0, faults.length, begin - 1 / scale);
	while (i < faults.length && faults[i] <= last) {
		const x = Math.max(0, Math.min(line.length - FAULT, Math.floor((faults[i] - begin) * scale) - 1));
		for (let n = 0; n < FAULT; n++) line[x + n] = ink;
		i = after(faults, i + 1, faults.length, begin + (x + FAULT) / scale);
	}
}
