/** The maps of a layer: the selected channel large, all channels of the page as an atlas. */

import { mapCanvas, scaleOf } from "cs/colors";
import { loadMaps, mapShape, network, PAGE, row } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { set, state } from "cs/store";

/** @type {any} */
let shown = null;
let large = /** @type {any} */ (null);

/** What of the state the view shows, besides the network and the language. */
export const keys = ["image", "layer", "channel"];

/** Draw the view into an element. */
export async function draw(root) {
  if (!network || !state.layer) return;
  if (network.weights === "none") {
    show(root, h("p", { class: "empty" }, t("structure_only", { reason: network.reason ?? "" })));
    return;
  }
  const key = `${network.id} ${state.image} ${state.layer} ${state.channel}`;
  try {
    const page = await loadMaps(state.image, state.layer, state.channel);
    if (key !== `${network.id} ${state.image} ${state.layer} ${state.channel}` || state.view !== "maps") return;
    shown = page;
  } catch (error) {
    show(root, h("p", { class: "empty" }, error.message));
    return;
  }
  const { document: about, arrays, shapes } = shown;
  const [count, rows, columns] = shapes.maps;
  const scale = scaleOf(about.range[0], about.range[1]);
  const area = rows * columns;
  const own = state.channel - about.first;
  const entry = row(state.layer);
  large = mapCanvas(arrays.maps, own * area, rows, columns, scale);
  const size = rows === 1 ? { width: "100%", height: "44px" } : fit(rows, columns, 340);
  const cursor = h("div", { class: "cursor" });
  place(cursor, rows, columns);
  const big = h(
    "div",
    {
      class: "big", tabindex: "0", role: "application", style: size, "data-layer": state.layer,
      "aria-label": t("map_label", { layer: state.layer, channel: state.channel }),
      onpointermove: (event) => hover(event, rows, columns),
      onpointerleave: () => set({ hover: null }),
      onclick: (event) => pin(event, rows, columns),
      onkeydown: steer,
    },
    large, cursor,
  );
  const atlas = h("div", { class: "atlas" });
  for (let k = 0; k < count; k += 1) {
    const channel = about.first + k;
    const cell = h(
      "button",
      { class: "map", "aria-current": String(channel === state.channel), title: t("channel", { channel }), onclick: () => set({ channel }) },
      h("span", { class: "face", style: rows === 1 ? {} : fit(rows, columns, 72) }, mapCanvas(arrays.maps, k * area, rows, columns, scale)),
      h("span", {}, about.dead.includes(channel) ? `${channel} ∅` : channel),
    );
    atlas.append(cell);
  }
  const value = arrays.maps[own * area + state.row * columns + state.column];
  show(
    root,
    h("h2", {}, readable(state.layer), " ", h("small", {}, `${entry.kind} · ${entry.output_shape.join("×")}`)),
    h("p", { class: "facts" },
      h("span", { class: `level ${network.weights}` }, t(`weights_${network.weights}`)), " ",
      t("range", { low: number(about.range[0], 4), high: number(about.range[1], 4) })),
    big,
    h("p", { class: "readout" }, readout(value)),
    about.channels > 1 ? pager(about) : null,
    about.channels > 1 ? atlas : null,
  );
  root.dataset.state = "ready";
}

function readout(value) {
  const vector = row(state.layer).output_shape.length === 1;
  const place = vector ? t("unit_at", { index: state.column }) : t("unit_in", { channel: state.channel, row: state.row, column: state.column });
  return h("span", {}, `${place}: `,
    h("b", { "data-q": "value", "data-v": String(value) }, number(value)));
}

function fit(rows, columns, most) {
  const scale = Math.max(most / Math.max(rows, columns), most >= 300 ? 1 : 0.25);
  return { width: `${Math.round(columns * scale)}px`, height: `${Math.round(rows * scale)}px` };
}

function place(cursor, rows, columns) {
  Object.assign(cursor.style, {
    left: `${(100 * state.column) / columns}%`, top: `${(100 * state.row) / rows}%`,
    width: `${100 / columns}%`, height: `${100 / rows}%`,
  });
}

function pager(about) {
  if (about.channels <= PAGE) return h("p", { class: "pager" }, t("channels", { count: about.channels }));
  const go = (first) => set({ channel: Math.max(0, Math.min(first, about.channels - 1)) });
  return h("p", { class: "pager" },
    h("button", { onclick: () => go(about.first - PAGE), disabled: about.first === 0, "aria-label": t("previous") }, "‹"),
    ` ${t("channels_of", { first: about.first, last: Math.min(about.first + PAGE, about.channels) - 1, count: about.channels })} `,
    h("button", { onclick: () => go(about.first + PAGE), disabled: about.first + PAGE >= about.channels, "aria-label": t("next") }, "›"));
}

function cell(event, rows, columns) {
  const box = event.currentTarget.getBoundingClientRect();
  const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
  const r = Math.floor(((event.clientY - box.top) / box.height) * rows);
  return { row: Math.max(0, Math.min(rows - 1, r)), column: Math.max(0, Math.min(columns - 1, column)) };
}

function hover(event, rows, columns) {
  set({ hover: { layer: state.layer, channel: state.channel, ...cell(event, rows, columns) } });
}

function pin(event, rows, columns) {
  set({ ...cell(event, rows, columns), hover: null });
}

const MOVES = { ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], PageUp: [-1, 0, 0], PageDown: [1, 0, 0] };

/** Move the selected unit: arrows over the map, Page Up and Page Down over the channels. */
function steer(event) {
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const sizes = mapShape(state.layer);
  const clamp = (value, most) => Math.max(0, Math.min(most - 1, value));
  set({
    channel: clamp(state.channel + move[0], sizes[0]),
    row: clamp(state.row + move[1], sizes[1]),
    column: clamp(state.column + move[2], sizes[2]),
    hover: null,
  });
}

/** Move the cursor without drawing the maps again. */
export function move(root) {
  const cursor = root.querySelector(".cursor");
  if (!cursor || !shown || shown.document.first === undefined) return false;
  const big = root.querySelector(".big");
  if (big?.dataset.layer !== state.layer) return false;
  const [, rows, columns] = shown.shapes.maps;
  place(cursor, rows, columns);
  const value = shown.arrays.maps[(state.channel - shown.document.first) * rows * columns + state.row * columns + state.column];
  show(root.querySelector(".readout"), readout(value));
  return true;
}

