/* What is in use holds still: a cell or part with the focus inside, being pressed, or with selected text. */
import { copies } from "./dom.js";

let pressing = false, lastInput = performance.now(), picked = null;

export const idleMs = () => performance.now() - lastInput;
/** Read the selection once for each refresh: asking costs a layout. */
export const look = () => { const selection = getSelection(); picked = selection && !selection.isCollapsed ? selection : null; };
export const isHeld = (node) => (pressing && node.matches(":hover")) || !!picked?.containsNode(node, true);

/* The server renders ages and form tokens anew each time; neither is a difference. */
const NOISE = [[/(<time\b[^>]*\bdata-(?:rel|abs)\b[^>]*>)[^<]*/g, "$1"], [/(name="csrfmiddlewaretoken" value=")[^"]*/g, "$1"]];
const essence = (html) => NOISE.reduce((text, [pattern, kept]) => text.replace(pattern, kept), html);

/** Call back whenever something may have been let go. */
export const onFree = (release) => { for (const type of ["focusout", "selectionchange", "ec2mon:free"]) document.addEventListener(type, () => setTimeout(release, 0)); };

const shown = new WeakMap();
/** Remember what a node shows, as the server wrote it. */
export const remember = (node) => shown.set(node, essence(node.innerHTML));

/* Same shape: carry attributes and texts over, so that the focus stays where it is. */
const fits = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.childNodes.length === b.childNodes.length
  && Array.from(a.childNodes).every((child, i) => fits(child, b.childNodes[i]));
const carry = (a, b) => {
  if (a.nodeType !== Node.ELEMENT_NODE) { if (a.data !== b.data) a.data = b.data; return; }
  a.childNodes.forEach((child, i) => carry(child, b.childNodes[i]));
  attributes(a, b);
};
const attributes = (a, b) => {
  /* a control which turns off while focused keeps the focus and does nothing */
  if (b.hasAttribute("disabled") && a === document.activeElement) { b.removeAttribute("disabled"); b.setAttribute("aria-disabled", "true"); }
  for (const { name, value } of Array.from(b.attributes)) if (a.getAttribute(name) !== value) a.setAttribute(name, value);
  for (const { name } of Array.from(a.attributes)) if (!b.hasAttribute(name) && name !== "class") a.removeAttribute(name);
};

const keepUnfolded = (node, fresh) => { for (const open of node.querySelectorAll("details[open][id]")) fresh.querySelector("#" + CSS.escape(open.id))?.setAttribute("open", ""); };

/** Bring a node to what the server shows now. Returns "same", "changed", or "held" when it is in use. */
export const bring = (node, fresh) => {
  const text = essence(fresh.innerHTML);
  if (shown.get(node) === text) return "same";
  if (isHeld(node)) return "held";
  if (node.contains(document.activeElement)) {
    if (!fits(node, fresh)) return "held";
    node.childNodes.forEach((child, i) => carry(child, fresh.childNodes[i]));
  } else {
    keepUnfolded(node, fresh);
    node.replaceChildren(...copies(fresh.childNodes));
  }
  shown.set(node, text);
  return "changed";
};

export const start = () => {
  for (const type of ["pointerdown", "keydown", "wheel", "pointermove"]) addEventListener(type, () => { lastInput = performance.now(); }, { passive: true });
  addEventListener("pointerdown", () => { pressing = true; });
  for (const type of ["pointerup", "pointercancel"]) addEventListener(type, () => setTimeout(() => { pressing = false; document.dispatchEvent(new Event("ec2mon:free")); }, 0));
};
