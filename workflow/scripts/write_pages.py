"""Write the report's pages: its start, the summary of the run, and sortable tables."""

from pathlib import Path

from augcam.files.atomic import atomic
from augcam.files.json import read_json
from augcam.files.tables import read_table
from augcam.report.pages import start_page, summary_page, table_page
from augcam.run.job import job

with job(snakemake):
    files = snakemake.input
    tables = {Path(path).stem: read_table(path) for path in files.tables}
    for path in map(Path, snakemake.output):
        name = path.stem
        if name == "start":
            text = Path(files.start).read_text(encoding="utf-8")
            text = start_page(text, read_table(files.warnings))
        elif name == "summary":
            provenance, warnings = read_json(files.provenance), read_table(files.warnings)
            text = summary_page(provenance, tables["claims"], warnings)
        else:
            text = table_page(name, tables[name])
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
