/* The Wall never shows old news as new, and loads itself anew once a day. */
import { $, paint } from "./dom.js";
import * as live from "./live.js";
import { repaint } from "./time.js";

const LOST_MS = 40000, DAY_MS = 86400000;
const loadedAt = performance.now();

const WHY = {
  over: "Nobody is signed in any more, so nothing new comes here.",
  lost: "The ec2mon server does not answer. It is asked again every 5 s.",
};

const look = (wall, cover) => {
  const why = live.isOver() ? "over" : live.isLost() || live.silentMs() > LOST_MS ? "lost" : "";
  wall.inert = !!why;
  wall.toggleAttribute("data-old", !!why);
  if (why && cover.hidden) {
    $("time", cover).dateTime = new Date(live.answeredAt()).toISOString();
    repaint();
  }
  cover.hidden = !why;
  paint($("[data-wall-why]", cover), WHY[why] || "");
  /* only while the server answers: a browser's own error page would stay for ever */
  if (!why && performance.now() - loadedAt > DAY_MS) location.reload();
};

export const start = () => {
  const wall = $("[data-wall]"), cover = $("[data-wall-lost]");
  if (!wall || !cover) return;
  setInterval(() => { if (!document.hidden) look(wall, cover); }, 1000);
};
