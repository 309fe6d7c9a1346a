/** The selected unit: region, sum, gradient, derivation, costs. */

import { indexOf, network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { t } from "cs/i18n";
import { keep, on, oneOf, set, state } from "cs/store";
import * as cost from "cs/tabs/cost";
import * as derive from "cs/tabs/derive";
import * as gradient from "cs/tabs/gradient";
import * as region from "cs/tabs/region";
import * as sum from "cs/tabs/sum";
import { selected } from "cs/unit_parts";

/**
 * A tab is a module in `tabs/` whose `draw()` returns its elements. Its texts are in `i18n/LANG/inspector.json`.
 *
 * @type {Map<string, {draw: () => any}>}
 */
const TABS = new Map(Object.entries({ region, sum, gradient, derive, cost }));

keep("tab", "q", oneOf([...TABS.keys()]));

const root = /** @type {HTMLElement} */ (document.getElementById("inspector"));
const tabs = h("div", { class: "tabs", role: "tablist" });
const content = h("div", { class: "content", role: "tabpanel" });
show(root, tabs, content);

function key() {
  return JSON.stringify([network?.id, state.image, selected(), state.tab, state.target, state.quantity, state.lang]);
}

async function draw() {
  const offered = [...TABS.keys()].filter((tab) => !state.hide.includes(tab));
  if (!offered.includes(state.tab) && offered.length) {
    set({ tab: offered[0] }, { push: false });
    return;
  }
  show(tabs, offered.map((tab) =>
    h("button", { role: "tab", "aria-selected": String(tab === state.tab), tabindex: tab === state.tab ? "0" : "-1", "data-tab": tab, onclick: () => set({ tab }) }, t(`tab_${tab}`))));
  if (!network || !state.layer) return;
  const mine = key();
  content.dataset.state = "loading";
  try {
    const parts = await TABS.get(state.tab)?.draw();
    if (mine !== key()) return;
    show(content, heading(), parts);
  } catch (error) {
    if (mine !== key()) return;
    show(content, heading(), h("p", { class: "empty" }, error.message));
  }
  content.dataset.state = "ready";
}

function heading() {
  return h("h2", {}, readable(state.layer), " ", h("small", {}, `(${indexOf(selected()).join(", ")})`));
}

on(["network"], () => show(content));
on(["ready", "image", "layer", "channel", "row", "column", "tab", "target", "lang", "quantity", "cone", "hide"], draw);
