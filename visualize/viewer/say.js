// Records in sentences.

import { AT_ONCE, count, duration, harmless, isolated, sentence } from "./words.js";

/**
 * What spans of a kind are called, without a name and with it, where that is not just their kind.
 * @typedef {Record<string, [string, string]>} Words
 */

/** How a task ended, or that it has not. @param {{outcome?: string | null, finished?: number | null}} task */
export const endingOf = ({ outcome, finished }) => outcome ?? (finished == null ? "running" : "ok");

/** Whether something has no end yet; an abandoned task ran on. @param {any} record */
export function isOpen(record) {
	if (record.type === "spans") return record.end === null;
	if (record.type === "requests") return record.request_end === null;
	return record.type === "tasks" && record.finished === null && /running|abandoned/.test(endingOf(record));
}

/** @param {any} record */
export const titleOf = (record) => sentence(record.recording.title(record.owner));

/** @param {any} request */
export const statusOf = ({ status, error, aborted, request_end }) =>
	[status, error && harmless(error), aborted && "aborted", request_end === null && "open"].filter(Boolean).join(" · ");

/** What a request came to, in a line. @param {any} request */
export function summaryOf(request, undrawn = 0) {
	const { recording, index, kind, response_sent: sent, tasks_dropped, spans_dropped } = request;
	const [from, to] = recording.range("tasks", index);
	const { finished } = recording.tables.tasks.times;
	let [later, going] = [-Infinity, 0];
	for (let i = from; i < to; i++) {
		if (finished[i] > later) later = finished[i];
		if (isOpen(recording.read("tasks", i))) going++;
	}
	later -= sent;
	const unanswered = kind === "lifespan" ? "" : "no response sent";
	const answer = sent === null ? unanswered : `response sent after ${duration(sent)}`;
	const ending = going ? `${going} not ended` : sent !== null && later > 0 && `the last ended ${duration(later)} later`;
	const [begin, end] = recording.range("spans", index);
	const spans = end > begin && count(end - begin, "span") + (undrawn ? ` (${undrawn} not drawn)` : "");
	const gone = [
		tasks_dropped && count(tasks_dropped, "earlier task"),
		spans_dropped && count(spans_dropped, "earlier span"),
	].filter(Boolean);
	return [answer, to > from && count(to - from, "task"), ending, spans, gone.length && `${gone.join(" and ")} let go`]
		.filter(Boolean)
		.join(", ");
}

/** @param {any} view */
export const answerOf = ({ sent, answered, received }) => duration((received ?? answered) - sent);

/**
 * As words.py writes it: a span that has no name of its own, and one that has.
 * @param {{kind: string, name: string}} span @param {Words} words
 */
export function spanWords({ kind, name }, words) {
	const [alone, named] = words[kind] ?? [kind, `${kind} {}`];
	return !name || name === kind ? alone : named.split("{}").join(isolated(name));
}

/** @param {any} span */
export function ownerOf({ recording, owner, task }) {
	const found = recording.taskOf(owner, task);
	return found < 0 ? "the request" : isolated(recording.value("tasks", "name", found));
}

/** One sentence on a record. @param {any} record @param {Words} words */
export function say(record, words) {
	return SENTENCES[record.type](record, words);
}

/** @type {Record<string, (record: any, words: Words) => string>} */
const SENTENCES = {
	requests: (request) => `${titleOf(request)}: ${summaryOf(request)}.`,
	busy: (busy) => heldSentence(busy.culprit, busy.end - busy.start, busy.line),
	held: (held) => heldSentence(held.culprit, held.end - held.start, held.line),
	spans(span, words) {
		const took = span.end === null ? "has not ended" : `took ${duration(span.end - span.start)}`;
		return `${spanWords(span, words)} ${took}${span.error ? ` and raised ${harmless(span.error)}` : ""}, in ${ownerOf(span)}.`;
	},
	client: (view) =>
		view.answered === null ? "The client got no answer." : `The client had its answer after ${answerOf(view)}.`,
	tasks(task) {
		const { mode, requested, released, started, finished, outcome, error, thread, recording, owner } = task;
		const name = isolated(task.name);
		if (outcome === "discarded") return `${name} was discarded: the endpoint failed, so it was never released.`;
		if (started === null && outcome) return `${name} was ${outcome} before it started.`;
		if (started === null)
			return released === null ? `${name} is still held back by its mode.` : `${name} has not started yet.`;
		const ran = finished === null ? "has been running" : `ran ${duration(finished - started)}`;
		/** @type {Record<string, string>} */
		const ends = {
			ok: "",
			error: ` and raised ${harmless(error ?? "an error")}`,
			timeout: " and was ended by its timeout",
		};
		const end = ends[outcome ?? "ok"] ?? ` and was ${outcome}`;
		const sent = recording.time("requests", "response_sent", owner);
		const apart = started === sent ? "when" : `${duration(Math.abs(started - sent))} ${started < sent ? "before" : "after"}`;
		const side = sent === null ? "" : ` It started ${apart} the response was sent.`;
		const held =
			released > requested && !AT_ONCE.test(mode)
				? ` was held back ${duration(released - requested)} by its mode,`
				: "";
		return `${name}${held} waited ${duration(started - (released ?? requested))}, then ${ran} ${thread ? "in a worker thread" : "on the event loop"}${end}.${side}`;
	},
};

/** @param {string} culprit @param {number} ns @param {string | null} line */
function heldSentence(culprit, ns, line) {
	return `${sentence(culprit)} held the event loop for ${duration(ns)}${line ? ` at ${harmless(line)}` : ""}: nothing else on it could run.`;
}
