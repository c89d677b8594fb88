/* How the reader likes the pages: kept with the user, written into <html>, changed at once. */
import { root, $, $$, fragment, on, say } from "./dom.js";
import { flash } from "./flashes.js";
import { signedOut } from "./live.js";
import { isLocal, repaint, zoneName } from "./time.js";

const form = $("#pop-theme");
/* The name of a setting is the name of its field; the zone is written shorter into <html>. */
const PLACE = { time_zone: "tz" };

/** Show a setting and keep it, one after the other: the last choice wins. */
let last = null;
export const keep = (name, value) => {
  root.dataset[PLACE[name] || name] = value;
  if (form) last = Promise.resolve(last).then(() => send(name, value));
};
const send = async (name, value) => {
  const body = new URLSearchParams([["csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value], [name, value]]);
  try {
    const answer = await fragment("settings", form.getAttribute("action"), { method: "POST", body, keepalive: true });
    if (answer.ok || signedOut(answer)) return;
  } catch { /* told below */ }
  flash("warn", "This choice was not kept", "It holds for this page. The ec2mon server did not take it; choose again later.");
};

/** UTC, which is the server's, or the browser's own zone. */
export const toggleZone = () => {
  keep("time_zone", isLocal() ? "utc" : "local");
  repaint();
  say("Times are shown in " + zoneName());
};

/** Bring the menu in line with the page. */
export const start = (changed) => {
  on("click", "[data-tz-toggle]", toggleZone);
  for (const name of ["theme", "density"]) for (const input of $$(`#pop-theme input[name=${name}]`)) {
    input.checked = input.value === root.dataset[name];
    input.addEventListener("change", () => { keep(name, input.value); changed(); });
  }
};
