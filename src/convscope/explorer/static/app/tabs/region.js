/** The region of the selected unit: the numbers of `field`. */

import { boxOf, loadRegion, row } from "cs/data";
import { h, readable } from "cs/dom";
import { number, percent, t } from "cs/i18n";
import { state } from "cs/store";
import { facts, selected } from "cs/unit_parts";

/** Return the content of the tab. */
export async function draw() {
  if (row(state.layer).kind === "Input") return h("p", {}, t("is_input"));
  const region = await loadRegion(selected(), state.lang);
  const rank = region.box.length / 2;
  const spans = (box) => Array.from({ length: rank }, (_, k) => `${number(box[k])}…${number(box[rank + k] - 1)}`).join(", ");
  return [
    facts([
      ["size", region.size.map((one) => number(one)).join("×"), region.size],
      ["box", spans(region.box), region.box],
      ["clipped", spans(region.clipped), region.clipped],
      ["center", region.center.map((one) => number(one)).join(", "), region.center],
      ["padded", percent(region.padded_fraction), region.padded_fraction],
      region.coverage === null ? null : ["coverage", percent(region.coverage), region.coverage],
      ["status", t(`status_${region.status}`), region.status],
      region.via ? ["via", readable(region.via), region.via] : null,
      region.global_via ? ["global_via", readable(region.global_via), region.global_via] : null,
    ]),
    h("p", { class: "note" }, t(`status_${region.status}_note`)),
    boxOf(selected()) ? null : h("p", { class: "note" }, t("asked_server")),
  ];
}
