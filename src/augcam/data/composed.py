"""Images that are put together: an object on a background, with a cue that goes with the class.

One generator for the designs in which it is known what a network should look at, and what it may
look at instead: a patch whose colour goes with the class (decoy-MNIST, Ross et al. 2017), a
background that does (Waterbirds, Sagawa et al. 2020), further objects that do not (BAM, Yang and
Kim 2019).

Every aspect of every image is drawn from a generator of its own, so that to change one leaves the
others as they are, pixel by pixel. With another share of cues that are their class's, a larger one
adds to those of a smaller one.
"""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from augcam.config.schema import Dataset
from augcam.data.decoding import Picture
from augcam.data.masks import Mask
from augcam.data.notes import note
from augcam.data.source import Source

NOTHING, OBJECT, CUE, DISTRACTOR = range(4)
MASK_NAMES = ("nothing", "object", "cue", "distractor")

_TEST_SHARE = 0.25  # of each class
_BACKGROUND_LIGHT, _DISTRACTOR_LIGHT = 0.6, 0.8  # of the object's
_SMALLEST_OBJECT = 0.55  # side, as a share of the image's; the largest leaves the corners free
_FAINT = 1 / 16  # opacities below are none
_CROP = (64, 128)  # side in pixels of crops of the photographs
_STRIPS = 5  # of each photograph: its regions
_ASPECTS = ("split", "object", "background", "cue", "distractors")


def composed(dataset: Dataset) -> Source:
    """The data set that `objects`, `background`, `cue`, `distractors`, `size` and `seed` describe.

    A quarter of the objects of each class are for testing, as the cue is drawn otherwise there.
    Raises AugcamError where the objects' package is missing.
    """
    shapes, labels, class_names = _OBJECTS[dataset.objects]()
    tests = _for_testing(labels, dataset.seed)
    images = Composition(dataset, shapes, labels, tests, len(class_names))
    text = (
        f"{tests.sum():,} of {len(labels):,} objects are for testing, a quarter of each class; "
        "split.test_fraction is not used."
    )
    return Source(
        labels=labels,
        class_names=class_names,
        names=[f"{dataset.objects}[{i}]" for i in range(len(labels))],
        decode=images.picture,
        splits=np.where(tests, "test", "train"),
        cues=images.cues if dataset.cue.kind != "none" else None,
        mask=images.mask,
        mask_names=MASK_NAMES,
        notes=[note("split", text)],
    )


def _digits() -> tuple[np.ndarray, np.ndarray, list[str]]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    shapes = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return shapes, digits.target.astype(np.int64), [str(name) for name in digits.target_names]


def _animals() -> tuple[np.ndarray, np.ndarray, list[str]]:
    from augcam.data.silhouettes import ANIMALS, silhouettes

    shapes, labels = silhouettes()
    return shapes, labels.astype(np.int64), list(ANIMALS)


_OBJECTS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray, list[str]]]] = {
    "digits": _digits,
    "animals": _animals,
}


def generator(seed: int, aspect: str, image: int = 0) -> np.random.Generator:
    """What one aspect of one image is drawn from: independent of every other one."""
    key = _ASPECTS.index(aspect), image
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _for_testing(labels: np.ndarray, seed: int) -> np.ndarray:
    """(N,) bool: the same share of each class."""
    rng = generator(seed, "split")
    tests = np.zeros(len(labels), dtype=bool)
    for label in range(labels.max() + 1):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        tests[of_class[: round(_TEST_SHARE * len(of_class))]] = True
    return tests


@dataclass(frozen=True)
class Composition:
    """The images of one data set, each put together when asked for.

    `shapes` uint8 (N, h, w), bright on black, of classes `labels` int64 (N,), below `classes`;
    `tests` bool (N,).
    """

    dataset: Dataset
    shapes: np.ndarray
    labels: np.ndarray
    tests: np.ndarray
    classes: int

    @cached_property
    def cues(self) -> np.ndarray:
        """int64 (N,): the class whose cue each image has."""
        return np.array([self._cue(i)[0] for i in range(len(self.labels))])

    def picture(self, i: int) -> Picture:
        """Image i, uint8 (size, size, 3)."""
        pixels = np.rint(self._composed(i)[0] * 255).astype(np.uint8)
        return Picture(pixels, grey=bool((pixels == pixels[..., :1]).all()))

    def mask(self, i: int) -> Mask:
        """What each pixel of image i shows, uint8 (size, size): see `MASK_NAMES`."""
        return self._composed(i)[1]

    def _cue(self, i: int) -> tuple[int, np.random.Generator]:
        """The class whose cue image i has, and the generator of what else is drawn of the cue."""
        rng = generator(self.dataset.seed, "cue", i)
        share = self.dataset.cue.test if self.tests[i] else self.dataset.cue.train
        goes_along, any_class = rng.random() < share, int(rng.integers(self.classes))
        return int(self.labels[i]) if goes_along else any_class, rng

    def _composed(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Image i, float64 in [0, 1], (size, size, 3), and its mask."""
        size, kind = self.dataset.size, self.dataset.cue.kind
        cue, rng = self._cue(i)
        pixels = self._background(i, cue if kind == "background" else None)
        mask = np.full((size, size), CUE if kind == "background" else NOTHING, np.uint8)
        for shape, top, left in self._distractors(i):
            _put(pixels, mask, shape, top, left, _DISTRACTOR_LIGHT, DISTRACTOR)
        texture = _texture(cue, size, rng.uniform(0, 2 * np.pi)) if kind == "texture" else 1.0
        fill = _BACKGROUND_LIGHT + (1 - _BACKGROUND_LIGHT) * texture
        shape, top, left = self._object(i)
        _put(pixels, mask, self.dataset.opacity * shape, top, left, fill, OBJECT)
        if kind == "patch":
            side = _patch_side(size)
            top, left = (size - side) * rng.integers(2, size=2)
            pixels[top : top + side, left : left + side] = hue(cue, self.classes)
            mask[top : top + side, left : left + side] = CUE
        return pixels, mask

    def _object(self, i: int) -> tuple[np.ndarray, int, int]:
        """The object's opacity, and where it is: off the corners, so that no patch covers it."""
        size, margin = self.dataset.size, _patch_side(self.dataset.size)
        rng = generator(self.dataset.seed, "object", i)
        side = int(rng.integers(round(_SMALLEST_OBJECT * size), size - 2 * margin, endpoint=True))
        top, left = rng.integers(margin, size - margin - side, endpoint=True, size=2)
        return _opacity(self.shapes[i], side), top, left

    def _distractors(self, i: int) -> list[tuple[np.ndarray, int, int]]:
        """Objects of the same part of the data, of any class, half as large, anywhere."""
        size = self.dataset.size
        rng = generator(self.dataset.seed, "distractors", i)
        others = np.flatnonzero(self.tests == self.tests[i])
        found = []
        for _ in range(self.dataset.distractors):
            shape = self.shapes[rng.choice(others)]
            largest = size - 2 * _patch_side(size)
            smallest = round(_SMALLEST_OBJECT * size)
            side = int(rng.integers(smallest, largest, endpoint=True)) // 2
            found.append((_opacity(shape, side), *rng.integers(size - side, endpoint=True, size=2)))
        return found

    def _background(self, i: int, variant: int | None) -> np.ndarray:
        """A background (size, size, 3), in [0, 0.6]: one of as many variants as there are classes,
        drawn where it is not given."""
        rng = generator(self.dataset.seed, "background", i)
        any_variant, size = int(rng.integers(self.classes)), self.dataset.size
        variant = any_variant if variant is None else variant
        match self.dataset.background:
            case "photographs":
                pixels = _crop(self._photographs, variant, size, rng)
            case "noise":
                pixels = (rng.random((size, size, 3)) + hue(variant, self.classes)) / 2
            case "textures":
                pixels = _texture(variant, size, rng.uniform(0, 2 * np.pi))
            case _:
                pixels = np.array(self.dataset.ground) / 255
        return _BACKGROUND_LIGHT * np.broadcast_to(pixels, (size, size, 3))

    @cached_property
    def _photographs(self) -> list[Image.Image]:
        from sklearn.datasets import load_sample_images

        return [Image.fromarray(pixels) for pixels in load_sample_images().images]


def hue(label: int, classes: int) -> np.ndarray:
    """The saturated colour of a class, (3,) in [0, 1]; hues lie evenly on the colour circle."""
    return np.array(colorsys.hsv_to_rgb(label / classes, 1, 1))


def _patch_side(size: int) -> int:
    return size // 8


def _opacity(shape: np.ndarray, side: int) -> np.ndarray:
    """A shape (h, w), bright on black, as opacity (side, side) in [0, 1], with narrow edges: what
    is opaque at all can be seen on every background."""
    resized = Image.fromarray(shape).resize((side, side), Image.Resampling.BILINEAR)
    opacity = np.clip(np.asarray(resized) / 255 * 2 - 0.5, 0, 1)
    return np.where(opacity < _FAINT, 0, opacity)


def _put(
    pixels: np.ndarray,
    mask: np.ndarray,
    opacity: np.ndarray,
    top: int,
    left: int,
    fill: np.ndarray | float,
    label: int,
) -> None:
    """Draw a shape, filled with a grey level or with those of an image (size, size, 1), and mark
    its pixels."""
    side = len(opacity)
    place = slice(top, top + side), slice(left, left + side)
    filled = fill[place] if isinstance(fill, np.ndarray) else fill
    pixels[place] += opacity[..., None] * (filled - pixels[place])
    mask[place][opacity > 0] = label


def _texture(variant: int, size: int, phase: float) -> np.ndarray:
    """A grey grating (size, size, 1) in [0, 1]: five directions, then the same, twice as fine."""
    fineness, direction = divmod(variant, 5)
    angle, waves = np.pi * direction / 5, 5 * 2**fineness
    y, x = np.mgrid[:size, :size] / size
    grating = np.sin(2 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    return (1 + grating[..., None]) / 2


def _crop(
    photographs: list[Image.Image], variant: int, size: int, rng: np.random.Generator
) -> np.ndarray:
    """A square somewhere in one upright strip of a photograph, resized to (size, size, 3)."""
    which, strip = divmod(variant, _STRIPS)
    photograph = photographs[which]
    width = photograph.width // _STRIPS
    side = int(rng.integers(*_CROP, endpoint=True))
    left = strip * width + int(rng.integers(width - side, endpoint=True))
    top = int(rng.integers(photograph.height - side, endpoint=True))
    resized = photograph.resize(
        (size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side)
    )
    return np.asarray(resized) / 255
