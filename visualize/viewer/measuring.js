// A stretch of time that is measured, and what lies in it.

import { totalsOf } from "./totals.js";

export class Measuring {
	/** @param {import("./app.js").App} app @param {() => void} refresh */
	constructor(app, refresh) {
		this.app = app;
		this.refresh = refresh;
		/** @type {[number, number] | null} */
		this.range = null;
		/** @type {string[]} what lies in it, in words */
		this.totals = [];
		this.next = false; // whether the next drag measures
	}

	/** Measure from one moment to another. @param {number} from @param {number} to */
	take(from, to) {
		this.range = [from, to];
		this.totals = totalsOf(this.app.shown, Math.min(from, to), Math.max(from, to));
		this.told();
	}

	/** Move the end of what is measured. @param {number} by */
	stretch(by) {
		if (this.range) this.take(this.range[0], this.range[1] + by);
	}

	letGo() {
		this.range = null;
		this.next = false;
		this.told();
	}

	told() {
		this.app.tell("measured");
		this.refresh();
	}
}
