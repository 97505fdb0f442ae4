"""Write the report's pages: the summary of the run, and sortable tables."""

from pathlib import Path

from augcam.files import atomic, read_json, read_table
from augcam.jobs import job
from augcam.pages import summary_page, table_page

with job(snakemake.log[0]):
    tables = {Path(path).stem: read_table(path) for path in snakemake.input.tables}
    for path in map(Path, snakemake.output):
        name = path.stem
        if name == "summary":
            html = summary_page(read_json(snakemake.input.provenance), tables["claims"])
        else:
            html = table_page(name, tables[name])
        with atomic(path) as temporary:
            temporary.write_text(html, encoding="utf-8")
