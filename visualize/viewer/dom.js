// Elements, made of text and other elements only: what user code names never is markup.

/**
 * Make an element; what is not an attribute of its object goes into its attributes.
 * @param {string} tag @param {Record<string, any>} fields @param {any[]} children @returns {any}
 */
export function make(tag, fields = {}, ...children) {
	/** @type {any} */
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(fields))
		if (value === null || value === undefined || value === false) continue;
		else if (name in element) element[name] = value;
		else element.setAttribute(name, value === true ? "" : value);
	element.append(...children.filter(isThere));
	return element;
}

/** Put these into an element, in place of what was there. @param {Element} element @param {any[]} children */
export function refill(element, ...children) {
	element.replaceChildren(...children.filter(isThere));
}

/** @type {(child: any) => boolean} */
const isThere = (child) => child !== null && child !== undefined && child !== false && child !== "";

/** A sentence with what stands between backquotes as code. @param {string} text */
export const withCode = (text) =>
	text.split("`").map((part, n) => (n % 2 ? make("code", { textContent: part }) : part));

/**
 * A word that stands out: `bad`, `held`, `good`, `noise`, `cost`.
 * @param {string} className @param {string} textContent
 */
export const strong = (className, textContent) => make("b", { className, textContent });

/** A name that others chose, apart from the text around it. @param {string} text */
export const named = (text) => make("bdi", { textContent: text });
