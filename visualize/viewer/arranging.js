// Which rows there are: of each request in view, or bands that many share; and which of them are folded.

import { crowded, grouped, loopLanes } from "./bands.js";
import { LOOP, RULER } from "./paint.js";
import { detailed, inOrder } from "./rows.js";
import { stack } from "./stack.js";

export const MANY = 40; // more requests are too many to be looked at one by one
const READABLE = 18; // pixels of a row
const LONG = 4; // so many screens may be scrolled

/** @typedef {import("./scene.js").Scene} Scene */

export class Arranging {
	/** @param {import("./app.js").App} app */
	constructor(app) {
		this.app = app;
		/** @type {Set<string>} */
		this.folded = new Set();
		/** @type {Scene | null} the rows */
		this.scene = null;
		/** @type {Scene | null} the lanes of the event loops */
		this.loop = null;
		this.pitch = 0;
		/** @type {Scene | null} kept for as long as nothing changes */
		this.crowd = null;
		/** @type {{requests: string, scene: Scene} | null} */
		this.few = null;
	}

	/** Forget what was arranged: the filter, the data, the grouping or what is folded changed. */
	renew() {
		this.crowd = this.few = null;
	}

	/** The pixels of a height that are left for rows. @param {number} height */
	roomIn(height) {
		return height - RULER - LOOP * (this.loop?.rows.length ?? 0) - 6;
	}

	/**
	 * Arrange what is in view; rows may be too many to fit if they are to be `readable`.
	 * @param {{begin: number, end: number}} view @param {number} height @param {boolean} readable
	 */
	arrange(view, height, readable) {
		this.loop = loopLanes(this.app.shown);
		const room = this.roomIn(height);
		this.scene = this.detail(view, room, readable);
		if (this.scene) return;
		const { shown, group } = this.app;
		this.crowd ??= group === "request" ? crowded(shown, this.folded) : grouped(shown, group, this.folded);
		this.scene = this.crowd;
		this.pitch = stack(this.scene, view, room, readable ? READABLE : undefined);
	}

	/**
	 * Rows of each request in view, null if those would be too many; the same ones as long as the requests are.
	 * @param {{begin: number, end: number}} view @param {number} room @param {boolean} readable
	 */
	detail(view, room, readable) {
		const { shown, group, pair, compared } = this.app;
		if (group !== "request") return null;
		const inView = () =>
			shown.flatMap((one, of) => one.within(view.begin, view.end, MANY).map((request) => [of, request]));
		const few = pair ?? inView();
		if (!few.length || few.length > MANY) return null;
		const requests = few.join(" ");
		if (this.few?.requests !== requests)
			this.few = { requests, scene: detailed(shown, inOrder(shown, few), this.folded) };
		const { scene } = this.few;
		this.pitch = stack(scene, view, room, READABLE);
		return few.length <= 3 || scene.height <= LONG * room || readable || compared ? scene : null;
	}

	/** @param {string} key */
	fold(key) {
		if (!this.folded.delete(key)) this.folded.add(key);
		this.renew();
	}

	/** Fold all there is, or unfold it. */
	foldAll() {
		const keys = this.scene?.bands.map(({ key }) => key) ?? [];
		const all = keys.every((key) => this.folded.has(key));
		for (const key of keys) all ? this.folded.delete(key) : this.folded.add(key);
		this.renew();
	}
}
