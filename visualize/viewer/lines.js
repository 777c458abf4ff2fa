// Recordings as lines of JSON: what a live page is told bit by bit, and what is saved.

import { PARTS, Recording, Table } from "./recording.js";

/** What lines have told so far, by request. Told twice, it changes nothing. */
export class Told {
	/** @param {any} format  as columns.py tells it */
	constructor(format, limit = Infinity) {
		this.format = format;
		this.limit = limit;
		/** @type {Map<string, any>} */
		this.requests = new Map();
		this.dropped = 0;
		this.bound = -1n;
	}

	/** Take note of lines of JSON. @param {string} text */
	read(text) {
		for (const line of text.split("\n"))
			// doubles would round long integers
			if (line.trim()) this.merge(JSON.parse(line.replace(/"(\w+)":\s*(-?\d{16,})(?=\s*[,}])/g, '"$1":"$2"')));
	}

	/** @param {Record<string, any>} line */
	merge({ request_start, wall = 0, client, ...fields }) {
		const { id, process = 0 } = fields;
		const key = `${process}:${id}`;
		if (request_start != null && !this.requests.has(key)) this.add(key, BigInt(request_start), BigInt(wall));
		const request = this.requests.get(key);
		if (!request) return;
		this.take(request, "requests", { ...fields, process }, request.clock);
		for (const type of PARTS)
			for (const [index, part] of Object.entries((type === "client" ? client && [client] : fields[type]) ?? {})) {
				const parts = request.parts[type];
				// Of a request with very many tasks only the last are told, by their ids.
				const known =
					parts.get(index) ??
					parts.set(index, type === "tasks" || type === "spans" ? { id: Number(index) } : {}).get(index);
				this.take(known, type, part, request.clock);
			}
	}

	/** @param {string} key @param {bigint} clock @param {bigint} wall */
	add(key, clock, wall) {
		const request = { clock, wall, parts: Object.fromEntries(PARTS.map((type) => [type, new Map()])) };
		if (wall > this.bound) this.requests.set(key, request);
		for (const [oldest, { wall }] of this.requests) {
			if (this.requests.size <= this.limit) return;
			this.requests.delete(oldest);
			if (wall > this.bound) this.bound = wall;
			this.dropped++;
		}
	}

	/**
	 * @param {Record<string, any>} target @param {string} type @param {Record<string, any>} fields
	 * @param {bigint} clock
	 */
	take(target, type, fields, clock) {
		for (const [field, value] of Object.entries(fields))
			if (this.format.TIMES[type].includes(field)) target[field] = value == null ? NaN : Number(BigInt(value) - clock);
			else if (this.format.VALUES[type].includes(field)) target[field] = value;
	}

	/** All that was told, as columns. @param {string} label */
	toRecording(label) {
		const requests = [...this.requests.values()];
		const [values, codeOf] = valueTable();
		/** @type {Record<string, Table>} */
		const tables = { requests: new Table("requests", Int32Array.from(requests.keys()), this.format) };
		requests.forEach((request, r) => fill(tables.requests, r, request, codeOf));
		for (const type of PARTS) {
			const owner = requests.flatMap(({ parts }, r) => Array(parts[type].size).fill(r));
			const table = (tables[type] = new Table(type, Int32Array.from(owner), this.format));
			let i = 0;
			for (const { parts } of requests) for (const part of parts[type].values()) fill(table, i++, part, codeOf);
		}
		return new Recording(
			label,
			this.format,
			values,
			requests.map(({ clock }) => clock),
			requests.map(({ wall }) => wall),
			tables,
			this.dropped,
		);
	}
}

/** @returns {[any[], (value: any) => number]} */
function valueTable() {
	/** @type {any[]} */
	const values = [];
	const known = new Map();
	return [
		values,
		(value) => {
			if (value == null) return -1;
			const key = typeof value === "object" ? JSON.stringify(value) : `${typeof value} ${value}`;
			return known.get(key) ?? (known.set(key, values.push(value) - 1), values.length - 1);
		},
	];
}

/** @type {Record<string, boolean | number>} */
const DEFAULTS = { aborted: false, thread: false, shield: false, tasks_dropped: 0, spans_dropped: 0, busy_dropped: 0 };

/** @param {Table} table @param {number} i @param {Record<string, any>} record @param {(value: any) => number} codeOf */
function fill(table, i, record, codeOf) {
	for (const field in table.times) if (field in record) table.times[field][i] = record[field];
	for (const field in table.codes) table.codes[field][i] = codeOf(record[field] ?? DEFAULTS[field]);
}

/**
 * Write one request as a line of a recording; of its tasks those that `isShown`.
 * @param {Recording} recording @param {number} request
 */
export function toLine(recording, request, isShown = (/** @type {number} */ _) => true) {
	const clock = recording.clock[request];
	const shown = new Set([null, undefined]);
	/** @type {(type: string, i: number) => string[]} */
	const told = (type, i) => {
		const { times, codes } = recording.tables[type];
		const values = Object.keys(codes).map((field) => [field, recording.value(type, field, i)]);
		const moments = Object.entries(times).filter(([, column]) => column[i] === column[i]);
		return [
			...values
				.filter(([field, value]) => value !== null && value !== DEFAULTS[field] && JSON.stringify(value) !== "{}")
				.map(([field, value]) => `"${field}":${JSON.stringify(value)}`),
			...moments.map(([field, column]) => `"${field}":${clock + BigInt(column[i])}`),
		];
	};
	const fields = [
		'"format":1',
		`"wall":${recording.wall[request]}`,
		`"request_start":${clock}`,
		...told("requests", request),
	];
	for (const type of PARTS) {
		const parts = [];
		const [from, to] = recording.range(type, request);
		for (let i = from; i < to; i++) {
			if (type === "tasks" && isShown(i)) shown.add(recording.value("tasks", "id", i));
			if (type === "tasks" ? isShown(i) : type !== "spans" || shown.has(recording.value("spans", "task", i)))
				parts.push(`{${told(type, i)}}`);
		}
		if (parts.length) fields.push(`"${type}":${type === "client" ? parts : `[${parts}]`}`);
	}
	return `{${fields}}\n`;
}
