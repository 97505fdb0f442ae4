"""Accuracy and macro precision, recall and F1 of every model on the test images."""

import pandas as pd

from augcam.files.json import read_json
from augcam.files.tables import read_table, write_table
from augcam.run.job import job
from augcam.train.measures import performance

with job(snakemake.log[0]):
    classes = read_json(snakemake.input.stats)["class_names"]
    rows = []
    for (condition, state), path in zip(snakemake.params.models, snakemake.input.predictions):
        predictions = read_table(path, columns=["label", "predicted"])
        measures = performance(predictions["label"], predictions["predicted"], len(classes))
        rows.append({"condition": condition, "state": state, **measures})
    write_table(pd.DataFrame(rows), *snakemake.output)
