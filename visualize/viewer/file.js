// A file that shows one recording, or several without what changed.

import { readColumns } from "./columns.js";
import { open } from "./page.js";

open({ readColumns });
