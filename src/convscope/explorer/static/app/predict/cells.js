/** Where the cells of a class map are: at the centers of the units' fields, or where resizing would put them. */

import { network, once } from "cs/data";
import { h, readable, s } from "cs/dom";
import { number, t } from "cs/i18n";
import { state } from "cs/store";
import { getJson } from "cs/wire";

const MOST_CELLS = 900;

/** Load the centers of the cells. */
export function cells() {
  return once(`class map ${network.id} ${state.lang}`, () => getJson(`/api/networks/${network.id}/class-map`, { lang: state.lang }));
}

/** Lay the centers of the cells over an image: those in use filled, the others as rings. */
export function drawCells(image, placed, placement) {
  const [, height, width] = network.report.input_shape;
  const centers = (name) => placed[name][0].flatMap((y) => placed[name][1].map((x) => [y, x]));
  const other = placement === "exact" ? "even" : "exact";
  const own = placement === "exact" ? "exact" : "even";
  const few = placed.exact[0].length * placed.exact[1].length <= MOST_CELLS;
  const radius = Math.max(height, width) / 80;
  const dots = few ? [[other, "ring"], [own, "dot"]].map(([name, kind]) => centers(name).map(([y, x]) => s("circle", { cx: x, cy: y, r: radius, class: kind }))) : [];
  return h("div", { class: "cells" }, image, s("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, dots));
}

/** Say where the first cell is, and how far off a resized map would be. */
export function placementWords(placed, placement) {
  const first = (name) => placed[name].map((centers) => centers[0]);
  const pair = (values) => values.map((one) => number(one)).join(", ");
  const signed = (values) => values.map((one) => (one > 0 ? `+${number(one, 3)}` : number(one, 3))).join(", ");
  const off = placed.offset.some((one) => Math.abs(one) >= 0.05);
  return h("p", { class: "placement" },
    h("span", { "data-q": "cell_center", "data-v": JSON.stringify(first("exact")) }, t("cell_exact", { layer: readable(placed.layer, 24), center: pair(first("exact")) })), " ",
    h("span", { "data-q": "cell_offset", "data-v": JSON.stringify(placed.offset) },
      off ? t(placement === "exact" ? "cell_off" : "cell_off_now", { even: pair(first("even")), offset: signed(placed.offset) }) : t("cell_same")));
}
