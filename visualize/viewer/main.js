// The page: puts the pieces together, and binds what its markup names to what they do.

import { App } from "./app.js";
import { readColumns } from "./columns.js";
import { Compare, pairOf } from "./compare.js";
import { Details } from "./detail.js";
import { Files } from "./files.js";
import { Findings } from "./findings.js";
import { hasAddress, readState, replaceState, stretchOf, writeState } from "./fragment.js";
import { listen } from "./input.js";
import { Lanes } from "./lanes.js";
import { Legend } from "./legend.js";
import { Told } from "./lines.js";
import { Live } from "./live.js";
import { Numbers } from "./numbers.js";
import { readOf } from "./paint.js";
import { endingOf, say } from "./say.js";
import { nextBar, nextTask } from "./steps.js";
import { RecordTable } from "./table.js";
import { count } from "./words.js";

const STACKED = 40; // with more requests the page opens on its summary

/** @type {any} */
const original = document.documentElement.cloneNode(true);
/** @type {any} */
const host = document.querySelector("#timeline");
const data = JSON.parse(document.querySelector("#timeline-data").textContent);
const part = Object.fromEntries(Array.from(host.querySelectorAll("[data-part]"), (one) => [one.dataset.part, one]));
const app = new App(data, part, host);
app.findings = [];
app.on("panel", tellPanel); // before anyone who measures what is seen

const lanes = new Lanes(app);
const legend = new Legend(app);
const findings = new Findings(app, goToFinding);
const numbers = new Numbers(app, { filter: searchFor, zoomTo });
const table = new RecordTable(app, zoomTo);
const details = new Details(app, { go: goTo, zoom: () => app.pinned && zoomTo(app.pinned), find: goToFinding });
const compare = new Compare(app, goToPair);
const files = new Files(app, lanes, original);
let live = null;

// --- What one does ---

const ACTIONS = {
	show: (panel) => (panel !== "compare" || data.changes) && app.show(panel),
	fit: () => lanes.fit(),
	reset,
	zoom: (factor) => lanes.zoom(+factor),
	move: (share) => lanes.pan(-share * lanes.width, 0),
	scroll: (share) => lanes.pan(0, -share * lanes.height),
	step: (by) => goToNext(nextTask(app, lanes, +by, () => true)),
	fail: (by) => goToNext(nextTask(app, lanes, +by, (task) => !/ok|running/.test(endingOf(task)))),
	walk: (by) => goToNext(nextBar(app, lanes, +by)),
	zoomTo: () => app.pinned && zoomTo(app.pinned),
	fold: (all) => (all ? lanes.foldAll() : foldChosen()),
	measure,
	stretch: (share) =>
		lanes.range && lanes.measure(lanes.range[0], lanes.range[1] + share * (lanes.view.end - lanes.view.begin)),
	search: () => part.search.select(),
	theme: () => setTheme(host.dataset.theme !== "dark"),
	follow: () => live && lanes.follow(),
	pause: () => live?.pause(),
	save: (kind) => save(kind),
	help: () => part.help.showModal(),
	clear,
};

function reset() {
	part.search.value = "";
	app.hidden.clear();
	lanes.folded.clear();
	lanes.fitted = true;
	part.group.value = app.group = "request";
	part.align.value = app.align = data.align;
	clear();
	search();
	lanes.fit();
}

function clear() {
	app.pin(null);
	lanes.measures = false;
	lanes.measure();
	tellMeasure();
}

function search() {
	try {
		app.search(part.search.value);
		part.search.removeAttribute("aria-invalid");
	} catch (error) {
		if (!("position" in error)) throw error;
		part.search.setAttribute("aria-invalid", "true");
		part.found.textContent = `${error.word}: ${error.message}`;
	}
}

function searchFor(text) {
	part.search.value = app.text === text ? "" : text;
	search();
}

/** Choose a record, in the lanes. */
function goTo(pin) {
	if (app.panel !== "lanes") app.show("lanes");
	app.pin(pin);
	lanes.reveal(pin);
}

const goToNext = (pin) => pin && goTo(pin);

function zoomTo(pin) {
	if (!pin?.type) return;
	if (app.panel !== "lanes") app.show("lanes");
	app.pin({ type: pin.type, of: pin.of, index: pin.index });
	lanes.follow(false);
	lanes.reveal(pin, { zoom: true });
}

/** Show a finding's cause, with those of its victims that are near it. */
function goToFinding(finding, of) {
	const cause =
		app.place("request" in finding.cause ? finding.cause : (finding.where ?? finding.cause), of) ??
		app.place(finding.victims[0] ?? {}, of);
	if (!cause) return;
	unhide(cause);
	app.show("lanes");
	app.pin(cause);
	let [begin, end] = lanes.extent(cause);
	const length = end - begin;
	for (const victim of finding.victims) {
		const pin = app.place(victim, of);
		if (!pin) continue;
		const [from, to] = lanes.extent(pin);
		if (from > end + length || to < begin - length) continue;
		[begin, end] = [Math.min(begin, from), Math.max(end, Math.min(to, end + 3 * length))];
	}
	lanes.follow(false);
	lanes.look(begin, end);
	lanes.reveal(cause);
}

// What one goes to must not be hidden by a filter.
function unhide({ type, of, index }) {
	const { selected } = app.shown[of];
	if (selected[type] && !selected[type][index]) reset();
}

/** Show the pair of requests that stands for a row of the comparison. */
function goToPair(row) {
	searchFor(row.kind === "route" ? `route="${row.name}"` : `name="${row.name}" mode:${row.mode}`);
	const pair = pairOf(app.shown, row).filter(Boolean);
	app.show("lanes");
	if (!pair.length) return;
	app.pair = pair.map(({ type, of, index }) => [
		of,
		type === "requests" ? index : app.shown[of].recording.tables.tasks.owner[index],
	]);
	app.pin(pair.at(-1));
	const extents = pair.map((pin) => lanes.extent(pin));
	lanes.look(Math.min(0, ...extents.map(([begin]) => begin)), Math.max(...extents.map(([, end]) => end)));
}

function foldChosen() {
	const { pinned } = app;
	if (!pinned || pinned.type === "held") return;
	const row = lanes.locator().locate(pinned)?.row;
	if (row) lanes.fold(row.band.key);
}

function measure() {
	const third = (lanes.view.end - lanes.view.begin) / 3;
	if (lanes.range || lanes.measures) {
		lanes.measures = false;
		lanes.measure();
	} else if (app.pinned) lanes.measure(...lanes.extent(app.pinned));
	else {
		lanes.measures = true;
		lanes.measure(lanes.view.begin + third, lanes.view.end - third);
	}
	tellMeasure();
}

function tellMeasure() {
	part.measure.ariaPressed = String(!!lanes.range);
}

async function save(kind) {
	if (/png|svg/.test(kind) && !lanes.isSeen) app.show("lanes");
	lanes.resize();
	await lanes.settled();
	await files.save(kind, part.all.checked);
}

function setTheme(dark) {
	host.dataset.theme = dark ? "dark" : "light";
	lanes.color();
	app.looks = lanes.looks;
	app.tell("theme");
}

// --- What is told ---

function tellPanel() {
	host.dataset.panel = app.panel;
	for (const button of part.panels.children) button.ariaPressed = String(button.dataset.with === app.panel);
}

function recount() {
	const requests = app.shown.reduce((sum, { count }) => sum + count, 0);
	const all = app.shown.reduce((sum, { recording }) => sum + recording.size, 0);
	const shown = app.shown.reduce((sum, { selected }) => sum + selected.shown, 0);
	const total = app.shown.reduce((sum, { selected }) => sum + selected.total, 0);
	const gone = app.recordings.reduce((sum, { dropped }) => sum + dropped, 0) + app.missed;
	const of = (n, all, noun) => (n < all ? `${n.toLocaleString("en")} of ${count(all, noun)}` : count(all, noun));
	part.found.textContent = [
		of(shown, total, "task"),
		of(requests, all, "request"),
		gone && `${count(gone, "older request")} let go`,
	]
		.filter(Boolean)
		.join(" · ");
	part.notice.hidden = requests > 0;
	part.notice.textContent = app.text || app.hidden.size ? "Nothing matches the filter." : "Nothing is recorded yet.";
}

function tell(hit, x, y) {
	const { tip } = part;
	tip.hidden = !hit || !app.shown[hit.of];
	if (tip.hidden) return;
	tip.textContent = say(readOf(app.shown[hit.of], hit.type, hit.index), data.spans);
	tip.style.setProperty("--x", `${x}px`);
	tip.style.setProperty("--y", `${y}px`);
}

// --- The address ---

let written = "";
let remembering = 0;

function remember() {
	if (!hasAddress() || live) return;
	clearTimeout(remembering);
	remembering = setTimeout(() => {
		written = writeState({
			view: app.panel === opening() ? "" : app.panel,
			filter: app.text,
			hide: [...app.hidden].join(","),
			rows: app.group === "request" ? "" : app.group,
			time: app.align === data.align ? "" : app.align,
			at: lanes.fitted || !lanes.scene ? "" : `${Math.round(lanes.view.begin)}~${Math.round(lanes.view.end)}`,
			pin: app.pinned && app.identify(app.pinned),
		});
		replaceState(written);
	}, 300);
}

function recall() {
	const told = readState(location.hash);
	part.search.value = told.filter ?? "";
	app.hidden = new Set(told.hide?.split(",") ?? []);
	app.group = part.group.value =
		told.rows && part.group.querySelector(`[value="${CSS.escape(told.rows)}"]`) ? told.rows : "request";
	app.align = part.align.value =
		told.time && part.align.querySelector(`[value="${CSS.escape(told.time)}"]`) ? told.time : data.align;
	search();
	app.show(["summary", "lanes", "table", "compare"].includes(told.view) ? told.view : opening());
	app.pin(told.pin ? app.find(told.pin) : null);
	const at = stretchOf(told.at);
	if (!at) return lanes.fit();
	Object.assign(lanes.view, { begin: at[0], end: at[1] });
	lanes.fitted = false;
	lanes.relayout();
}

function opening() {
	const requests = app.recordings.reduce((sum, { size }) => sum + size, 0);
	return data.changes ? "compare" : requests > STACKED ? "summary" : "lanes";
}

// --- Start ---

function bind() {
	const keys = new Map();
	for (const { dataset } of host.querySelectorAll("[data-keys]"))
		for (const key of dataset.keys.split(" ")) keys.set(key, dataset);
	const act = ({ action, with: value }) => ACTIONS[action](value);
	host.onkeydown = (event) => {
		const { target } = event;
		const key = event.key === " " ? "Space" : event.key;
		const told = keys.get(event.shiftKey ? `Shift+${key}` : key) ?? keys.get(key);
		const taken = target.closest(
			{
				Enter: "button, summary, select, dialog, input",
				Space: "button, summary, select, dialog, input",
				Escape: "dialog",
			}[key] ?? "input, select, dialog",
		);
		if (!told || taken || event.ctrlKey || event.metaKey || event.altKey) return;
		if (target === part.search) part.stage.focus();
		act(told);
		event.preventDefault();
	};
	host.onclick = ({ target }) => {
		const button = target.closest("button[data-action]");
		if (button) act(button.dataset);
		if (button || !part.menu.contains(target)) part.menu.open = false;
	};
	part.search.oninput = search;
	part.align.onchange = () => {
		app.align = part.align.value;
		lanes.fitted = true;
		app.filter();
		lanes.fit();
	};
	part.group.onchange = () => {
		app.group = part.group.value;
		lanes.crowd = null;
		lanes.relayout();
	};
	listen(lanes, { pin: (hit) => app.pin(hit && { type: hit.type, of: hit.of, index: hit.index }), zoomTo, tell });
	app.on("filtered", recount);
	app.on("filtered", () => tell(null, 0, 0));
	app.on("following", (on) => (part.follow.ariaPressed = String(on)));
	for (const event of ["panel", "filtered", "pinned", "moved"]) app.on(event, remember);
	if (hasAddress()) addEventListener("hashchange", () => location.hash.slice(1) !== written && recall());
	matchMedia("(forced-colors: active)").onchange = () => setTheme(host.dataset.theme === "dark");
}

async function load() {
	const recordings = [];
	for (const { label, packed, lines = "" } of data.recordings) {
		const told = new Told(data.format);
		if (packed) recordings.push(await readColumns(packed, label, data.format));
		else (told.read(lines), recordings.push(told.toRecording(label)));
	}
	app.recordings = recordings;
	app.findings = data.recordings.map(({ findings }) => findings ?? []);
	app.filter();
	recall();
	app.tell("findings");
}

async function start() {
	if (!data.events) return load();
	live = new Live(app, (on) => lanes.follow(on));
	app.show("lanes");
	lanes.fit();
	app.tell("findings");
	live.connect();
	lanes.follow(true);
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(data.style);
document.adoptedStyleSheets.push(sheet);
part.title.textContent = data.title;
part.align.value = data.align;
part.follow.hidden = part.pause.hidden = !data.events;
part.panels.querySelector("[data-with=compare]").hidden = !data.changes;
host.hidden = false;
bind();
setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
lanes.resize();
const ready = start().catch((error) => {
	part.notice.textContent = `The recording cannot be read: ${error.message}`;
});
host.viewer = {
	ready,
	append: (lines) => live.append(lines),
	settled: () => lanes.settled(),
	get state() {
		const { view, scene, width, height, range, drawn, pen } = lanes;
		const pinned = app.pinned && readOf(app.shown[app.pinned.of], app.pinned.type, app.pinned.index);
		return {
			app,
			lanes,
			part,
			view,
			scene,
			width,
			height,
			range,
			drawn,
			pinned,
			labels: pen?.labels ?? [],
			recordings: app.recordings,
		};
	},
};
