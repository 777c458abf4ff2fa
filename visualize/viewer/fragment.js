// What is looked at, in the address: a view can be shared, and comes back when the page is opened again.

/** Write a state as a fragment, without what is as it was. @param {Record<string, string | null>} state */
export function writeState(state) {
	const told = new URLSearchParams();
	for (const [key, value] of Object.entries(state))
		if (value !== null && value !== undefined && value !== "") told.set(key, String(value));
	return told.toString();
}

/** Read a fragment; what is no state is nothing. @returns {Record<string, string>} @param {string} fragment */
export function readState(fragment) {
	return Object.fromEntries(new URLSearchParams(fragment.replace(/^#/, "")));
}

/**
 * Two moments as they stand in a fragment, or null.
 * @param {string | undefined} text @returns {[number, number] | null}
 */
export function stretchOf(text) {
	const [begin, end] = (text ?? "").split("~").map(Number);
	return Number.isFinite(begin) && Number.isFinite(end) && begin < end ? [begin, end] : null;
}

/** Whether this document has an address of its own that may be changed. */
export const hasAddress = () => /^(https?|file):$/.test(location.protocol) && location.href !== "about:srcdoc";

/** @param {string} fragment */
export function replaceState(fragment) {
	try {
		history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
	} catch {
		// A frame without an origin has no address to keep.
	}
}
