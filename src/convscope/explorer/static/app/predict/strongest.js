/** The images to which the selected channel responds most, each with what its strongest unit sees. */

import { mapCanvas } from "cs/colors";
import { mapShape, network, once, row } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { state } from "cs/store";
import { getArrays } from "cs/wire";

const SIDE = 72;
const GRAYS = Uint8ClampedArray.from({ length: 768 }, (_, i) => Math.floor(i / 3));

/** What is shown, as text. */
let wanted = "";

/** Draw the section, or offer it. */
export async function strongest(root) {
  const { layer, channel } = state;
  const key = `${network.id} ${layer} ${channel}`;
  if (row(layer).kind === "Input") return show(root);
  const single = row(layer).output_shape.length === 1;
  const own = single ? state.column : channel;
  const title = h("h3", {}, t("strongest_title", { layer: readable(layer, 24), channel: own }));
  if (root.dataset.key === `${key} ${own}` && wanted === `${key} ${own}`) return undefined;
  root.dataset.key = `${key} ${own}`;
  if (!wanted) {
    show(root, title, h("button", { "data-q": "strongest_run", onclick: () => { wanted = `${key} ${own}`; root.dataset.key = ""; strongest(root); } }, t("strongest_run")));
    return undefined;
  }
  wanted = `${key} ${own}`;
  show(root, title, h("p", { role: "status" }, t("computing")));
  try {
    const found = await once(`strongest ${wanted}`, () => getArrays(`/api/networks/${network.id}/strongest`, { layer, channel: own, lang: state.lang }));
    if (root.dataset.key !== `${key} ${own}`) return undefined;
    show(root, title, h("p", { class: "note" }, t("strongest_note", { count: number(found.document.count) })),
      h("div", { class: "atlas" }, found.document.records.map((record, k) => tile(found, record, k))));
  } catch (error) {
    show(root, title, h("p", { class: "note" }, error.message));
  }
  return undefined;
}

function tile({ arrays, shapes }, record, k) {
  const [, channels, height, width] = shapes.images;
  const area = height * width;
  const gray = new Float32Array(area);
  for (let c = 0; c < channels; c += 1) for (let i = 0; i < area; i += 1) gray[i] += arrays.images[(k * channels + c) * area + i] / channels;
  const canvas = mapCanvas(gray, 0, height, width, { low: 0, high: 1, colors: GRAYS });
  const zoom = SIDE / Math.max(height, width);
  Object.assign(canvas.style, { width: `${width * zoom}px`, height: `${height * zoom}px` });
  const [top, left, bottom, right] = record.box;
  const outline = record.box.length === 4 && mapShape(state.layer)[1] > 1
    ? h("div", { class: "outline", style: { left: `${left * zoom}px`, top: `${top * zoom}px`, width: `${(right - left) * zoom}px`, height: `${(bottom - top) * zoom}px` } }) : null;
  return h("figure", { class: "response", "data-q": "response", "data-v": JSON.stringify([record.index, record.value, record.at, record.box]) },
    h("div", { class: "frame" }, canvas, outline),
    h("figcaption", {}, number(record.value, 4), h("br"), h("small", {}, record.name === "sample" ? t("sample") : readable(record.name.replace(/^digit (\d+)$/, (_, n) => t("digit", { index: n })), 16))));
}
