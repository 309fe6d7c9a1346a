/** Long notations in links: deflated, in the letters that an address may have. */

const MOST = 65536;
const MARK = "~";

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

/** Return a text in the form for links: itself, or deflated where that is shorter. */
export async function pack(text) {
  if (text.length < 100) return text;
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  const packed = MARK + btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return packed.length < encodeURIComponent(text).length ? packed : text;
}

/** Return the text of a link, or null if it cannot be read. */
export async function unpack(text) {
  if (!text.startsWith(MARK)) return text;
  try {
    const bytes = Uint8Array.from(atob(text.slice(1).replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let found = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      found += decoder.decode(part.value, { stream: true });
      if (found.length > MOST) return null;
    }
    return found + decoder.decode();
  } catch {
    return null;
  }
}
