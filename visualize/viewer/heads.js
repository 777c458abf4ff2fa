// The heads of rows: what a request is, how it was answered, what it came to.

import { after } from "./packing.js";
import { elide } from "./places.js";
import { statusOf, summaryOf, titleOf } from "./say.js";
import { failed } from "./summary.js";
import { isolated } from "./words.js";

const LEGIBLE = 30; // pixels, less of a name cannot be read

/** @typedef {import("./paint.js").Painter} Painter */
/** @typedef {import("./scene.js").Row} Row */
/** @typedef {[string, string, boolean?]} Part  how it looks, what it says, whether it may be shortened */

/** @param {Painter} painter @param {Row} row */
export function heads(painter, row) {
	const { band } = row;
	const y = painter.yOf(row) + row.height / 2 + 1;
	const sign = band.shared ? "" : band.folded ? "▸" : "▾";
	if (row.kind === "title")
		return line(painter, row, y, 8, painter.width - 8, [
			["muted", sign],
			["muted", band.label],
			["strong", isolated(band.title), true],
		]);
	if (band.shared) return sharedHeads(painter, row, y);
	const { recording } = painter.shown[band.of];
	const record = recording.read("requests", band.request);
	line(painter, row, y, 8, painter.width - 8, [
		["muted", sign],
		["strong", isolated(band.label)],
		["strong", titleOf(record), true],
		[statusLook(recording, band.request), statusOf(record)],
		["muted", summaryOf(record, band.undrawn)],
	]);
}

/** @param {import("./recording.js").Recording} recording @param {number} request */
function statusLook(recording, request) {
	return failed(recording, request) || recording.read("requests", request).aborted ? "failed" : "muted";
}

/** @param {Painter} painter @param {Row} row @param {number} y */
export function sharedHeads(painter, row, y) {
	const { scene, view, width } = painter;
	const least = (40 / width) * (view.end - view.begin);
	for (let at = after(scene.ends, row.from, row.to, view.begin); at < row.to && scene.begins[at] <= view.end; at++) {
		if (scene.ends[at] - scene.begins[at] < least) continue;
		const { recording } = painter.shown[row.band.of];
		const record = recording.read("requests", scene.refs[at]);
		const next = at + 1 < row.to ? painter.reach(scene.begins[at + 1]) : width;
		line(
			painter,
			row,
			y,
			Math.max(6, painter.reach(scene.begins[at])),
			Math.min(width - 8, Math.max(painter.reach(scene.ends[at]), next - 8)) - 8,
			[
				["strong", titleOf(record), true],
				[statusLook(recording, scene.refs[at]), statusOf(record)],
				["muted", summaryOf(record)],
			],
		);
	}
}

/**
 * Write texts beside each other; the one that may be shortened leaves room for the others.
 * @param {Painter} painter @param {Row} row @param {number} y
 * @param {number} left
 * @param {number} right @param {Part[]} parts
 */
export function line(painter, row, y, left, right, parts) {
	const said = parts.filter(([, words]) => words);
	const strong = (/** @type {string} */ look) => /strong|failed/.test(look);
	const width = (/** @type {Part} */ [look, words]) => painter.widthOf(words, strong(look)) + 10;
	const fixed = said
		.slice(0, -1)
		.filter(([, , shrinks]) => !shrinks)
		.reduce((sum, part) => sum + width(part), 0);
	for (const [look, words, shrinks] of said) {
		const room = shrinks
			? Math.max(right - left - fixed - Math.min(160, (right - left) / 4), (right - left) / 3)
			: right - left;
		const shown =
			(!shrinks || room >= LEGIBLE) &&
			elide(words, Math.min(room, right - left), (text) => painter.widthOf(text, strong(look)), { middle: shrinks });
		if (shown && painter.places.take(row, left - 2, left + width([look, shown]) - 6)) {
			painter.write(look, shown, left, y);
			left += width([look, shown]);
		} else if (shrinks) return; // what follows says nothing without it
	}
}
