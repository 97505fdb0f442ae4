"""Take a network that was trained elsewhere for one model, and find the layer to explain."""

from augcam.config.messages import parse_config
from augcam.entries import CamMethod
from augcam.explanation.rehearsal import rehearse
from augcam.files.json import read_json, write_json
from augcam.networks.build import build
from augcam.networks.layers import describe_network
from augcam.networks.layouts import layout_in
from augcam.networks.starting import start_from
from augcam.networks.weights import save_weights
from augcam.run.job import job

with job(snakemake) as tell:
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    classes = read_json(files.stats)["class_names"]
    model = build(**params.network, num_classes=len(classes), seed=0)
    for sentence in start_from(model, files.file):
        tell(sentence)
    description = describe_network(model, **params.model)
    layer, layout = description["cam_layer"], layout_in(description)
    # Not by way of `params`: which methods are tried changes nothing that is recorded.
    methods = parse_config(snakemake.config).entries_in_use[CamMethod]
    head = rehearse(model, layer, params.model["input_size"], layout, methods)
    print(f"layer to explain: {layer}, {description['feature_map']}")
    save_weights(model, output.weights)
    record = params.network | description | head._asdict() | {"random_layers": False}
    write_json(record, output.network)
