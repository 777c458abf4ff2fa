// A pen that draws on a canvas. svg.js has one with the same face.

import { FONT, HATCHES, SIGNS } from "./looks.js";

const widths = new Map();
/** @type {any} */
let ruler;

/** How wide a text is, in pixels. @param {string} text */
export function widthOf(text, strong = false) {
	const key = strong ? `s${text}` : text;
	const known = widths.get(key);
	if (known !== undefined) return known;
	ruler ??= new OffscreenCanvas(1, 1).getContext("2d");
	ruler.font = `${strong ? 650 : 500} ${FONT}`;
	if (widths.size > 20000) widths.clear();
	const { width } = ruler.measureText(text);
	widths.set(key, width);
	return width;
}

export class CanvasPen {
	/** @param {any} context @param {Record<string, import("./looks.js").Look>} looks @param {number} scale */
	constructor(context, looks, scale) {
		this.context = context;
		this.looks = looks;
		this.scale = scale;
		this.tiles = new Map();
		/** what was written, and where: @type {{words: string, x: number, y: number, width: number, height: number}[]} */
		this.labels = [];
	}

	/** @param {number} width @param {number} height */
	begin(width, height) {
		const { context, scale } = this;
		const { down = 0 } = /** @type {any} */ (this);
		this.labels = [];
		context.setTransform(scale, 0, 0, scale, 0, down * scale);
		if (!down) context.clearRect(0, 0, width, height);
		context.textBaseline = "middle";
		context.direction = "ltr";
	}

	/** Draw what comes so many pixels further down. @param {number} down */
	shift(down) {
		/** @type {any} */ (this).down = down;
	}

	/** @param {string} name @param {number} x @param {number} y @param {number} width @param {number} height */
	rect(name, x, y, width, height) {
		const { context } = this;
		const look = this.looks[name];
		width = Math.max(0, width);
		const round = width > 4 && height > 6 ? look.round : 0;
		if (round || look.stroke || look.hatch) {
			context.beginPath();
			context.roundRect(x, y, width, height, round);
			this.ink(look);
			return;
		}
		context.globalAlpha = look.alpha ?? 1;
		context.fillStyle = look.fill;
		context.fillRect(x, y, width, height);
		context.globalAlpha = 1;
	}

	/** @param {string} name @param {number[]} points */
	path(name, points) {
		const { context } = this;
		context.beginPath();
		for (let i = 0; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
		this.ink(this.looks[name]);
	}

	/** @param {string} name @param {string} shape @param {number} x @param {number} y */
	sign(name, shape, x, y) {
		const { context } = this;
		const points = SIGNS[shape] ?? SIGNS.error;
		context.beginPath();
		if (typeof points === "number") context.arc(x, y, points, 0, 7);
		else for (let i = 0; i < points.length; i += 2) context.lineTo(x + points[i], y + points[i + 1]);
		context.closePath();
		this.ink(this.looks[name]);
	}

	/** @param {string} name @param {string} words @param {number} x @param {number} y */
	text(name, words, x, y) {
		const { context } = this;
		const look = this.looks[name];
		context.font = `${look.strong ? 650 : 500} ${FONT}`;
		if (look.halo) {
			context.lineJoin = "round";
			context.lineWidth = 3;
			context.strokeStyle = look.halo;
			context.strokeText(words, x, y);
		}
		context.fillStyle = look.fill;
		context.fillText(words, x, y);
		this.labels.push({ words, x, y: y - 7, width: widthOf(words, look.strong), height: 14 });
	}

	/**
	 * Draw pixels of a picture over a place.
	 * @param {CanvasImageSource} picture @param {number} x @param {number} y @param {number} width @param {number} height
	 */
	image(picture, x, y, width, height) {
		this.context.imageSmoothingEnabled = false;
		this.context.drawImage(picture, x, y, width, height);
	}

	/** @param {import("./looks.js").Look} look */
	ink({ fill, alpha = 1, hatch, lines = fill, faint = 1, stroke, width = 1, dash }) {
		const { context } = this;
		if (fill) {
			context.globalAlpha = alpha;
			context.fillStyle = fill;
			context.fill();
		}
		if (hatch) {
			context.globalAlpha = faint;
			context.fillStyle = this.tile(hatch, lines);
			context.fill();
		}
		context.globalAlpha = 1;
		if (!stroke) return;
		context.strokeStyle = stroke;
		context.lineWidth = width;
		context.setLineDash(dash ?? []);
		context.stroke();
	}

	/** @param {string} hatch @param {string | undefined} color */
	tile(hatch, color) {
		const known = this.tiles.get(hatch);
		if (known) return known;
		const { scale } = this;
		const canvas = new OffscreenCanvas(Math.round(8 * scale), Math.round(8 * scale));
		/** @type {any} */
		const tile = canvas.getContext("2d");
		tile.scale(canvas.width / 8, canvas.height / 8);
		tile.strokeStyle = color;
		tile.lineWidth = 1.5;
		for (const [x, y, toX, toY] of HATCHES[hatch]) {
			tile.beginPath();
			tile.moveTo(x, y);
			tile.lineTo(toX, toY);
			tile.stroke();
		}
		const pattern = this.context.createPattern(canvas, "repeat");
		pattern.setTransform(new DOMMatrix().scale(1 / scale, 1 / scale));
		this.tiles.set(hatch, pattern);
		return pattern;
	}
}
