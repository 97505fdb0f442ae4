"""Print what the run will train, explain and compare, and how long that takes on this machine."""

import os
import shutil
from pathlib import Path

from augcam.config.messages import parse_config
from augcam.files.json import read_json
from augcam.names import MAIN
from augcam.run import estimate
from augcam.run.calibration import measure
from augcam.run.job import job
from augcam.run.lease import driver_gpus, visible_gpus

with job(snakemake):
    params, files, cores = snakemake.params, snakemake.input, snakemake.threads
    config, folder = parse_config(params.config), Path(files.stats).parents[1]
    stats, network = read_json(files.stats), read_json(files.network)
    counts = {part: sum(classes.values()) for part, classes in stats["counts"].items()}
    gpu, device = snakemake.resources.gpu, snakemake.resources.device
    gpus = visible_gpus(os.environ, driver_gpus()) if gpu else []
    slots = len(gpus) * config.execution.jobs_per_gpu
    networks = estimate.networks_at_once(cores, config.training.threads, slots, params.gpu_limit)
    views = read_json(files.views) if files.get("views") else {}
    further = [name for name in views if name != MAIN]
    at_once = dict.fromkeys(("train", "explain", "faithfulness"), networks)
    at_once |= {estimate.of_view(name): networks for name in further}
    at_once |= dict.fromkeys(("compare", "score", "tables", "figures"), cores)
    layer = network["cam_layer"]
    measured = measure(config, folder, layer, device, networks, gpu, views=views)
    from augcam.train.checkpoint import epochs_done  # only now: it brings torch

    stages = estimate.planned(config, counts, folder, epochs_done)
    rows = estimate.durations(stages, measured, at_once)
    needed = estimate.disk(
        config,
        stages,
        Path(files.initial).stat().st_size,
        tuple(network["feature_map"]),
        len(stats["class_names"]),
        networks,
        {name: tuple(views[name]["feature_map"]) for name in further},
    )
    text = estimate.as_text(
        estimate.headline(config, device, cores),
        rows,
        measured,
        needed,
        shutil.disk_usage(folder).free,
        estimate.memory_lines(measured, networks),
    )
    print(text)
print(f"\n{text}\n")
