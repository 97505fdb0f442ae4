"""Say what is known to be wrong with the run: with data, trainings and maps."""

from augcam.data.notes import note
from augcam.files.json import read_json
from augcam.files.tables import read_table, write_table
from augcam.run.job import job
from augcam.statistics.warnings import of_states, warnings

with job(snakemake):
    files, params, stats = snakemake.input, snakemake.params, read_json(snakemake.input.stats)
    models = map(tuple, params.models)
    notes = [*of_states(read_table(files.equal), params.variation)]
    notes += read_json(files.notes)["notes"]
    notes += [note("config", text) for text in params.remarks]
    if not all(map(str.isascii, stats["class_names"])):
        from augcam.report.texts import glyph_notes  # matplotlib takes a while to be there

        notes += glyph_notes(stats["class_names"])
    table = warnings(
        stats,
        notes,
        read_table(files.chance),
        {model: read_table(path) for model, path in zip(models, files.histories)},
        read_table(files.excluded),
        map(tuple, snakemake.params.left_out),
    )
    for _, level, text in table.itertuples(index=False):
        print(f"{level}: {text}")
    write_table(table, *snakemake.output)
