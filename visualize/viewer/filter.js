// The filter language, as answers/filter in Python reads it: `route:/orders -outcome:ok wait>100ms`.

import { MODES } from "./words.js";

/**
 * A word of an expression, and where it stands.
 * @typedef {object} Word
 * @property {number} position @property {boolean} negated @property {number} end @property {string} value
 * @property {boolean} quoted @property {string} written @property {string} key @property {string} operator
 */

/**
 * What must hold. Which of the fields there are follows from what it is of.
 * @typedef {object} Term
 * @property {string} of @property {boolean} negated @property {string} text @property {boolean} exact
 * @property {string} operator @property {number} limit  nanoseconds @property {number} lowest
 * @property {number} highest
 */

/** @typedef {Partial<Term> & {of: string}} Found  a term of which it is not known whether it is negated */

const OUTCOMES = ["ok", "error", "cancelled", "discarded", "abandoned", "timeout"];
const TEXTS = ["name", "route", "error", "method"];
/** @type {Record<string, string[]>} */
const CHOICES = { mode: MODES, outcome: OUTCOMES };
const DURATIONS = ["wait", "run", "response"];
const OPERATORS = [">", ">=", "<", "<="];
/** @type {Record<string, number>} */
const SIZES = { ns: 1, µs: 1e3, us: 1e3, ms: 1e6, s: 1e9, min: 60e9 };

/** What is wrong with an expression: `position` counts its characters from 0. */
export class FilterError extends Error {
	/** @param {number} position @param {string} word @param {string} message */
	constructor(position, word, message) {
		super(message);
		this.position = position;
		this.word = word;
	}
}

/**
 * Read an expression as terms that must all hold. Throws FilterError, which points at the word that is wrong.
 * @param {string} expression @returns {Term[]}
 */
export function parse(expression) {
	/** @type {Term[]} */
	const terms = [];
	for (let at = skip(expression, 0); at < expression.length;) {
		const word = wordAt(expression, at);
		terms.push(/** @type {Term} */ ({ ...termOf(word), negated: word.negated }));
		at = skip(expression, word.end);
	}
	return terms;
}

/** @param {string} text @param {number} at */
function skip(text, at) {
	while (at < text.length && /\s/.test(text[at])) at++;
	return at;
}

/** @param {RegExp} pattern @param {string} text @param {number} at */
function match(pattern, text, at) {
	pattern.lastIndex = at;
	return pattern.exec(text);
}

/** @param {string} text @param {number} position @returns {Word} */
function wordAt(text, position) {
	const negated = text[position] === "-";
	const from = position + (negated ? 1 : 0);
	const key = match(/([A-Za-z_]+)(>=|<=|[:=<>])/y, text, from);
	const { value, end, quoted } = valueAt(text, from + (key?.[0].length ?? 0));
	return {
		position,
		negated,
		end,
		value,
		quoted,
		written: text.slice(position, end),
		key: key?.[1].toLowerCase() ?? "",
		operator: key?.[2] ?? "",
	};
}

/** @param {string} text @param {number} at */
function valueAt(text, at) {
	const bare = match(/\S*/y, text, at)?.[0] ?? "";
	if (text[at] !== '"') return { value: bare, end: at + bare.length, quoted: false };
	const found = match(/"((?:[^"\\]|\\[^])*)"/y, text, at);
	if (!found) throw new FilterError(at, text.slice(at), 'the quote has no end: write another " after it');
	const end = at + found[0].length;
	if (end < text.length && !/\s/.test(text[end]))
		throw new FilterError(at, bare, "something follows the quote: write a space after it");
	return { value: found[1].replace(/\\([^])/g, "$1"), end, quoted: true };
}

/** @param {Word} word @param {string} message */
function wrong({ position, written }, message) {
	return new FilterError(position, written, message);
}

/** @param {Word} word @returns {Found} */
function termOf(word) {
	const { key, operator, value } = word;
	if (!key) return plain(word);
	if (DURATIONS.includes(key)) return lasting(word);
	if (!TEXTS.includes(key) && !CHOICES[key] && key !== "status") throw wrong(word, unknown(word));
	if (operator !== ":" && operator !== "=")
		throw wrong(word, `${key} is no duration: write ${key}: and what to look for`);
	if (!value) throw wrong(word, `nothing follows it: write ${exampleOf(key)}`);
	const text = value.toLowerCase();
	if (key === "status") return status(word);
	if (!CHOICES[key]) return { of: key, text, exact: operator === "=" };
	if (!CHOICES[key].includes(text))
		throw wrong(word, `there is no such ${key}: write one of ${CHOICES[key].join(", ")}`);
	return { of: key, text, exact: true };
}

/** @param {Word} word @returns {Found} */
function plain(word) {
	const text = word.value.toLowerCase();
	if (!text)
		throw wrong(
			word,
			`${word.quoted ? "is nothing" : "nothing follows it"}: write a word, such as -mail or "send mail"`,
		);
	if (word.quoted) return { of: "word", text };
	if (":=<>".includes(text[0]))
		throw wrong(word, "it stands alone: write wait>100ms or name:mail, without spaces inside");
	return text === "thread" ? { of: "thread" } : { of: "word", text };
}

/** @param {Word} word @returns {Found} */
function lasting(word) {
	const { key, operator, value } = word;
	if (!OPERATORS.includes(operator)) throw wrong(word, `${key} is a duration: write ${key}>100ms or ${key}<1s`);
	if (!value) throw wrong(word, `nothing follows it: write ${key}${operator}100ms`);
	return { of: key, operator, limit: nanoseconds(word) };
}

/** @param {Word} word */
function nanoseconds(word) {
	const found = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([^\s0-9.]*)$/.exec(word.value);
	const units = Object.keys(SIZES).join(", ");
	if (!found || found[1].length > 20)
		throw wrong(word, `'${word.value.slice(0, 20)}' is no duration: write a number and its unit, such as 20ms`);
	const unit = found[2].toLowerCase().replace("\u03bc", "\u00b5");
	if (!unit) throw wrong(word, `'${word.value}' has no unit: write ${found[1]}ms, or another of ${units}`);
	if (!Object.hasOwn(SIZES, unit))
		throw wrong(word, `'${word.value}' has no unit that is known: write one of ${units}`);
	return Math.round(+found[1] * SIZES[unit]);
}

/** @param {Word} word @returns {Found} */
function status(word) {
	const found = /^([1-9])([0-9]{2}|xx)$/.exec(word.value.toLowerCase());
	if (!found) throw wrong(word, "there is no such status: write one, status:500, or a hundred, 5xx");
	const lowest = found[2] === "xx" ? +found[1] * 100 : +found[0];
	return { of: "status", lowest, highest: found[2] === "xx" ? lowest + 99 : lowest };
}

/** @param {string} key */
function exampleOf(key) {
	/** @type {Record<string, string>} */
	const examples = {
		status: "500",
		mode: "immediate",
		outcome: "error",
		route: "/orders",
		method: "POST",
		error: "ConnectionError",
	};
	return `${key}:${examples[key] ?? "mail"}`;
}

/** @param {Word} word */
function unknown({ key, operator }) {
	const named = operator === ":" || operator === "=";
	const there = named
		? [...TEXTS, ...Object.keys(CHOICES), "status"].map((one) => `${one}:`)
		: DURATIONS.map((one) => one + operator);
	return `${key} is none of the terms: write one of ${there.join(", ")}, or put it in quotes`;
}

/** Write a value as it stands in an expression. @param {string} text */
export const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;
