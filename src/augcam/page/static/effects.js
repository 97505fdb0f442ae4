// @ts-check
/** The figure of the answer: how far each condition lies from the baseline, over the controls. */
import { byId, element, shown, svg, ticks } from "./dom.js";

const WIDTH = 1000, LEFT = 190, RIGHT = 30, TOP = 34, ROW = 34, BOTTOM = 52;

/**
 * @typedef {{columns: string[], rows: any[][], quantities: Record<string, any>, first: string,
 *   controls: string[], fair: string, base: string, conditions: Record<string, any>}} Effects
 */

/**
 * The rows of one quantity against one control, as objects.
 * @param {Effects} data
 * @param {string} metric
 * @param {string} [control]
 * @returns {any[]}
 */
export function effectRows(data, metric, control) {
  return data.rows
    .map((row) => Object.fromEntries(data.columns.map((name, i) => [name, row[i]])))
    .filter((row) => row.metric === metric && (control === undefined || row.control === control));
}

/**
 * @param {Effects} data
 */
export function effectFigure(data) {
  const metrics = byId("effect-metric"), controls = byId("effect-control"), place = byId("effect-chart");
  for (const [name, own] of Object.entries(data.quantities)) metrics.append(element("option", { value: name, text: own.title }));
  for (const name of data.controls) controls.append(element("option", { value: name, text: data.conditions[name].title }));
  metrics.value = data.first;
  controls.value = data.fair ?? data.controls[0];
  const draw = () => place.replaceChildren(...effectChart(data, metrics.value, controls.value));
  metrics.addEventListener("change", draw);
  controls.addEventListener("change", draw);
  draw();
}

/**
 * The chart, and the line that says the numbers of the row that is pointed at.
 * @param {Effects} data
 * @param {string} metric
 * @param {string} control
 * @returns {any[]}
 */
export function effectChart(data, metric, control) {
  const quantity = data.quantities[metric];
  const rows = effectRows(data, metric, control).map((row) => ({
    ...row,
    at: row.control_mean + row.difference,
    thick: [row.control_mean + row.pooled_low, row.control_mean + row.pooled_high],
    thin: [row.control_mean + row.low, row.control_mean + row.high],
  }));
  const levels = quantity.levels[control] ?? {};
  const ends = [levels[data.base], levels.identity, ...rows.flatMap((row) => [row.at, ...row.thick])].filter(Number.isFinite);
  if (quantity.equality !== null) ends.push(quantity.equality);
  const span = Math.max(...ends) - Math.min(...ends) || 1;
  let low = Math.min(...ends) - 0.04 * span, high = Math.max(...ends) + 0.04 * span;
  if (quantity.equality === 0) low = Math.max(low, Math.min(0, ...ends));
  if (quantity.equality === 1) high = Math.min(high, Math.max(1, ...ends));
  const reversed = quantity.direction < 0; // farther from the baseline is always to the right
  const height = TOP + ROW * rows.length + BOTTOM, bottom = TOP + ROW * rows.length;
  const x = (/** @type {number} */ value) => {
    const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    return LEFT + (reversed ? 1 - share : share) * (WIDTH - LEFT - RIGHT);
  };
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "group", "aria-label": `${quantity.title}: distance of every condition from the baseline` });
  const band = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ colour) =>
    svg("rect", { x: Math.min(x(from), x(to)), y: TOP, width: Math.abs(x(to) - x(from)), height: bottom - TOP, fill: colour });
  const { identity } = levels, none = levels[data.base];
  if (quantity.equality !== null) {
    if (identity !== undefined) picture.append(band(quantity.equality, identity, "var(--band-step)"));
    if (none !== undefined) picture.append(band(quantity.equality, none, "var(--band-noise)"));
  }
  for (const value of ticks(low, high)) {
    picture.append(svg("line", { class: "axis", x1: x(value), x2: x(value), y1: TOP, y2: bottom }), svg("text", { class: "soft", x: x(value), y: bottom + 18, "text-anchor": "middle", text: shown(value) }));
  }
  const marked = [[data.base, "seed noise", "end"], ["identity", "step control", "start"]].filter(([name]) => levels[name] !== undefined);
  if (marked.length === 2 && x(levels.identity) < x(levels[data.base])) marked.forEach((mark) => (mark[2] = mark[2] === "end" ? "start" : "end"));
  for (const [name, words, anchor] of marked) {
    const at = x(levels[name]);
    picture.append(svg("line", { x1: at, x2: at, y1: TOP - 8, y2: bottom, stroke: "var(--soft)", "stroke-dasharray": name === data.base ? "2 3" : "7 4" }), svg("text", { class: "soft", x: at + (anchor === "end" ? -4 : 4), y: TOP - 12, "text-anchor": anchor, text: words }));
  }
  picture.append(svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: height - 8, "text-anchor": "middle", text: `${quantity.title}${quantity.direction ? " (right: farther from the baseline)" : ""}` }));
  const output = element("output", { text: "" });
  rows.forEach((row, i) => picture.append(effectRow(row, data.conditions[row.condition], TOP + ROW * (i + 0.5), x, output, data.conditions[control].title)));
  return [picture, output];
}

/**
 * @param {any} row
 * @param {any} condition
 * @param {number} y
 * @param {(value: number) => number} x
 * @param {any} output
 * @param {string} control
 */
function effectRow(row, condition, y, x, output, control) {
  const words = `${condition.title}: ${shown(row.mean)}; ${shown(row.difference)} from ${control} (${shown(row.pooled_low)} to ${shown(row.pooled_high)}), corrected p ${shown(row.p_holm, 2)}, ${row.n_states} state${row.n_states === 1 ? "" : "s"}; verdict: ${row.farther_than_control}`;
  const say = () => (output.textContent = words);
  const group = svg("g", { tabindex: 0, role: "img", "aria-label": words, onfocus: say, onmouseenter: say });
  const line = ([from, to] = [0, 0], width = 1) => Number.isFinite(from + to) && svg("line", { x1: x(from), x2: x(to), y1: y, y2: y, stroke: condition.colour, "stroke-width": width, opacity: width < 2 ? 0.6 : 1 });
  const yes = ["yes", "higher", "lower"].includes(row.farther_than_control), no = row.farther_than_control === "no";
  const shape = { fill: yes ? condition.colour : "var(--paper)", stroke: condition.colour, "stroke-width": 2.5, class: yes ? "farther" : no ? "not-farther" : "open" };
  const at = x(row.at);
  group.append(
    svg("rect", { class: "hit", x: 0, y: y - ROW / 2, width: WIDTH, height: ROW, fill: "transparent" }),
    svg("text", { x: LEFT - 12, y: y + 5, "text-anchor": "end", "font-style": condition.control ? "italic" : "normal", text: condition.title }),
    ...[line(row.thin, 1.3), line(row.thick, 5)].filter(Boolean),
    no ? svg("rect", { ...shape, x: at - 6, y: y - 6, width: 12, height: 12 }) : svg("circle", { ...shape, cx: at, cy: y, r: 7 }),
  );
  return group;
}
