// @ts-check
/** Small helpers for the document, shared by the report and the explorer. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * The element called `id`.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * A new HTML element. Text is set as text: nothing in it becomes markup.
 * @param {string} name
 * @param {Record<string, any>} [attributes] `on…`: listeners; `text`: its text
 * @param {Array<Node | string>} [children]
 * @returns {any}
 */
export function element(name, attributes = {}, children = []) {
  return fill(document.createElement(name), attributes, children);
}

/**
 * A new SVG element.
 * @param {string} name
 * @param {Record<string, any>} [attributes]
 * @param {Array<Node | string>} [children]
 * @returns {any}
 */
export function svg(name, attributes = {}, children = []) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/**
 * @param {Element} node
 * @param {Record<string, any>} attributes
 * @param {Array<Node | string>} children
 */
function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") node.textContent = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/**
 * A number in four digits, a dash for none.
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function shown(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}

/**
 * Round numbers between two ends, about `count` of them, for an axis.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
export function ticks(low, high, count = 6) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/**
 * Put text on the clipboard, also on a page that was opened from a disk.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
