/* The selection survives refresh, filter, order and page. */
import { $, $$, grouped, on, paint, plural, say, session } from "./dom.js";
import { flash, silence } from "./flashes.js";
import { signedOut } from "./live.js";
import { rows, table } from "./table.js";

const bulk = $("[data-bulk]"), place = "selected " + location.pathname;
/* each ID with what may be asked of it, for rows which the filter hides just now */
const chosen = new Map(bulk ? JSON.parse(session.get(place) || "[]") : []);
let last = null;

/** Tell whether a row may be asked for a verb: the server says so in data-can. */
export const can = (row, verb) => row.dataset.can.split(" ").includes(verb);

export const box = (row) => $(".c-sel input[name=id]", row);
const boxes = () => rows().map(box).filter(Boolean);
export const ids = () => Array.from(chosen.keys());
export const hasSelection = () => chosen.size > 0;

/** Bring boxes, bar and numbers in line with the selection. */
export const refresh = () => {
  if (!bulk) return;
  const shown = rows().filter(box);
  for (const row of shown) { const key = row.dataset.key, on = chosen.has(key); if (on) chosen.set(key, row.dataset.can); box(row).checked = on; }
  session.set(place, JSON.stringify(Array.from(chosen)));
  const n = shown.filter((row) => chosen.has(row.dataset.key)).length, all = $("[data-select-all]");
  if (all) { all.checked = n > 0 && n === shown.length; all.indeterminate = n > 0 && n < shown.length; }
  const more = $("[data-select-more]");
  if (more) more.hidden = !all?.checked || chosen.size > n;
  bulk.hidden = !chosen.size;
  paint($("[data-bulk-n]"), grouped(chosen.size) + " selected");
  paint($("[data-bulk-note]"), chosen.size > n ? grouped(chosen.size - n) + " of them not shown here" : "");
  for (const button of $$("[data-bulk-act]")) {
    const verb = button.dataset.bulkAct, fit = Array.from(chosen.values()).filter((verbs) => verbs.split(" ").includes(verb)).length;
    paint($("span", button), verb[0].toUpperCase() + verb.slice(1) + " " + grouped(fit));
    button.disabled = !fit;
    button.title = fit < chosen.size ? fit + " of " + chosen.size + " can " + verb : "";
  }
};

const set = (input, wanted) => { const row = input.closest("tr"); if (wanted) chosen.set(row.dataset.key, row.dataset.can); else chosen.delete(row.dataset.key); };

/** Select or drop a row; with `range` everything from the last one. */
export const choose = (input, wanted, range) => {
  const list = boxes(), from = list.indexOf(last), to = list.indexOf(input);
  if (range && from >= 0) list.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => set(each, wanted)); else set(input, wanted);
  last = input;
  refresh();
};

export const clear = (quietly) => { chosen.clear(); refresh(); if (!quietly) say("Selection cleared"); };

/* More than the page shows: the server names them here and now. */
const matching = async (button) => {
  try {
    const answer = await fetch(button.dataset.selectMatching, { cache: "no-store" });
    if (signedOut(answer, "Your selection is kept.")) return;
    for (const [id, verbs] of (await answer.json()).instances) chosen.set(id, verbs);
  } catch { silence("The selection is as it was. Try again."); return; }
  refresh();
  say(plural(chosen.size, "instance", "instances") + " selected");
};

export const start = () => {
  if (!bulk || !table) return;
  on("click", ".c-sel input[name=id]", (event, input) => choose(input, input.checked, event.shiftKey));
  on("change", "[data-select-all]", (_event, all) => {
    boxes().forEach((input) => set(input, all.checked));
    refresh();
    say(all.checked ? plural(chosen.size, "instance", "instances") + " selected" : "Selection cleared");
  });
  on("click", "[data-bulk-clear]", () => { clear(); $("[data-select-all]")?.focus(); });
  on("click", "[data-select-matching]", (_event, button) => matching(button));
  on("click", "[data-select-ids]", (_event, button) => {
    const wanted = button.dataset.selectIds.split(" "), found = rows().filter((row) => wanted.includes(row.dataset.key)), away = wanted.length - found.length;
    found.forEach((row) => chosen.set(row.dataset.key, row.dataset.can));
    refresh();
    if (away) flash("warn", away + " of " + wanted.length + " are not on this page", "Select them where they are shown.");
  });
  document.addEventListener("ec2mon:rows", refresh);
  addEventListener("pageshow", refresh);
  refresh();
};
