// @ts-check
/**
 * Chunks of the page: base64 in `<script type="text/plain">`, unpacked when they are asked for; or
 * in files beside it, scripts that add themselves to `window.parts`, as a page opened from a disk
 * may read nothing else.
 */
import { byId } from "./dom.js";

/** @type {Map<string, Promise<any>>} */
const known = new Map();

/** Resolves once the whole file has been read. */
const whole = new Promise((resolve) => {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => resolve(true));
  else resolve(true);
});

const beside = byId("parts");

/** @type {{folder: string, keys: string[]}} */
const parts = beside ? JSON.parse(beside.textContent ?? "") : { folder: "", keys: [] };

/**
 * The text of a chunk that lies in a file; where it cannot be read, the page says so.
 * @param {string} key
 * @returns {Promise<string>}
 */
function fileOf(key) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${parts.folder}/${key}.js`;
    const end = () => {
      const found = /** @type {any} */ (window).parts ?? {}, text = found[key];
      delete found[key];
      script.remove();
      if (text !== undefined) return resolve(text);
      const missing = byId("missing");
      if (missing) missing.hidden = false;
      reject(new Error(`${script.src} cannot be read`));
    };
    script.onload = script.onerror = end;
    document.head.append(script);
  });
}

/**
 * The text of a chunk, taken out of the document; null where the page has none.
 * @param {string} key
 * @returns {Promise<string | null>}
 */
async function textOf(key) {
  if (parts.keys.includes(key)) return fileOf(key);
  if (!byId(`chunk-${key}`)?.nextElementSibling) await whole; // it may not have been read to its end
  const node = byId(`chunk-${key}`);
  const text = node ? node.textContent : null;
  node?.remove();
  return text;
}

/**
 * @param {string} base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(base64) {
  const own = /** @type {any} */ (Uint8Array);
  if (own.fromBase64) return own.fromBase64(base64);
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * A chunk as an array of `Kind`; null where the page has none. Unpacked once.
 * @param {string} key
 * @param {any} Kind a typed array's constructor
 * @returns {Promise<any>}
 */
export function array(key, Kind) {
  const load = async () => {
    const text = await textOf(key);
    if (text === null) return null;
    const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Kind(await new Response(stream).arrayBuffer());
  };
  if (!known.has(key)) known.set(key, load());
  return /** @type {Promise<any>} */ (known.get(key));
}

/**
 * A sprite of images: its address, and the picture itself.
 * @param {number} number
 * @returns {Promise<{url: string, image: HTMLImageElement}>}
 */
export function sprite(number) {
  const key = `images-${number}`;
  const load = async () => {
    const text = (await textOf(key)) ?? "";
    const url = URL.createObjectURL(new Blob([bytesOf(text)], { type: "image/webp" }));
    const image = new Image();
    image.src = url;
    await image.decode();
    return { url, image };
  };
  if (!known.has(key)) known.set(key, load());
  return /** @type {Promise<any>} */ (known.get(key));
}
