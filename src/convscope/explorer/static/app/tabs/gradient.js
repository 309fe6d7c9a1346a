/** The gradient of a class with respect to the selected unit, and the units that read it. */

import { loadScores, loadUnit, network } from "cs/data";
import { h, readable } from "cs/dom";
import { number, t } from "cs/i18n";
import { set, state } from "cs/store";
import { facts, MOST_TERMS, selected, unitLink } from "cs/unit_parts";

/** Return the content of the tab. */
export async function draw() {
  if (network.weights === "none") return h("p", {}, t("structure_only", { reason: network.reason ?? "" }));
  const scores = await loadScores(state.image);
  const target = state.target ?? scores.classes[0]?.index ?? 0;
  const unit = await loadUnit(state.image, selected(), target);
  const { document: about, arrays } = unit;
  if (about.gradient === null) return h("p", {}, t("no_gradient_here"));
  const choice = h("select", { "aria-label": t("target"), onchange: (event) => set({ target: Number(event.target.value) }) },
    scores.classes.map((one) => {
      const option = h("option", { value: String(one.index) }, `${readable(one.name, 30)} (${number(one.score, 4)})`);
      if (one.index === target) option.selected = true;
      return option;
    }));
  const order = about.readers.map((_, i) => i).sort((a, b) => Math.abs(arrays.reader_numbers[3 * b + 2]) - Math.abs(arrays.reader_numbers[3 * a + 2]));
  const listed = order.slice(0, MOST_TERMS);
  return [
    h("p", {}, t("gradient_of"), " ", choice),
    facts([["gradient", number(about.gradient, 9), about.gradient], Math.abs(about.remainder) > 1e-5 * Math.abs(about.gradient) ? ["remainder", number(about.remainder, 3), about.remainder] : null]),
    h("p", { class: "note" }, t(order.length > listed.length ? "readers_some" : "readers", { count: number(order.length), shown: number(listed.length) })),
    h("table", { class: "terms" },
      h("thead", {}, h("tr", {}, ["unit", "derivative", "gradient_there", "product"].map((name) => h("th", { scope: "col" }, t(name))))),
      listed.map((i) => {
        const [layer, ...index] = about.readers[i];
        return h("tr", {}, h("td", {}, unitLink(layer, index)), [0, 1, 2].map((k) => h("td", {}, number(arrays.reader_numbers[3 * i + k], 5))));
      })),
  ];
}
