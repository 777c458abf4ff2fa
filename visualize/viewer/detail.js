// Details of what is chosen: a sentence, its times, where it stands among its kind, and what it has to do with others.

import { make, named, refill, strong, withCode } from "./dom.js";
import { readOf } from "./paint.js";
import { endingOf, ownerOf, say, titleOf } from "./say.js";
import { rankOf } from "./summary.js";
import { culpritsOf, holdsBy, keepersOf, victimsOf } from "./why.js";
import { amount, AT_ONCE, count, dateOf, duration, harmless, moments, percent, sentence } from "./words.js";

/** @typedef {import("./shown.js").Shown} Shown */
/** @typedef {import("./app.js").Finding} Finding */
/** @typedef {[string, any]} Fact  its name, and what it is; no fact without that */

/** @type {Record<string, string[]>} */
const MOMENTS = {
	tasks: ["requested", "released", "admitted", "started", "finished"],
	requests: ["endpoint_start", "endpoint_end", "response_start", "response_sent", "request_end"],
	spans: ["start", "end"],
	busy: ["start", "end"],
	client: ["sent", "answered", "received"],
};

export class Details {
	/**
	 * @param {import("./app.js").App} app
	 * @param {{go: (pin: any) => void, zoom: () => void, find: (finding: any, of: number) => void}} actions
	 */
	constructor(app, actions) {
		this.app = app;
		this.actions = actions;
		app.on("pinned", () => this.show());
		app.on("filtered", () => this.show());
	}

	show() {
		const { app } = this;
		const { details } = app.part;
		const { pinned } = app;
		details.hidden = !pinned || !app.shown[pinned.of];
		if (!pinned || details.hidden) return details.replaceChildren();
		const shown = app.shown[pinned.of];
		const record = readOf(shown, pinned.type, pinned.index);
		refill(
			details,
			make("p", { className: "sentence", ariaLive: "polite", textContent: say(record, app.data.spans) }),
			this.tools(),
			...this.why(shown, record, pinned.of),
			list("facts", [...this.facts(record), ["Held the loop", heldFor(shown, record)]]),
			this.times(record),
			...this.others(shown, record, pinned.of),
		);
	}

	tools() {
		const { actions, app } = this;
		return make(
			"p",
			{ className: "buttons" },
			make("button", { textContent: "Zoom to it", title: "Enter", onclick: actions.zoom }),
			make("button", { textContent: "Close", title: "Escape", onclick: () => app.pin(null) }),
		);
	}

	/** @param {any} record @returns {Fact[]} */
	facts(record) {
		const source =
			record.type === "tasks" ? { task: record.parent, owner: record.owner, recording: record.recording } : record;
		switch (record.type) {
			case "tasks":
				return [
					["Mode", record.mode],
					["Outcome", endingOf(record)],
					["Error", record.error && harmless(record.error)],
					[
						"Held back",
						record.released !== null &&
							!AT_ONCE.test(record.mode) &&
							`${duration(record.released - record.requested)}, as its mode asks`,
					],
					[
						"In the queue",
						record.admitted != null &&
							record.released !== null &&
							`${duration(record.admitted - record.released)} for a slot of its limit`,
					],
					["Wait", this.ranked(record, "released", "started", ["waited longer", "the longest", "the shortest"])],
					["Run", this.ranked(record, "started", "finished", ["slower", "the slowest", "the fastest"])],
					["Where", record.thread ? "in a worker thread" : "on the event loop"],
					["Scheduled by", ownerOf(source)],
					["Shielded", record.shield && "yes"],
					["Request", titleOf(record)],
				];
			case "requests":
				return [
					["Status", record.status && String(record.status)],
					["Error", record.error && harmless(record.error)],
					["Route", record.route && harmless(record.route)],
					["Response", record.response_sent !== null && duration(record.response_sent)],
					["Aborted", record.aborted && "yes"],
				];
			case "spans":
				return [
					["Kind", record.kind],
					["In", ownerOf(record)],
					["Took", record.end !== null && duration(record.end - record.start)],
					["Error", record.error && harmless(record.error)],
					...Object.entries(record.attributes ?? {}).map(
						([key, value]) => /** @type {Fact} */ ([harmless(key), harmless(value)]),
					),
				];
			case "held":
			case "busy":
				return [
					["Held for", duration(record.end - record.start)],
					["By", sentence(record.culprit)],
					["Line", record.line && harmless(record.line)],
				];
			default:
				return [["Answered", record.answered !== null && duration(record.answered - record.sent)]];
		}
	}

	/**
	 * How long it took, and where it stands among its kind.
	 * @param {any} record @param {string} from @param {string} to @param {string[]} words
	 */
	ranked(record, from, to, words) {
		if (record[from] === null || record[to] === null) return null;
		const lasted = duration(record[to] - record[from]);
		const { below, above, all } = rankOf(record.recording, record.index, from, to);
		if (all < 4) return lasted;
		const [more, most, least] = words;
		const stands =
			below + above === 0
				? "like each"
				: above === 0
					? most
					: below === 0
						? least
						: `${more} than ${percent(Math.round((100 * below) / all), 100)}`;
		return make("span", {}, `${lasted}, ${stands} of ${amount(all + 1)} `, named(harmless(record.name)));
	}

	/** Every moment, since the request's start and by the clock. @param {any} record */
	times(record) {
		const fields = MOMENTS[record.type]?.filter((field) => record[field] != null || !isUnwatched(field, record));
		if (!fields) return "";
		const { recording, owner } = record;
		const wall = (/** @type {number} */ ns) => recording.timeOfDay(owner, ns);
		const known = fields.filter((field) => record[field] !== null);
		const written = moments(fields.map((field) => record[field]));
		const rows = fields.map((field, n) => [
			field.replace("_", " "),
			written[n],
			record[field] === null ? "" : wall(record[field]),
		]);
		return make(
			"table",
			{ className: "moments" },
			make("caption", {
				textContent: `Since the request's start, ${dateOf(recording.wall[owner])} ${wall(0)}${known.length ? "" : ": none is known"}`,
			}),
			make(
				"tbody",
				{},
				...rows.map(([name, since, clock]) =>
					make(
						"tr",
						{},
						make("th", { scope: "row", textContent: name }),
						make("td", { textContent: since }),
						make("td", { textContent: clock }),
					),
				),
			),
		);
	}

	/** @param {import("./app.js").Pin} pin @param {number} cost @param {string} words */
	line(pin, cost, words) {
		const told = make("span", { textContent: sentence(words) });
		return item(() => this.actions.go(pin), strong("cost", duration(cost)), told);
	}

	/** What held it up. @param {Shown} shown @param {any} record @param {number} of */
	why(shown, record, of) {
		const culprits = culpritsOf(shown, record).map(({ hold, index, cost }) =>
			this.line(
				{ type: "held", of, index },
				cost,
				`${hold.culprit} held the loop${hold.line ? ` at ${hold.line}` : ""}`,
			),
		);
		const keepers = keepersOf(shown, record);
		const kept = keepers
			.slice(0, 3)
			.map(({ index, cost }) => this.line({ type: "tasks", of, index }, cost, taskWords(record.recording, index)));
		return [
			...section(`Waited for a thread: ${count(keepers.length, "task")} kept them, among them`, kept),
			...section(keepers.length ? "Held up besides by" : "Held up by", culprits),
		];
	}

	/** Whom it held up, and the findings that speak of it. @param {Shown} shown @param {any} record @param {number} of */
	others(shown, record, of) {
		const victims = holdsBy(shown, record)
			.slice(0, 3)
			.flatMap((at) => victimsOf(shown, at))
			.slice(0, 8)
			.map(({ type, index, cost }) =>
				this.line(
					{ type, of, index },
					cost,
					type === "tasks" ? taskWords(record.recording, index) : record.recording.title(index),
				),
			);
		const { type, task, recording } = record;
		const toTask = () => this.actions.go({ type: "tasks", of, index: task });
		const own = type === "held" && task >= 0 ? [item(toTask, taskWords(recording, task))] : [];
		return [
			...section("The task that held it", own),
			...section("Held up", victims),
			...section(
				"Findings",
				this.findings(record, of).map((finding) =>
					item(() => this.actions.find(finding, of), make("span", {}, ...withCode(sentence(finding.fact)))),
				),
			),
		];
	}

	/** @param {any} record @param {number} of */
	findings(record, of) {
		const { recording } = record;
		const id = record.owner >= 0 ? recording.value("requests", "id", record.owner) : null;
		const task = record.type === "tasks" ? record.id : null;
		const isIt = (/** @type {import("./app.js").Place} */ place) =>
			place.request === id && (place.task ?? null) === task;
		const isCause = (/** @type {Finding} */ { cause }) =>
			record.type === "tasks"
				? cause.kind === "task" && cause.name === record.name && (!cause.mode || cause.mode === record.mode)
				: record.type === "requests" && cause.kind === "request" && cause.name === recording.route(record.index);
		return (this.app.findings[of] ?? [])
			.filter((finding) => isCause(finding) || finding.victims.some(isIt))
			.slice(0, 4);
	}
}

/**
 * Whether a moment may well have been, but nobody took note: it is not said to have never come.
 * @param {string} field @param {any} record
 */
const isUnwatched = (field, { endpoint_start, endpoint_end }) =>
	field === "admitted" || (/endpoint/.test(field) && endpoint_start === null && endpoint_end === null);

/** @param {string} className @param {Fact[]} facts */
function list(className, facts) {
	return make(
		"dl",
		{ className },
		...facts
			.filter(([, value]) => value)
			.flatMap(([name, value]) => [
				make("dt", { textContent: name }),
				make("dd", {}, typeof value === "string" ? named(value) : value),
			]),
	);
}

/**
 * How long a task or a request held the event loop, and on which line the longest time.
 * @param {Shown} shown @param {any} record
 */
function heldFor(shown, record) {
	if (!/tasks|requests/.test(record.type)) return null;
	const held = holdsBy(shown, record).map((at) => shown.holds[at]);
	const lines = held.toSorted((a, b) => b.end - b.start - (a.end - a.start)).map(({ line }) => line);
	const line = lines.find((line) => line);
	const total = held.reduce((sum, { start, end }) => sum + end - start, 0);
	return total > 0 && `${duration(total)}${line ? ` at ${harmless(line)}` : ""}`;
}

/** @param {import("./recording.js").Recording} recording @param {number} index */
const taskWords = (recording, index) =>
	`${recording.value("tasks", "name", index)} of ${recording.title(recording.tables.tasks.owner[index])}`;

/** A line of a list that leads somewhere. @param {() => void} onclick @param {any[]} children */
const item = (onclick, ...children) => make("li", {}, make("button", { onclick }, ...children));

/** @param {string} title @param {Element[]} lines */
const section = (title, lines) => (lines.length ? [make("h2", { textContent: title }), make("ul", {}, ...lines)] : []);
