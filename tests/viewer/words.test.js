import assert from "node:assert/strict";
import { test } from "node:test";

import { elide, Places } from "../../visualize/viewer/places.js";
import { writeState, readState, stretchOf } from "../../visualize/viewer/fragment.js";
import { duration, harmless, isolated, moments, ticksOf } from "../../visualize/viewer/words.js";
import { told } from "./samples.js";

test("durations read as in Python", () => {
	for (const [ns, words] of told.durations) assert.equal(duration(ns), words, `${ns}`);
});

test("names are as harmless as in Python", () => {
	for (const [name, shown] of told.names) assert.equal(harmless(name), shown);
});

test("a name that is read from the right is kept apart from what stands beside it", () => {
	assert.equal(isolated("שלום"), "\u2068שלום\u2069");
	assert.equal(isolated("mail"), "mail");
});

test("no two moments read the same", () => {
	assert.deepEqual(moments([299_000_000, 299_000_001, null]), ["299.000000 ms", "299.000001 ms", "never"]);
	assert.deepEqual(moments([1, 2]), ["1 ns", "2 ns"]);
	assert.deepEqual(moments([11_200_000, 42_000_000]), ["11.2 ms", "42.0 ms"]);
});

test("ticks are round, in one unit, and no more than asked for", () => {
	for (const [begin, end] of [
		[0, 100],
		[0, 5e4],
		[-3e6, 4e7],
		[0, 2e10],
		[0, 2e12],
		[0, 4e13],
		[1e9, 1.001e9],
	]) {
		const ticks = ticksOf(begin, end, 8);
		assert.ok(ticks.length >= 2 && ticks.length <= 10, `${begin} ${end} ${ticks.length}`);
		const units = new Set(ticks.filter(([at]) => at).map(([, words]) => words.split(" ")[1]));
		assert.equal(units.size, 1);
		assert.equal(new Set(ticks.map(([, words]) => words)).size, ticks.length);
	}
});

test("a long way from the beginning, ticks are read in groups of three digits", () => {
	const words = (begin, end) => ticksOf(begin, end, 3).map(([, words]) => words);
	assert.deepEqual(words(3031430443, 3031430453), ["3,031,430.445 µs", "3,031,430.450 µs"]);
	assert.deepEqual(words(-3031430453, -3031430443), ["−3,031,430.450 µs", "−3,031,430.445 µs"]);
	assert.deepEqual(words(5400e9, 5420e9), ["5,400 s", "5,410 s", "5,420 s"]);
	assert.deepEqual(words(0, 40e6), ["0", "20 ms", "40 ms"]);
});

test("a place is taken once", () => {
	const places = new Places();
	assert.ok(places.take("row", 10, 20));
	assert.ok(!places.take("row", 15, 25));
	assert.ok(places.take("row", 20, 30));
	assert.ok(places.take("other", 15, 25));
	assert.equal(places.roomRight("row", 30, 100), 100);
	assert.equal(places.roomRight("row", 2, 100), 10);
	assert.equal(places.roomLeft("row", 9, 0), 0);
	assert.equal(places.roomLeft("row", 100, 0), 30);
});

test("a text is shortened to what fits, with whole letters", () => {
	const width = (text) => Array.from(text).length;
	assert.equal(elide("send_mail", 20, width), "send_mail");
	assert.equal(elide("send_mail", 5, width), "send…");
	assert.equal(elide("📦📦📦📦📦", 4, width), "📦📦📦…");
	assert.equal(elide("/a/very/long/path", 7, width, { middle: true }), "/a/…ath");
	assert.equal(elide("send_mail", 3, width), "");
});

test("a state survives the address", () => {
	const state = { filter: 'name:"a b" -ok', at: "-5~1000.5", pin: "tasks/0/7/1/2" };
	assert.deepEqual(readState(`#${writeState({ ...state, none: null, empty: "" })}`), state);
	assert.deepEqual(stretchOf("-5~1000.5"), [-5, 1000.5]);
	for (const text of ["", undefined, "5", "5~1", "a~b"]) assert.equal(stretchOf(text), null);
});
