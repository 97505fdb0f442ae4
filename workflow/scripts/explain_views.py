"""Explain test images with one model in all further views."""

from pathlib import Path

import torch

from augcam.data.images import ImageStore
from augcam.data.pixels import room_on
from augcam.errors import AugcamError
from augcam.explanation.looks import wanted
from augcam.explanation.maps import explain_views, save_explanations
from augcam.files.json import read_json
from augcam.files.tables import read_columns
from augcam.networks.build import build
from augcam.networks.normalisation import normalisation
from augcam.networks.weights import load_weights
from augcam.run.job import job
from augcam.run.lease import lease_gpu
from augcam.train.determinism import make_deterministic, pick_device

with job(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    make_deterministic(params.threads)
    device = pick_device(snakemake.resources.device)
    room = room_on(device, snakemake.resources.jobs_per_gpu)
    looks = normalisation(params.network["architecture"], params.get("normalisation"))
    store = ImageStore(Path(files.stats).parent, params.input_size, device, room, looks)
    model = build(**params.network, num_classes=store.num_classes, seed=0)
    model = model.to(device, memory_format=torch.channels_last)
    load_weights(model, files.weights)
    ids = store.ids("test")
    labels = store.labels.cpu()[ids]
    classes = {"predicted": None, "label": labels, "baseline": None}
    if files.get("baseline"):  # the baseline itself explains what it predicts
        classes["baseline"] = torch.tensor(read_columns(files.baseline, ["predicted"])["predicted"])
    described = read_json(files.views)
    views = [wanted(described[name], classes, len(ids)) for name in params.views]
    try:
        found = explain_views(model, store, ids, views)
    except AugcamError as error:
        raise AugcamError(f"{files.weights}: {error}") from None
    for view, explained, *paths in zip(views, found, output[::2], output[1::2]):
        own = labels.numpy() if view.rows is None else labels.numpy()[view.rows]
        save_explanations(explained, own, view.layer, view.method, *paths)
