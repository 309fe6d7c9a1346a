/** The region of the selected unit: the numbers of `field`, on the image and on another layer, and its beam. */

import { boxOf, indexOf, loadRegion, network, once, row } from "cs/data";
import { h, readable } from "cs/dom";
import { number, percent, t } from "cs/i18n";
import { originName, pinnedIndex, theCone, unpin } from "cs/pins";
import { state } from "cs/store";
import { facts, selected } from "cs/unit_parts";
import { getJson } from "cs/wire";

/** Return the content of the tab. */
export async function draw() {
  if (row(state.layer).kind === "Input") return h("p", {}, t("is_input"));
  const region = await loadRegion(selected(), state.lang);
  return [
    facts([
      ["size", sizeOf(region), region.size],
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
    await between(),
    await beamTable(),
  ];
}

function sizeOf(region) {
  return region.size.map((one) => number(one)).join("×");
}

function spans(box) {
  const rank = box.length / 2;
  return Array.from({ length: rank }, (_, k) => `${number(box[k])}…${number(box[rank + k] - 1)}`).join(", ");
}

/** The field between the pinned layer and the selected one, both ways. */
async function between() {
  if (!state.origin || !state.pixel) return null;
  const name = readable(originName(), 24);
  const own = readable(state.layer, 24);
  const parts = [h("h3", {}, t("between_title", { first: name, second: own }))];
  try {
    const region = await once(`between ${network.id} ${state.origin} ${state.layer} ${indexOf(selected())} ${state.lang}`, () =>
      getJson(`/api/networks/${network.id}/region`, { layer: state.layer, at: indexOf(selected()), origin: state.origin, lang: state.lang }));
    const found = theCone()?.layers.get(state.layer);
    parts.push(facts([
      ["between_size", sizeOf(region), region.size, t("between_size", { layer: name })],
      ["between_box", spans(region.box), region.box, t("between_box")],
      ["between_clipped", spans(region.clipped), region.clipped, t("between_clipped")],
      ["between_status", t(`status_${region.status}`), region.status, t("fact_status")],
      found && "count" in found ? ["between_count", number(found.count), found.count, t("between_count", { index: pinnedIndex().join(", "), first: name, second: own })] : null,
    ]));
  } catch (error) {
    parts.push(h("p", { class: "note" }, error.message));
  }
  parts.push(h("p", {}, h("button", { onclick: unpin }, t("unpin"))));
  return parts;
}

/** The windows of the unit as a table: what is drawn on the tiles. */
async function beamTable() {
  const unit = selected();
  let beam;
  try {
    beam = await once(`beam ${JSON.stringify([network.id, unit.layer, unit.row, unit.column, state.lang])}`, () =>
      getJson(`/api/networks/${network.id}/beam`, { layer: unit.layer, at: indexOf(unit), lang: state.lang }));
  } catch {
    return null; // the region says why
  }
  return h("details", {}, h("summary", {}, t("beam_table")),
    h("table", { class: "report" },
      h("thead", {}, h("tr", {}, ["beam_layer", "beam_window", "beam_positions"].map((name) => h("th", { scope: "col" }, t(name))))),
      [...beam.windows].reverse().map((one) => h("tr", {},
        h("th", { scope: "row" }, readable(one.layer, 30)),
        h("td", { "data-q": "beam_box", "data-v": JSON.stringify([one.layer, one.box]) }, spans(one.box)),
        h("td", { "data-q": "beam_positions", "data-v": one.positions }, number(one.positions))))));
}
