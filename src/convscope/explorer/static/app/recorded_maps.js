/** Maps, channels and kernels of recorded outputs and weights, as the server answers them. */

import { encode, mapSizes } from "cs/tensors";

/** @typedef {{values: Float32Array, shape: number[]}} Tensor */

/** Maps of one answer, unless a question says otherwise. */
const PAGE = 64;
/** Kernels of one answer, at most. */
const MOST_KERNELS = 256;

/** Return the range of each channel, its mean absolute value, and the channels with nothing but zeros. */
function survey(/** @type {Tensor} */ { values, shape }) {
  const [channels, rows, columns] = mapSizes(shape);
  const area = rows * columns;
  const low = new Float64Array(channels).fill(Infinity);
  const high = new Float64Array(channels).fill(-Infinity);
  const strength = new Float64Array(channels);
  const dead = [];
  for (let channel = 0; channel < channels; channel += 1) {
    for (let i = channel * area; i < (channel + 1) * area; i += 1) {
      low[channel] = Math.min(low[channel], values[i]);
      high[channel] = Math.max(high[channel], values[i]);
      strength[channel] += Math.abs(values[i]);
    }
    if (strength[channel] === 0) dead.push(channel);
    strength[channel] /= area;
  }
  return { low, high, strength, dead };
}

/** Answer which range and strength the channels of an output have. */
export function channelsOf(/** @type {Tensor} */ output) {
  const { low, high, strength, dead } = survey(output);
  const shapes = { strength: [strength.length], low: [low.length], high: [high.length] };
  return encode({ arrays: { strength, low, high }, shapes, document: { dead } });
}

/** Answer with maps `first` … `first + count − 1` of an output, or those of named channels. */
export function mapsOf(/** @type {Tensor} */ output, /** @type {URLSearchParams} */ query) {
  const [channels, rows, columns] = mapSizes(output.shape);
  const area = rows * columns;
  const first = Number(query.get("first") ?? 0);
  const count = Math.max(0, Math.min(Number(query.get("count") ?? PAGE), PAGE, channels - first));
  const named = query.get("channels");
  const chosen = named === null ? Array.from({ length: count }, (_, k) => first + k)
    : named.split(",").map(Number).filter((channel) => channel >= 0 && channel < channels);
  const maps = new Float32Array(chosen.length * area);
  for (const [k, channel] of chosen.entries()) maps.set(output.values.subarray(channel * area, (channel + 1) * area), k * area);
  const { low, high, dead } = survey(output);
  const range = [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
  return encode({ arrays: { maps }, shapes: { maps: [chosen.length, rows, columns] }, document: { channels, first, range, dead } });
}

/**
 * Answer with the kernels of one output channel of a convolution.
 *
 * @param {Tensor} weight @param {any} row of the convolution in the report @param {number} inputs channels @param {number} channel
 */
export function kernelsOf({ values, shape }, row, inputs, channel) {
  const [outputs, own, rows, columns] = shape;
  const group = Math.floor(channel / (outputs / Math.max(1, inputs / own)));
  const area = rows * columns;
  const count = Math.min(own, MOST_KERNELS);
  const start = channel * own * area;
  const range = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  return encode({
    arrays: { kernels: values.slice(start, start + count * area) }, shapes: { kernels: [count, rows, columns] },
    document: { channels: own, first: group * own, source: row.inputs[0], range },
  });
}

/** Answer that a layer has no kernels. */
export const noKernels = () => encode({ arrays: {}, shapes: {}, document: { channels: 0 } });
