// @ts-check
/** One image through every network: its maps side by side. */
import { array } from "./chunks.js";
import { ofModel } from "./columns.js";
import { element, shown, svg } from "./dom.js";
import { pixelsOf } from "./grid.js";
import { heat, overlay, toCommonMap, toMap } from "./maps.js";

const INKS = ["#33BBEE", "#EE7733", "#EE3377", "#DDAA33"];

/**
 * What models make of image `i`, in the view that is chosen: cells of its map and their range.
 * @param {any} app
 * @param {number} i
 */
async function seen(app, i) {
  const { meta } = app, view = app.view(), cells = view.height * view.width;
  return Promise.all(meta.models.map(async (/** @type {any} */ model, /** @type {number} */ m) => {
    const [maps, ends, predicted, shares, value] = await Promise.all([
      array(`maps-${view.name}-${m}`, Uint8Array), array(`ends-${view.name}-${m}`, Float32Array),
      array(`predicted-${m}`, Int32Array), array(`shares-${m}`, Float32Array), app.metric() ? ofModel(meta, app.metric(), m) : null,
    ]);
    const known = ends && !Number.isNaN(ends[2 * i]);
    return {
      ...model, cells: known ? maps.subarray(i * cells, (i + 1) * cells) : null, low: known ? ends[2 * i] : NaN, high: known ? ends[2 * i + 1] : NaN,
      predicted: predicted[i], share: shares[i], trueShare: shares[meta.ids.length + i], value: value ? value[i] : NaN,
    };
  }));
}

/**
 * The map of a model as it is shown: one value per pixel, and whether these are differences.
 * @param {any} app
 * @param {any} model
 * @param {any[]} models
 */
function values(app, model, models) {
  const { size } = app.meta, { height, width } = app.view(), { show, scale } = app.state;
  if (show !== "difference" && scale === "common") {
    const most = Math.max(...models.map((each) => each.high).filter(Number.isFinite));
    return toCommonMap(model.cells, model.low, model.high, most, height, width, size);
  }
  const own = toMap(model.cells, height, width, size);
  if (show !== "difference" || !models[0].cells || model === models[0]) return own;
  const base = toMap(models[0].cells, height, width, size);
  return own.map((value, k) => (value - base[k] + 1) / 2);
}

/**
 * RGBA of a model's map as it is shown.
 * @param {any} app
 * @param {any} model
 * @param {any[]} models
 * @param {Uint8ClampedArray} pixels
 */
function drawn(app, model, models, pixels) {
  const { show, opacity, colours } = app.state, own = values(app, model, models);
  const signed = show === "difference" && model !== models[0];
  const coloured = heat(own, app.meta.colours[signed ? "RdBu_r" : colours] ?? app.meta.colours.inferno);
  return show === "overlay" ? overlay(coloured, pixels, own, Number(opacity)) : coloured;
}

/**
 * Show the image that is chosen in `place`.
 * @param {any} app
 * @param {any} place
 */
export async function showDetail(app, place) {
  const { meta, state } = app, i = app.index(Number(state.image)), ticket = (app.ticket = (app.ticket ?? 0) + 1);
  const began = performance.now();
  const [models, pixels, outline] = await Promise.all([seen(app, i), pixelsOf(meta, i, meta.size), outlineOf(app, i)]);
  if (ticket !== app.ticket) return;
  const name = meta.classes[meta.labels[i]];
  const states = new Set(models.map((model) => model.state)).size;
  const conditions = [...new Set(models.map((model) => model.condition))];
  const cell = (/** @type {any} */ model) => {
    const right = model.predicted === meta.labels[i], words = `${right ? "✓" : "✗"} ${meta.classes[model.predicted]}, ${Math.round(100 * model.share)} %`;
    const label = `${meta.conditions[model.condition].title}, state ${model.state}: predicts ${meta.classes[model.predicted]} (${right ? "right" : "wrong"}), probability ${shown(model.share, 3)}`;
    const map = model.cells ? canvas(meta.size, drawn(app, model, models, pixels), label) : element("span", { class: "none", text: "not explained in this view" });
    return element("div", { class: "cell", title: `${label}; probability of the true class ${shown(model.trueShare, 3)}`, "data-model": `${model.condition}/${model.state}` }, [
      element("div", { class: "map" }, [map, ...(outline ? [outline.cloneNode(true)] : [])]),
      element("div", { class: right ? "right" : "wrong", text: words }),
      element("div", { class: "value", text: `${model === models[0] ? "the baseline, " : ""}state ${model.state}${Number.isNaN(model.value) ? "" : `: ${shown(model.value, 3)}`}` }),
    ]);
  };
  const blocks = conditions.map((condition) => {
    const own = models.filter((model) => model.condition === condition && model !== models[0]);
    const head = element("div", { class: "rowhead", text: meta.conditions[condition].title, style: `border-color: ${meta.conditions[condition].colour}` });
    return own.length ? element("div", { class: "block" }, [head, element("div", { class: "row" }, own.map(cell))]) : null;
  });
  const top = [
    element("div", { class: "cell" }, [element("div", { class: "map" }, [canvas(meta.size, pixels, `Image ${state.image}`), ...(outline ? [outline.cloneNode(true)] : [])]), element("div", { text: "the image" })]),
    cell(models[0]),
  ];
  const source = meta.sources[i];
  place.replaceChildren(
    element("h2", { text: `Image ${state.image}: ${name}` }),
    element("p", { class: "tip", text: `${source && source !== name ? `${source} · ` : ""}${app.view().title}${app.metric() ? ` · below each map: ${app.metricTitle()}` : ""}` }),
    element("div", { class: "first" }, top),
    element("div", { class: "maps", style: `--states: ${states}` }, blocks.filter(Boolean)),
  );
  place.dataset.image = state.image;
  place.dataset.milliseconds = String(performance.now() - began);
}

/**
 * @param {number} size
 * @param {Uint8ClampedArray} rgba
 * @param {string} label
 */
export function canvas(size, rgba, label) {
  const node = element("canvas", { width: size, height: size, role: "img", "aria-label": label });
  node.getContext("2d").putImageData(new ImageData(/** @type {any} */ (rgba), size, size), 0, 0);
  return node;
}

/**
 * The outlines of what an image's mask shows, as a drawing that lies on a map; null for none.
 * @param {any} app
 * @param {number} i
 */
async function outlineOf(app, i) {
  const { meta, state } = app;
  if (!meta.masks.length || state.mask === "off") return null;
  const side = meta.side, masks = await array("masks", Uint8Array), mask = masks.subarray(i * side * side, (i + 1) * side * side);
  const paths = meta.masks.slice(1).map((/** @type {string} */ name, /** @type {number} */ k) =>
    svg("path", { d: outlinePath(mask, side, k + 1), fill: "none", stroke: INKS[k % INKS.length], "stroke-width": 1.6, "vector-effect": "non-scaling-stroke" }, [svg("title", { text: name })]));
  return svg("svg", { class: "outline", viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" }, paths);
}

/**
 * The path around all pixels of a mask that have `value`: edges between them and others.
 * @param {ArrayLike<number>} mask side × side
 * @param {number} side
 * @param {number} value
 */
export function outlinePath(mask, side, value) {
  const is = (/** @type {number} */ x, /** @type {number} */ y) => x >= 0 && y >= 0 && x < side && y < side && mask[y * side + x] === value;
  let path = "";
  for (let y = 0; y <= side; y++) {
    for (let x = 0; x <= side; x++) {
      if (is(x, y) !== is(x, y - 1)) path += `M${x} ${y}h1`;
      if (is(x, y) !== is(x - 1, y)) path += `M${x} ${y}v1`;
    }
  }
  return path;
}
