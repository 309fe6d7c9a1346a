/** The middle of the page: tabs, and the chosen view. */

import { network } from "cs/data";
import { h, show } from "cs/dom";
import { t } from "cs/i18n";
import { keep, on, oneOf, set, state } from "cs/store";
import { VIEWS } from "cs/views";

keep("view", "v", oneOf([...VIEWS.keys()]));

/** Milliseconds after which a wait is explained. */
const PATIENCE = 800;

const root = /** @type {HTMLElement} */ (document.getElementById("stage"));
const tabs = h("div", { class: "tabs", role: "tablist" });
const content = h("div", { class: "content", role: "tabpanel" });
show(root, tabs, content);

let drawn = "";
let late = 0;

/** The names of the views that are not hidden. */
function offered() {
  return [...VIEWS.keys()].filter((view) => !state.hide.includes(view));
}

function current() {
  return /** @type {any} */ (VIEWS.get(state.view));
}

function draw() {
  if (!offered().includes(state.view) && offered().length) {
    set({ view: offered()[0] }, { push: false });
    return;
  }
  show(tabs, offered().map((view) =>
    h("button", { role: "tab", "aria-selected": String(view === state.view), tabindex: view === state.view ? "0" : "-1", "data-view": view, onclick: () => set({ view }) }, t(`view_${view}`))));
  if (!network) return;
  content.dataset.state = "loading";
  content.dataset.view = state.view;
  const sameView = drawn.endsWith(` ${state.view}`);
  if (drawn !== `${network.base} ${state.view}` && !(sameView && current().lasting)) show(content);
  drawn = `${network.base} ${state.view}`;
  clearTimeout(late);
  late = window.setTimeout(explainWait, PATIENCE);
  current().draw(content);
}

/** Say what takes long, where nothing is shown yet. */
function explainWait() {
  if (content.dataset.state === "loading" && !content.firstChild) show(content, h("p", { class: "empty" }, t("computing")));
}

on(["network"], () => {
  if (current().lasting) return;
  drawn = "";
  show(content);
});

on(["ready", "view", "lang", "hide"], draw);

on(["row", "column", ...new Set([...VIEWS.values()].flatMap((view) => view.keys))], (changed) => {
  const view = current();
  if (changed.has("ready") || changed.has("view") || changed.has("lang")) return;
  if (view.keys.some((key) => changed.has(key))) draw();
  else if (view.move && (changed.has("row") || changed.has("column")) && !view.move(content)) draw();
});
