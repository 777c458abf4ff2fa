// Runs of many requests are compared by one pair: a request of each run, which stands for its like.

import { MANY } from "./arranging.js";
import { make } from "./dom.js";
import { harmless } from "./words.js";

/** @typedef {{kind: string, name: string, mode: string}} Like  a route, or a kind of task */
/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").Pin} Pin */
/** @typedef {import("./shown.js").Shown} Shown */

/** @type {[number, string][]} so many of 100 are no slower */
const RANKS = [
	[50, "usual (p50)"],
	[95, "slow (p95)"],
	[100, "slowest"],
];

/** Keeps the pair that the lanes show. It listens before they do. */
export class Pairing {
	/** @param {App} app */
	constructor(app) {
		this.app = app;
		/** @type {HTMLSelectElement} */
		this.likeChoice = make("select", {
			"data-part": "like",
			onchange: () => this.see(this.likes[+this.likeChoice.value] ?? null),
		});
		/** @type {HTMLSelectElement} */
		this.levelChoice = make(
			"select",
			{
				"data-part": "level",
				ariaLabel: "Which of its like",
				onchange: () => ((app.level = +this.levelChoice.value), this.see(app.like ?? this.seen)),
			},
			...RANKS.map(([value, textContent]) => make("option", { value, textContent })),
		);
		const title = "Of each run one request, which stands for its like";
		this.label = make("label", { title }, "Pair ", this.likeChoice, " ", this.levelChoice);
		app.part.group.closest(".tools").prepend(this.label);
		/** @type {Like | null} what the pair stands for */
		this.seen = null;
		/** @type {Pin[]} those of its like */
		this.pins = [];
		/** @type {Like[] | null} */
		this.known = null;
		app.on("filtered", () => this.renew());
		app.on("pinned", () => this.take(app.pinned));
	}

	/** What there is to choose from, what changed most first. @returns {Like[]} */
	get likes() {
		const { data, recordings } = this.app;
		const routes = () =>
			new Set(recordings.flatMap((one) => Array.from(one.clock, (_, request) => one.route(request))));
		return (this.known ??= data.changes ?? Array.from(routes(), (name) => ({ kind: "route", name, mode: "" })));
	}

	/** Show the pair that stands for a route or a kind of task. @param {Like | null} like */
	see(like) {
		const { app } = this;
		app.like = like;
		app.group = app.part.group.value = "request";
		app.pin(null);
		app.filter();
		app.tell("paired");
	}

	/** Find the pair again: the filter, the alignment or the choice changed. */
	renew() {
		const { app } = this;
		const { shown, like, level } = app;
		const areFew = shown.reduce((sum, { count }) => sum + count, 0) <= MANY;
		const isPair = (/** @type {Like} */ one) => pairOf(shown, one, level).length === shown.length;
		const isThere = (/** @type {Like} */ one) => pairOf(shown, one, level).length > 0;
		const needed = !areFew && app.align !== "clock";
		if (like && isThere(like)) this.seen = like;
		else this.seen = (needed && (this.likes.find(isPair) ?? this.likes.find(isThere))) || null;
		this.pins = this.seen ? pairOf(shown, this.seen, level) : [];
		app.pair = this.seen && this.pins.map((pin) => requestOf(shown, pin));
		this.take(app.pinned);
		this.offer(needed);
	}

	/** What is chosen stands beside its like. @param {Pin | null} pin */
	take(pin) {
		const { app } = this;
		const { shown, pair } = app;
		const own = pin && requestOf(shown, pin);
		if (!own || !pair || !shown[own[0]].selected.requests[own[1]] || pair.some(([of, request]) => of === own[0] && request === own[1])) return;
		const name = shown[own[0]].recording.route(own[1]);
		this.seen = this.likes.find((one) => one.kind === "route" && one.name === name) ?? { kind: "route", name, mode: "" };
		const others = pairOf(shown, this.seen, app.level).map((one) => requestOf(shown, one));
		app.pair = [...others.filter(([of]) => of !== own[0]), own].sort(([a], [b]) => a - b);
		this.offer(true);
	}

	/** Offer what there is to choose from. @param {boolean} needed  whether one pair must be chosen */
	offer(needed) {
		const { app, likes, seen } = this;
		this.label.hidden = app.recordings.every(({ size }) => size < 2);
		const all = make("option", { value: "", textContent: "all requests" });
		const options = likes.map(({ name, mode }, value) =>
			make("option", { value, textContent: harmless(`${name} ${mode}`) }),
		);
		this.likeChoice.replaceChildren(...(needed ? [] : [all]), ...options);
		const isSeen = (/** @type {Like} */ { kind, name, mode }) =>
			seen && kind === seen.kind && name === seen.name && mode === seen.mode;
		this.likeChoice.value = seen ? String(likes.findIndex(isSeen)) : "";
		this.levelChoice.value = String(app.level);
		this.levelChoice.hidden = !seen;
	}
}

/**
 * The pair that stands for a route or a kind of task: of each recording the one that so many of 100 are no slower than.
 * @param {Shown[]} shown @param {Like} like @param {number} level @returns {Pin[]}
 */
export function pairOf(shown, { kind, name, mode }, level) {
	return shown.flatMap(({ recording, selected }, of) => {
		const { tasks, requests } = recording.tables;
		/** @type {[number, number][]} */
		const found = [];
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
					found.push([tasks.times.finished[i] - tasks.times.started[i] || 0, i]);
		found.sort(([a], [b]) => a - b);
		const at = found[Math.max(0, Math.ceil((level * found.length) / 100) - 1)];
		return at ? [{ type: kind === "route" ? "requests" : "tasks", of, index: at[1] }] : [];
	});
}

/** The request of a record, and the recording that it is in. @param {Shown[]} shown @param {Pin} pin @returns {[number, number]} */
function requestOf(shown, { type, of, index }) {
	const { recording, holds } = shown[of];
	if (type === "held") return [of, holds[index].request];
	return [of, type === "requests" ? index : recording.tables[type].owner[index]];
}
