"""Find the layer whose feature map is explained; refuse what cannot be explained."""

from augcam.explain.gradients import rehearse
from augcam.files.json import read_json, write_json
from augcam.networks.build import build
from augcam.networks.layers import describe_network
from augcam.run.job import job

with job(snakemake):
    classes = read_json(snakemake.input.stats)["class_names"]
    model = build(**snakemake.params.network, num_classes=len(classes), seed=0)
    description = describe_network(model, **snakemake.params.model)
    rehearse(model, description["cam_layer"], snakemake.params.model["input_size"])
    print(f"layer to explain: {description['cam_layer']}, {description['feature_map']}")
    random_layers = read_json(snakemake.input.rehearsal)["random_layers"]
    record = snakemake.params.network | description | {"random_layers": random_layers}
    write_json(record, snakemake.output[0])
