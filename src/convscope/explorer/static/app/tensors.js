/** Arrays in the safetensors format: a head in JSON, then the values, little-endian. */

const TYPES = { F32: Float32Array, F64: Float64Array, I32: Int32Array, U8: Uint8Array, I64: BigInt64Array };
const NAMES = new Map(Object.entries(TYPES).map(([name, type]) => [type, name]));

/**
 * @typedef {object} Arrays
 * @property {Record<string, any>} arrays
 * @property {Record<string, number[]>} shapes
 * @property {any} document
 */

/** Read a safetensors file: the arrays are views of the buffer where it is aligned. @returns {Arrays} */
export function decode(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  /** @type {Record<string, any>} */
  const arrays = {};
  /** @type {Record<string, number[]>} */
  const shapes = {};
  for (const [name, entry] of Object.entries(head)) {
    if (name === "__metadata__") continue;
    const Type = TYPES[entry.dtype];
    const [start, end] = entry.data_offsets;
    const from = 8 + length + start;
    const count = (end - start) / Type.BYTES_PER_ELEMENT;
    arrays[name] = from % Type.BYTES_PER_ELEMENT === 0 ? new Type(buffer, from, count) : new Type(buffer.slice(from, 8 + length + end));
    shapes[name] = entry.shape;
  }
  return { arrays, shapes, document: JSON.parse(head.__metadata__?.json ?? "{}") };
}

/** Write a safetensors file. @param {Arrays} content @returns {ArrayBuffer} */
export function encode({ arrays, shapes, document }) {
  /** @type {Record<string, any>} */
  const head = { __metadata__: { json: JSON.stringify(document) } };
  let size = 0;
  for (const [name, array] of Object.entries(arrays)) {
    head[name] = { dtype: NAMES.get(array.constructor), shape: shapes[name], data_offsets: [size, size + array.byteLength] };
    size += array.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(head));
  const start = 8 * Math.ceil((8 + text.length) / 8);
  const bytes = new Uint8Array(start + size).fill(32, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  for (const [name, array] of Object.entries(arrays)) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), start + head[name].data_offsets[0]);
  }
  return bytes.buffer;
}

/** Return [channels, rows, columns] of the maps that show an output. */
export function mapSizes(shape) {
  if (shape.length === 3) return shape;
  if (shape.length === 1) return [1, 1, shape[0]];
  if (shape.length === 2) return [shape[0], 1, shape[1]];
  return [shape[0], shape.slice(1, -1).reduce((a, b) => a * b, 1), shape[shape.length - 1]];
}
