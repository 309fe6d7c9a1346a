/** The theoretical field of the selected unit beside its effective one: same axes, one scale each. */

import { mapCanvas, MAGNITUDES, paint } from "cs/colors";
import { boxOf, loadMask, loadRegion, network, once, row } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, percent, t } from "cs/i18n";
import { state } from "cs/store";
import { facts, selected } from "cs/unit_parts";
import { getArrays } from "cs/wire";

const SIDE = 148;

/** The unit whose effective field is shown, as text. */
let wanted = "";

/** Draw the section. */
export async function effective(root) {
  show(root, h("h3", {}, t("effective_title")));
  const entry = row(state.layer);
  if (entry.kind === "Input" || entry.output_shape.length !== 3 || network.report.input_shape.length !== 3) {
    root.append(h("p", { class: "note" }, t("effective_maps_only")));
    return;
  }
  const unit = selected();
  const key = JSON.stringify([network.id, unit.layer, unit.row, unit.column]);
  let region;
  let mask;
  try {
    region = await loadRegion(unit, state.lang);
    ({ mask } = (await loadMask(unit)).arrays);
  } catch (error) {
    root.append(h("p", { class: "note" }, error.message));
    return;
  }
  const [, height, width] = network.report.input_shape;
  const box = boxOf(unit)?.box ?? region.box;
  const figures = h("div", { class: "figures" }, figure(mask, height, width, box, 1, t("theoretical"), `${region.size.join("×")}`));
  root.append(h("p", { class: "note" }, t("effective_note", { layer: readable(unit.layer, 24), row: unit.row, column: unit.column })), figures);
  if (network.weights === "none") {
    root.append(h("p", { class: "note" }, t("structure_only", { reason: network.reason ?? "" })));
    return;
  }
  const place = h("div");
  root.append(place);
  if (wanted === key) await fill(figures, place, unit, height, width, box);
  else {
    const run = () => {
      wanted = key;
      show(place, h("p", { role: "status" }, t("computing")));
      fill(figures, place, unit, height, width, box);
    };
    show(place, h("button", { onclick: run, "data-q": "effective_run" }, t("compute_effective")));
  }
}

async function fill(figures, place, unit, height, width, box) {
  try {
    const load = (weights) => once(`effective ${network.id} ${unit.layer} ${unit.row} ${unit.column} ${weights}`, () =>
      getArrays(`/api/networks/${network.id}/effective`, { layer: unit.layer, at: [unit.row, unit.column], weights, lang: state.lang }));
    const own = await load("own");
    const others = network.weights === "trained" ? await load("random") : null;
    if (!figures.isConnected) return;
    const name = t(network.weights === "trained" ? "effective_trained" : "effective_random");
    figures.append(effectiveFigure(own, height, width, box, name));
    if (others) figures.append(effectiveFigure(others, height, width, box, t("effective_random")));
    show(place, numbers(own.document, others?.document));
  } catch (error) {
    show(place, h("p", { class: "note" }, error.message));
  }
}

function effectiveFigure({ arrays, document: about }, height, width, box, name) {
  const most = arrays.map.reduce((high, one) => Math.max(high, one), 0);
  const one = figure(arrays.map, height, width, box, most || 1, name, about.empty ? t("effective_empty") : t("extent_95", { size: about.extent["0.95"].join("×") }));
  one.append(scale(most));
  return one;
}

function figure(values, height, width, [top, left, bottom, right], most, name, caption) {
  const canvas = mapCanvas(values, 0, height, width, { low: 0, high: most, colors: MAGNITUDES });
  const zoom = SIDE / Math.max(height, width);
  const outline = h("div", { class: "outline", style: { left: `${left * zoom}px`, top: `${top * zoom}px`, width: `${(right - left) * zoom}px`, height: `${(bottom - top) * zoom}px` } });
  Object.assign(canvas.style, { width: `${width * zoom}px`, height: `${height * zoom}px` });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${name}: ${caption}`);
  return h("figure", {},
    h("figcaption", {}, h("b", {}, name), " ", caption),
    h("div", { class: "frame", style: { width: `${width * zoom}px`, height: `${height * zoom}px` } }, canvas, outline),
    h("p", { class: "axis-ends", style: { width: `${width * zoom}px` } }, h("span", {}, "0"), h("span", {}, t("pixels")), h("span", {}, number(width))));
}

function scale(most) {
  const steps = Float32Array.from({ length: 64 }, (_, i) => i / 63);
  const canvas = h("canvas", { "aria-hidden": "true" });
  canvas.width = 64;
  canvas.height = 1;
  const data = /** @type {any} */ (paint(steps, 0, 64, { low: 0, high: 1, colors: MAGNITUDES }));
  canvas.getContext("2d").putImageData(new ImageData(data, 64, 1), 0, 0);
  return h("p", { class: "legend" }, "0", canvas, t("share_of_pixel", { share: percent(most) }));
}

function numbers(own, others) {
  const row = (name, of, write) => [name, others ? `${write(of(own))} / ${write(of(others))}` : write(of(own)), of(own), t(name) + (others ? ` (${t("trained_random")})` : "")];
  const size = (list) => list.join("×");
  return facts([
    ["theoretical_size", size(own.theoretical), own.theoretical, t("theoretical")],
    row("extent_50", (one) => one.extent["0.5"], size),
    row("extent_90", (one) => one.extent["0.9"], size),
    row("extent_95_row", (one) => one.extent["0.95"], size),
    row("share_within_half", (one) => one.share_within_half, percent),
  ]);
}
