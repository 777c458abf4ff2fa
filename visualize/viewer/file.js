// A file that shows one recording.

import { readColumns } from "./columns.js";
import { complete } from "./later.js";
import { open } from "./page.js";

open({ readColumns, complete });
