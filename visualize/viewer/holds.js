// What held the event loop of each process, once each and one after the other; as answers/loop.py finds it.

import { listOf } from "./packing.js";

const CRUMB = 1e6; // nanoseconds: what is left of a step beside a longer one inside it is no step of its own

/**
 * @typedef {object} Hold
 * @property {number} process @property {number} start @property {number} end  on the recording's clock
 * @property {string} culprit @property {string | null} line
 * @property {number} request @property {number} task  the culprit's positions, -1 where they are there no more
 */

/** @typedef {import("./recording.js").Recording} Recording */

/** All holds of a recording, by process and time. @returns {Hold[]} @param {Recording} recording */
export function holdsOf(recording) {
	const found = new Map();
	const { owner, size } = recording.tables.busy;
	for (let i = 0; i < size; i++) {
		const request = owner[i];
		const process = recording.process(request);
		const [start, end] = [recording.bars.busy.begin[i], recording.start[request] + recording.tables.busy.times.end[i]];
		const key = `${process} ${start} ${end}`;
		const [culprit, task] = [recording.value("busy", "culprit", i), recording.value("busy", "task", i)];
		const own = task !== null || culprit === recording.title(request);
		if (!(end > start) || (!own && found.has(key))) continue;
		found.set(key, {
			process,
			start,
			end,
			culprit,
			line: recording.value("busy", "line", i),
			request: own ? request : -1,
			task: own ? recording.taskOf(request, task) : -1,
		});
	}
	const ordered = [...found.values()].sort((a, b) => a.process - b.process || a.start - b.start || b.end - a.end);
	const processes = new Map();
	for (const hold of ordered) listOf(processes, hold.process).push(hold);
	return [...processes.values()].flatMap((one) => [...apart(one)]);
}

// Cuts holds, in the order of their start, where others begin inside of them.
/** @param {Hold[]} ordered @returns {Generator<Hold>} */
function* apart(ordered) {
	/** @type {Hold[]} */
	const around = [];
	let given = -Infinity;
	for (const hold of ordered) {
		for (let inner = around.at(-1); inner && inner.end <= hold.start; inner = around.at(-1)) {
			around.pop();
			yield* piece(inner, given, inner.end);
			given = Math.max(given, inner.end);
		}
		const outer = around.at(-1);
		if (outer && same(outer, hold)) continue; // one step, watched in two layers
		if (outer) yield* piece(outer, given, hold.start);
		around.push(hold);
		given = hold.start;
	}
	for (const hold of around.reverse()) {
		yield* piece(hold, given, hold.end);
		given = Math.max(given, hold.end);
	}
}

/** @param {Hold} hold @param {number} start @param {number} end */
function* piece(hold, start, end) {
	if (end - start >= Math.min(hold.end - hold.start, CRUMB)) yield { ...hold, start, end };
}

/** @type {(outer: Hold, inner: Hold) => boolean} */
const same = (outer, inner) =>
	inner.end <= outer.end &&
	outer.culprit === inner.culprit &&
	outer.request === inner.request &&
	outer.task === inner.task;

/**
 * The holds that lie between two moments, longest share first.
 * @param {Hold[]} holds @param {number} from @param {number} to @param {number} [process]
 */
export function between(holds, from, to, process) {
	return holds
		.filter((hold) => hold.start < to && hold.end > from && (process === undefined || hold.process === process))
		.sort((a, b) => Math.min(b.end, to) - Math.max(b.start, from) - Math.min(a.end, to) + Math.max(a.start, from));
}
