// The lanes, drawn with a pen: what is in view, every label in a place of its own.

import { Places } from "./places.js";
import { endingOf, isOpen } from "./say.js";
import { arrows, busy, busyLabel, client, label, LINE, lines, request, span, task, washBand } from "./bars.js";
import { heads } from "./heads.js";
import { after } from "./packing.js";
import { LABELLED } from "./stack.js";
import { strip } from "./strip.js";
import { duration, isolated, ticksOf } from "./words.js";

export const RULER = 26;
export const LOOP = 22; // pixels of the lane of one process' event loop
const DETAILED = 700; // more bars in view are painted as pixels

/** @typedef {import("./scene.js").Row} Row */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./app.js").Pin} Pin */

/**
 * @typedef {object} Box
 * @property {Row} row @property {number} at @property {number} i @property {number} x @property {number} mid
 * @property {number} end @property {number} y @property {number} h @property {any} record
 * @property {import("./shown.js").Shown} shownOf @property {import("./recording.js").Recording} recording
 */

export class Painter {
	/** @param {any} pen @param {(text: string, strong?: boolean) => number} widthOf */
	constructor(pen, widthOf) {
		this.pen = pen;
		this.widthOf = widthOf;
		this.view = { begin: 0, end: 1, y: 0 };
		this.width = this.height = this.top = 0;
		/** @type {any} */
		this.scene = null;
		/** @type {any} the lanes of the event loops */
		this.loop = null;
		/** @type {import("./shown.js").Shown[]} */
		this.shown = [];
		/** @type {any} */
		this.pinned = null;
		/** @type {any} */
		this.hovered = null;
		/** @type {[any, any][]} */
		this.links = [];
		/** @type {[number, number] | null} */
		this.range = null;
		/** @type {string[]} */
		this.totals = [];
		/** @type {any} what spans are called */
		this.words = {};
		/** @type {any} */
		this.image = null;
		/** @type {any} */
		this.inks = null;
		/** @type {(image: any) => any} */
		this.toPicture = (image) => image;
		this.places = new Places();
		this.crowd = this.isAbove = false;
		this.nameless = false; // whether there are bars, and no name at any
		/** @type {Map<string, any>} */
		this.placed = new Map();
	}

	/** Draw all of a picture: a scene, a view of it, and what is chosen in it. @param {Partial<Painter>} picture */
	paint(picture) {
		Object.assign(this, picture);
		this.top = RULER + LOOP * this.loop.rows.length;
		this.places = new Places();
		this.isAbove = false;
		this.loop.rows.forEach((/** @type {Row} */ row, /** @type {number} */ n) =>
			Object.assign(row, { y: RULER + n * LOOP, height: LOOP, gap: 4 }),
		);
		this.pen.begin(this.width, this.height);
		this.pen.rect("paper", 0, 0, this.width, this.height);
		const ticks = ticksOf(this.view.begin, this.view.end, Math.max(3, this.width / 120));
		for (const [time] of ticks) this.pen.rect("grid", Math.round(this.xOf(time)), RULER, 1, this.height);
		if (this.scene.rows.length) this.wash();
		const rows = this.scene.rows.filter(
			(/** @type {Row} */ row) => row.height && this.yOf(row) < this.height && this.yOf(row) + row.height > this.top,
		);
		const boxes = this.boxesOf(rows);
		this.crowd = !boxes;
		this.nameless = !boxes || boxes.length > 0;
		if (boxes) this.detail(boxes);
		else this.pixels(rows);
		for (const row of rows) if (/group|title/.test(row.kind) && row.height >= LINE) heads(this, row);
		this.choice();
		this.above(ticks);
	}

	/** @param {number} time */
	xOf(time) {
		return ((time - this.view.begin) * this.width) / (this.view.end - this.view.begin);
	}

	/** @param {Pick<Row, "y">} row */
	yOf(row) {
		return row.y - this.view.y + this.top;
	}

	/** @param {number} x */
	timeAt(x) {
		return this.view.begin + (x / this.width) * (this.view.end - this.view.begin);
	}

	/** @param {number} time */
	reach(time) {
		return Math.max(-30, Math.min(this.width + 30, this.xOf(time)));
	}

	/**
	 * The box of one bar of a scene.
	 * @param {Scene} scene @param {Row} row @param {number} at @param {number} y @returns {Box}
	 */
	boxOf(scene, row, at, y) {
		const recording = this.shown[row.band.of].recording;
		const i = scene.refs[at];
		const type = row.kind === "group" ? "requests" : row.kind;
		return {
			row,
			at,
			i,
			x: this.reach(scene.begins[at]),
			mid: this.reach(scene.mids[at]),
			end: this.reach(scene.ends[at]),
			y: y + row.gap / 2,
			h: row.height - row.gap,
			get record() {
				return readOf(this.shownOf, type, i);
			},
			shownOf: this.shown[row.band.of],
			recording,
		};
	}

	/** All boxes in view, or null if they are too many to be drawn one by one. @param {Row[]} rows */
	boxesOf(rows) {
		const { scene, view } = this;
		const margin = this.timeAt(30) - view.begin;
		const boxes = [];
		for (const row of rows) {
			if (/group|title|marks/.test(row.kind)) continue;
			for (
				let at = after(scene.ends, row.from, row.to, view.begin - margin);
				at < row.to && scene.begins[at] <= view.end;
				at++
			) {
				if (boxes.length === DETAILED) return null;
				boxes.push(this.boxOf(scene, row, at, this.yOf(row)));
			}
		}
		return boxes;
	}

	// While the loop was held nothing else could move.
	wash() {
		const shown = this.shown.length === 1 ? this.shown[0] : null;
		if (!shown || shown.align !== "clock" || this.loop.rows.length > 1) return;
		const seen = shown.holds.filter(({ start, end }) => end > this.view.begin && start < this.view.end);
		if (seen.length > 200) return;
		for (const { start, end } of seen) {
			const [x, to] = [this.reach(start), this.reach(end)];
			if (to - x > 0.5) this.pen.rect("wash", x, RULER, to - x, this.height);
		}
	}

	/**
	 * Write into the rows, unless what stays on top covers it.
	 * @param {string} look @param {string} words @param {number} x @param {number} y
	 */
	write(look, words, x, y) {
		if (y - 7 >= this.top || this.isAbove) this.pen.text(look, words, x, y);
	}

	/** @param {Box[]} boxes */
	detail(boxes) {
		/** @type {(kind: string, draw: (painter: Painter, box: Box) => void) => void} */
		const layer = (kind, draw) => boxes.forEach((box) => box.row.kind === kind && draw(this, box));
		this.placed = new Map(boxes.map((box) => [`${box.row.band.of} ${box.row.kind} ${box.i}`, box]));
		for (const box of boxes) this.places.block(box.row, box.x - 1, Math.max(box.end, box.x + 2) + this.signRoom(box));
		layer("busy", washBand);
		layer("requests", lines);
		arrows(
			this,
			boxes.filter(({ row }) => row.kind === "tasks" && !row.band.shared),
		);
		layer("requests", request);
		layer("client", client);
		layer("busy", busy);
		layer("spans", span);
		layer("tasks", task);
	}

	/** @param {Box} box */
	signRoom({ row, record, h }) {
		if (h < 9) return 0;
		if (isOpen(record)) return 26;
		const ended = row.kind === "tasks" ? endingOf(record) !== "ok" : row.kind === "spans" && record.error;
		return ended ? 17 : 1;
	}

	/** @param {Row[]} rows */
	pixels(rows) {
		const { scene, view, width, height } = this;
		const pixels = new Uint32Array(this.image.data.buffer).fill(0);
		for (const row of rows) {
			const from = Math.max(this.top, Math.round(this.yOf(row) + row.gap / 2));
			const to = Math.min(height, Math.max(Math.round(this.yOf(row) + row.height - row.gap / 2), from + 1));
			if (from >= to || /group|title|marks/.test(row.kind)) continue;
			strip(scene, row, pixels.subarray(from * width, (from + 1) * width), view, this.inks);
			for (let y = from + 1; y < to; y++) pixels.copyWithin(y * width, from * width, (from + 1) * width);
		}
		this.pen.image(this.toPicture(this.image), 0, 0, width, height);
		for (const row of rows) if (row.kind === "tasks" && row.height >= LABELLED) this.namesInCrowd(row);
	}

	/** @param {Row} row */
	namesInCrowd(row) {
		const { scene, view } = this;
		const least = (70 / this.width) * (view.end - view.begin);
		for (let at = after(scene.ends, row.from, row.to, view.begin); at < row.to && scene.begins[at] <= view.end; at++) {
			if (scene.ends[at] - scene.mids[at] < least) continue;
			const box = this.boxOf(scene, row, at, this.yOf(row));
			label(this, box, isolated(box.record.name), "", box.record.mode, true);
		}
	}

	/** Outlines of what is pinned or under the pointer, and the lines from victims to culprits. */
	choice() {
		for (const [look, record] of [
			["hover", this.hovered],
			["outline", this.pinned],
		]) {
			const box = record && this.locate(record);
			if (box && box.row.height && box.y + box.h > this.top)
				this.pen.rect(look, box.x - 2, box.y - 2, Math.max(2, box.end - box.x) + 4, box.h + 4);
		}
		for (const [victim, culprit] of this.links) {
			const [from, to] = [this.locate(victim), this.locate(culprit)];
			if (!from || !to || !from.row.height || !to.row.height) continue;
			const [x, y] = [Math.max(2, Math.min(this.width - 2, from.x)), from.y + from.h / 2];
			const [toX, toY] = [Math.max(2, Math.min(this.width - 2, to.x + (to.end - to.x) / 2)), to.y + to.h / 2];
			const under = to.y + to.h + 3; // where nothing is written
			this.pen.path("link", [x, y, x - 6, y, x - 6, under, toX, under, toX, toY]);
			this.pen.sign("strong", "discarded", toX, toY);
		}
	}

	/** The box of a record, wherever it is, if the scene has it. @returns {Box | null} @param {Pin} pin */
	locate({ type, index, of }) {
		const scene = type === "held" ? this.loop : this.scene;
		for (const row of scene.rows) {
			if (row.kind !== type || row.band.of !== of) continue;
			const at = scene.refs.subarray(row.from, row.to).indexOf(index);
			if (at >= 0) return this.boxOf(scene, row, row.from + at, type === "held" ? row.y : this.yOf(row));
		}
		return null;
	}

	/** What stays in its place: the ruler, the event loops, a measurement. @param {[number, string][]} ticks */
	above(ticks) {
		this.pen.rect("paper", 0, 0, this.width, RULER);
		this.loops();
		if (this.range) this.measured(...this.range);
		for (const [time, words] of ticks) {
			const x = this.xOf(time) - this.widthOf(words) / 2;
			if (
				x > 0 &&
				x + this.widthOf(words) < this.width &&
				this.places.take("ruler", x - 6, x + this.widthOf(words) + 6)
			)
				this.pen.text("muted", words, x, RULER / 2);
		}
	}

	loops() {
		const { loop, view, pen } = this;
		this.isAbove = true;
		loop.rows.forEach((/** @type {Row} */ row) => {
			pen.rect("paper", 0, row.y, this.width, LOOP);
			pen.rect("grid", 0, row.y + LOOP - 1, this.width, 1);
			const words = loop.rows.length > 1 ? `event loop of process ${row.band.process}` : "event loop";
			const boxes = [];
			const apart = (view.end - view.begin) / this.width;
			for (let at = after(loop.ends, row.from, row.to, view.begin); at < row.to && loop.begins[at] <= view.end;) {
				boxes.push(this.boxOf(loop, row, at, row.y));
				at = after(loop.ends, at + 1, row.to, loop.ends[at] + apart);
			}
			for (const { x, end } of boxes) this.places.block(row, x - 1, Math.max(x + 2, end) + 1);
			for (const { x, end, y, h } of boxes) pen.rect("busy", x, y, Math.max(2, end - x), h);
			const wide = this.widthOf(words);
			const many = boxes.length > 100; // which leave no room for names, or for this one
			const left = [8, this.width / 2, this.width - wide - 14].find((x) => this.places.take(row, x, x + wide + 6));
			if (left !== undefined || many)
				pen.text(left === undefined ? "halo" : "muted", words, left ?? 8, row.y + LOOP / 2);
			if (!many) for (const box of boxes) busyLabel(this, box);
		});
	}

	/** @param {number} from @param {number} to */
	measured(from, to) {
		const [left, right] = [this.reach(Math.min(from, to)), this.reach(Math.max(from, to))];
		this.pen.rect("range", left, RULER, right - left, this.height);
		const lines = [duration(Math.abs(to - from)), ...this.totals];
		const wide = Math.max(...lines.map((line, n) => this.widthOf(line, !n)));
		const x = Math.max(6, Math.min(left + 8, this.width - wide - 22));
		const high = 18 * lines.length + 8;
		this.pen.rect("note", x, this.height - high - 8, wide + 16, high);
		lines.forEach((line, n) => this.pen.text(n ? "muted" : "strong", line, x + 8, this.height - high + 5 + 18 * n));
	}

	/**
	 * What stands at a place: a record's type, recording and position; for a head also its band.
	 * @param {number} x @param {number} y
	 */
	hit(x, y) {
		if (y < RULER) return null;
		const scene = y < this.top ? this.loop : this.scene;
		const rowY = (/** @type {Row} */ row) => (scene === this.loop ? row.y : this.yOf(row));
		const row = scene.rows.find((/** @type {Row} */ row) => row.height && rowY(row) <= y && y < rowY(row) + row.height);
		if (!row) return null;
		const { of } = row.band;
		if (/title|group/.test(row.kind) && !row.band.shared)
			return { band: row.band, type: row.kind === "group" && "requests", index: row.band.request, of };
		const next = after(scene.ends, row.from, row.to, this.timeAt(x));
		const near = (/** @type {number} */ at) =>
			at >= row.from && at < row.to && scene.begins[at] <= this.timeAt(x + 4) && scene.ends[at] >= this.timeAt(x - 6);
		const at = [next, next - 1].find(near);
		return at === undefined ? null : { type: row.kind === "group" ? "requests" : row.kind, index: scene.refs[at], of };
	}
}

/**
 * Read a record of what is shown: one of the recording, or what held a loop.
 * @param {import("./shown.js").Shown} shown @param {string} type @param {number} index @returns {any}
 */
export function readOf(shown, type, index) {
	if (type !== "held") return shown.recording.read(type, index);
	const hold = shown.holds[index];
	return { ...hold, type, index, owner: hold.request, recording: shown.recording };
}
