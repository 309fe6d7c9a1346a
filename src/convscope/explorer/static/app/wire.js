/** Talking to the server: JSON, and arrays in the safetensors format. */

/** An error that the server reports: its code and a message in the user's language. */
export class ServerError extends Error {
  constructor(status, document) {
    super(document.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = document.code ?? "";
    this.document = document;
  }
}

/** Fetch; a server that does not answer is an event of the window, which shows it. */
async function reach(path, options) {
  try {
    return await fetch(path, { ...options, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof TypeError) window.dispatchEvent(new Event("server-lost"));
    throw error;
  }
}

async function request(path, options) {
  const answer = await reach(path, options);
  if (!answer.ok) {
    let document = {};
    try {
      document = await answer.json();
    } catch {
      document = { message: `HTTP ${answer.status}` };
    }
    throw new ServerError(answer.status, document);
  }
  return answer;
}

function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export async function getJson(path, parameters, signal) {
  return (await request(address(path, parameters), { signal })).json();
}

/** @returns {Promise<{arrays: Record<string, any>, shapes: Record<string, number[]>, document: any}>} */
export async function getArrays(path, parameters, signal) {
  return decode(await (await request(address(path, parameters), { signal })).arrayBuffer());
}

/**
 * Send a body.
 * @param {string} method
 * @param {string} path
 * @param {BodyInit} body
 * @param {{parameters?: Record<string, any>, headers?: Record<string, string>, signal?: AbortSignal}} options
 */
export async function send(method, path, body, { parameters = {}, headers = {}, signal } = {}) {
  const all = { "x-convscope": "1", ...headers };
  return (await request(address(path, parameters), { method, body, headers: all, signal })).json();
}

const TYPES = { F32: Float32Array, F64: Float64Array, I32: Int32Array, U8: Uint8Array, I64: BigInt64Array };

/** Read a safetensors file: the arrays are views of the buffer where it is aligned. */
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
