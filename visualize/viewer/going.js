// Where one goes: to a record, to a finding, and back to the first view.

export class Going {
	/**
	 * @param {import("./app.js").App} app @param {import("./lanes.js").Lanes} lanes
	 * @param {import("./filterline.js").FilterLine} line
	 */
	constructor(app, lanes, line) {
		this.app = app;
		this.lanes = lanes;
		this.line = line;
	}

	/** Choose a record, in the lanes; or fill them with it. @param {import("./app.js").Pin | null} pin */
	to(pin, zoom = false) {
		const { app, lanes } = this;
		if (!pin?.type) return;
		if (app.panel !== "lanes") app.show("lanes");
		app.pin({ type: pin.type, of: pin.of, index: pin.index });
		if (zoom) lanes.follow(false);
		lanes.reveal(pin, { zoom });
	}

	/**
	 * Show a finding's cause, with those of its victims that are near it.
	 * @param {import("./app.js").Finding} finding @param {number} of
	 */
	toFinding(finding, of) {
		const { app, lanes } = this;
		const cause =
			app.place("request" in finding.cause ? finding.cause : (finding.where ?? finding.cause), of) ??
			app.place(finding.victims[0] ?? {}, of);
		if (!cause) return;
		this.unhide(cause);
		app.show("lanes");
		app.pin(cause);
		let [begin, end] = lanes.extent(cause);
		const length = end - begin;
		for (const victim of finding.victims) {
			const pin = app.place(victim, of);
			if (!pin) continue;
			const [from, to] = lanes.extent(pin);
			if (from > end + length || to < begin - length) continue;
			[begin, end] = [Math.min(begin, from), Math.max(end, Math.min(to, end + 3 * length))];
		}
		lanes.follow(false);
		lanes.look(begin, end);
		lanes.reveal(cause);
	}

	// What one goes to must not be hidden by a filter.
	/** @param {import("./app.js").Pin} pin */
	unhide({ type, of, index }) {
		const { selected } = this.app.shown[of];
		/** @type {Record<string, Uint8Array>} */
		const seenOf = { tasks: selected.tasks, requests: selected.requests };
		if (seenOf[type] && !seenOf[type][index]) this.back();
	}

	/** Back to the first view, without a filter. */
	back() {
		const { app, lanes } = this;
		const { group, align } = app.part;
		app.hidden.clear();
		app.like = null;
		lanes.rows.folded.clear();
		lanes.fitted = true;
		group.value = app.group = "request";
		align.value = app.align = app.data.align;
		this.letGo();
		this.line.write("");
		lanes.fit();
	}

	/** Let go of what is chosen, measured or open. */
	letGo() {
		this.app.part.menu.open = false;
		this.app.pin(null);
		this.lanes.measuring.letGo();
	}
}
