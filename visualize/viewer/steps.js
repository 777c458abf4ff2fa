// From what is chosen to the next: of the tasks that are shown, of what failed, or of all bars.

/**
 * @typedef {[string, (shown: import("./shown.js").Shown, index: number) => boolean]} Kind  of records, and which of them
 */
/** @typedef {import("./app.js").Pin} Pin */

/** @type {Kind[]} */
export const TASKS = [["tasks", () => true]];

/** @type {Kind[]} */
export const FAILURES = [
	["requests", ({ selected }, r) => !!selected.failed[r]],
	["tasks", ({ recording }, i) => recording.endedBadly(i)],
];

/**
 * Find the next record that is shown, in the order of time: after what is chosen, else in view.
 * @param {Kind[]} kinds @param {import("./app.js").App} app @param {import("./lanes.js").Lanes} lanes
 * @param {number} by @returns {Pin | null}
 */
export function nextOf(kinds, app, lanes, by) {
	const { pinned } = app;
	if (pinned) {
		const kind = kinds.findIndex(([type]) => type === pinned.type);
		return nextAfter([lanes.extent(pinned)[0], pinned.of, kind, kind < 0 ? -1 : pinned.index], kinds, app, by);
	}
	const edge = by > 0 ? lanes.view.begin : lanes.view.end;
	return nextAfter([edge, -1], kinds, app, by) ?? nextAfter(null, kinds, app, by);
}

/**
 * @param {number[] | null} now @param {Kind[]} kinds @param {import("./app.js").App} app @param {number} by
 * @returns {Pin | null}
 */
function nextAfter(now, kinds, app, by) {
	/** @type {(a: number[], b: number[]) => number} */
	const before = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
	/** @type {number[] | null} */
	let best = null;
	app.shown.forEach((shown, of) => {
		const { recording, selected, offset } = shown;
		kinds.forEach(([type, isWanted], kind) => {
			const { owner, size } = recording.tables[type];
			for (let i = 0; i < size; i++) {
				if (!(type === "tasks" ? selected.tasks : selected.requests)[i] || !isWanted(shown, i)) continue;
				const here = [recording.bars[type].begin[i] + offset[owner[i]], of, kind, i];
				if (now && by * before(here, now) <= 0) continue;
				if (!best || by * before(here, best) < 0) best = here;
			}
		});
	});
	return best && { type: kinds[best[2]][0], of: best[1], index: best[3] };
}

/**
 * Find the next bar of any kind, in the order of the rows.
 * @param {import("./app.js").App} app @param {import("./lanes.js").Lanes} lanes @param {number} by
 * @returns {Pin | null}
 */
export function nextBar(app, lanes, by) {
	const { scene, loop } = lanes.rows;
	if (!scene || !loop) return null;
	const all = [...loop.rows, ...scene.rows]
		.filter((row) => row.height && !/group|title|marks/.test(row.kind))
		.flatMap((row) =>
			Array.from({ length: row.to - row.from }, (_, n) => ({
				type: row.kind,
				of: row.band.of,
				index: (row.kind === "held" ? loop : scene).refs[row.from + n],
			})),
		);
	const at = all.findIndex(
		({ type, of, index }) => app.pinned?.type === type && app.pinned.of === of && app.pinned.index === index,
	);
	return all[at < 0 && by < 0 ? all.length - 1 : at + by] ?? null;
}
