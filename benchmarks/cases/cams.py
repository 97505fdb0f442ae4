"""CAM extraction: ours against pytorch-grad-cam, torchcam and the network's inference alone."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.harness import Comparison, Done, Settings

COMPARED = 16  # images whose maps are compared


class Network(NamedTuple):
    architecture: str
    input_size: int
    layer: str
    images: tuple[int, int]  # a round, quick and full


def _prepared(network: Network, settings: Settings):
    """The network, its input store and the ids of a round: the same for all sides."""
    import torch

    from augcam.config.schema import Dataset, Split
    from augcam.data.images import ImageStore
    from augcam.data.store import prepare
    from augcam.networks.build import build

    torch.set_num_threads(settings.threads)
    folder = Path(tempfile.mkdtemp())
    images = network.images[settings.full]
    paths = [folder / n for n in ("images.npy", "index.parquet", "order.npy", "stats.json")]
    prepare(Dataset(name="digits", train_limit=200, test_limit=images), Split(), *paths)
    store = ImageStore(folder, network.input_size, torch.device(settings.device))
    model = build(network.architecture, 10, {}, seed=0).to(settings.device)
    torch.manual_seed(0)  # of the random layers: every side has the same network
    with torch.no_grad():  # running statistics as after some training: activations of usual size
        for _ in range(20):
            model.train()(store.inputs(store.ids("train")[:32]))
    return model.eval(), store, store.ids("test")


def _fastest_batch(run: Callable[[int], None], sizes: tuple[int, ...]) -> int:
    """The batch size at which `run` explains the most images a second."""
    seconds = {}
    for size in sizes:
        run(size)
        started = time.perf_counter()
        run(size)
        seconds[size] = (time.perf_counter() - started) / size
    best = min(seconds, key=seconds.get)
    print(f"best batch size: {best} ({ {k: round(1 / v, 1) for k, v in seconds.items()} })")
    return best


def ours(network: Network) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        import torch

        from augcam.comparison.maps import to_maps
        from augcam.explanation.maps import explain

        model, store, ids = _prepared(network, settings)
        model = model.to(memory_format=torch.channels_last)

        def run() -> Done:
            explained = explain(model, network.layer, store, ids)
            maps = to_maps(explained.cam[:COMPARED], network.input_size)
            return Done(len(ids), maps)

        return run

    return setup


def inference(network: Network) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        import torch

        model, store, ids = _prepared(network, settings)
        model = model.to(memory_format=torch.channels_last)

        def run() -> Done:
            with torch.inference_mode():
                for rows in ids.split(32):
                    model(store.inputs(rows)).argmax(1).cpu()
            return Done(len(ids))

        return run

    return setup


def pytorch_grad_cam(network: Network) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        from pytorch_grad_cam import GradCAM

        model, store, ids = _prepared(network, settings)
        layer = model.get_submodule(network.layer)

        def maps(batches) -> list[np.ndarray]:
            with GradCAM(model=model, target_layers=[layer]) as cam:
                return [cam(store.inputs(rows).contiguous(), targets=None) for rows in batches]

        size = _fastest_batch(lambda size: maps([ids[:size]]), (1, 4, 8, 16, 32, 64))

        def run() -> Done:
            return Done(len(ids), np.concatenate(maps(ids.split(size)))[:COMPARED])

        return run

    return setup


def torchcam(network: Network) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        import torch
        from torchcam.methods import GradCAM

        model, store, ids = _prepared(network, settings)
        extractor = GradCAM(model, target_layer=model.get_submodule(network.layer))

        def maps(batches) -> list[torch.Tensor]:
            found = []
            for rows in batches:
                logits = model(store.inputs(rows).contiguous())
                (small,) = extractor(logits.argmax(1).tolist(), logits)
                size = (network.input_size, network.input_size)
                large = torch.nn.functional.interpolate(small[:, None], size, mode="bilinear")
                found.append(large.cpu())
            return found

        size = _fastest_batch(lambda size: maps([ids[:size]]), (1, 8, 16, 32, 64))

        def run() -> Done:
            maps(ids.split(size))
            return Done(len(ids))

        return run

    return setup


def benchmark(network: Network, goals: dict[str, float]) -> Comparison:
    return Comparison(
        f"cams-{network.architecture}",
        f"Grad-CAM of the predicted class, {network.architecture} at {network.input_size}",
        unit="images",
        sides={
            "augcam": ours(network),
            "inference alone": inference(network),
            "pytorch-grad-cam": pytorch_grad_cam(network),
            "torchcam": torchcam(network),
        },
        goals={"inference alone": 0.95} | goals,
        packages=("grad-cam", "torchcam"),
        rounds=(3, 9),
        tolerance=1e-3,
    )


BENCHMARKS = [
    benchmark(Network("efficientnet_b0", 224, "features.8", (64, 192)), {"pytorch-grad-cam": 5}),
    benchmark(Network("resnet18", 224, "layer4.1", (64, 192)), {"pytorch-grad-cam": 3}),
    benchmark(Network("resnet20", 32, "layer3.2", (320, 1280)), {}),
]
