"""Find the layer whose feature map is explained; refuse what cannot be trained or explained."""

from augcam.explanations import rehearse
from augcam.files import read_json, write_json
from augcam.jobs import job
from augcam.models import build, describe_network

with job(snakemake.log[0]):
    classes = read_json(snakemake.input.stats)["class_names"]
    model = build(**snakemake.params.network, num_classes=len(classes), seed=0)
    description = describe_network(model, **snakemake.params.model)
    rehearse(model, description["cam_layer"], snakemake.params.model["input_size"])
    print(f"layer to explain: {description['cam_layer']}, {description['feature_map']}")
    write_json(snakemake.params.network | description, snakemake.output[0])
