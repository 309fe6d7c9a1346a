/** Four marks for the first visit: what the parts of the page are. Shown once, and never where a link chose what to see. */

import { h, show } from "cs/dom";
import { t } from "cs/i18n";
import { on, state } from "cs/store";

const STORED = "convscope.coach";
const MARKS = [["strip", "coach_strip"], ["image", "coach_image"], ["stage", "coach_stage"], ["inspector", "coach_inspector"]];
const WIDTH = 320;

let wanted = location.hash === "" && !seen();
let place = -1;
const box = h("div", { class: "coach", role: "dialog", "aria-labelledby": "coach-text" });

/** Read the browser's memory, which may be switched off. */
function seen() {
  try {
    return localStorage.getItem(STORED) !== null;
  } catch {
    return false;
  }
}

function remember() {
  try {
    localStorage.setItem(STORED, "1");
  } catch {
    // The marks are shown again next time.
  }
}

function begin() {
  if (!wanted || place >= 0 || !state.ready || state.view === "start" || state.lesson) return;
  wanted = false;
  remember();
  document.body.append(box);
  go(0);
}

function go(to) {
  unmark();
  place = to;
  if (place >= MARKS.length) {
    box.remove();
    return;
  }
  draw();
  box.querySelector("button.primary")?.focus({ preventScroll: true });
}

function draw() {
  if (place < 0 || place >= MARKS.length) return;
  const [part, text] = MARKS[place];
  const target = /** @type {HTMLElement} */ (document.getElementById(part));
  target.classList.add("pointed");
  target.scrollIntoView({ block: "nearest" });
  show(box,
    h("p", { id: "coach-text" }, t(text)),
    h("p", { class: "coach-foot" },
      h("span", { class: "note" }, `${place + 1} / ${MARKS.length}`),
      h("button", { onclick: () => go(MARKS.length) }, t("coach_skip")),
      h("button", { class: "primary", onclick: () => go(place + 1) }, place + 1 < MARKS.length ? t("coach_next") : t("coach_end"), " ", h("kbd", {}, t("space")))));
  const frame = target.getBoundingClientRect();
  const left = Math.max(8, Math.min(frame.left + 12, window.innerWidth - WIDTH - 8));
  const top = part === "strip" ? frame.bottom + 8 : frame.top + 48;
  Object.assign(box.style, { left: `${left}px`, top: `${Math.max(8, Math.min(top, window.innerHeight - box.offsetHeight - 8))}px` });
}

function unmark() {
  for (const one of document.querySelectorAll(".pointed")) one.classList.remove("pointed");
}

document.addEventListener("keydown", (event) => {
  if (!box.isConnected) return;
  if (event.key === "Escape") go(MARKS.length);
  else if (event.key === " " && !box.contains(/** @type {Node} */ (event.target))) {
    event.preventDefault();
    go(place + 1);
  }
});

on(["ready", "view", "lesson"], begin);
on(["lang"], draw);
window.addEventListener("resize", draw);
