/* The frame: menus, dialogs, copying, wide tables, unfolding records. */
import { $, $$, on, say, session } from "./dom.js";
import * as likes from "./likes.js";

/* Menus are placed through the CSSOM. */
const menus = () => document.addEventListener("beforetoggle", (event) => {
  const menu = event.target;
  if (event.newState !== "open" || !menu.classList?.contains("pop")) return;
  const button = $(`[popovertarget="${menu.id}"]`);
  if (button) requestAnimationFrame(() => {
    const at = button.getBoundingClientRect(), width = menu.offsetWidth, height = menu.offsetHeight;
    menu.style.left = Math.max(8, Math.min(at.left, innerWidth - width - 8)) + "px";
    menu.style.top = (at.bottom + 6 + height > innerHeight - 8 ? Math.max(8, at.top - height - 6) : at.bottom + 6) + "px";
  });
}, true);

/** Open a dialog by its id. */
export const openDialog = (id) => { const dialog = document.getElementById(id); if (dialog && !dialog.open) dialog.showModal(); return dialog; };

const dialogs = () => {
  on("click", "[data-open]", (event, button) => { if (openDialog(button.dataset.open)) event.preventDefault(); });
  on("click", "dialog [data-close]", (event, button) => { event.preventDefault(); button.closest("dialog").close(); });
  on("mousedown", "dialog.dlg", (event, dialog) => { if (event.target === dialog) dialog.close(); });
};

const copy = async (text, button) => {
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch { done = false; }
  const use = $("use", button), before = use?.getAttribute("href");
  if (use && !button.dataset.copied) {
    button.dataset.copied = "1";
    use.setAttribute("href", done ? "#s-ok" : "#i-x");
    setTimeout(() => { use.setAttribute("href", before); delete button.dataset.copied; }, 1500);
  }
  say(done ? "Copied" + (text.length < 60 ? " " + text : "") : "Copying is not allowed by the browser");
};

/** Mark tables wider than their window, so that the pinned columns show an edge. */
export const measure = () => $$(".tw").forEach((box) => box.classList.toggle("can-scroll", box.scrollWidth > box.clientWidth + 1));

const unfold = (button, open) => {
  const row = document.getElementById(button.getAttribute("aria-controls"));
  if (!row) return;
  button.setAttribute("aria-expanded", open);
  row.hidden = !open;
};

/* An address with #<request-id> opens that record; one that is not on the page is asked for. */
const unfoldAddressed = () => {
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* not ours */ }
  const target = id && document.getElementById(id), button = target && $(".exp", target);
  if (button) { unfold(button, true); target.scrollIntoView({ block: "nearest" }); }
  else if (!target && /^[\da-f]{4,}(-[\da-f]+){2,}$/i.test(id) && $("[data-records]") && !location.search.includes("q=")) location.replace("?q=" + id + location.hash);
};

/* Another order is another page: say so on it, and give the keyboard back the place it had. */
const sorted = () => {
  const how = session.get("sorted"), link = how && $("th[aria-sort] .sort");
  session.set("sorted", "");
  if (link) say("Sorted by " + link.textContent.trim() + ", " + link.closest("th").ariaSort);
  if (link && how === "keys") link.focus({ preventScroll: true });
  on("click", ".sort", (event) => { if (!(event.ctrlKey || event.metaKey || event.shiftKey)) session.set("sorted", event.detail ? "pointer" : "keys"); });
};

/* The side list is filtered while typing; a refresh brings it whole, so the filter is applied again. */
let wanted = "";
const filterSide = () => {
  const field = $("[data-side-filter]");
  if (!field) return;
  if (field !== document.activeElement && field.value !== wanted) field.value = wanted;
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  for (const link of $$(".side [data-find]")) link.hidden = !words.every((word) => link.dataset.find.toLowerCase().includes(word));
};

export const start = () => {
  likes.start(measure);
  on("input", "[data-side-filter]", (_event, field) => { wanted = field.value; filterSide(); });
  document.addEventListener("ec2mon:rows", filterSide);
  menus();
  dialogs();
  on("click", "[data-copy]", (_event, button) => copy(button.dataset.copy, button));
  on("click", "[data-copy-from]", (_event, button) => copy(document.getElementById(button.dataset.copyFrom).textContent, button));
  on("click", ".exp", (event, button) => { event.preventDefault(); unfold(button, button.getAttribute("aria-expanded") !== "true"); });
  sorted();
  unfoldAddressed();
  addEventListener("hashchange", unfoldAddressed);
  measure();
  addEventListener("resize", measure);
  const tab = $(".tabs a[aria-current]");
  if (tab) tab.parentElement.scrollLeft = Math.max(0, tab.offsetLeft - 60);
};
