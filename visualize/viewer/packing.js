// Who may share a lane without touching, and where in it a moment falls.

/**
 * Give each extent, in the order of their begin, the first lane in which it touches no other.
 * @returns {(from: number, to: number) => number}
 */
export function lanes() {
	/** @type {number[]} */
	const ends = [];
	let least = Infinity; // when the first lane is free
	return (from, to) => {
		let lane = ends.length;
		if (least <= from) for (lane = 0; ends[lane] > from;) lane++;
		const freed = ends[lane] === least;
		ends[lane] = to;
		if (!freed) least = least < to ? least : to;
		else {
			least = to;
			for (let i = 0; i < ends.length; i++) if (ends[i] < least) least = ends[i];
		}
		return lane;
	};
}

/**
 * The first position above the limit, probably near `low`.
 * @param {ArrayLike<number>} values @param {number} low @param {number} high @param {number} limit
 */
export function after(values, low, high, limit) {
	let step = 1;
	for (; low + step < high && values[low + step] <= limit; step *= 2) low += step;
	high = Math.min(high, low + step);
	while (low < high) {
		const middle = (low + high) >> 1;
		if (values[middle] > limit) high = middle;
		else low = middle + 1;
	}
	return low;
}

/** Share out what is given in lanes. @param {{begin: Float64Array, end: Float64Array}} bars @param {number[]} refs */
export function packed({ begin, end }, refs) {
	/** @type {number[][]} */
	const rows = [];
	const take = lanes();
	for (const i of refs.toSorted((a, b) => begin[a] - begin[b])) (rows[take(begin[i], end[i])] ??= []).push(i);
	return rows;
}

/** The list that a map holds for a key, a new one if it holds none. @param {Map<any, any[]>} map @param {any} key */
export const listOf = (map, key) => map.get(key) ?? map.set(key, []).get(key) ?? [];

/** All positions from the first up to before the last. @param {number} from @param {number} to */
export const range = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);
