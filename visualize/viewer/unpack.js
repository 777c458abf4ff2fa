// The first script of a file. The page's own code is packed; the page's policy knows both by their hashes.

import { inflated } from "./inflate.js";

async function run() {
	const script = document.createElement("script");
	/** @type {any} */
	const packed = document.querySelector("#timeline-code");
	script.type = "module";
	script.textContent = await inflated(packed.textContent).text();
	document.head.append(script);
	script.remove(); // so that it is in no copy of the document
}

run();
