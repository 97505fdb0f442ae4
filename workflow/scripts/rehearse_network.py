"""Take one step of training, to refuse early what cannot be trained and to see if it is random."""

from augcam.config.messages import parse_config
from augcam.config.states import note
from augcam.files.json import read_json, write_json
from augcam.networks.build import build
from augcam.networks.rehearsal import rehearse_training
from augcam.run.job import job

with job(snakemake) as tell:
    params = snakemake.params
    classes = read_json(snakemake.input.stats)["class_names"]
    model = build(**params.network, num_classes=len(classes), seed=0)
    random_layers = rehearse_training(model, params.input_size)
    write_json({"random_layers": random_layers}, snakemake.output[0])
    # Not by way of `params`: what is said now makes nothing run again.
    if said := note(parse_config(snakemake.config), random_layers):
        tell(said)
