// The page of a running app.

import { Live } from "./live.js";
import { open } from "./page.js";

open({ Live });
