"""How much each model goes by the cue."""

import pandas as pd

from augcam.files.tables import read_columns, write_table
from augcam.run.job import job
from augcam.statistics.cues import cue_use

with job(snakemake):
    files = snakemake.input
    index = read_columns(files.index, ["split", "cue"])
    cues, rows = index["cue"][index["split"] == "test"], []
    for (condition, state), path in zip(snakemake.params.models, files.predictions):
        table = read_columns(path, ["label", "predicted"])
        use = cue_use(table["label"], table["predicted"], cues)
        rows.append({"condition": condition, "state": state, **use})
    write_table(pd.DataFrame(rows), *snakemake.output)
