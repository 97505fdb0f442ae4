"""Performance of every model on the test images; whether it is better than chance, or another
model again."""

import pandas as pd

from augcam.comparison.repeats import equal_models
from augcam.files.json import read_json
from augcam.files.tables import Tables, recorded_checksums, write_table
from augcam.run.job import job
from augcam.statistics.chance import chance
from augcam.statistics.warnings import of_balance, of_chance, of_states
from augcam.train.measures import performance

with job(snakemake):
    output, stats = snakemake.output, read_json(snakemake.input.stats)
    classes = stats["class_names"]
    paths = dict(zip(map(tuple, snakemake.params.models), snakemake.input.predictions))
    predictions = Tables(paths, ["label", "predicted"])
    rows = []
    for (condition, state), table in predictions.items():
        measures = performance(table["label"], table["predicted"], len(classes))
        rows.append({"condition": condition, "state": state, **measures})
    write_table(pd.DataFrame(rows), *output.performance)
    logits = {model: recorded_checksums(path, "logit_") for model, path in paths.items()}
    equal = equal_models(logits)
    write_table(equal, *output.equal_models)
    against_chance = chance(predictions, classes)
    of_equal = of_states(equal, snakemake.params.variation)
    for note in [*of_chance(against_chance, None), *of_equal, *of_balance(stats)]:
        print(f"{note['level']}: {note['text']}")
    write_table(against_chance, *output.chance)
