/* Start, stop, reboot: the server writes the dialog, and checks again. */
import { $, copies, fragment, on, parse, say } from "./dom.js";
import * as flashes from "./flashes.js";
import * as live from "./live.js";
import * as selection from "./selection.js";
import { repaint } from "./time.js";

/* More IDs than this do not fit into an address. */
const IN_ADDRESS = 100;
const dialog = $("#dlg-act");
let asked = 0;

/* form.action would be the field of that name. */
const addressOf = (form) => form.getAttribute("action");

/* Cancel has the focus; the button that acts waits for the number where one is asked for. */
const show = (form) => {
  dialog.replaceChildren(...copies([form]));
  if (!dialog.open) dialog.showModal();
  guard();
  repaint();
  ($(".err, [role=alert]", dialog) && $("input[data-expect]", dialog) || $("[data-close]", dialog))?.focus();
};
const guard = () => {
  const typed = $("input[data-expect]", dialog), go = $("button[data-act-go]", dialog);
  if (typed && go) go.disabled = typed.value.trim().toLowerCase() !== typed.dataset.expect.toLowerCase();
};

/* An answer is a dialog again, or the page the server went on to, whose flashes are the result of the `sent` form. A
   question comes only where it is `awaited`: never over another one, which somebody reads. */
const take = async (answer, awaited, sent = null) => {
  if (live.signedOut(answer, "Nothing was asked of AWS, and your selection is kept.")) { dialog.close(); return; }
  const page = await parse(answer), form = $("form[data-act-form]", page);
  if (!answer.ok && !$("[data-messages]", page)) throw new Error();
  if (form) { if (awaited()) show(form); return; }
  if (dialog.contains(sent)) { dialog.close(); if (answer.ok) selection.clear(true); }
  flashes.adopt(page);
  live.hurry();
};

const ask = async (url, options) => {
  if (live.isLost()) { say("Start and Stop are off until the ec2mon server answers"); return; }
  const mine = ++asked;
  try { await take(await fragment("dialog", url, options), () => mine === asked && !$("dialog[open]")); }
  catch { if (mine === asked) flashes.silence("Nothing was asked of AWS. Try again."); }
};

/** Ask what a verb would do to some instances. */
export const confirm = (verb, ids) => {
  const form = document.getElementById("sel");
  if (!form || !ids.length) return;
  const fields = new URLSearchParams([["action", verb], ...ids.map((id) => ["id", id])]);
  if (ids.length <= IN_ADDRESS) ask(addressOf(form) + "?" + fields);
  else ask(addressOf(form), { method: "POST", body: new URLSearchParams([...new FormData(form), ...fields]) });
};

const submit = async (form, submitter) => {
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  submitter?.setAttribute("aria-disabled", "true");
  try { await take(await fragment("dialog", addressOf(form), { method: "POST", body: new FormData(form, submitter) }), () => dialog.contains(form) || !$("dialog[open]"), form); }
  catch { if (dialog.contains(form)) dialog.close(); flashes.silence("It is not known whether the request arrived. Check the states before trying again."); live.hurry(); }
  delete form.dataset.sent;
  submitter?.removeAttribute("aria-disabled");
};

export const start = () => {
  on("click", "[data-act]", (event, button) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") !== "true") ask(button.href);
  });
  on("click", "[data-bulk-act]", (_event, button) => confirm(button.dataset.bulkAct, selection.ids()));
  on("input", "input[data-expect]", guard);
  on("submit", "#dlg-act form[data-act-form], form[data-inline]", (event, form) => { event.preventDefault(); submit(form, event.submitter); });
};
