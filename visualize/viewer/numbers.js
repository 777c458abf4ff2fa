// The summary: numbers by route, by task and by span, and a scatter over the time of day.

import { make, named, refill, strong } from "./dom.js";
import { quoted } from "./filter.js";
import { grid, kindCell, ordered } from "./grid.js";
import { CanvasPen } from "./pen.js";
import { summary } from "./summary.js";
import { amount, count, duration, harmless, percent, ticksOf, time } from "./words.js";

/** @typedef {import("./summary.js").Row} Row */
/** @typedef {import("./grid.js").Column} Column */

/** @type {(field: "response" | "wait" | "run", percent: "p50" | "p95" | "p99" | "max") => Column} */
const spread = (field, percent) => ({
	key: `${field} ${percent}`,
	title: percent,
	of: (row) => row[field]?.[percent],
	cell: (row) => time(row[field]?.[percent]),
});
/** @type {Column} */
const name = {
	key: "name",
	title: "name",
	words: true,
	of: (row) => row.name,
	cell: (row) => kindCell(row, row.mode),
};
/** @type {Column} */
const errors = {
	key: "errors",
	title: "failed",
	of: (row) => row.errors,
	cell: (row) => (row.errors ? strong("bad", amount(row.errors)) : "0"),
};
/** @type {Column} */
const n = { key: "n", title: "n", of: (row) => row.n, cell: (row) => amount(row.n), about: "how many" };
/** @type {Column} */
const held = {
	key: "held",
	title: "held the loop",
	of: (row) => row.held,
	cell: (row) => (row.held ? strong("held", duration(row.held)) : "–"),
	about: "how long it held the event loop altogether",
};
/** @type {("p50" | "p95" | "p99" | "max")[]} */
const LEVELS = ["p50", "p95", "p99", "max"];

/** @typedef {{caption: string, columns: Column[], sort: string}} Kind */

/** @type {{routes: Kind, tasks: Kind, spans: Kind}} */
const KINDS = {
	routes: {
		caption: "Routes: response time",
		columns: [{ ...name, title: "route" }, n, errors, ...LEVELS.map((level) => spread("response", level)), held],
		sort: "response p95",
	},
	tasks: {
		caption: "Tasks: wait (released until started: late), then run",
		columns: [
			{ ...name, title: "task" },
			n,
			errors,
			...LEVELS.map((level) => ({ ...spread("wait", level), title: `wait ${level}` })),
			...LEVELS.map((level) => ({ ...spread("run", level), title: `run ${level}` })),
			held,
		],
		sort: "wait p95",
	},
	spans: {
		caption: "Spans: how long they took",
		columns: [{ ...name, title: "span" }, n, errors, ...LEVELS.map((level) => spread("run", level))],
		sort: "run p95",
	},
};

/** @typedef {[number, number, string, number, number, number | boolean]} Point */

export class Numbers {
	/**
	 * @param {import("./app.js").App} app
	 * @param {{filter: (text: string) => void, zoomTo: (pin: any) => void}} actions
	 */
	constructor(app, actions) {
		this.app = app;
		this.actions = actions;
		this.sorts = Object.fromEntries(
			Object.entries(KINDS).map(([kind, { sort }]) => [kind, { key: sort, turned: false }]),
		);
		this.measure = "response";
		this.of = 0; // the recording whose points are drawn
		this.stale = true;
		/** @type {any} */
		this.canvas = null;
		/** @type {[number, number, Point][]} */
		this.drawn = [];
		app.on("filtered", () => this.renew());
		app.on("panel", () => this.show());
		app.on("theme", () => this.renew());
		new ResizeObserver(() => this.canvas && this.scatter()).observe(app.part.summary);
	}

	renew() {
		this.stale = true;
		this.show();
	}

	show() {
		const { app } = this;
		if (app.panel !== "summary" || !this.stale || !app.shown.length) return;
		this.stale = false;
		this.canvas = make("canvas", { role: "img", ariaLabel: "Scatter over the time of day" });
		const sections = app.shown.map((shown) => this.section(shown));
		const { part } = app;
		const top = part.summary.scrollTop;
		const [headline, ...tables] = sections.shift() ?? [];
		const scatter = this.scatterPanel();
		refill(part.summary, ...(app.compared ? [scatter, headline] : [headline, scatter]), ...tables, ...sections.flat());
		part.summary.scrollTop = top;
		this.scatter();
	}

	/** @param {import("./shown.js").Shown} shown */
	section(shown) {
		const rows = summary(shown.recording, shown.holds, shown.selected);
		const kinds = /** @type {(keyof typeof KINDS)[]} */ (Object.keys(KINDS));
		const tables = kinds
			.filter((kind) => rows[kind].length)
			.map((kind) => {
				const told = KINDS[kind];
				const ariaLabel = [shown.recording.label, told.caption].filter(Boolean).join(": ");
				const host = make("div", { className: "wide", tabIndex: 0, role: "region", ariaLabel });
				const fill = () => host.replaceChildren(this.table(kind, told, rows[kind], fill));
				fill();
				return host;
			});
		return [make("p", { className: "headline" }, ...headline(shown, rows)), ...tables];
	}

	/** @param {string} kind @param {Kind} told @param {Row[]} rows @param {() => void} fill */
	table(kind, { caption, columns }, rows, fill) {
		const sort = this.sorts[kind];
		const column = columns.find(({ key }) => key === sort.key) ?? columns[1];
		return grid({
			caption,
			columns,
			sort,
			rows: ordered(rows, column, sort.turned),
			onSort: (sort) => ((this.sorts[kind] = sort), fill()),
			onRow: kind === "spans" ? undefined : (row) => this.actions.filter(searchOf(row)),
			isChosen: (row) => this.app.text === searchOf(row),
		});
	}

	scatterPanel() {
		/**
		 * @type {(ariaLabel: string, options: [string | number, string][], chosen: string | number, choose: (value: string) => void) => HTMLSelectElement}
		 */
		const choice = (ariaLabel, options, chosen, choose) => {
			const select = make(
				"select",
				{ ariaLabel, onchange: () => (choose(select.value), this.scatter()) },
				...options.map(([value, textContent]) =>
					make("option", { value, textContent, selected: String(value) === String(chosen) }),
				),
			);
			return select;
		};
		const measures = Object.entries({ response: "response time", wait: "task wait", run: "task run" });
		const measure = choice("What the points show", measures, this.measure, (value) => (this.measure = value));
		/** @type {[number, string][]} */
		const labels = this.app.recordings.map(({ label }, of) => [of, harmless(label)]);
		const run = choice("Whose points", labels, this.of, (value) => (this.of = +value));
		this.canvas.onclick = (/** @type {PointerEvent} */ event) => {
			const near = this.nearest(event.offsetX, event.offsetY);
			if (near) this.actions.zoomTo(near);
		};
		this.canvas.onpointermove = (/** @type {PointerEvent} */ event) =>
			this.canvas.style.setProperty("cursor", this.nearest(event.offsetX, event.offsetY) ? "pointer" : "default");
		return make(
			"div",
			{ className: "scatter" },
			make(
				"p",
				{},
				make("label", {}, "Each point is one ", measure),
				this.app.compared && make("label", {}, " of ", run),
				make("small", { textContent: " over the time of day; red failed. A click zooms to it." }),
			),
			this.canvas,
		);
	}

	/** All points: when, how long, of what, and whether it failed. @returns {Point[]} */
	points() {
		/** @type {Point[]} */
		const points = [];
		const { of } = this;
		const { recording, selected } = this.app.shown[of];
		const { tasks, requests } = recording.tables;
		if (this.measure === "response") {
			for (let r = 0; r < recording.size; r++)
				if (selected.requests[r] && requests.times.response_sent[r] >= 0)
					points.push([recording.start[r], requests.times.response_sent[r], "requests", of, r, selected.failed[r]]);
			return points;
		}
		const [from, to] = this.measure === "wait" ? ["released", "started"] : ["started", "finished"];
		for (let i = 0; i < tasks.size; i++) {
			const lasted = tasks.times[to][i] - tasks.times[from][i];
			const begun = recording.start[tasks.owner[i]] + tasks.times[from][i];
			if (selected.tasks[i] && lasted >= 0) points.push([begun, lasted, "tasks", of, i, recording.endedBadly(i)]);
		}
		return points;
	}

	scatter() {
		const { canvas, app } = this;
		const [width, height] = [canvas.clientWidth, canvas.clientHeight];
		if (!width || !app.looks) return;
		const scale = Math.max(1, devicePixelRatio || 1);
		Object.assign(canvas, { width: width * scale, height: height * scale });
		const pen = new CanvasPen(canvas.getContext("2d"), app.looks, scale);
		const points = this.points();
		const room = { left: 64, right: width - 12, top: 10, bottom: height - 24 };
		const [first, last] = points.reduce(
			([first, last], [at]) => [Math.min(first, at), Math.max(last, at)],
			[Infinity, -Infinity],
		);
		const most = points.reduce((most, [, lasted]) => Math.max(most, lasted), 1) * 1.06;
		pen.begin(width, height);
		if (!points.length) pen.text("muted", "Nothing to show.", 6, room.top + 12);
		for (const [at, words] of points.length ? ticksOf(0, most, 4) : []) {
			const y = room.bottom - ((room.bottom - room.top) * at) / most;
			pen.rect("grid", room.left, y, room.right - room.left, 1);
			pen.text("muted", words, 6, y);
		}
		const x = (/** @type {number} */ at) =>
			room.left + 4 + ((room.right - room.left - 8) * (at - first)) / Math.max(1, last - first);
		this.drawn = points.map((point) => [
			x(point[0]),
			room.bottom - ((room.bottom - room.top) * point[1]) / most,
			point,
		]);
		const size = points.length < 200 ? 6 : 3; // few are seen if they are larger
		const seen = new Set();
		for (const failed of [false, true])
			for (const [atX, y, point] of this.drawn) {
				const key = `${Math.round(atX / 2)} ${Math.round(y / 2)} ${failed}`;
				if (!!point[5] !== failed || seen.has(key)) continue;
				seen.add(key);
				pen.rect(failed ? "failed" : "dot", atX - size / 2, y - size / 2, size, size);
			}
		this.times(pen, room, first, last, x);
	}

	/**
	 * @param {CanvasPen} pen @param {{left: number, right: number, bottom: number}} room @param {number} first
	 * @param {number} last @param {(at: number) => number} x
	 */
	times(pen, room, first, last, x) {
		if (first > last) return;
		const { recording } = this.app.shown[this.of];
		const steps = Math.max(1, Math.min(3, Math.floor((room.right - room.left) / 100) - 1));
		for (let n = 0; n <= steps; n++) {
			const at = first + ((last - first) * n) / steps;
			const words = recording.timeOfDay(0, at - recording.start[0]).slice(
				0,
				last - first < 60e9 ? 12 : 8,
			);
			pen.text("muted", words, Math.max(room.left, Math.min(x(at) - 34, room.right - 82)), room.bottom + 13);
		}
	}

	/** @param {number} atX @param {number} atY */
	nearest(atX, atY) {
		let best = 12;
		/** @type {import("./app.js").Pin | null} */
		let found = null;
		for (const [x, y, [, , type, of, index]] of this.drawn ?? []) {
			const away = Math.hypot(x - atX, y - atY);
			if (away < best) {
				best = away;
				found = { type, of, index };
			}
		}
		return found;
	}
}

/** @param {Row} row */
const searchOf = ({ kind, name, mode }) =>
	kind === "route" ? `route=${quoted(name)}` : `name=${quoted(name)} mode:${mode}`;

/** @param {import("./shown.js").Shown} shown @param {ReturnType<typeof summary>} rows */
function headline({ recording, selected, requests, holds }, rows) {
	const failed = rows.routes.reduce((sum, { errors }) => sum + errors, 0);
	const faults = rows.tasks.reduce((sum, { errors }) => sum + errors, 0);
	const held = holds.reduce((sum, { start, end }) => sum + end - start, 0);
	const parts = [
		count(requests, "request"),
		failed && `${percent(failed, requests)} failed`,
		count(selected.shown, "task"),
		faults && `${percent(faults, selected.shown)} failed`,
		requests && held && `event loop held for ${duration(held)}`,
	];
	return [
		recording.label && make("strong", {}, named(harmless(recording.label)), " "),
		parts.filter(Boolean).join(" · "),
	];
}
