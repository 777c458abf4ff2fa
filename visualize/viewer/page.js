// The page: puts the pieces together. Which pieces there are is up to the form of the page.

import { ACTIONS } from "./actions.js";
import { Address } from "./address.js";
import { App } from "./app.js";
import { FilterLine } from "./filterline.js";
import { Findings } from "./findings.js";
import { Going } from "./going.js";
import { listen } from "./input.js";
import { obey } from "./keys.js";
import { Lanes } from "./lanes.js";
import { Legend } from "./legend.js";
import { Told } from "./lines.js";
import { readOf } from "./paint.js";
import { say } from "./say.js";
import { MARKUP, STYLE } from "./sheet.js";
import { amount, count } from "./words.js";

/**
 * What the page is made of; `files` once it is complete, `live` where it follows a running app.
 * @typedef {object} Page
 * @property {App} app @property {Lanes} lanes @property {FilterLine} line @property {Going} going
 * @property {HTMLElement} original  the document as it was served
 * @property {import("./files.js").Files | null} files @property {any} live @property {Promise<void>} ready
 */

/**
 * Open the page. Each brings what makes it `complete`; a page that reads packed recordings `readColumns`, one that
 * compares `Compare` and `Pairing`, one that follows a running app `Live`.
 * @param {{complete: (page: Page) => any, readColumns?: any, Compare?: any, Pairing?: any, Live?: any}} pieces
 */
export function open({ complete, readColumns, Compare, Pairing, Live }) {
	/** @type {any} */
	const original = document.documentElement.cloneNode(true);
	/** @type {any} */
	const host = document.querySelector("#timeline");
	/** @type {any} */
	const told = document.querySelector("#timeline-data");
	const data = JSON.parse(told.textContent);
	look(host, data);
	const part = Object.fromEntries(Array.from(host.querySelectorAll("[data-part]"), (one) => [one.dataset.part, one]));
	const app = new App(data, part, host);
	app.on("panel", () => tellPanel(app)); // before anyone who measures what is seen

	const pairing = Pairing && new Pairing(app);
	const lanes = new Lanes(app);
	const line = new FilterLine(app);
	const going = new Going(app, lanes, line);
	const address = new Address(app, lanes, line);
	const into = (/** @type {import("./app.js").Pin | null} */ pin) => going.to(pin, true);
	new Legend(app);
	new Findings(app, (finding, of) => going.toFinding(finding, of));
	if (pairing)
		new Compare(
			app,
			(/** @type {import("./pairing.js").Like} */ like) => (pairing.see(like), going.to(pairing.pins.at(-1))),
		);
	/** @type {Page} */
	const page = { app, lanes, line, going, original, files: null, live: null, ready: Promise.resolve() };

	part.title.textContent = data.title;
	part.follow.hidden = part.pause.hidden = !data.events;
	part.panels.querySelector("[data-with=compare]").hidden = !data.changes;
	part.align.value = data.align;
	host.hidden = false;
	bind(app, lanes, into);
	obey(app, (action, value) => ACTIONS[action](page, value));
	app.color(matchMedia("(prefers-color-scheme: dark)").matches);
	lanes.resize();
	const begun = data.events ? follow(page, Live, complete) : load(page, address, readColumns, complete);
	page.ready = begun.catch((error) => {
		part.notice.textContent = `The recording cannot be read: ${error.message}`;
	});
	host.viewer = {
		ready: page.ready,
		append: (/** @type {string} */ lines) => page.live.append(lines),
		settled: () => lanes.settled(),
		get state() {
			return stateOf(app, lanes);
		},
	};
}

/**
 * Fill the page with what it is made of; no word of a recording is in it.
 * @param {HTMLElement} host @param {{themes: string}} data
 */
function look(host, { themes }) {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync(themes + STYLE);
	document.adoptedStyleSheets.push(sheet);
	host.insertAdjacentHTML("beforeend", MARKUP);
}

/** @param {App} app @param {Lanes} lanes @param {(pin: import("./app.js").Pin | null) => void} zoomTo */
function bind(app, lanes, zoomTo) {
	const { part } = app;
	part.align.onchange = () => {
		app.align = part.align.value;
		lanes.fitted = true;
		app.filter();
		lanes.fit();
	};
	part.group.onchange = () => {
		app.group = part.group.value;
		lanes.regroup();
	};
	const pin = (/** @type {any} */ hit) => app.pin(hit && { type: hit.type, of: hit.of, index: hit.index });
	listen(lanes, { pin, zoomTo, tell: (hit, x, y) => tell(app, hit, x, y) });
	app.on("filtered", () => recount(app));
	app.on("filtered", () => tell(app, null, 0, 0));
	app.on("following", (on) => (part.follow.ariaPressed = String(on)));
	app.on("measured", () => (part.measure.ariaPressed = String(!!lanes.measuring.range)));
	matchMedia("(forced-colors: active)").onchange = () => app.color(app.host.dataset.theme === "dark");
}

/** @param {Page} page @param {Address} address @param {any} readColumns @param {(page: Page) => any} complete */
async function load(page, address, readColumns, complete) {
	const { app } = page;
	const { data } = app;
	page.files = complete(page);
	const read = async (/** @type {any} */ { label, packed, lines, findings }) => {
		if (packed) return readColumns(packed, label, data.format);
		const told = new Told(data.format);
		told.read(lines);
		return Object.assign(told.toRecording(label), { findings });
	};
	app.recordings = await Promise.all(data.recordings.map(read));
	app.findings = app.recordings.map(({ findings }) => findings);
	address.recall();
	address.follow();
	app.tell("findings");
}

/** @param {Page} page @param {any} Live @param {(page: Page) => any} complete */
async function follow(page, Live, complete) {
	const { app, lanes } = page;
	page.live = new Live(app, (/** @type {boolean} */ on) => lanes.follow(on));
	app.show("lanes");
	lanes.fit();
	app.tell("findings");
	page.live.connect();
	lanes.follow(true);
	await lanes.settled();
	page.files = await complete(page);
	for (const event of ["panel", "pinned"]) app.tell(event); // what was chosen meanwhile
}

/** @param {App} app */
function tellPanel({ host, part, panel }) {
	host.dataset.panel = panel;
	for (const button of part.panels.children) button.ariaPressed = String(button.dataset.with === panel);
}

/** @param {App} app */
function recount({ shown, recordings, missed, part, text, hidden }) {
	/** @type {<T>(all: T[], numberOf: (one: T) => number) => number} */
	const sum = (all, numberOf) => all.reduce((total, one) => total + numberOf(one), 0);
	const gone = sum(recordings, ({ dropped }) => dropped) + missed;
	/** @type {(n: number, all: number, noun: string) => string} */
	const of = (n, all, noun) => (n < all ? `${amount(n)} of ${count(all, noun)}` : count(all, noun));
	part.found.textContent = [
		of(
			sum(shown, ({ selected }) => selected.shown),
			sum(shown, ({ selected }) => selected.total),
			"task",
		),
		of(
			sum(shown, ({ requests }) => requests),
			sum(recordings, ({ requests }) => requests),
			"request",
		),
		gone && `${count(gone, "older request")} let go`,
	]
		.filter(Boolean)
		.join(" · ");
	part.notice.hidden = shown.some(({ count }) => count);
	part.notice.textContent = text || hidden.size ? "Nothing matches the filter." : "Nothing is recorded yet.";
}

/** @param {App} app @param {any} hit @param {number} x @param {number} y */
function tell({ shown, data, part: { tip } }, hit, x, y) {
	tip.hidden = !hit || !shown[hit.of];
	if (tip.hidden) return;
	tip.textContent = say(readOf(shown[hit.of], hit.type, hit.index), data.spans);
	tip.style.setProperty("--x", `${x}px`);
	tip.style.setProperty("--y", `${y}px`);
}

/** @param {App} app @param {Lanes} lanes */
function stateOf(app, lanes) {
	const { view, scene, width, height, drawn } = lanes;
	const { part, pinned, recordings } = app;
	return {
		app,
		lanes,
		part,
		view,
		scene,
		width,
		height,
		range: lanes.measuring.range,
		drawn,
		pinned: pinned && readOf(app.shown[pinned.of], pinned.type, pinned.index),
		labels: lanes.surface.pen?.labels ?? [],
		recordings,
	};
}
