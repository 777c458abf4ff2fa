// Why it was late, in sentences: what cost most comes first, and a click goes there.

import { make, refill, strong, withCode } from "./dom.js";
import { duration, isolated, sentence } from "./words.js";

const FIRST = 3;

export class Findings {
	/** @param {import("./app.js").App} app @param {(finding: import("./app.js").Finding, of: number) => void} go */
	constructor(app, go) {
		this.app = app;
		this.go = go;
		this.all = false;
		app.on("findings", () => this.show());
	}

	/** The findings of all recordings, with the recording that each is of. */
	get found() {
		return this.app.recordings
			.flatMap((recording, of) =>
				(this.app.findings[of] ?? []).map((finding) => ({ finding, of, label: recording.label })),
			)
			.sort((a, b) => b.finding.cost_ns - a.finding.cost_ns);
	}

	show() {
		const { why } = this.app.part;
		const found = this.found;
		const some = this.all ? found : found.slice(0, FIRST);
		const isMore = found.length > FIRST;
		why.classList.toggle("all", this.all);
		why.hidden = this.app.findings.length === 0;
		refill(
			why,
			make(
				"h2",
				{},
				"What stands out",
				found.length > 1 && make("small", { textContent: "what cost most comes first" }),
			),
			found.length
				? make("ol", {}, ...some.map((one) => this.line(one)))
				: make("p", {
						className: "calm",
						textContent: "Nothing stands out: no task was late or failed, and nothing held others up for long.",
					}),
			found.length > 1 &&
				make("button", {
					className: isMore ? "more" : "more small",
					ariaExpanded: String(this.all),
					textContent: this.all ? "Show fewer" : `Show all ${found.length}`,
					onclick: () => ((this.all = !this.all), this.show()),
				}),
		);
	}

	/** @param {{finding: import("./app.js").Finding, of: number, label: string}} found */
	line({ finding, of, label }) {
		const cost = strong("cost", finding.cost_ns ? duration(finding.cost_ns) : "–");
		cost.title = "the time that others lost to it";
		const words = make(
			"span",
			{},
			label && this.app.compared && make("i", { textContent: `${isolated(label)}: ` }),
			...withCode(sentence(finding.fact)),
			make("small", {}, "; ", ...withCode(sentence(finding.advice)), "."),
		);
		const button = make("button", { onclick: () => this.go(finding, of), title: "Show it in the lanes" }, cost, words);
		button.dataset.rule = finding.rule;
		return make("li", {}, button);
	}
}
