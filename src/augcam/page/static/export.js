// @ts-check
/** What a reader takes away from the explorer: ids as CSV, what is shown as PNG. */
import { byId, element } from "./dom.js";
import { canvas } from "./detail.js";
import { pixelsOf } from "./grid.js";

/**
 * The selection as CSV. Text that a spreadsheet would run gets an apostrophe in front.
 * @param {any} meta
 * @param {number[]} selection
 */
export function csvOf(meta, selection) {
  const cell = (/** @type {string} */ text) => `"${(/^'*[=+\-@\t]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const lines = selection.map((i) => [meta.ids[i], cell(meta.classes[meta.labels[i]]), cell(meta.sources[i] ?? "")].join(","));
  return ["image_id,class_name,source", ...lines, ""].join("\n");
}

/**
 * @param {string} name
 * @param {Blob} blob
 */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * What is shown as a PNG: the maps of the image that is open, or else the first images of the grid.
 * @param {any} app
 * @returns {Promise<Blob>}
 */
export async function pictureOf(app) {
  const cells = app.state.image ? mapsShown() : await imagesShown(app);
  const side = 128, line = 34, across = Math.min(cells.across, cells.all.length) || 1, down = Math.ceil(cells.all.length / across);
  const picture = element("canvas", { width: across * (side + 8) + 8, height: down * (side + line) + 8 });
  const context = picture.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, picture.width, picture.height);
  context.font = "11px sans-serif";
  cells.all.forEach(({ image, words }, k) => {
    const x = 8 + (k % across) * (side + 8), y = 8 + Math.floor(k / across) * (side + line);
    context.imageSmoothingEnabled = image.width > side;
    context.drawImage(image, x, y, side, side);
    context.fillStyle = "#1f2933";
    words.forEach((/** @type {string} */ word, /** @type {number} */ row) => context.fillText(word, x, y + side + 12 + 13 * row, side));
  });
  return new Promise((resolve) => picture.toBlob(resolve));
}

function mapsShown() {
  const all = [...byId("detail").querySelectorAll(".cell")].map((cell) => {
    const own = cell.dataset.model ?? "";
    return { image: cell.querySelector("canvas"), words: [own || "baseline and image", cell.children[1]?.textContent ?? ""] };
  });
  return { all: all.filter(({ image }) => image), across: 6 };
}

/** @param {any} app */
async function imagesShown(app) {
  const { meta } = app, part = app.selection.slice(0, 200);
  const all = await Promise.all(part.map(async (/** @type {number} */ i) => {
    const pixels = await pixelsOf(meta, i, meta.side);
    return { image: canvas(meta.side, pixels, ""), words: [`${meta.ids[i]}`, meta.classes[meta.labels[i]]] };
  }));
  return { all, across: 10 };
}
