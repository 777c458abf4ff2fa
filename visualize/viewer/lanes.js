// The lanes: what part of time is seen, how far the rows are scrolled, and the picture of them.

import { Arranging } from "./arranging.js";
import { Measuring } from "./measuring.js";
import { LOOP, Painter, readOf, RULER } from "./paint.js";
import { widthOf } from "./pen.js";
import { Scrolling } from "./scrolling.js";
import { extentOf } from "./shown.js";
import { LABELLED } from "./stack.js";
import { Surface } from "./surface.js";
import { linksOf } from "./why.js";

const NAMED = "Ctrl and wheel: zoom · N: next task · ?: help";
const CROWDED = "Too many to be named at once: zoom in (Ctrl and wheel), filter, or double-click one · ?: help";
const CALM = 140; // milliseconds after the last move at which rows are laid out anew

export class Lanes {
	/** @param {import("./app.js").App} app */
	constructor(app) {
		this.app = app;
		this.surface = new Surface(app.part, app.host);
		this.rows = new Arranging(app);
		this.measuring = new Measuring(app, () => this.refresh());
		this.view = { begin: 0, end: 1e6, y: 0 };
		/** @type {import("./app.js").Pin | null} */
		this.hovered = null;
		/** @type {[import("./app.js").Pin, import("./app.js").Pin][]} */
		this.links = [];
		this.fitted = true;
		this.following = false;
		/** the first and the last moment of what is shown */
		this.first = 0;
		this.last = 1e6;
		this.readable = false; // one went to something: its name can be read, though not all rows fit
		this.stale = this.grown = true;
		/** @type {any} */
		this.drawn = null;
		/** @type {number | null} */
		this.frame = null;
		this.timer = 0;
		/** @type {((value?: unknown) => void)[]} */
		this.waiting = [];
		app.on("filtered", () => this.renew());
		app.on("pinned", () => this.choose());
		app.on("go", (pin) => this.reveal(pin));
		app.on("paired", () => this.fit());
		app.on("theme", () => this.color());
		app.on("panel", () => this.resize());
		new ResizeObserver(() => this.resize()).observe(app.part.stage);
		this.scrolling = new Scrolling(this);
	}

	get width() {
		return this.surface.width;
	}

	get height() {
		return this.surface.height;
	}

	/** @returns {import("./scene.js").Scene | null} */
	get scene() {
		return this.rows.scene;
	}

	/** The pixels that rows have. */
	get room() {
		return this.rows.roomIn(this.height);
	}

	get looks() {
		return this.surface.looks;
	}

	get isSeen() {
		return this.width > 0 && this.height > 0;
	}

	/** The first and the last moment of those that the lanes show. @returns {[number, number]} */
	get whole() {
		const { shown, pair } = this.app;
		if (!pair?.length) return [this.first, this.last];
		return [
			Math.min(...pair.map(([of, request]) => shown[of].begins[request])),
			Math.max(...pair.map(([of, request]) => shown[of].ends[request])),
		];
	}

	/** The filter or the data changed. */
	renew() {
		this.rows.renew();
		this.stale = this.grown = true;
		const { app } = this;
		[this.first, this.last] = extentOf(app.shown);
		if (this.fitted && app.pair) this.see(...this.whole);
		this.hovered = null;
		this.choose();
	}

	color() {
		this.surface.color();
		this.app.looks = this.looks;
		this.grown = true;
		this.refresh();
	}

	resize() {
		const unseen = !this.isSeen; // a frame may be shown late
		if (!this.surface.resize()) return;
		this.grown = true;
		if (!this.isSeen) return;
		if (unseen && this.fitted && this.app.shown.length) this.fit();
		else this.relayout();
		// Its details may have taken the room in which it was seen.
		if (this.app.pinned && this.app.shown.length && !unseen) this.reveal(this.app.pinned, { inTime: false });
	}

	/** Lay the rows out for what is in view, with as little moving as can be. */
	layout() {
		const { app, view } = this;
		clearTimeout(this.timer);
		this.timer = 0;
		if (!this.isSeen || !app.shown.length) return;
		const { anchor } = this.scrolling;
		this.rows.arrange(view, this.height, this.readable);
		this.stale = false;
		this.scrolling.keep(anchor);
		this.refresh();
	}

	/** Lay out soon: while one moves, rows stay where they are. */
	relayout(wait = 0) {
		clearTimeout(this.timer);
		this.timer = 0;
		if (wait) this.timer = setTimeout(() => this.layout(), wait);
		else this.stale = true;
		this.refresh();
	}

	/** @param {number} begin @param {number} end */
	see(begin, end) {
		const margin = (end - begin) * Math.max(0.02, this.width && 30 / this.width) || 5; // a sign may follow the last bar
		this.view.begin = begin - margin;
		this.view.end = end + margin;
	}

	/** Look at a stretch of time. @param {number} begin @param {number} end */
	look(begin, end) {
		this.see(begin, end);
		this.fitted = false;
		this.readable = true;
		this.relayout();
	}

	fit() {
		this.see(...this.whole);
		this.view.y = 0;
		this.fitted = true;
		this.readable = false;
		this.relayout();
	}

	/** @param {number} dx @param {number} dy */
	pan(dx, dy) {
		const { view, width } = this;
		const length = view.end - view.begin;
		if (dx) {
			const [least, most] = [this.first - view.end + length / 10, this.last - view.begin - length / 10];
			const by = Math.max(least, Math.min(most, (-dx * length) / width));
			view.begin += by;
			view.end += by;
			this.follow(false);
			this.fitted = false;
			this.relayout(CALM);
		}
		if (dy && this.scene) {
			this.scrolling.to(view.y - dy);
			if (dy > 0) this.follow(false); // what is newest stands at the bottom
		}
		this.refresh();
	}

	/** @param {number} factor */
	zoom(factor, x = this.width / 2) {
		const { view } = this;
		const old = view.end - view.begin;
		const least = Math.max(10, 1e-13 * Math.abs(view.begin)); // less, and a double cannot tell begin from end
		const length = Math.max(least, Math.min(4 * (this.last - this.first) + 10, old * factor));
		view.begin += (x / this.width) * (old - length);
		view.end = view.begin + length;
		this.fitted = false;
		if (factor > 1) this.readable = false;
		this.relayout();
	}

	/** Bring a record into view: in time if need be, and its row. @param {import("./app.js").Pin} pin */
	reveal(pin, { zoom = false, inTime = true } = {}) {
		const [begin, end] = this.extent(pin);
		const half = (this.view.end - this.view.begin) / 2;
		if (zoom) this.see(begin, Math.max(end, begin + 10));
		else if (inTime && (end < this.view.begin || begin > this.view.end))
			Object.assign(this.view, { begin: begin - half, end: begin + half });
		if (zoom) Object.assign(this, { fitted: false, readable: true });
		this.layout();
		const box = this.scene && pin.type !== "held" && this.locator().locate(pin);
		if (box && (box.row.y < this.view.y || box.row.y + box.row.height > this.view.y + this.room))
			this.scrolling.to(box.row.y - this.room / 3);
		this.refresh();
	}

	/**
	 * When a record's bar begins and ends, on the axis.
	 * @param {import("./app.js").Pin} pin @returns {[number, number]}
	 */
	extent({ type, of, index }) {
		const { recording, holds, offset, begins, ends } = this.app.shown[of];
		if (type === "held") return [holds[index].start, holds[index].end];
		if (type === "requests") return [begins[index], ends[index]];
		const shift = offset[recording.tables[type].owner[index]];
		return [recording.bars[type].begin[index] + shift, recording.bars[type].end[index] + shift];
	}

	/** What is chosen changed: find the lines between victims and culprits. */
	choose() {
		const { pinned, shown } = this.app;
		this.links = [];
		if (pinned && shown[pinned.of]?.align === "clock") {
			const record = readOf(shown[pinned.of], pinned.type, pinned.index);
			this.links = linksOf(shown[pinned.of], record, pinned.of);
		}
		this.refresh();
	}

	/** @param {string} key */
	fold(key) {
		this.rows.fold(key);
		this.relayout();
	}

	/** Fold the request of a record. @param {import("./app.js").Pin | null} pin */
	foldAround(pin) {
		const row = pin && pin.type !== "held" && this.scene && this.locator().locate(pin)?.row;
		if (row) this.fold(row.band.key);
	}

	foldAll() {
		this.rows.foldAll();
		this.relayout();
	}

	/** Group the rows by something else. */
	regroup() {
		this.rows.renew();
		this.relayout();
	}

	follow(on = !this.following) {
		if (on === this.following) return;
		this.following = on;
		this.app.tell("following", on);
		this.relayout();
	}

	keepUp() {
		if (this.fitted) this.see(this.first, this.last);
		const span = Math.min(this.view.end - this.view.begin, this.fitted ? 10e9 : Infinity);
		Object.assign(this.view, { begin: this.last - 0.97 * span, end: this.last + 0.03 * span });
		this.stale = true;
	}

	refresh() {
		this.frame ??= requestAnimationFrame(() => {
			const draws = this.app.shown.length && this.isSeen;
			if (draws && this.following) this.keepUp();
			// It asks for a frame, and this is one already.
			if (draws && (this.stale || !this.scene)) this.layout();
			if (draws && this.following && !this.app.pinned && this.app.group === "request") this.scrolling.to(Infinity);
			this.frame = null;
			if (draws) this.paint();
			for (const done of this.waiting.splice(0)) done();
		});
	}

	/** Resolves when nothing is left to be laid out or painted. */
	async settled() {
		while (this.timer || this.frame) {
			if (this.timer) this.layout();
			await new Promise((done) => (this.waiting.push(done), this.refresh()));
		}
	}

	/** A painter that knows where everything is, and draws nothing. */
	locator() {
		return Object.assign(new Painter(null, widthOf), this.picture(), {
			top: RULER + LOOP * (this.rows.loop?.rows.length ?? 0),
		});
	}

	picture() {
		const { view, width, height, hovered, links, app, surface } = this;
		const { range, totals } = this.measuring;
		const { scene, loop } = this.rows;
		const { image, inks } = surface;
		const toPicture = (/** @type {ImageData} */ image) => surface.toPicture(image);
		const chosen = { shown: app.shown, pinned: app.pinned, words: app.data.spans };
		return { view, width, height, scene, loop, image, inks, range, totals, hovered, links, toPicture, ...chosen };
	}

	paint() {
		const { surface, app, first, last } = this;
		this.drawn = surface.paint(this.picture());
		if (this.grown) surface.paintOverview(app.shown, first, last);
		this.grown = false;
		surface.placeBrush(this.view, first, last);
		this.scrolling.show();
		const hint = this.drawn.nameless || this.rows.pitch < LABELLED ? CROWDED : NAMED;
		if (app.part.hint.textContent !== hint) app.part.hint.textContent = hint;
		app.tell("moved");
	}
}
