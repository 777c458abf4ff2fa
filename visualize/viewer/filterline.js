// The line of the filter: what is written there, and what is wrong with it.

import { FilterError } from "./filter.js";

export class FilterLine {
	/** @param {import("./app.js").App} app */
	constructor(app) {
		this.app = app;
		app.part.search.oninput = () => this.read();
	}

	/** Filter by what is written. */
	read() {
		const { search, found } = this.app.part;
		try {
			this.app.search(search.value);
			search.removeAttribute("aria-invalid");
		} catch (error) {
			if (!(error instanceof FilterError)) throw error;
			search.setAttribute("aria-invalid", "true");
			found.textContent = `${error.word}: ${error.message}`;
		}
	}

	/** @param {string} text */
	write(text) {
		this.app.part.search.value = text;
		this.read();
	}

	/** Filter by a text, or by nothing if that is the filter by now. @param {string} text */
	toggle(text) {
		this.write(this.app.text === text ? "" : text);
	}
}
