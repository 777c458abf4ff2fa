// From what is chosen to the next: of the tasks that are shown, of what failed, or of all bars.

/** Kinds of records to go through, and which of them. @type {[string, (shown: any, index: number) => boolean][]} */
export const TASKS = [["tasks", () => true]];

/** @type {typeof TASKS} */
export const FAILURES = [
	["requests", ({ selected }, r) => !!selected.failed[r]],
	["tasks", ({ recording: { tables, ok } }, i) => ![-1, ok].includes(tables.tasks.codes.outcome[i])],
];

/** Find the next record that is shown, in the order of time: after what is chosen, else in view. */
export function nextOf(kinds, app, lanes, by) {
	const { pinned } = app;
	if (pinned) {
		const kind = kinds.findIndex(([type]) => type === pinned.type);
		return nextAfter([lanes.extent(pinned)[0], pinned.of, kind, kind < 0 ? -1 : pinned.index], kinds, app, by);
	}
	const edge = by > 0 ? lanes.view.begin : lanes.view.end;
	return nextAfter([edge, -1], kinds, app, by) ?? nextAfter(null, kinds, app, by);
}

function nextAfter(now, kinds, app, by) {
	const before = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
	/** @type {any[] | null} */
	let best = null;
	app.shown.forEach((shown, of) => {
		const { recording, selected, offset } = shown;
		kinds.forEach(([type, isWanted], kind) => {
			const { owner, size } = recording.tables[type];
			for (let i = 0; i < size; i++) {
				if (!selected[type][i] || !isWanted(shown, i)) continue;
				const here = [recording.bars[type].begin[i] + offset[owner[i]], of, kind, i];
				if (now && by * before(here, now) <= 0) continue;
				if (!best || by * before(here, best) < 0) best = here;
			}
		});
	});
	return best && { type: kinds[best[2]][0], of: best[1], index: best[3] };
}

/** Find the next bar of any kind, in the order of the rows. */
export function nextBar(app, lanes, by) {
	const { scene, loop } = lanes.rows;
	if (!scene) return null;
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
