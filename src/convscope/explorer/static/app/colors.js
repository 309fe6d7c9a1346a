/** Palettes that color-blind readers can tell apart: cividis for magnitudes; orange above 0 and violet below for signs. */

const CIVIDIS = [
  [0, 32, 77], [0, 48, 111], [42, 63, 109], [67, 78, 108], [87, 93, 109], [106, 109, 113], [124, 123, 120],
  [144, 138, 119], [164, 155, 114], [187, 172, 102], [209, 190, 86], [232, 209, 63], [255, 234, 70],
];
const SIGNED = [
  [45, 0, 75], [110, 74, 153], [165, 153, 198], [212, 208, 230], [246, 246, 247], [252, 226, 189], [241, 170, 90], [193, 110, 24], [127, 59, 8],
];

function table(stops) {
  const colors = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i += 1) {
    const place = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    for (let k = 0; k < 3; k += 1) colors[3 * i + k] = stops[low][k] + (place - low) * (stops[low + 1][k] - stops[low][k]);
  }
  return colors;
}

export const MAGNITUDES = table(CIVIDIS);
export const SIGNS = table(SIGNED);

/** The range in which values are colored: from 0 up, or symmetric around 0 where some are negative. */
export function scaleOf(low, high) {
  if (!(low < 0)) return { low: Math.min(0, low), high: high > 0 ? high : 1, colors: MAGNITUDES };
  const most = Math.max(-low, high, 0) || 1;
  return { low: -most, high: most, colors: SIGNS };
}

/** Paint values into pixels. NaN is shown as vermillion. */
export function paint(values, start, count, scale, pixels = new Uint8ClampedArray(4 * count)) {
  const span = scale.high - scale.low || 1;
  for (let i = 0; i < count; i += 1) {
    const value = values[start + i];
    const to = 4 * i;
    pixels[to + 3] = 255;
    if (Number.isNaN(value)) {
      pixels[to] = 213;
      pixels[to + 1] = 94;
      pixels[to + 2] = 0;
      continue;
    }
    const place = 3 * Math.max(0, Math.min(255, Math.round((255 * (value - scale.low)) / span)));
    pixels[to] = scale.colors[place];
    pixels[to + 1] = scale.colors[place + 1];
    pixels[to + 2] = scale.colors[place + 2];
  }
  return pixels;
}

/** Make a small canvas with one map, one pixel per value. */
export function mapCanvas(values, start, height, width, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.putImageData(new ImageData(/** @type {any} */ (paint(values, start, height * width, scale)), width, height), 0, 0);
  return canvas;
}
