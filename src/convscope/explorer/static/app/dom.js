/** Building elements from data. Texts become text nodes, so nothing is ever parsed as markup. */

const NAMESPACES = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };

/**
 * @param {Element} element
 * @param {Record<string, any>} attributes `on…` are listeners, `style` is an object, null and false are left out
 * @param {any[]} children nodes, texts, numbers, or lists of them
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(/** @type {any} */ (element).style, value);
    else if (name === "value") /** @type {any} */ (element).value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Make an HTML element. @returns {any} */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element. @returns {any} */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(NAMESPACES.svg, tag), attributes, children);
}

const ALLOWED = new Set(
  ("section h1 h2 h3 p ul li table tr td th div span code em strong b i math mrow mi mn mo msub msup msubsup mfrac " +
    "mtext mspace mover munder munderover msqrt mroot mtable mtr mtd mstyle mfenced semantics").split(" "),
);

/** Make elements from the trees of the server: [tag, attributes, …children]. Unknown tags become spans. */
export function build(trees, inMath = false) {
  return trees.map((tree) => {
    if (typeof tree === "string") return document.createTextNode(tree);
    const [tag, attributes, ...children] = tree;
    const math = inMath || tag === "math";
    const known = ALLOWED.has(tag) ? tag : "span";
    const element = math ? document.createElementNS(NAMESPACES.math, known) : document.createElement(known);
    for (const [name, value] of Object.entries(attributes)) {
      if (!name.startsWith("on") && name !== "style" && name !== "href" && name !== "src") {
        element.setAttribute(name, value);
      }
    }
    element.append(...build(children, math));
    return element;
  });
}

/** Replace all children of an element. Where one of them has the focus, the one in its place gets it. */
export function show(element, ...children) {
  const focused = element.contains(document.activeElement) && document.activeElement !== element ? pathTo(element, document.activeElement) : null;
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  if (focused) follow(element, focused);
}

/** Return the places of the children that lead to an element, with its tag. */
function pathTo(root, element) {
  const { tagName } = element;
  const path = [];
  for (let one = element; one !== root; one = one.parentElement) path.unshift([...one.parentElement.children].indexOf(one));
  return { path, tagName };
}

function follow(root, { path, tagName }) {
  let one = root;
  for (const place of path) one = one?.children[place];
  if (one?.tagName === tagName && !one.contains(document.activeElement)) one.focus({ preventScroll: true });
}

/** Controls, and marks that change the direction of text: \p{Cc} and \p{Cf}. */
const HIDDEN = /[\p{Cc}\p{Cf}]/gu;

/** Make a foreign name safe to read: control characters visible, and not too long. */
export function readable(name, most = 60) {
  const plain = String(name).replace(HIDDEN, "�");
  return plain.length > most ? `${plain.slice(0, most - 9)}…${plain.slice(-8)}` : plain;
}
