// Which requests and tasks of a recording a filter leaves.

/** @typedef {import("./recording.js").Recording} Recording */
/** @typedef {import("./recording.js").Table} Table */
/** @typedef {import("./filter.js").Term} Term */
/** @typedef {(i: number) => boolean} Test  of a record, by its position */

/** @type {Record<string, (a: number, b: number) => boolean>} */
const COMPARE = {
	">": (a, b) => a > b,
	">=": (a, b) => a >= b,
	"<": (a, b) => a < b,
	"<=": (a, b) => a <= b,
};

/**
 * What is shown. `requests` and `tasks` say of each whether it is; `hits` of each request whether it is a hit itself.
 * `tally` counts tasks by mode and by outcome: those that the expression leaves, and the other facet.
 * @param {Recording} recording
 * @param {Term[]} terms as `parse` returns them
 * @param {Set<string>} hidden modes and outcomes that are switched off
 */
export function select(recording, terms, hidden) {
	const { size, values, tables } = recording;
	const { owner, codes } = tables.tasks;
	const settled = terms.map((term) => ofRequests(recording, term));
	const open = terms.map((term) => ofTasks(recording, term));
	const hits = new Uint8Array(size).fill(1);
	const refused = new Uint8Array(size); // a negated term is true of the request: no task of it is a hit
	terms.forEach(({ negated }, n) => {
		for (let r = 0; r < size; r++) {
			if (!!settled[n][r] === negated) hits[r] = 0;
			if (negated && settled[n][r]) refused[r] = 1;
		}
	});
	const facets = { modes: valuesHidden(values, hidden), endings: valuesHidden(values, hidden) };
	const running = hidden.has("running");
	/** @type {Map<string, number>} */
	const tally = new Map();
	const counts = { modes: new Float64Array(values.length + 1), endings: new Float64Array(values.length + 1) };
	const tasks = new Uint8Array(tables.tasks.size);
	const requests = new Uint8Array(size);
	let [shown, total] = [0, tasks.length];
	for (let i = 0; i < tasks.length; i++) {
		const r = owner[i];
		if (refused[r] || !holds(terms, settled, open, r, i)) continue;
		const [mode, ending] = [codes.mode[i], codes.outcome[i]];
		const [modeOff, endingOff] = [facets.modes[mode], ending < 0 ? running : facets.endings[ending]];
		if (!endingOff) counts.modes[mode]++;
		if (!modeOff) counts.endings[ending < 0 ? values.length : ending]++;
		if (modeOff || endingOff) continue;
		tasks[i] = requests[r] = 1;
		shown++;
	}
	// With a mode or an outcome switched off, a request without any task that is left would be in the way.
	if (!hidden.size) for (let r = 0; r < size; r++) if (hits[r]) requests[r] = 1;
	for (const one of Object.values(counts))
		one.forEach((n, code) => n && tally.set(code < values.length ? values[code] : "running", n));
	return { requests, tasks, hits, tally, shown, total };
}

/** @param {Term[]} terms @param {Uint8Array[]} settled @param {Test[]} open @param {number} r @param {number} i */
function holds(terms, settled, open, r, i) {
	for (let n = 0; n < terms.length; n++) if (!settled[n][r] && !!open[n](i) === terms[n].negated) return false;
	return true;
}

/** @param {any[]} values @param {Set<string>} hidden */
function valuesHidden(values, hidden) {
	return Uint8Array.from(values, (value) => (typeof value === "string" && hidden.has(value) ? 1 : 0));
}

/** @type {(term: Term) => (value: any) => boolean} */
const holdsText =
	({ text, exact }) =>
	(value) => {
		if (typeof value !== "string") return false;
		const lower = value.toLowerCase();
		return exact ? lower === text : lower.includes(text);
	};

/** Of each request, whether a term is true of the request itself. @param {Recording} recording @param {Term} term */
function ofRequests(recording, term) {
	const {
		size,
		tables: { requests },
	} = recording;
	const found = new Uint8Array(size);
	const test = REQUEST_TERMS[term.of]?.(recording, term, requests);
	if (test) for (let r = 0; r < size; r++) found[r] = test(r) ? 1 : 0;
	return found;
}

/** @type {Record<string, (recording: Recording, term: Term, requests: Table) => Test>} */
const REQUEST_TERMS = {
	word:
		(recording, { text }) =>
		(r) =>
			`${recording.title(r)} ${recording.value("requests", "route", r) ?? ""}`.toLowerCase().includes(text),
	route: (recording, term) => (r) => holdsText(term)(recording.route(r)),
	error: (recording, term) => (r) => holdsText(term)(recording.value("requests", "error", r)),
	method: (recording, term) => (r) => holdsText(term)(recording.value("requests", "method", r)),
	status:
		(recording, { lowest, highest }) =>
		(r) => {
			const status = recording.value("requests", "status", r);
			return status !== null && lowest <= status && status <= highest;
		},
	response:
		(_, { operator, limit }, { times }) =>
		(r) =>
			COMPARE[operator](times.response_sent[r], limit),
};

/** A test of one task, by its position. @param {Recording} recording @param {Term} term @returns {Test} */
function ofTasks(recording, term) {
	const make = TASK_TERMS[term.of];
	return make ? make(recording, term, recording.tables.tasks) : () => false;
}

// Names repeat: each is looked at once.
/** @param {string} field @returns {(recording: Recording, term: Term, tasks: Table) => Test} */
function byValue(field) {
	return ({ values }, term, { codes }) => {
		const test = holdsText(term);
		const known = new Int8Array(values.length).fill(-1);
		const column = codes[field];
		return (i) => {
			const code = column[i];
			if (code < 0) return false;
			if (known[code] < 0) known[code] = test(values[code]) ? 1 : 0;
			return known[code] === 1;
		};
	};
}

/** @type {(from: string, to: string) => (recording: Recording, term: Term, tasks: Table) => Test} */
const lasts =
	(from, to) =>
	(_, { operator, limit }, { times }) =>
	(i) =>
		COMPARE[operator](times[to][i] - times[from][i], limit);

/** @type {Record<string, (recording: Recording, term: Term, tasks: Table) => Test>} */
const TASK_TERMS = {
	word: byValue("name"),
	name: byValue("name"),
	mode: byValue("mode"),
	outcome: byValue("outcome"),
	error: byValue("error"),
	thread:
		({ values }, _, { codes }) =>
		(i) =>
			values[codes.thread[i]] === true,
	wait: lasts("released", "started"),
	run: lasts("started", "finished"),
};
