/** What is marked on the large map: the units that see the pinned pixel, and the pinned position itself. */

import { mapShape } from "cs/data";
import { h } from "cs/dom";
import { originName, theCone } from "cs/pins";
import { state } from "cs/store";

/** Return the marks of a layer, one pixel per unit. */
export function marks(layer) {
  const [, rows, columns] = mapShape(layer);
  const canvas = h("canvas", { class: "marked", "aria-hidden": "true" });
  canvas.width = columns;
  canvas.height = rows;
  const cone = state.pixel ? theCone() : null;
  if (!cone) return canvas;
  const data = new Uint8ClampedArray(4 * rows * columns);
  const found = cone.layers.get(layer);
  if (layer === originName()) data.set([204, 121, 167, 255], 4 * (state.pixel[0] * columns + state.pixel[1]));
  else if (found && "count" in found && found.shape.reduce((product, one) => product * one, 1) === rows * columns) {
    let count = 0;
    for (let i = 0; i < rows * columns; i += 1) {
      const sees = cone.masks[found.start + i];
      count += sees;
      data.set(sees ? [204, 121, 167, 110] : [20, 24, 32, 120], 4 * i);
    }
    canvas.dataset.count = String(count);
  }
  canvas.getContext("2d").putImageData(new ImageData(data, columns, rows), 0, 0);
  return canvas;
}
