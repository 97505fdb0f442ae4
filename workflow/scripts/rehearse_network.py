"""Take one step of training, to refuse early what cannot be trained and to see if it is random."""

from augcam.config.messages import parse_config
from augcam.config.states import note
from augcam.files.json import read_json, write_json
from augcam.networks.build import build
from augcam.networks.freezing import freeze
from augcam.networks.rehearsal import refuse_a_batch_of_one, rehearse_training
from augcam.run.job import job

with job(snakemake) as tell:
    params, stats = snakemake.params, read_json(snakemake.input.stats)
    classes = len(stats["class_names"])
    model = build(**params.network, num_classes=classes, seed=0)
    freeze(model, params.get("freeze", []))
    random_layers = rehearse_training(model, params.input_size, classes)
    # Not by way of `params`: what is said or refused now makes nothing run again.
    config = parse_config(snakemake.config)
    for condition in dict.fromkeys(condition for condition, _ in config.models):
        shown = sum(stats["counts"]["train"].values()) * config.images_shown(condition)
        refuse_a_batch_of_one(model, params.input_size, config.training.batch_size, shown)
    write_json({"random_layers": random_layers}, snakemake.output[0])
    if said := note(config, random_layers):
        tell(said)
