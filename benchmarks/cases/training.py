"""Training: augcam against a standard loop, and against its own optimiser step without any data.

All sides train the same network on the same images: half of them originals, half augmented copies,
each of the paper's seven augmentations in turn. One round is a number of batches of each.
On a CPU, augcam trains one network a core (as the workflow does); the standard loop trains one
network with all cores, and its loader's workers share them.
"""

import atexit
import itertools
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from augcam.config.conditions import built_in_step
from augcam.config.schema import Training
from augcam.names import PAPER_AUGMENTATIONS
from augcam.run.job import ALLOCATION
from benchmarks.harness import Comparison, Done, Settings

BATCH = 32
SIDE = 32  # of the stored images, as CIFAR-10's
CLASSES = 10
PARAMETERS = {name: built_in_step(name) for name in PAPER_AUGMENTATIONS}
RANDOM_LAYERS = {"resnet20": {"dropout": 0.2, "stochastic_depth_prob": 0.2}}

Network = tuple[str, int]  # architecture, input size


def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (count, SIDE, SIDE, 3) smooth random images, and labels."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
    fine = rng.integers(0, 32, (count, SIDE, SIDE, 3), dtype=np.uint8)
    images = np.kron(coarse, np.ones((1, 4, 4, 1), np.uint8)) // 2 + fine
    return images.astype(np.uint8), rng.integers(CLASSES, size=count)


def batches_a_round(settings: Settings) -> int:
    """Batches of each augmentation in one round."""
    if settings.device == "cuda":
        # Between two rounds the loader's workers prepare 16 batches: they must not count for much.
        return 200 if settings.full else 100
    return 4 if settings.full else 2


# ------------------------------------------------------------------------------------------ ours


def courses(input_size: int, precision: str, device) -> dict[str, Any]:
    """augcam's batches of each augmentation, from a prepared store as the workflow writes it."""
    from augcam.data.images import ImageStore
    from augcam.files.json import write_json
    from augcam.files.tables import write_columns
    from augcam.train.batches import Course

    images, labels = pictures(2048)
    ids = np.arange(len(images))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "images.npy", images)
        write_columns(
            {"image_id": ids, "split": ids * 0, "label": labels}, folder / "index.parquet"
        )
        stats = {
            "mean": [0.5] * 3,
            "std": [0.25] * 3,
            "class_names": [str(i) for i in range(CLASSES)],
            "checksums": {},
        }
        write_json(stats, folder / "stats.json")
        store = ImageStore(folder, input_size, device)
    order = np.stack([np.repeat(ids, 2), np.tile([0, 1], len(ids))], axis=1)
    order = np.random.default_rng(0).permutation(order)
    training = Training(batch_size=BATCH, precision=precision)
    return {
        name: Course(store, order, name, [PARAMETERS[name]], 1, training, sampling_seed=0)
        for name in PAPER_AUGMENTATIONS
    }


def our_loop(
    network: Network,
    precision: str,
    resident: bool,
    settings: Settings,
    layout: str = "channels_last",
) -> Callable[[], int]:
    """A round of one training of augcam's; `resident`: always the same batch, prepared before.

    `layout` of weights and of a resident batch in memory, as torch calls it.
    """
    import torch

    from augcam.networks.build import build
    from augcam.train.determinism import make_deterministic
    from augcam.train.optimizers import Adam
    from augcam.train.step import RecordedStep, Step

    make_deterministic(1, precision)
    device = torch.device(settings.device)
    architecture, input_size = network
    model = build(architecture, CLASSES, RANDOM_LAYERS.get(architecture, {}), seed=0)
    memory_format = getattr(torch, layout)
    model = model.to(device, memory_format=memory_format).train()
    step = Step(model, Adam(model.parameters(), 1e-3, 1e-5), precision)

    def forever(course) -> Iterator:
        batch = next(course.batches(0))
        if resident:
            images = batch.images.contiguous(memory_format=memory_format)
            return itertools.repeat(batch._replace(images=images))
        # The last batch of an epoch may be a smaller one: rounds are of whole batches.
        epochs = map(course.batches, itertools.count())
        return (b for b in itertools.chain.from_iterable(epochs) if len(b.labels) == BATCH)

    streams = [forever(course) for course in courses(input_size, precision, device).values()]
    run = RecordedStep(step, next(streams[0])) if device.type == "cuda" else step
    count = batches_a_round(settings)

    def one_round() -> int:
        for stream in streams:
            for batch in itertools.islice(stream, count):
                run(batch)
        step.loss.item()  # waits for a GPU
        return count * BATCH * len(streams)

    return one_round


def _serve(pipe, core: int, make: Callable[[], Callable[[], int]]) -> None:
    os.sched_setaffinity(0, {core})
    _answer(pipe, make())


def _answer(pipe, one_round: Callable[[], Any]) -> None:
    """Do a round whenever told to, until the benchmark is over."""
    with suppress(EOFError):
        while pipe.recv():
            pipe.send(one_round())


def one_a_core(make: Callable[[Settings], Callable[[], int]], settings: Settings):
    """One process a core, each with a training of its own; a round is over when all are done."""
    context = multiprocessing.get_context("spawn")
    pipes = []
    for core in sorted(os.sched_getaffinity(0)):
        ours, theirs = context.Pipe()
        context.Process(
            target=_serve, args=(theirs, core, partial(make, settings)), daemon=True
        ).start()
        pipes.append(ours)

    def one_round() -> Done:
        for pipe in pipes:
            pipe.send(True)
        return Done(sum(pipe.recv() for pipe in pipes))

    return one_round


def alone(make: Callable[[Settings], Callable[[], int]], settings: Settings):
    """One training, in this process."""
    one_round = make(settings)
    return lambda: Done(one_round())


# ------------------------------------------------------------------------------ the standard loop


class Shown:
    """A data set as people write it: position → (image, label), every other image augmented.

    torchvision's transforms, version 2, one image at a time, on uint8 tensors, as its
    documentation advises; CutMix as the paper has it: a patch of another image, the label stays.
    The augmentations take turns every `block` positions.
    """

    def __init__(self, input_size: int, block: int):
        import torch
        from torchvision.transforms import v2

        images, labels = pictures(2048)
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self.labels = torch.from_numpy(labels)
        self.block = block
        p = PARAMETERS
        affine, blur, crop = p["affine"], p["gaussblur"], p["randcrop"]
        self.augmentations = [
            v2.RandomAffine(
                affine["degrees"],
                affine["translate"],
                affine["scale"],
                affine["shear"],
                v2.InterpolationMode.BILINEAR,
            ),
            self.pasted,
            v2.ColorJitter(**p["colorjitter"]),
            v2.ElasticTransform(p["elastic"]["alpha"], p["elastic"]["sigma"]),
            v2.RandomEqualize(p=1),
            v2.GaussianBlur(blur["kernel_size"], tuple(blur["sigma"])),
            v2.RandomResizedCrop(SIDE, tuple(crop["scale"]), tuple(crop["ratio"])),
        ]
        resize = [] if input_size == SIDE else [v2.Resize(input_size)]
        normalise = v2.Normalize([0.5] * 3, [0.25] * 3)
        self.prepare = v2.Compose([*resize, v2.ToDtype(torch.float32, scale=True), normalise])

    def pasted(self, image):
        import torch

        reach = int((torch.rand(()) / 2).sqrt() / 2 * SIDE)
        x, y = torch.randint(SIDE, (2,)).tolist()
        rows, columns = (slice(max(c - reach, 0), c + reach) for c in (y, x))
        other = self.images[torch.randint(len(self.images), ()).item()]
        image = image.clone()
        image[:, rows, columns] = other[:, rows, columns]
        return image

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, position: int):
        which = position // 2 % len(self.images)
        image = self.images[which]
        if position % 2:
            image = self.augmentations[position // self.block % len(self.augmentations)](image)
        return self.prepare(image), self.labels[which]


def standard_loop(
    network: Network, precision: str, workers: int, settings: Settings
) -> Callable[[], Done]:
    """DataLoader with workers, torch.optim.Adam, all else as torch has it by default."""
    import torch
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DataLoader

    from augcam.networks.build import build

    torch.set_num_threads(settings.threads)
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    device = torch.device(settings.device)
    architecture, input_size = network
    model = build(architecture, CLASSES, RANDOM_LAYERS.get(architecture, {}), seed=0)
    model = model.to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    count = batches_a_round(settings)
    batches = iter(
        DataLoader(
            Shown(input_size, block=count * BATCH),
            batch_size=BATCH,
            num_workers=workers,
            pin_memory=device.type == "cuda",
        )
    )

    def one_round() -> Done:
        for images, labels in itertools.islice(batches, count * len(PAPER_AUGMENTATIONS)):
            images = images.to(device, non_blocking=True)
            labels = labels.to(device, non_blocking=True)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                loss = cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        loss.item()  # waits for a GPU
        return Done(count * len(PAPER_AUGMENTATIONS) * BATCH)

    return one_round


def without_our_settings(make: Callable[[Settings], Callable[[], Done]], settings: Settings):
    """The same in a process that keeps the allocator's defaults, as a user's own would."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    kept = {name: os.environ.pop(name) for name in ALLOCATION}
    process = context.Process(target=_serve_loop, args=(theirs, partial(make, settings)))
    process.start()
    os.environ.update(kept)
    atexit.register(ours.close)  # ends it, before this process waits for its end

    def one_round() -> Done:
        ours.send(True)
        return Done(ours.recv())

    return one_round


def _serve_loop(pipe, make: Callable[[], Callable[[], Done]]) -> None:
    one_round = make()
    _answer(pipe, lambda: one_round().work)


# --------------------------------------------------------------------------------- the benchmarks


def on_cores(network: Network, goal: float, precision: str = "float32") -> Comparison:
    architecture, size = network
    standard = partial(standard_loop, network, precision, 1)
    kind = "" if precision == "float32" else f"-{precision}"
    return Comparison(
        name=f"training-{architecture.replace('_', '-')}-{size}{kind}",
        title=f"Training {architecture} at {size}×{size}, {precision}, on two cores",
        unit="images",
        sides={
            "augcam, one training a core": partial(
                one_a_core, partial(our_loop, network, precision, False)
            ),
            "its step alone, on one resident batch": partial(
                one_a_core, partial(our_loop, network, precision, True)
            ),
            "DataLoader loop": partial(without_our_settings, standard),
            "DataLoader loop, our allocator settings": standard,
        },
        goals={"its step alone, on one resident batch": 0.95, "DataLoader loop": goal},
        threads=(2,),
        packages=("torchvision",),
    )


def on_a_gpu(precision: str) -> Comparison:
    network = ("efficientnet_b0", 224)
    return Comparison(
        name=f"training-gpu-{precision}",
        title=f"Training efficientnet_b0 at 224×224, batch 32, {precision}, on a GPU",
        unit="images",
        sides={
            "augcam": partial(alone, partial(our_loop, network, precision, False)),
            "its step alone, on one resident batch": partial(
                alone, partial(our_loop, network, precision, True)
            ),
            "its step alone, contiguous": partial(
                alone,
                partial(our_loop, network, precision, True, layout="contiguous_format"),
            ),
            "DataLoader loop": partial(standard_loop, network, precision, 8),
        },
        goals={"its step alone, on one resident batch": 0.9, "DataLoader loop": 3},
        threads=(2,),
        packages=("torchvision",),
        device="cuda",
    )


BENCHMARKS = [
    on_cores(("resnet20", 32), 1.6),
    on_cores(("efficientnet_b0", 64), 1.8),
    *(on_a_gpu(precision) for precision in ("float32", "tf32", "bfloat16")),
]
