// The summary: numbers by route, by task and by span, and a scatter over the time of day.

import { make, named, refill, strong } from "./dom.js";
import { quoted } from "./filter.js";
import { grid, ordered } from "./grid.js";
import { CanvasPen } from "./pen.js";
import { summary } from "./summary.js";
import { count, duration, harmless, percent, ticksOf, time, timeOfDay } from "./words.js";

const spread = (field, percent) => ({
	key: `${field} ${percent}`,
	title: percent,
	of: (row) => row[field]?.[percent],
	cell: (row) => time(row[field]?.[percent]),
});
const name = {
	key: "name",
	words: true,
	of: (row) => row.name,
	cell: (row) =>
		make(
			"span",
			{},
			row.mode && row.kind === "task" ? make("i", { className: `swatch ${row.mode}`, title: row.mode }) : "",
			named(harmless(row.name || row.mode)),
			row.mode && make("small", { textContent: ` ${row.mode}` }),
		),
};
const errors = {
	key: "errors",
	title: "failed",
	of: (row) => row.errors,
	cell: (row) => (row.errors ? strong("bad", row.errors.toLocaleString("en")) : "0"),
};
const n = { key: "n", title: "n", of: (row) => row.n, cell: (row) => row.n.toLocaleString("en"), about: "how many" };
const held = {
	key: "held",
	title: "held the loop",
	of: (row) => row.held,
	cell: (row) => (row.held ? strong("held", duration(row.held)) : "–"),
	about: "how long it held the event loop altogether",
};
const LEVELS = ["p50", "p95", "p99", "max"];

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

export class Numbers {
	/** @param {any} app @param {{filter: (text: string) => void, zoomTo: (pin: any) => void}} actions */
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
		/** @type {any[]} */
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

	section(shown) {
		const rows = summary(shown.recording, shown.holds, shown.selected);
		const tables = Object.entries(KINDS)
			.filter(([kind]) => rows[kind].length)
			.map(([kind, told]) => {
				const ariaLabel = [shown.recording.label, told.caption].filter(Boolean).join(": ");
				const host = make("div", { className: "wide", tabIndex: 0, role: "region", ariaLabel });
				const fill = () => host.replaceChildren(this.table(kind, told, rows[kind], fill));
				fill();
				return host;
			});
		return [make("p", { className: "headline" }, ...headline(shown, rows)), ...tables];
	}

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
		const labels = this.app.recordings.map(({ label }, of) => [of, harmless(label)]);
		const run = choice("Whose points", labels, this.of, (value) => (this.of = +value));
		this.canvas.onclick = (event) => {
			const near = this.nearest(event.offsetX, event.offsetY);
			if (near) this.actions.zoomTo(near);
		};
		this.canvas.onpointermove = (event) =>
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

	/** All points: when, how long, and of what. */
	points() {
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
		const { ok } = recording;
		for (let i = 0; i < tasks.size; i++) {
			const lasted = tasks.times[to][i] - tasks.times[from][i];
			const ending = tasks.codes.outcome[i];
			const begun = recording.start[tasks.owner[i]] + tasks.times[from][i];
			if (selected.tasks[i] && lasted >= 0) points.push([begun, lasted, "tasks", of, i, ending >= 0 && ending !== ok]);
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
		const x = (at) => room.left + 4 + ((room.right - room.left - 8) * (at - first)) / Math.max(1, last - first);
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

	times(pen, room, first, last, x) {
		if (first > last) return;
		const { recording } = this.app.shown[this.of];
		const steps = Math.max(1, Math.min(3, Math.floor((room.right - room.left) / 100) - 1));
		for (let n = 0; n <= steps; n++) {
			const at = first + ((last - first) * n) / steps;
			const words = timeOfDay(recording.wall[0] + BigInt(Math.round(at - recording.start[0]))).slice(
				0,
				last - first < 60e9 ? 12 : 8,
			);
			pen.text("muted", words, Math.max(room.left, Math.min(x(at) - 34, room.right - 82)), room.bottom + 13);
		}
	}

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

const searchOf = ({ kind, name, mode }) =>
	kind === "route" ? `route=${quoted(name)}` : `name=${quoted(name)} mode:${mode}`;

function headline({ recording, selected, count: requests, holds }, rows) {
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
