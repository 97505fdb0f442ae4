"""Do maps of the baseline change when its weights are replaced by random ones?"""

import numpy as np
import torch

from augcam.comparison.sanity import likeness, of_other_images, sanity_table
from augcam.data.sample import sample
from augcam.explanation.rehearsal import without_zeros
from augcam.explanation.sanity import DRAWS, randomised_maps
from augcam.explanation.trained import open_network, open_store
from augcam.files.arrays import read_arrays
from augcam.files.json import read_json
from augcam.files.tables import write_table
from augcam.networks.build import build
from augcam.networks.layouts import layout_in
from augcam.run.job import job
from augcam.run.lease import lease_gpu

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    store = open_store(snakemake)
    description, arrays = read_json(files.network), read_arrays(files.cams)
    view = snakemake.wildcards.view
    description = description.get(view, description)  # of further views they stand in one file
    rows = sample(len(arrays["image_id"]), params.limit, params.seed)
    cam, ids, targets = (arrays[name][rows] for name in ("cam", "image_id", "target"))
    steps = {}
    for draw in range(DRAWS):
        # No seed of starting weights: else the trained network would meet its own beginning.
        seeds = np.random.SeedSequence(params.seed, spawn_key=(draw, 0))
        seed = int(seeds.generate_state(1)[0])
        fresh = build(**params.network, num_classes=store.num_classes, seed=seed)
        randomised = randomised_maps(
            open_network(snakemake, store),
            without_zeros(fresh),
            description["cam_layer"],
            store,
            torch.from_numpy(ids),
            torch.from_numpy(targets),
            params.method,
            layout_in(description),
        )
        for block, maps in randomised:
            print(f"random weights {draw + 1} of {DRAWS}: down to {block}")
            steps.setdefault(block, []).append(likeness(cam, maps, params.input_size))
    other = of_other_images(cam, params.input_size, params.seed)
    write_table(sanity_table(view, params.method, other, steps), *snakemake.output)
