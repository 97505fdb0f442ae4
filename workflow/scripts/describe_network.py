"""Find the layer whose feature map is explained; refuse what cannot be explained."""

from augcam.config.messages import parse_config
from augcam.entries import CamMethod
from augcam.explanation.rehearsal import rehearse
from augcam.files.json import read_json, write_json
from augcam.files.tensors import read_recorded
from augcam.networks.build import build
from augcam.networks.layers import describe_network
from augcam.networks.layouts import layout_in
from augcam.networks.normalisation import normalisation
from augcam.networks.weights import load_weights
from augcam.run.job import job

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    classes = read_json(files.stats)["class_names"]
    model = build(**params.network, num_classes=len(classes), seed=0)
    more = {}
    if initial := files.get("initial"):
        load_weights(model, initial)
        more["weights"] = read_recorded(initial)[1]
    if found := normalisation(
        params.network["architecture"], params.get("normalisation", "dataset")
    ):
        more["normalisation"] = found._asdict()
    description = describe_network(model, **params.model)
    layer, layout = description["cam_layer"], layout_in(description)
    # Not by way of `params`: which methods are tried changes nothing that is recorded.
    methods = parse_config(snakemake.config).entries_in_use[CamMethod]
    head = rehearse(model, layer, params.model["input_size"], layout, methods)
    print(f"layer to explain: {layer}, {description['feature_map']}")
    random_layers = read_json(files.rehearsal)["random_layers"]
    record = params.network | description | head._asdict()
    record |= {"random_layers": random_layers} | more
    write_json(record, snakemake.output[0])
