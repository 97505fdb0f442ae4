"""How much of each model's maps lies on each part of the images; how much it goes by the cue."""

import pandas as pd

from augcam.compare.pointing import looked_at
from augcam.data.geometry import Fit
from augcam.data.masks import read_masks
from augcam.files.json import read_json
from augcam.files.tables import read_columns, write_table
from augcam.run.job import job
from augcam.statistics.cues import cue_use

with job(snakemake):
    files, output = snakemake.input, snakemake.output
    models = list(map(tuple, snakemake.params.models))
    fit, masks = Fit(**read_json(files.stats)["fit"]), read_masks(files.masks)
    cams = dict(zip(models, files.cams))
    write_table(looked_at(cams, masks, snakemake.params.input_size, fit), *output.looked_at)
    if output.get("cue_use"):
        index = read_columns(files.index, ["split", "cue"])
        cues, rows = index["cue"][index["split"] == "test"], []
        for (condition, state), path in zip(models, files.predictions):
            table = read_columns(path, ["label", "predicted"])
            use = cue_use(table["label"], table["predicted"], cues)
            rows.append({"condition": condition, "state": state, **use})
        write_table(pd.DataFrame(rows), *output.cue_use)
