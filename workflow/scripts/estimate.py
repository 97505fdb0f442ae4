"""Print what the run will train, explain and compare, and how long that takes on this machine."""

import shutil
from pathlib import Path

from augcam import estimate
from augcam.config import parse_config
from augcam.files import read_json
from augcam.jobs import job

with job(snakemake.log[0]):
    params, files, cores = snakemake.params, snakemake.input, snakemake.threads
    config, folder = parse_config(params.config), Path(files.stats).parents[1]
    stats, network = read_json(files.stats), read_json(files.network)
    counts = {part: sum(classes.values()) for part, classes in stats["counts"].items()}
    networks = params.gpu_jobs or max(1, cores // config.training.threads)
    at_once = {"train": networks, "explain": networks, "compare": cores}
    measured = estimate.measure(
        config, folder, network["cam_layer"], snakemake.resources.device, networks
    )
    from augcam.training import epochs_done  # only now: it brings torch

    stages = estimate.planned(config, counts, folder, epochs_done)
    rows = estimate.durations(stages, measured, measured["startup"], at_once)
    needed = estimate.disk(
        config,
        stages,
        Path(files.initial).stat().st_size,
        tuple(network["feature_map"]),
        len(stats["class_names"]),
        networks,
    )
    text = estimate.as_text(
        estimate.headline(config, snakemake.resources.device, cores),
        rows,
        measured,
        needed,
        shutil.disk_usage(folder).free,
        estimate.memory_lines(measured, networks),
    )
    print(text)
print(f"\n{text}\n")
