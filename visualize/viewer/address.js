// The page's address: it keeps what is looked at, so that a view can be shared, and comes back.

import { MANY } from "./arranging.js";
import { hasAddress, readState, replaceState, stretchOf, writeState } from "./fragment.js";

const UNCHANGED = 300; // milliseconds without a change, after which the address is written

export class Address {
	/** @param {import("./app.js").App} app @param {import("./lanes.js").Lanes} lanes @param {import("./filterline.js").FilterLine} line */
	constructor(app, lanes, line) {
		this.app = app;
		this.lanes = lanes;
		this.line = line;
		this.written = "";
		this.timer = 0;
	}

	/** Keep the address as what is seen, and what is seen as the address. */
	follow() {
		if (!hasAddress()) return;
		for (const event of ["panel", "filtered", "pinned", "moved"]) this.app.on(event, () => this.remember());
		addEventListener("hashchange", () => location.hash.slice(1) !== this.written && this.recall());
	}

	remember() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => {
			this.written = writeState(this.state());
			replaceState(this.written);
		}, UNCHANGED);
	}

	state() {
		const { app, lanes } = this;
		return {
			view: app.panel === this.opening ? "" : app.panel,
			filter: app.text,
			hide: [...app.hidden].join(","),
			rows: app.group === "request" ? "" : app.group,
			time: app.align === app.data.align ? "" : app.align,
			at: lanes.fitted || !lanes.scene ? "" : `${Math.round(lanes.view.begin)}~${Math.round(lanes.view.end)}`,
			pair: app.like ? [app.level, app.like.kind, app.like.mode, app.like.name].join("/") : "",
			pin: app.pinned && app.identify(app.pinned),
		};
	}

	recall() {
		const { app, lanes } = this;
		const told = readState(location.hash);
		/** @type {(select: HTMLSelectElement, value: string, otherwise: string) => string} */
		const one = (select, value, otherwise) =>
			(select.value = Array.from(select.options).some((option) => option.value === value) ? value : otherwise);
		app.hidden = new Set(told.hide?.split(",") ?? []);
		app.group = one(app.part.group, told.rows, "request");
		app.align = one(app.part.align, told.time, app.data.align);
		const [level, kind, mode, ...name] = (told.pair ?? "").split("/");
		app.like = name.length ? { kind, mode, name: name.join("/") } : null;
		app.level = [50, 95, 100].find((one) => one === +level) ?? 95;
		this.line.write(told.filter ?? "");
		if (app.shown.length < app.recordings.length) app.filter(); // what the address holds was no filter
		const panels = ["summary", "lanes", "table", ...(app.data.changes ? ["compare"] : [])];
		app.show(panels.includes(told.view) ? told.view : this.opening);
		app.pin(told.pin ? app.find(told.pin) : null);
		const at = stretchOf(told.at);
		if (!at || at[1] < lanes.first || at[0] > lanes.last) return lanes.fit();
		Object.assign(lanes.view, { begin: at[0], end: at[1] });
		lanes.fitted = false;
		lanes.relayout();
	}

	/** The panel that the page opens on. */
	get opening() {
		const requests = this.app.recordings.reduce((sum, { size }) => sum + size, 0);
		return this.app.data.changes ? "compare" : requests > MANY ? "summary" : "lanes";
	}
}
