/** What the tabs of the inspector share: the selected unit, links to units, and tables of facts. */

import { unitAt } from "cs/data";
import { h, readable } from "cs/dom";
import { t } from "cs/i18n";
import { set, state } from "cs/store";

/** Terms or readers that are listed at most. */
export const MOST_TERMS = 60;

/** Return the selected unit. */
export function selected() {
  return { layer: state.layer, channel: state.channel, row: state.row, column: state.column };
}

/** A link to a unit. */
export function unitLink(layer, index) {
  return h("button", { class: "link", onclick: () => set({ ...unitAt(layer, index), hover: null }) }, `${readable(layer, 24)} (${index.join(", ")})`);
}

/** Make a table of [name, text, value, title] rows; null rows are left out. */
export function facts(rows) {
  return h("table", { class: "facts" }, rows.filter(Boolean).map(([name, value, raw, text]) =>
    h("tr", {}, h("th", { scope: "row" }, text ?? t(`fact_${name}`)), h("td", { "data-q": name, "data-v": JSON.stringify(raw) }, value))));
}
