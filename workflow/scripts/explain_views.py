"""Explain test images with one model in all further views."""

from augcam.errors import AugcamError
from augcam.explanation.looks import wanted
from augcam.explanation.maps import explain_views, save_explanations, target_classes
from augcam.explanation.trained import open_network, open_store
from augcam.files.json import read_json
from augcam.run.job import job
from augcam.run.lease import lease_gpu

with job(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    store = open_store(snakemake)
    model = open_network(snakemake, store)
    ids = store.ids("test")
    labels = store.labels.cpu()[ids]
    classes = target_classes(labels, files.get("baseline"))
    described = read_json(files.views)
    views = [wanted(described[name], classes, len(ids)) for name in params.views]
    try:
        found = explain_views(model, store, ids, views)
    except AugcamError as error:
        raise AugcamError(f"{files.weights}: {error}") from None
    for view, explained, *paths in zip(views, found, output[::2], output[1::2]):
        own = labels.numpy() if view.rows is None else labels.numpy()[view.rows]
        save_explanations(explained, own, view.layer, view.method, *paths)
