"""Predict and explain every test image with one model."""

from augcam.errors import AugcamError
from augcam.explanation.maps import explain, save_explanations, target_classes
from augcam.explanation.trained import open_network, open_store
from augcam.files.arrays import write_arrays
from augcam.files.json import read_json
from augcam.networks.layouts import layout_in
from augcam.run.job import job
from augcam.run.lease import lease_gpu

with job(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    store = open_store(snakemake)
    model = open_network(snakemake, store)
    description = read_json(files.network)
    layer, layout = description["cam_layer"], layout_in(description)
    ids = store.ids("test")
    labels = store.labels.cpu()[ids]
    classes = target_classes(labels, files.get("baseline"))
    target, method = params.cam["target"], params.cam["method"]
    others = [name for name in classes if name != target] if output.get("targets") else []
    wanted = [classes[name] for name in others]
    try:
        found = explain(model, layer, store, ids, method, classes[target], wanted, layout)
    except AugcamError as error:
        raise AugcamError(f"{files.weights}: {error}") from None
    save_explanations(found, labels.numpy(), layer, method, output.cams, output.predictions)
    if others:
        cams = dict(zip([target, *others], [found.cam, *found.others]))
        maps = {f"cam_{name}": cams[name] for name in classes}
        write_arrays(output.targets, image_id=found.image_id, **maps)
