// What a strip of pixels tells apart: each mode, and each other kind of bar.

import { MODES } from "./words.js";

export const TINTS = [...MODES, "requests", "client", "busy", "spans", "group", "held"];
