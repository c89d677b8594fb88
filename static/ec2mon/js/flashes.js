/* Flashes: results of what the user did. Good news leaves by itself, bad news stays until dismissed. */
import { $, $$, copies, icon, make, on, session } from "./dom.js";

const GLYPHS = { warn: "s-alert", crit: "c-fail" };
const dock = () => $("[data-dock]") || $("#flashes");
const dismissed = new Set((session.get("dismissed") || "").split(" ").filter(Boolean));

const drop = (flash) => {
  const key = flash.dataset.flashKey;
  if (key) { dismissed.add(key); session.set("dismissed", Array.from(dismissed).slice(-50).join(" ")); }
  flash.remove();
};

/* Good news goes after 8 s, and waits while somebody reads it. */
const leave = (flash) => {
  if (flash.dataset.leaving || !flash.matches(".flash--ok, .flash--info")) return;
  flash.dataset.leaving = "1";
  let timer = setTimeout(drop, 8000, flash);
  for (const type of ["pointerenter", "focusin"]) flash.addEventListener(type, () => clearTimeout(timer));
  for (const type of ["pointerleave", "focusout"]) flash.addEventListener(type, () => { clearTimeout(timer); timer = setTimeout(drop, 4000, flash); });
};

/** Take out what this user has dismissed already; called on new HTML before it is shown. */
export const withoutDismissed = (part) => { for (const flash of $$(".flash[data-flash-key]", part)) if (dismissed.has(flash.dataset.flashKey)) flash.remove(); };
/** Start the time of those that leave by themselves. */
export const settle = () => $$(".flash").forEach(leave);

/** Show the flashes of another page, which a form answered with. */
export const adopt = (page) => { dock().append(...copies($$("[data-messages] .flash", page))); settle(); };

/** Say what went wrong on the way to the server; it stays until dismissed. */
export const flash = (tone, title, body) => {
  const close = make("button", { className: "flash__close", type: "button", ariaLabel: "Dismiss" }, icon("i-x"));
  const text = make("div", null, make("strong", { textContent: title }), make("p", { textContent: body }));
  const node = make("div", { className: "flash flash--" + tone, role: "alert" }, icon(GLYPHS[tone]), text, close);
  dock().append(node);
};

/** Say that no answer came, and what that means. */
export const silence = (body) => flash("crit", "The ec2mon server did not answer", body);

export const start = () => {
  on("click", ".flash__close", (_event, button) => drop(button.closest(".flash")));
  withoutDismissed(document);
  settle();
};
