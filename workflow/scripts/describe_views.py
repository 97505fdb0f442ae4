"""Find the layer that each view explains; refuse views that cannot be."""

from augcam.config.views import Look
from augcam.explanation.looks import describe_views
from augcam.files.json import read_json, write_json
from augcam.networks.build import build
from augcam.run.job import job

with job(snakemake):
    params, stats = snakemake.params, read_json(snakemake.input.stats)
    classes, tested = len(stats["class_names"]), sum(stats["counts"]["test"].values())
    model = build(**params.network, num_classes=classes, seed=0)
    looks = {name: Look(**look) for name, look in params.views.items()}
    found = describe_views(model, looks, tested=tested, **params.model)
    for name, view in found.items():
        print(f"view {name}: {view['method']} at {view['layer']}, {view['feature_map']}")
    write_json(found, snakemake.output[0])
