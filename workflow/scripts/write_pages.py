"""Write the report's pages: the summary of the run, and sortable tables."""

from pathlib import Path

from augcam.files.atomic import atomic
from augcam.files.json import read_json
from augcam.files.tables import read_table
from augcam.report.pages import summary_page, table_page
from augcam.run.job import job

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
