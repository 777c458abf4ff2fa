// From what is chosen to the next: of the tasks that are shown, or of all bars.

/** Find the next task that is shown, in the order of time, that `isWanted`: after what is chosen, else in view. */
export function nextTask(app, lanes, by, isWanted) {
	const { pinned } = app;
	if (pinned)
		return nextAfter(
			[lanes.extent(pinned)[0], pinned.of, pinned.type === "tasks" ? pinned.index : -1],
			app,
			by,
			isWanted,
		);
	const edge = by > 0 ? lanes.view.begin : lanes.view.end;
	return nextAfter([edge, -1, -1], app, by, isWanted) ?? nextAfter(null, app, by, isWanted);
}

function nextAfter(now, app, by, isWanted) {
	const before = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
	let best = null;
	app.shown.forEach(({ recording, selected, offset }, of) => {
		const { owner, size } = recording.tables.tasks;
		for (let i = 0; i < size; i++) {
			if (!selected.tasks[i]) continue;
			const here = [recording.bars.tasks.begin[i] + offset[owner[i]], of, i];
			if (now && by * before(here, now) <= 0) continue;
			if (best && by * before(here, best) >= 0) continue;
			if (isWanted(recording.read("tasks", i))) best = here;
		}
	});
	return best && { type: "tasks", of: best[1], index: best[2] };
}

/** Find the next bar of any kind, in the order of the rows. */
export function nextBar(app, lanes, by) {
	const { scene, loop } = lanes;
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
