// A recording as columns: no object a task, so that a million tasks are a few arrays.

import { timeOfDay } from "./words.js";

/** What kinds of records there are, in the order in which a page tells them. */
export const PARTS = ["tasks", "spans", "busy", "client"];

/**
 * All records of one kind. A time is nanoseconds since the start of its request, NaN where it never came;
 * a code is a position in the recording's values, -1 for none; `owner` is the position of its request.
 */
export class Table {
	/** @param {string} type @param {Int32Array} owner @param {Record<string, Record<string, string[]>>} format */
	constructor(type, owner, format) {
		this.type = type;
		this.owner = owner;
		this.size = owner.length;
		/** @type {Record<string, Float64Array>} */
		this.times = {};
		/** @type {Record<string, Int32Array>} */
		this.codes = {};
		for (const field of format.TIMES[type]) this.times[field] = new Float64Array(this.size).fill(NaN);
		for (const field of format.VALUES[type]) this.codes[field] = new Int32Array(this.size).fill(-1);
	}
}

/** @typedef {{begin: Float64Array, mid: Float64Array, end: Float64Array}} Bars  when each begins, runs and ends */

export class Recording {
	/**
	 * @param {string} label @param {any} format @param {any[]} values @param {bigint[]} clock @param {bigint[]} wall
	 * @param {Record<string, Table>} tables @param {number} dropped
	 */
	constructor(label, format, values, clock, wall, tables, dropped = 0) {
		this.label = label;
		this.format = format;
		this.values = values;
		this.clock = clock;
		this.wall = wall;
		this.tables = tables;
		this.dropped = dropped;
		/** @type {any[]} what came with it */
		this.findings = [];
		this.size = clock.length;
		this.ok = values.indexOf("ok");
		this.cancelled = values.indexOf("cancelled");
		this.spawned = values.indexOf("spawned");
		this.lifespan = values.indexOf("lifespan");
		/** how many are requests, and not what the app did in its lifespan */
		this.requests = tables.requests.codes.kind.filter((kind) => kind !== this.lifespan).length;
		/** @type {Record<string, Int32Array>} where the records of each request begin */
		this.from = {};
		for (const type of PARTS) this.from[type] = beginnings(tables[type].owner, this.size);
		this.now = 0; // where open ends are drawn to
		this.start = starts(this);
		this.bars = barsOf(this);
		/** the tasks of each request in the order in which their bars begin */
		this.inTime = inTimeOf(this);
	}

	/** @param {string} type @param {string} field @param {number} i */
	value(type, field, i) {
		const code = this.tables[type].codes[field][i];
		return code < 0 ? null : this.values[code];
	}

	/** @param {string} type @param {string} field @param {number} i */
	time(type, field, i) {
		const time = this.tables[type].times[field][i];
		return time === time ? time : null;
	}

	/** Return one record as an object, for those few that are looked at. @param {string} type @param {number} i */
	read(type, i) {
		const table = this.tables[type];
		/** @type {any} */
		const record = { type, index: i, owner: type === "requests" ? i : table.owner[i], recording: this };
		for (const field in table.times) record[field] = this.time(type, field, i);
		for (const field in table.codes) record[field] = this.value(type, field, i);
		return record;
	}

	/**
	 * Whether a task ended in any way but ok, and nobody meant it to: what user code starts, it also
	 * cancels itself.
	 * @param {number} i
	 */
	endedBadly(i) {
		const { outcome, mode } = this.tables.tasks.codes;
		const ending = outcome[i];
		const meant = ending === this.cancelled && mode[i] === this.spawned;
		return ending >= 0 && ending !== this.ok && !meant;
	}

	/**
	 * The positions of a request's records of one kind: from the first up to before the second.
	 * @param {string} type @param {number} request @returns {[number, number]}
	 */
	range(type, request) {
		return [this.from[type][request], this.from[type][request + 1]];
	}

	/**
	 * The position of a request's task by its id, -1 if it is there no more.
	 * @param {number} request @param {number | null} id
	 */
	taskOf(request, id) {
		if (id == null) return -1;
		const [from, to] = this.range("tasks", request);
		for (let i = from; i < to; i++) if (this.value("tasks", "id", i) === id) return i;
		return -1;
	}

	/**
	 * The position of a request by its process and its number, -1 if there is none.
	 * @param {number} process @param {number} id
	 */
	find(process, id) {
		for (let r = 0; r < this.size; r++)
			if (this.value("requests", "id", r) === id && this.process(r) === process) return r;
		return -1;
	}

	/** The number of the process that answered a request, 0 for one without. @param {number} request @returns {number} */
	process(request) {
		return this.value("requests", "process", request) ?? 0;
	}

	/** The time of day some nanoseconds after a request began. @param {number} request @param {number} ns */
	timeOfDay(request, ns) {
		return timeOfDay(this.wall[request] + BigInt(Math.round(ns)));
	}

	/** @param {number} request */
	title(request) {
		return `${this.value("requests", "method", request)} ${this.value("requests", "path", request)} #${Math.abs(this.value("requests", "id", request))}`;
	}

	/** @param {number} request */
	route(request) {
		return `${this.value("requests", "method", request)} ${this.value("requests", "route", request) ?? this.value("requests", "path", request)}`;
	}
}

/** @param {Int32Array} owner @param {number} size */
function beginnings(owner, size) {
	const from = new Int32Array(size + 1);
	for (let i = 0; i < owner.length; i++) from[owner[i] + 1]++;
	for (let r = 0; r < size; r++) from[r + 1] += from[r];
	return from;
}

// A process keeps one shift, so that a step of the wall clock never reorders what it recorded.
/** @param {Recording} recording */
function starts(recording) {
	const { size } = recording;
	/** @type {{clock: bigint[], wall: bigint[]}} */
	const { clock, wall } = recording;
	const start = new Float64Array(size);
	const first = new Map(); // the earliest request of each process
	for (let r = 0; r < size; r++) {
		const known = first.get(recording.process(r));
		if (known === undefined || clock[r] < clock[known]) first.set(recording.process(r), r);
	}
	/** @type {(request: number) => bigint} */
	const shift = (r) =>
		first.size < 2 ? 0n : wall[first.get(recording.process(r))] - clock[first.get(recording.process(r))];
	for (let r = 0; r < size; r++) start[r] = Number(clock[r] + shift(r) - clock[0] - shift(0));
	return start;
}

/** @param {Recording} recording */
function inTimeOf({ size, from, bars }) {
	const { begin } = bars.tasks;
	const order = new Int32Array(begin.length);
	for (let i = 0; i < order.length; i++) order[i] = i;
	for (let r = 0; r < size; r++) {
		const own = order.subarray(from.tasks[r], from.tasks[r + 1]);
		if (own.some((i, n) => n && begin[i] < begin[own[n - 1]])) own.sort((a, b) => begin[a] - begin[b] || a - b);
	}
	return order;
}

/**
 * When the bar of each record begins, when it starts to run, and when it ends: on the recording's clock.
 * @param {Recording} recording
 */
function barsOf(recording) {
	const { tables, start } = recording;
	let [first, last] = [0, 0];
	for (const type of ["requests", ...PARTS]) {
		const { owner, times } = tables[type];
		for (const field in times) {
			const column = times[field];
			for (let i = 0; i < column.length; i++) {
				const at = start[owner[i]] + column[i];
				if (at > last) last = at;
				if (at < first) first = at;
			}
		}
	}
	recording.now = last + (last - first) / 40 + 1;
	/** @type {Record<string, Bars>} */
	const bars = {};
	for (const type of ["requests", ...PARTS]) bars[type] = EXTENTS[type](recording, tables[type]);
	return bars;
}

/** @param {number} n @returns {Bars} */
const columns = (n) => ({ begin: new Float64Array(n), mid: new Float64Array(n), end: new Float64Array(n) });

/** @param {string} first @param {string[]} lasts @returns {(recording: Recording, table: Table) => Bars} */
function fromTo(first, ...lasts) {
	return ({ start, now }, { owner, times, size }) => {
		const bars = columns(size);
		for (let i = 0; i < size; i++) {
			const zero = start[owner[i]];
			const from = first ? times[first][i] : 0;
			const known = lasts.map((field) => times[field][i]).find((time) => time === time);
			bars.begin[i] = bars.mid[i] = zero + from;
			bars.end[i] = Math.max(zero + from, known === undefined ? now : zero + known);
		}
		return bars;
	};
}

/** @type {Record<string, (recording: Recording, table: Table) => Bars>} */
const EXTENTS = {
	requests: fromTo("", "request_end"),
	spans: fromTo("start", "end"),
	busy: fromTo("start", "end"),
	client: fromTo("sent", "received", "answered"),
	tasks(recording, table) {
		const { start, now, tables, values } = recording;
		const { requested, started, finished, released } = table.times;
		const endpoint = tables.requests.times.endpoint_end;
		const abandoned = values.indexOf("abandoned");
		const bars = columns(table.size);
		for (let i = 0; i < table.size; i++) {
			const zero = start[table.owner[i]];
			const from = requested[i];
			const ended = table.codes.outcome[i];
			let end = finished[i];
			if (end !== end && (ended < 0 || ended === abandoned)) end = now - zero;
			if (end !== end) end = started[i];
			if (end !== end) end = released[i];
			if (end !== end) end = endpoint[table.owner[i]];
			if (end !== end || end < from) end = from;
			if (started[i] > end) end = started[i];
			bars.begin[i] = zero + from;
			bars.mid[i] = zero + (started[i] === started[i] ? Math.max(from, started[i]) : end);
			bars.end[i] = zero + end;
		}
		return bars;
	},
};
