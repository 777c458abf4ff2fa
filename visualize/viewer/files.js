// What is saved: pictures with title and legend, the recording, the page, a trace; of what is shown or of all.

import { make } from "./dom.js";
import { toLine } from "./lines.js";
import { CanvasPen, widthOf } from "./pen.js";
import { Painter } from "./paint.js";
import { SvgPen } from "./svg.js";
import { toTrace } from "./trace.js";
import { isolated, MODES } from "./words.js";

/** @typedef {CanvasPen | SvgPen} Pen */

const [TITLE, LEGEND, EDGE] = [34, 30, 12]; // pixels

export class Files {
	/**
	 * @param {import("./app.js").App} app @param {import("./lanes.js").Lanes} lanes
	 * @param {HTMLElement} original the document as it was served
	 */
	constructor(app, lanes, original) {
		this.app = app;
		this.lanes = lanes;
		/** @type {any} */
		this.original = original;
	}

	/** Save a file of this kind; of all there is, or of what is shown. @param {string} kind @param {boolean} all */
	async save(kind, all) {
		const made = await FILES[kind].call(this, all);
		const href = URL.createObjectURL(made instanceof Blob ? made : new Blob([made]));
		make("a", { href, download: `timeline.${kind}` }).click();
		setTimeout(() => URL.revokeObjectURL(href), 10_000);
	}

	/** @param {boolean} all */
	lines(all) {
		return this.app.shown.map(({ recording, selected }) => {
			const lines = [];
			for (let r = 0; r < recording.size; r++)
				if (all || selected.requests[r]) lines.push(toLine(recording, r, (task) => all || selected.tasks[task] > 0));
			return lines.join("");
		});
	}

	/** @param {boolean} all */
	async page(all) {
		const { app, original } = this;
		const json = original.querySelector("#timeline-data");
		const lines = this.lines(all);
		const told = app.data.recordings.map((/** @type {any} */ given, /** @type {number} */ i) =>
			all && given.packed ? given : { label: given.label, lines: lines[i], findings: app.findings[i] },
		);
		await takeIn(original, app.data.policy);
		json.textContent = JSON.stringify({ ...app.data, events: null, recordings: told }).replace(/</g, "\\u003c");
		return `<!doctype html>\n${original.outerHTML}\n`;
	}

	/**
	 * Draw title, legend and lanes with a pen; returns how high that is.
	 * @param {Pen} pen @param {(image: any) => any} toPicture @param {boolean} all
	 */
	draw(pen, toPicture, all) {
		const { lanes, app } = this;
		const picture = { ...lanes.picture(), toPicture, hovered: null };
		if (all) {
			const [begin, end] = [lanes.first, lanes.last];
			picture.view = { begin: begin - (end - begin) * 0.03, end: end + (end - begin) * 0.03, y: 0 };
		}
		const { width, height } = picture;
		const top = TITLE + LEGEND;
		pen.begin(width, height + top);
		pen.rect("paper", 0, 0, width, height + top);
		pen.text("strong", isolated(app.data.title) + (app.text ? `  ·  ${app.text}` : ""), EDGE, TITLE / 2 + 2);
		this.legend(pen, width);
		pen.shift(top);
		new Painter(pen, widthOf).paint(picture);
		return height + top;
	}

	/** @param {Pen} pen @param {number} width */
	legend(pen, width) {
		const { app } = this;
		const y = TITLE + LEGEND / 2 - 4;
		let x = EDGE;
		/** @type {(draw: (x: number) => void, words: string) => void} */
		const entry = (draw, words) => {
			if (x + widthOf(words) + 50 > width) return;
			draw(x);
			pen.text("muted", words, x + 32, y);
			x += widthOf(words) + 50;
		};
		const known = (/** @type {string} */ mode) => app.shown.some(({ recording }) => recording.values.includes(mode));
		const modes = MODES.filter(known);
		for (const mode of modes)
			entry(
				(x) => (
					pen.rect(`wait ${mode}`, x, y - 6, 13, 12),
					pen.rect(`run ${mode}`, x + 13, y - 6, 13, 12),
					pen.sign(`sign ${mode}`, mode, x + 13, y)
				),
				mode,
			);
		for (const mode of modes.slice(0, 1)) {
			entry((x) => pen.rect(`held ${mode}`, x, y - 6, 26, 12), "held back by its mode");
			entry((x) => pen.rect(`wait ${mode}`, x, y - 6, 26, 12), "waits: late");
		}
		entry((x) => pen.rect("busy", x, y - 6, 26, 12), "held the event loop");
		entry((x) => pen.sign("fault", "error", x + 14, y), "failed");
	}
}

/**
 * Put the script of a file into the page of a running app: a file may fetch nothing.
 * @param {any} page @param {string} policy
 */
async function takeIn(page, policy) {
	const module = page.querySelector("[type=module]");
	if (!module.src) return;
	const told = await fetch(new URL("file.js", module.src)).catch(() => null);
	if (!told?.ok) throw new Error("the server is gone, and the page's script with it. Save the recording.");
	module.textContent = await told.text();
	module.removeAttribute("src");
	page.querySelector("[http-equiv]").content = policy;
}

/** @type {Record<string, (this: Files, all: boolean) => any>} */
const FILES = {
	svg(all) {
		const pen = new SvgPen(this.lanes.looks);
		const toPicture = (/** @type {ImageData} */ image) => {
			const canvas = make("canvas", { width: image.width, height: image.height });
			canvas.getContext("2d").putImageData(image, 0, 0);
			return { url: canvas.toDataURL() };
		};
		return pen.toDocument(this.lanes.width, this.draw(pen, toPicture, all));
	},
	async png(all) {
		const { lanes } = this;
		const canvas = new OffscreenCanvas(2 * lanes.width, 2 * (lanes.height + TITLE + LEGEND));
		this.draw(new CanvasPen(canvas.getContext("2d"), lanes.looks, 2), lanes.picture().toPicture, all);
		lanes.refresh();
		return canvas.convertToBlob();
	},
	html(all) {
		return this.page(all);
	},
	jsonl(all) {
		return this.lines(all).join("");
	},
	json(all) {
		return toTrace(this.app.shown, this.app.data.spans, all);
	},
};
