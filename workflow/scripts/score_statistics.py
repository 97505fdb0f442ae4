"""Set scores of maps against the controls, split their variance, look at segments and trends."""

import pandas as pd

from augcam.comparison.repeats import distinct
from augcam.comparison.scoring import areas
from augcam.data.geometry import Fit
from augcam.data.masks import read_masks
from augcam.files.json import read_json
from augcam.files.tables import read_columns, read_table, write_table, write_tables
from augcam.run.job import job
from augcam.statistics.scores import score_statistics
from augcam.statistics.trends import Sweep

with job(snakemake):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    equal, models = read_table(files.equal), list(map(tuple, params.models))
    tables = distinct(models, map(read_table, files.scores), equal)
    sampled = distinct(models, map(read_table, files.get("faithfulness", [])), equal)
    sweeps = [Sweep(**sweep) for sweep in params.sweeps]
    found = score_statistics(
        tables, models[0], params.controls, equal, sweeps, sampled=sampled, **params.statistics
    )
    write_tables(found, output)
    if files.get("masks"):
        ids = read_columns(files.scores[0], ["image_id"])["image_id"]
        fit = Fit(**read_json(files.stats)["fit"])
        parts = areas(read_masks(files.masks), ids, params.input_size, fit)
        write_table(pd.DataFrame(parts), *output.mask_parts)
