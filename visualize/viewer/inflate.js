// What travels packed, as base64 of a raw deflate stream, unpacked.

/** Undo what columns.py calls deflated. @param {string} text */
export function inflated(text) {
	const letters = atob(text);
	const deflated = new Uint8Array(letters.length);
	for (let i = 0; i < deflated.length; i++) deflated[i] = letters.charCodeAt(i);
	return new Response(new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw")));
}
