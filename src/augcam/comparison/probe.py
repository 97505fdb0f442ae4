"""A network that is asked again, with changed images: how far do its answers bear out its maps?

All scores of this kind look at the network's confidence, the softmax of its logits, in the class
that the map explains.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from augcam.comparison.maps import to_maps
from augcam.comparison.rawmaps import RawMaps

_PIXELS = 2**17
"""Of all images that a CPU is asked about at once, where these are more than `_FEWEST` images: more
do not fit its caches."""
_FEWEST, _ON_GPU = 32, 256


class Probe:
    """N images with their maps, and the network that these explain.

    `model`: in evaluation mode, frozen. `images` float32 (N, 3, s, s), as the network sees them, on
    its device; `target` int64 (N,), the classes that are explained; `image_id` (N,): what is drawn
    for an image depends on it alone. `maps`: of the same images, enlarged to s.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        target: np.ndarray,
        image_id: np.ndarray,
        maps: RawMaps,
    ):
        self.model, self.images, self.image_id, self.maps = model, images, image_id, maps
        self.target = torch.as_tensor(target, device=images.device)
        on_gpu = images.device.type == "cuda"
        self.batch = _ON_GPU if on_gpu else max(_FEWEST, _PIXELS // maps.pixels)

    def __len__(self) -> int:
        return len(self.images)

    def rng(self, image: int, purpose: int) -> np.random.Generator:
        """The generator of what is drawn for one image, the same for all models."""
        return np.random.default_rng([purpose, int(self.image_id[image])])

    def ask(self, make: Callable[[Tensor, Tensor], Tensor], versions: int) -> np.ndarray:
        """Confidence, float64 (N, versions), in every version of every image, many at once.

        `make(image, version)`: from two int64 (B,), which images and which versions of them, to
        these versions (B, 3, s, s).
        """
        parts: list[np.ndarray] = []
        every = torch.arange(len(self) * versions, device=self.images.device)
        with torch.inference_mode():
            for chunk in every.split(self.batch):
                image = chunk // versions
                changed = make(image, chunk % versions)
                logits = self.model(changed.contiguous(memory_format=torch.channels_last))
                share = logits.double().softmax(1).gather(1, self.target[image, None])
                parts.append(share[:, 0].cpu().numpy())
        return np.concatenate(parts).reshape(len(self), versions)

    @cached_property
    def confidence(self) -> np.ndarray:
        """In the images as they are, float64 (N,)."""
        return self.ask(lambda image, _: self.images[image], 1)[:, 0]

    @cached_property
    def confidence_through_map(self) -> np.ndarray:
        """In the images times their maps, float64 (N,): the maps that are compared, in [0, 1];
        images after normalisation, so that what a map hides becomes the mean colour."""
        shown = torch.from_numpy(to_maps(self.maps.raw, self.maps.size)).to(self.images.device)
        return self.ask(lambda image, _: self.images[image] * shown[image, None], 1)[:, 0]

    @cached_property
    def places(self) -> Tensor:
        """int64 (N, s, s): the place of each pixel by the positive map's value, the highest first.
        Equal pixels, many where a map is 0, are in a random order."""
        found = [places(row, self.rng(i, 0)) for i, row in enumerate(self._flat)]
        shape = self.maps.positive.shape
        return torch.from_numpy(np.stack(found).reshape(shape)).to(self.images.device)

    @property
    def _flat(self) -> np.ndarray:
        return self.maps.positive.reshape(len(self), -1)

    def curve(self, start: Tensor, finish: Tensor) -> np.ndarray:
        """Confidence, float64 (N, s + 1), while the pixels of `start` become those of `finish`, a
        row's worth of them at a time, the highest first. Both (N, 3, s, s), or (1, 3, 1, 1)."""
        side = self.maps.size
        shape = self.images.shape
        start, finish = start.expand(shape), finish.expand(shape)

        def changed(image: Tensor, step: Tensor) -> Tensor:
            done = self.places[image] < (step * side)[:, None, None]
            return torch.where(done[:, None], finish[image], start[image])

        return self.ask(changed, side + 1)


def places(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The place of each of `values` (P,), the highest first, from 0; equal ones in random order."""
    shuffled = rng.permutation(len(values))
    order = shuffled[np.argsort(-values[shuffled], kind="stable")]
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.arange(len(values))
    return found


def area(curve: np.ndarray) -> np.ndarray:
    """The area under curves (N, steps + 1) with their ends one apart, by trapezoids: (N,)."""
    return (curve.sum(axis=1) - (curve[:, 0] + curve[:, -1]) / 2) / (curve.shape[1] - 1)
