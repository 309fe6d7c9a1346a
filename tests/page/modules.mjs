/** Lets Node import the page's modules by their bare names, as the import map does in the browser. */

import { register } from "node:module";

const resolve = `
  const app = ${JSON.stringify(new URL("../../src/convscope/explorer/static/app/", import.meta.url).href)};
  export async function resolve(name, context, next) {
    return next(name.startsWith("cs/") ? app + name.slice(3) + ".js" : name, context);
  }
  export async function load(url, context, next) {
    return next(url, url.startsWith(app) ? { ...context, format: "module" } : context);
  }
`;
register(`data:text/javascript,${encodeURIComponent(resolve)}`);

/** What the modules read of the browser when they are loaded. */
globalThis.location = { hash: "", href: "http://127.0.0.1:8765/" };
globalThis.history = { pushed: [], pushState(_state, _title, hash) { this.pushed.push(hash); location.hash = hash; } };
