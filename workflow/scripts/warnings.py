"""Say what is known to be wrong with the run: with data, trainings and maps."""

from augcam.files.json import read_json
from augcam.files.tables import read_table, write_table
from augcam.run.job import job
from augcam.statistics.warnings import warnings

with job(snakemake.log[0]):
    files = snakemake.input
    models = map(tuple, snakemake.params.models)
    table = warnings(
        read_json(files.stats),
        read_table(files.chance),
        {model: read_table(path) for model, path in zip(models, files.histories)},
        read_table(files.excluded),
    )
    for note in table.itertuples():
        print(f"{note.level}: {note.text}")
    write_table(table, *snakemake.output)
