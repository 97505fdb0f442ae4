"""Predict and explain every test image with one model."""

from pathlib import Path

import torch

from augcam.data.images import ImageStore
from augcam.data.pixels import room_on
from augcam.errors import AugcamError
from augcam.explanation.maps import explain, save_explanations
from augcam.files.arrays import write_arrays
from augcam.files.json import read_json
from augcam.files.tables import read_columns
from augcam.networks.build import build
from augcam.networks.layouts import layout_in
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
    description = read_json(files.network)
    layer, layout = description["cam_layer"], layout_in(description)
    ids = store.ids("test")
    labels = store.labels.cpu()[ids]
    classes = {"predicted": None, "label": labels, "baseline": None}
    if files.get("baseline"):  # the baseline itself explains what it predicts
        predicted = read_columns(files.baseline, ["predicted"])["predicted"]
        classes["baseline"] = torch.tensor(predicted)
    target, method = params.cam["target"], params.cam["method"]
    others = [name for name in classes if name != target] if output.get("targets") else []
    load_weights(model, files.weights)
    wanted = [classes[name] for name in others]
    try:
        found = explain(model, layer, store, ids, method, classes[target], wanted, layout)
    except AugcamError as error:
        raise AugcamError(f"{files.weights}: {error}") from None
    save_explanations(found, labels.numpy(), layer, method, output.cams, output.predictions)
    if others:
        cams = dict(zip([target, *others], [found.cam, *found.others]))
        maps = {f"cam_{name}": cams[name] for name in classes}
        write_arrays(output.targets, image_id=found.image_id, **maps)
