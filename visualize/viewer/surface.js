// What the lanes are painted on: the canvas, the strip above it with its brush, and how the theme looks.

import { looksOf } from "./looks.js";
import { density, paintOverview } from "./overview.js";
import { Painter } from "./paint.js";
import { CanvasPen, widthOf } from "./pen.js";
import { inksOf } from "./strip.js";

const OVERVIEW = 44; // pixels

export class Surface {
	/** @param {any} part the elements of the page by name @param {HTMLElement} host */
	constructor(part, host) {
		this.part = part;
		this.host = host;
		this.width = this.height = 0;
		this.scale = 1;
		/** @type {any} */
		this.looks = null;
		/** @type {any} the same for strips of pixels */
		this.inks = null;
		/** @type {any} */
		this.image = null;
		/** @type {any} */
		this.pixels = null;
		/** @type {any} */
		this.pen = null;
	}

	/** Become as large as the stage; returns whether it was not. */
	resize() {
		const { stage, canvas } = this.part;
		const [width, height] = [stage.clientWidth, stage.clientHeight];
		const scale = Math.max(1, globalThis.devicePixelRatio || 1);
		if (width === this.width && height === this.height && scale === this.scale) return false;
		Object.assign(this, { width, height, scale });
		if (!width || !height) return true;
		Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
		this.image = new ImageData(width, height); // not one a frame
		this.pixels = new OffscreenCanvas(width, height);
		return true;
	}

	/** Take the colours of the theme. */
	color() {
		const style = getComputedStyle(this.host);
		/** @type {any} */
		const probe = new OffscreenCanvas(1, 1).getContext("2d");
		const color = (/** @type {string} */ token) => {
			probe.fillStyle = style.getPropertyValue(`--${token}`).trim() || "#888888";
			return probe.fillStyle;
		};
		this.looks = looksOf(color);
		this.inks = inksOf(color);
	}

	/**
	 * Paint a picture; returns the painter, which knows where everything is.
	 * @param {ReturnType<import("./lanes.js").Lanes["picture"]>} picture
	 */
	paint(picture) {
		const { looks, scale } = this;
		if (this.pen?.looks !== looks || this.pen.scale !== scale)
			this.pen = new CanvasPen(this.part.canvas.getContext("2d"), looks, scale);
		const painter = new Painter(this.pen, widthOf);
		painter.paint(picture);
		return painter;
	}

	/** Put a strip of pixels where a pen can draw it. @param {ImageData} image */
	toPicture(image) {
		this.pixels.getContext("2d").putImageData(image, 0, 0);
		return this.pixels;
	}

	/**
	 * Paint all that is shown, from its first moment to its last, into the strip.
	 * @param {import("./shown.js").Shown[]} shown @param {number} first @param {number} last
	 */
	paintOverview(shown, first, last) {
		const { overview } = this.part;
		const width = overview.clientWidth;
		if (!width) return;
		const { scale } = this;
		Object.assign(overview, { width: Math.round(width * scale), height: Math.round(OVERVIEW * scale) });
		const pen = new CanvasPen(overview.getContext("2d"), this.looks, scale);
		paintOverview(pen, density(shown, first, last, width), width, OVERVIEW);
	}

	/**
	 * Place the brush on what is seen of the strip.
	 * @param {{begin: number, end: number}} view @param {number} first @param {number} last
	 */
	placeBrush(view, first, last) {
		const { brush } = this.part;
		const share = (/** @type {number} */ time) => Math.max(0, Math.min(1, (time - first) / (last - first || 1)));
		const [from, to] = [share(view.begin), share(view.end)];
		brush.classList.toggle("whole", to - from > 0.98);
		brush.ariaValueNow = String(Math.round(100 * from));
		brush.style.setProperty("left", `${100 * from}%`);
		brush.style.setProperty("width", `${Math.max(0.3, 100 * (to - from))}%`);
	}
}
