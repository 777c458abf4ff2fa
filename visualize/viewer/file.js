// A file that shows one recording.

import { readColumns } from "./columns.js";
import { open } from "./page.js";

open({ readColumns });
