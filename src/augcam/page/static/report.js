// @ts-check
/** What happens on the report: its figure, choices of figures, tables, copying, links to tables. */
import { byId, copy } from "./dom.js";
import { effectFigure } from "./effects.js";
import { tableWhenOpened } from "./tables.js";

const data = JSON.parse(byId("data").textContent);
if (data.chart) effectFigure(data.chart);
for (const figure of document.querySelectorAll("figure.choice")) {
  const select = figure.querySelector("select");
  const pictures = /** @type {any[]} */ ([...figure.querySelectorAll(":scope > div:not(.tools)")]);
  select?.addEventListener("change", () => pictures.forEach((picture, i) => (picture.hidden = i !== Number(select.value))));
}
for (const [name, table] of Object.entries(data.tables)) tableWhenOpened(byId(`table-${name}`), table);
for (const button of /** @type {any} */ (document.querySelectorAll(".copy-text"))) {
  button.addEventListener("click", () => copy(byId(button.dataset.from).textContent));
}

/** Open the table that the address names. */
function openNamed() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openNamed);
openNamed();
