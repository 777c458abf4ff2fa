// Every request and every task, sortable: the view of those who do not look at pictures.

import { make, named, strong } from "./dom.js";
import { grid, ordered } from "./grid.js";
import { endingOf, statusOf, titleOf } from "./say.js";
import { amount, AT_ONCE, count, harmless, time } from "./words.js";

/** @typedef {import("./recording.js").Recording} Recording */
/** @typedef {(recording: Recording) => (i: number) => any} Reader  reads a value of a row straight from the columns */

const PAGE = 100;

/** @type {(name: string) => Reader} */
const field = (name) => (recording) => (i) => recording.value("tasks", name, i);
/** @type {(from: string, to: string) => Reader} */
const lasted = (from, to) => (recording) => {
	const { times } = recording.tables.tasks;
	return (i) => times[to][i] - times[from][i];
};
/** @type {(value: any, record: any) => any} */
const requestCell = (_, record) => named(titleOf(record));
/** @type {(value: any, record: any) => any} */
const clockCell = (_, { recording, owner, requested = 0 }) => recording.timeOfDay(owner, requested);
/** @type {Reading} */
const run = {
	key: "of",
	title: "recording",
	words: true,
	of: (_, of) => () => of,
	cell: (_, { recording }) => named(harmless(recording.label)),
};

/**
 * What the columns are. `of` makes, of a recording and its number, what reads a row's value straight from the columns:
 * no object a row. `cell` writes it, of that value and the record; without it, it is a time.
 * @typedef {object} Reading
 * @property {string} key @property {string} title @property {boolean} [words] @property {string} [about]
 * @property {(recording: any, of: number) => (i: number) => any} of @property {(value: any, record: any) => any} [cell]
 */

/** @type {Record<string, Reading[]>} */
const COLUMNS = {
	tasks: [
		{ key: "name", title: "task", words: true, of: field("name"), cell: (name) => named(harmless(name) || "–") },
		run,
		{
			key: "mode",
			title: "mode",
			words: true,
			of: field("mode"),
			cell: (mode) => make("span", {}, make("i", { className: `swatch ${mode}` }), mode),
		},
		{
			key: "outcome",
			title: "outcome",
			words: true,
			of: (recording) => (i) => recording.value("tasks", "outcome", i) ?? "running",
			cell: outcomeCell,
		},
		{
			key: "at",
			title: "at",
			of:
				({ start, tables: { tasks } }) =>
				(i) =>
					start[tasks.owner[i]] + tasks.times.requested[i],
			cell: clockCell,
		},
		{
			key: "held",
			title: "held back",
			about: "requested until released: what its mode asks for",
			of(recording) {
				const [mode, held] = [field("mode")(recording), lasted("requested", "released")(recording)];
				return (i) => (AT_ONCE.test(mode(i)) ? NaN : held(i));
			},
		},
		{ key: "wait", title: "wait", about: "released until started: late", of: lasted("released", "started") },
		{ key: "run", title: "run", about: "started until finished", of: lasted("started", "finished") },
		{
			key: "request",
			title: "request",
			words: true,
			of: (recording) => (i) => recording.route(recording.tables.tasks.owner[i]),
			cell: requestCell,
		},
	],
	requests: [
		{ key: "name", title: "request", words: true, of: (recording) => (i) => recording.route(i), cell: requestCell },
		run,
		{
			key: "at",
			title: "at",
			of:
				({ start }) =>
				(i) =>
					start[i],
			cell: clockCell,
		},
		{
			key: "status",
			title: "status",
			of: (recording) => (i) => recording.value("requests", "status", i) ?? NaN,
			cell: (_, record) => statusOf(record) || "–",
		},
		{
			key: "response",
			title: "response",
			of:
				({ tables }) =>
				(i) =>
					tables.requests.times.response_sent[i],
		},
		{
			key: "tasks",
			title: "tasks",
			of:
				({ from }) =>
				(i) =>
					from.tasks[i + 1] - from.tasks[i],
			cell: String,
		},
	],
};

export class RecordTable {
	/** @param {import("./app.js").App} app @param {(pin: any) => void} go */
	constructor(app, go) {
		this.app = app;
		this.go = go;
		this.kind = "tasks";
		this.sort = { key: "at", turned: true };
		this.from = 0;
		this.stale = true;
		/** @type {[number, number][]} */
		this.rows = [];
		app.on("filtered", () => ((this.stale = true), (this.from = 0), this.show()));
		app.on("panel", () => this.show());
		app.on("pinned", () => app.panel === "table" && this.fill());
	}

	show() {
		if (this.app.panel !== "table" || !this.stale || !this.app.shown.length) return;
		this.stale = false;
		if (!this.app.shown.some(({ selected }) => selected.shown) && this.kind === "tasks") this.kind = "requests";
		this.order();
		this.fill();
	}

	get columns() {
		return COLUMNS[this.kind].filter((column) => column !== run || this.app.compared);
	}

	/** Find the order of all rows: pairs of a recording and a position. */
	order() {
		const { key, turned } = this.sort;
		/** @type {any} */
		const { of, words } = this.columns.find((column) => column.key === key);
		/** @type {((i: number) => any)[]} */
		const keys = [];
		/** @type {[number, number][]} */
		const rows = [];
		this.app.shown.forEach(({ recording, selected }, n) => {
			keys.push(of(recording, n));
			const seen = this.kind === "tasks" ? selected.tasks : selected.requests;
			for (let i = 0; i < seen.length; i++) if (seen[i]) rows.push([n, i]);
		});
		this.rows = ordered(rows, { of: ([n, i]) => keys[n](i), words }, turned);
	}

	fill() {
		const { app, kind } = this;
		app.part.table.replaceChildren(
			this.tools(),
			grid({
				caption: kind === "tasks" ? "Tasks that are shown" : "Requests that are shown",
				columns: this.columns.map(({ of, cell = time, ...column }) => ({
					...column,
					of: (row) =>
						cell(of(app.recordings[row.of], row.of)(row.index), app.recordings[row.of].read(kind, row.index)),
				})),
				rows: this.rows.slice(this.from, this.from + PAGE).map(([of, index]) => ({ type: kind, of, index })),
				sort: this.sort,
				onSort: (sort) => ((this.sort = sort), (this.from = 0), this.order(), this.fill()),
				onRow: this.go,
				isChosen: ({ type, of, index }) =>
					app.pinned?.type === type && app.pinned?.index === index && app.pinned?.of === of,
			}),
		);
	}

	tools() {
		const kinds = ["tasks", "requests"].map((kind) =>
			make("button", {
				textContent: kind === "tasks" ? "Tasks" : "Requests",
				ariaPressed: String(this.kind === kind),
				onclick: () => this.choose(kind),
			}),
		);
		const turn = (/** @type {number} */ by, /** @type {string} */ words) =>
			make("button", {
				textContent: words,
				disabled: this.from + by < 0 || this.from + by >= this.rows.length,
				onclick: () => ((this.from += by), this.fill()),
			});
		const last = Math.min(this.from + PAGE, this.rows.length);
		const range = this.rows.length
			? `${amount(this.from + 1)}–${amount(last)} of ${count(this.rows.length, this.kind.slice(0, -1))}`
			: `no ${this.kind}`;
		return make(
			"p",
			{ className: "tools" },
			make("span", { className: "panels", role: "group", ariaLabel: "What the table lists" }, ...kinds),
			turn(-PAGE, "Previous 100"),
			turn(PAGE, "Next 100"),
			make("span", { role: "status", textContent: range }),
		);
	}

	/** @param {string} kind */
	choose(kind) {
		Object.assign(this, { kind, sort: { key: "at", turned: true }, from: 0 });
		this.order();
		this.fill();
	}
}

/** @param {any} _ @param {any} record */
function outcomeCell(_, record) {
	const ending = endingOf(record);
	if (/ok|running/.test(ending)) return ending;
	return strong("bad", record.error ? `${ending}: ${harmless(record.error)}` : ending);
}
