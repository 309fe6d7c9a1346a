/** What each element of a result is made of, step by step: previous, next, play, or a click on any cell. */

import { build, h, show } from "cs/dom";
import { t } from "cs/i18n";
import { element, grid, rowsOf, shade } from "cs/lab/grid";
import { iconButton } from "cs/lab/links";

const BETWEEN = 900;

/** @type {Set<() => void>} */
const playing = new Set();

/** The step that each block shows, which other numbers leave as it is. @type {Map<string, number>} */
const present = new Map();
let topicOfSteps = "";

/** Stop all that play; another topic starts at the first step. */
export function stopSteppers(topic) {
  for (const stop of playing) stop();
  if (topic !== topicOfSteps) present.clear();
  topicOfSteps = topic;
}

/** Return the elements of a block of steps. */
export function stepper(block) {
  const { steps } = block;
  let at = 0;
  let timer = 0;
  /** @type {Map<string, any>} */
  const grids = new Map();
  const equation = h("div", { class: "equation-line", "aria-live": "polite", "data-q": "equation" });
  const slider = h("input", { type: "range", min: "0", max: String(steps.length - 1), value: "0", "aria-label": t("step"), oninput: () => pick(Number(slider.value)) });
  const count = h("span", { class: "count" });
  const play = iconButton("▶", t("play"), () => (timer ? stop() : start()), "play");

  const parts = block.parts.map((part) => {
    if (part === "\n") return h("span", { class: "break" });
    if (typeof part === "string") return h("span", { class: "sign" }, part);
    const [map] = part.maps;
    const body = grid(map.values, {
      name: part.name,
      padding: block.padding[part.name],
      onpick: (row, column) => { const found = find(part.name, row, column); if (found >= 0) pick(found); },
      onover: (row, column) => { const found = find(part.name, row, column); if (found >= 0) mark(found); },
      onout: () => mark(at),
    });
    steady(body, steps.flatMap((step) => step.own[part.name] ?? []));
    grids.set(part.name, body);
    return h("figure", { class: "value" }, h("figcaption", {}, build(map.title)), body);
  });

  /** The step that an element takes part in: the present one if it does, else the first. */
  function find(name, row, column) {
    const has = (step) => [...(step.lit[name] ?? []), ...(step.best[name] ?? [])].some(([r, c]) => r === row && c === column);
    return has(steps[at]) ? at : steps.findIndex(has);
  }

  function mark(place) {
    const step = steps[place];
    for (const [name, body] of grids) {
      for (const cell of body.querySelectorAll("td.lit, td.best")) cell.classList.remove("lit", "best");
      if (name in step.own) fill(body, step.own[name]);
      for (const [kind, all] of [["lit", step.lit], ["best", step.best]]) {
        for (const [r, c] of all[name] ?? []) body.querySelector(`td[data-at="${r},${c}"]`)?.classList.add(kind);
      }
    }
    show(equation, build(step.equation));
    root.dataset.step = String(place);
    show(count, t("step_of", { at: place + 1, count: steps.length }));
  }

  function pick(place) {
    at = (place + steps.length) % steps.length;
    present.set(block.name, at);
    slider.value = String(at);
    mark(at);
  }

  function start() {
    timer = window.setInterval(() => (root.isConnected ? pick(at + 1) : stop()), BETWEEN);
    playing.add(stop);
    play.textContent = "❚❚";
    play.setAttribute("aria-label", t("pause"));
  }

  function stop() {
    window.clearInterval(timer);
    timer = 0;
    playing.delete(stop);
    play.textContent = "▶";
    play.setAttribute("aria-label", t("play"));
  }

  const root = h("div", { class: "stepper", "data-name": block.name, role: "group", "aria-label": block.title },
    h("p", { class: "controls" }, h("b", {}, block.title), " ",
      iconButton("‹", t("previous_step"), () => pick(at - 1), "previous"), play,
      iconButton("›", t("next_step"), () => pick(at + 1), "next"), slider, count),
    h("div", { class: "values" }, parts), equation);
  pick(Math.min(present.get(block.name) ?? 0, steps.length - 1));
  return root;
}

/** Make cells as wide as the longest number of any step, so that nothing moves under the pointer. */
function steady(body, rows) {
  const longest = Math.max(0, ...rows.flat().map((value) => element(value).length));
  if (longest) for (const cell of body.querySelectorAll("td")) cell.style.minWidth = `calc(${longest}ch + 12px)`;
}

function fill(body, values) {
  const rows = rowsOf(values);
  const most = Math.max(...rows.flat().map(Math.abs), 0) || 1;
  for (const [r, row] of rows.entries()) {
    for (const [c, value] of row.entries()) {
      const cell = body.querySelector(`td[data-at="${r},${c}"]`);
      if (!cell) continue;
      cell.dataset.v = String(value);
      show(cell, element(value));
      shade(cell, value, most);
    }
  }
}
