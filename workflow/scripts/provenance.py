"""Record config, versions, hardware and times of the run."""

from augcam.config.schema import Training
from augcam.files.json import read_json, write_json
from augcam.files.tables import read_table
from augcam.run.job import job
from augcam.run.provenance import provenance
from augcam.train.selection import summary

with job(snakemake):
    files = snakemake.input
    models = [{"condition": name, "state": state} for name, state in snakemake.params.models]
    training = Training(**snakemake.params.config["training"])
    for model, path in zip(models, files.get("histories", [])):  # none of what is brought
        model |= summary(read_table(path), training)
    record = provenance(
        snakemake.params.config,
        read_json(files.network),
        read_json(files.stats),
        models,
        read_table(files.excluded),
    )
    write_json(record, snakemake.output[0])
