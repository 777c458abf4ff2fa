// What one does: every button and key of the markup, by its name.

import { FAILURES, nextBar, nextOf, TASKS } from "./steps.js";

/** @typedef {import("./page.js").Page} Page */

/** @type {Record<string, (page: Page, value: string) => any>} */
export const ACTIONS = {
	show: ({ app }, panel) => (panel !== "compare" || app.data.changes) && app.show(panel),
	fit: ({ lanes }) => lanes.fit(),
	reset: ({ going }) => going.back(),
	zoom: ({ lanes }, factor) => lanes.zoom(+factor),
	move: ({ lanes }, share) => lanes.pan(-share * lanes.width, 0),
	scroll: ({ lanes }, share) => lanes.pan(0, -share * lanes.height),
	step: ({ app, lanes, going }, by) => going.to(nextOf(TASKS, app, lanes, +by)),
	fail: ({ app, lanes, going }, by) => going.to(nextOf(FAILURES, app, lanes, +by)),
	walk: ({ app, lanes, going }, by) => going.to(nextBar(app, lanes, +by)),
	zoomTo: ({ app, going }) => going.to(app.pinned, true),
	fold: ({ app, lanes }, all) => (all ? lanes.foldAll() : lanes.foldAround(app.pinned)),
	measure: ({ app, lanes }) => measure(app, lanes),
	stretch: ({ lanes }, share) => lanes.measuring.stretch(+share * (lanes.view.end - lanes.view.begin)),
	search: ({ app }) => app.part.search.select(),
	theme: ({ app }) => app.color(app.host.dataset.theme !== "dark"),
	follow: ({ lanes, live }) => live && lanes.follow(),
	pause: ({ live }) => live?.pause(),
	save: (page, kind) => save(page, kind),
	help: ({ app }) => app.part.help.showModal(),
	clear: ({ going }) => going.letGo(),
};

/**
 * Measure what is chosen, or the middle of what is seen; or measure no more.
 * @param {Page["app"]} app @param {Page["lanes"]} lanes
 */
function measure({ pinned }, lanes) {
	const { measuring } = lanes;
	const { begin, end } = lanes.view;
	if (measuring.range || measuring.next) return measuring.letGo();
	measuring.next = !pinned;
	const [from, to] = pinned ? lanes.extent(pinned) : [begin + (end - begin) / 3, end - (end - begin) / 3];
	measuring.take(from, to);
}

/** @param {Page} page @param {string} kind */
async function save(page, kind) {
	await page.ready;
	const { app, lanes, files } = page;
	if (/png|svg/.test(kind) && !lanes.isSeen) app.show("lanes");
	lanes.resize();
	await lanes.settled();
	try {
		if (!files) throw new Error("this page did not load as a whole. Reload it.");
		await files.save(kind, app.part.all.checked);
	} catch (error) {
		app.part.found.textContent = `Nothing was saved: ${error instanceof Error ? error.message : error}`;
	}
}
