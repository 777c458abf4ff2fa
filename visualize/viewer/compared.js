// A file that shows several recordings, and of two what changed from one to the other.

import { readColumns } from "./columns.js";
import { Compare } from "./compare.js";
import { complete } from "./later.js";
import { open } from "./page.js";
import { Pairing } from "./pairing.js";

open({ readColumns, complete, Compare, Pairing });
