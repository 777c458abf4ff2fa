// The whole recording in a strip: how much ran, what failed, what held the loop; and a brush for what is seen.

/**
 * Count, for each pixel of a strip, how many requests and tasks lasted then, and how many failed.
 * @param {import("./shown.js").Shown[]} shown @param {number} begin @param {number} end @param {number} width
 */
export function density(shown, begin, end, width) {
	const busy = new Float64Array(width + 1);
	const faults = new Uint8Array(width);
	const held = new Uint8Array(width);
	const scale = width / Math.max(1, end - begin);
	/** @param {number} time */
	const at = (time) => Math.max(0, Math.min(width - 1, Math.floor((time - begin) * scale)));
	for (const { recording, selected, offset, holds, align, count } of shown) {
		const { owner, size } = recording.tables.tasks;
		const bars = recording.bars;
		for (let i = 0; i < size; i++) {
			if (!selected.tasks[i]) continue;
			const shift = offset[owner[i]];
			busy[at(bars.tasks.begin[i] + shift)]++;
			busy[at(bars.tasks.end[i] + shift) + 1]--;
			if (recording.endedBadly(i)) faults[at(bars.tasks.end[i] + shift)] = 1;
		}
		for (let r = 0; r < recording.size; r++) {
			if (!selected.requests[r]) continue;
			busy[at(bars.requests.begin[r] + offset[r])]++;
			busy[at(bars.requests.end[r] + offset[r]) + 1]--;
			if (selected.failed[r]) faults[at(bars.requests.end[r] + offset[r])] = 1;
		}
		if (align === "clock" && count) for (const { start, end } of holds) held.fill(1, at(start), at(end) + 1);
	}
	for (let x = 1; x < width; x++) busy[x] += busy[x - 1];
	return { busy: busy.subarray(0, width), faults, held };
}

/**
 * Draw the strip with a pen.
 * @param {import("./pen.js").CanvasPen} pen @param {ReturnType<typeof density>} told @param {number} width
 * @param {number} height
 */
export function paintOverview(pen, { busy, faults, held }, width, height) {
	pen.begin(width, height);
	pen.rect("paper", 0, 0, width, height);
	const most = busy.reduce((most, n) => Math.max(most, n), 1);
	const floor = height - 7;
	for (let x = 0; x < width; x++) {
		const high = busy[x] ? Math.max(1, ((floor - 8) * busy[x]) / most) : 0;
		if (high) pen.rect("until", x, floor - high, 1, high);
	}
	runs(held, (from, to) => pen.rect("busy", from, floor + 1, Math.max(2, to - from), 5));
	runs(faults, (from, to) => pen.rect("failed", from, 0, Math.max(2, to - from), 6));
}

/** @param {Uint8Array} flags @param {(from: number, to: number) => void} draw */
function runs(flags, draw) {
	for (let x = 0; x < flags.length; x++) {
		if (!flags[x]) continue;
		const from = x;
		while (flags[x]) x++;
		draw(from, x);
	}
}
