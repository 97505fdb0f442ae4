// @ts-check
/** Numbers of every image, by what they measure and for which condition. */
import { array } from "./chunks.js";

/**
 * A number that images are sorted, filtered and drawn by: what, and of which condition ("*": the
 * mean over augmentations).
 * @typedef {{quantity: string, condition: string}} Wanted
 */

/** @type {Map<string, Promise<Float32Array>>} */
const columns = new Map();

/**
 * Names of all quantities: metrics and scores of every view, and what predictions say.
 * @param {any} meta
 * @returns {Array<{key: string, title: string}>}
 */
export function quantities(meta) {
  const own = meta.kinds.map((/** @type {any} */ kind) => ({ key: `${kind.kind}/${kind.view}/${kind.name}`, title: kind.title }));
  return [...own, { key: "right", title: "Share of models that are right" }, { key: "share", title: "Probability of the true class" }];
}

/**
 * The models of a condition; of "*" those of all augmentations.
 * @param {any} meta
 * @param {string} condition
 * @returns {number[]}
 */
export function modelsOf(meta, condition) {
  const all = meta.models.map((/** @type {any} */ _, /** @type {number} */ i) => i);
  const is = (/** @type {any} */ model) => (condition === "*" ? !meta.conditions[model.condition].control : model.condition === condition);
  return all.filter((/** @type {number} */ i) => is(meta.models[i]));
}

/**
 * A quantity of every image for one model; null where the run has none.
 * @param {any} meta
 * @param {string} quantity
 * @param {number} model
 * @returns {Promise<Float32Array | null>}
 */
export async function ofModel(meta, quantity, model) {
  const n = meta.ids.length;
  if (quantity === "right") {
    const predicted = await array(`predicted-${model}`, Int32Array);
    return Float32Array.from(meta.labels, (label, i) => Number(predicted[i] === label));
  }
  if (quantity === "share") return (await array(`shares-${model}`, Float32Array)).subarray(n, 2 * n);
  const [kind, view, name] = quantity.split("/");
  const values = await array(`${kind}-${view}-${model}`, Float32Array);
  const names = meta.kinds.filter((/** @type {any} */ each) => each.kind === kind && each.view === view);
  const row = names.findIndex((/** @type {any} */ each) => each.name === name);
  return values && row >= 0 ? values.subarray(row * n, (row + 1) * n) : null;
}

/**
 * A quantity of every image for a condition: the mean of the defined values over its models.
 * @param {any} meta
 * @param {Wanted} wanted
 * @returns {Promise<Float32Array>}
 */
export function column(meta, { quantity, condition }) {
  const key = `${quantity} ${condition}`;
  const make = async () => {
    const n = meta.ids.length;
    const parts = await Promise.all(modelsOf(meta, condition).map((model) => ofModel(meta, quantity, model)));
    const sum = new Float64Array(n), count = new Int32Array(n);
    for (const part of parts) {
      if (!part) continue;
      for (let i = 0; i < n; i++) {
        if (Number.isNaN(part[i])) continue;
        sum[i] += part[i];
        count[i]++;
      }
    }
    return Float32Array.from(sum, (value, i) => (count[i] ? value / count[i] : NaN));
  };
  if (!columns.has(key)) columns.set(key, make());
  return /** @type {Promise<Float32Array>} */ (columns.get(key));
}

export const SEGMENTS = { both_right: "Both right", only_baseline: "Only baseline right", only_augmented: "Only the other right", both_wrong: "Both wrong" };

/**
 * Whether each image lies in a segment: of the baseline (model 0) and any model of a condition.
 * @param {any} meta
 * @param {string} segment
 * @param {string} condition
 * @returns {Promise<Uint8Array>}
 */
export async function inSegment(meta, segment, condition) {
  const base = await ofModel(meta, "right", 0);
  const found = new Uint8Array(meta.ids.length);
  const [first, second] = { both_right: [1, 1], only_baseline: [1, 0], only_augmented: [0, 1], both_wrong: [0, 0] }[segment] ?? [0, 0];
  for (const model of modelsOf(meta, condition)) {
    const other = await ofModel(meta, "right", model);
    if (base && other) found.forEach((_, i) => (found[i] ||= Number(base[i] === first && other[i] === second)));
  }
  return found;
}

/**
 * How far two models' maps of each image lie apart: the mean absolute difference of their cells; NaN
 * where the view has not explained the image.
 * @param {any} meta
 * @param {any} view
 * @param {number} a
 * @param {number} b
 * @returns {Promise<Float32Array>}
 */
export async function apart(meta, view, a, b) {
  const [p, q] = await Promise.all([a, b].map((model) => array(`maps-${view.name}-${model}`, Uint8Array)));
  const ends = await array(`ends-${view.name}-${a}`, Float32Array);
  const cells = view.height * view.width;
  return Float32Array.from(meta.ids, (_, i) => {
    if (Number.isNaN(ends[2 * i])) return NaN;
    let sum = 0;
    for (let k = i * cells; k < (i + 1) * cells; k++) sum += Math.abs(p[k] - q[k]);
    return sum / cells / 255;
  });
}
