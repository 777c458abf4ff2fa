// A trace for Perfetto: byte for byte what perfetto.py writes.

import { Block } from "./block.js";
import { range } from "./packing.js";
import { inTime, pack, placed, Track } from "./tracks.js";
import { count, harmless, MODES } from "./words.js";

const PHASE_NAMES = {
	before: "before the endpoint",
	endpoint: "endpoint",
	handling: "handling",
	sending: "response being sent",
	after: "after the response",
	waiting: "waits for the response",
	receiving: "receives the response",
};
const PARTS_OF = { held: (name) => `${name} is held back`, wait: (name) => `${name} waits`, run: (name) => name };

/**
 * Write what is shown, or all, as Chrome Trace Event JSON.
 * @param {import("./shown.js").Shown[]} shown
 * @param {Record<string, [string, string]>} words @param {boolean} all
 */
export function toTrace(shown, words, all) {
	const blocks = shown.flatMap((one) => blocksOf(one, words, all));
	const start = blocks.reduce((least, block) => Math.min(least, block.extent()[0]), Infinity);
	const ids = { next: blocks.length + 1 };
	const lines = blocks.flatMap((block, n) => new Process(block, n + 1, ids, start).events().map(toJson));
	return `{"displayTimeUnit":"ms","otherData":{"maker":"fastapi-tasks-timeline"},"traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}

/** @param {import("./shown.js").Shown} shown @param {Record<string, [string, string]>} words @param {boolean} all */
function blocksOf({ recording, selected }, words, all) {
	const order = range(0, recording.size).filter((r) => all || selected.requests[r]);
	order.sort((a, b) => recording.start[a] - recording.start[b] || a - b);
	const tasks = order.map((r) => range(...recording.range("tasks", r)).filter((i) => all || selected.tasks[i]));
	const now = order.reduce((latest, r, n) => Math.max(latest, lastOf(recording, r, tasks[n])), -Infinity);
	return order.map((r, n) => new Block(recording, r, tasks[n], words, now));
}

/** The latest moment that a request knows. */
function lastOf(recording, r, tasks) {
	let last = recording.start[r];
	const look = (type, i) => {
		for (const column of Object.values(recording.tables[type].times))
			if (recording.start[r] + column[i] > last) last = recording.start[r] + column[i];
	};
	look("requests", r);
	for (const i of tasks) look("tasks", i);
	const ids = new Set(tasks.map((i) => recording.value("tasks", "id", i)));
	for (const type of ["spans", "busy", "client"])
		for (let [i, to] = recording.range(type, r); i < to; i++) {
			const task = type === "spans" ? recording.value("spans", "task", i) : null;
			if (task === null || ids.has(task) || recording.taskOf(r, task) < 0) look(type, i);
		}
	return last;
}

class Process {
	constructor(block, pid, ids, start) {
		this.block = block;
		this.pid = pid;
		this.ids = ids;
		this.start = start;
		this.written = [];
		this.nested = [];
	}

	/** All events; bars stand before the moments and the arrows that they hold, spans come last. */
	events() {
		const { block } = this;
		this.name("process", this.pid, nameOf(block));
		this.lanes("client", "client");
		this.lanes("request", "request");
		this.nest("request", null);
		for (const mode of MODES) {
			this.tasks(mode);
			this.nest(mode, mode);
		}
		this.lanes("loop", "event loop");
		this.moments();
		block.tasks.forEach((task, n) => task.started !== null && this.arrow(task, n));
		return [...this.written, ...this.nested];
	}

	of(kind, task = null) {
		return this.block.lanes.find((lane) => lane.kind === kind && lane.task === task);
	}

	lanes(kind, name) {
		for (const lane of this.block.lanes.filter((lane) => lane.kind === kind)) {
			lane.track = this.track(name);
			for (const { start, end, kind: what, label, open, line } of lane.bars)
				this.bar(
					lane,
					[start, end],
					PHASE_NAMES[what] ?? `held by ${harmless(label)}`,
					what === "busy" ? "loop" : "request",
					{ open, line: line && harmless(line) },
				);
		}
	}

	tasks(mode) {
		const lanes = this.block.lanes.filter((lane) => lane.mode === mode);
		const parts = lanes.map(({ bars }) => oneByOne(bars));
		const places = pack(parts.map((part) => [part[0][0], part.at(-1)[1]]));
		const tracks = Array.from({ length: Math.max(-1, ...places) + 1 }, () => this.track(mode));
		lanes.forEach((lane, n) => {
			lane.track = tracks[places[n]];
			const task = this.block.tasks[lane.task];
			lane.bars.forEach(({ kind, open, backwards }, k) => {
				const told =
					k === lane.bars.length - 1
						? {
								mode: task.mode,
								outcome: task.outcome ?? "not ended",
								error: task.error && harmless(task.error),
								thread: task.thread,
								shield: task.shield,
							}
						: {};
				this.bar(lane, parts[n][k], PARTS_OF[kind](harmless(task.name)), kind, { open, backwards, ...told });
			});
		});
	}

	/** Place the spans of the request, or of the tasks of a mode, on tracks. */
	nest(name, mode) {
		const { block } = this;
		const lane = ({ task }) => (task < 0 ? this.of("request") : this.of("task", task));
		const spans = block.nested.filter((bar) => lane(bar).mode === mode);
		const extents = spans.map(({ start, end }) => [start, Math.max(end, start + 1)]);
		const at = new Map(spans.map(({ span }, n) => [span, n]));
		const inside = spans.map(({ span }) => at.get(block.around[span]) ?? null);
		const tracks = placed(
			extents,
			spans.map((bar) => [lane(bar).track, lane(bar).drawn]),
			inside,
			() => this.track(`${name} spans`),
		);
		for (const n of inTime(extents)) {
			const { open, backwards, label, span } = spans[n];
			const { kind, error, attributes } = block.spans[span];
			const told = Object.fromEntries(
				Object.entries(attributes ?? {}).map(([key, value]) => [harmless(key), harmless(value)]),
			);
			this.nested.push(
				this.slice(tracks[n], extents[n], label.replace(/[\u2068\u2069]/g, ""), kind, {
					open,
					backwards,
					error: error && harmless(error),
					...told,
				}),
			);
		}
	}

	bar(lane, extent, name, category, facts) {
		if (extent[1] <= extent[0]) return;
		lane.drawn.push(extent);
		this.written.push(this.slice(lane.track, extent, name, category, facts));
	}

	slice(track, [start, end], name, cat, facts) {
		const args = Object.fromEntries(
			Object.entries(facts).filter(
				([, value]) => value !== null && value !== undefined && value !== false && value !== 0,
			),
		);
		return { ...this.at("X", track, start), dur: new Micro(end - start), name, cat, args };
	}

	moments() {
		const { track } = this.of("request");
		for (const { name, at } of this.block.marks()) this.written.push({ ...this.at("i", track, at), s: "p", name });
		for (const { kind, at, task } of this.block.signs())
			this.written.push({ ...this.at("i", this.of("task", task).track, at), s: "t", name: kind });
	}

	arrow(task, n) {
		const { block } = this;
		const parent = block.positions.get(task.parent);
		const from = parent !== undefined && parent !== n ? this.of("task", parent) : this.of("request");
		const to = this.of("task", n);
		const at = block.zero + task.requested;
		// Nothing may be recorded there at that time, as when a dependency's exit code schedules.
		if (!from.drawn.some(([start, end]) => start <= at && at < end))
			this.bar(from, [at, at + 1], "schedule()", "request", {});
		const flow = { id: this.ids.next++, name: "schedule", cat: "flow" };
		this.written.push(
			{ ...this.at("s", from.track, at), ...flow },
			{ ...this.at("f", to.track, to.drawn.at(-1)[0]), bp: "e", ...flow },
		);
	}

	at(ph, { number }, at) {
		return { ph, pid: this.pid, tid: number, ts: new Micro(at - this.start) };
	}

	track(name) {
		const track = new Track(this.ids.next++);
		this.name("thread", track.number, name);
		return track;
	}

	name(kind, number, name) {
		const who = { ph: "M", pid: this.pid, ...(kind === "thread" ? { tid: number } : {}) };
		this.written.push(
			{ ...who, name: `${kind}_name`, args: { name } },
			{ ...who, name: `${kind}_sort_index`, args: { sort_index: number } },
		);
	}
}

/** Nanoseconds that are written as microseconds, as Python writes them. */
class Micro {
	constructor(ns) {
		this.ns = ns;
	}

	toString() {
		const text = String(this.ns / 1000);
		return /[.e]/.test(text) ? text : `${text}.0`;
	}
}

function toJson(value) {
	if (value instanceof Micro) return value.toString();
	if (value && typeof value === "object")
		return `{${Object.entries(value)
			.map(([key, one]) => `${toJson(key)}:${toJson(one)}`)
			.join(",")}}`;
	return JSON.stringify(value).replace(
		/[\u007f-\uffff]/g,
		(c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}

/** Where a task's bars are drawn: one after another even if the clock went backwards. */
function oneByOne(bars) {
	const extents = [];
	for (const { start, end, kind } of bars) {
		const from = extents.length ? Math.max(start, extents.at(-1)[1]) : start;
		extents.push([from, Math.max(end, from + (kind === "run" ? 1 : 0))]);
	}
	return extents;
}

function nameOf({ recording, request, record }) {
	const title = harmless(recording.title(request));
	const gone = [
		[record.tasks_dropped, "earlier task"],
		[record.spans_dropped, "earlier span"],
	]
		.filter(([n]) => n)
		.map(([n, noun]) => `${count(n, noun)} let go`);
	return gone.length ? `${title} (${gone.join(", ")})` : title;
}
