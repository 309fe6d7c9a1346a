/** The first view: the network reads a digit, and the lessons. */

import { network } from "cs/data";
import { h, show } from "cs/dom";
import { t } from "cs/i18n";
import { makeLanding } from "cs/landing";
import { lessonCards } from "cs/lesson";
import { isLanding } from "cs/opening";
import { state } from "cs/store";

/** What of the state the view shows, besides the network and the language. */
export const keys = ["image"];

/** @type {ReturnType<typeof makeLanding> | null} */
let landing = null;
let made = "";

/** Draw the view into an element. */
export function draw(root) {
  const key = `${network.id} ${state.lang}`;
  if (made !== key || !root.querySelector(".start")) {
    const unfinished = landing ? !landing.complete() : state.image === "sample";
    landing = isLanding(network.id) ? makeLanding() : null;
    made = key;
    show(root, h("div", { class: "start" }, landing?.root,
      h("section", { class: "lessons" }, h("h2", {}, t("lessons")), h("p", { class: "note" }, t("lessons_hint")), lessonCards())));
    if (landing && unfinished) landing.play();
    else landing?.follow();
  } else landing?.follow();
  root.dataset.state = "ready";
}
