/* The live table holds still: docs/fragments.md. */
import { $, copies, grouped, icon, make, plural, root, say } from "./dom.js";
import { bring, idleMs, look, onFree, remember } from "./use.js";

export const table = $("table[data-live-table]");
export const rows = () => (table ? Array.from(table.tBodies[0].rows).filter((row) => row.dataset.key) : []);
/* A record that unfolds: its second row has no key and goes where the first goes. */
const detailOf = (row) => (row.nextElementSibling?.classList.contains("detail") ? row.nextElementSibling : null);
const byKey = () => new Map(rows().map((row) => [row.dataset.key, row]));
const notice = $("[data-notice]");
const nouns = [table?.dataset.noun || "instance", table?.dataset.nouns || "instances"];

const IDLE_MS = 60000, IDLE_CHECK_MS = 5000;
const arriving = new Map(), held = new Map();
let order = null, refetch = () => {};

/* one style flush for all changed cells, not one for each */
const tint = (cells) => {
  if (!cells.length) return;
  cells.forEach((cell) => cell.classList.remove("changed"));
  void root.offsetWidth;
  cells.forEach((cell) => cell.classList.add("changed"));
};

const rowAttributes = (row, fresh) => {
  const focus = row.classList.contains("row-focus");
  if (row.className !== fresh.className) row.className = fresh.className;
  row.classList.toggle("row-focus", focus);
  for (const { name, value } of fresh.attributes) if (name.startsWith("data-") && row.getAttribute(name) !== value) row.setAttribute(name, value);
  for (const { name } of Array.from(row.attributes)) if (name.startsWith("data-") && !fresh.hasAttribute(name)) row.removeAttribute(name);
};

/* Returns the cells that changed, or null when one is in use and must wait. Check boxes are never replaced. */
const patchRow = (row, fresh, changed) => {
  let waits = false;
  rowAttributes(row, fresh);
  Array.from(row.cells).forEach((cell, i) => {
    const next = fresh.cells[i];
    if (!next || cell.classList.contains("c-sel")) return;
    const result = bring(cell, next);
    if (result === "held") waits = true;
    if (result !== "changed") return;
    cell.className = next.className;
    changed.push(cell);
  });
  return !waits;
};

const patchHead = (fresh) => {
  table.className = fresh.className;
  if (fresh.tHead && table.tHead) patchRow(table.tHead.rows[0], fresh.tHead.rows[0], []);
};

/** Take a table of the server: all rows, or the changed ones with every key of the page in data-order. */
export const apply = (fresh) => {
  const have = byKey(), changed = [], sent = Array.from(fresh.tBodies[0]?.rows || []).filter((row) => row.dataset.key);
  look();
  patchHead(fresh);
  for (const next of sent) {
    const key = next.dataset.key, row = have.get(key);
    if (!row) arriving.set(key, next); else if (patchRow(row, next, changed)) held.delete(key); else held.set(key, next);
  }
  order = fresh.dataset.order == null ? sent.map((row) => row.dataset.key) : fresh.dataset.order.split(" ").filter(Boolean);
  const expected = new Set(order);
  for (const key of arriving.keys()) if (!expected.has(key)) arriving.delete(key);
  for (const [key, row] of have) row.classList.toggle("is-gone", !expected.has(key));
  tint(changed);
  tell();
};

const differences = () => {
  const mine = rows().map((row) => row.dataset.key), known = new Set(mine), expected = new Set(order), parts = [];
  const fresh = order.filter((key) => !known.has(key)), gone = mine.filter((key) => !expected.has(key));
  if (fresh.length) parts.push(plural(fresh.length, "new " + nouns[0], "new " + nouns[1]));
  if (gone.length) parts.push(grouped(gone.length) + " no longer " + (table.dataset.gone || "reported"));
  if (mine.filter((key) => expected.has(key)).join() !== order.filter((key) => known.has(key)).join()) parts.push("order has changed");
  return parts;
};

const tell = () => {
  const parts = differences();
  if (parts.length && idleMs() > IDLE_MS) return settle();
  if (!notice) return;
  const text = parts.length ? parts.join(", ") + ". " : "";
  if ((notice.dataset.text || "") === text) return;
  notice.dataset.text = text;
  notice.hidden = !text;
  const button = make("button", { className: "linkish", type: "button", textContent: "Show" });
  button.addEventListener("click", settle);
  notice.replaceChildren(icon("i-info"), text, button);
  if (text) say(text);
};

/* Rows the answer did not carry (the page of a long list has moved) are fetched whole first. */
const settle = async () => {
  const have = byKey();
  if (order.some((key) => !have.has(key) && !arriving.has(key)) && !(await refetch())) return;
  arrange();
};

const arrange = () => {
  const body = table.tBodies[0], have = byKey(), expected = new Set(order), focused = document.activeElement, top = table.parentElement.scrollTop, arrived = [];
  for (const [key, row] of have) if (!expected.has(key)) { detailOf(row)?.remove(); row.remove(); }
  const tail = Array.from(body.rows).find((row) => !row.dataset.key && !row.classList.contains("detail")) || null;
  for (const key of order) {
    if (!have.has(key) && !arriving.has(key)) continue;
    const found = have.get(key) || arriving.get(key), pair = [found, detailOf(found)].filter(Boolean), [row, detail] = have.has(key) ? pair : copies(pair);
    if (!have.has(key)) { Array.from(row.cells).forEach(remember); arrived.push(row.cells[1] || row.cells[0]); }
    body.insertBefore(row, tail);
    if (detail) body.insertBefore(detail, tail);
  }
  arriving.clear();
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  table.parentElement.scrollTop = top;
  tint(arrived);
  tell();
  document.dispatchEvent(new Event("ec2mon:rows"));
};

const release = () => {
  if (!held.size) return;
  look();
  const have = byKey(), changed = [];
  for (const [key, fresh] of held) { const row = have.get(key); if (!row || patchRow(row, fresh, changed)) held.delete(key); }
  tint(changed);
  if (changed.length) document.dispatchEvent(new Event("ec2mon:rows"));
};

/** Remember what the cells show; `fetchAll` brings every row of the page and tells whether it came. */
export const start = (fetchAll) => {
  if (!table) return;
  refetch = fetchAll;
  for (const row of table.rows) for (const cell of row.cells) remember(cell);
  onFree(release);
  /* the minute may end while nothing new comes from the server */
  setInterval(() => { if (notice?.dataset.text) tell(); }, IDLE_CHECK_MS);
};
