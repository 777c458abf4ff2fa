// One request as bars on lanes, each task and each span on one of its own: what a trace is made of. As layout/ has it.

import { listOf, range } from "./packing.js";
import { spanWords } from "./say.js";
import { pack } from "./tracks.js";

/**
 * A bar, in nanoseconds on the recording's clock. Those of spans say where their span stands, and whose it is.
 * @typedef {object} Bar
 * @property {number} start @property {number} end @property {boolean} [open] @property {boolean} [backwards]
 * @property {string} kind @property {string} [label] @property {string | null} [line]
 */
/** @typedef {Omit<Bar, "kind"> & {span: number, task: number, label: string}} SpanBar */
/**
 * Bars one after another; a trace says on which track, and what it drew there.
 * @typedef {object} Lane
 * @property {string} kind @property {number | null} task @property {string | null} mode @property {Bar[]} bars
 * @property {Extent[]} drawn @property {import("./tracks.js").Track | null} track
 */
/** @typedef {import("./tracks.js").Extent} Extent */

/** All of one request. `now` is the last moment that anything knows, on the recording's clock. */
export class Block {
	/**
	 * @param {import("./recording.js").Recording} recording @param {number} request @param {number[]} tasks
	 * @param {Record<string, [string, string]>} words @param {number} now
	 */
	constructor(recording, request, tasks, words, now) {
		this.recording = recording;
		this.request = request;
		this.words = words;
		this.now = now;
		this.zero = recording.start[request];
		this.record = recording.read("requests", request);
		this.tasks = tasks.map((i) => recording.read("tasks", i));
		this.positions = new Map(this.tasks.map(({ id }, place) => [id, place]));
		const all = (/** @type {string} */ type) =>
			range(...recording.range(type, request)).map((i) => recording.read(type, i));
		this.spans = all("spans").filter(
			({ task }) => task === null || this.positions.has(task) || recording.taskOf(request, task) < 0,
		);
		this.busy = all("busy");
		this.client = all("client")[0];
		/** the place of the span that each span is inside of */
		this.around = parentsOf(this.spans);
		/** @type {Lane[]} in the order in which their first bar comes */
		this.lanes = [];
		/** @type {SpanBar[]} */
		this.nested = [];
		this.build();
	}

	build() {
		const { client, record } = this;
		if (client)
			this.lane(
				"client",
				null,
				this.phases(client.sent, [
					["waiting", client.answered],
					["receiving", client.received],
				]),
			);
		/** @type {[string, number | null][]} */
		const first =
			record.endpoint_start === null && record.endpoint_end === null
				? [["handling", record.response_start]]
				: [
						["before", record.endpoint_start],
						["endpoint", record.endpoint_end],
					];
		this.lane(
			"request",
			null,
			this.phases(0, [...first, ["sending", record.response_sent], ["after", record.request_end]]),
		);
		const owned = this.branches();
		this.nested.push(...(owned.get(-1) ?? []));
		this.tasks.forEach((task, place) => {
			this.lane("task", place, this.parts(task));
			this.nested.push(...(owned.get(place) ?? []));
		});
		/** @type {import("./tracks.js").Extent[]} */
		const extents = this.busy.map(({ start, end }) => [
			this.zero + Math.min(start, end),
			this.zero + Math.max(start, end),
		]);
		/** @type {Lane[]} */
		const loops = [];
		pack(extents).forEach((lane, n) =>
			(loops[lane] ??= this.lane("loop", null, [])).bars.push({
				start: extents[n][0],
				end: extents[n][1],
				kind: "busy",
				label: this.busy[n].culprit,
				line: this.busy[n].line,
				backwards: this.busy[n].end < this.busy[n].start,
			}),
		);
	}

	/** @param {string} kind @param {number | null} task @param {Bar[]} bars @returns {Lane} */
	lane(kind, task, bars) {
		const lane = { kind, task, mode: task === null ? null : this.tasks[task].mode, bars, drawn: [], track: null };
		this.lanes.push(lane);
		return lane;
	}

	/**
	 * One bar after another; a phase without an end lasts until the next known moment.
	 * @param {number} start @param {[string, number | null][]} steps @returns {Bar[]}
	 */
	phases(start, steps) {
		let at = this.zero + start;
		/** @type {string | null} */
		let kind = null;
		/** @type {Bar[]} */
		const bars = [];
		for (const [step, moment] of steps) {
			kind ??= step;
			if (moment === null) continue;
			const end = Math.max(at, this.zero + moment);
			bars.push({ start: at, end, kind, backwards: this.zero + moment < at });
			[at, kind] = [end, null];
		}
		if (kind !== null) bars.push({ start: at, end: Math.max(at, this.now), kind, open: true });
		return bars;
	}

	/**
	 * What its mode held back, if anything, its wait, and its run, as far as it came.
	 * @param {any} task @returns {Bar[]}
	 */
	parts(task) {
		const { requested, released, started } = task;
		const end = this.endOf(task);
		/** @type {Bar[]} */
		const bars = [];
		/** @type {(kind: string, first: number, last: number | null) => void} */
		const add = (kind, first, last) => {
			const known = last ?? Math.max(first, this.now - this.zero);
			bars.push({
				start: this.zero + Math.min(first, known),
				end: this.zero + Math.max(first, known),
				kind,
				open: last === null,
				backwards: known < first,
			});
		};
		if (released === null) add("held", requested, started ?? end);
		else {
			if (released !== requested) add("held", requested, released);
			add("wait", released, started ?? end);
		}
		if (started !== null) add("run", started, end);
		return bars;
	}

	/** @param {any} task @returns {number | null} */
	endOf({ requested, released, started, finished, outcome }) {
		if (finished !== null || outcome === null || outcome === "abandoned") return finished;
		return Math.max(...[requested, released, started, this.record.endpoint_end].filter((moment) => moment !== null));
	}

	/** Moments of tasks: where each was released, and how it ended. */
	signs() {
		return this.tasks.flatMap((task, place) => {
			const end = this.endOf(task);
			return [
				task.released !== null && { kind: "released", at: this.zero + task.released, task: place },
				task.outcome !== null &&
					task.outcome !== "ok" && { kind: task.outcome, at: end === null ? this.now : this.zero + end, task: place },
			].filter((one) => one !== false);
		});
	}

	marks() {
		return [
			["endpoint end", this.record.endpoint_end],
			["response sent", this.record.response_sent],
		]
			.filter(([, at]) => at !== null)
			.map(([name, at]) => ({ name, at: this.zero + at }));
	}

	/** The spans as bars, by the place of the task that made them, -1 for the request; what holds others first. */
	branches() {
		const { spans } = this;
		const inside = new Map();
		const owner = (/** @type {number} */ n) =>
			spans[n].task === null ? -1 : (this.positions.get(spans[n].task) ?? -1);
		/** @type {(n: number) => SpanBar} */
		const bar = (n) => {
			const { start, end } = spans[n];
			const last = end ?? Math.max(start, this.now - this.zero);
			return {
				start: this.zero + Math.min(start, last),
				end: this.zero + Math.max(start, last),
				open: end === null,
				backwards: last < start,
				span: n,
				task: owner(n),
				label: spanWords(spans[n], this.words),
			};
		};
		const bars = spans.map((_, n) => bar(n));
		this.around.forEach((parent, n) => listOf(inside, parent).push(n));
		for (const list of inside.values())
			list.sort(
				(/** @type {number} */ a, /** @type {number} */ b) =>
					owner(a) - owner(b) || bars[a].start - bars[b].start || a - b,
			);
		const owned = new Map();
		const walk = (/** @type {number} */ n) => {
			listOf(owned, owner(n)).push(bars[n]);
			for (const child of inside.get(n) ?? []) walk(child);
		};
		for (const n of inside.get(null) ?? []) walk(n);
		return owned;
	}

	/** The least and the largest moment of all that is drawn. */
	extent() {
		const times = [...this.lanes.flatMap(({ bars }) => bars), ...this.nested].flatMap(({ start, end }) => [start, end]);
		for (const { at } of [...this.marks(), ...this.signs()]) times.push(at);
		return times.reduce(([least, most], time) => [Math.min(least, time), Math.max(most, time)], [Infinity, -Infinity]);
	}
}

/**
 * The position of the span that each is inside of, null where it is in none; the first of a circle is in none.
 * @param {any[]} spans @returns {(number | null)[]}
 */
export function parentsOf(spans) {
	const places = new Map(spans.map(({ id }, place) => [id, place]));
	/** @type {(number | null)[]} */
	const found = spans.map(({ parent, task }) => {
		const place = parent === null ? undefined : places.get(parent);
		return place === undefined || spans[place].task !== task ? null : place;
	});
	const known = new Set();
	for (let start = 0; start < found.length; start++) {
		/** @type {number[]} */
		const way = [];
		/** @type {number | null} */
		let place = start;
		while (place !== null && !known.has(place) && !way.includes(place)) {
			way.push(place);
			place = found[place];
		}
		if (place !== null && way.includes(place)) found[Math.min(...way.slice(way.indexOf(place)))] = null;
		for (const passed of way) known.add(passed);
	}
	return found;
}
