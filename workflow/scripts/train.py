"""Train one model: one condition at one starting state."""

from pathlib import Path

from augcam.config.schema import Training
from augcam.data.images import ImageStore, read_order
from augcam.data.pixels import room_on
from augcam.files.atomic import refuse_future
from augcam.networks.build import build
from augcam.networks.freezing import freeze
from augcam.networks.normalisation import normalisation
from augcam.run.job import job
from augcam.run.lease import lease_gpu
from augcam.train.batches import Course
from augcam.train.determinism import fingerprint, make_deterministic, pick_device
from augcam.train.loop import prepare_model, train

with job(snakemake) as this:
    params, files = snakemake.params, snakemake.input
    refuse_future(*files)
    training = Training(**params.training)
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    make_deterministic(training.threads, training.precision)
    device = pick_device(snakemake.resources.device)
    room = room_on(device, snakemake.resources.jobs_per_gpu)
    looks = normalisation(params.network["architecture"], params.get("normalisation"))
    store = ImageStore(Path(files.stats).parent, params.input_size, device, room, looks)
    course = Course(
        store,
        read_order(files.order),
        params.condition,
        params.steps,
        params.state,
        training,
        params.sampling_seed,
        params.seeds,
    )
    model = build(**params.network, num_classes=store.num_classes, seed=0)
    model = prepare_model(model, files.initial, device)
    if frozen := freeze(model, training.freeze):
        print(f"frozen: {len(frozen)} of {len(list(model.parameters()))} parameters")
    settings = {
        "model": [params.condition, params.seeds, params.network, params.input_size],
        "training": [params.training, params.steps, params.sampling_seed, device.type],
    }
    if looks:
        settings["normalisation"] = looks
    determining = [files.stats, files.order, files.initial, *files.code]
    train(
        model,
        course,
        checkpoint=params.checkpoint,
        identity=fingerprint(settings, *determining),
        weights_path=snakemake.output.weights,
        history_path=snakemake.output.history,
        test_every_epoch=params.test_every_epoch,
        tell=this.progress,
    )
