import assert from "node:assert/strict";
import { test } from "node:test";

import { holdsOf } from "../../visualize/viewer/holds.js";
import { Painter } from "../../visualize/viewer/paint.js";
import { crowded, grouped, loopLanes } from "../../visualize/viewer/bands.js";
import { after, lanes } from "../../visualize/viewer/packing.js";
import { detailed } from "../../visualize/viewer/rows.js";
import { Shown } from "../../visualize/viewer/shown.js";
import { select } from "../../visualize/viewer/select.js";
import { stack } from "../../visualize/viewer/stack.js";
import { strip } from "../../visualize/viewer/strip.js";
import { culpritsOf, victimsOf } from "../../visualize/viewer/why.js";
import { told, unpacked } from "./samples.js";

const named = (name) => unpacked(told.recordings.find((sample) => sample.name === name).packed);

function shownOf(recording, align = "clock") {
	return new Shown(
		recording,
		{ ...select(recording, [], new Set()), failed: new Uint8Array(recording.size) },
		align,
		holdsOf(recording),
	);
}

const FLAT = { rect() {}, path() {}, sign() {}, image() {}, begin() {} };

/** Paint with a pen that only notes what is written. */
function labelsOf(shown, scene, view, { width = 1280, height = 700 } = {}) {
	const labels = [];
	const widthOf = (text) => 7 * text.length;
	const pen = {
		...FLAT,
		text: (_, words, x, y) => labels.push({ words, x, y: y - 7, width: widthOf(words), height: 14 }),
	};
	const loop = loopLanes([shown]);
	stack(scene, view, height - 26 - 22 * loop.rows.length, 18);
	new Painter(pen, widthOf).paint({
		scene,
		loop,
		view: { ...view, y: 0 },
		width,
		height,
		shown: [shown],
		words: told.spans,
		pinned: null,
		hovered: null,
		range: null,
		links: [],
		totals: [],
	});
	return labels;
}

test("lanes are the lowest that are free", () => {
	const take = lanes();
	assert.deepEqual(
		[
			[0, 10],
			[5, 7],
			[7, 9],
			[10, 12],
			[8, 20],
		].map(([from, to]) => take(from, to)),
		[0, 1, 1, 0, 2],
	);
});

test("the first position above a limit is found from near by", () => {
	const values = Float64Array.from([1, 3, 3, 5, 8, 13]);
	for (const limit of [0, 1, 2, 3, 4, 8, 13, 20])
		assert.equal(
			after(values, 0, values.length, limit),
			[...values, Infinity].findIndex((value) => value > limit),
		);
});

for (const name of told.recordings.map(({ name }) => name))
	for (const make of [
		(shown) => crowded([shown], new Set()),
		(shown) => grouped([shown], "route", new Set()),
		(shown) => grouped([shown], "task", new Set()),
		(shown) =>
			detailed(
				[shown],
				[...shown.order].slice(0, 20).map((r) => [0, r]),
				new Set(),
			),
	])
		test(`bars in a row never overlap and none is lost: ${name}`, () => {
			const shown = shownOf(named(name));
			const scene = make(shown);
			for (const { from, to, kind } of scene.rows)
				for (let i = from + 1; i < to; i++)
					assert.ok(scene.begins[i] >= scene.ends[i - 1] || kind === "group", `${kind} ${i}`);
			const tasks = scene.rows.filter(({ kind }) => kind === "tasks").reduce((sum, { from, to }) => sum + to - from, 0);
			if (scene.bands.length < 20 || scene.bands[0].shared) assert.equal(tasks, shown.recording.tables.tasks.size);
		});

test("rows without a bar in view have no height, and the others grow", () => {
	const shown = shownOf(named("many"));
	const scene = crowded([shown], new Set());
	const all = stack(scene, { begin: shown.begin, end: shown.end }, 500);
	const few = stack(scene, { begin: shown.begin, end: shown.begin + 1e6 }, 500);
	assert.ok(few > all);
	assert.ok(scene.height <= 500);
});

for (const width of [400, 1280, 1920])
	for (const name of told.recordings.map(({ name }) => name))
		test(`labels never overlap at ${width} pixels: ${name}`, () => {
			const shown = shownOf(named(name));
			const length = shown.end - shown.begin;
			for (const part of [1, 0.3, 0.05, 0.01]) {
				const view = { begin: shown.begin, end: shown.begin + part * length };
				const scene = detailed(
					[shown],
					shown.within(view.begin, view.end, 39).map((r) => [0, r]),
					new Set(),
				);
				const labels = labelsOf(shown, scene, view, { width });
				for (const [i, one] of labels.entries())
					for (const other of labels.slice(i + 1))
						assert.ok(
							one.x >= other.x + other.width ||
								other.x >= one.x + one.width ||
								one.y >= other.y + other.height ||
								other.y >= one.y + one.height,
							`${one.words} | ${other.words}`,
						);
			}
		});

test("the last thing to disappear in a crowd is a failure", () => {
	const line = new Uint32Array(100);
	const n = 10_000;
	const column = (of) => Float64Array.from({ length: n }, (_, i) => of(i));
	const scene = {
		begins: column((i) => i),
		mids: column((i) => i),
		ends: column((i) => i + 0.9),
		tints: new Uint8Array(n),
	};
	const row = { from: 0, to: n, faults: Float64Array.from([5000.9]) };
	strip(scene, row, line, { begin: 0, end: n }, { solid: [1], pale: [2], fault: 9 });
	assert.deepEqual(
		[...line.keys()].filter((x) => line[x] === 9),
		[49, 50],
	);
	assert.ok(line.every((pixel) => pixel === 1 || pixel === 9));
});

test("a victim leads to what held it up, and that to its victims", () => {
	const shown = shownOf(named("held"));
	const late = [...shown.recording.tables.tasks.owner.keys()].find(
		(i) => shown.recording.value("tasks", "name", i) === "late_one",
	);
	const record = shown.recording.read("tasks", late);
	const [culprit] = culpritsOf(shown, record);
	assert.equal(culprit.hold.culprit, "send_mail");
	assert.ok(victimsOf(shown, culprit.index).some(({ type, index }) => type === "tasks" && index === late));
});
