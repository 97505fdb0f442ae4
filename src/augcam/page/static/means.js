// @ts-check
/** The mean map of each class and condition. */
import { array } from "./chunks.js";
import { modelsOf } from "./columns.js";
import { canvas } from "./detail.js";
import { element } from "./dom.js";
import { enlarge, heat } from "./maps.js";

const MOST = 20; // classes that have a row of their own

/**
 * Means over a condition's models and the images of each class, of cells in [0, 1].
 * @param {any} meta
 * @param {any} view
 * @param {string} condition
 * @returns {Promise<{sums: Float64Array[], counts: Int32Array}>} by class; the last is of all images
 */
export async function meanMaps(meta, view, condition) {
  const cells = view.height * view.width, classes = meta.classes.length;
  const sums = Array.from({ length: classes + 1 }, () => new Float64Array(cells)), counts = new Int32Array(classes + 1);
  for (const model of modelsOf(meta, condition)) {
    const [maps, ends] = await Promise.all([array(`maps-${view.name}-${model}`, Uint8Array), array(`ends-${view.name}-${model}`, Float32Array)]);
    if (!maps) continue;
    meta.labels.forEach((/** @type {number} */ label, /** @type {number} */ i) => {
      if (Number.isNaN(ends[2 * i])) return;
      for (const row of [label, classes]) {
        counts[row]++;
        for (let k = 0; k < cells; k++) sums[row][k] += maps[i * cells + k] / 255;
      }
    });
  }
  sums.forEach((sum, row) => sum.forEach((value, k) => (sum[k] = value / (counts[row] || 1))));
  return { sums, counts };
}

/**
 * @param {any} app
 * @param {any} place
 */
export async function showMeans(app, place) {
  const { meta } = app, view = app.view();
  const conditions = Object.keys(meta.conditions);
  const means = await Promise.all(conditions.map((condition) => meanMaps(meta, view, condition)));
  const classes = meta.classes.length, { counts } = means[0];
  const wanted = meta.classes.map((/** @type {string} */ _, /** @type {number} */ c) => c).filter((/** @type {number} */ c) => counts[c]);
  const rows = [classes, ...wanted.sort((/** @type {number} */ a, /** @type {number} */ b) => counts[b] - counts[a]).slice(0, MOST).sort((/** @type {number} */ a, /** @type {number} */ b) => a - b)];
  const most = Math.max(...means.flatMap(({ sums }) => rows.flatMap((row) => Array.from(sums[row]))));
  const cell = (/** @type {Float64Array} */ sum, /** @type {string} */ label) => {
    const values = enlarge(sum, view.height, view.width, meta.size).map((value) => value / (most || 1));
    return element("div", { class: "map" }, [canvas(meta.size, heat(values, meta.colours[app.state.colours] ?? meta.colours.inferno), label)]);
  };
  place.replaceChildren(
    element("p", { class: "tip", text: `Means over the models of a condition and over images, of maps that are each scaled to [0, 1]; one scale for all, up to ${most.toFixed(2)}.${wanted.length > MOST ? ` The ${MOST} most frequent of ${wanted.length} classes.` : ""}` }),
    element("div", { class: "means", style: `--conditions: ${conditions.length}` }, [
      element("div"), ...conditions.map((condition) => element("div", { class: "colhead", text: meta.conditions[condition].title })),
      ...rows.flatMap((row) => [
        element("div", { class: "rowhead", text: row === classes ? "All images" : meta.classes[row] }),
        ...means.map(({ sums }, c) => cell(sums[row], `Mean map, ${meta.conditions[conditions[c]].title}, ${row === classes ? "all images" : meta.classes[row]}`)),
      ]),
    ]),
  );
}
