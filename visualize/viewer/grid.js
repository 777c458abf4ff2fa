// A table that sorts: its columns say how to read, to write and to order a row.

import { make, named } from "./dom.js";
import { harmless } from "./words.js";

/**
 * @typedef {object} Column
 * @property {string} key @property {string} title @property {(row: any) => any} of  what is sorted by
 * @property {(row: any) => any} [cell]  what is written: text or an element
 * @property {boolean} [words]  whether it is text rather than a number @property {string} [about]
 */

/** @param {any} key */
const isMissing = (key) => key === null || key === undefined || key !== key;

/**
 * Order rows by a column: numbers from large to small first, words from A; what is missing comes last.
 * @template Row @param {Row[]} rows @param {{of: (row: Row) => any, words?: boolean}} column @param {boolean} turned
 */
export function ordered(rows, { of, words }, turned) {
	const keys = rows.map((row) => of(row));
	const upwards = !!words !== turned;
	const places = Uint32Array.from(keys.keys()).sort((a, b) => {
		const one = keys[a];
		const other = keys[b];
		if (isMissing(one) || isMissing(other)) return +isMissing(one) - +isMissing(other);
		return one === other ? 0 : one < other === upwards ? -1 : 1;
	});
	return Array.from(places, (place) => rows[place]);
}

/**
 * What a row is of: a route, or a kind of task or span; and what it is called beside its name.
 * @param {{kind: string, name: string, mode: string}} row @param {string} beside
 */
export const kindCell = ({ kind, name, mode }, beside) =>
	make(
		"span",
		{},
		kind === "task" && make("i", { className: `swatch ${mode}`, title: mode }),
		named(harmless(name || mode)),
		beside && make("small", { textContent: ` ${beside}` }),
	);

/**
 * Make a table. `sort` is `{key, turned}`; a click on a head calls `onSort` with the next one.
 * @param {{caption: string, columns: Column[], rows: any[], sort: any, onSort: (sort: any) => void, onRow?: (row: any) => void, isChosen?: (row: any) => boolean}} told
 */
export function grid({ caption, columns, rows, sort, onSort, onRow, isChosen }) {
	const heads = columns.map(({ key, title, words, about }) => {
		const active = sort?.key === key;
		const button = make(
			"button",
			{ title: about ?? `Sort by ${title}`, onclick: () => onSort({ key, turned: active ? !sort.turned : false }) },
			title,
			make("span", {
				className: "order",
				ariaHidden: "true",
				textContent: active ? (sort.turned !== !!words ? " ▲" : " ▼") : "",
			}),
		);
		return make(
			"th",
			{
				scope: "col",
				className: words ? "words" : "",
				ariaSort: active ? (sort.turned !== !!words ? "ascending" : "descending") : "none",
			},
			button,
		);
	});
	const body = rows.map((row) => {
		const cells = columns.map(({ cell, of, words }, n) => {
			const content = (cell ?? of)(row) ?? "–";
			const inside = !n && onRow ? make("button", { className: "go", onclick: () => onRow(row) }, content) : content;
			return make(n ? "td" : "th", { scope: n ? null : "row", className: words ? "words" : "" }, inside);
		});
		return make(
			"tr",
			{
				className: isChosen?.(row) ? "chosen" : "",
				onclick: onRow && ((/** @type {any} */ event) => event.target.closest("button") || onRow(row)),
			},
			...cells,
		);
	});
	return make(
		"table",
		{},
		make("caption", { textContent: caption }),
		make("thead", {}, make("tr", {}, ...heads)),
		make("tbody", {}, ...body),
	);
}
