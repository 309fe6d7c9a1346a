/** The options of a lesson: numbers cell by cell, or as text. */

import { h, show } from "cs/dom";
import { t } from "cs/i18n";
import { iconButton } from "cs/lab/links";
import { set, state } from "cs/store";

const DELAY = 250;
const MOST_CELLS = 81;

let waiting = 0;
let written = "";

/** The options as the form has them, which the address follows. */
export function formText() {
  return written;
}

/** Return the form of a topic. */
export function optionForm(topic) {
  written = state.options;
  const given = new URLSearchParams(state.options);
  /** @type {Map<string, string[]>} */
  const texts = new Map(topic.options.map((option) => [option.name, given.getAll(option.name).length ? given.getAll(option.name) : [...option.default]]));

  function changed() {
    const query = new URLSearchParams();
    for (const option of topic.options) {
      const all = (texts.get(option.name) ?? []).filter((text) => text !== "");
      if (all.join("|") !== option.default.join("|")) for (const text of all) query.append(option.name, text);
    }
    written = query.toString();
    clearTimeout(waiting);
    waiting = window.setTimeout(() => set({ options: written }), DELAY);
  }

  const fields = topic.options.map((option) => field(option, texts, changed));
  if (!fields.length) return null;
  return h("form", { class: "options", onsubmit: (event) => event.preventDefault() }, fields,
    h("button", { type: "button", class: "reset", onclick: () => set({ options: "" }) }, t("reset")));
}

function field(option, texts, changed) {
  const own = texts.get(option.name);
  const root = h("fieldset", { class: `option ${option.kind}`, "data-option": option.name });
  const draw = () => {
    if (!own.length) own.push("");
    show(root, h("legend", {}, t(`option_${option.name}`)),
      own.map((_, place) => entry(option, own, place, changed, draw)),
      option.repeated ? iconButton("+", t("add_another"), () => { own.push(own[own.length - 1]); draw(); changed(); }, "add") : null);
  };
  draw();
  return root;
}

function entry(option, own, place, changed, draw) {
  const label = own.length > 1 ? `${t(`option_${option.name}`)} ${place + 1}` : t(`option_${option.name}`);
  const numeric = option.kind === "integer" || option.kind === "number";
  const box = h("input", numeric
    ? { type: "number", step: option.kind === "integer" ? "1" : "any", min: option.limits?.[0], max: option.limits?.[1], value: own[place], "aria-label": label }
    : { type: "text", spellcheck: "false", value: own[place], placeholder: t("chosen_by_lesson"), "aria-label": label });
  const cells = h("div", {});
  box.addEventListener("input", () => {
    own[place] = box.value.trim();
    show(cells, cellsOf());
    changed();
  });

  function cellsOf() {
    if (option.kind !== "matrix" && option.kind !== "row" && option.kind !== "maps") return null;
    const maps = own[place].split("//").map((map) => map.split("/").map((row) => row.split(",")));
    const count = maps.flat(2).length;
    if (own[place] === "" || count > MOST_CELLS || maps.flat(2).some((text) => text.trim() === "" || Number.isNaN(Number(text)))) return null;
    return h("div", { class: "cells" }, maps.map((map, m) => h("table", {}, map.map((row, r) => h("tr", {}, row.map((text, c) => {
      const cell = h("input", { type: "number", step: "any", value: text, "aria-label": `${label}: ${maps.length > 1 ? `${m}, ` : ""}${r}, ${c}`, "data-at": `${m},${r},${c}` });
      cell.addEventListener("input", () => {
        if (cell.value === "") return;
        maps[m][r][c] = cell.value;
        own[place] = maps.map((one) => one.map((line) => line.join(",")).join("/")).join("//");
        box.value = own[place];
        changed();
      });
      return h("td", {}, cell);
    }))))));
  }

  show(cells, cellsOf());
  const remove = option.repeated && own.length > 1 ? iconButton("−", t("remove"), () => { own.splice(place, 1); draw(); changed(); }, "remove") : null;
  return h("div", { class: "entry" }, box, remove, cells);
}
