"""Explain three targets of every test image with one model."""

from pathlib import Path

import torch

from augcam.files import read_json, read_table, write_arrays
from augcam.jobs import job
from augcam.models import build, load_weights
from augcam.targets import explain_targets
from augcam.training import ImageStore, make_deterministic, pick_device

with job(snakemake.log[0]):
    params, files = snakemake.params, snakemake.input
    make_deterministic(params.threads)
    device = pick_device(snakemake.resources.device)
    store = ImageStore(Path(files.stats).parent, params.input_size, device)
    model = build(**params.network, num_classes=store.num_classes, seed=0)
    model = load_weights(model, files.weights).to(device, memory_format=torch.channels_last)
    ids = store.ids("test")
    arrays = explain_targets(
        model,
        read_json(files.network)["cam_layer"],
        store,
        ids,
        store.labels.cpu()[ids],
        torch.tensor(read_table(files.baseline)["predicted"].to_numpy()),
        params.method,
    )
    write_arrays(snakemake.output[0], **arrays)
