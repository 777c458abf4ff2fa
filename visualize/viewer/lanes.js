// The lanes: what part of time is seen, how the rows stand, and the picture of them.

import { crowded, grouped, loopLanes } from "./bands.js";
import { LOOP, Painter, readOf, RULER } from "./paint.js";
import { widthOf } from "./pen.js";
import { detailed, inOrder } from "./rows.js";
import { extentOf } from "./shown.js";
import { stack } from "./stack.js";
import { Surface } from "./surface.js";
import { totalsOf } from "./totals.js";
import { linksOf } from "./why.js";

const MANY = 40; // requests in view that get rows of their own
const READABLE = 18; // pixels of a row
const LONG = 4; // so many screens may be scrolled
const CALM = 140; // milliseconds after the last move at which rows are laid out anew

export class Lanes {
	/** @param {any} app */
	constructor(app) {
		this.app = app;
		this.surface = new Surface(app.part, app.host);
		this.view = { begin: 0, end: 1e6, y: 0 };
		this.folded = new Set();
		this.range = null;
		this.totals = [];
		this.hovered = null;
		this.links = [];
		this.fitted = true;
		this.following = false;
		/** the first and the last moment of what is shown */
		this.first = 0;
		this.last = 1e6;
		this.measures = false; // the next drag does
		this.isCrowd = false;
		this.readable = false; // one went to something: its name can be read, though not all rows fit
		this.stale = this.grown = true;
		this.pitch = 0;
		/** @type {any} kept for as long as nothing changes */
		this.crowd = null;
		/** @type {any} */
		this.few = null;
		/** @type {any} */
		this.drawn = null;
		/** @type {number | null} */
		this.frame = null;
		this.echo = 0; // where the scroll bar was put
		this.timer = 0;
		this.waiting = [];
		this.scene = this.loop = null;
		app.on("filtered", () => this.renew());
		app.on("pinned", () => this.choose());
		app.on("go", (pin) => this.reveal(pin));
		app.on("theme", () => this.color());
		app.on("panel", () => this.resize());
		new ResizeObserver(() => this.resize()).observe(app.part.stage);
		app.part.scroller.onscroll = () => this.scrolled();
	}

	get width() {
		return this.surface.width;
	}

	get height() {
		return this.surface.height;
	}

	get looks() {
		return this.surface.looks;
	}

	get isSeen() {
		return this.width > 0 && this.height > 0;
	}

	/** The filter or the data changed. */
	renew() {
		this.crowd = this.few = null;
		this.stale = this.grown = true;
		const { app } = this;
		[this.first, this.last] = extentOf(app.shown);
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
		const anchor = this.anchor();
		this.loop = loopLanes(app.shown);
		const room = this.height - RULER - LOOP * this.loop.rows.length - 6;
		this.scene = this.sceneFor(room);
		if (this.isCrowd) this.pitch = stack(this.scene, view, room, this.readable ? READABLE : undefined);
		this.stale = false;
		this.keep(anchor);
	}

	/** The scene of a few requests; the same one as long as they are the same. */
	detail(few) {
		const requests = few.join(" ");
		if (this.few?.requests !== requests)
			this.few = { requests, scene: detailed(this.app.shown, inOrder(this.app.shown, few), this.folded) };
		return this.few.scene;
	}

	sceneFor(room) {
		const { app, view } = this;
		this.isCrowd = false;
		if (app.group === "request") {
			const few =
				app.pair ??
				app.shown.flatMap((one, of) => one.within(view.begin, view.end, MANY).map((request) => [of, request]));
			if (few.length && few.length <= MANY) {
				const scene = this.detail(few);
				this.pitch = stack(scene, view, room, READABLE);
				if (few.length <= 3 || scene.height <= LONG * room || this.readable || app.compared) return scene;
			}
		}
		this.isCrowd = true;
		return (this.crowd ??=
			app.group === "request" ? crowded(app.shown, this.folded) : grouped(app.shown, app.group, this.folded));
	}

	anchor() {
		const row = this.scene?.rows.find(({ y, height }) => height && y + height > this.view.y);
		return row && { key: row.band.key, off: row.band.rows[0].y - this.view.y };
	}

	keep(anchor) {
		const band = anchor && this.view.y > 0 && this.scene.bands.find(({ key }) => key === anchor.key);
		if (band) this.view.y = band.rows[0].y - anchor.off;
		this.scrollTo(this.view.y);
		this.app.part.scroll.style.setProperty("height", `${this.scene.height + this.height - this.room}px`);
		this.app.part.scroller.hidden = this.scene.height <= this.room;
		this.refresh();
	}

	get room() {
		return this.height - RULER - LOOP * (this.loop?.rows.length ?? 0) - 6;
	}

	scrollTo(y) {
		this.view.y = Math.max(0, Math.min(this.scene.height - this.room, y));
		if (this.view.y !== this.view.y || this.scene.height <= this.room) this.view.y = 0;
	}

	scrolled() {
		const { scroller } = this.app.part;
		// Its own echo, which comes late, moves nothing.
		if (!this.scene || Math.abs(scroller.scrollTop - this.view.y) < 1 || scroller.scrollTop === this.echo) return;
		this.scrollTo(scroller.scrollTop);
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

	see(begin, end) {
		const margin = (end - begin) * Math.max(0.02, this.width && 30 / this.width) || 5; // a sign may follow the last bar
		this.view.begin = begin - margin;
		this.view.end = end + margin;
	}

	/** Look at a stretch of time. */
	look(begin, end) {
		this.see(begin, end);
		this.fitted = false;
		this.readable = true;
		this.relayout();
	}

	fit() {
		this.see(this.first, this.last);
		this.view.y = 0;
		this.fitted = true;
		this.readable = false;
		this.relayout();
	}

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
		if (dy && this.scene) this.scrollTo(view.y - dy);
		this.refresh();
	}

	zoom(factor, x = this.width / 2) {
		const { view } = this;
		const old = view.end - view.begin;
		const length = Math.max(10, Math.min(4 * (this.last - this.first) + 10, old * factor));
		view.begin += (x / this.width) * (old - length);
		view.end = view.begin + length;
		this.fitted = false;
		if (factor > 1) this.readable = false;
		this.relayout();
	}

	/** Bring a record into view: in time if need be, and its row. */
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
			this.scrollTo(box.row.y - this.room / 3);
		this.refresh();
	}

	/** When a record's bar begins and ends, on the axis. */
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

	fold(key) {
		if (!this.folded.delete(key)) this.folded.add(key);
		this.crowd = this.few = null;
		this.relayout();
	}

	/** Fold the request of a record. */
	foldAround(pin) {
		const row = pin && pin.type !== "held" && this.locator().locate(pin)?.row;
		if (row) this.fold(row.band.key);
	}

	foldAll() {
		const keys = this.scene?.bands.map(({ key }) => key) ?? [];
		const all = keys.every((key) => this.folded.has(key));
		for (const key of keys) all ? this.folded.delete(key) : this.folded.add(key);
		this.crowd = this.few = null;
		this.relayout();
	}

	measure(from, to) {
		this.range = from === undefined ? null : [from, to];
		if (this.range) this.totals = totalsOf(this.app.shown, Math.min(from, to), Math.max(from, to));
		this.app.tell("measured");
		this.refresh();
	}

	/** Move the end of what is measured by a share of what is seen. */
	stretch(share) {
		if (this.range) this.measure(this.range[0], this.range[1] + share * (this.view.end - this.view.begin));
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
		return Object.assign(new Painter(null, widthOf), this.picture(), { top: RULER + LOOP * this.loop.rows.length });
	}

	picture() {
		const { view, width, height, scene, loop, range, totals, hovered, links, app, surface } = this;
		const { image, inks } = surface;
		const toPicture = (image) => surface.toPicture(image);
		const chosen = { shown: app.shown, pinned: app.pinned, words: app.data.spans };
		return { view, width, height, scene, loop, image, inks, range, totals, hovered, links, toPicture, ...chosen };
	}

	paint() {
		const { surface, app, first, last } = this;
		this.drawn = surface.paint(this.picture());
		if (this.grown) surface.paintOverview(app.shown, first, last);
		this.grown = false;
		surface.placeBrush(this.view, first, last);
		const { scroller } = app.part;
		if (Math.abs(scroller.scrollTop - this.view.y) >= 1) scroller.scrollTop = this.view.y;
		this.echo = scroller.scrollTop;
		app.tell("moved");
	}
}
