/** What the network says about the image, which pixels a class depends on, and a pad to draw on. */

import { paint, scaleOf } from "cs/colors";
import { loadAttribution, loadPixels, loadScores, network } from "cs/data";
import { cells, drawCells, placementWords } from "cs/predict/cells";
import { strongest } from "cs/predict/strongest";
import { h, readable, show } from "cs/dom";
import { can, showDrawing } from "cs/header";
import { number, percent, t } from "cs/i18n";
import { set, state } from "cs/store";
import { send } from "cs/wire";

const METHODS = ["grad-cam", "grad-cam-plus-plus", "layer-cam", "gradient", "input-x-gradient", "integrated-gradients", "smooth-grad", "guided-backprop", "occlusion"];
const MAPS = 3;
const SIDE = 240;
const BETWEEN = 60;

let method = METHODS[0];
let placement = "exact";

/** What of the state the view shows, besides the network and the language. */
export const keys = ["image", "target", "layer", "channel"];

/** Draw the view into an element. */
export async function draw(root) {
  if (!network || !state.image) return;
  if (network.weights === "none") {
    await structureOnly(root);
    return;
  }
  const key = () => `${network.id} ${state.image} ${state.target} ${state.view} ${method} ${placement}`;
  const mine = key();
  try {
    const { classes } = await loadScores(state.image);
    if (mine !== key()) return;
    const target = state.target ?? classes[0].index;
    if (!root.querySelector(".predict") || root.dataset.network !== network.id) {
      show(root, h("div", { class: "predict" }, padOf(), h("div", { class: "classes" })), h("div", { class: "side" }), h("div", { class: "strongest" }));
      root.dataset.network = network.id;
    }
    const side = root.querySelector(".side");
    show(root.querySelector(".classes"), bars(classes, target));
    if (!side.firstChild) show(side, controls(root), h("div", { class: "overlay" }));
    strongest(root.querySelector(".strongest"));
    const [{ arrays, document: about, shapes }, pixels] = await Promise.all([
      loadAttribution(state.image, target, method, placement), loadPixels(state.image)]);
    const placed = isMap() ? await cells() : null;
    if (mine !== key()) return;
    const image = overlay(arrays.map, shapes.map, about.range, pixels);
    show(side.querySelector(".overlay"), placed ? drawCells(image, placed, placement) : image, legend(about.range),
      h("p", { class: "note" }, t(isMap() ? "map_legend" : "saliency_legend")), placed ? placementWords(placed, placement) : null);
  } catch (error) {
    if (mine !== key()) return;
    const place = root.querySelector(".overlay");
    show(place ?? root, h("p", { class: "empty" }, error.message));
  }
  root.dataset.state = "ready";
}

/** Tell whether the method has one value for each cell of a layer, not for each pixel. */
function isMap() {
  return METHODS.indexOf(method) < MAPS;
}

/** Without weights: where the cells of a class map are. */
async function structureOnly(root) {
  const { id } = network;
  try {
    const [placed, pixels] = await Promise.all([cells(), loadPixels(state.image)]);
    if (id !== network.id || state.view !== "predict") return;
    const area = pixels.shapes.pixels.slice(1);
    const image = overlay(new Float32Array(area[0] * area[1]), area, [0, 0], pixels);
    const box = placementBox(root);
    show(root, h("p", {}, t("structure_only", { reason: network.reason ?? "" })), h("h2", {}, t("cells_title", { layer: readable(placed.layer, 24) })),
      h("p", {}, box), drawCells(image, placed, placement), placementWords(placed, placement));
  } catch (error) {
    show(root, h("p", { class: "empty" }, t("structure_only", { reason: network.reason ?? "" }), " ", error.message));
  }
  root.dataset.state = "ready";
}

function placementBox(root) {
  const box = h("input", { type: "checkbox", id: "resize", onchange: (event) => { placement = event.target.checked ? "resize" : "exact"; draw(root); } });
  box.checked = placement === "resize";
  return [box, h("label", { for: "resize" }, " ", t("as_resized"))];
}

function bars(classes, target) {
  const likely = classes.some((one) => one.value !== one.score);
  const most = Math.max(...classes.map((one) => Math.abs(one.value))) || 1;
  return h("table", { class: "bars" }, classes.map((one) =>
    h("tr", { "aria-current": String(one.index === target), onclick: () => set({ target: one.index }) },
      h("th", { scope: "row" }, h("button", { class: "link" }, readable(one.name, 28))),
      h("td", {}, h("span", { class: "bar", style: { width: `${(120 * Math.abs(one.value)) / most}px` } })),
      h("td", { "data-q": "class_value", "data-v": String(one.value) }, likely ? percent(one.value) : number(one.value, 4)))));
}

function controls(root) {
  const redraw = () => draw(root);
  const methods = h("select", { "aria-label": t("method"), onchange: (event) => { method = event.target.value; redraw(); } },
    METHODS.map((name) => {
      const option = h("option", { value: name }, name);
      if (name === method) option.selected = true;
      return option;
    }));
  return h("p", {}, t("method"), " ", methods, " ", placementBox(root));
}

/** The image in gray, with the map in color over it. */
function overlay(values, [height, width], range, pixels) {
  const scale = scaleOf(range[0], range[1]);
  const colors = paint(values, 0, values.length, scale);
  const channels = pixels.shapes.pixels[0];
  const area = height * width;
  const data = new Uint8ClampedArray(4 * area);
  const most = Math.max(Math.abs(range[0]), Math.abs(range[1])) || 1;
  for (let i = 0; i < area; i += 1) {
    let gray = 0;
    for (let c = 0; c < channels; c += 1) gray += pixels.arrays.pixels[c * area + i] / channels;
    const share = 0.15 + 0.7 * Math.min(1, Math.abs(values[i]) / most);
    for (let k = 0; k < 3; k += 1) data[4 * i + k] = (1 - share) * 255 * Math.max(0, Math.min(1, gray)) + share * colors[4 * i + k];
    data[4 * i + 3] = 255;
  }
  const canvas = h("canvas", { class: "map-overlay", role: "img", "aria-label": t("overlay_label"), "data-v": String(values.length) });
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  const zoom = SIDE / Math.max(height, width);
  Object.assign(canvas.style, { width: `${width * zoom}px`, height: `${height * zoom}px` });
  return canvas;
}

function legend(range) {
  const scale = scaleOf(range[0], range[1]);
  const steps = Float32Array.from({ length: 64 }, (_, i) => scale.low + ((scale.high - scale.low) * i) / 63);
  const canvas = h("canvas", { "aria-hidden": "true" });
  canvas.width = 64;
  canvas.height = 1;
  canvas.getContext("2d").putImageData(new ImageData(/** @type {any} */ (paint(steps, 0, 64, scale)), 64, 1), 0, 0);
  return h("p", { class: "legend" }, number(scale.low, 3), canvas, number(scale.high, 3));
}

/** A pad of the input's size; every stroke is sent, and the whole page follows. */
function padOf() {
  const [channels, height, width] = network.report.input_shape;
  if (!can("images") || network.report.input_shape.length !== 3 || ![1, 3].includes(channels) || Math.max(height, width) > 256) return null;
  const values = new Float32Array(height * width);
  const canvas = h("canvas", { class: "pad", role: "img", "aria-label": t("pad"), tabindex: "0" });
  canvas.width = width;
  canvas.height = height;
  const zoom = SIDE / Math.max(height, width);
  Object.assign(canvas.style, { width: `${width * zoom}px`, height: `${height * zoom}px` });
  const context = canvas.getContext("2d");
  const redraw = () => {
    const data = new Uint8ClampedArray(4 * values.length);
    for (const [i, value] of values.entries()) data.set([255 * value, 255 * value, 255 * value, 255], 4 * i);
    context.putImageData(new ImageData(data, width, height), 0, 0);
  };
  const radius = Math.max(height, width) / 16;
  /** @type {number[] | null} */
  let last = null;
  const dab = (x, y) => {
    for (let r = Math.max(0, Math.floor(y - 2 * radius)); r < Math.min(height, y + 2 * radius); r += 1) {
      for (let c = Math.max(0, Math.floor(x - 2 * radius)); c < Math.min(width, x + 2 * radius); c += 1) {
        const near = 1.5 - Math.hypot(c + 0.5 - x, r + 0.5 - y) / radius;
        values[r * width + c] = Math.max(values[r * width + c], Math.min(1, Math.max(0, near)));
      }
    }
  };
  const draw = (event) => {
    const box = canvas.getBoundingClientRect();
    const at = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    const from = last ?? at;
    const steps = Math.max(1, Math.ceil(Math.hypot(at[0] - from[0], at[1] - from[1])));
    for (let k = 0; k <= steps; k += 1) dab(from[0] + ((at[0] - from[0]) * k) / steps, from[1] + ((at[1] - from[1]) * k) / steps);
    last = at;
    redraw();
    submit();
  };
  const submit = throttle(async () => {
    const body = new Float32Array(channels * values.length);
    for (let c = 0; c < channels; c += 1) body.set(values, c * values.length);
    const shape = network.report.input_shape;
    showDrawing({ ...(await send("PUT", "/api/drawings", body, { parameters: { shape } })), shape });
  });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    draw(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && draw(event));
  canvas.addEventListener("pointerup", () => (last = null));
  redraw();
  return h("div", {}, h("h3", {}, t("draw_your_own")), canvas,
    h("p", {}, h("button", { onclick: () => { values.fill(0); redraw(); } }, t("clear"))));
}

/** Run at most one call at a time, and the last one in any case. */
function throttle(run) {
  let busy = false;
  let again = false;
  const go = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await run();
      await new Promise((resolve) => setTimeout(resolve, BETWEEN));
    } finally {
      busy = false;
      if (again) {
        again = false;
        go();
      }
    }
  };
  return go;
}
