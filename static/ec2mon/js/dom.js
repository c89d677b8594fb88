/* Small tools of every other module. */

export const root = document.documentElement;
export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => Array.from(within.querySelectorAll(selector));

/** Listen once for all elements that match, now and later. */
export const on = (type, selector, listener) =>
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) listener(event, element);
  });

/** What this tab remembers for its user until it is closed. */
const own = "ec2mon." + root.dataset.user + ".";
export const session = {
  get(name) { try { return sessionStorage.getItem(own + name); } catch { return null; } },
  set(name, value) { try { sessionStorage.setItem(own + name, value); } catch { /* private window */ } },
};

/** Ask the server for a part of a page: docs/fragments.md. */
export const fragment = (kind, url, options) => fetch(url, { cache: "no-store", ...options, headers: { "X-Fragment": kind } });
/** Read an answer as a page. */
export const parse = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
/** Copy nodes of another page. */
export const copies = (nodes) => Array.from(nodes, (node) => document.importNode(node, true));

/** Make an element; never of HTML. */
export const make = (tag, properties, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) name in node ? (node[name] = value) : node.setAttribute(name, value);
  node.append(...children.filter((child) => child != null));
  return node;
};

/** Make a glyph of the sprite. */
export const icon = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#" + name);
  svg.append(use);
  return svg;
};

export const paint = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };
export const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u00a0");
export const plural = (n, one, many) => grouped(n) + " " + (n === 1 ? one : many);

/** Tell a screen reader what just happened. */
export const say = (text) => {
  const region = $("#say");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
};
