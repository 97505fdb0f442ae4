"""Accuracy and macro precision, recall and F1 of every model on the test images, and whether it is
better than chance."""

import pandas as pd

from augcam.files.json import read_json
from augcam.files.tables import Tables, write_table
from augcam.run.job import job
from augcam.statistics.chance import chance
from augcam.statistics.warnings import of_balance, of_chance
from augcam.train.measures import performance

with job(snakemake.log[0]):
    stats = read_json(snakemake.input.stats)
    classes = stats["class_names"]
    models = map(tuple, snakemake.params.models)
    predictions = Tables(dict(zip(models, snakemake.input.predictions)), ["label", "predicted"])
    rows = []
    for (condition, state), table in predictions.items():
        measures = performance(table["label"], table["predicted"], len(classes))
        rows.append({"condition": condition, "state": state, **measures})
    write_table(pd.DataFrame(rows), *snakemake.output.performance)
    against_chance = chance(predictions, classes)
    for note in [*of_chance(against_chance), *of_balance(stats)]:
        print(f"{note['level']}: {note['text']}")
    write_table(against_chance, *snakemake.output.chance)
