// @ts-check
/** The grid of images: as many as are scrolled to. */
import { sprite } from "./chunks.js";
import { element, shown } from "./dom.js";

const STEP = 120; // images that are added at once

/**
 * Show images as buttons in `place`, in the order of `indices`.
 * @param {any} app
 * @param {any} place
 * @param {number[]} indices
 * @param {ArrayLike<number> | null} values a number written under each image
 */
export async function showGrid(app, place, indices, values) {
  const { meta } = app;
  place.replaceChildren();
  let count = 0;
  const sentinel = element("div", { class: "sentinel", "aria-hidden": "true" });
  const add = () => {
    const part = indices.slice(count, count + STEP);
    count += part.length;
    sentinel.remove();
    place.append(...part.map((i) => thumbnail(app, i, values)));
    if (count < indices.length) place.append(sentinel);
  };
  const watcher = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && add(), { root: place.closest(".scroll"), rootMargin: "400px" });
  add();
  watcher.observe(sentinel);
  app.watcher?.disconnect();
  app.watcher = watcher;
  if (!indices.length) place.append(element("p", { text: "No image is like that. Loosen a filter, or clear all of them." }));
  const first = indices.slice(0, STEP).map((i) => Math.floor(i / meta.across ** 2));
  await Promise.all([...new Set(first)].map(sprite));
}

/**
 * @param {any} app
 * @param {number} i
 * @param {ArrayLike<number> | null} values
 */
function thumbnail(app, i, values) {
  const { meta } = app, id = meta.ids[i], name = meta.classes[meta.labels[i]];
  const note = values ? shown(values[i], 3) : name;
  const picture = element("span", { class: "picture" });
  const button = element("button", {
    type: "button", class: "thumb", "data-image": id, "aria-label": `Image ${id}, class ${name}${values ? `, ${shown(values[i], 3)}` : ""}`,
    title: `${id}: ${name}`, "aria-pressed": String(String(id) === app.state.image), onclick: () => app.change({ image: String(id) }),
  }, [picture, element("span", { class: "under", text: note })]);
  const place = i % meta.across ** 2, across = meta.across;
  sprite(Math.floor(i / across ** 2)).then(({ url, image }) => {
    const rows = image.naturalHeight / meta.side;
    picture.style.backgroundImage = `url(${url})`;
    picture.style.backgroundSize = `${100 * across}% ${100 * rows}%`;
    const x = (100 * (place % across)) / (across - 1), y = rows > 1 ? (100 * Math.floor(place / across)) / (rows - 1) : 0;
    picture.style.backgroundPosition = `${x}% ${y}%`;
  });
  return button;
}

/**
 * The image to go to from the one that has the focus, by an arrow key; null where there is none.
 * @param {any} place
 * @param {string} key
 */
export function neighbour(place, key) {
  const buttons = [...place.querySelectorAll(".thumb")];
  const at = buttons.indexOf(document.activeElement);
  if (at < 0) return buttons[0] ?? null;
  const top = buttons[0].offsetTop;
  const across = buttons.findIndex((button) => button.offsetTop > top);
  const down = across < 0 ? buttons.length : across;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -down, ArrowDown: down }[key] ?? 0;
  return buttons[at + step] ?? null;
}

/**
 * The pixels of an image at `size` × `size`, RGBA.
 * @param {any} meta
 * @param {number} i
 * @param {number} size
 * @returns {Promise<Uint8ClampedArray>}
 */
export async function pixelsOf(meta, i, size) {
  const { image } = await sprite(Math.floor(i / meta.across ** 2));
  const canvas = new OffscreenCanvas(size, size);
  const context = /** @type {any} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const place = i % meta.across ** 2;
  context.imageSmoothingEnabled = size < meta.side;
  context.drawImage(image, (place % meta.across) * meta.side, Math.floor(place / meta.across) * meta.side, meta.side, meta.side, 0, 0, size, size);
  return context.getImageData(0, 0, size, size).data;
}
