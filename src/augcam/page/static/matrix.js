// @ts-check
/** Every model with every other; a click shows the images on which two differ most. */
import { element, shown } from "./dom.js";

const SIZE = 760, MARGIN = 150; // pixels of the square, and of the names left of it

/**
 * @param {any} app
 * @param {any} place
 */
export function showMatrix(app, place) {
  const { meta, state } = app, pairs = meta.pairs.find((/** @type {any} */ each) => each.metric === state.matrix) ?? meta.pairs[0];
  const n = meta.models.length, step = SIZE / n;
  const name = (/** @type {number} */ m) => `${meta.conditions[meta.models[m].condition].title} ${meta.models[m].state}`;
  const known = pairs.values.flat().filter((/** @type {any} */ value) => value !== null);
  const low = Math.min(...known), high = Math.max(...known);
  const picture = element("canvas", { width: MARGIN + SIZE, height: SIZE, class: "matrix", role: "img", "aria-label": `${pairs.title} between every two models; the fields beside it choose two of them` });
  const context = picture.getContext("2d"), colours = meta.colours.cividis;
  pairs.values.forEach((/** @type {any[]} */ row, /** @type {number} */ a) => row.forEach((value, b) => {
    if (value === null) return;
    const share = (value - low) / (high - low || 1), at = 3 * Math.min(255, Math.floor((pairs.direction > 0 ? share : 1 - share) * 256));
    context.fillStyle = `rgb(${colours[at]}, ${colours[at + 1]}, ${colours[at + 2]})`;
    context.fillRect(MARGIN + b * step, a * step, Math.ceil(step), Math.ceil(step));
  }));
  context.fillStyle = getComputedStyle(document.body).getPropertyValue("--ink");
  context.font = `${Math.min(14, Math.max(4, 0.8 * step))}px system-ui, sans-serif`;
  context.textAlign = "right";
  meta.models.forEach((/** @type {any} */ _, /** @type {number} */ m) => context.fillText(name(m), MARGIN - 8, (m + 0.65) * step, MARGIN - 10));
  const output = element("output", { class: "read" });
  const at = (/** @type {any} */ event) => {
    const box = picture.getBoundingClientRect();
    const scale = (MARGIN + SIZE) / box.width;
    const place = (/** @type {number} */ value) => Math.min(n - 1, Math.max(0, Math.floor((value * scale) / step)));
    return /** @type {[number, number]} */ ([place(event.clientY - box.top), place(event.clientX - box.left - MARGIN / scale)]);
  };
  const go = (/** @type {number} */ a, /** @type {number} */ b) => a !== b && app.change({ pair: `${a}-${b}`, quantity: "pair", down: "1", tab: "images" });
  picture.addEventListener("pointermove", (/** @type {any} */ event) => {
    const [a, b] = at(event);
    output.textContent = `${name(a)} and ${name(b)}: ${shown(pairs.values[a][b])}`;
  });
  picture.addEventListener("click", (/** @type {any} */ event) => go(...at(event)));
  const select = (/** @type {string} */ label) => element("select", { "aria-label": label }, meta.models.map((/** @type {any} */ _, /** @type {number} */ m) => element("option", { value: m, text: name(m) })));
  const [first, second] = [select("First model"), select("Second model")];
  second.value = String(Math.min(1, n - 1));
  const metrics = element("select", { "aria-label": "Metric", onchange: () => app.change({ matrix: metrics.value }) }, meta.pairs.map((/** @type {any} */ each) => element("option", { value: each.metric, text: each.title })));
  metrics.value = pairs.metric;
  place.replaceChildren(
    element("p", { class: "tip", text: `${pairs.title} between the maps of every two models, mean over images: light is far apart. Models in the order of the run, the baseline first. A click shows the images on which two models differ most.` }),
    element("div", { class: "tools" }, [metrics, first, second, element("button", { type: "button", text: "Show images on which they differ most", onclick: () => go(Number(first.value), Number(second.value)) })]),
    output, picture,
  );
}
