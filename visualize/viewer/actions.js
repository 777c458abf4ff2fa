// What one does: every button and key of the markup, by its name.

import { endingOf } from "./say.js";
import { nextBar, nextTask } from "./steps.js";

/** @type {Record<string, (page: any, value: string) => any>} */
export const ACTIONS = {
	show: ({ app }, panel) => (panel !== "compare" || app.data.changes) && app.show(panel),
	fit: ({ lanes }) => lanes.fit(),
	reset: ({ going }) => going.back(),
	zoom: ({ lanes }, factor) => lanes.zoom(+factor),
	move: ({ lanes }, share) => lanes.pan(-share * lanes.width, 0),
	scroll: ({ lanes }, share) => lanes.pan(0, -share * lanes.height),
	step: ({ app, lanes, going }, by) => going.to(nextTask(app, lanes, +by, () => true)),
	fail: ({ app, lanes, going }, by) =>
		going.to(nextTask(app, lanes, +by, (task) => !/ok|running/.test(endingOf(task)))),
	walk: ({ app, lanes, going }, by) => going.to(nextBar(app, lanes, +by)),
	zoomTo: ({ app, going }) => going.into(app.pinned),
	fold: ({ app, lanes }, all) => (all ? lanes.foldAll() : lanes.foldAround(app.pinned)),
	measure: ({ app, lanes }) => measure(app, lanes),
	stretch: ({ lanes }, share) => lanes.stretch(+share),
	search: ({ app }) => app.part.search.select(),
	theme: ({ app }) => app.color(app.host.dataset.theme !== "dark"),
	follow: ({ lanes, live }) => live && lanes.follow(),
	pause: ({ live }) => live?.pause(),
	save: (page, kind) => save(page, kind),
	help: ({ app }) => app.part.help.showModal(),
	clear: ({ going }) => going.letGo(),
};

/** Measure what is chosen, or the middle of what is seen; or measure no more. */
function measure(app, lanes) {
	const { begin, end } = lanes.view;
	const isOn = lanes.range || lanes.measures;
	lanes.measures = !isOn && !app.pinned;
	if (isOn) lanes.measure();
	else if (app.pinned) lanes.measure(...lanes.extent(app.pinned));
	else lanes.measure(begin + (end - begin) / 3, end - (end - begin) / 3);
}

async function save({ app, lanes, files }, kind) {
	if (/png|svg/.test(kind) && !lanes.isSeen) app.show("lanes");
	lanes.resize();
	await lanes.settled();
	await files.save(kind, app.part.all.checked);
}
