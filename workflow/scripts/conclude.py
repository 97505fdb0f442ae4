"""Say in sentences what the tables show."""

from functools import partial
from pathlib import Path

from augcam.files.json import read_json
from augcam.files.tables import read_table, write_table
from augcam.run.job import job
from augcam.statistics.conclusions import conclude
from augcam.statistics.warnings import with_warnings

with job(snakemake):
    files = snakemake.input
    tables = {Path(path).stem: read_table(path) for path in files.tables}
    random_layers = read_json(files.network)["random_layers"]
    findings = partial(conclude, tables, random_layers=random_layers, **snakemake.params.study)
    write_table(with_warnings(read_table(files.warnings), findings), *snakemake.output)
