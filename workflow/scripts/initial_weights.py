"""Draw the starting weights that all models, or those of one state, share (step 8, section 4)."""

from augcam.data.seeds import state_seed
from augcam.files.json import read_json
from augcam.networks.build import build
from augcam.networks.weights import save_weights
from augcam.run.job import job

with job(snakemake):
    params = snakemake.params
    classes = read_json(snakemake.input.stats)["class_names"]
    seed = state_seed(params.weight_seed, params.get("state"))
    model = build(**params.network, num_classes=len(classes), seed=seed)
    save_weights(model, snakemake.output[0])
