/**
 * Where answers come from: the server.
 *
 * In a page that was exported to one file, the import map has `recorded.js` under this name.
 */

/** Ask for an address. @param {string} address @param {RequestInit} options @returns {Promise<Response>} */
export function ask(address, options) {
  return fetch(address, { ...options, credentials: "same-origin" });
}
