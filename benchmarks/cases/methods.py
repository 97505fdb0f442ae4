"""Every explanation method beside the loop of the library that has it, on the same images."""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases.cams import Network, _prepared
from benchmarks.harness import Settings, in_a_process, record

GRADCAM = {
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "gradcam_elementwise": "GradCAMElementWise",
    "eigencam": "EigenCAM",
    "eigengradcam": "EigenGradCAM",
    "segeigencam": "SegEigenCAM",
    "kpcacam": "KPCA_CAM",
    "fem": "FEM",
    "finercam": "FinerCAM",
    "scorecam": "ScoreCAM",
    "ablationcam": "AblationCAM",
    "shapleycam": "ShapleyCAM",
    "fullgrad": "FullGrad",
}
CAPTUM: dict[str, dict[str, Any]] = {
    "Saliency": {},
    "InputXGradient": {},
    "IntegratedGradients": {"n_steps": 32, "internal_batch_size": 32},
    "Occlusion": {"sliding_window_shapes": (3, 4, 4), "strides": (3, 4, 4)},
    "GradientShap": {"n_samples": 8},
}
NETWORK = Network("resnet20", 32, "layer3.2", (96, 640))
SLOW = {"scorecam", "ablationcam", "fullgrad", "captum.IntegratedGradients", "captum.Occlusion",
        "captum.GradientShap"}  # fmt: skip
FEW = 4  # images for these, in a round of each side


@dataclass(frozen=True)
class Methods:
    """Images a second of each method, its library's beside it in each round, on one core.

    Ours are maps as they are compared, at the resolution of the input. The libraries are used as
    their documentation has it, in batches of 32.
    """

    name: str
    title: str
    packages: tuple[str, ...] = ("grad-cam", "captum")
    rounds: tuple[int, int] = (3, 9)  # quick, full

    def run(self, full: bool, rounds: int | None = None) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            point = {"full": full, "rounds": rounds or self.rounds[full]}
            in_a_process(self.name, "measure", folder, point)
            measured = json.loads((Path(folder) / "rates.json").read_text(encoding="utf-8"))
        return record(self, full) | {"measured": measured, "rounds": point["rounds"]}

    def measure(self, folder: Path, full: bool, rounds: int) -> list[Path]:
        """Write the rates of all methods to `rates.json`."""
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
        model, store, ids = _prepared(NETWORK, Settings(full))
        for module in model.modules():
            if hasattr(module, "inplace"):  # otherwise it overwrites what the libraries have kept
                module.inplace = False
        captums = {f"captum.{name}": name for name in CAPTUM}
        rows = []
        for method in [*GRADCAM, *captums]:
            some = ids[:FEW] if method in SLOW else ids
            theirs = (
                _captum(model, store, captums[method])
                if method in captums
                else _pytorch_grad_cam(model, store, GRADCAM[method])
            )
            rows.append(
                {"method": method} | _rates(_ours(model, store, method), theirs, some, rounds)
            )
        path = folder / "rates.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        return [path]


def _rates(ours: Callable, theirs: Callable, ids: Any, rounds: int) -> dict[str, Any]:
    """Both warmed up, then in turn."""
    seconds: dict[Callable, list[float]] = {ours: [], theirs: []}
    for number in range(rounds + 1):
        for run in (ours, theirs) if number % 2 else (theirs, ours):
            started = time.perf_counter()
            run(ids)
            seconds[run].append(time.perf_counter() - started)
    own, other = seconds[ours][1:], seconds[theirs][1:]
    ratios = [b / a for a, b in zip(own, other)]
    return {
        "augcam, images/s": len(ids) / statistics.median(own),
        "its library, images/s": len(ids) / statistics.median(other),
        "ours is × faster": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


def _ours(model: Any, store: Any, method: str) -> Callable[[Any], np.ndarray]:
    from augcam.comparison.maps import to_maps
    from augcam.explanation.maps import explain

    def run(ids: Any) -> np.ndarray:
        found = explain(model, NETWORK.layer, store, ids, method)
        return to_maps(found.cam, NETWORK.input_size)

    return run


def _pytorch_grad_cam(model: Any, store: Any, kind: str) -> Callable[[Any], Sequence]:
    import pytorch_grad_cam

    made = getattr(pytorch_grad_cam, kind)

    def run(ids: Any) -> Sequence:
        model.requires_grad_(True)
        layers = [] if kind == "FullGrad" else [model.get_submodule(NETWORK.layer)]
        with made(model=model, target_layers=layers) as cam:
            return [cam(store.inputs(rows).contiguous(), targets=None) for rows in ids.split(32)]

    return run


def _captum(model: Any, store: Any, kind: str) -> Callable[[Any], Sequence]:
    import captum.attr

    def run(ids: Any) -> Sequence:
        model.requires_grad_(True)
        made, found = getattr(captum.attr, kind)(model), []
        for rows in ids.split(32):
            images = store.inputs(rows).contiguous()
            more = {"baselines": 0 * images} if kind == "GradientShap" else {}
            target = model(images).argmax(1)
            images.requires_grad_()
            found.append(made.attribute(images, target=target, **CAPTUM[kind], **more).detach())
        return found

    return run


BENCHMARKS = [
    Methods("methods", "Every explanation method, predicted class, ResNet-20 at 32, one thread")
]
