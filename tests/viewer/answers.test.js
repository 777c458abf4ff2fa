import assert from "node:assert/strict";
import { test } from "node:test";

import { parse } from "../../visualize/viewer/filter.js";
import { holdsOf } from "../../visualize/viewer/holds.js";
import { toLine, Told } from "../../visualize/viewer/lines.js";
import { select } from "../../visualize/viewer/select.js";
import { summary } from "../../visualize/viewer/summary.js";
import { told, unpacked } from "./samples.js";

const recordings = told.recordings.map((sample) => ({ ...sample, recording: unpacked(sample.packed) }));
const filters = told.filters;
const filtered = new Told(told.format);
filtered.read(filters.recording.map((line) => JSON.stringify(line)).join("\n"));
const cases = filtered.toRecording("");

for (const { expression, hits } of filters.cases)
	test(`a filter hits what its case says: ${expression}`, () => {
		const { hits: requests, tasks } = select(cases, parse(expression), new Set());
		const found = [];
		for (let r = 0; r < cases.size; r++) {
			const id = cases.value("requests", "id", r);
			if (requests[r]) found.push(`${id}`);
			const [from, to] = cases.range("tasks", r);
			for (let i = from; i < to; i++) if (tasks[i]) found.push(`${id}/${cases.value("tasks", "name", i)}`);
		}
		assert.deepEqual(found, hits);
	});

for (const { expression, position, word, says } of filters.errors)
	test(`an error points at the word and says what to write: ${expression}`, () => {
		assert.throws(
			() => parse(expression),
			(error) => {
				assert.equal(Array.from(expression.slice(0, error.position)).length, position);
				assert.equal(error.word, word);
				for (const said of says) assert.ok(error.message.includes(said), error.message);
				return true;
			},
		);
	});

for (const { name, recording, summary: expected } of recordings)
	test(`the summary is the one of Python: ${name}`, () => {
		const found = summary(recording, holdsOf(recording));
		for (const kind of ["routes", "tasks", "spans"]) {
			const sorted = (rows) => rows.toSorted((a, b) => (a.mode + a.name < b.mode + b.name ? -1 : 1));
			assert.deepEqual(sorted(found[kind]), sorted(expected[kind]), kind);
		}
	});

for (const { name, recording, lines } of recordings)
	test(`a recording is written as it was: ${name}`, () => {
		const written = Array.from({ length: recording.size }, (_, r) => toLine(recording, r)).join("");
		assert.deepEqual(written.trim().split("\n").map(plain), lines.trim().split("\n").map(plain));
	});

for (const { name, recording, lines } of recordings)
	test(`lines read are the columns: ${name}`, () => {
		const from = new Told(told.format);
		from.read(lines);
		from.read(lines); // told twice, it changes nothing
		const again = from.toRecording("");
		assert.equal(
			again.size,
			new Set(
				lines
					.trim()
					.split("\n")
					.map((line) => `${JSON.parse(line).process}:${JSON.parse(line).id}`),
			).size,
		);
		if (again.size < recording.size) return;
		assert.deepEqual([...again.start], [...recording.start]);
		for (const type of ["requests", "tasks", "spans", "busy", "client"])
			for (const field in recording.tables[type].times)
				assert.deepEqual(again.tables[type].times[field], recording.tables[type].times[field], `${type} ${field}`);
	});

// Keys in any order; integers that a double cannot hold as text.
function plain(line) {
	return JSON.parse(line.replace(/:\s*(-?\d{16,})/g, ':"$1"'));
}

test("no more requests are kept than the limit, and those let go do not come back", () => {
	const kept = new Told(told.format, 2);
	const line = (id) => `{"id":${id},"request_start":${id}000,"wall":${id}000,"method":"GET","path":"/"}`;
	kept.read([1, 2, 3, 1].map(line).join("\n"));
	assert.deepEqual([...kept.requests.keys()], ["0:2", "0:3"]);
	assert.equal(kept.dropped, 1);
});

test("what user code has started and cancels itself has not ended badly", () => {
	const endings = [
		["spawned", "cancelled", false],
		["spawned", "error", true],
		["spawned", "ok", false],
		["spawned", null, false],
		["immediate", "cancelled", true],
	];
	const tasks = endings.map(([mode, outcome], id) => ({ id, name: "work", mode, outcome, requested: 10 }));
	const line = { id: 1, request_start: 1000, wall: 1000, method: "GET", path: "/", tasks };
	const from = new Told(told.format);
	from.read(JSON.stringify(line));
	const recording = from.toRecording("");
	assert.deepEqual(
		endings.map((_, i) => recording.endedBadly(i)),
		endings.map(([, , bad]) => bad),
	);
});
