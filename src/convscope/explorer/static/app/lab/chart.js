/** Curves and bars of lessons as SVG, with a table for those who do not see them. */

import { h, s } from "cs/dom";
import { number, t } from "cs/i18n";

const WIDTH = 560;
const HEIGHT = 240;
const LEFT = 64;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 40;
const MOST_ROWS = 40;

/** Return round numbers that cover a range. */
export function ticks(low, high, count = 5) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw) ?? raw;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(1, last - first + 1) }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** Return the extent of numbers, with 0 in it. */
export function extent(all) {
  let low = 0;
  let high = 0;
  for (const values of all) {
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return high > low ? [low, high] : [low, low + 1];
}

/** Return the axes of a chart: lines, and numbers beside them. */
export function axes(x, y, xs, ys, label) {
  return [
    ys.map((tick) => [
      s("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: tick === 0 ? "axis" : "grid" }),
      s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, number(tick, 4)),
    ]),
    xs.map(([at, text]) => s("text", { x: x(at), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, text)),
    s("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, label),
  ];
}

/** Return the elements of a block of curves. */
export function chart(block) {
  const drawn = block.bars ? bars(block) : lines(block);
  const legend = block.series.length < 2 ? null : h("p", { class: "legend-line" }, block.series.map((one, k) =>
    h("span", {}, h("span", { class: `swatch c${k % 7}${k < 7 ? "" : " dashed"}` }), one.label)));
  return h("figure", { class: "lab-chart", "data-name": block.name },
    h("figcaption", {}, block.title), legend,
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": block.title }, drawn),
    asTable(block));
}

function lines(block) {
  const [low, high] = extent(block.series.map((one) => one.values));
  const [first, last] = [block.x[0], block.x[block.x.length - 1]];
  const x = (value) => LEFT + ((value - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
  return [
    axes(x, y, ticks(first, last).map((tick) => [tick, number(tick, 4)]), ticks(low, high), block.x_label),
    block.series.map((one, k) => s("path", { class: `line c${k % 7}${k < 7 ? "" : " dashed"}`, "data-name": one.name, d: path(block.x, one.values, x, y) })),
  ];
}

/** Return the path of a curve. */
export function path(xs, ys, x, y) {
  return xs.map((value, k) => `${k ? "L" : "M"}${x(value).toFixed(2)},${y(ys[k]).toFixed(2)}`).join("");
}

function bars(block) {
  const scaled = (value) => (block.logarithmic ? Math.log10(Math.max(value, 1e-12)) : value);
  const logs = block.series.map((one) => one.values.map(scaled));
  let [low, high] = block.logarithmic ? [Math.floor(Math.min(...logs.flat())) - 1, Math.ceil(Math.max(...logs.flat()))] : extent(logs);
  if (low === high) high = low + 1;
  const count = block.x.length;
  const wide = (WIDTH - LEFT - RIGHT) / count;
  const each = (0.8 * wide) / block.series.length;
  const x = (place) => LEFT + (place + 0.5) * wide;
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
  const base = y(Math.max(low, Math.min(high, block.logarithmic ? low : 0)));
  const every = Math.ceil((count * 8 * Math.max(...block.x.map((one) => one.length))) / (WIDTH - LEFT));
  const whole = ticks(low, high).filter((tick) => !block.logarithmic || Number.isInteger(tick));
  return [
    whole.map((tick) => [
      s("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: tick === 0 && !block.logarithmic ? "axis" : "grid" }),
      s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, block.logarithmic ? number(Number(`1e${tick}`), 2) : number(tick, 4)),
    ]),
    block.x.map((text, place) => (place % every === 0 ? s("text", { x: x(place), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, text) : null)),
    s("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, block.x_label),
    logs.map((values, k) => values.map((value, place) => s("rect", {
      class: `fill c${k % 7}`, x: x(place) - 0.4 * wide + k * each, width: Math.max(1, each - 1),
      y: Math.min(y(value), base), height: Math.abs(y(value) - base),
    }, s("title", {}, `${block.x[place]}: ${number(block.series[k].values[place])}`)))),
  ];
}

function asTable(block) {
  const every = Math.max(1, Math.ceil(block.x.length / MOST_ROWS));
  const places = Array.from(block.x.keys()).filter((place) => place % every === 0);
  return h("details", {}, h("summary", {}, t("as_table")),
    h("table", { class: "report" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, block.x_label || "–"), block.series.map((one) => h("th", { scope: "col" }, one.label)))),
      places.map((place) => h("tr", {}, h("th", { scope: "row" }, block.bars ? block.x[place] : number(block.x[place])),
        block.series.map((one) => h("td", {}, number(one.values[place])))))));
}

export const SIZES = { WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM };
