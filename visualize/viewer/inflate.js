/** Undo what columns.py calls deflated. */
export function inflated(text) {
	const deflated = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
	return new Response(new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw")));
}
