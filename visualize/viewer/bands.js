// Bands that many share: requests one after another, or all of one route, task or thread; and the event loops.

import { lanes, listOf, packed } from "./packing.js";
import { OWN_ROWS } from "./rows.js";
import { newRow, Scene } from "./scene.js";
import { count } from "./words.js";

/** @typedef {import("./scene.js").Row} Row */

/**
 * Bands that many requests share, one after another.
 * @param {import("./shown.js").Shown[]} shown @param {Set<string>} folded
 */
export function crowded(shown, folded) {
	return new Scene(
		shown.flatMap((one, of) => shared(one, of, folded)),
		shown,
	);
}

/** @param {import("./shown.js").Shown} shown @param {number} of @param {Set<string>} folded */
function shared(shown, of, folded) {
	const { recording, order, begins, ends, selected } = shown;
	/** @type {ReturnType<typeof newShared>[]} */
	const bands = [];
	const take = lanes();
	for (const request of order) {
		const place = take(begins[request], ends[request]);
		const band = (bands[place] ??= newShared(`${of}/${place}`, of, recording.label, folded));
		band.heads.refs.push(request);
		band.bars.refs.push(request);
		if (!band.folded) addTasks(band, recording, request, selected.tasks);
	}
	for (const band of bands) band.rows = [band.heads, band.bars, ...band.tasks];
	const [first] = bands;
	if (recording.label && first) {
		first.title = count(shown.requests, "request");
		first.rows.unshift(newRow("title", first));
	}
	return bands;
}

/** @param {string} key @param {number} of @param {string} label @param {Set<string>} folded */
function newShared(key, of, label, folded) {
	const band = { key, of, label, title: "", shared: true, folded: folded.has(key), rows: /** @type {Row[]} */ ([]) };
	return Object.assign(band, {
		heads: newRow("group", band),
		bars: newRow("requests", band),
		tasks: /** @type {Row[]} */ ([]),
	});
}

/**
 * @param {ReturnType<typeof newShared>} band @param {import("./recording.js").Recording} recording
 * @param {number} request @param {Uint8Array} isShown
 */
function addTasks(band, recording, request, isShown) {
	const [from, to] = recording.range("tasks", request);
	const { begin, end } = recording.bars.tasks;
	let few = 0;
	for (let i = from; i < to && few <= OWN_ROWS; i++) if (isShown[i]) few++;
	const take = few > OWN_ROWS ? lanes() : null;
	const { inTime } = recording;
	for (let n = from, own = 0; n < to; n++) {
		const i = take ? inTime[n] : n;
		if (!isShown[i]) continue;
		const lane = take ? take(begin[i], end[i]) : own++;
		(band.tasks[lane] ??= newRow("tasks", band)).refs.push(i);
	}
}

/**
 * Bands by something else than the request: its route, the name of a task, the thread it ran in.
 * @param {import("./shown.js").Shown[]} shown @param {string} by @param {Set<string>} folded
 */
export function grouped(shown, by, folded) {
	return new Scene(
		shown.flatMap((one, of) => (by === "route" ? byRoute(one, of, folded) : byTask(one, of, by, folded))),
		shown,
	);
}

/**
 * @param {string} key @param {number} of @param {string} label @param {string} title @param {Set<string>} folded
 * @param {[string, number[]][]} rows
 */
function titled(key, of, label, title, folded, rows) {
	const band = {
		key: `${of}/${key}`,
		of,
		label,
		title,
		folded: folded.has(`${of}/${key}`),
		rows: /** @type {any[]} */ ([]),
	};
	band.rows = [
		newRow("title", band),
		...(band.folded ? rows.slice(0, 1) : rows).map(([kind, refs]) => ({ ...newRow(kind, band), refs })),
	];
	return band;
}

/** @param {import("./shown.js").Shown} shown @param {number} of @param {Set<string>} folded */
function byRoute(shown, of, folded) {
	const { recording, order, selected } = shown;
	const [requestBars, taskBars] = [shown.barsOf("requests"), shown.barsOf("tasks")];
	const routes = new Map();
	for (const request of order) {
		const route = recording.route(request);
		const one = routes.get(route) ?? routes.set(route, { requests: [], tasks: [] }).get(route);
		one.requests.push(request);
		const [from, to] = recording.range("tasks", request);
		for (let i = from; i < to; i++) if (selected.tasks[i]) one.tasks.push(i);
	}
	return [...routes].map(([route, { requests, tasks }]) => {
		/** @type {[string, number[]][]} */
		const rows = [];
		for (const refs of packed(requestBars, requests)) rows.push(["requests", refs]);
		for (const refs of packed(taskBars, tasks)) rows.push(["tasks", refs]);
		return titled(route, of, recording.label, `${route} · ${count(requests.length, "request")}`, folded, rows);
	});
}

/** @param {import("./shown.js").Shown} shown @param {number} of @param {string} by @param {Set<string>} folded */
function byTask(shown, of, by, folded) {
	const { recording, selected } = shown;
	const bars = shown.barsOf("tasks");
	const names = new Map();
	for (let i = 0; i < recording.tables.tasks.size; i++) {
		if (!selected.tasks[i]) continue;
		const name =
			by === "task"
				? recording.value("tasks", "name", i)
				: recording.value("tasks", "thread", i)
					? "worker threads"
					: "event loop";
		listOf(names, name).push(i);
	}
	return [...names].map(([name, tasks]) =>
		titled(
			name,
			of,
			recording.label,
			`${name} · ${count(tasks.length, "task")}`,
			folded,
			packed(bars, tasks).map((refs) => ["tasks", refs]),
		),
	);
}

/** One lane a process, of what held its event loop. @param {import("./shown.js").Shown[]} shown  */
export function loopLanes(shown) {
	const bands = shown.flatMap((one, of) => {
		if (one.align !== "clock" || !one.holds.length) return [];
		const processes = new Map();
		one.holds.forEach(({ process }, i) => listOf(processes, process).push(i));
		return [...processes].map(([process, refs]) => {
			const band = {
				key: `${of}/loop ${process}`,
				of,
				label: one.recording.label,
				process,
				rows: /** @type {any[]} */ ([]),
			};
			band.rows = [{ ...newRow("held", band), refs }];
			return band;
		});
	});
	return new Scene(bands, shown);
}
