/* Live refresh: asks the server what changed since the page's revision. The protocol: docs/fragments.md. */
import { $, $$, fragment, icon, make, on, paint, parse, root, say } from "./dom.js";
import * as flashes from "./flashes.js";
import * as table from "./table.js";
import { absolute, now, repaint, setNow, zoneName } from "./time.js";
import { bring, look, onFree, remember } from "./use.js";

const FAST_MS = 5000, SLOW_MS = 15000, HIDDEN_MS = 60000, HURRY_MS = 2000, PATIENCE_MS = 8000;
/* Two beats that are not answered make 3 + 2.5 + 0.5 + 2.5 s. */
const BEAT_MS = 3000, BEAT_PATIENCE_MS = 2500;
const source = $("[data-live]");
const waiting = new Map();
let timer = 0, asking = null, paused = false, failures = 0, silences = 0, heardAt = now(), aliveAt = heardAt, hurries = 0, over = false, follows = false;

export const isLost = () => failures >= 2 || silences >= 2;
export const isLive = () => !!source;
export const isPaused = () => paused;
/* For the Wall: whether asking has ended for good, and when the server last answered. */
export const isOver = () => over;
export const answeredAt = () => heardAt;
export const silentMs = () => now() - heardAt;

const parts = (within) => $$("[data-live-part]", within);

const applyPart = (node, fresh) => {
  flashes.withoutDismissed(fresh);
  const result = bring(node, fresh);
  if (result === "held") waiting.set(node, fresh); else waiting.delete(node);
  if (result === "changed") { node.className = fresh.className; node.hidden = fresh.hidden; }
};
const release = () => { if (waiting.size) { look(); for (const [node, fresh] of waiting) applyPart(node, fresh); } };

/* Not under an open dialog or menu, nor while somebody types. */
const reload = () => { if (!$("dialog[open], :popover-open, input:focus:not([type=checkbox]), select:focus")) location.reload(); return false; };

/** Bring the page to what the answer says; false when its shape changed and the page was loaded anew. */
const apply = (answer) => {
  const freshTable = $("table[data-live-table]", answer), told = $("[data-live]", answer);
  if ((freshTable && !table.table) || (told?.dataset.shape || "") !== (source.dataset.shape || "")) return reload();
  look();
  const mine = new Map(parts(document).map((node) => [node.dataset.livePart, node]));
  for (const fresh of parts(answer)) { const name = fresh.dataset.livePart, node = mine.get(name); if (node && (!paused || name === "dock")) applyPart(node, fresh); }
  if (freshTable && !paused) table.apply(freshTable);
  if (answer.title) document.title = answer.title;
  if (told) { if (!paused) source.dataset.revision = told.dataset.revision || ""; source.toggleAttribute("data-busy", told.hasAttribute("data-busy")); setNow(told.dataset.now); }
  markPaused();
  flashes.settle();
  repaint();
  document.dispatchEvent(new Event("ec2mon:rows"));
  return true;
};

const ask = async (since) => {
  const url = new URL(location.href);
  url.hash = "";
  if (since) url.searchParams.set("since", since);
  const answer = await fragment("live", url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (signedOut(answer)) return false;
  if (answer.status === 204 || answer.status === 304) return true;
  if (answer.status === 404 && "wall" in source.dataset) return reload();  /* the address was revoked */
  if (!answer.ok) throw new Error("HTTP " + answer.status);
  return apply(await parse(answer));
};

/** Ask once, now; `whole` asks for every row. Tells whether an answer came. */
const refresh = async (whole) => {
  if (!source || over) return false;
  /* one at a time, so that no old answer comes after a newer one */
  while (asking) await asking;
  asking = ask(whole ? "" : source.dataset.revision).then((came) => { if (came) found(); return came; }, () => { missed(); return false; });
  const came = await asking;
  asking = null;
  return came;
};

const schedule = () => {
  clearTimeout(timer);
  const busy = source?.hasAttribute("data-busy");
  if (hurries <= 0 && !busy) follows = false;
  if (!source || over || (paused && !follows)) return;
  /* a hidden tab still counts in its title what needs attention */
  const wait = document.hidden ? HIDDEN_MS : hurries > 0 ? HURRY_MS : failures || isLost() || busy ? FAST_MS : SLOW_MS;
  timer = setTimeout(async () => { hurries--; await refresh(); schedule(); }, wait);
};

/** Ask at once and soon after: something is about to change. A paused page follows its dock. */
export const hurry = async () => { hurries = 3; follows = true; clearTimeout(timer); await refresh(); schedule(); };

const found = () => {
  heardAt = aliveAt = now();
  if (isLost()) { $$("[data-lost]").forEach((banner) => banner.remove()); say("Connected again"); }
  failures = silences = 0;
  root.classList.remove("is-lost");
  $$(".livebar").forEach((bar) => bar.classList.toggle("is-lost", bar.hasAttribute("data-stale")));
};
const missed = () => { failures++; miss(); };
const miss = () => {
  $$(".livebar").forEach((bar) => bar.classList.add("is-lost"));
  if (!isLost() || root.classList.contains("is-lost")) return;
  root.classList.add("is-lost");
  banner("No answer from the ec2mon server since " + absolute(aliveAt, "t") + " " + zoneName(), "This page shows what it had then and tries again every 5 s. Start and Stop are off meanwhile.", null);
};

/* Cheap, so more often: a calm page must not look well without a server. */
const beat = async () => {
  if (over || document.hidden) return;
  try {
    const answer = await fetch(root.dataset.health, { method: "HEAD", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(BEAT_PATIENCE_MS) });
    if (answer.status >= 500) throw new Error("HTTP " + answer.status);
    aliveAt = now();
    if (silences && paused) found(); else if (silences && !asking) refresh().then(schedule);
  } catch {
    silences++;
    miss();
    if (silences === 2) schedule();
  }
};

const banner = (title, body, link) => {
  const node = make("div", { className: "banner banner--crit", role: "alert" }, icon("c-fail"), make("div", null, make("strong", { textContent: title }), make("p", { textContent: body })),
    link ? make("p", { className: "btn-row" }, link) : null);
  node.dataset.lost = "";
  const page = $(".page");
  page?.insertBefore(node, page.children[1] || null);
};

/** Tell whether an answer means that the user is signed out, and say so once, with the way back; `also` says what
    became of what was just sent. */
export const signedOut = (answer, also = "Nothing you started was interrupted.") => {
  const login = root.dataset.login, away = answer.redirected && login && new URL(answer.url).pathname === login;
  if (!away && answer.status !== 401 && answer.status !== 403) return false;
  if (over) { $("[data-lost]")?.scrollIntoView({ block: "nearest" }); say(also); return true; }
  over = true;
  clearTimeout(timer);
  if (answer.headers.get("X-Page") === "old") {
    banner("You signed in again while this page was open", also + " Load the page again to go on.", make("a", { className: "btn btn--sm", href: location.href.split("#")[0], textContent: "Load again" }));
    return true;
  }
  const link = make("a", { className: "btn btn--sm", href: login + "?next=" + encodeURIComponent(location.pathname + location.search), textContent: "Sign in" });
  banner(answer.status === 403 ? "You may no longer see this" : "You were signed out", "This page no longer changes. Sign in to come back to it. " + also, link);
  return true;
};

const markPaused = () => {
  for (const button of $$("[data-pause]")) {
    button.setAttribute("aria-pressed", paused);
    paint($("span", button), paused ? "Resume" : "Pause");
    $("use", button)?.setAttribute("href", paused ? "#i-play" : "#i-pause");
  }
  for (const bar of $$(".livebar")) { bar.classList.toggle("is-paused", paused); paint($("[data-live-word]", bar), paused ? "Paused." : "Live."); }
};
export const togglePause = () => {
  paused = !paused;
  follows = false;
  markPaused();
  say(paused ? "Live updates paused" : "Live updates on");
  if (paused) clearTimeout(timer); else refresh().then(schedule);
};

export const start = () => {
  parts(document).forEach(remember);
  table.start(() => refresh(true));
  if (!source) return;
  on("click", "[data-pause]", togglePause);
  onFree(release);
  document.addEventListener("visibilitychange", () => { if (document.hidden) schedule(); else if (!paused) refresh().then(schedule); });
  schedule();
  if (root.dataset.health) setInterval(beat, BEAT_MS);
};
