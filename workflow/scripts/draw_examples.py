"""Draw examples of every augmentation, and one class activation map step by step."""

from pathlib import Path

import torch

from augcam.comparison.explained import read_explained
from augcam.config.schema import Training
from augcam.data.images import ImageStore, read_order
from augcam.report.examples import augmentation_figures, cam_figure
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    torch.set_num_threads(snakemake.threads)
    store = ImageStore(Path(files.stats).parent, params.input_size, torch.device("cpu"))
    figures = augmentation_figures(
        store,
        dict(zip(params.seeds, map(read_order, files.order))),
        params.steps,
        params.seeds,
        Training(**params.training),
        params.sampling_seed,
    )
    save_figures(figures, snakemake.output, params.dpi)
    example = cam_figure(store, read_explained(files.cams, files.predictions))
    save_figures([("cam_example", example)], snakemake.output, params.dpi)
