// A running app: rows that arrive, what goes on right now, and a clear sign when the server is gone.

import { make, named, strong } from "./dom.js";
import { Told } from "./lines.js";
import { count, duration, harmless } from "./words.js";

const AGAIN = 2000; // milliseconds until a refused connection is tried again
const SOON = 20; // so often the browser tries at its own pace, which is a quick one
const SILENT = 3500; // milliseconds without a word after which the server's loop is held, or it is gone

export class Live {
	/** @param {any} app @param {(on: boolean) => void} follow */
	constructor(app, follow) {
		this.app = app;
		this.follow = follow;
		this.told = new Told(app.data.format, app.data.limit);
		this.paused = false;
		this.waiting = 0;
		this.failures = 0;
		this.wasFollowing = false;
		/** @type {any} */
		this.silence = 0;
		/** @type {Date | null} */
		this.since = null;
		/** @type {number | null} */
		this.frame = null;
		this.counters = null;
		app.load([this.told.toRecording("")]);
	}

	connect() {
		const { status } = this.app.part;
		if (!globalThis.EventSource) return this.gone("This browser has no EventSource: it cannot follow the app.");
		const source = new EventSource(this.app.data.events);
		source.onopen = () => {
			this.failures = 0;
			this.gone("");
			if (status) status.textContent = "live";
			if (this.wasFollowing) this.follow(true);
		};
		source.onmessage = ({ data }) => this.append(data);
		const on = (event, act) => source.addEventListener(event, ({ data }) => act(JSON.parse(data)));
		on("dropped", (n) => (this.app.missed = n));
		on("counters", (counters) => this.count(counters));
		on("findings", ({ findings }) => this.find(findings));
		on("stopping", () => (clearTimeout(this.silence), this.gone("The server is stopping.")));
		source.onerror = () => {
			const refused = source.readyState === EventSource.CLOSED;
			this.lost(refused ? "If it was restarted, open the address that it printed." : "Trying to connect again …");
			if (!refused && ++this.failures <= SOON) return;
			source.close();
			setTimeout(() => this.connect(), AGAIN);
		};
	}

	lost(advice) {
		clearTimeout(this.silence);
		this.app.part.status.textContent = "not connected";
		this.since ??= new Date();
		this.wasFollowing ||= this.app.part.follow.ariaPressed === "true";
		this.follow(false);
		this.app.part.counters.classList.add("old");
		this.gone(
			`The server is gone since ${this.since.toLocaleTimeString("en-GB")}: what you see is from before. ${advice}`,
		);
	}

	gone(words) {
		const { gone, counters } = this.app.part;
		gone.hidden = !words;
		gone.textContent = words;
		if (words) return;
		this.since = null;
		counters.classList.remove("old");
	}

	append(lines) {
		this.told.read(lines);
		this.waiting++;
		this.soon();
	}

	/** Draw what arrived with the next frame, unless it is to stand still. */
	soon() {
		if (this.paused) return this.say();
		this.frame ??= requestAnimationFrame(() => {
			this.frame = null;
			this.waiting = 0;
			this.app.load([this.told.toRecording("")]);
		});
	}

	pause() {
		this.paused = !this.paused;
		this.say();
		if (!this.paused) this.soon();
	}

	say() {
		const { pause } = this.app.part;
		pause.ariaPressed = String(this.paused);
		pause.textContent = this.paused ? (this.waiting ? `Go on (${count(this.waiting, "update")})` : "Go on") : "Pause";
	}

	find(findings) {
		this.app.findings = [findings];
		if (!this.paused) this.app.tell("findings");
	}

	choose(place) {
		const pin = this.app.place(place, 0);
		if (!pin) return;
		this.app.show("lanes");
		this.app.pin(pin);
		this.app.tell("go", pin);
	}

	/** Show what goes on right now. */
	count(now) {
		const { counters } = this.app.part;
		clearTimeout(this.silence);
		this.gone("");
		this.silence = setTimeout(
			() => this.gone("No word from the server for a while: something holds its event loop, or it is gone."),
			SILENT,
		);
		const bad = (n, words) => (n ? strong("bad", words) : words);
		const slowest =
			now.slowest &&
			make(
				"button",
				{ title: "Show it in the lanes", onclick: () => this.choose(now.slowest) },
				named(harmless(now.slowest.name)),
				` for ${duration(now.slowest.ran_ns)}`,
			);
		const facts = [
			["requests / s", now.per_second.toLocaleString("en", { maximumFractionDigits: 1 })],
			["in flight", String(now.in_flight)],
			["tasks now", String(now.tasks)],
			[`failed in ${Math.round(now.seconds)} s`, bad(now.errors, String(now.errors))],
			[
				`loop held in ${Math.round(now.seconds)} s`,now.held_ns ? strong("held", duration(now.held_ns)) : "–"],
			["slowest task now", slowest || "–"],
		];
		counters.hidden = false;
		const focused = counters.contains(document.activeElement);
		counters.replaceChildren(
			...facts.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", {}, value))),
		);
		if (focused) counters.querySelector("button")?.focus();
	}
}
