// From a victim to what held it up, and back.

import { between } from "./holds.js";

/** @typedef {import("./shown.js").Shown} Shown */
/** @typedef {import("./app.js").Pin} Pin */
/** @typedef {{type: string, index: number, owner: number}} Owned  a record, and its request */

const WORTH = 1e6; // nanoseconds: shorter delays are not drawn
const MOST = 12;

/**
 * When a task waited for its start, or a request for its response, on the recording's clock; null if never.
 * @param {Pick<Shown, "recording">} shown @param {Owned} record @returns {[number, number] | null}
 */
export function waitOf({ recording }, { type, index, owner }) {
	const zero = recording.start[owner];
	if (type === "tasks") {
		const { released, started } = recording.tables.tasks.times;
		const [from, to] = [released[index], started[index]];
		return to > from ? [zero + from, zero + to] : null;
	}
	const sent = recording.tables.requests.times.response_sent[index];
	return sent > 0 ? [zero, zero + sent] : null;
}

/**
 * What held the event loop while this waited: positions of holds, those that cost it most first.
 * @param {Shown} shown @param {Owned} record
 */
export function culpritsOf(shown, record) {
	if (record.type !== "tasks" && record.type !== "requests") return [];
	const { recording, holds } = shown;
	const wait = waitOf(shown, record);
	if (!wait) return [];
	const own = (/** @type {import("./holds.js").Hold} */ hold) =>
		hold.request === record.owner && (record.type === "requests" ? hold.task < 0 : hold.task === record.index);
	return between(holds, wait[0], wait[1], recording.process(record.owner))
		.map((hold) => ({
			hold,
			index: holds.indexOf(hold),
			cost: Math.min(hold.end, wait[1]) - Math.max(hold.start, wait[0]),
		}))
		.filter(({ hold, cost }) => cost >= WORTH && !own(hold))
		.slice(0, 3);
}

/**
 * Every task of a process that worked in a thread: its position, and from when to when.
 * @param {Shown["recording"]} recording @param {number} process @returns {Generator<[number, number, number]>}
 */
function* inThreads(recording, process) {
	const { owner, codes, times } = recording.tables.tasks;
	for (let i = 0; i < owner.length; i++) {
		if (recording.values[codes.thread[i]] !== true || !(times.started[i] >= 0)) continue;
		if (recording.process(owner[i]) !== process) continue;
		const zero = recording.start[owner[i]];
		yield [i, zero + times.started[i], times.finished[i] >= 0 ? zero + times.finished[i] : recording.now];
	}
}

/** So many threads worked at once, at most. @param {[number, number, number][]} working */
function mostThreads(working) {
	const starts = Float64Array.from(working, ([, start]) => start).sort();
	const ends = Float64Array.from(working, ([, , end]) => end).sort();
	let [most, ended] = [0, 0];
	starts.forEach((start, n) => {
		while (ends[ended] <= start) ended++;
		most = Math.max(most, n + 1 - ended);
	});
	return most;
}

/**
 * Which tasks kept the threads while this one waited for one, those that kept one longest first; none if
 * threads were free for most of that time.
 * @param {Shown} shown @param {Owned & {thread?: boolean}} record
 */
export function keepersOf(shown, record) {
	const wait = record.type === "tasks" && record.thread ? waitOf(shown, record) : null;
	if (!wait || wait[1] - wait[0] < WORTH) return [];
	const { recording } = shown;
	const working = [...inThreads(recording, recording.process(record.owner))];
	const found = working
		.map(([index, start, end]) => ({ index, cost: Math.min(end, wait[1]) - Math.max(start, wait[0]) }))
		.filter(({ index, cost }) => cost > 0 && index !== record.index);
	const kept = found.reduce((sum, { cost }) => sum + cost, 0);
	if (kept < (mostThreads(working) * (wait[1] - wait[0])) / 2) return [];
	return found.filter(({ cost }) => cost >= WORTH).sort((a, b) => b.cost - a.cost);
}

/**
 * Which holds are those of a task or of a request.
 * @param {Shown} shown @param {{type: string, index: number}} record @returns {number[]}
 */
export function holdsBy({ holds }, { type, index }) {
	if (type === "held") return [index];
	if (type === "busy") return [];
	return holds.flatMap((hold, at) =>
		(type === "tasks" ? hold.task === index : hold.task < 0 && hold.request === index) ? [at] : [],
	);
}

/**
 * Who waited while the loop was held: tasks and requests, those that lost most first.
 * @param {Shown} shown @param {number} at
 */
export function victimsOf(shown, at) {
	const { recording, holds, selected } = shown;
	const hold = holds[at];
	/** @type {(Owned & {cost: number, weight: number})[]} */
	const found = [];
	/** @type {(type: string, index: number, owner: number) => void} */
	const look = (type, index, owner) => {
		if (recording.process(owner) !== hold.process) return;
		if (hold.request === owner && (type === "tasks" ? hold.task === index : true)) return;
		const wait = waitOf(shown, { type, index, owner });
		if (!wait) return;
		const cost = Math.min(hold.end, wait[1]) - Math.max(hold.start, wait[0]);
		// Who waited for something else besides lost less to it.
		if (cost >= WORTH) found.push({ type, index, owner, cost, weight: (cost * cost) / (wait[1] - wait[0]) });
	};
	for (let i = 0; i < recording.tables.tasks.size; i++)
		if (selected.tasks[i]) look("tasks", i, recording.tables.tasks.owner[i]);
	for (let r = 0; r < recording.size; r++) if (selected.requests[r]) look("requests", r, r);
	return found.sort((a, b) => b.weight - a.weight).slice(0, MOST);
}

/**
 * The lines to draw for what is chosen: pairs of a victim and a culprit.
 * @param {Shown} shown @param {Owned} record @param {number} of @returns {[Pin, Pin][]}
 */
export function linksOf(shown, record, of) {
	const held = holdsBy(shown, record).slice(0, 3);
	/** @type {[Pin, Pin][]} */
	const culprits = culpritsOf(shown, record).map(({ index }) => [
		{ type: record.type, index: record.index, of },
		{ type: "held", index, of },
	]);
	const victims = held.flatMap((at) =>
		victimsOf(shown, at).map(({ type, index }) => /** @type {[Pin, Pin]} */ ([
			{ type, index, of },
			{ type: "held", index: at, of },
		])),
	);
	return [...culprits, ...victims];
}
