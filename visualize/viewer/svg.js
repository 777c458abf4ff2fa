// A pen that writes SVG, for a picture that stands alone.

import { FONT, HATCHES, SIGNS } from "./looks.js";

const near = (/** @type {number} */ value) => Math.round(value * 10) / 10;

// XML has no such characters, not even escaped.
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** @param {string} text */
export const escapeXml = (text) =>
	`${text}`.replace(NOT_XML, "\ufffd").replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

export class SvgPen {
	/** @param {Record<string, import("./looks.js").Look>} looks */
	constructor(looks) {
		this.looks = looks;
		/** @type {string[]} */
		this.parts = [];
		this.hatches = new Map();
		/** @type {string[]} */
		this.labels = [];
	}

	begin() {
		this.labels = [];
	}

	/** Draw what comes so many pixels further down. @param {number} down */
	shift(down) {
		this.parts.push(`</g><g style="white-space:pre" transform="translate(0 ${down})">`);
	}

	/** @param {string} name @param {number} x @param {number} y @param {number} width @param {number} height */
	rect(name, x, y, width, height) {
		const look = this.looks[name];
		const shape = `x="${near(x)}" y="${near(y)}" width="${near(Math.max(0, width))}" height="${near(height)}"`;
		this.shape("rect", look.round ? `${shape} rx="${look.round}"` : shape, look);
	}

	/** @param {string} name @param {number[]} points */
	path(name, points) {
		this.shape("polyline", `points="${points.map(near).join(" ")}"`, this.looks[name]);
	}

	/** @param {string} name @param {string} shape @param {number} x @param {number} y */
	sign(name, shape, x, y) {
		const points = SIGNS[shape] ?? SIGNS.error;
		if (typeof points === "number")
			this.shape("circle", `cx="${near(x)}" cy="${near(y)}" r="${points}"`, this.looks[name]);
		else
			this.shape(
				"polygon",
				`points="${points.map((point, i) => near(point + (i % 2 ? y : x))).join(" ")}"`,
				this.looks[name],
			);
	}

	/** @param {string} name @param {string} words @param {number} x @param {number} y */
	text(name, words, x, y) {
		const { fill, halo, strong } = this.looks[name];
		const around = halo ? ` stroke="${halo}" stroke-width="3" paint-order="stroke"` : "";
		this.parts.push(
			`<text x="${near(x)}" y="${near(y)}" fill="${fill}"${around}${strong ? ' font-weight="650"' : ""}>${escapeXml(words)}</text>`,
		);
	}

	/** @param {{url: string}} picture @param {number} x @param {number} y @param {number} width @param {number} height */
	image(picture, x, y, width, height) {
		this.parts.push(
			`<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${picture.url}"/>`,
		);
	}

	/** @param {string} tag @param {string} shape @param {import("./looks.js").Look} look */
	shape(tag, shape, { fill, alpha, hatch, lines = fill, faint, stroke, width = 1, dash }) {
		const line = stroke
			? ` stroke="${stroke}"${width === 1 ? "" : ` stroke-width="${width}"`}${dash ? ` stroke-dasharray="${dash}"` : ""}`
			: "";
		const solid = fill ? ` fill="${fill}"${alpha === undefined ? "" : ` fill-opacity="${alpha}"`}` : ' fill="none"';
		this.parts.push(`<${tag} ${shape}${solid}${hatch ? "" : line}/>`);
		if (!hatch) return;
		this.hatches.set(hatch, lines);
		this.parts.push(`<${tag} ${shape} fill="url(#${hatch})" fill-opacity="${faint}"${line}/>`);
	}

	/** The whole document. @param {number} width @param {number} height */
	toDocument(width, height) {
		const patterns = [...this.hatches].map(([hatch, color]) => {
			const lines = HATCHES[hatch].map(([x, y, toX, toY]) => `M${x} ${y}L${toX} ${toY}`).join("");
			return `<pattern id="${hatch}" width="8" height="8" patternUnits="userSpaceOnUse"><path d="${lines}" stroke="${color}" stroke-width="1.5" fill="none"/></pattern>`;
		});
		return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-size="12" font-weight="500" font-family="${FONT.slice(5).replace(/'/g, "")}" dominant-baseline="central"><defs>${patterns.join("")}</defs><g style="white-space:pre">${this.parts.join("\n")}</g></svg>\n`;
	}
}
