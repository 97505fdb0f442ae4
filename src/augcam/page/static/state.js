// @ts-check
/** The state of the page, which is its address: whoever opens that sees the same. */

/** @typedef {Record<string, string>} State what stands in the address, as text */

/** @type {State} */
export const DEFAULTS = {
  search: "", class: "", condition: "*", segment: "", quantity: "", min: "", max: "", down: "", only: "",
  image: "", view: "", show: "overlay", opacity: "0.7", colours: "inferno", scale: "own", mask: "", tab: "images",
  x: "", y: "", xc: "*", yc: "*", brush: "", pair: "", metric: "", matrix: "",
};

/**
 * The state that an address holds; what it does not name is as at the start.
 * @param {string} hash
 * @returns {State}
 */
export function fromHash(hash) {
  const found = { ...DEFAULTS };
  for (const [key, value] of new URLSearchParams(hash.replace(/^#/, ""))) if (key in DEFAULTS) found[key] = value;
  return found;
}

/**
 * @param {State} state
 */
export function toHash(state) {
  const changed = Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]);
  return changed.length ? `#${new URLSearchParams(changed)}` : "";
}
