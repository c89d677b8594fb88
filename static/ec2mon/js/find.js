/* Find in all elements: a combobox whose list the server writes; before its answer Enter opens the page of results. */
import { $, $$, copies, fragment, on, paint, parse } from "./dom.js";
import { openDialog } from "./frame.js";
import { signedOut } from "./live.js";

const REST_MS = 120, PATIENCE_MS = 8000;
let timer = 0, asking = null, answered = null;

const dialog = () => $("#dlg-find");
const field = () => $("[data-find-input]", dialog());
const list = () => $("#find-list");
const options = () => $$("[role=option]", list());
const active = () => $("[aria-selected=true]", list());

const activate = (option) => {
  active()?.setAttribute("aria-selected", "false");
  if (!option) return field().removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  field().setAttribute("aria-activedescendant", option.id);
};

const show = (found, said) => {
  list().replaceChildren(...found);
  list().hidden = !found.length;
  field().setAttribute("aria-expanded", found.length > 0);
  activate(answered ? options()[0] : null);
  paint($("[data-find-status]", dialog()), said);
};

const ask = async () => {
  const text = field().value, url = new URL(field().form.action);
  url.searchParams.set("q", text);
  asking?.abort();
  const mine = asking = new AbortController();
  try {
    const answer = await fragment("find", url, { signal: AbortSignal.any([mine.signal, AbortSignal.timeout(PATIENCE_MS)]) });
    if (signedOut(answer)) return dialog().close();
    if (!answer.ok) throw new Error("HTTP " + answer.status);
    const told = await parse(answer);
    if (mine !== asking) return;
    answered = text;
    show(copies($("[data-find-answer]", told).children), $("[data-find-said]", told).textContent);
  } catch (error) {
    if (mine !== asking || error.name === "AbortError") return;
    answered = null;
    show([], "No answer from the ec2mon server. Enter asks again.");
  }
};

const open = () => {
  if ($("dialog[open]")) return;
  openDialog("dlg-find");
  field().focus();
  field().select();
  ask();
};

const MOVES = {
  ArrowDown: (all, at) => all[(at + 1) % all.length],
  ArrowUp: (all, at) => all[(at <= 0 ? all.length : at) - 1],
  PageDown: (all) => all[all.length - 1],
  PageUp: (all) => all[0],
};

const press = (event) => {
  if (event.isComposing) return;
  if (event.key === "Escape") { event.preventDefault(); dialog().close(); }
  else if (MOVES[event.key]) {
    event.preventDefault();
    const all = options();
    if (all.length) activate(MOVES[event.key](all, all.indexOf(active())));
  } else if (event.key === "Enter" && active() && answered === field().value) {
    event.preventDefault();
    location.assign(active().href);
  }
};

export const start = () => {
  if (!dialog()) return;
  on("click", "[data-find-open]", (event) => { if (event.ctrlKey || event.metaKey || event.shiftKey) return; event.preventDefault(); open(); });
  on("input", "[data-find-input]", () => { clearTimeout(timer); timer = setTimeout(ask, REST_MS); });
  on("keydown", "[data-find-input]", press);
  dialog().addEventListener("close", () => { clearTimeout(timer); asking?.abort(); });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    open();
  });
};
