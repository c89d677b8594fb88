/* Ages and countdowns run on the server's clock, never on this computer's. */
import { root, $$, paint } from "./dom.js";

let serverAt = Date.parse(root.dataset.now) || Date.now(), seenAt = performance.now();

/** The server's time in ms. */
export const now = () => serverAt + (performance.now() - seenAt);
/** Take the server's word for the time; differences below 2 s are only the way it travelled. */
export const setNow = (text) => {
  const told = Date.parse(text);
  if (told && Math.abs(told - now()) > 2000) { serverAt = told; seenAt = performance.now(); }
};

/** A span in words: at most two units, the second dropped when zero or beyond 10 d. */
export const span = (ms) => {
  let s = Math.floor(Math.abs(ms) / 1000);
  const take = (size) => { const n = Math.floor(s / size); s -= n * size; return n; };
  const y = take(31536000), d = take(86400), h = take(3600), min = take(60);
  const pair = (a, unit, b, second) => a + "\u00a0" + unit + (b ? " " + b + "\u00a0" + second : "");
  if (y) return pair(y, "y", d, "d");
  if (d) return pair(d, "d", d < 10 ? h : 0, "h");
  if (h) return pair(h, "h", min, "min");
  return min ? pair(min, "min") : pair(s, "s");
};

/** "6 s" for an age, "in 6 s" or "6 s ago" in running text, "in 6 s" or "now" for what is due. */
export const relative = (t, mode) => {
  const diff = t - now(), text = span(diff);
  if (mode === "age") return text;
  return diff > 0 ? "in " + text : mode === "due" ? "now" : text + " ago";
};

const two = (n) => String(n).padStart(2, "0");
export const isLocal = () => root.dataset.tz === "local";

/** A moment as text; precision is h (14:02), t (14:02:05), m (date, 14:02) or s (date, 14:02:05). */
export const absolute = (t, precision, local = isLocal(), fraction = "") => {
  const date = new Date(local ? t - new Date(t).getTimezoneOffset() * 60000 : t);
  const day = date.getUTCFullYear() + "-" + two(date.getUTCMonth() + 1) + "-" + two(date.getUTCDate());
  const hm = two(date.getUTCHours()) + ":" + two(date.getUTCMinutes()), hms = hm + ":" + two(date.getUTCSeconds()) + fraction;
  return { h: hm, t: hms, m: day + " " + hm, s: day + " " + hms }[precision];
};

export const zoneName = () => {
  if (!isLocal()) return "UTC";
  const offset = -new Date(now()).getTimezoneOffset(), size = Math.abs(offset);
  return "UTC" + (offset < 0 ? "−" : "+") + two(Math.floor(size / 60)) + ":" + two(size % 60);
};

/* Where the days of the state bar begin, in the zone the page speaks in; the server drew them in UTC. */
const markDays = (bar) => {
  const from = Date.parse(bar.dataset.daysFrom), length = Date.parse(bar.dataset.daysTo) - from, first = new Date(from);
  $$("[data-day]", bar).forEach((day, number) => {
    const at = isLocal() ? +new Date(first.getFullYear(), first.getMonth(), first.getDate() + 1 + number) : Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), first.getUTCDate() + 1 + number);
    const x = 100 * (at - from) / length, [line, name] = day.children;
    for (const end of ["x1", "x2"]) line.setAttribute(end, x + "%");
    name.setAttribute("x", x + 0.4 + "%");
    paint(name, x < 95 ? new Date(at).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", timeZone: isLocal() ? undefined : "UTC" }) : "");
  });
};

const tick = () => {
  if (document.hidden) return;
  for (const time of $$("time[data-rel]")) paint(time, relative(Date.parse(time.dateTime), time.dataset.rel));
  for (const time of $$("time[data-clock]")) paint(time, absolute(now(), "t"));
};

/** Paint every time on the page; called after new HTML came in. */
export const repaint = () => {
  for (const time of $$("time[data-abs]")) paint(time, absolute(Date.parse(time.dateTime), time.dataset.abs, isLocal(), time.dataset.frac));
  for (const name of $$("[data-tz-name]")) paint(name, zoneName());
  $$("[data-days-from]").forEach(markDays);
  tick();
};

export const start = () => {
  repaint();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
};
