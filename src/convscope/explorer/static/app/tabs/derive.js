/** The derivations of `explain`, one quantity at a time. */

import { indexOf, loadDerivation, row } from "cs/data";
import { build, h, show } from "cs/dom";
import { t } from "cs/i18n";
import { keep, set, state } from "cs/store";
import { selected } from "cs/unit_parts";

keep("quantity", "d", (text) => (/^[a-z_]{1,60}$/.test(text) ? text : undefined));

/** Return the content of the tab. */
export async function draw() {
  if (row(state.layer).kind === "Input") return h("p", {}, t("is_input"));
  const index = indexOf(selected());
  const at = index.length === 3 ? index.slice(1) : null;
  const { quantities, titles } = await loadDerivation(state.layer, null, at, state.lang);
  const quantity = quantities.includes(state.quantity) ? state.quantity : quantities[0];
  const choice = h("select", { "aria-label": t("quantity"), onchange: (event) => set({ quantity: event.target.value }) },
    quantities.map((one, k) => {
      const option = h("option", { value: one }, titles[k].replaceAll("$", ""));
      if (one === quantity) option.selected = true;
      return option;
    }));
  const { tree, latex } = await loadDerivation(state.layer, quantity, at, state.lang);
  return [
    h("p", {}, choice, " ", h("button", { onclick: (event) => copy(latex, event.target) }, t("copy_latex"))),
    h("div", { class: "derivation", "data-quantity": quantity }, build(tree)),
  ];
}

async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  show(button, t("copied"));
}
