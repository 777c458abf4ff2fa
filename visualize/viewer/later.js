// What a page can do without until its first picture is there: numbers, tables, details, files.

import { Details } from "./detail.js";
import { Files } from "./files.js";
import { Numbers } from "./numbers.js";
import { RecordTable } from "./table.js";

/** Give a page the rest of what it has. @param {import("./page.js").Page} page @returns {Files} */
export function complete({ app, lanes, line, going, original }) {
	const into = (/** @type {import("./app.js").Pin | null} */ pin) => going.to(pin, true);
	new Numbers(app, { filter: (text) => line.toggle(text), zoomTo: into });
	new RecordTable(app, into);
	new Details(app, {
		go: (pin) => going.to(pin),
		zoom: () => into(app.pinned),
		find: (finding, of) => going.toFinding(finding, of),
	});
	return new Files(app, lanes, original);
}
