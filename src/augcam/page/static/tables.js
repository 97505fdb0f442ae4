// @ts-check
/** Tables that are sorted, filtered and copied; made when they are first opened. */
import { copy, element, shown } from "./dom.js";

/** @typedef {{columns: string[], rows: Array<Array<any>>}} Table */

/**
 * Fill a `<details class="table">` with its table once it is opened.
 * @param {any} details
 * @param {Table} table
 */
export function tableWhenOpened(details, table) {
  let done = false;
  const fill = () => {
    if (done || !details.open) return;
    done = true;
    const sheet = sortable(table);
    details.querySelector(".sheet").append(sheet.node);
    const field = details.querySelector("input");
    field.addEventListener("input", () => sheet.filter(field.value));
    details.querySelector(".copy").addEventListener("click", () => copy(sheet.text()));
  };
  details.addEventListener("toggle", fill);
  fill();
}

/**
 * @param {Table} table
 */
export function sortable({ columns, rows }) {
  const numeric = columns.map((_, c) => rows.some((row) => typeof row[c] === "number") && rows.every((row) => row[c] === null || typeof row[c] === "number"));
  const body = element("tbody");
  const lines = rows.map((row) => {
    const cells = row.map((value, c) => {
      const text = typeof value === "number" ? shown(value) : value === null ? "–" : String(value);
      const kind = numeric[c] ? "number" : value === "yes" || value === "no" ? value : null;
      return element("td", { text, class: kind, title: typeof value === "number" ? String(value) : null });
    });
    return { row, node: element("tr", {}, cells) };
  });
  const heads = columns.map((name, c) => element("th", { scope: "col", class: numeric[c] ? "number" : null }, [element("button", { type: "button", text: name.replaceAll("_", " "), onclick: () => sort(c) })]));
  let order = lines.slice();

  function sort(/** @type {number} */ c) {
    const down = heads[c].getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[c].setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
    order = order.slice().sort((a, b) => compared(a.row[c], b.row[c], down));
    body.append(...order.map((line) => line.node));
  }

  function filter(/** @type {string} */ text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const line of lines) {
      const content = line.node.textContent.toLowerCase();
      line.node.hidden = !words.every((word) => content.includes(word));
    }
  }

  function text() {
    const kept = order.filter((line) => !line.node.hidden).map((line) => line.row);
    return [columns, ...kept].map((row) => row.map((value) => value ?? "").join("\t")).join("\n");
  }

  body.append(...lines.map((line) => line.node));
  const node = element("table", {}, [element("thead", {}, [element("tr", {}, heads)]), body]);
  return { node, sort, filter, text };
}

/**
 * Order of two cells: what is undefined stands last, whichever way.
 * @param {any} a
 * @param {any} b
 * @param {number} down
 */
export function compared(a, b, down) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return down * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
}
