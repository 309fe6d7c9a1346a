/** The first seconds: a recorded hand draws a digit, the network reads it, and its strongest unit shows what it saw. */

import { mapCanvas, scaleOf } from "cs/colors";
import { loadMaps, loadPixels, loadScores, network } from "cs/data";
import { h, s, show } from "cs/dom";
import { notice, showDrawing } from "cs/header";
import { number, t } from "cs/i18n";
import { latest, makePad } from "cs/pad";
import { learn } from "cs/runs";
import { set, state } from "cs/store";
import { VIEWS } from "cs/views";
import { getJson, send } from "cs/wire";

const SIDE = 232;
const DRAW_MS = 900;
const BEAM_MS = 1500;

/** The recorded hand: a seven, as points (x, y) of a square of side 1. */
const SEVEN = [[0.26, 0.175], [0.38, 0.164], [0.51, 0.153], [0.645, 0.147], [0.765, 0.153], [0.73, 0.252], [0.656, 0.384], [0.584, 0.516], [0.524, 0.637], [0.474, 0.758]];

let played = false;

function still() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Make the scene for the network that is shown. */
export function makeLanding() {
  const [, height, width] = network.report.input_shape;
  const own = network.id;
  const pad = makePad(height, width, { label: t("pad"), side: SIDE, onstroke: () => byHand() });
  const pen = h("span", { class: "pen", hidden: true });
  const panels = h("div", { class: "panels" });
  const beam = s("svg", { class: "beam", "aria-hidden": "true" });
  const bars = h("div", { class: "digits" });
  const sentence = h("p", { class: "headline", "data-q": "beam", "aria-live": "polite" });
  const scene = h("div", { class: "scene" },
    h("figure", { class: "panel first" }, h("div", { class: "sheet" }, pad.canvas, pen), h("figcaption", {}, `${height}×${width}`)), panels, bars, beam);
  const again = VIEWS.has("training")
    ? h("button", { class: "invite", "data-q": "learn_again", onclick: learnAgain }, h("b", {}, t("invite_learn")), h("span", {}, t("invite_learn_hint")))
    : null;
  const root = h("section", { class: "landing", "data-phase": "waiting", "aria-label": t("landing_label") },
    h("p", { class: "intro" }, t("landing_intro", { params: number(network.report.totals.params) })),
    scene, sentence,
    h("p", { class: "invitations" },
      h("button", { class: "invite", "data-q": "draw_own", onclick: () => clear() }, h("b", {}, t("draw_own")), h("span", {}, t("draw_own_hint"))),
      again,
      h("button", { class: "invite", "data-q": "look_inside", onclick: () => set({ view: "maps", tab: "sum" }) }, h("b", {}, t("look_inside")), h("span", {}, t("look_inside_hint")))));
  let playing = false;
  let drawn = "";

  const submit = latest(async () => {
    const shape = network.report.input_shape;
    const body = new Float32Array(shape[0] * pad.values.length);
    for (let c = 0; c < shape[0]; c += 1) body.set(pad.values, c * pad.values.length);
    try {
      const { id, name } = await send("PUT", "/api/drawings", body, { parameters: { shape } });
      if (network.id !== own || state.network !== own || !root.isConnected) return;
      drawn = id;
      showDrawing({ id, name, shape });
      await follow();
    } catch (error) {
      notice(error.message);
    }
  });

  /** Read what is on the pad; the state is ready when the last stroke is answered. */
  async function read() {
    root.dataset.state = "busy";
    await submit();
    root.dataset.state = "ready";
  }

  function byHand() {
    playing = false;
    root.dataset.phase = "own";
    read();
  }

  function clear() {
    playing = false;
    pen.hidden = true;
    pad.load();
    root.dataset.phase = "own";
    show(beam);
    show(panels);
    show(sentence, t("draw_here"));
    pad.canvas.scrollIntoView({ block: "nearest" });
  }

  /** Show what the network says about the image of the page: bars, and the beam unless the hand still draws. */
  async function follow() {
    const image = state.image;
    const mine = () => network.id === own && image === state.image;
    const { classes } = await loadScores(image);
    if (!mine()) return;
    show(bars, digitBars(classes));
    if (image !== drawn) {
      const found = await loadPixels(image);
      if (!mine() || playing) return;
      pad.load(found.arrays.pixels.subarray(0, pad.values.length));
      drawn = image;
    }
    if (!playing) await throwBeam(mine);
  }

  async function throwBeam(mine) {
    const image = state.image;
    const found = await getJson(`/api/values/${own}/${image}/beam`, { lang: state.lang });
    const chain = [...found.windows].reverse().concat([{ layer: found.layer, channel: found.at[0], box: cellOf(found.at), clipped: cellOf(found.at) }]);
    const maps = await Promise.all(chain.slice(1).map((one) => loadMaps(image, one.layer, one.channel)));
    if (!mine()) return;
    show(panels, chain.slice(1).map((one, k) => panelOf(one, maps[k])));
    tell(found);
    lay(chain);
    if (state.view === "start") set({ layer: found.layer, channel: found.at[0], row: found.at[1], column: found.at[2], hover: null }, { push: false });
    root.dataset.phase = "beam";
    watcher.disconnect();
    shownChain = chain;
    watcher.observe(scene);
  }

  /** @type {any[]} */
  let shownChain = [];
  const watcher = new ResizeObserver(() => lay(shownChain));

  function tell(found) {
    const [top, left, bottom, right] = found.region.clipped;
    sentence.dataset.v = JSON.stringify(found);
    show(sentence, t("beam_sentence", {
      layer: found.layer, channel: found.at[0], row: found.at[1], column: found.at[2], units: number(found.units), value: number(found.value, 5),
      terms: number(found.terms), size: found.region.size.join("×"), top, left, bottom: bottom - 1, right: right - 1,
    }));
  }

  /** Draw the windows, and the light between them. */
  function lay(chain) {
    const canvases = [pad.canvas, ...panels.querySelectorAll("canvas")];
    if (!chain.length || canvases.length !== chain.length) return;
    const frame = scene.getBoundingClientRect();
    beam.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    const boxes = chain.map((one, k) => {
      const place = canvases[k].getBoundingClientRect();
      const [top, left, bottom, right] = one.clipped;
      const x = (column) => place.left - frame.left + (column / canvases[k].width) * place.width;
      const y = (row) => place.top - frame.top + (row / canvases[k].height) * place.height;
      return [x(left), y(top), x(right), y(bottom)];
    });
    const rays = boxes.slice(1).map((to, k) => {
      const from = boxes[k];
      return s("polygon", { class: `ray r${boxes.length - 2 - k}`, points: `${from[2]},${from[1]} ${to[0]},${to[1]} ${to[0]},${to[3]} ${from[2]},${from[3]}` });
    });
    const frames = boxes.map(([left, top, right, bottom], k) =>
      s("rect", { class: `window r${boxes.length - 1 - k}`, x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top),
        "data-layer": chain[k].layer, "data-v": chain[k].clipped.join(",") }));
    show(beam, rays, frames);
  }

  /** Let the recorded hand draw. */
  async function play() {
    const points = SEVEN.map(([x, y]) => [x * width, y * height]);
    const drawAll = () => {
      pad.load();
      for (const [k, point] of points.slice(1).entries()) pad.line(points[k], point);
    };
    const lengths = points.slice(1).map((point, k) => Math.hypot(point[0] - points[k][0], point[1] - points[k][1]));
    const whole = lengths.reduce((sum, one) => sum + one, 0);
    if (still() || played) {
      drawAll();
      played = true;
      await read();
      return;
    }
    played = true;
    playing = true;
    root.dataset.phase = "drawing";
    const start = performance.now();
    let done = 0;
    let last = points[0];
    pen.hidden = false;
    const step = async (now) => {
      if (!playing || !root.isConnected) {
        pen.hidden = true;
        return;
      }
      const until = whole * Math.min(1, (now - start) / DRAW_MS);
      for (let k = 0; k < lengths.length && done < until; k += 1) {
        const before = lengths.slice(0, k).reduce((sum, one) => sum + one, 0);
        if (before + lengths[k] <= done) continue;
        const share = Math.min(1, (until - before) / lengths[k]);
        const to = [points[k][0] + share * (points[k + 1][0] - points[k][0]), points[k][1] + share * (points[k + 1][1] - points[k][1])];
        pad.line(last, to);
        last = to;
        done = before + share * lengths[k];
      }
      pen.style.left = `${(100 * last[0]) / width}%`;
      pen.style.top = `${(100 * last[1]) / height}%`;
      if (until < whole) {
        read();
        requestAnimationFrame(step);
        return;
      }
      drawAll(); // however many frames there were, the same pixels
      await read();
      pen.hidden = true;
      root.dataset.phase = "reading";
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, BEAM_MS - (performance.now() - start))));
      if (!playing) return;
      playing = false;
      await follow();
    };
    requestAnimationFrame(step);
  }

  return { root, follow, play, complete: () => root.dataset.phase === "beam" || root.dataset.phase === "own" };
}

function learnAgain() {
  set({ view: "training" });
  learn().catch((error) => notice(error.message));
}

function cellOf([, row, column]) {
  return [row, column, row + 1, column + 1];
}

function panelOf({ layer, channel }, page) {
  const { arrays, shapes, document: about } = page;
  const [, rows, columns] = shapes.maps;
  const canvas = mapCanvas(arrays.maps, (channel - about.first) * rows * columns, rows, columns, scaleOf(about.range[0], about.range[1]));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", t("channel_of", { layer, channel }));
  return h("figure", { class: "panel" }, canvas, h("figcaption", {}, t("channel_of", { layer, channel })));
}

function digitBars(classes) {
  const best = classes[0].index;
  const likely = classes.some((one) => one.value !== one.score);
  return h("table", {}, h("caption", { class: "unseen" }, t("scores_label")), [...classes].sort((a, b) => a.index - b.index).map((one) =>
    h("tr", { class: one.index === best ? "best" : null },
      h("th", { scope: "row" }, one.name),
      h("td", { class: "track" }, h("span", { style: { width: `${100 * Math.max(0, Math.min(1, one.value))}%` } })),
      h("td", { "data-q": "digit", "data-v": String(one.value) }, likely ? `${number(Math.round(1000 * one.value) / 10)} %` : number(one.value, 3)))));
}
