// A recording in numbers: a row for each route, each kind of task, each kind of span; as answers/summary.py has it.

/**
 * @typedef {{n: number, p50: number, p95: number, p99: number, max: number}} Spread
 * @typedef {object} Row
 * @property {string} kind  route, task or span @property {string} name @property {string} mode
 * @property {number} n @property {number} errors @property {number} held
 * @property {Spread | null} response @property {Spread | null} wait @property {Spread | null} run
 */

/** @typedef {import("./recording.js").Recording} Recording */
/** @typedef {import("./shown.js").Selected} Selected */
/** @typedef {(kind: string, name: string, mode: string) => Group} Of  finds what is collected for a row */

/** Durations that are collected for one row. */
class Durations {
	constructor() {
		this.found = new Float64Array(64);
		this.n = 0;
		this.total = 0;
	}

	/** @param {number} duration */
	add(duration) {
		if (duration !== duration) return;
		if (this.n === this.found.length) {
			const more = new Float64Array(2 * this.n);
			more.set(this.found);
			this.found = more;
		}
		this.found[this.n++] = duration;
		this.total += duration;
	}

	/** Percentiles by nearest rank, null of none. @returns {Spread | null} */
	get spread() {
		const { n } = this;
		if (!n) return null;
		const ordered = this.found.subarray(0, n).sort();
		const at = (/** @type {number} */ percent) => ordered[Math.max(Math.ceil((percent * n) / 100), 1) - 1];
		return { n, p50: at(50), p95: at(95), p99: at(99), max: ordered[n - 1] };
	}
}

class Group {
	/** @param {string} kind @param {string} name @param {string} mode */
	constructor(kind, name, mode) {
		this.kind = kind;
		this.name = name;
		this.mode = mode;
		this.n = this.errors = this.held = 0;
		this.response = new Durations();
		this.wait = new Durations();
		this.run = new Durations();
	}

	get total() {
		return this.response.total + this.wait.total + this.run.total;
	}

	/** @returns {Row} */
	get row() {
		const { kind, name, mode, n, errors, held } = this;
		return {
			kind,
			name,
			mode,
			n,
			errors,
			held,
			response: this.response.spread,
			wait: this.wait.spread,
			run: this.run.spread,
		};
	}
}

/**
 * Sum up what is shown of a recording; all of it without `shown`.
 * @param {Recording} recording @param {import("./holds.js").Hold[]} holds @param {Selected | null} shown
 * @returns {{routes: Row[], tasks: Row[], spans: Row[]}}
 */
export function summary(recording, holds, shown = null) {
	/** @type {Record<string, Map<string, Group>>} */
	const groups = { route: new Map(), task: new Map(), span: new Map() };
	/** @type {Of} */
	const of = (kind, name, mode) => {
		const key = `${mode} ${name}`;
		const group = groups[kind].get(key) ?? new Group(kind, name, mode);
		groups[kind].set(key, group);
		return group;
	};
	addRequests(recording, shown, of);
	countTasks(recording, shown, of);
	addSpans(recording, shown, of);
	for (const { culprit, request, task, start, end } of holds) {
		if (task >= 0 ? shown && !shown.tasks[task] : request < 0 || (shown && !shown.requests[request])) continue;
		if (task >= 0)
			of("task", recording.value("tasks", "name", task), recording.value("tasks", "mode", task)).held += end - start;
		else if (culprit === recording.title(request)) of("route", recording.route(request), "").held += end - start;
	}
	const rows = (/** @type {string} */ kind) =>
		[...groups[kind].values()].sort((a, b) => b.total - a.total).map((group) => group.row);
	return { routes: rows("route"), tasks: rows("task"), spans: rows("span") };
}

/**
 * Whether a request failed: it was answered with 500 or above, or it never was.
 * @param {Recording} recording @param {number} request
 */
export function failed(recording, request) {
	const status = recording.value("requests", "status", request);
	return status !== null && status >= 400 ? status >= 500 : recording.value("requests", "error", request) !== null;
}

/** @param {Recording} recording @param {Selected | null} shown @param {Of} of */
function addRequests(recording, shown, of) {
	const { response_sent } = recording.tables.requests.times;
	for (let r = 0; r < recording.size; r++) {
		if (shown && !shown.requests[r]) continue;
		const group = of("route", recording.route(r), "");
		group.n++;
		if (failed(recording, r)) group.errors++;
		group.response.add(response_sent[r]);
	}
}

/** @param {Recording} recording @param {Selected | null} shown @param {Of} of */
function countTasks(recording, shown, of) {
	const {
		size,
		codes,
		times: { released, started, finished },
	} = recording.tables.tasks;
	const known = new Map();
	for (let i = 0; i < size; i++) {
		if (shown && !shown.tasks[i]) continue;
		const key = codes.name[i] * 1e6 + codes.mode[i];
		let group = known.get(key);
		if (!group)
			known.set(key, (group = of("task", recording.value("tasks", "name", i), recording.value("tasks", "mode", i))));
		group.n++;
		if (recording.endedBadly(i)) group.errors++;
		group.wait.add(started[i] - released[i]);
		group.run.add(finished[i] - started[i]);
	}
}

/** @param {Recording} recording @param {Selected | null} shown @param {Of} of */
function addSpans(recording, shown, of) {
	const {
		size,
		owner,
		codes,
		times: { start, end },
	} = recording.tables.spans;
	for (let i = 0; i < size; i++) {
		if (shown && !shown.requests[owner[i]]) continue;
		const made = shown ? recording.taskOf(owner[i], recording.value("spans", "task", i)) : -1;
		if (made >= 0 && !shown?.tasks[made]) continue;
		const group = of("span", recording.value("spans", "name", i), recording.value("spans", "kind", i));
		group.n++;
		if (codes.error[i] >= 0) group.errors++;
		group.run.add(end[i] - start[i]);
	}
}

/**
 * How many others of a task's kind ran, or waited, for less time than it did, for more, and at all.
 * @param {Recording} recording @param {number} task @param {string} from @param {string} to
 */
export function rankOf(recording, task, from, to) {
	const { size, codes, times } = recording.tables.tasks;
	const own = times[to][task] - times[from][task];
	let [below, above, all] = [0, 0, 0];
	for (let i = 0; i < size; i++) {
		if (codes.name[i] !== codes.name[task] || codes.mode[i] !== codes.mode[task]) continue;
		const other = times[to][i] - times[from][i];
		if (other !== other || i === task) continue;
		all++;
		if (other < own) below++;
		else if (other > own) above++;
	}
	return { below, above, all };
}
