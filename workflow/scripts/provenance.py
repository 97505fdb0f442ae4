"""Record config, versions, hardware and times of the run."""

from augcam.files.json import read_json, write_json
from augcam.files.tables import read_table
from augcam.run.job import job
from augcam.run.provenance import provenance

with job(snakemake):
    files = snakemake.input
    models = [tuple(model) for model in snakemake.params.models]
    histories = dict(zip(models, map(read_table, files.get("histories", []))))
    record = provenance(
        snakemake.params.config,
        read_json(files.network),
        read_json(files.stats),
        models,
        histories,
        read_table(files.excluded),
    )
    write_json(record, snakemake.output[0])
