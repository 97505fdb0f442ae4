"""The report as one page: `results/<experiment>/index.html`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from augcam.page.answer import answer, effect_chart
from augcam.page.embed import json_text, page
from augcam.page.methods import citations, methods, studied
from augcam.page.sections import captions, parts, sheets
from augcam.report.catalogue import Item
from augcam.report.pages import facts
from augcam.results import Results

SCRIPTS = ("dom", "tables", "effects", "report")

TITLES = {
    "compared": "What was compared",
    "effects": "How far, which way, how alike",
    "paper": "The paper's analysis",
}


def index_page(
    run: Results,
    figures: Sequence[Item],
    pages: Sequence[Item],
    caption_files: Iterable[str | Path],
    citation: str | Path | None = None,
    explorer: str = "",
    formats: Sequence[str] = ("png", "pdf"),
    threads: int = 1,
) -> str:
    """The HTML of the report on `run`.

    `figures`, `pages`: of `augcam.report.catalogue`; those that the run lacks are left out.
    `caption_files`: `<caption>.rst` of each figure; `citation`: a `CITATION.cff`;
    `explorer`: the path of the explorer from the page, where there is one; `formats`: those
    that figures are written in besides PNG.
    """
    tables, provenance = run.tables, run.provenance
    config = provenance["config"]
    suffixes = [suffix for suffix in ("pdf", "svg", "png") if suffix in ("png", *formats)]
    shown = captions(map(Path, caption_files))
    found = parts(figures, pages, shown, run.folder, suffixes, threads)
    listed = sheets(tables, [item.name for item in pages])
    smallest = config["statistics"]["smallest_effect"]
    states = len(config["starting_states"])
    chart = effect_chart(tables, run.baseline[0])
    claims = tables["claims"] if "claims" in tables else pd.DataFrame({"holds": []})
    return page(
        "index.html.j2",
        SCRIPTS,
        ["page"],
        experiment=config["experiment"],
        answer=answer(tables, studied(provenance), states, smallest, run.baseline[0]),
        format=suffixes[0],
        margin=f"{100 * smallest:.0f} %",
        chart=chart if chart["rows"] else None,
        warnings=_warnings(tables),
        findings=_findings(tables),
        facts=facts(provenance, claims),
        claims=_claims(claims),
        parts=[
            {"key": key, "title": title, "sections": found[key]} for key, title in TITLES.items()
        ],
        sheets=listed,
        methods=methods(provenance),
        citations=citations(citation),
        explorer=explorer,
        data=json_text(
            {
                "chart": chart if chart["rows"] else None,
                "tables": {
                    sheet.name: {"columns": sheet.columns, "rows": sheet.rows}
                    for sheet in listed
                    if sheet.rows or not sheet.total
                },
            }
        ),
    )


def _warnings(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    if "warnings" not in tables:
        return []
    rows = tables["warnings"]
    return list(rows.loc[rows["level"] == "warning", "text"])


def _findings(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Topic and sentence of every conclusion; warnings stand above."""
    if "conclusions" not in tables:
        return []
    rows = tables["conclusions"]
    return list(rows[rows["topic"] != "warning"].itertuples(index=False, name=None))


def _claims(claims: pd.DataFrame) -> str:
    counts = claims["holds"].value_counts()
    if counts.empty:
        return ""
    answers = ", ".join(f"{n} {what}" for what, n in counts.items())
    return f"Of {counts.sum()} statements: {answers}."
