// What changed between two recordings: rows matched by route and by task, what changed most first.

import { make, named, strong } from "./dom.js";
import { grid, kindCell, ordered } from "./grid.js";
import { amount, count, duration, harmless } from "./words.js";

/**
 * How far a measure moved, as page.py tells it.
 * @typedef {{measure: string, percent: number | null, before: number, after: number, share: number | null, verdict: string}} Shift
 */
/**
 * A route or a kind of task in both runs, as page.py tells it.
 * @typedef {{kind: string, name: string, mode: string, before: number | null, after: number | null, verdict: string, shifts: Shift[]}} Change
 */

/** @type {Record<string, string>} */
const TOOK = { route: "response", task: "run" };
/** @type {Record<string, (value: number) => string>} */
const write = { errors: amount, held: (ns) => (ns ? duration(ns) : "–") };

export class Compare {
	/** @param {import("./app.js").App} app @param {(row: Change) => void} go */
	constructor(app, go) {
		this.app = app;
		this.go = go;
		/** @type {{key: string, turned: boolean} | null} */
		this.sort = null;
		app.on("panel", () => this.show());
		app.on("filtered", () => this.show());
	}

	show() {
		const { app } = this;
		if (app.panel !== "compare" || !app.data.changes || !app.recordings.length) return;
		const rows = app.data.changes.map((/** @type {Change} */ row, /** @type {number} */ order) => ({ ...row, order }));
		const column = this.columns().find(({ key }) => key === this.sort?.key);
		const sorted = column ? ordered(rows, column, !!this.sort?.turned) : rows;
		const changed = rows.filter((/** @type {Change} */ { verdict }) => verdict !== "noise").length;
		const found = changed ? `${changed} of ${count(rows.length, "row")} changed, most first` : "nothing changed";
		const [before, after] = app.recordings.map(({ label }) => named(harmless(label)));
		app.part.compare.replaceChildren(
			make(
				"p",
				{ className: "headline" },
				make("strong", {}, before),
				" against ",
				make("strong", {}, after),
				`: ${found}. A difference that chance or a busy machine explains is noise, and stands without a percentage. A click shows one pair in the lanes.`,
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
					onRow: this.go,
				}),
			),
		);
	}

	/** @returns {import("./grid.js").Column[]} */
	columns() {
		/**
		 * @type {(title: string, find: (row: Change) => Shift | undefined, about: string) => import("./grid.js").Column}
		 */
		const by = (title, find, about) => ({
			key: title,
			title,
			about,
			of: (row) => Math.abs(find(row)?.share ?? 0),
			cell: (row) => shiftCell(find(row)),
		});
		/** @type {(percent: number) => (row: Change) => Shift | undefined} */
		const took = (percent) => (row) => shiftOf(row, TOOK[row.kind], percent);
		return [
			{
				key: "name",
				title: "what",
				words: true,
				of: (row) => row.name,
				cell: (row) => kindCell(row, row.mode || row.kind),
			},
			{
				key: "verdict",
				title: "verdict",
				words: true,
				of: (row) => row.verdict,
				cell: ({ verdict }) => strong(verdictLook(verdict), verdict),
			},
			by("took p95", took(95), "a route until its response was sent, a task from start to finish: 95 of 100 took less"),
			by("took p50", took(50), "a route until its response was sent, a task from start to finish: half took less"),
			by("wait p95", (row) => shiftOf(row, "wait", 95), "released until started: late"),
			by("failed", (row) => shiftOf(row, "errors", null), "requests or tasks that failed"),
			by("held the loop", (row) => shiftOf(row, "held", null), "how long it held the event loop altogether"),
			{
				key: "n",
				title: "n",
				of: (row) => row.after ?? 0,
				cell: ({ before, after }) => [before, after].map((n) => (n ? amount(n) : "–")).join(" → "),
			},
		];
	}
}

/** @param {string} verdict */
const verdictLook = (verdict) =>
	verdict === "noise" ? "noise" : /slower|more/.test(verdict) ? "bad" : /faster|less/.test(verdict) ? "good" : "";

/** @type {(row: Change, measure: string, percent: number | null) => Shift | undefined} */
const shiftOf = ({ shifts }, measure, percent) =>
	shifts.find((one) => one.measure === measure && one.percent === percent);

/** @param {Shift | undefined} shift */
function shiftCell(shift) {
	if (!shift || (!shift.before && !shift.after)) return "–";
	const words = write[shift.measure] ?? duration;
	const share =
		shift.share === null
			? "new"
			: `${shift.share > 0 ? "+" : shift.share < 0 ? "−" : ""}${Math.abs(Math.round(100 * shift.share))} %`;
	return make(
		"span",
		{ className: shift.verdict === "noise" ? "noise" : "" },
		shift.verdict !== "noise" && strong(verdictLook(shift.verdict), share),
		` ${words(shift.before)} → ${words(shift.after)}`,
	);
}
