/* What is asked of the server, and what pages carry for it: docs/fragments.md. */
import * as actions from "./actions.js";
import * as find from "./find.js";
import * as flashes from "./flashes.js";
import * as forms from "./forms.js";
import * as frame from "./frame.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as selection from "./selection.js";
import * as time from "./time.js";
import * as use from "./use.js";
import * as wall from "./wall.js";

/* live remembers what the server wrote, so it comes before anything that repaints */
use.start();
live.start();
time.start();
for (const part of [frame, flashes, selection, actions, forms, keys, find, wall]) part.start();
