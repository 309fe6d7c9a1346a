/** Parameters and operations of the selected layer. */

import { network, row } from "cs/data";
import { h } from "cs/dom";
import { number, t } from "cs/i18n";
import { state } from "cs/store";
import { facts } from "cs/unit_parts";

/** Return the content of the tab. */
export async function draw() {
  const entry = row(state.layer);
  if (entry.kind === "Input") return h("p", {}, t("is_input"));
  const names = ["params", "macs", "multiplications", "additions", "comparisons", "divisions", "exponentials", "activation_bytes"];
  return [
    facts([["kind", entry.kind, entry.kind], ["output", entry.output_shape.join("×"), entry.output_shape], ...names.map((name) => [name, number(entry[name]), entry[name]])]),
    network.findings.filter((one) => one.layers.includes(state.layer)).map((one) => h("div", { class: `finding ${one.severity}` }, one.message, h("br"), one.suggestion)),
  ];
}
