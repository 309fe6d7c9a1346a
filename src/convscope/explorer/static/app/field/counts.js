/** How many units of the selected layer see each pixel, which none sees, and image sizes that lose nothing. */

import { mapCanvas, MAGNITUDES } from "cs/colors";
import { network, once, row } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { state } from "cs/store";
import { getArrays, getJson } from "cs/wire";

const SIDE = 210;

/** The size that was chosen last, by axis. @type {Map<string, number>} */
const chosen = new Map();

/** Draw the section. */
export async function counts(root) {
  show(root, h("h3", {}, t("counts_title", { layer: readable(state.layer, 24) })));
  const { id } = network;
  const { layer } = state;
  if (row(layer).kind !== "Input") {
    try {
      const found = await once(`counts ${id} ${layer}`, () => getArrays(`/api/networks/${id}/counts`, { layer, lang: state.lang }));
      if (network.id !== id || state.layer !== layer) return;
      root.append(...map(found));
    } catch (error) {
      root.append(h("p", { class: "note" }, error.message));
    }
  }
  try {
    const { axes } = await once(`sizes ${id}`, () => getJson(`/api/networks/${id}/sizes`, { lang: state.lang }));
    if (network.id === id) root.append(h("h3", {}, t("sizes_title")), ...axes.map((axis) => slider(axis, axes.length > 1)));
  } catch (error) {
    root.append(h("p", { class: "note" }, error.message));
  }
}

function map({ arrays, shapes, document: about }) {
  if (shapes.counts.length !== 2) return [h("p", { class: "note" }, t("not_2d"))];
  const [height, width] = shapes.counts;
  const canvas = mapCanvas(arrays.counts, 0, height, width, { low: 0, high: about.most || 1, colors: MAGNITUDES });
  const zoom = SIDE / Math.max(height, width);
  Object.assign(canvas.style, { width: `${width * zoom}px`, height: `${height * zoom}px` });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", t("counts_label", { least: about.least, most: about.most }));
  const readout = h("p", { class: "readout" }, t("counts_label", { least: number(about.least), most: number(about.most) }));
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const c = Math.min(width - 1, Math.floor(((event.clientX - box.left) / box.width) * width));
    const r = Math.min(height - 1, Math.floor(((event.clientY - box.top) / box.height) * height));
    show(readout, t("counts_at", { row: r, column: c, count: number(arrays.counts[r * width + c]) }));
  });
  const [rows, columns] = about.unseen;
  const none = rows.length + columns.length === 0;
  return [
    h("div", { class: "frame" }, canvas), readout,
    h("p", { "data-q": "unseen", "data-v": JSON.stringify(about.unseen) },
      none ? t("all_seen") : t("unseen", { rows: spans(rows), columns: spans(columns) })),
  ];
}

/** Write indices as spans: 0, 223–226. */
function spans(indices) {
  const parts = [];
  for (const one of indices) {
    const last = parts.at(-1);
    if (last && last[1] === one - 1) last[1] = one;
    else parts.push([one, one]);
  }
  return parts.map(([low, high]) => (low === high ? low : `${low}–${high}`)).join(", ") || t("none");
}

function slider({ axes, smallest, size, first, losing }, apart) {
  const key = `${network.id} ${axes}`;
  const words = h("p", { "data-q": "size_words" });
  const name = apart ? t(axes[0] === 0 ? "size_rows" : "size_columns") : t("size_both");
  const tell = (n) => {
    chosen.set(key, n);
    const layers = losing[n - first];
    words.dataset.v = JSON.stringify([n, layers]);
    if (layers === null) show(words, t("size_illegal", { size: n }));
    else if (layers.length === 0) show(words, t("size_whole", { size: n }));
    else show(words, t("size_loses", { size: n, layers: layers.slice(0, 4).map((one) => readable(one, 20)).join(", "), count: layers.length }));
  };
  const start = Math.max(first, Math.min(chosen.get(key) ?? size, first + losing.length - 1));
  const input = h("input", { type: "range", min: first, max: first + losing.length - 1, value: String(start), "aria-label": name, oninput: (event) => tell(Number(event.target.value)) });
  tell(start);
  const whole = losing.map((layers, k) => [layers, first + k]).filter(([layers]) => layers !== null && layers.length === 0).map(([, n]) => n);
  const near = [...whole].sort((a, b) => Math.abs(a - size) - Math.abs(b - size)).slice(0, 4).sort((a, b) => a - b);
  return h("div", { class: "size" },
    h("p", {}, name, ": ", t("size_smallest"), " ", h("b", { "data-q": "smallest_size", "data-v": smallest }, number(smallest)), ". ",
      near.length ? t("size_near", { sizes: near.join(", ") }) : t("size_never")),
    input, words);
}
