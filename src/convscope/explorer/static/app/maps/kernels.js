/** The kernels of the selected channel: one small map for each channel that it reads. */

import { mapCanvas, scaleOf } from "cs/colors";
import { mapShape, network, once } from "cs/data";
import { h, readable } from "cs/dom";
import { number, t } from "cs/i18n";
import { set, state } from "cs/store";
import { getArrays } from "cs/wire";

/** Return the section, or null for layers without kernels. */
export async function kernels() {
  const { layer, channel } = state;
  let found;
  try {
    found = await once(`kernels ${network.id} ${layer} ${channel}`, () => getArrays(`/api/networks/${network.id}/kernels`, { layer, channel, lang: state.lang }));
  } catch (error) {
    return h("p", { class: "note" }, error.message);
  }
  const { arrays, shapes, document: about } = found;
  if (!about.channels) return null;
  const [count, rows, columns] = shapes.kernels;
  const scale = scaleOf(about.range[0], about.range[1]);
  const zoom = Math.max(4, Math.min(14, 44 / Math.max(rows, columns)));
  const items = Array.from({ length: count }, (_, k) => {
    const values = arrays.kernels.subarray(k * rows * columns, (k + 1) * rows * columns);
    const canvas = mapCanvas(arrays.kernels, k * rows * columns, rows, columns, scale);
    Object.assign(canvas.style, { width: `${columns * zoom}px`, height: `${rows * zoom}px` });
    const lines = Array.from({ length: rows }, (__, r) => Array.from(values.subarray(r * columns, (r + 1) * columns), (one) => number(one, 4)).join("  ")).join("\n");
    return h("button", { class: "map kernel", title: lines, "data-q": "kernel", "data-v": JSON.stringify(Array.from(values)),
      "aria-label": t("kernel_label", { channel: about.first + k, source: readable(about.source, 24), values: lines }),
      onclick: () => follow(about.source, about.first + k) }, canvas, h("span", {}, about.first + k));
  });
  return [
    h("h3", {}, t("kernels_title", { channel, rows, columns })),
    h("p", { class: "note" }, t("kernels_note", { source: readable(about.source, 24), low: number(about.range[0], 3), high: number(about.range[1], 3) }),
      about.channels > count ? ` ${t("kernels_some", { shown: count, count: about.channels })}` : ""),
    h("div", { class: "atlas" }, items),
  ];
}

/** Select the channel that a kernel reads. */
function follow(layer, channel) {
  const [channels, rows, columns] = mapShape(layer);
  set({ layer, channel: Math.min(channel, channels - 1), row: Math.floor(rows / 2), column: Math.floor(columns / 2), hover: null });
}
