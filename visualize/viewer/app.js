// What the page knows and what is chosen in it. Panels listen to it; it knows none of them.

import { parse } from "./filter.js";
import { holdsOf } from "./holds.js";
import { listOf } from "./packing.js";
import { Shown } from "./shown.js";
import { select } from "./select.js";
import { failed } from "./summary.js";

/**
 * @typedef {{process: number, request: number, task?: number | null}} Place  a request or a task of it, as Python tells it
 */
/**
 * A finding, as answers/wire.py tells it.
 * @typedef {object} Finding
 * @property {string} rule @property {string} fact @property {string} advice @property {number} cost_ns
 * @property {any} cause  of a `kind` and a `name`, with its place where there is one
 * @property {Place} [where] @property {Place[]} victims
 */
/** @typedef {{type: string, of: number, index: number}} Pin  a record: its kind, of which recording, its position */

export class App {
	/**
	 * @param {any} data as page.py writes it @param {Record<string, any>} part the elements of the page by name
	 * @param {HTMLElement} host
	 */
	constructor(data, part, host) {
		this.data = data;
		this.part = part;
		this.host = host;
		/** @type {Finding[][]} of each recording */
		this.findings = [];
		/** @type {any} how the theme looks, once it is known */
		this.looks = null;
		/** @type {import("./recording.js").Recording[]} */
		this.recordings = [];
		/** @type {Shown[]} */
		this.shown = [];
		/** @type {Set<string>} modes and outcomes that are switched off */
		this.hidden = new Set();
		this.text = "";
		/** @type {any[]} of the filter */
		this.terms = [];
		this.align = data.align;
		this.group = "request";
		this.panel = "lanes";
		/** @type {Pin | null} */
		this.pinned = null;
		this.missed = 0;
		/** @type {[number, number][] | null} of which recordings the requests are, and which, that alone are looked at */
		this.pair = null;
		/** @type {import("./pairing.js").Like | null} what they were chosen to stand for */
		this.like = null;
		this.level = 95; // of 100 of their like, so many are no slower
		/** @type {Map<string, ((...told: any[]) => void)[]>} */
		this.listeners = new Map();
		/** @type {WeakMap<import("./recording.js").Recording, {holds: import("./holds.js").Hold[], faults: Uint8Array}>} */
		this.kept = new WeakMap();
	}

	get compared() {
		return this.recordings.length > 1;
	}

	/**
	 * Call back whenever this happens: `filtered`, `pinned`, `panel`, `theme`, `findings`, `moved`, `measured`, `following`, `go`, `paired`.
	 * @param {string} event @param {(...told: any[]) => void} callback
	 */
	on(event, callback) {
		listOf(this.listeners, event).push(callback);
	}

	/** @param {string} event @param {any[]} told */
	tell(event, ...told) {
		for (const callback of this.listeners.get(event) ?? []) callback(...told);
	}

	/**
	 * Take over recordings; what is chosen stays chosen if it is in them.
	 * @param {import("./recording.js").Recording[]} recordings
	 */
	load(recordings) {
		const identity = this.pinned && this.identify(this.pinned);
		this.recordings = recordings;
		this.pinned = identity ? this.find(identity) : null;
		this.filter();
	}

	/** Read the filter; throws FilterError and changes nothing if it is none. @param {string} text */
	search(text) {
		this.terms = parse(text);
		this.text = text;
		this.filter();
	}

	filter() {
		this.shown = this.recordings.map((recording) => {
			const { holds, faults } = this.factsOf(recording);
			const selected = select(recording, this.terms, this.hidden);
			return new Shown(recording, { ...selected, failed: faults }, this.align, holds);
		});
		this.tell("filtered");
	}

	/** What does not depend on any filter. @param {import("./recording.js").Recording} recording */
	factsOf(recording) {
		const known = this.kept.get(recording);
		if (known) return known;
		const faults = Uint8Array.from({ length: recording.size }, (_, r) => (failed(recording, r) ? 1 : 0));
		const facts = { holds: holdsOf(recording), faults };
		this.kept.set(recording, facts);
		return facts;
	}

	/** @param {string} key */
	toggle(key) {
		if (!this.hidden.delete(key)) this.hidden.add(key);
		this.filter();
	}

	/** Show only this one of its kind, or all of them again. @param {string} key @param {string[]} others */
	only(key, others) {
		const alone = !this.hidden.has(key) && others.every((one) => one === key || this.hidden.has(one));
		for (const one of others)
			if (alone || one === key) this.hidden.delete(one);
			else this.hidden.add(one);
		this.filter();
	}

	/** @param {Pin | null} pin */
	pin(pin) {
		this.pinned = pin;
		this.tell("pinned");
	}

	/** Show it dark or light. @param {boolean} dark */
	color(dark) {
		this.host.dataset.theme = dark ? "dark" : "light";
		this.tell("theme");
	}

	/** @param {string} panel */
	show(panel) {
		this.panel = panel;
		this.tell("panel");
	}

	/** Say which record it is in a way that outlives new data and the page. @param {Pin} pin */
	identify({ type, of, index }) {
		const { recording, holds } = this.shown[of];
		if (type === "held") return [type, of, holds[index].process, holds[index].start].join("/");
		const request = type === "requests" ? index : recording.tables[type].owner[index];
		const process = recording.process(request);
		const place =
			type === "tasks" || type === "spans"
				? recording.value(type, "id", index)
				: index - (recording.from[type]?.[request] ?? index);
		return [type, of, process, recording.value("requests", "id", request), place].join("/");
	}

	/** @returns {Pin | null} @param {string} identity */
	find(identity) {
		const [type, ...numbers] = identity.split("/");
		const [of, process, id, place] = numbers.map(Number);
		const recording = this.recordings[of];
		if (!recording) return null;
		if (type === "held") {
			const index = this.factsOf(recording).holds.findIndex((hold) => hold.process === process && hold.start === id);
			return index < 0 ? null : { type, of, index };
		}
		const request = recording.find(process, id);
		if (request < 0) return null;
		if (type === "requests") return { type, of, index: request };
		if (!recording.from[type]) return null;
		const [from, to] = recording.range(type, request);
		for (let i = from; i < to; i++)
			if ((/tasks|spans/.test(type) ? recording.value(type, "id", i) : i - from) === place)
				return { type, of, index: i };
		return null;
	}

	/**
	 * Where a finding points: `{process, request, task}`.
	 * @param {Place} place @param {number} of @returns {Pin | null}
	 */
	place({ process, request, task }, of) {
		return this.find([task == null ? "requests" : "tasks", of, process, request, task].join("/"));
	}
}
