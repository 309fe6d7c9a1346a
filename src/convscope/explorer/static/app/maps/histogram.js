/** The histogram of a layer's values, with those marked at which its function saturates. */

import { network, once } from "cs/data";
import { h, s } from "cs/dom";
import { number, percent, t } from "cs/i18n";
import { state } from "cs/store";
import { getJson } from "cs/wire";

const WIDTH = 420;
const HEIGHT = 120;
const BOTTOM = 18;

/** Return the section. */
export async function histogram() {
  const { layer, image } = state;
  let found;
  try {
    found = await once(`histogram ${network.id} ${image} ${layer}`, () => getJson(`/api/values/${network.id}/${image}/histogram`, { layer, lang: state.lang }));
  } catch (error) {
    return h("p", { class: "note" }, error.message);
  }
  const most = Math.max(...found.counts, 1);
  const x = (k) => (k * WIDTH) / found.counts.length;
  const height = (count) => (count ? Math.max(1, (Math.sqrt(count) / Math.sqrt(most)) * (HEIGHT - BOTTOM - 6)) : 0);
  const bars = (counts, name) => counts.map((count, k) => s("rect", { x: x(k) + 0.5, y: HEIGHT - BOTTOM - height(count), width: WIDTH / counts.length - 1, height: height(count), class: name },
    s("title", {}, `${number(found.edges[k], 3)} … ${number(found.edges[k + 1], 3)}: ${number(count)}`)));
  const [low, high] = [found.edges[0], found.edges.at(-1)];
  const zero = low < 0 && high > 0 ? (-low / (high - low)) * WIDTH : null;
  return [
    h("h3", {}, t("histogram_title")),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart histogram", role: "img", "aria-label": t("histogram_title"), "data-q": "histogram", "data-v": JSON.stringify(found.counts) },
      bars(found.counts, "count"), found.saturated_counts ? bars(found.saturated_counts, "saturated") : null,
      zero === null ? null : s("line", { x1: zero, x2: zero, y1: 0, y2: HEIGHT - BOTTOM, class: "grid" }),
      s("text", { x: 0, y: HEIGHT - 4 }, number(low, 4)), s("text", { x: WIDTH, y: HEIGHT - 4, "text-anchor": "end" }, number(high, 4)),
      zero === null ? null : s("text", { x: zero, y: HEIGHT - 4, "text-anchor": "middle" }, "0")),
    h("p", { class: "note" }, t("histogram_note", { total: number(found.total), zeros: percent(found.zeros / found.total) }), " ",
      found.saturated === null ? null : h("span", { "data-q": "saturated", "data-v": found.saturated }, h("span", { class: "mark stray", "aria-hidden": "true" }), t("saturated", { share: percent(found.saturated / found.total) })),
      found.lost ? ` ${t("lost", { count: number(found.lost) })}` : ""),
  ];
}
