"""What jobs that ask a trained network begin with: the images, and the network beside them."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from augcam.data.images import ImageStore
from augcam.data.pixels import room_on
from augcam.networks.build import build
from augcam.networks.normalisation import normalisation
from augcam.networks.weights import load_weights
from augcam.train.determinism import make_deterministic, pick_device


def open_store(snakemake: Any) -> ImageStore:
    """The images on the device that the job runs on; from here on numbers are repeatable.
    `snakemake`: what Snakemake hands to the script of a rule with `gpu`."""
    params, resources = snakemake.params, snakemake.resources
    make_deterministic(params.threads)
    device = pick_device(resources.device)
    room = room_on(device, resources.jobs_per_gpu)
    looks = normalisation(params.network["architecture"], params.get("normalisation"))
    return ImageStore(Path(snakemake.input.stats).parent, params.input_size, device, room, looks)


def open_network(snakemake: Any, store: ImageStore) -> nn.Module:
    """The job's network with its trained weights, where `store` is. Raises AugcamError naming
    weights that are missing, broken, or of another network."""
    model = build(**snakemake.params.network, num_classes=store.num_classes, seed=0)
    model = model.to(store.device).to(memory_format=torch.channels_last)
    return load_weights(model, snakemake.input.weights)
