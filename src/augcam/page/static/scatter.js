// @ts-check
/** Any two numbers per image; a region that is drawn becomes the selection. */
import { column } from "./columns.js";
import { element, shown, ticks } from "./dom.js";

const LEFT = 80, BOTTOM = 56, TOP = 16, RIGHT = 20;

/**
 * Ends of the defined values, with some room.
 * @param {Float32Array} values
 * @returns {[number, number]}
 */
function ends(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const room = 0.03 * (high - low || 1);
  return Number.isFinite(low) ? [low - room, high + room] : [0, 1];
}

/**
 * Draw the chosen numbers of all images, those of the selection in colour.
 * @param {any} app
 * @param {any} place
 */
export async function showScatter(app, place) {
  const { meta, state } = app;
  const [x, y] = await Promise.all([column(meta, app.axis("x")), column(meta, app.axis("y"))]);
  const [xs, ys] = [ends(x), ends(y)];
  const ratio = Math.max(1, devicePixelRatio);
  const WIDTH = Math.min(1200, Math.max(340, place.clientWidth || 900)), HEIGHT = Math.max(320, Math.round(0.68 * WIDTH));
  const picture = element("canvas", { width: WIDTH * ratio, height: HEIGHT * ratio, class: "scatter", tabindex: 0, role: "img", "aria-label": `${app.title(app.axis("x"))} against ${app.title(app.axis("y"))}: one point per image` });
  const context = picture.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.body);
  const ink = (/** @type {string} */ name) => style.getPropertyValue(name);
  const atX = (/** @type {number} */ value) => LEFT + ((value - xs[0]) / (xs[1] - xs[0])) * (WIDTH - LEFT - RIGHT);
  const atY = (/** @type {number} */ value) => HEIGHT - BOTTOM - ((value - ys[0]) / (ys[1] - ys[0])) * (HEIGHT - BOTTOM - TOP);
  const fromX = (/** @type {number} */ at) => xs[0] + ((at - LEFT) / (WIDTH - LEFT - RIGHT)) * (xs[1] - xs[0]);
  const fromY = (/** @type {number} */ at) => ys[0] + ((HEIGHT - BOTTOM - at) / (HEIGHT - BOTTOM - TOP)) * (ys[1] - ys[0]);

  function draw(/** @type {number[] | null} */ box) {
    context.clearRect(0, 0, WIDTH, HEIGHT);
    context.font = "13px system-ui, sans-serif";
    context.strokeStyle = ink("--line");
    context.fillStyle = ink("--soft");
    context.textAlign = "center";
    for (const value of ticks(...xs)) {
      context.strokeRect(atX(value), TOP, 0, HEIGHT - BOTTOM - TOP);
      context.fillText(shown(value), atX(value), HEIGHT - BOTTOM + 18);
    }
    context.textAlign = "right";
    for (const value of ticks(...ys)) {
      context.strokeRect(LEFT, atY(value), WIDTH - LEFT - RIGHT, 0);
      context.fillText(shown(value), LEFT - 8, atY(value) + 4);
    }
    context.textAlign = "center";
    context.fillStyle = ink("--ink");
    context.fillText(app.title(app.axis("x")), (LEFT + WIDTH) / 2, HEIGHT - 12);
    context.save();
    context.translate(18, (HEIGHT - BOTTOM) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(app.title(app.axis("y")), 0, 0);
    context.restore();
    const chosen = new Set(app.selection);
    for (const inside of [false, true]) {
      context.fillStyle = ink(inside ? "--strong" : "--soft");
      context.globalAlpha = inside ? 0.75 : 0.25;
      x.forEach((value, i) => {
        if (chosen.has(i) !== inside || Number.isNaN(value + y[i])) return;
        context.beginPath();
        context.arc(atX(value), atY(y[i]), 3, 0, 7);
        context.fill();
      });
    }
    context.globalAlpha = 1;
    if (box) {
      context.strokeStyle = ink("--focus");
      context.lineWidth = 2;
      context.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      context.lineWidth = 1;
    }
  }

  const brush = state.brush ? state.brush.split(",").map(Number) : null;
  draw(brush && [atX(brush[0]), atY(brush[3]), atX(brush[1]), atY(brush[2])]);
  /** @type {number[] | null} */
  let start = null;
  const place_ = (/** @type {any} */ event) => {
    const box = picture.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT];
  };
  picture.addEventListener("pointerdown", (/** @type {any} */ event) => {
    start = place_(event);
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (/** @type {any} */ event) => start && draw([...start, ...place_(event)]));
  picture.addEventListener("pointerup", (/** @type {any} */ event) => {
    if (!start) return;
    const end = place_(event), [a, b] = [fromX(start[0]), fromX(end[0])], [c, d] = [fromY(start[1]), fromY(end[1])];
    const tiny = Math.hypot(end[0] - start[0], end[1] - start[1]) < 4;
    start = null;
    const box = [Math.min(a, b), Math.max(a, b), Math.min(c, d), Math.max(c, d)];
    app.change({ brush: tiny ? "" : box.map((value) => Number(value.toPrecision(6))).join(",") });
  });
  place.replaceChildren(picture);
}
