"""Record config, versions, hardware and times of the run."""

from augcam.files import read_json, read_table, write_json
from augcam.jobs import job
from augcam.provenance import provenance

with job(snakemake.log[0]):
    files = snakemake.input
    histories = {
        (condition, state): read_table(path)
        for (condition, state), path in zip(snakemake.params.models, files.histories)
    }
    record = provenance(
        snakemake.params.config,
        read_json(files.network),
        read_json(files.stats),
        histories,
        read_table(files.excluded),
    )
    write_json(record, snakemake.output[0])
