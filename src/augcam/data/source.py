"""What every reader makes of a data set: images that are decoded when asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

import numpy as np

from augcam.data.decoding import Picture
from augcam.data.folders import LeftOut
from augcam.data.masks import Brought, Mask
from augcam.data.notes import Note


@dataclass(frozen=True)
class Source:
    """Images that are decoded when asked for, each with its class and its split.

    `labels` int64 (N,); `names` say in messages where each image is, and `origins` in tables,
    wherever the data set lies (None: the same); `decode(i)` gives image i.
    `splits`, train, val or test (N,): as the data set says. Where it has no test images of its own,
    or no validation images, a share of `train` becomes them.
    `groups`, text (N,): images of one group stay on one side of a split; None where all may part.
    `cues`, int64 (N,): the class whose cue each image has, where cues are known.
    `mask(i)`: what each pixel of image i shows, uint8 (H, W) as `decode(i)` has them, positions in
    `mask_names`, or with what there is to say of it, or None where this image has none; None where
    there are no masks. Where there are no `mask_names`, any values but 0, which is nothing: they
    are named when all have been read.
    `left_out`: the files that are no images of it.
    """

    labels: np.ndarray
    class_names: list[str]
    names: list[str]
    decode: Callable[[int], Picture]
    splits: np.ndarray
    groups: np.ndarray | None = None
    origins: list[str] | None = None
    cues: np.ndarray | None = None
    mask: Callable[[int], Mask | Brought | None] | None = None
    mask_names: tuple[str, ...] = ()
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def take(self, positions: np.ndarray) -> "Source":
        """The images at `positions` alone, in their order."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {k: v[positions] for k, v in arrays.items() if isinstance(v, np.ndarray)}
        mask = self.mask
        return replace(
            self,
            **arrays,
            names=[self.names[i] for i in positions],
            origins=self.origins and [self.origins[i] for i in positions],
            decode=lambda i: self.decode(positions[i]),
            mask=mask and (lambda i: mask(positions[i])),
        )
