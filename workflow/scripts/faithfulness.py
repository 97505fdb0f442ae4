"""Ask one model about changed images: do its answers bear out its maps?"""

from pathlib import Path

import torch

from augcam.comparison.faithfulness import faithfulness_of_file
from augcam.data.images import ImageStore
from augcam.data.pixels import room_on
from augcam.files.tables import write_columns
from augcam.networks.build import build
from augcam.networks.normalisation import normalisation
from augcam.networks.weights import load_weights
from augcam.run.job import job
from augcam.run.lease import lease_gpu
from augcam.train.determinism import make_deterministic, pick_device

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    make_deterministic(params.threads)
    device = pick_device(snakemake.resources.device)
    room = room_on(device, snakemake.resources.jobs_per_gpu)
    looks = normalisation(params.network["architecture"], params.get("normalisation"))
    store = ImageStore(Path(files.stats).parent, params.input_size, device, room, looks)
    model = build(**params.network, num_classes=store.num_classes, seed=0)
    model = load_weights(model, files.weights).to(device, memory_format=torch.channels_last)
    found = faithfulness_of_file(model, store, files.cams, params.scores, params.limit, params.seed)
    write_columns(found, *snakemake.output)
