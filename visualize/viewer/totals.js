// What lies in a stretch of time that is measured.

import { count, duration } from "./words.js";

/**
 * What lies in a stretch of time, in words.
 * @param {import("./shown.js").Shown[]} shown @param {number} from @param {number} to
 */
export function totalsOf(shown, from, to) {
	let [requests, tasks, wait, held] = [0, 0, 0, 0];
	for (const { recording, selected, offset, begins, holds, align } of shown) {
		const { owner, times, size } = recording.tables.tasks;
		for (let r = 0; r < recording.size; r++)
			if (selected.requests[r] && begins[r] >= from && begins[r] < to) requests++;
		for (let i = 0; i < size; i++) {
			const at = recording.bars.tasks.mid[i] + offset[owner[i]];
			if (!selected.tasks[i] || at < from || at >= to) continue;
			tasks++;
			wait += times.started[i] - times.released[i] || 0;
		}
		if (align === "clock")
			for (const { start, end } of holds) held += Math.max(0, Math.min(end, to) - Math.max(start, from));
	}
	const begun = [requests && count(requests, "request"), tasks && count(tasks, "task")].filter(Boolean).join(", ");
	return [
		begun ? `${begun} began` : "",
		wait ? `waited ${duration(wait)} altogether` : "",
		held ? `loop held ${duration(held)}` : "",
	].filter(Boolean);
}
