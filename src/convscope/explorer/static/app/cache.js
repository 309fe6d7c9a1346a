/** Answers of the server by key: the ones used longest ago leave when they take too much memory together. */

export class Cache {
  /** @param {number} most bytes of arrays that are kept at most */
  constructor(most) {
    this.most = most;
    this.bytes = 0;
    /** @type {Map<string, {promise: Promise<any>, bytes: number}>} */
    this.entries = new Map();
  }

  /** Return the answer for a key, or load it. Failures are not kept. */
  once(key, load) {
    const known = this.entries.get(key);
    if (known) {
      this.entries.delete(key);
      this.entries.set(key, known);
      return known.promise;
    }
    const entry = { promise: load(), bytes: 0 };
    this.entries.set(key, entry);
    entry.promise.then(
      (answer) => this.entries.get(key) === entry && this.weigh(entry, sizeOf(answer)),
      () => this.entries.get(key) === entry && this.entries.delete(key),
    );
    return entry.promise;
  }

  weigh(entry, bytes) {
    entry.bytes = bytes;
    this.bytes += bytes;
    for (const [key, oldest] of this.entries) {
      if (this.bytes <= this.most || oldest === entry) break;
      this.entries.delete(key);
      this.bytes -= oldest.bytes;
    }
  }
}

const DOCUMENT_BYTES = 20_000;

/** Return about how much memory an answer takes: its arrays, or a typical document. */
function sizeOf(answer) {
  const arrays = Object.values(answer?.arrays ?? {});
  return arrays.reduce((sum, array) => sum + array.byteLength, DOCUMENT_BYTES);
}
