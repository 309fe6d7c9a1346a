/** A pad to draw on, with one value of 0 … 1 per pixel of an image. */

import { h } from "cs/dom";

/**
 * @param {number} height
 * @param {number} width
 * @param {{label: string, side: number, onstroke: () => void}} options side: pixels of the longer side on screen
 */
export function makePad(height, width, { label, side, onstroke }) {
  const values = new Float32Array(height * width);
  const zoom = side / Math.max(height, width);
  const canvas = h("canvas", { class: "pad", role: "img", "aria-label": label, style: { width: `${width * zoom}px`, aspectRatio: `${width} / ${height}` } });
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const radius = Math.max(height, width) / 16;
  /** @type {number[] | null} */
  let last = null;

  function redraw() {
    const data = new Uint8ClampedArray(4 * values.length);
    for (const [i, value] of values.entries()) {
      data.fill(255 * Math.max(0, Math.min(1, value)), 4 * i, 4 * i + 3);
      data[4 * i + 3] = 255;
    }
    context.putImageData(new ImageData(data, width, height), 0, 0);
  }

  function dab(x, y) {
    for (let r = Math.max(0, Math.floor(y - 2 * radius)); r < Math.min(height, y + 2 * radius); r += 1) {
      for (let c = Math.max(0, Math.floor(x - 2 * radius)); c < Math.min(width, x + 2 * radius); c += 1) {
        const near = 1.5 - Math.hypot(c + 0.5 - x, r + 0.5 - y) / radius;
        values[r * width + c] = Math.max(values[r * width + c], Math.min(1, Math.max(0, near)));
      }
    }
  }

  /** Draw a line between two points (x, y) in pixels. */
  function line(from, to) {
    const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let k = 0; k <= steps; k += 1) dab(from[0] + ((to[0] - from[0]) * k) / steps, from[1] + ((to[1] - from[1]) * k) / steps);
    redraw();
  }

  function follow(event) {
    const box = canvas.getBoundingClientRect();
    const at = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    line(last ?? at, at);
    last = at;
    onstroke();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = null;
    follow(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && follow(event));
  canvas.addEventListener("pointerup", () => (last = null));

  /** Show other values, or none. */
  function load(other = new Float32Array(values.length)) {
    values.set(other);
    redraw();
  }
  redraw();
  return { canvas, values, line, load, height, width };
}

/** Run at most one call at a time, and the last one in any case. Returns a function whose promise ends with the last. */
export function latest(run, pause = 60) {
  /** @type {Promise<void> | null} */
  let busy = null;
  let again = false;
  const loop = async () => {
    try {
      do {
        again = false;
        await run();
        if (again) await new Promise((resolve) => setTimeout(resolve, pause));
      } while (again);
    } finally {
      busy = null;
    }
  };
  return () => {
    if (busy) again = true;
    else busy = loop();
    return busy;
  };
}
