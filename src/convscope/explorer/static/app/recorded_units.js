/**
 * The arithmetic of one unit from recorded weights and outputs, by the recipes that Python wrote.
 *
 * A recipe names the layer's inputs, the parameters it needs, and tables of which positions each output position
 * reads: taps[p][k] is the input position of tap k, or −1 in padding, or −2 where the window has fewer taps.
 */

/** @typedef {{values: Float32Array, shape: number[]}} Tensor */

/** What one unit adds up. */
class Terms {
  sources = /** @type {number[]} */ ([]);
  indices = /** @type {number[][]} */ ([]);
  inputs = /** @type {number[]} */ ([]);
  weights = /** @type {number[]} */ ([]);
  form = "sum";
  bias = 0;
  padding = 0;
  facts = /** @type {Record<string, number>} */ ({});

  add(source, index, input, weight) {
    this.sources.push(source);
    this.indices.push(index);
    this.inputs.push(input);
    this.weights.push(weight);
  }
}

function flat(shape, index) {
  return index.reduce((place, one, axis) => place * shape[axis] + one, 0);
}

function unravel(shape, place) {
  const index = [];
  for (const size of [...shape].reverse()) {
    index.unshift(place % size);
    place = Math.floor(place / size);
  }
  return index;
}

function valueAt({ values, shape }, index) {
  return values[flat(shape, index)];
}

/** Call `run` with every combination of one entry per list, the last changing fastest. */
function combinations(lists, run, chosen = /** @type {any[]} */ ([])) {
  if (chosen.length === lists.length) run(chosen);
  else for (const one of lists[chosen.length]) combinations(lists, run, [...chosen, one]);
}

/** The positions and taps of a window per axis, without padding. */
function tapsAt(axes, position) {
  return axes.map((taps, axis) => taps[position[axis]].map((place, tap) => [place, tap]).filter(([place]) => place >= 0));
}

function paddingAt(axes, position) {
  const count = (least) => axes.reduce((product, taps, axis) => product * taps[position[axis]].filter((place) => place >= least).length, 1);
  return count(-1) - count(0);
}

function conv({ groups, axes }, [out, ...position], [x], [weight, bias]) {
  const terms = new Terms();
  const depth = weight.shape[1];
  const first = Math.floor(out / (weight.shape[0] / groups)) * depth;
  const taps = tapsAt(axes, position);
  for (let c = 0; c < depth; c += 1) {
    combinations(taps, (chosen) => {
      const index = [first + c, ...chosen.map(([place]) => place)];
      terms.add(0, index, valueAt(x, index), valueAt(weight, [out, c, ...chosen.map(([, tap]) => tap)]));
    });
  }
  terms.bias = bias ? bias.values[out] : 0;
  terms.padding = depth * paddingAt(axes, position);
  return terms;
}

function linear({ length }, at, [x], [weight, bias]) {
  const terms = new Terms();
  const out = at[at.length - 1];
  const row = at.slice(0, -1);
  const ends = new Array(x.shape.length - row.length - 1).fill(0);
  const start = row.reduce((place, one, axis) => place * x.shape[axis] + one, 0) * length;
  for (let i = 0; i < length; i += 1) terms.add(0, [...row, i, ...ends], x.values[start + i], weight.values[out * length + i]);
  terms.bias = bias ? bias.values[out] : 0;
  return terms;
}

function mean({ axes, divisors }, [channel, ...position], [x]) {
  const terms = new Terms();
  const weight = 1 / divisors.reduce((product, along, axis) => product * along[position[axis]], 1);
  combinations(tapsAt(axes, position), (chosen) => {
    const index = [channel, ...chosen.map(([place]) => place)];
    terms.add(0, index, valueAt(x, index), weight);
  });
  return terms;
}

/** The largest of a window; the first in order wins where several are equal. */
function max({ axes }, [channel, ...position], [x]) {
  const terms = new Terms();
  terms.form = "winner";
  combinations(tapsAt(axes, position), (chosen) => {
    const index = [channel, ...chosen.map(([place]) => place)];
    terms.add(0, index, valueAt(x, index), 0);
  });
  const most = terms.inputs.reduce((one, other) => Math.max(one, other), -Infinity);
  terms.weights[terms.inputs.indexOf(most)] = 1;
  terms.facts.ties = terms.inputs.filter((one) => one === most).length;
  terms.padding = paddingAt(axes, position);
  return terms;
}

function add({ factors }, at, inputs) {
  const terms = new Terms();
  inputs.forEach((x, source) => {
    const index = x.shape.map((size, axis) => (size === 1 ? 0 : at[at.length - x.shape.length + axis]));
    terms.add(source, index, valueAt(x, index), factors[source]);
  });
  return terms;
}

/** One input times a factor per channel, plus a constant: a normalization at inference. */
function scale({ factors, shifts, facts }, at, [x]) {
  const terms = new Terms();
  terms.add(0, at, valueAt(x, at), factors[at[0]]);
  terms.bias = shifts[at[0]];
  for (const [name, values] of Object.entries(facts)) terms.facts[name] = values[at[0]];
  return terms;
}

/** Piecewise linear through 0: the slopes of negative inputs are given, those of positive ones are 1. */
function slope({ negative }, at, [x]) {
  const terms = new Terms();
  const value = valueAt(x, at);
  terms.add(0, at, value, value > 0 ? 1 : negative);
  return terms;
}

/** The same elements in the same order, in another shape. */
function copy({ shape }, at, [x]) {
  const terms = new Terms();
  const index = unravel(x.shape, flat(shape, at));
  terms.add(0, index, valueAt(x, index), 1);
  return terms;
}

function concat({ axis }, at, inputs) {
  const terms = new Terms();
  let rest = at[axis];
  let source = 0;
  while (rest >= inputs[source].shape[axis]) {
    rest -= inputs[source].shape[axis];
    source += 1;
  }
  const index = at.with(axis, rest);
  terms.add(source, index, valueAt(inputs[source], index), 1);
  return terms;
}

const RULES = { conv, linear, mean, max, add, scale, slope, copy, concat };

/**
 * Return the arithmetic of one unit, in the form of the server's answer.
 *
 * @param {string} layer
 * @param {any} recipe
 * @param {number[]} at
 * @param {Tensor} output
 * @param {Tensor[]} inputs
 * @param {Tensor[]} parameters
 * @returns {import("cs/tensors").Arrays}
 */
export function unitArithmetic(layer, recipe, at, output, inputs, parameters) {
  const terms = RULES[recipe.rule](recipe, at, inputs, parameters);
  const count = terms.inputs.length;
  const rank = count ? terms.indices[0].length : 0;
  const products = Float64Array.from(terms.inputs, (input, i) => input * terms.weights[i]);
  return {
    arrays: {
      inputs: Float64Array.from(terms.inputs), weights: Float64Array.from(terms.weights), products,
      sources: Int32Array.from(terms.sources), indices: Int32Array.from(terms.indices.flat()),
    },
    shapes: { inputs: [count], weights: [count], products: [count], sources: [count], indices: [count, rank] },
    document: {
      layer, kind: recipe.kind, kernel: recipe.kernel ?? null, at, form: terms.form, value: valueAt(output, at),
      sum: products.reduce((sum, one) => sum + one, 0) + terms.bias, bias: terms.bias, padding: terms.padding,
      sources: recipe.sources, facts: terms.facts, gradient: null, remainder: 0, readers: [],
    },
  };
}
