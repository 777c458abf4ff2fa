// How each part of the picture looks: fills, strokes, hatches. Both pens, canvas and SVG, read it here.

import { MODES } from "./words.js";

export const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";

/** The lines of a mode's hatch, in a tile of 8 by 8 pixels. @type {Record<string, number[][]>} */
export const HATCHES = {
	immediate: [
		[-2, 2, 2, -2],
		[-2, 10, 10, -2],
		[6, 10, 10, 6],
	],
	after_route: [
		[-2, 6, 2, 10],
		[-2, -2, 10, 10],
		[6, -2, 10, 2],
	],
	after_response: [
		[0, 0, 8, 8],
		[0, 8, 8, 0],
	],
	background: [
		[2, 0, 2, 8],
		[6, 0, 6, 8],
	],
	spawned: [
		[1, 2, 3, 2],
		[5, 6, 7, 6],
	],
	held: [
		[0, 2, 8, 2],
		[0, 6, 8, 6],
	],
};

/**
 * Shapes of about 10 pixels around 0, as points, or the radius of a circle.
 * @type {Record<string, number[] | number>}
 */
export const SIGNS = {
	immediate: 3.5,
	after_route: [0, -4.5, 4.5, 0, 0, 4.5, -4.5, 0],
	after_response: [0, -4.5, 4.5, 3.5, -4.5, 3.5],
	background: [0, 4.5, 4.5, -3.5, -4.5, -3.5],
	spawned: [0, -5.5, 1.6, -1.8, 5.5, -1.7, 2.4, 0.8, 3.5, 4.7, 0, 2.5, -3.5, 4.7, -2.4, 0.8, -5.5, -1.7, -1.6, -1.8],
	error: [-6, -4, -4, -6, 0, -2, 4, -6, 6, -4, 2, 0, 6, 4, 4, 6, 0, 2, -4, 6, -6, 4, -2, 0],
	cancelled: [-5, -5, 5, -5, 5, 5, -5, 5],
	discarded: 5,
	abandoned: [-4, -5.5, 6, 0, -4, 5.5],
	timeout: [-5, -5.5, 5, -5.5, -5, 5.5, 5, 5.5],
};

/**
 * @typedef {object} Look
 * @property {string} [fill] @property {number} [alpha] of the fill
 * @property {string} [hatch] the lines that fill it @property {string} [lines] their colour, by default the fill's
 * @property {number} [faint] alpha of the hatch
 * @property {string} [stroke] @property {number} [width] @property {number[]} [dash] @property {number} [round]
 * @property {string} [halo] drawn around text @property {boolean} [strong]
 */

/**
 * All looks, by name, with the colours of a theme.
 * @param {(token: string) => string} color @returns {Record<string, Look>}
 */
export function looksOf(color) {
	const paper = color("paper");
	/** @type {Record<string, Look>} */
	const looks = {
		paper: { fill: paper },
		grid: { fill: color("grid") },
		wash: { fill: color("band") },
		"line endpoint_end": { stroke: color("text"), dash: [3, 3] },
		"line response_sent": { stroke: color("text") },
		arrow: { stroke: color("arrow") },
		link: { stroke: color("text"), width: 1.5 },
		client: { fill: color("phase"), round: 2 },
		until: { fill: color("phase"), alpha: 0.28 },
		"until response_sent": { fill: color("phase") },
		"until endpoint_end": { fill: color("endpoint") },
		busy: { fill: color("busy"), hatch: "held", faint: 0.22, lines: color("ink-busy"), round: 2 },
		span: { fill: paper, stroke: color("span") },
		outline: { stroke: color("text"), width: 2, round: 4 },
		hover: { stroke: color("text"), width: 1, round: 4 },
		range: { fill: color("after_route"), alpha: 0.16, stroke: color("after_route") },
		note: { fill: paper, stroke: color("muted"), round: 4 },
		fault: { fill: color("error") },
		failed: { fill: color("error"), strong: true },
		text: { fill: color("text") },
		dot: { fill: color("after_route"), alpha: 0.7 },
		halo: { fill: color("text"), halo: paper },
		strong: { fill: color("text"), strong: true },
		muted: { fill: color("muted") },
		"ink span": { fill: color("text") },
	};
	for (const name of [...MODES, "endpoint", "busy"]) looks[`ink ${name}`] = { fill: color(`ink-${name}`) };
	for (const mode of MODES) {
		const fill = color(mode);
		looks[`held ${mode}`] = { fill, alpha: 0.05, hatch: mode, faint: 0.3, stroke: fill, width: 0.6 };
		looks[`wait ${mode}`] = { fill, alpha: 0.16, hatch: mode, faint: 1, stroke: fill };
		looks[`run ${mode}`] = { fill, round: 2 };
		looks[`thread ${mode}`] = { fill, round: 2, stroke: color(`ink-${mode}`), dash: [5, 4], width: 2 };
		looks[`sign ${mode}`] = { fill: paper, stroke: fill, width: 1.5 };
	}
	return looks;
}
