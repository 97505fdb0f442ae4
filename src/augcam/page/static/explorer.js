// @ts-check
/** The explorer: filters, what is shown, keyboard, address. */
import { array, sprite } from "./chunks.js";
import { apart, column, inSegment, quantities, SEGMENTS } from "./columns.js";
import { showDetail } from "./detail.js";
import { byId, element } from "./dom.js";
import { csvOf, download, pictureOf } from "./export.js";
import { neighbour, showGrid } from "./grid.js";
import { showMatrix } from "./matrix.js";
import { showMeans } from "./means.js";
import { showScatter } from "./scatter.js";
import { DEFAULTS, fromHash, toHash } from "./state.js";

const meta = JSON.parse(byId("meta").textContent);
const places = new Map(meta.ids.map((/** @type {number} */ id, /** @type {number} */ i) => [id, i]));
/** @type {Map<string, string>} */
const titles = new Map(quantities(meta).map(({ key, title }) => [key, title]));
titles.set("pair", "Difference of the two models");

const app = {
  meta,
  state: fromHash(location.hash),
  /** @type {number[]} */
  selection: [],
  ticket: 0,
  /** @type {IntersectionObserver | undefined} */
  watcher: undefined,
  index: (/** @type {number} */ id) => places.get(id) ?? 0,
  view: () => meta.views.find((/** @type {any} */ view) => view.name === app.state.view) ?? meta.views[0],
  /** The metric or score under each map. */
  metric: () => {
    const own = meta.kinds.filter((/** @type {any} */ kind) => kind.view === app.view().name);
    const keys = own.map((/** @type {any} */ kind) => `${kind.kind}/${kind.view}/${kind.name}`);
    return keys.includes(app.state.metric) ? app.state.metric : (keys[0] ?? "");
  },
  metricTitle: () => titles.get(app.metric()) ?? "",
  axis: (/** @type {"x" | "y"} */ axis) => {
    const first = meta.kinds.length ? `${meta.kinds[0].kind}/${meta.kinds[0].view}/${meta.kinds[0].name}` : "right";
    return { quantity: app.state[axis] || (axis === "x" ? first : "share"), condition: app.state[`${axis}c`] };
  },
  title: (/** @type {any} */ wanted) => `${titles.get(wanted.quantity) ?? wanted.quantity}, ${wanted.condition === "*" ? "mean over augmentations" : meta.conditions[wanted.condition]?.title}`,
  /** Change what is shown; the address follows. */
  change: (/** @type {Record<string, string>} */ patch) => {
    Object.assign(app.state, patch);
    history.replaceState(null, "", toHash(app.state) || location.pathname.split("/").pop());
    return update(patch);
  },
};

/** The number that images are sorted and filtered by; null for none. */
async function chosenNumber() {
  const { quantity, condition, pair } = app.state;
  if (quantity === "pair" && pair) {
    const [a, b] = pair.split("-").map(Number);
    return apart(meta, app.view(), a, b);
  }
  return titles.has(quantity) && quantity !== "pair" ? column(meta, { quantity, condition }) : null;
}

/**
 * The images that pass all filters, in order, and the number that they are sorted by.
 * @returns {Promise<{indices: number[], values: Float32Array | null}>}
 */
async function filtered() {
  const { state } = app;
  const values = await chosenNumber();
  const segment = state.segment ? await inSegment(meta, state.segment, state.condition) : null;
  const only = state.only ? new Set(state.only.split(",").map(Number)) : null;
  const [low, high] = [state.min === "" ? -Infinity : Number(state.min), state.max === "" ? Infinity : Number(state.max)];
  const brush = state.brush ? state.brush.split(",").map(Number) : null;
  const [x, y] = brush ? await Promise.all([column(meta, app.axis("x")), column(meta, app.axis("y"))]) : [null, null];
  const words = state.search.toLowerCase().trim();
  const indices = [];
  for (let i = 0; i < meta.ids.length; i++) {
    if (only && !only.has(meta.ids[i])) continue;
    if (state.class !== "" && String(meta.labels[i]) !== state.class) continue;
    if (segment && !segment[i]) continue;
    if (values && (state.min !== "" || state.max !== "") && !(values[i] >= low && values[i] <= high)) continue;
    if (brush && x && y && !(x[i] >= brush[0] && x[i] <= brush[1] && y[i] >= brush[2] && y[i] <= brush[3])) continue;
    if (words && !(/^\d+$/.test(words) ? String(meta.ids[i]) === words : `${meta.sources[i] ?? ""} ${meta.classes[meta.labels[i]]}`.toLowerCase().includes(words))) continue;
    indices.push(i);
  }
  if (values) {
    const sign = state.down ? -1 : 1, last = (/** @type {number} */ i) => (Number.isNaN(values[i]) ? 1 : 0);
    indices.sort((a, b) => last(a) - last(b) || sign * (values[a] - values[b]) || a - b);
  }
  return { indices, values };
}

const FILTERS = ["search", "class", "condition", "segment", "quantity", "min", "max", "down", "only", "brush", "x", "y", "xc", "yc", "view", "pair"];
const LOOKS = ["image", "show", "opacity", "colours", "scale", "mask", "metric", "view"];

/**
 * Show what has changed.
 * @param {Record<string, string>} patch
 */
async function update(patch) {
  controls();
  const has = (/** @type {string[]} */ keys) => Object.keys(patch).some((key) => keys.includes(key));
  if (has(LOOKS)) showChosen();
  if (!has([...FILTERS, "tab"]) && !(has(LOOKS) && app.state.tab === "means")) return;
  const ticket = (update.ticket += 1);
  const { indices, values } = await filtered();
  if (ticket !== update.ticket) return;
  app.selection = indices;
  byId("count").textContent = `${indices.length.toLocaleString("en")} of ${meta.ids.length.toLocaleString("en")} images`;
  const { tab } = app.state;
  for (const panel of /** @type {any} */ (document.querySelectorAll("[role=tabpanel]"))) panel.hidden = panel.id !== `panel-${tab}`;
  if (tab === "images") await showGrid(app, byId("grid"), indices, values);
  else if (tab === "means") await showMeans(app, byId("means"));
  else if (tab === "models") showMatrix(app, byId("matrix"));
  else if (tab === "scatter") await showScatter(app, byId("scatter"));
  document.body.dataset.ready = String(ticket);
}
update.ticket = 0;

/** Show the chosen image, or none. */
function showChosen() {
  const place = byId("detail"), open = places.has(Number(app.state.image)) && app.state.image !== "";
  byId("side").hidden = !open;
  for (const thumb of /** @type {any} */ (document.querySelectorAll(".thumb"))) thumb.setAttribute("aria-pressed", String(thumb.dataset.image === app.state.image));
  return open ? showDetail(app, place) : undefined;
}

/** Have the controls say what the state is. */
function controls() {
  for (const node of /** @type {any} */ (document.querySelectorAll("[data-key]"))) {
    const value = app.state[node.dataset.key];
    if (node.type === "checkbox") node.checked = node.dataset.on === value;
    else if (node.value !== value && document.activeElement !== node) node.value = value || (node.options?.[0]?.value ?? "");
  }
  for (const tab of /** @type {any} */ (document.querySelectorAll("[role=tab]"))) tab.setAttribute("aria-selected", String(tab.id === `tab-${app.state.tab}`));
  byId("brushed").hidden = !app.state.brush && !app.state.only && !app.state.pair;
  byId("brushed").textContent = app.state.brush ? "Clear the region of the scatter" : app.state.only ? "Clear the ready-made selection" : "Clear the two models";
}

/** Fill the controls' choices, once. */
function prepare() {
  const options = (/** @type {string} */ id, /** @type {Array<[string, string]>} */ all) => byId(id).append(...all.map(([value, text]) => element("option", { value, text })));
  const numbers = [...titles].filter(([key]) => key !== "pair");
  const conditions = /** @type {Array<[string, string]>} */ ([["*", "all augmentations"], ...Object.entries(meta.conditions).map(([name, own]) => [name, own.title])]);
  options("class", [["", "all classes"], ...meta.classes.map((/** @type {string} */ name, /** @type {number} */ i) => [String(i), name])]);
  options("segment", [["", "whoever is right"], ...Object.entries(SEGMENTS)]);
  options("quantity", /** @type {any} */ ([["", "their number"], ...titles]));
  options("condition", conditions);
  for (const axis of ["x", "y"]) {
    options(axis, /** @type {any} */ ([["", axis === "x" ? "first metric" : "probability of the true class"], ...numbers]));
    options(`${axis}c`, conditions);
  }
  options("metric", /** @type {any} */ (meta.kinds.map((/** @type {any} */ kind) => [`${kind.kind}/${kind.view}/${kind.name}`, kind.title])));
  options("view", meta.views.map((/** @type {any} */ view) => [view.name, `${view.name}: ${view.title}`]));
  options("ready", [["", "…"], ...meta.extremes.map((/** @type {any} */ each, /** @type {number} */ i) => [String(i), each.title])]);
  byId("ready").closest("label").hidden = !meta.extremes.length;
  byId("view").closest("label").hidden = meta.views.length < 2;
  byId("masks").hidden = !meta.masks.length;
  byId("tab-models").hidden = !meta.pairs.length;
  for (const node of /** @type {any} */ (document.querySelectorAll("[data-key]"))) {
    const event = node.tagName === "SELECT" || node.type === "checkbox" ? "change" : "input";
    node.addEventListener(event, () => app.change({ [node.dataset.key]: node.type === "checkbox" ? (node.checked ? node.dataset.on : (node.dataset.off ?? "")) : node.value }));
  }
  byId("ready").addEventListener("change", () => {
    const own = meta.extremes[Number(byId("ready").value)];
    if (byId("ready").value !== "" && own) app.change({ ...DEFAULTS, only: own.ids.join(","), image: String(own.ids[0]), view: app.state.view });
    byId("ready").value = "";
  });
  for (const tab of /** @type {any} */ (document.querySelectorAll("[role=tab]"))) tab.addEventListener("click", () => app.change({ tab: tab.id.replace("tab-", "") }));
  byId("clear").addEventListener("click", () => app.change({ ...DEFAULTS, image: app.state.image, view: app.state.view, tab: app.state.tab }));
  byId("brushed").addEventListener("click", () => app.change({ brush: "", only: "", pair: "", quantity: app.state.quantity === "pair" ? "" : app.state.quantity }));
  byId("close").addEventListener("click", () => app.change({ image: "" }));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("csv").addEventListener("click", () => download("images.csv", new Blob([csvOf(meta, app.selection)], { type: "text/csv" })));
  byId("png").addEventListener("click", async () => download("explorer.png", await pictureOf(app)));
  byId("help-button").addEventListener("click", () => byId("help").showModal());
}

/**
 * Go to the next or previous image of the selection.
 * @param {number} by
 */
function step(by) {
  if (!app.selection.length) return;
  const at = app.selection.indexOf(app.index(Number(app.state.image)));
  const next = app.selection[Math.min(app.selection.length - 1, Math.max(0, at + by))];
  app.change({ image: String(meta.ids[next]) });
}

addEventListener("keydown", (event) => {
  const target = /** @type {any} */ (event.target), typing = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !byId("help").open) {
    if (typing) target.blur();
    else if (app.state.image) {
      const last = /** @type {any} */ (document.querySelector(`.thumb[data-image="${Number(app.state.image)}"]`));
      app.change({ image: "" });
      last?.focus();
    }
  } else if (typing) return;
  else if (event.key === "/") {
    event.preventDefault();
    byId("search").focus();
  } else if (event.key === "?") byId("help").showModal();
  else if (event.key.startsWith("Arrow") && !byId("help").open && !target.closest?.("[role=tablist]")) {
    const thumb = target.closest?.(".thumb");
    if (app.state.image && !thumb && /Left|Right/.test(event.key)) step(event.key === "ArrowLeft" ? -1 : 1);
    else if (app.state.tab === "images" && (thumb || target === document.body)) {
      const next = neighbour(byId("grid"), event.key);
      next?.focus();
      if (next && app.state.image) app.change({ image: next.dataset.image });
    } else return;
    event.preventDefault();
  }
});
addEventListener("hashchange", () => {
  app.state = fromHash(location.hash);
  update(app.state);
});

/** Unpack all maps of the view ahead of the first click, one by one. */
async function ahead() {
  for (let m = 0; m < meta.models.length; m++) {
    await Promise.all([array(`maps-${app.view().name}-${m}`, Uint8Array), array(`ends-${app.view().name}-${m}`, Float32Array), array(`predicted-${m}`, Int32Array), array(`shares-${m}`, Float32Array)]);
    if (app.metric()) await array(`${app.metric().split("/").slice(0, 2).join("-")}-${m}`, Float32Array);
    await new Promise((resolve) => setTimeout(resolve));
  }
  document.body.dataset.ahead = "done";
}

prepare();
sprite(0).then(() => update(app.state)).then(() => {
  document.body.dataset.first = String(performance.now());
  ahead();
});
