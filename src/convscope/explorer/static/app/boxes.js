/** The boxes of all units, looked up in tables per axis. */

/** Read the tables of a network. */
export function readBoxes({ arrays, shapes, document }) {
  const { sizes, layers } = document;
  const edges = /** @type {Int32Array} */ (arrays.edges);
  const total = /** @type {number} */ (shapes.edges[1]);
  const starts = [0];
  for (const size of sizes) starts.push(starts[starts.length - 1] + size);

  /** Return {box, clipped} of the unit at an index of a layer's output, or null where there are no tables. */
  function of(place, index) {
    const tables = layers[place];
    if (!tables) return null;
    const rank = tables.length;
    const box = new Array(2 * rank);
    const clipped = new Array(2 * rank);
    tables.forEach(([table, axis], k) => {
      const at = starts[table] + (axis === null ? 0 : index[axis]);
      box[k] = edges[at];
      box[rank + k] = edges[total + at];
      clipped[k] = edges[2 * total + at];
      clipped[rank + k] = edges[3 * total + at];
    });
    return { box, clipped };
  }

  /** Return how far the boxes of a layer reach beyond an image, up to half its longer side. */
  function margin(place, height, width) {
    const tables = layers[place];
    if (tables?.length !== 2) return 0;
    let most = 0;
    tables.forEach(([table], k) => {
      const size = k === 0 ? height : width;
      for (let i = starts[table]; i < starts[table + 1]; i += 1) most = Math.max(most, -edges[i], edges[total + i] - size);
    });
    return Math.min(most, Math.ceil(Math.max(height, width) / 2));
  }

  return { of, margin };
}
