// What the tests of the modules share: recordings that Python wrote, and the format of a page.

import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

import { fromBytes } from "../../visualize/viewer/columns.js";

/** What Python wrote for these tests: `format`, and recordings with what is expected of them. */
export const told = JSON.parse(readFileSync(process.env.VIEWER_SAMPLES, "utf-8"));

/** Read a packed recording, as a page does. */
export function unpacked(packed) {
	return fromBytes(new Uint8Array(inflateRawSync(Buffer.from(packed, "base64"))), "", told.format);
}
