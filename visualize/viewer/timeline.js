// The page of a running app. What it can do without until its first picture is there comes after it.

import { Live } from "./live.js";
import { open } from "./page.js";

open({ Live, complete: async (page) => (await import("./later.js")).complete(page) });
