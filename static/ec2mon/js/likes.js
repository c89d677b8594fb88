/* How the reader likes the pages. The server keeps it with the user and writes it into <html>, so it is there on every
   computer and from the first paint on; a change shows at once, the page stays where it is. */
import { root, $, $$, fragment, on, say } from "./dom.js";
import { flash } from "./flashes.js";
import { signedOut } from "./live.js";
import { isLocal, repaint, zoneName } from "./time.js";

const form = $("#pop-theme");
/* The name of a setting is the name of its field; the zone is written shorter into <html>. */
const PLACE = { time_zone: "tz" };

/** Show a setting and keep it. */
export const keep = async (name, value) => {
  root.dataset[PLACE[name] || name] = value;
  if (!form) return;
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

/** Bring the menu in line with the page, also when the browser filled it from its memory. */
export const start = (changed) => {
  on("click", "[data-tz-toggle]", toggleZone);
  for (const name of ["theme", "density"]) for (const input of $$(`#pop-theme input[name=${name}]`)) {
    input.checked = input.value === root.dataset[name];
    input.addEventListener("change", () => { keep(name, input.value); changed(); });
  }
};
