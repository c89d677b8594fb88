/* Single keys: not inside fields and dialogs, and only a dialog acts. */
import { root, $, $$, on, say } from "./dom.js";
import * as actions from "./actions.js";
import { openDialog } from "./frame.js";
import { keep, toggleZone } from "./likes.js";
import * as live from "./live.js";
import * as selection from "./selection.js";

const CHORD_MS = 1200;
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
let chordAt = -Infinity;

const current = () => document.activeElement?.closest("tbody tr[data-key]") || null;
const isOn = () => root.dataset.keys !== "off";

/* Moves the real focus to the row's link, so that Enter opens it. */
const move = (step) => {
  const list = $$("main tbody tr[data-key]").filter((row) => row.offsetParent !== null), at = list.indexOf(current());
  const row = list[at < 0 ? 0 : Math.max(0, Math.min(list.length - 1, at + step))], target = row && $(".key, .exp, a, button", row);
  if (!target) return;
  target.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
};

const select = (range) => {
  const row = current(), input = row && selection.box(row);
  if (!input) return;
  const wanted = range || !input.checked;
  selection.choose(input, wanted, range);
  say((wanted ? "Selected " : "Not selected ") + row.dataset.name);
};

const ask = (verb) => {
  if (!$("[data-bulk]")) return;
  const row = current();
  if (selection.hasSelection()) actions.confirm(verb, selection.ids());
  else if (row && selection.can(row, verb)) actions.confirm(verb, [row.dataset.key]);
  else if (row) say(row.dataset.name + " cannot be asked to " + verb + " now");
};

const filter = () => $("[data-filter-input]");
const KEYS = {
  "/": () => { const field = filter(); field?.focus(); field?.select(); },
  "?": () => openDialog("dlg-keys"),
  j: () => move(1),
  k: () => move(-1),
  x: () => select(false),
  X: () => select(true),
  s: () => ask("stop"),
  a: () => ask("start"),
  p: () => { if (live.isLive()) live.togglePause(); },
  u: toggleZone,
  g: () => { chordAt = performance.now(); },
};

/* Esc: dialogs and menus close by themselves; then the filter is emptied, then the selection cleared. */
const escape = (event, typing) => {
  if ($("dialog[open]") || $(":popover-open")) return;
  const field = filter();
  if (typing && event.target !== field) return;
  if (field?.value) { field.value = ""; if (field.defaultValue) field.form.requestSubmit(); }
  else if (typing) field.blur();
  else if (selection.hasSelection()) selection.clear();
};

export const start = () => {
  const toggle = $("[data-keys-on]");
  if (toggle) toggle.checked = isOn();
  on("change", "[data-keys-on]", (_event, input) => keep("keys", input.checked ? "on" : "off"));
  document.addEventListener("focusin", () => {
    $$("tr.row-focus").forEach((row) => row.classList.remove("row-focus"));
    current()?.classList.add("row-focus");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches?.(TYPING);
    if (event.key === "Escape") return escape(event, typing);
    if (typing || $("dialog[open]") || !isOn()) return;
    /* a key that is held down walks through the rows, and else counts once */
    if (event.repeat && !/^[jk]$/.test(event.key)) return;
    const second = performance.now() - chordAt < CHORD_MS && /^[ogicde]$/.test(event.key);
    chordAt = -Infinity;
    const link = second && $(`[data-go="${event.key}"]`);
    if (!second && !KEYS[event.key]) return;
    event.preventDefault();
    if (second) link?.click(); else KEYS[event.key]();
  });
};
