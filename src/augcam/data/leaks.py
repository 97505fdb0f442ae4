"""Images that stand in several splits: equal ones, and those that look as if they were.

Two images are near-duplicates where their details agree: what is left of the grey image when the
coarse structure is taken out, and what all images of the data set have in common. JPEG and resizing
keep details; another picture of the same kind of thing has others, however alike the two may look.
"""

import os
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from augcam.data.layout import WORDS
from augcam.data.notes import Note, listed, note, warning

PAIRS = (("train", "val"), ("train", "test"), ("val", "test"))
SMALLEST = 16  # pixels of a side: smaller images have too few details to tell

_BLOCK = 2**20  # values of images at a time, so that memory stays flat
_SAMPLE = 2048  # images that stand for the data set
_THUMB, _AXES = 8, 16  # coarse look: pixels of a side, principal axes
_NEAREST, _RADIUS = 4, 0.35  # candidates: the images of nearest coarse look, all of norm 1
_DETAILS = (32, 96)  # pixels of a side: a third of the image's within these bounds
_ALIKE = 0.6  # least correlation of details
_ALIKE_CLIPPED = 0.55  # the same where each pixel counts at most as much as most of them


class Leaks(NamedTuple):
    """Pairs of splits, each (a, b) → pairs (image of a, image of b) of row numbers, int (K, 2).

    One pair for each image of b that is equal to one of a, or like one and equal to none.
    """

    equal: dict[tuple[str, str], np.ndarray]
    alike: dict[tuple[str, str], np.ndarray]


def identities(images: np.ndarray) -> np.ndarray:
    """One number per image of uint8 (N, H, W, 3), the same for images with the same pixels."""
    digests = np.array([blake2b(image.tobytes(), digest_size=16).digest() for image in images])
    return np.unique(digests, return_inverse=True)[1].ravel()


def find_leaks(images: np.ndarray, split: np.ndarray, same: np.ndarray) -> Leaks:
    """What stands in two splits. `images` uint8 (N, H, W, 3), `split` text (N,), `same` (N,) as
    `identities` gives it."""
    rows = {part: np.flatnonzero(split == part) for part in WORDS}
    equal = {(a, b): _equal(rows[a], rows[b], same) for a, b in PAIRS}
    look = _Look(images) if min(images.shape[1:3]) >= SMALLEST else None
    alike = {}
    for a, b in PAIRS:
        others = np.setdiff1d(rows[b], equal[a, b][:, 1])
        none = np.empty((0, 2), dtype=np.int64)
        alike[a, b] = look.alike(rows[a], others) if look else none
    return Leaks(equal, alike)


def _equal(a: np.ndarray, b: np.ndarray, same: np.ndarray) -> np.ndarray:
    first, of = np.unique(same[a], return_index=True)
    inside = b[np.isin(same[b], first)]
    return np.stack([a[of[np.searchsorted(first, same[inside])]], inside], axis=1)


# ---------------------------------------------------------------------------------------- details


class _Look:
    """What images of one data set look like: coarsely, for all, and in detail when asked for."""

    def __init__(self, images: np.ndarray):
        self.images = images
        self.block = max(1, _BLOCK // images[0].size)
        sample = np.unique(np.linspace(0, len(images) - 1, _SAMPLE).astype(int))
        coarse = np.concatenate(list(self._coarse(sample)))
        axes = np.linalg.eigh(coarse.T @ coarse)[1][:, ::-1][:, :_AXES]
        everything = self._coarse(np.arange(len(images)))
        self.coarse = np.concatenate([block @ axes for block in everything])
        details = np.concatenate([self._raw_details(ids) for ids in self._blocks(sample)])
        self.common = _unit(details.mean(axis=0).reshape(1, -1))[0]
        self.least = self._least_correlation(self._correlatable(details)[1])

    def alike(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Pairs (of a, of b), int (K, 2): for each image of b the likest of a, if it is alike."""
        from scipy.spatial import KDTree

        a, b = (ids[np.any(self.coarse[ids], axis=1)] for ids in (a, b))  # without blank images
        if not (len(a) and len(b)):
            return np.empty((0, 2), dtype=np.int64)
        distance, near = KDTree(self.coarse[a]).query(
            self.coarse[b], k=_NEAREST, distance_upper_bound=_RADIUS
        )
        row, column = np.nonzero(np.isfinite(distance))
        pairs = np.stack([a[near[row, column]], b[row]], axis=1)
        how = np.concatenate([np.empty(0), *map(self._agreement, self._blocks(pairs))])
        order = np.lexsort((-how, pairs[:, 1]))
        pairs, how = pairs[order], how[order]
        first = np.unique(pairs[:, 1], return_index=True)[1]
        return pairs[first][how[first] > 0]

    def _blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        return (rows[i : i + self.block] for i in range(0, len(rows), self.block))

    def _agreement(self, pairs: np.ndarray) -> np.ndarray:
        """Correlation of the details of each pair; 0 for a pair that is not alike."""
        (plain_a, clipped_a), (plain_b, clipped_b) = (
            self._correlatable(self._raw_details(column)) for column in pairs.T
        )
        plain, clipped = (plain_a * plain_b).sum(1), (clipped_a * clipped_b).sum(1)
        return np.where((plain >= _ALIKE) & (clipped >= self.least), plain, 0)

    def _coarse(self, ids: np.ndarray) -> Iterator[np.ndarray]:
        """Colours at 8×8 pixels without their mean, of norm 1: float32 (n, 192), by block."""
        for block in self._blocks(ids):
            small = _reduced(self.images[block].astype(np.float32), _THUMB)
            flat = small.reshape(len(small), -1)
            yield _unit(flat - flat.mean(axis=1, keepdims=True))

    def _raw_details(self, ids: np.ndarray) -> np.ndarray:
        """Difference of two Gaussians of grey images, float32 (n, s, s)."""
        from scipy.ndimage import gaussian_filter

        pixels = self.images[ids].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
        side = int(np.clip(min(pixels.shape[1:]) / 3, *_DETAILS))
        grey = _reduced(pixels[..., None], side)[..., 0]
        return gaussian_filter(grey, (0, 0.7, 0.7)) - gaussian_filter(grey, (0, 2, 2))

    def _correlatable(self, details: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What images have of their own, float32 (n, s²) of norm 1: plain, and clipped.

        Clipped at the median size, and at least at a quarter of a grey level, so that a few strong
        edges, which images of one kind may share, count no more than all the rest.
        """
        details = details.reshape(len(details), -1)
        own = details - np.outer(details @ self.common, self.common)
        most = np.maximum(np.median(np.abs(own), axis=1, keepdims=True), 0.25)
        return _unit(own), _unit(np.clip(own / most, -1, 1))

    def _least_correlation(self, clipped: np.ndarray) -> float:
        """What no two unrelated images reach by chance, among all pairs of the data set.

        Images with few details of their own (smooth, or all alike) correlate by chance: from how
        much they do, the number of their independent details d; of random vectors in d dimensions
        a share below (1 − r²)^(d/2) correlates by more than r.
        """
        a, b = np.random.default_rng(0).integers(0, len(clipped), (2, 2**14))
        chance = np.abs((clipped[a] * clipped[b]).sum(axis=1))[a != b]
        spread = np.median(chance) / 0.6745 if len(chance) else 0.0  # standard deviation
        pairs = float(len(self.images)) ** 2
        return max(_ALIKE_CLIPPED, float(np.sqrt(1 - pairs ** (-2 * max(spread, 1e-3) ** 2))))


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of norm 1; those without any content stay 0."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(norm > 1e-3, rows / np.maximum(norm, 1e-3), 0)


def _reduced(images: np.ndarray, side: int) -> np.ndarray:
    """Means over areas: float32 (n, H, W, C) to (n, s, s, C), s at most the shorter side."""
    side = min(side, *images.shape[1:3])
    rows, columns = (_area_weights(length, side) for length in images.shape[1:3])
    return np.einsum("sh,nhwc,tw->nstc", rows, images, columns, optimize=True)


def _area_weights(length: int, parts: int) -> np.ndarray:
    """Share of each of `length` pixels in each of `parts` equal stretches; rows sum to 1."""
    edges = np.arange(parts + 1) * length / parts
    pixel = np.arange(length)
    inside = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return (np.clip(inside, 0, None) * parts / length).astype(np.float32)


# ------------------------------------------------------------------------------------------ words


def leak_notes(
    leaks: Leaks, split: np.ndarray, same: np.ndarray, labels: np.ndarray, names: list[str]
) -> list[Note]:
    """What a user should know of images that stand in several splits, or more than once.

    `split`, `same`, `labels` (N,); `names` say where each image comes from.
    """
    notes, names = [], _below_what_they_share(names)
    for found, verb, sign in (
        (leaks.equal, "are equal to", "="),
        (leaks.alike, "are near-duplicates of", "≈"),
    ):
        for (a, b), pairs in found.items():
            if len(pairs):
                number = f"{len(pairs):,} of {(split == b).sum():,} {WORDS[b]} images"
                which = listed([f"{names[j]} {sign} {names[i]}" for i, j in pairs])
                notes.append(warning("leak", f"{number} {verb} {WORDS[a]} images ({which})."))
    return [*notes, *_repeated(split, same), *_contradictions(same, labels, names)]


def _below_what_they_share(names: list[str]) -> list[str]:
    """Paths without the folders that all of them have in common."""
    shared = os.path.commonprefix(names).rpartition("/")[0]  # noqa: RUF071 a path or not
    return [name[len(shared) + 1 :] for name in names] if shared else names


def _repeated(split: np.ndarray, same: np.ndarray) -> list[Note]:
    """Equal images within a split."""
    numbers = {p: (split == p).sum() - len(np.unique(same[split == p])) for p in WORDS}
    which = [f"{number:,} of the {WORDS[p]} images" for p, number in numbers.items() if number]
    text = f"images that repeat another one of their split, pixel by pixel: {', '.join(which)}."
    return [note("duplicates", text)] if which else []


def _contradictions(same: np.ndarray, labels: np.ndarray, names: list[str]) -> list[Note]:
    """Equal images with different classes."""
    kinds = np.unique(np.stack([same, labels], axis=1), axis=0)[:, 0]
    several = np.unique(kinds[1:][kinds[1:] == kinds[:-1]])
    if not len(several):
        return []
    rows = np.isin(same, several).sum()
    example = " = ".join(names[i] for i in np.flatnonzero(same == several[0])[:3])
    return [warning("labels", f"{rows:,} images have an equal one of another class ({example}).")]
