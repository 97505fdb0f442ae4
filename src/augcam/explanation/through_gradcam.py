"""Methods that pytorch-grad-cam computes, without what it does to maps and without its faults.

The library clips maps at 0, scales and enlarges them; here they are raw. One object serves all
images, with as many targets as images. It is imported only here: it brings OpenCV and matplotlib.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from augcam.errors import AugcamError
from augcam.explanation.gradients import class_logit, feature_map
from augcam.explanation.subject import Batch, Explain, Subject

_AT_ONCE = 32  # images in one pass of the library's


def _targets(classes: Tensor) -> list[Any]:
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    return [ClassifierOutputTarget(number) for number in classes.tolist()]


@contextmanager
def _without_bars(module: Any) -> Iterator[None]:
    """A module of the library without its progress bar for each image."""
    bars, module.tqdm = module.tqdm, SimpleNamespace(tqdm=lambda steps: steps)
    try:
        yield
    finally:
        module.tqdm = bars


def _image_by_image(cam: Any, subject: Subject, batch: Batch) -> Tensor:
    """Raw maps (B, h, w) of an object without hooks: with them, it keeps the activations of every
    pass that it makes. Of one image at a time: it holds the image once for each channel."""
    activations = subject.activations(batch.images).cpu().numpy()
    with torch.no_grad():
        maps = [
            cam.get_cam_image(
                batch.images[i : i + 1], subject.layer, [target], activations[i : i + 1], None
            )
            for i, target in enumerate(_targets(batch.classes))
        ]
    return torch.from_numpy(np.concatenate(maps))


@contextmanager
def score_cam(subject: Subject) -> Iterator[Explain]:
    """Score-CAM; on a GPU, too, weights are summed up on the CPU."""
    from pytorch_grad_cam import ScoreCAM, score_cam

    cam = ScoreCAM(subject.model, [subject.layer])
    cam.activations_and_grads.release()
    cam.batch_size = _AT_ONCE
    with _without_bars(score_cam):
        yield lambda batch: _image_by_image(cam, subject, batch)


class ZeroedChannels(nn.Module):
    """Stands in for a layer: its output for one image, each copy with another channel at zero.

    As the paper has it. The library's own puts min − 10⁷ there where the least activation is not 0,
    as after SiLU or in a transformer, which leaves weights of 10²³.
    """

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis
        self.indices = np.arange(0)
        self.output = torch.zeros(0)

    def activations_to_be_ablated(self, activations: np.ndarray, _share: float) -> np.ndarray:
        self.indices = np.arange(len(activations))
        return self.indices

    def set_next_batch(
        self, input_batch_index: int, activations: Tensor, num_channels_to_ablate: int
    ) -> None:
        one = activations[input_batch_index : input_batch_index + 1]
        self.output = one.repeat(num_channels_to_ablate, *[1] * (one.ndim - 1))

    def forward(self, _x: Any) -> Tensor:
        copies = torch.arange(len(self.output))
        self.output.movedim(self.axis, 1)[copies, self.indices[: len(copies)]] = 0
        return self.output


@contextmanager
def ablation_cam(subject: Subject) -> Iterator[Explain]:
    """Ablation-CAM, whatever the head."""
    from pytorch_grad_cam import AblationCAM, ablation_cam
    from pytorch_grad_cam.utils.find_layers import replace_layer_recursive

    stand_in = ZeroedChannels(1 if subject.layout.order == "NCHW" else -1)
    cam = AblationCAM(subject.model, [subject.layer], ablation_layer=stand_in, batch_size=_AT_ONCE)
    cam.activations_and_grads.release()

    def keep(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
        cam.activations = output.clone()  # what follows may work in place

    cam.save_activation = keep
    try:
        with _without_bars(ablation_cam):
            yield lambda batch: _image_by_image(cam, subject, batch)
    finally:
        replace_layer_recursive(subject.model, stand_in, subject.layer)  # after an error


@contextmanager
def shapley_cam(subject: Subject) -> Iterator[Explain]:
    """Shapley-CAM, from a second derivative of the head alone; the library takes it of all."""
    from pytorch_grad_cam import ShapleyCAM

    model, layer, layout = subject
    cam = ShapleyCAM(model, [layer], reshape_transform=layout.to_map)
    cam.activations_and_grads.release()

    def run(batch: Batch) -> Tensor:
        # Attention in one piece has no second derivative.
        with torch.enable_grad(), feature_map(layer) as kept, sdpa_kernel(SDPBackend.MATH):
            logits = model(batch.images)
            (output,) = kept
            score = class_logit(logits, batch.classes).sum()
            (gradient,) = torch.autograd.grad(score, output, create_graph=True)
            if not gradient.requires_grad:  # as of a linear head: with a second derivative of zero
                gradient = gradient + 0 * output
            weights = cam.get_cam_weights(batch.images, layer, None, output, gradient)
        maps = layout.to_map(output.detach())
        return (torch.from_numpy(weights).to(maps)[:, :, None, None] * maps).sum(1)

    yield run


@contextmanager
def full_grad(subject: Subject) -> Iterator[Explain]:
    """FullGrad: of all layers, whichever is explained, then averaged over the cells of its map.

    Raises AugcamError for a network with biases that the library passes over.
    """
    from pytorch_grad_cam import FullGrad

    counted = (nn.Conv2d, nn.BatchNorm2d)
    for name, module in subject.model.named_modules():
        biased = getattr(module, "bias", None) is not None
        if biased and type(module) not in (*counted, nn.Linear):
            raise AugcamError(
                f"cam.method: FullGrad adds up what the biases of convolutions and batch "
                f"normalisations (torch.nn.Conv2d, BatchNorm2d) contribute, and the network has "
                f"others, as of '{name}' ({type(module).__name__}); take another method."
            )
    if not any(type(m) in counted and m.bias is not None for m in subject.model.modules()):
        raise AugcamError(
            "cam.method: FullGrad adds up what the biases of convolutions and batch normalisations "
            "contribute, and the network has none; take another method."
        )
    cam = FullGrad(subject.model, [])
    cam.aggregate_multi_layers = lambda maps: maps[:, 0]  # raw, not scaled

    def run(batch: Batch) -> Tensor:
        targets = _targets(batch.classes)
        with torch.enable_grad():  # of one image at a time: it enlarges all channels
            maps = [cam(batch.images[i : i + 1], [target]) for i, target in enumerate(targets)]
        return subject.on_grid(torch.from_numpy(np.concatenate(maps)))

    try:
        yield run
    finally:
        cam.activations_and_grads.release()
