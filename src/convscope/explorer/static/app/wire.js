/** Questions and answers: JSON, and arrays in the safetensors format. */

import { ask } from "cs/source";
import { decode } from "cs/tensors";

export { decode };

/** An error that the source reports: its code and a message in the user's language. */
export class ServerError extends Error {
  constructor(status, document) {
    super(document.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = document.code ?? "";
    this.document = document;
  }
}

/** Ask; a server that does not answer is an event of the window, which shows it. @param {string} path @param {RequestInit} options */
async function reach(path, options) {
  try {
    return await ask(path, options);
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

/** Send a text, and return the answer as a file. @returns {Promise<Blob>} */
export async function sendForBlob(method, path, body, parameters = {}) {
  return (await request(address(path, parameters), { method, body, headers: { "x-convscope": "1" } })).blob();
}
