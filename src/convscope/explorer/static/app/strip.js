/** The network as a strip of tiles: one tile per layer, with the map of its first channels, repeats drawn once. */

import { mapCanvas, MAGNITUDES } from "cs/colors";
import { loadThumbnails, mapShape, network, row } from "cs/data";
import { h, readable, s, show } from "cs/dom";
import { brief, number, t } from "cs/i18n";
import { originName, pin, theBeam, theCone, unpin } from "cs/pins";
import { on, set, state } from "cs/store";

const TILE = 56;
const COLUMN = 112;
const LANE = 118;

const root = /** @type {HTMLElement} */ (document.getElementById("strip"));

/** @type {Map<string, HTMLElement>} */
let tiles = new Map();

let drawn = "";

function draw() {
  if (!network) return;
  if (drawn === `${network.base} ${state.lang}`) {
    paintTiles(); // of another step of the run
    return;
  }
  drawn = `${network.base} ${state.lang}`;
  const { boxes, edges, repeats } = network.diagram;
  const lanes = boxes.map((box) => box.lane);
  const top = Math.min(0, ...lanes, ...edges.map((edge) => edge[2]));
  const bottom = Math.max(0, ...lanes);
  const x = (box) => boxes[box].column * COLUMN + 8;
  const y = (lane) => (lane - top) * LANE + 26;
  const width = (Math.max(...boxes.map((box) => box.column)) + 1) * COLUMN;
  const height = (bottom - top + 1) * LANE + 26;
  const lines = edges.map(([source, target, lane]) => {
    const from = [x(source) + TILE + 24, y(boxes[source].lane) + TILE / 2];
    const to = [x(target), y(boxes[target].lane) + TILE / 2];
    const middle = y(lane) + TILE / 2;
    const bend = COLUMN - TILE - 24;
    const path = `M${from} C${from[0] + bend / 2},${from[1]} ${from[0] + bend / 2},${middle} ${from[0] + bend},${middle} L${to[0] - bend},${middle} C${to[0] - bend / 2},${middle} ${to[0] - bend / 2},${to[1]} ${to}`;
    return s("path", { d: path, class: "edge" });
  });
  const frames = repeats.map(([start, length, times]) => {
    const inside = boxes.slice(start, start + length);
    const left = Math.min(...inside.map((box) => box.column)) * COLUMN;
    const right = (Math.max(...inside.map((box) => box.column)) + 1) * COLUMN - 8;
    const high = Math.min(...inside.map((box) => box.lane));
    const low = Math.max(...inside.map((box) => box.lane));
    return [
      s("rect", { x: left, y: y(high) - 8, width: right - left, height: (low - high + 1) * LANE - 4, class: "frame" }),
      s("text", { x: left + 4, y: y(high) - 12, class: "times" }, `×${times}`),
    ];
  });
  tiles = new Map();
  const findings = new Map();
  for (const finding of network.findings) for (const layer of finding.layers) findings.set(layer, finding);
  const items = boxes.map((box, place) => {
    const names = [box.layer, ...box.members];
    const buttons = names.map((name, k) => tile(name, k, findings.get(name)));
    return h("div", { class: "box", style: { left: `${x(place)}px`, top: `${y(box.lane)}px` } }, buttons);
  });
  show(
    root,
    h("p", { class: "caption" }),
    h("div", { class: "canvas", style: { width: `${width}px`, height: `${height}px` } },
      s("svg", { width, height, "aria-hidden": "true" }, lines, frames), items),
  );
  mark();
  drawWindows();
  paintTiles();
}

function tile(name, follower, finding) {
  const entry = row(name);
  const shape = entry.output_shape.join("×");
  const label = `${name}, ${entry.kind}, ${shape}`;
  const button = h(
    "button",
    { class: follower ? "tile member" : "tile", title: finding ? `${label}\n${finding.message}` : label, "aria-label": label, "data-layer": name, onclick: (event) => (event.shiftKey ? pinLayer(name) : select(name)) },
    follower ? null : h("span", { class: "face" }),
    h("span", { class: "name" }, readable(name, 16)),
    follower ? null : h("span", { class: "shape" }, shape),
    finding ? h("span", { class: `badge ${finding.severity}`, "aria-label": t("finding") }, "!") : null,
  );
  tiles.set(name, button);
  return button;
}

/** Pin the middle position of a layer: the second pin. */
function pinLayer(layer) {
  const [, rows, columns] = mapShape(layer);
  pin(layer, [Math.floor(rows / 2), Math.floor(columns / 2)]);
}

/** Return how a rectangle of a map is drawn on a face of 1 or 4 maps. */
function rectangles(count, [rows, columns], [top, left, bottom, right], name) {
  const side = count === 4 ? (TILE - 1) / 2 : TILE;
  return Array.from({ length: count }, (_, k) => {
    const [x, y] = [(k % 2) * (side + 1), Math.floor(k / 2) * (side + 1)];
    const [width, height] = [Math.max(3, ((right - left) / columns) * side), Math.max(3, ((bottom - top) / rows) * side)];
    const across = Math.min(x + (left / columns) * side, x + side - width);
    const down = Math.min(y + (top / rows) * side, y + side - height);
    return ["halo", name].map((one) => s("rect", { x: across, y: down, width, height, class: one }));
  });
}

/** Return a half-open box over a layer's position axes as [top, left, bottom, right] of its maps, or null. */
function onMap(layer, box) {
  const rank = row(layer).output_shape.length;
  if (rank === 3 && box.length === 4) return box;
  if (rank <= 2 && box.length === 2) return [0, box[0], 1, box[1]];
  return null;
}

/** Draw on the tiles what the selected unit sees of each layer, or which units see the pinned pixel. */
function drawWindows() {
  for (const one of root.querySelectorAll(".windows, .extent")) one.remove();
  if (!network) return;
  const cone = state.pixel ? theCone() : null;
  const beam = cone ? null : theBeam();
  for (const [name, button] of tiles) {
    delete button.dataset.window;
    delete button.dataset.seeing;
    const face = button.querySelector(".face");
    const [box, text, kind] = cone ? ofCone(cone, name) : ofBeam(beam, name);
    if (box) button.dataset[cone ? "seeing" : "window"] = cone ? text : box.join(",");
    if (!box || !face) continue;
    const place = onMap(name, box);
    const count = face.classList.contains("n4") ? 4 : 1;
    if (place) button.append(s("svg", { class: "windows", viewBox: `0 0 ${TILE} ${TILE}`, "aria-hidden": "true" }, rectangles(count, mapShape(name).slice(1), place, kind)));
    button.append(h("span", { class: `extent ${kind}` }, text));
  }
  caption(cone, beam);
}

function ofCone(cone, name) {
  if (name === originName()) return [[...state.pixel, ...state.pixel.map((one) => one + 1)], "1", "cone"];
  const found = cone.layers.get(name);
  return found && "count" in found ? [found.local_box ?? found.box, String(found.count), "cone"] : [null, "", ""];
}

function ofBeam(beam, name) {
  const found = beam?.windows.get(name);
  if (!found) return [null, "", ""];
  const paths = beam.merges.at(-1)?.paths ?? [];
  const path = paths.findIndex((one) => one.layers.includes(name));
  const rank = found.box.length / 2;
  const size = Array.from({ length: rank }, (_, k) => found.box[rank + k] - found.box[k]).join("×");
  return [found.box, size, path < 0 ? "seen" : `path${path % 4}`];
}

/** Say what is drawn on the tiles. */
function caption(cone, beam) {
  const words = root.querySelector(".caption");
  if (!words) return;
  if (cone) {
    const [r, c] = state.pixel;
    const values = { row: r, column: c, layer: readable(originName(), 24) };
    show(words, h("span", { class: "mark cone", "aria-hidden": "true" }), t(state.origin ? "cone_of_position" : "cone_of_pixel", values), " ", h("button", { class: "link", onclick: unpin }, t("unpin")));
  } else if (beam?.message) show(words, beam.message);
  else if (beam) show(words, h("span", { class: "mark seen", "aria-hidden": "true" }), t("beam_of", { layer: readable(state.layer, 24) }));
  else show(words);
}

/** Select a layer, and the unit of it in the middle. */
export function select(layer) {
  const [channels, rows, columns] = mapShape(layer);
  set({ layer, channel: Math.min(state.channel, channels - 1), row: Math.floor(rows / 2), column: Math.floor(columns / 2), hover: null });
}

function mark() {
  for (const [name, button] of tiles) button.setAttribute("aria-current", String(name === state.layer));
  tiles.get(state.layer)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

async function paintTiles() {
  if (!network || !state.image || network.weights === "none") return;
  const shown = network.id;
  let found;
  try {
    found = await loadThumbnails(state.image);
  } catch {
    return;
  }
  if (shown !== network.id) return;
  let start = 0;
  for (const { layer, shape: [channels, rows, columns] } of found.document.layers) {
    const face = tiles.get(layer)?.querySelector(".face");
    if (face) {
      const count = channels < 4 || rows === 1 ? 1 : 4;
      const scale = { low: 0, high: 255, colors: MAGNITUDES };
      const canvases = [];
      for (let k = 0; k < count; k += 1) canvases.push(mapCanvas(found.arrays.maps, start + k * rows * columns, rows, columns, scale));
      face.className = `face n${count}`;
      show(face, canvases);
    }
    start += channels * rows * columns;
  }
  drawWindows();
}

on(["ready", "lang"], draw);
on(["layer"], mark);
on(["image"], paintTiles);
on(["beam", "cone"], drawWindows);

/** Text about the whole network, for the header. @param {(value: number) => string} write writes a count */
export function summary(write = brief) {
  const { totals } = network.report;
  return t("summary", { layers: number(network.report.layers.length), params: write(totals.params), macs: write(totals.macs) });
}
