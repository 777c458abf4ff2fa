// What the viewer says in words: durations, moments, names made harmless.

export const MODES = ["immediate", "after_route", "after_response", "background", "spawned"];
export const AT_ONCE = /immediate|spawned/; // modes that hold nothing back

/** @type {[string, number][]} */
const UNITS = [
	["h", 3600e9],
	["min", 60e9],
	["s", 1e9],
	["ms", 1e6],
	["µs", 1e3],
	["ns", 1],
];

/** Write a duration of `ns` nanoseconds to three digits: `12.6 ms`, `1 min 35 s`. @param {number} ns */
export function duration(ns) {
	const sign = ns < 0 ? "−" : "";
	const size = +Math.abs(ns).toPrecision(3);
	if (!(size >= 60e9)) {
		const [unit, factor] = UNITS.find(([, factor]) => factor <= size) ?? UNITS[5];
		return `${sign}${+(size / factor).toPrecision(3)} ${unit}`;
	}
	const seconds = Math.round(Math.abs(ns) / 1e9);
	const parts = [
		[Math.floor(seconds / 3600), "h"],
		[Math.floor(seconds / 60) % 60, "min"],
		[seconds % 60, "s"],
	];
	const first = parts[0][0] ? 0 : 1;
	return (
		sign +
		parts
			.slice(first, first + 2)
			.filter(([value]) => value)
			.map((part) => part.join(" "))
			.join(" ")
	);
}

/** A duration that may not be known. @param {number | null | undefined} ns */
export const time = (ns) => (ns === null || ns === undefined || ns !== ns ? "–" : duration(ns));

/**
 * Write moments in one unit, with so many digits that no two different ones read the same.
 * @param {(number | null)[]} times
 */
export function moments(times) {
	const known = times.filter((time) => time !== null && time === time).map(Number);
	const different = new Set(known).size;
	const largest = known.reduce((most, time) => Math.max(most, Math.abs(time)), 0);
	const [unit, factor] = UNITS.slice(2).find(([, factor]) => factor <= largest) ?? UNITS[5];
	/** @type {(time: number, places: number) => string} */
	const write = (time, places) => `${(time / factor).toFixed(places)} ${unit}`.replace("-", "−");
	let places = factor === 1 ? 0 : 1;
	while (places < 9 && new Set(known.map((time) => write(time, places))).size < different) places++;
	return times.map((time) => (time !== null && time === time ? write(time, places) : "never"));
}

/** Write a number with two digits. @param {number} number */
const two = (number) => String(number).padStart(2, "0");

/** Write nanoseconds since the epoch as the time of day here, to the millisecond. @param {bigint} wall */
export function timeOfDay(wall) {
	const at = new Date(Number(wall / 1000000n));
	return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** Write nanoseconds since the epoch as a date here. @param {bigint} wall */
export function dateOf(wall) {
	const at = new Date(Number(wall / 1000000n));
	return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Write a number: `1,000`. @param {number} n */
export const amount = (n) => n.toLocaleString("en");

/** Write a number and its noun: `1 task`, `1,000 tasks`. @param {number} n @param {string} noun */
export const count = (n, noun) => `${amount(n)} ${noun}${n === 1 ? "" : "s"}`;

/** Write a share of `whole` as a percentage. @param {number} part @param {number} whole */
export const percent = (part, whole) => `${whole ? +((100 * part) / whole).toPrecision(2) : 0}\u00a0%`;

// What turns the direction of text, breaks lines or is no character at all; emoji and letters stay.
const HARMFUL =
	/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Co}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]/gu;

/** Write a name that others chose on one line, with escapes for what would not be seen. @param {string} text */
export function harmless(text) {
	return `${text}`.replace(HARMFUL, (one) => {
		const code = one.codePointAt(0) ?? 0;
		const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[one];
		if (known) return known;
		if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
		return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
	});
}

const FROM_RIGHT = "[\\u0590-\\u08ff\\ufb1d-\\ufefc\\u{10800}-\\u{10fff}]+";
const ANY_FROM_RIGHT = new RegExp(FROM_RIGHT, "u");
const RUNS = new RegExp(`${FROM_RIGHT}(?:[\\s\\p{P}]+${FROM_RIGHT})*`, "gu");

/** The same, kept apart from what stands beside it whatever direction it is read in. @param {string} text */
export function isolated(text) {
	const shown = harmless(text);
	return ANY_FROM_RIGHT.test(shown) ? `\u2068${shown}\u2069` : shown;
}

/**
 * The same of a sentence: it is read from the left, each of its words that is not is kept apart.
 * @param {string} text
 */
export const sentence = (text) => harmless(text).replace(RUNS, "\u2068$&\u2069");

const THOUSANDS = /(?<!\..*)\d(?=(\d{3})+(?!\d))/g;

/**
 * Round moments for an axis from `begin` to `end`, at most about `most`, each with its label.
 * @param {number} begin @param {number} end @param {number} most
 */
export function ticksOf(begin, end, most) {
	const least = (end - begin) / most;
	const step = roundStep(least);
	/** @type {(unit: [string, number]) => boolean} */
	const fits = ([, factor]) =>
		factor <= Math.max(-begin, end) && factor <= 1000 * step && (factor < 60e9 || step % factor === 0);
	const [unit, factor] = UNITS.find(fits) ?? UNITS[5];
	const places = Math.max(0, Math.ceil(Math.log10(factor / step) - 1e-9));
	/** @param {number} time */
	const words = (time) => {
		if (unit === "h" && Math.abs(time) >= 2 * DAY) return inDays(time);
		return Math.abs(time) >= 3600e9 && unit === "min"
			? duration(time)
			: `${(time / factor).toFixed(places).replace(THOUSANDS, "$&,")} ${unit}`.replace("-", "−");
	};
	/** @type {[number, string][]} */
	const ticks = [];
	for (let n = Math.ceil(begin / step); n * step <= end && ticks.length < 1000; n++)
		ticks.push([n * step, n ? words(n * step) : "0"]);
	return ticks;
}

const DAY = 86400e9;

/** @param {number} time */
function inDays(time) {
	const hours = Math.round((Math.abs(time) % DAY) / 3600e9);
	return `${time < 0 ? "−" : ""}${Math.floor(Math.abs(time) / DAY)} d${hours ? ` ${hours} h` : ""}`;
}

const CLOCK = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400].map((s) => s * 1e9);

/** @param {number} least */
function roundStep(least) {
	if (least > 10e9) return CLOCK.find((step) => step >= least) ?? 86400e9 * Math.ceil(least / 86400e9);
	const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
	return power * ([1, 2, 5, 10].find((digit) => digit * power >= least) ?? 10);
}
