// @ts-check
/** Maps at the input's resolution, exactly as augcam.comparison.maps makes them, and their colours. */

const EPSILON = Math.fround(1e-7);

/**
 * Where `size` outputs of a bilinear resize lie among `length` inputs: half-pixel centres.
 * @param {number} length
 * @param {number} size
 */
export function positions(length, size) {
  const low = new Int32Array(size), weight = new Float32Array(size);
  const scale = Math.fround(length / size);
  for (let i = 0; i < size; i++) {
    const at = Math.fround(Math.fround((i + 0.5) * scale) - 0.5);
    const inside = Math.min(Math.max(at, 0), length - 1);
    low[i] = Math.floor(inside);
    weight[i] = inside - low[i];
  }
  return { low, weight };
}

/**
 * Bilinear resize of a map of `height` × `width` cells to `size` × `size` pixels.
 * @param {ArrayLike<number>} cells
 * @param {number} height
 * @param {number} width
 * @param {number} size
 */
export function enlarge(cells, height, width, size) {
  const rows = positions(height, size), columns = positions(width, size);
  const out = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const top = rows.low[y] * width, bottom = Math.min(rows.low[y] + 1, height - 1) * width, v = rows.weight[y];
    for (let x = 0; x < size; x++) {
      const left = columns.low[x], right = Math.min(left + 1, width - 1), u = columns.weight[x];
      const above = cells[top + left] * (1 - u) + cells[top + right] * u;
      const below = cells[bottom + left] * (1 - u) + cells[bottom + right] * u;
      out[y * size + x] = above * (1 - v) + below * v;
    }
  }
  return out;
}

/**
 * Shift and scale values to [0, 1], in place; a constant map becomes 0.
 * @param {Float32Array} values
 */
export function normalise(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = 1 / (EPSILON + (high - low));
  for (let i = 0; i < values.length; i++) values[i] = (values[i] - low) * scale;
  return values;
}

/**
 * The map that is compared: 8-bit cells, scaled to their own range, enlarged and scaled again.
 * @param {Uint8Array} cells
 * @param {number} height
 * @param {number} width
 * @param {number} size
 */
export function toMap(cells, height, width, size) {
  return normalise(enlarge(Float32Array.from(cells, (cell) => cell / 255), height, width, size));
}

/**
 * The same in units of the raw map, as a share of `most`: for a scale that several maps share.
 * @param {Uint8Array} cells
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @param {number} height
 * @param {number} width
 * @param {number} size
 */
export function toCommonMap(cells, low, high, most, height, width, size) {
  const scale = most > 0 ? 1 / most : 0;
  return enlarge(Float32Array.from(cells, (cell) => (low + ((high - low) * cell) / 255) * scale), height, width, size);
}

/**
 * Colours of values in [0, 1]: RGBA bytes.
 * @param {Float32Array} values
 * @param {ArrayLike<number>} colours 256 × 3 bytes
 */
export function heat(values, colours) {
  const out = new Uint8ClampedArray(values.length * 4);
  for (let i = 0; i < values.length; i++) {
    const at = 3 * Math.min(255, Math.max(0, Math.floor(values[i] * 256)));
    out[4 * i] = colours[at];
    out[4 * i + 1] = colours[at + 1];
    out[4 * i + 2] = colours[at + 2];
    out[4 * i + 3] = 255;
  }
  return out;
}

/**
 * Colours over a grey picture, the stronger the higher the value, as augcam.report.pictures.overlay.
 * @param {Uint8ClampedArray} coloured RGBA, changed in place
 * @param {Uint8ClampedArray} pixels RGBA of the picture
 * @param {Float32Array} strength in [0, 1], one per pixel
 * @param {number} opacity
 */
export function overlay(coloured, pixels, strength, opacity) {
  for (let i = 0; i < strength.length; i++) {
    const share = Math.min(1, Math.max(0, strength[i])) * opacity;
    const grey = (pixels[4 * i] + pixels[4 * i + 1] + pixels[4 * i + 2]) / 3;
    for (let c = 0; c < 3; c++) coloured[4 * i + c] = grey * (1 - share) + coloured[4 * i + c] * share;
  }
  return coloured;
}
