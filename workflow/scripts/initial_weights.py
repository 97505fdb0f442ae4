"""Make the starting weights that all models, or those of one state, share (step 8, section 4)."""

from augcam.data.seeds import state_seed
from augcam.files.json import read_json
from augcam.networks.build import build
from augcam.networks.starting import starting_weights
from augcam.networks.weights import save_weights
from augcam.run.job import job

with job(snakemake) as tell:
    params = snakemake.params
    classes = read_json(snakemake.input.stats)["class_names"]
    state = params.get("state")
    network = params.network | {"num_classes": len(classes)}
    model = build(**network, seed=state_seed(params.weight_seed, state))
    record = {}
    if weights := params.get("weights"):
        record = starting_weights(model, network, weights, params.weights_root, state is not None)
        for sentence in record["said"]:
            tell(sentence)
    save_weights(model, snakemake.output[0], **record)
