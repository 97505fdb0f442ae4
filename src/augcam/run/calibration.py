"""Short measurements of training, explaining and comparing on this machine, for the estimate."""

import contextlib
import io
import itertools
import resource
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from augcam.config.checks import scores_of_networks
from augcam.config.experiment import Config
from augcam.entries import method_named
from augcam.names import MAIN, PAPER_METHOD
from augcam.run.lease import lease_gpu
from augcam.run.sampling import rate, rate_of_any, rates_after_explaining

CUDA_CONTEXT = 3 * 2**28
"""Bytes a process takes on a GPU beyond what torch's allocator reserves: driver, cuBLAS, cuDNN.
Some hundred MiB, depending on card and driver; nothing tells a process its own."""


GPU_FILL = 0.9
"""Share of a GPU's memory to fill: where little is left, cuDNN takes other algorithms, which are
slower and round otherwise."""


def of_view(name: str) -> str:
    """The stage, and the kind of work, of explaining in a further view."""
    return f"view {name}"


_GPU_TURNS = 4
"""Batches of each condition between two waits for a GPU, which waits for nobody in a real run."""


def measure(
    config: Config,
    folder: Path,
    layer: str,
    device: str,
    at_once: int,
    gpu: int = 0,
    seconds: float = 8,
    views: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, float]:
    """`calibrate` in `at_once` processes together, as the run's jobs will be; means over them."""
    # Forked, which is safe as long as this process has not used torch.
    with ProcessPoolExecutor(at_once, mp_context=get_context("fork")) as pool:
        arguments = (config, folder, layer, device, gpu, seconds)
        jobs = [pool.submit(calibrate, *arguments, time.time(), views) for _ in range(at_once)]
        results = [job.result() for job in jobs]
    return {name: sum(result[name] for result in results) / at_once for name in results[0]}


def calibrate(
    config: Config,
    folder: Path,
    layer: str,
    device: str,
    gpu: int,
    seconds: float,
    started: float,
    views: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, float]:
    """Do a little of the real work of `config` on its prepared data in `folder`.

    A lease is taken where the jobs take one (`gpu` 1). `views`: those of `models/views.json`, each
    of which is measured by itself, though jobs share forward passes between them. Returns what one
    job does a second, by kind of work; `torch`: 1 / seconds from `started` (`time.time()`) until
    the first batch could be trained, without the wait for a lease; `memory`, `gpu_memory` and
    `gpu_total`: bytes that a training takes, and that there are (0 without a GPU). Writes nothing.
    """
    waiting = time.time()
    lease = lease_gpu(gpu, config.execution.jobs_per_gpu)
    started += time.time() - waiting

    import torch

    from augcam.data.images import ImageStore
    from augcam.data.pixels import room_on
    from augcam.explanation.heads import describe_head
    from augcam.explanation.looks import wanted
    from augcam.explanation.maps import explain_each, explain_views
    from augcam.files.arrays import read_array
    from augcam.networks.build import build
    from augcam.networks.freezing import freeze
    from augcam.networks.layers import get_layer, map_layout
    from augcam.networks.normalisation import normalisation
    from augcam.train.batches import Course
    from augcam.train.determinism import autocast, make_deterministic, pick_device
    from augcam.train.evaluation import EVALUATION_BATCH
    from augcam.train.step import RecordedStep, make_step

    training, network = config.training, config.model
    make_deterministic(training.threads, training.precision)
    where = pick_device(device)
    on_gpu = where.type == "cuda"
    room = room_on(where, config.execution.jobs_per_gpu)
    looks = normalisation(network.architecture, network.normalisation)
    store = ImageStore(folder / "data", network.input_size, where, room, looks)
    model = build(**config.network(network.architecture), num_classes=store.num_classes, seed=0)
    freeze(model, training.freeze)
    model = model.to(where).to(memory_format=torch.channels_last).train()
    step = make_step(model, training)
    order = read_array(folder / "data" / "order.npy")

    def batches(condition: str):
        steps = config.condition(condition).steps
        course = Course(store, order, condition, steps, 0, training, 0)
        return itertools.chain.from_iterable(map(course.batches, itertools.count()))

    # Every condition in turn: augmentations differ in what they cost.
    streams = [batches(c) for c in dict.fromkeys(c for c, _ in config.models)]
    run = RecordedStep(step, next(streams[0])) if on_gpu else step
    step.loss.item()  # waits for a GPU, here and below
    startup = time.time() - started

    def train() -> int:
        images = 0
        for stream in streams * (_GPU_TURNS if on_gpu else 1):
            batch = next(stream)
            run(batch)
            images += len(batch.labels)
        step.loss.item()
        return images

    rates = {"training": rate(train, seconds)}
    model.eval().requires_grad_(False)
    layout = map_layout(model, layer, network.input_size, network.cam_grid)
    ids = store.ids("test")

    def infer() -> int:
        chunk = ids[:EVALUATION_BATCH]
        with torch.inference_mode(), autocast(where, training.precision):
            model(store.inputs(chunk)).sum().item()
        return len(chunk)

    # What it costs to have passes of one's own is worked out: they may be thousands per image.
    targets = [None] * (3 if config.statistics.targets else 1)
    explained, method = get_layer(model, layer), config.cam.method
    head = describe_head(model, explained, layout, store.inputs(ids[:2]))
    passes = method_named(method).cost(
        head.channels, layout.height * layout.width, head.pooled_linear
    )

    def explain() -> int:
        chunk = ids[:32]
        of_all = PAPER_METHOD if passes else method
        _, cams, _ = explain_each(model, explained, store.inputs(chunk), of_all, targets, layout)
        torch.stack(cams).cpu()
        return len(chunk)

    rates["inference"] = rate(infer, seconds / 4)
    make_deterministic(training.threads)  # networks are explained in float32, however trained
    shared = rate(explain, seconds / 4)
    rates["explanation"] = 1 / (1 / shared + len(targets) * passes / rates["inference"])

    def view(described: Mapping[str, Any]) -> Callable[[int], int]:
        one = wanted({**described, "target": "predicted", "images": None}, {"predicted": None}, 0)

        def explained(count: int) -> int:
            with contextlib.redirect_stderr(io.StringIO()):  # a progress bar
                explain_views(model, store, ids[:count], [one])
            return len(ids[:count])

        return explained

    for name, described in (views or {}).items():
        if name != MAIN:
            rates[of_view(name)] = rate_of_any(view(described), seconds / 8)
    shape = (layout.height, layout.width)
    rates |= _rates_of_more(config, store, model, ids, shape, rates["explanation"])
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    gpu_memory = torch.cuda.max_memory_reserved() + CUDA_CONTEXT if on_gpu else 0
    gpu_total = torch.cuda.mem_get_info()[1] if on_gpu else 0
    if lease:
        lease.release()  # this process may live on while another waits for its GPU
    rates |= rates_after_explaining(
        config, len(ids), (layout.height, layout.width), store.num_classes, seconds / 4
    )
    return rates | {
        "torch": 1 / startup,
        "memory": memory,
        "gpu_memory": gpu_memory,
        "gpu_total": gpu_total,
    }


def _rates_of_more(config: Config, store, model, ids, map_shape, explained: float):
    """What one job does a second of what only some configs ask for: asking, images of which the
    network is asked; checking, whole checks with random weights. `explained`: maps made a second.
    """
    from augcam.comparison.faithfulness import faithfulness
    from augcam.explanation.sanity import DRAWS, blocks

    rates = {}
    if names := scores_of_networks(config):
        # One image, about which the network is asked some hundred times.
        cam = np.random.default_rng(0).random((1, *map_shape), dtype=np.float32)
        started = time.perf_counter()
        faithfulness(model, store, ids[:1].numpy(), cam, np.zeros(1, dtype=np.int64), names)
        rates["asking"] = 1 / (time.perf_counter() - started)
    if config.statistics.sanity:
        images = min(len(ids), config.statistics.sanity_images)
        maps = DRAWS * len(blocks(model, config.model.input_size)) * images
        rates["checking"] = explained / maps
    return rates
