// How high each row is and where it stands: rows grow with what is in view, and what does not fit scrolls.

export const ROOMY = 26; // pixels of a row that can be read at ease
export const LABELLED = 15; // less, and there is no room for a name
const EASY = 22;
const LEAST = 2;
const PITCHES = [...Array.from({ length: ROOMY - 3 }, (_, n) => ROOMY - n), 3.5, 3, 2.5, LEAST];
const HEAD = 28;

/**
 * @typedef {import("./scene.js").Row} Row
 * @typedef {import("./scene.js").Scene} Scene
 */

/**
 * Give every row its place. Rows without a bar between `begin` and `end` have no height.
 * @param {Scene} scene
 * @param {{begin: number, end: number}} view
 * @param {number} room pixels
 * @param {number} least of a row of bars, if they need not all fit
 */
export function stack(scene, view, room, least = LEAST) {
	const margin = (view.end - view.begin) * 0.02;
	const seen = new Set(scene.rows.filter((row) => scene.isSeen(row, view.begin - margin, view.end + margin)));
	const bands = new Set([...seen].map(({ band }) => band));
	const marked = new Set([...seen].filter(({ kind }) => kind === "requests").map(({ band }) => band));
	for (const row of scene.rows)
		if (row.kind === "title" ? bands.has(row.band) : row.kind === "marks" && marked.has(row.band)) seen.add(row);
	// A request whose bar is out of view is still named while any task of it is in view.
	for (const row of scene.rows) if (bands.has(row.band) && row.kind === "group" && !row.band.shared) seen.add(row);
	let pitch = highest(least, (pitch) => place(scene, seen, pitch) <= room);
	if (place(scene, seen, pitch) > room && pitch >= LABELLED) place(scene, seen, (pitch = EASY)); // what scrolls anyway need not be narrow
	return pitch;
}

/**
 * The highest pitch that fits, or the least one: the lower they are, the less room rows take.
 * @param {number} least @param {(pitch: number) => boolean} fits
 */
function highest(least, fits) {
	let [from, to] = [0, PITCHES.indexOf(least)];
	while (from < to) {
		const middle = (from + to) >> 1;
		if (fits(PITCHES[middle])) to = middle;
		else from = middle + 1;
	}
	return PITCHES[from];
}

/** @param {Scene} scene @param {Set<Row>} seen @param {number} pitch */
function place(scene, seen, pitch) {
	let y = 0;
	/** @type {any} */
	let band = null;
	for (const row of scene.rows) {
		if (row.band !== band) {
			if (y && seen.has(row) && pitch >= LABELLED) y += 12;
			band = row.band;
		}
		row.y = y;
		row.height = seen.has(row) ? heightOf(row, pitch) : 0;
		row.gap = row.height >= 8 ? Math.round(row.height / 5) : row.height > 3 ? 1 : 0;
		y += row.height;
		band.bottom = y;
	}
	return (scene.height = y);
}

/** @param {Row} row @param {number} pitch */
function heightOf({ kind, band }, pitch) {
	if (kind === "title") return Math.max(18, Math.min(HEAD, pitch));
	if (kind === "group") return pitch >= LABELLED ? HEAD : band.shared ? (pitch > 4 ? 2 : 0) : pitch;
	if (kind === "marks") return pitch >= LABELLED ? 16 : 0;
	if (kind === "spans") return Math.min(16, pitch);
	if (kind === "requests" && band.shared && pitch < LABELLED) return Math.max(2, pitch / 2);
	return pitch;
}
