// Keys and buttons: what the markup says of them is what they do.

const OWN = "button, summary, select, dialog, input"; // they have a use of their own for Enter and Space
/** @type {Record<string, string>} */
const TAKEN = { Enter: OWN, Space: OWN, Escape: "dialog" };
const IN_LANES = /^(move|scroll|zoom|stretch|fold)$/; // elsewhere the keys for these scroll what is read

/** @param {any} app @param {(action: string, value: string) => void} act */
export function obey(app, act) {
	const { host, part } = app;
	const keys = new Map();
	for (const { dataset } of host.querySelectorAll("[data-keys]"))
		for (const key of dataset.keys.split(" ")) keys.set(key, dataset);
	// What one does last may have left the focus nowhere.
	document.onkeydown = (event) => {
		/** @type {any} */
		const target = event.target;
		const searches = target === part.search;
		const key = event.key === " " ? "Space" : event.key;
		const told = keys.get(event.shiftKey ? `Shift+${key}` : key) ?? keys.get(key);
		const taken = target.closest(TAKEN[key] ?? "input, select, dialog");
		if (event.ctrlKey || event.metaKey || event.altKey) return;
		if (searches && key === "Enter") act("step", "1");
		else if (!told || taken || (app.panel !== "lanes" && IN_LANES.test(told.action))) return;
		else act(told.action, told.with);
		if (searches) (part.search.blur(), part.stage.focus());
		event.preventDefault();
	};
	host.onclick = (/** @type {any} */ { target }) => {
		const button = target.closest("button[data-action]");
		if (button) act(button.dataset.action, button.dataset.with);
		if (button || !part.menu.contains(target)) part.menu.open = false;
	};
}
