"""Predict and explain every test image with one model."""

from pathlib import Path

import torch

from augcam.explanations import explain, save_explanations
from augcam.files import read_columns, read_json
from augcam.jobs import job
from augcam.lease import lease_gpu
from augcam.models import build, load_weights
from augcam.training import ImageStore, make_deterministic, pick_device

with job(snakemake.log[0]):
    params, files = snakemake.params, snakemake.input
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    make_deterministic(params.threads)
    device = pick_device(snakemake.resources.device)
    store = ImageStore(Path(files.stats).parent, params.input_size, device)
    model = build(**params.network, num_classes=store.num_classes, seed=0)
    model = load_weights(model, files.weights).to(device, memory_format=torch.channels_last)
    layer = read_json(files.network)["cam_layer"]
    ids = store.ids("test")
    labels = store.labels.cpu()[ids]
    targets = labels if params.cam["target"] == "label" else None
    if files.baseline:
        targets = torch.tensor(read_columns(files.baseline[0], ["predicted"])["predicted"])
    method = params.cam["method"]
    save_explanations(
        explain(model, layer, store, ids, method, targets),
        labels.numpy(),
        layer,
        method,
        snakemake.output.cams,
        snakemake.output.predictions,
    )
