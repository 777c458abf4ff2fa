// A band for each request: its marks, its bar, its spans, and a row for each of its tasks.

import { packed, range } from "./packing.js";
import { newRow, Scene } from "./scene.js";

export const OWN_ROWS = 12; // more tasks of a request share rows
const FEW_SPANS = 24; // more spans of a request are only counted

/** A band for each of these requests, with all that is known of it. @param {[number, number][]} requests of which recording, and which */
export function detailed(shown, requests, folded) {
	return new Scene(
		requests.map(([of, request]) => bandOf(shown[of], of, request, folded)),
		shown,
	);
}

export const keyOf = (recording, request) =>
	`${recording.process(request)}:${recording.value("requests", "id", request)}`;

/** @param {import("./shown.js").Shown} shown @param {number} of @param {number} request @param {Set<string>} folded */
function bandOf(shown, of, request, folded) {
	const { recording, align, selected } = shown;
	const key = `${of}/${keyOf(recording, request)}`;
	const band = { key, of, request, label: recording.label, folded: folded.has(key), undrawn: 0, rows: /** @type {any[]} */ ([]) };
	const add = (kind, refs, more) => refs.length && band.rows.push({ ...newRow(kind, band, more), refs });
	const all = (/** @type {string} */ type) => range(...recording.range(type, request));
	add("group", [request]);
	band.rows.push(newRow("marks", band));
	if (band.folded) {
		add("requests", [request]);
		return band;
	}
	add("client", all("client"));
	add("requests", [request]);
	const tasks = all("tasks").filter((i) => selected.tasks[i]);
	const spans = spansOf(shown, request, tasks);
	band.undrawn = all("spans").length - spans.length;
	for (const refs of spanRows(
		recording,
		spans.filter(({ task }) => task < 0),
	))
		add("spans", refs);
	if (align !== "clock") for (const refs of packed(recording.bars.busy, all("busy"))) add("busy", refs);
	if (tasks.length > OWN_ROWS) for (const refs of packed(recording.bars.tasks, tasks)) add("tasks", refs);
	else
		for (const task of tasks) {
			add("tasks", [task]);
			for (const refs of spanRows(
				recording,
				spans.filter((span) => span.task === task),
			))
				add("spans", refs);
		}
	return band;
}

function spansOf({ recording }, request, tasks) {
	const [from, to] = recording.range("spans", request);
	if (to - from > FEW_SPANS || tasks.length > OWN_ROWS) return [];
	const ids = new Map(range(from, to).map((i) => [recording.value("spans", "id", i), i]));
	return range(from, to)
		.map((i) => {
			const task = recording.taskOf(request, recording.value("spans", "task", i));
			let depth = 0;
			for (let one = i; depth < FEW_SPANS; depth++) {
				const parent = recording.value("spans", "parent", one);
				const above = parent === null ? undefined : ids.get(parent);
				if (
					above === undefined ||
					above === one ||
					recording.value("spans", "task", above) !== recording.value("spans", "task", i)
				)
					break;
				one = above;
			}
			return { i, task, depth };
		})
		.filter(({ task }) => task < 0 || tasks.includes(task));
}

// Deeper spans stand on lower rows, those that overlap on one each.
function spanRows(recording, spans) {
	const levels = [];
	for (const { i, depth } of spans) (levels[depth] ??= []).push(i);
	return levels.flatMap((refs) => packed(recording.bars.spans, refs));
}

// Compared, requests stand beside their like: by route, and by their turn among those of it.
export function inOrder(shown, few) {
	if (shown.length < 2) return few.sort(([, a], [, b]) => shown[0].begins[a] - shown[0].begins[b]);
	const turns = new Map();
	const keyed = few.map(([of, request]) => {
		const route = shown[of].recording.route(request);
		const turn = (turns.get(`${of} ${route}`) ?? 0) + 1;
		turns.set(`${of} ${route}`, turn);
		return { of, request, route, turn };
	});
	const routes = [...new Set(keyed.map(({ route }) => route))];
	keyed.sort((a, b) => routes.indexOf(a.route) - routes.indexOf(b.route) || a.turn - b.turn || a.of - b.of);
	return keyed.map(({ of, request }) => [of, request]);
}
