// The legend: what the looks mean, how many there are, and what is shown of them.

import { make } from "./dom.js";
import { amount, AT_ONCE, MODES } from "./words.js";

/** @type {Record<string, string>} */
export const ENDINGS = {
	ok: "",
	running: "",
	error: "✖",
	cancelled: "■",
	discarded: "●",
	abandoned: "▶",
	timeout: "⧗",
};
/** @type {[string, string, (shown: import("./shown.js").Shown) => unknown][]} how it looks, what it is, if it is there */
const KEY = [
	["held", "held back by its mode", ({ recording }) => modesOf(recording).some((mode) => !AT_ONCE.test(mode))],
	["wait", "waits: late", ({ selected }) => selected.total],
	["run", "runs", ({ selected }) => selected.total],
	["busy", "held the loop", ({ holds }) => holds.length],
	["request", "request, its endpoint", ({ recording }) => recording.size],
	["thread", "in a worker thread", ({ recording }) => inThread(recording)],
	["span", "span", ({ recording }) => recording.tables.spans.size],
];
const HELD_FOR = 450; // milliseconds that a finger rests for "only this"

/** @param {import("./recording.js").Recording} recording */
const inThread = ({ values, tables }) => tables.tasks.codes.thread.includes(values.indexOf(true));

/** The modes of which a recording has any task. @param {import("./recording.js").Recording} recording */
export const modesOf = ({ values }) => MODES.filter((mode) => values.includes(mode));

/** How things look, and what that means, as far as they are there. @param {import("./shown.js").Shown[]} shown */
export const meaningsOf = (shown) => KEY.filter(([, , isThere]) => shown.some(isThere));

export class Legend {
	/** @param {import("./app.js").App} app */
	constructor(app) {
		this.app = app;
		this.chips = new Map();
		const { legend } = app.part;
		legend.append(...MODES.map((key) => this.chip(key, MODES, make("i", { className: `swatch ${key}` }))));
		legend.append(
			make("hr"),
			...Object.entries(ENDINGS).map(([key, sign]) =>
				this.chip(key, Object.keys(ENDINGS), sign && make("i", { textContent: sign })),
			),
		);
		this.key = make("span", { className: "key", ariaHidden: "true" });
		legend.append(this.key);
		app.on("filtered", () => this.count());
	}

	/** @param {string} key @param {string[]} others @param {HTMLElement | ""} sign */
	chip(key, others, sign) {
		const { app } = this;
		const button = make(
			"button",
			{ className: "chip", ariaPressed: "true", title: `Show or hide ${key}` },
			sign,
			key,
			make("b"),
		);
		const only = make("button", {
			className: "only",
			textContent: "only",
			ariaLabel: `Only ${key}`,
			title: `Only ${key}`,
		});
		let held = 0;
		button.onclick = (/** @type {MouseEvent} */ { shiftKey }) =>
			shiftKey ? app.only(key, others) : held || app.toggle(key);
		only.onclick = () => app.only(key, others);
		button.onpointerdown = (/** @type {PointerEvent} */ { pointerType }) => {
			held = 0;
			const timer = pointerType === "touch" && setTimeout(() => ((held = 1), app.only(key, others)), HELD_FOR);
			button.onpointerup = button.onpointercancel = () => clearTimeout(timer || 0);
		};
		const entry = make("span", { className: "entry", hidden: true }, button, only);
		entry.dataset.key = key;
		this.chips.set(key, { entry, button, count: button.lastElementChild });
		return entry;
	}

	count() {
		const { shown, hidden } = this.app;
		for (const [key, { entry, button, count }] of this.chips) {
			const known = shown.some(({ recording }) =>
				key === "running" ? recording.tables.tasks.codes.outcome.includes(-1) : recording.values.includes(key),
			);
			const n = shown.reduce((sum, { selected }) => sum + (selected.tally.get(key) ?? 0), 0);
			entry.hidden = !known || (!n && !hidden.has(key) && !this.app.text && !hidden.size);
			count.textContent = amount(n);
			button.ariaPressed = String(!hidden.has(key));
		}
		this.key.replaceChildren(
			...meaningsOf(shown).flatMap(([look, words]) => [make("i", { className: `sample ${look}` }), words]),
		);
		this.app.part.legend.hidden = [...this.chips.values()].every(({ entry }) => entry.hidden);
	}
}
