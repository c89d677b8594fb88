/* Forms: unsaved changes, slow submits, moments in time, the naming format. */
import { root, $, $$, copies, fragment, on, paint, parse, session } from "./dom.js";
import { flash } from "./flashes.js";
import { signedOut } from "./live.js";
import { absolute, now, relative, span } from "./time.js";

const PREVIEW_AFTER_MS = 200;

/* Compared is what the server wrote. A form that was sent may not get away. */
const guard = (form, at) => {
  const state = (one) => new URLSearchParams(new FormData(one)).toString(), written = form.cloneNode(true);
  let sent = false;
  written.reset();
  form.addEventListener("submit", () => { sent = true; session.set(place, JSON.stringify([at, typed(form).map((field) => field[part(field)])])); });
  addEventListener("beforeunload", (event) => { if (!sent && state(form) !== state(written)) event.preventDefault(); sent = false; });
};

/* What was typed comes back after a save that only found the sign-in; keys are never kept. */
const place = "typed " + location.pathname;
const typed = (form) => $$("input:not([type=hidden], [type=password], [data-secret]), select", form);
const part = ({ type }) => (/checkbox|radio/.test(type) ? "checked" : "value");
const bringBack = (forms) => {
  const [at, values] = JSON.parse(session.get(place) || "[]"), form = forms[at];
  session.set(place, "");
  if (!form || new URL(document.referrer || location).pathname !== root.dataset.login || typed(form).length !== values.length) return;
  typed(form).forEach((field, i) => { field[part(field)] = values[i]; });
  if (form.dataset.previewUrl) previewSoon(form);
  flash("warn", "You were signed out, so nothing was saved", "What you typed is here again, without keys. Save it now.");
};

/* With the keyboard every arrow is a choice, so it waits: docs/fragments.md. */
const choosing = () => {
  const CHOICE = "form[data-autosubmit] select";
  let byKeys = false;
  on("pointerdown", CHOICE, () => { byKeys = false; });
  on("keydown", CHOICE, (event, { form }) => {
    byKeys = true;
    if (event.key !== "Enter" || !("waits" in form.dataset)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  on("change", CHOICE, (_event, { form }) => { if (byKeys) form.dataset.waits = ""; else form.requestSubmit(); });
  on("submit", "form[data-autosubmit]", (_event, form) => { delete form.dataset.waits; });
  on("focusout", "form[data-waits]", (event, form) => { if (!form.contains(event.relatedTarget) && document.hasFocus()) form.requestSubmit(); });
};

/* A button with data-busy-text says so while its form is under way, and the form goes once. */
const submitting = (event, form) => {
  const button = event.submitter, words = button?.dataset.busyText;
  if (!words || event.defaultPrevented) return;
  if (form.dataset.under) { event.preventDefault(); return; }
  form.dataset.under = "1";
  const since = performance.now(), before = button.textContent;
  paint(button, words);
  button.setAttribute("aria-disabled", "true");
  const timer = setInterval(() => { const ms = performance.now() - since; if (ms > 5000) paint(button, "Still waiting for AWS, " + span(ms)); }, 1000);
  /* back from the browser's memory: the answer was read, the form may go again */
  addEventListener("pagehide", () => { clearInterval(timer); paint(button, before); button.removeAttribute("aria-disabled"); delete form.dataset.under; }, { once: true });
};

/* A browser's own date field would show 03/19 to some and 19/03 to others. */
const readMoment = (text) => {
  const m = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)$/.exec(text.trim());
  const t = m ? Date.UTC(+m[1], m[2] - 1, +m[3], +m[4], +m[5]) : NaN;
  return absoluteUtc(t) === text.trim().replace("T", " ") ? t : NaN;
};
const absoluteUtc = (t) => (Number.isNaN(t) ? "" : absolute(t, "m", false));
const fault = (t, { min, max }) => {
  if (Number.isNaN(t)) return "Write it as 2026-03-19 02:00";
  if (min && t < Date.parse(min)) return "AWS needs at least 60 min notice: " + absoluteUtc(Date.parse(min)) + " UTC or later";
  if (max && t > Date.parse(max)) return "After the deadline AWS set: " + absoluteUtc(Date.parse(max)) + " UTC";
  return "";
};
const echo = (input) => {
  const t = readMoment(input.value), wrong = fault(t, input.dataset), output = $("[data-when-echo]", input.form);
  input.setCustomValidity(wrong);
  input.toggleAttribute("aria-invalid", false);
  if (wrong) input.setAttribute("aria-invalid", "true");
  if (!output) return;
  output.className = wrong ? "err" : "hint";
  const day = wrong || new Date(t).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).replace(",", "");
  paint(output, wrong || day + ", " + absolute(t, "h", false) + " UTC, " + relative(t, "in"));
  if (t < now()) output.className = "err";
};

const insert = (text, input) => {
  const from = input.selectionStart ?? input.value.length, to = input.selectionEnd ?? from;
  input.setRangeText(text, from, to, "end");
  input.focus();
  input.dispatchEvent(new Event("input", { bubbles: true }));
};

/* The server renders the preview: docs/fragments.md. */
let latest = 0, timer = 0;
const preview = async (form) => {
  const mine = ++latest, field = $("[data-fmt]", form), url = new URL(form.dataset.previewUrl, location.href);
  url.searchParams.set(field.name, field.value);
  let page;
  try {
    const answer = await fragment("preview", url);
    if (signedOut(answer, "What you typed is kept here only: copy it first.")) return;
    if (!answer.ok) throw new Error("HTTP " + answer.status);
    page = await parse(answer);
  } catch {
    if (mine === latest) paint($("#preview-sum"), "No answer from the ec2mon server, so this is the preview of an earlier text.");
    return;
  }
  if (mine !== latest) return;
  for (const fresh of $$("body [id]", page)) {
    const node = document.getElementById(fresh.id);
    if (!node) continue;
    node.replaceChildren(...copies(fresh.childNodes));
    node.hidden = fresh.hidden;
  }
  const error = document.getElementById((field.getAttribute("aria-describedby") || "").split(" ").find((id) => $(".err#" + CSS.escape(id))) || "");
  if (error && !error.hidden && error.textContent.trim()) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid");
};
const previewSoon = (form) => { clearTimeout(timer); timer = setTimeout(preview, PREVIEW_AFTER_MS, form); };

export const start = () => {
  const guarded = $$("form[data-guard]");
  guarded.forEach(guard);
  bringBack(guarded);
  on("submit", "form", submitting);
  choosing();
  on("input", "[data-when]", (_event, input) => echo(input));
  on("click", "[data-set-time]", (_event, button) => { const input = $("[data-when]", button.form || button.closest("form")); input.value = button.dataset.setTime; echo(input); });
  on("click", "[data-insert]", (_event, button) => insert(button.dataset.insert, $("[data-fmt]")));
  on("click", "[data-insert-filter]", (_event, button) => {
    const input = $("[data-filter-input]");
    button.closest("[popover]")?.hidePopover();
    input.value = (input.value.trim() + " " + button.dataset.insertFilter).trim();
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
  });
  on("input", "form[data-preview-url] [data-fmt]", (_event, input) => previewSoon(input.form));
  on("reset", "form[data-preview-url]", (_event, form) => previewSoon(form));
};
