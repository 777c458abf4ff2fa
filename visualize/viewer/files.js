// What is saved: pictures with title and legend, the recording, the page, a trace; of what is shown or of all.

import { make } from "./dom.js";
import { meaningsOf, modesOf } from "./legend.js";
import { toLine } from "./lines.js";
import { CanvasPen, widthOf } from "./pen.js";
import { Painter } from "./paint.js";
import { elide } from "./places.js";
import { SvgPen } from "./svg.js";
import { toTrace } from "./trace.js";
import { AT_ONCE, isolated, MODES } from "./words.js";

/** @typedef {CanvasPen | SvgPen} Pen */

const [TITLE, ENTRY, EDGE] = [34, 22, 12]; // pixels

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
		const { top } = this;
		pen.begin(width, height + top);
		pen.rect("paper", 0, 0, width, height + top);
		const title = [app.data.title, app.text].filter(Boolean).map(isolated).join("  ·  ");
		const shown = elide(title, width - 2 * EDGE, (text) => widthOf(text, true));
		pen.text("strong", shown, EDGE, TITLE / 2 + 2);
		for (const { x, y, words, draw } of this.legend(pen)) {
			draw(x, y);
			pen.text("muted", words, x + 32, y);
		}
		pen.shift(top);
		new Painter(pen, widthOf).paint(picture);
		return height + top;
	}

	/** Where the lanes begin, below title and legend. */
	get top() {
		return (this.legend(null).at(-1)?.y ?? TITLE) + ENTRY - 3;
	}

	/**
	 * What the legend says, where it stands, and what draws the look that it explains.
	 * @param {any} pen
	 */
	legend(pen) {
		const { app, lanes } = this;
		const modes = MODES.filter((mode) => app.shown.some(({ recording }) => modesOf(recording).includes(mode)));
		const late = modes.find((mode) => !AT_ONCE.test(mode));
		/** @type {Record<string, string>} */
		const looks = { held: `held ${late}`, request: "until endpoint_end" };
		for (const look of ["wait", "run", "thread"]) looks[look] = `${look} ${modes[0]}`;
		/** @type {[string, (x: number, y: number) => void][]} */
		const entries = modes.map((mode) => [
			mode,
			(x, y) => {
				pen.rect(`wait ${mode}`, x, y - 6, 13, 12);
				pen.rect(`run ${mode}`, x + 13, y - 6, 13, 12);
				pen.sign(`sign ${mode}`, mode, x + 13, y);
			},
		]);
		entries.push(["failed", (x, y) => pen.sign("fault", "error", x + 14, y)]);
		for (const [look, words] of meaningsOf(app.shown))
			entries.push([words, (x, y) => pen.rect(looks[look] ?? look, x, y - 6, 26, 12)]);
		let [next, y] = [EDGE, TITLE + ENTRY / 2];
		return entries.map(([words, draw]) => {
			const wide = widthOf(words) + 50;
			if (next > EDGE && next + wide > lanes.width) [next, y] = [EDGE, y + ENTRY];
			const x = next;
			next += wide;
			return { x, y, words, draw };
		});
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
		const canvas = new OffscreenCanvas(2 * lanes.width, 2 * (lanes.height + this.top));
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
