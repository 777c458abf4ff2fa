// What changed between two recordings: rows matched by route and by task, what changed most first.

import { make, named, strong } from "./dom.js";
import { grid, ordered } from "./grid.js";
import { duration, harmless } from "./words.js";

const write = { errors: (n) => n.toLocaleString("en"), held: (ns) => (ns ? duration(ns) : "–") };

export class Compare {
	/** @param {any} app @param {(row: any, find: typeof pairOf) => void} go */
	constructor(app, go) {
		this.app = app;
		this.go = go;
		this.sort = null;
		app.on("panel", () => this.show());
		app.on("filtered", () => this.show());
	}

	show() {
		const { app } = this;
		if (app.panel !== "compare" || !app.data.changes || !app.recordings.length) return;
		const rows = app.data.changes.map((row, order) => ({ ...row, order }));
		const sorted = this.sort
			? ordered(
					rows,
					this.columns().find(({ key }) => key === this.sort.key),
					this.sort.turned,
				)
			: rows;
		const [before, after] = app.recordings.map(({ label }) => named(harmless(label)));
		app.part.compare.replaceChildren(
			make(
				"p",
				{ className: "headline" },
				make("strong", {}, before),
				" against ",
				make("strong", {}, after),
				": what changed most comes first; a difference that chance or a busy machine explains is noise, and stands without a percentage. A click shows one pair in the lanes.",
			),
			make(
				"div",
				{ className: "wide", tabIndex: 0, role: "region", ariaLabel: "Table of changes" },
				grid({
					caption: "Before → after",
					columns: this.columns(),
					rows: sorted,
					sort: this.sort,
					onSort: (sort) => ((this.sort = sort), this.show()),
					onRow: (row) => this.go(row, pairOf),
				}),
			),
		);
	}

	columns() {
		const by = (measure, percent, title) => ({
			key: title,
			title,
			of: (row) => Math.abs(shiftOf(row, measure, percent)?.share ?? 0),
			cell: (row) => shiftCell(shiftOf(row, measure, percent), write[measure] ?? duration),
		});
		return [
			{
				key: "name",
				title: "what",
				words: true,
				of: (row) => row.name,
				cell: (row) =>
					make(
						"span",
						{},
						row.kind === "task" ? make("i", { className: `swatch ${row.mode}` }) : "",
						named(harmless(row.name)),
						make("small", { textContent: ` ${row.mode || row.kind}` }),
					),
			},
			{
				key: "verdict",
				title: "verdict",
				words: true,
				of: (row) => row.verdict,
				cell: ({ verdict }) => strong(verdictLook(verdict), verdict),
			},
			{
				key: "n",
				title: "n",
				of: (row) => row.after ?? 0,
				cell: (row) => `${row.before?.toLocaleString("en") ?? "–"} → ${row.after?.toLocaleString("en") ?? "–"}`,
			},
			by("response", 50, "response p50"),
			by("response", 95, "response p95"),
			by("wait", 95, "wait p95"),
			by("run", 50, "run p50"),
			by("run", 95, "run p95"),
			by("errors", null, "failed"),
			by("held", null, "held the loop"),
		];
	}
}

const verdictLook = (verdict) =>
	verdict === "noise" ? "noise" : /slower|more/.test(verdict) ? "bad" : /faster|less/.test(verdict) ? "good" : "";

const shiftOf = ({ shifts }, measure, percent) =>
	shifts.find((one) => one.measure === measure && one.percent === percent);

function shiftCell(shift, words) {
	if (!shift || (!shift.before && !shift.after)) return "–";
	const share =
		shift.share === null
			? "new"
			: `${shift.share > 0 ? "+" : shift.share < 0 ? "−" : ""}${Math.abs(Math.round(100 * shift.share))} %`;
	return make(
		"span",
		{ className: shift.verdict === "noise" ? "noise" : "" },
		`${words(shift.before)} → ${words(shift.after)} `,
		shift.verdict !== "noise" && strong(verdictLook(shift.verdict), share),
	);
}

/** The pair of requests, one of each recording, that stand for a row: those at p95 of what it measures. */
function pairOf(shown, { kind, name, mode }) {
	return shown.map(({ recording, selected }, of) => {
		const found = [];
		const { tasks, requests } = recording.tables;
		if (kind === "route") {
			for (let r = 0; r < recording.size; r++)
				if (selected.requests[r] && recording.route(r) === name) found.push([requests.times.response_sent[r] || 0, r]);
		} else
			for (let i = 0; i < tasks.size; i++)
				if (
					selected.tasks[i] &&
					recording.value("tasks", "name", i) === name &&
					recording.value("tasks", "mode", i) === mode
				)
					found.push([tasks.times.finished[i] - tasks.times.released[i] || 0, i]);
		found.sort(([a], [b]) => a - b);
		const at = found[Math.max(0, Math.ceil(0.95 * found.length) - 1)];
		return at ? { type: kind === "route" ? "requests" : "tasks", of, index: at[1] } : null;
	});
}
