// Where the spans of a trace stand: bars on one track may hold each other, but never overlap. As tracks.py has it.

const DEEPEST = 100; // bars on one track
const TRIED = 50; // tracks beside, before another is begun

/** @typedef {[number, number]} Extent  from when to when */

export class Track {
	/** @param {number} number */
	constructor(number) {
		this.number = number;
		/** @type {number[]} */
		this.ends = [];
	}

	/** Whether the extent is inside of all that lasts on this track when it starts. @param {Extent} extent */
	takes([start, end]) {
		const { ends } = this;
		while (ends[ends.length - 1] <= start) ends.pop();
		return !ends.length || (end <= ends[ends.length - 1] && ends.length < DEEPEST);
	}
}

/** The positions of extents in the order of their start; what holds another comes first. @param {Extent[]} extents */
export const inTime = (extents) =>
	[...extents.keys()].sort((a, b) => extents[a][0] - extents[b][0] || extents[b][1] - extents[a][1] || a - b);

/**
 * Choose a track for each extent: that of what it is inside of, its own, or one beside.
 * @param {Extent[]} extents @param {[Track, Extent[]][]} own
 * @param {(number | null)[]} inside @param {() => Track} another
 */
export function placed(extents, own, inside, another) {
	const chosen = new Map();
	const aside = new Map();
	const beside = [];
	for (const at of inTime(extents)) {
		const extent = extents[at];
		const [track, parts] = own[at];
		const ways = aside.has(inside[at]) ? [aside.get(inside[at])] : [];
		if (parts.some(([start, end]) => start <= extent[0] && extent[1] <= end)) ways.push(track);
		ways.push(...beside.slice(0, TRIED));
		let found = ways.find((way) => way.takes(extent));
		if (!found) beside.push((found = another()));
		found.ends.push(extent[1]);
		chosen.set(at, found);
		if (found !== track) aside.set(at, found);
	}
	return extents.map((_, at) => chosen.get(at));
}

/** Give each extent the lowest lane in which it touches no other. @param {Extent[]} extents */
export function pack(extents) {
	/** @type {number[]} */
	const lanes = []; // when each is free
	const chosen = Array(extents.length);
	for (const at of [...extents.keys()].sort(
		(a, b) => extents[a][0] - extents[b][0] || extents[a][1] - extents[b][1] || a - b,
	)) {
		const free = lanes.findIndex((end) => end < extents[at][0]);
		chosen[at] = free < 0 ? lanes.length : free;
		lanes[chosen[at]] = extents[at][1];
	}
	return chosen;
}
