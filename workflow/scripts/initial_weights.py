"""Draw the starting weights that all models share (step 8 of the paper's section 4)."""

from augcam.files.json import read_json
from augcam.networks.build import build
from augcam.networks.weights import save_weights
from augcam.run.job import job

with job(snakemake.log[0]):
    classes = read_json(snakemake.input.stats)["class_names"]
    seed = snakemake.params.weight_seed
    model = build(**snakemake.params.network, num_classes=len(classes), seed=seed)
    save_weights(model, snakemake.output[0])
