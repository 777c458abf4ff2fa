// Keys and buttons: what the markup says of them is what they do.

const OWN = "button, summary, select, dialog, input"; // they have a use of their own for Enter and Space
const TAKEN = { Enter: OWN, Space: OWN, Escape: "dialog" };

/** @param {any} app @param {(action: string, value: string) => void} act */
export function obey({ host, part }, act) {
	const keys = new Map();
	for (const { dataset } of host.querySelectorAll("[data-keys]"))
		for (const key of dataset.keys.split(" ")) keys.set(key, dataset);
	host.onkeydown = (event) => {
		const { target } = event;
		const key = event.key === " " ? "Space" : event.key;
		const told = keys.get(event.shiftKey ? `Shift+${key}` : key) ?? keys.get(key);
		const taken = target.closest(TAKEN[key] ?? "input, select, dialog");
		if (!told || taken || event.ctrlKey || event.metaKey || event.altKey) return;
		if (target === part.search) part.stage.focus();
		act(told.action, told.with);
		event.preventDefault();
	};
	host.onclick = ({ target }) => {
		const button = target.closest("button[data-action]");
		if (button) act(button.dataset.action, button.dataset.with);
		if (button || !part.menu.contains(target)) part.menu.open = false;
	};
}
