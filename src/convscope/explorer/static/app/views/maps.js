/** The maps of a layer: the selected channel large, all channels of the page as an atlas. */

import { mapCanvas, scaleOf } from "cs/colors";
import { mapShape, network, once, PAGE, row } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { histogram } from "cs/maps/histogram";
import { kernels } from "cs/maps/kernels";
import { marks } from "cs/maps/marks";
import { pin as pinPosition } from "cs/pins";
import { on, set, state } from "cs/store";
import { getArrays } from "cs/wire";

/** @type {any} */
let shown = null;
let large = /** @type {any} */ (null);

/** What of the state the view shows, besides the network and the language. */
export const keys = ["image", "layer", "channel", "order", "scale"];

/** Orders of the channels, and how maps are colored; both are kept while the page is open. */
const ORDERS = ["index", "strength", "dead"];
const SCALES = ["shared", "own"];
state.order = ORDERS[0];
state.scale = SCALES[0];

/** Return the channels of a layer in the chosen order. */
function ordered({ arrays, document: about }) {
  const all = Array.from(arrays.strength.keys());
  const dead = new Set(about.dead);
  if (state.order === "strength") all.sort((a, b) => arrays.strength[b] - arrays.strength[a] || a - b);
  if (state.order === "dead") all.sort((a, b) => Number(dead.has(b)) - Number(dead.has(a)) || a - b);
  return all;
}

/** Load the channels of a layer, and the maps of the page on which the selected one is. */
async function load() {
  const { image, layer, channel } = state;
  const { id } = network;
  const channels = await once(`channels ${id} ${image} ${layer}`, () => getArrays(`/api/values/${id}/${image}/channels`, { layer }));
  const order = ordered(channels);
  const first = Math.floor(order.indexOf(channel) / PAGE) * PAGE;
  const page = order.slice(first, first + PAGE);
  const maps = await once(`maps ${id} ${image} ${layer} ${page}`, () => getArrays(`/api/values/${id}/${image}/maps`, { layer, channels: page }));
  return { ...maps, channels, order, first, page };
}

/** Draw the view into an element. */
export async function draw(root) {
  if (!network || !state.layer) return;
  if (network.weights === "none") {
    show(root, h("p", { class: "empty" }, t("structure_only", { reason: network.reason ?? "" })));
    return;
  }
  const key = () => JSON.stringify([network.id, state.image, state.layer, state.channel, state.order, state.scale, state.lang, state.view]);
  const mine = key();
  try {
    const page = await load();
    if (mine !== key()) return;
    shown = page;
  } catch (error) {
    show(root, h("p", { class: "empty" }, error.message));
    return;
  }
  const { document: about, arrays, shapes, channels, page } = shown;
  const [count, rows, columns] = shapes.maps;
  const shared = scaleOf(about.range[0], about.range[1]);
  const scale = (channel) => (state.scale === "own" ? scaleOf(channels.arrays.low[channel], channels.arrays.high[channel]) : shared);
  const area = rows * columns;
  const own = page.indexOf(state.channel);
  const dead = new Set(channels.document.dead);
  const entry = row(state.layer);
  large = mapCanvas(arrays.maps, own * area, rows, columns, scale(state.channel));
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
      onclick: (event) => (event.shiftKey ? pinPosition(state.layer, Object.values(cell(event, rows, columns))) : pin(event, rows, columns)),
      onkeydown: steer,
    },
    large, marks(state.layer), cursor,
  );
  const atlas = h("div", { class: "atlas" });
  for (let k = 0; k < count; k += 1) {
    const channel = page[k];
    const cell = h(
      "button",
      { class: "map", "aria-current": String(channel === state.channel), title: t("channel", { channel }), "data-channel": channel, onclick: () => set({ channel }) },
      h("span", { class: "face", style: rows === 1 ? {} : fit(rows, columns, 72) }, mapCanvas(arrays.maps, k * area, rows, columns, scale(channel))),
      h("span", {}, dead.has(channel) ? `${channel} ∅` : channel),
    );
    atlas.append(cell);
  }
  const extra = h("div", { class: "extra" });
  const value = arrays.maps[own * area + state.row * columns + state.column];
  show(
    root,
    h("h2", {}, readable(state.layer), " ", h("small", {}, `${entry.kind} · ${entry.output_shape.join("×")}`)),
    h("p", { class: "facts" },
      h("span", { class: `level ${network.weights}` }, t(`weights_${network.weights}`)), " ",
      t("range", { low: number(about.range[0], 4), high: number(about.range[1], 4) })),
    big,
    h("p", { class: "readout" }, readout(value)),
    about.channels > 1 ? pager(about.channels) : null,
    about.channels > 1 ? controls() : null,
    about.channels > 1 ? atlas : null,
    extra,
  );
  root.dataset.state = "ready";
  const parts = await Promise.all([kernels(), histogram()]);
  if (mine === key()) show(extra, parts);
  extra.dataset.state = "ready";
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

function pager(count) {
  if (count <= PAGE) return h("p", { class: "pager" }, t("channels", { count }));
  const { first, order } = shown;
  const go = (to) => set({ channel: order[Math.max(0, Math.min(to, count - 1))] });
  return h("p", { class: "pager" },
    h("button", { onclick: () => go(first - PAGE), disabled: first === 0, "aria-label": t("previous") }, "‹"),
    ` ${t("channels_of", { first: first + 1, last: Math.min(first + PAGE, count), count })} `,
    h("button", { onclick: () => go(first + PAGE), disabled: first + PAGE >= count, "aria-label": t("next") }, "›"));
}

function controls() {
  const choice = (name, values) => h("select", { "aria-label": t(`choose_${name}`), "data-q": name, onchange: (event) => set({ [name]: event.target.value }, { push: false }) },
    values.map((one) => {
      const option = h("option", { value: one }, t(`${name}_${one}`));
      if (one === state[name]) option.selected = true;
      return option;
    }));
  return h("p", { class: "controls" }, t("choose_order"), " ", choice("order", ORDERS), " ", t("choose_scale"), " ", choice("scale", SCALES));
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
  const big = root.querySelector(".big");
  if (!cursor || !shown || big?.dataset.layer !== state.layer || !shown.page.includes(state.channel)) return false;
  const [, rows, columns] = shown.shapes.maps;
  place(cursor, rows, columns);
  const value = shown.arrays.maps[shown.page.indexOf(state.channel) * rows * columns + state.row * columns + state.column];
  show(root.querySelector(".readout"), readout(value));
  return true;
}

/** Mark the units that see the pinned pixel, or what the selected unit sees of this layer. */
on(["cone", "beam"], () => {
  if (state.view !== "maps") return;
  const old = document.querySelector("#stage .big .marked");
  old?.replaceWith(marks(state.layer));
});
