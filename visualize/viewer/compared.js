// A file that shows what changed from one recording to another.

import { readColumns } from "./columns.js";
import { Compare } from "./compare.js";
import { open } from "./page.js";

open({ readColumns, Compare });
