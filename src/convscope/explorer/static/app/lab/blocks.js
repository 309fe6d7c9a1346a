/** Blocks of lessons: words, formulas, arrays, tables, drawings, curves, steps, and contrasts. */

import { build, h } from "cs/dom";
import { number, t } from "cs/i18n";
import { chart } from "cs/lab/chart";
import { grid } from "cs/lab/grid";
import { stepper, stopSteppers } from "cs/lab/stepper";

/** Prepare for the blocks of a lesson, which take the place of those shown before. */
export function startBlocks(topic) {
  stopSteppers(topic);
}

/** Return the elements of a block. */
export function drawBlock(block) {
  switch (block.kind) {
    case "words": return h("p", {}, build(block.tree));
    case "formulas": return h("div", { class: "formulas" }, block.lines.map((line) => build(line)));
    case "row": return h("div", { class: "values" }, block.parts.map(drawPart));
    case "table": return table(block);
    case "drawing": return h("pre", { class: "drawing" }, block.text);
    case "curves": return chart(block);
    case "steps": return stepper(block);
    case "contrast": return contrast(block);
    default: return null;
  }
}

function drawPart(part) {
  if (typeof part === "string") return h("span", { class: "sign" }, part);
  return part.maps.map((map, place) => h("figure", { class: "value", "data-name": part.maps.length > 1 ? `${part.name}_${place}` : part.name },
    h("figcaption", {}, build(map.title)), grid(map.values, { name: part.name })));
}

function table(block) {
  return h("div", { class: "scroll-x" }, h("table", { class: "report lab-table", "data-name": block.name },
    h("thead", {}, h("tr", {}, block.titles.map((title) => h("th", { scope: "col" }, build(title))))),
    h("tbody", {}, block.rows.map((row) => h("tr", {}, row.map((cell, place) => {
      const value = Array.isArray(cell) ? cell[0] : cell;
      return h(place ? "td" : "th", { "data-q": `${block.name}.${block.keys[place]}`, "data-v": String(value), class: Array.isArray(cell) ? "text" : null }, Array.isArray(cell) ? value : number(value === 0 ? 0 : value));
    }))))));
}

function contrast(block) {
  const side = (name) => h("div", { class: `side ${name}`, "data-side": name },
    h("h4", {}, name === "wrong" ? "✗ " : "✓ ", t(name)), block[name].map(drawBlock));
  return h("div", { class: "contrast" }, side("wrong"), side("right"));
}
