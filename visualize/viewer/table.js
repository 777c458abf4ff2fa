// Every request and every task, sortable: the view of those who do not look at pictures.

import { make, named } from "./dom.js";
import { grid } from "./grid.js";
import { statusOf } from "./say.js";
import { count, harmless, time, timeOfDay } from "./words.js";

const PAGE = 100;

/** What is sorted by, straight from the columns: no object a row. */
const KEYS = {
	tasks: {
		at:
			({ recording, table }) =>
			(i) =>
				recording.start[table.owner[i]] + table.times.requested[i],
		name:
			({ recording }) =>
			(i) =>
				recording.value("tasks", "name", i),
		mode:
			({ recording }) =>
			(i) =>
				recording.value("tasks", "mode", i),
		outcome:
			({ recording }) =>
			(i) =>
				recording.value("tasks", "outcome", i) ?? "running",
		held:
			({ table }) =>
			(i) =>
				table.times.released[i] - table.times.requested[i],
		wait:
			({ table }) =>
			(i) =>
				table.times.started[i] - table.times.released[i],
		run:
			({ table }) =>
			(i) =>
				table.times.finished[i] - table.times.started[i],
		request:
			({ recording, table }) =>
			(i) =>
				recording.route(table.owner[i]),
	},
	requests: {
		at:
			({ recording }) =>
			(i) =>
				recording.start[i],
		name:
			({ recording }) =>
			(i) =>
				recording.route(i),
		status:
			({ recording }) =>
			(i) =>
				recording.value("requests", "status", i) ?? NaN,
		response:
			({ table }) =>
			(i) =>
				table.times.response_sent[i],
		tasks:
			({ recording }) =>
			(i) =>
				recording.from.tasks[i + 1] - recording.from.tasks[i],
	},
};
const AT_ONCE = /immediate|spawned/; // modes that hold nothing back
const WORDS = ["name", "mode", "outcome", "request"];

export class RecordTable {
	/** @param {any} app @param {(pin: any) => void} go */
	constructor(app, go) {
		this.app = app;
		this.go = go;
		this.kind = "tasks";
		this.sort = { key: "at", turned: true };
		this.from = 0;
		this.stale = true;
		/** @type {any} */
		this.rows = null;
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

	/** Find the order of all rows: pairs of a recording and a position. */
	order() {
		const {
			kind,
			sort: { key, turned },
		} = this;
		const rows = [];
		const keys = [];
		this.app.shown.forEach(({ recording, selected }, of) => {
			const keyOf = KEYS[kind][key]({ recording, table: recording.tables[kind] });
			const seen = selected[kind];
			for (let i = 0; i < seen.length; i++) if (seen[i]) (keys.push(keyOf(i)), rows.push([of, i]));
		});
		const sign = turned ? -1 : 1;
		const places = Uint32Array.from(keys.keys());
		if (WORDS.includes(key)) places.sort((a, b) => (keys[a] === keys[b] ? a - b : sign * (keys[a] < keys[b] ? -1 : 1)));
		else
			places.sort((a, b) => (keys[a] !== keys[a] ? 1 : keys[b] !== keys[b] ? -1 : sign * (keys[b] - keys[a]) || a - b));
		this.rows = Array.from(places, (place) => rows[place]);
	}

	fill() {
		const { table } = this.app.part;
		if (!this.rows) return;
		const rows = this.rows
			.slice(this.from, this.from + PAGE)
			.map(([of, i]) => ({ of, record: this.app.shown[of].recording.read(this.kind, i) }));
		table.replaceChildren(
			this.tools(),
			grid({
				caption: this.kind === "tasks" ? "Tasks that are shown" : "Requests that are shown",
				columns: this.columns(),
				rows,
				sort: this.sort,
				onSort: (sort) => ((this.sort = sort), (this.from = 0), this.order(), this.fill()),
				onRow: ({ of, record }) => this.go({ type: this.kind, of, index: record.index }),
				isChosen: ({ of, record }) =>
					this.app.pinned?.type === this.kind && this.app.pinned.index === record.index && this.app.pinned.of === of,
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
		const turn = (by, words) =>
			make("button", {
				textContent: words,
				disabled: this.from + by < 0 || this.from + by >= this.rows.length,
				onclick: () => ((this.from += by), this.fill()),
			});
		const last = Math.min(this.from + PAGE, this.rows.length);
		const range = this.rows.length
			? `${(this.from + 1).toLocaleString("en")}–${last.toLocaleString("en")} of ${count(this.rows.length, this.kind.slice(0, -1))}`
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

	choose(kind) {
		Object.assign(this, { kind, sort: { key: "at", turned: true }, from: 0 });
		this.order();
		this.fill();
	}

	columns() {
		const at = { key: "at", title: "at", of: ({ record }) => record.index, cell: ({ record }) => this.clock(record) };
		const label = this.app.compared
			? [
					{
						key: "of",
						title: "run",
						words: true,
						of: ({ of }) => of,
						cell: ({ of }) => named(harmless(this.app.recordings[of].label)),
					},
				]
			: [];
		if (this.kind === "requests")
			return [
				{
					key: "name",
					title: "request",
					words: true,
					of: ({ record }) => record.path,
					cell: ({ record }) => named(harmless(record.recording.title(record.owner))),
				},
				...label,
				at,
				{ key: "status", title: "status", of: () => 0, cell: ({ record }) => statusOf(record) || "–" },
				{ key: "response", title: "response", of: () => 0, cell: ({ record }) => time(record.response_sent) },
				{
					key: "tasks",
					title: "tasks",
					of: () => 0,
					cell: ({ record }) =>
						String(record.recording.from.tasks[record.index + 1] - record.recording.from.tasks[record.index]),
				},
			];
		return [
			{
				key: "name",
				title: "task",
				words: true,
				of: ({ record }) => record.name,
				cell: ({ record }) => named(harmless(record.name) || "–"),
			},
			...label,
			{
				key: "mode",
				title: "mode",
				words: true,
				of: () => 0,
				cell: ({ record }) => make("span", {}, make("i", { className: `swatch ${record.mode}` }), record.mode),
			},
			{ key: "outcome", title: "outcome", words: true, of: () => 0, cell: ({ record }) => outcomeCell(record) },
			at,
			{
				key: "held",
				title: "held back",
				of: () => 0,
				cell: ({ record }) =>
					time(record.released === null || AT_ONCE.test(record.mode) ? null : record.released - record.requested),
				about: "requested until released: what its mode asks for",
			},
			{
				key: "wait",
				title: "wait",
				of: () => 0,
				cell: ({ record }) =>
					time(record.started === null || record.released === null ? null : record.started - record.released),
				about: "released until started: late",
			},
			{
				key: "run",
				title: "run",
				of: () => 0,
				cell: ({ record }) =>
					time(record.finished === null || record.started === null ? null : record.finished - record.started),
				about: "started until finished",
			},
			{
				key: "request",
				title: "request",
				words: true,
				of: () => 0,
				cell: ({ record }) => named(harmless(record.recording.title(record.owner))),
			},
		];
	}

	clock({ recording, owner, requested = 0 }) {
		return timeOfDay(recording.wall[owner] + BigInt(Math.round(requested)));
	}
}

function outcomeCell({ outcome, error, finished }) {
	const ending = outcome ?? (finished === null ? "running" : "ok");
	if (ending === "ok" || ending === "running") return ending;
	return make("b", { className: "bad", textContent: error ? `${ending}: ${harmless(error)}` : ending });
}
