"""Comparing class activation maps: ours against a loop over images in numpy and scipy."""

from collections.abc import Callable

import numpy as np

from benchmarks.harness import Comparison, Done, Settings

METRICS = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5"]
SIZE = 224
EPSILON = 2.220446049250313e-16


def _cams(models: int, images: int) -> np.ndarray:
    """Raw maps (models, images, 7, 7): blobs around a place of the image's, as networks make them.

    About a third of the pixels is negative, so 0 after ReLU.
    """
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:7, :7]
    centre = rng.uniform(0, 6, (images, 2, 1, 1)) + rng.normal(0, 1, (models, images, 2, 1, 1))
    width = rng.uniform(1, 3, (models, images, 1, 1))
    blob = np.exp(-((y - centre[:, :, 0]) ** 2 + (x - centre[:, :, 1]) ** 2) / width**2)
    return (blob - 0.15 + rng.normal(0, 0.1, blob.shape)).astype(np.float32)


def ours(models: int) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        from augcam.comparison.explained import Explained
        from augcam.comparison.models import compare

        images = 200 if settings.full else 60
        cams = _cams(models + 1, images)
        nothing = np.zeros((images, 1)), np.ones(images, bool)
        baseline, *others = (Explained(np.arange(images), cam, *nothing) for cam in cams)

        def run() -> Done:
            tables = compare(baseline, others, METRICS, SIZE, EPSILON, settings.threads)
            return Done(images * models, tables[0][METRICS].to_numpy()[:20])

        return run

    return setup


def loop(models: int) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        import cv2
        from scipy.stats import pearsonr, spearmanr

        from augcam.comparison.maps import to_maps

        images = 200 if settings.full else 60
        cams = _cams(models + 1, images)

        def to_map(cam: np.ndarray) -> np.ndarray:
            """The library's own steps: pytorch_grad_cam.utils.image.scale_cam_image."""
            cam = np.maximum(cam, 0)
            cam = cam - cam.min()
            cam = cv2.resize(cam / (1e-7 + cam.max()), (SIZE, SIZE))
            cam = cam - cam.min()
            return cam / (1e-7 + cam.max())

        def metrics(p: np.ndarray, q: np.ndarray) -> list[float]:
            difference = p.astype(np.float64) - q
            values = [np.abs(difference).mean(), np.square(difference).mean()]
            # In float64: scipy's Pearson of float32 is off by 1e-6.
            values += [pearsonr(p.astype(np.float64), q.astype(np.float64)).statistic]
            values += [spearmanr(p, q).statistic]
            for top in (20, 10, 5):
                a = p >= np.percentile(p, 100 - top)
                b = q >= np.percentile(q, 100 - top)
                values.append((a & b).sum() / (a | b).sum())
            return values

        # OpenCV's maps differ from ours by 1e-7, which moves ranks: compared are the same maps.
        maps = [to_maps(model[:20], SIZE).reshape(20, -1) for model in cams[:2]]
        values = np.array([metrics(p, q) for p, q in zip(*maps)])

        def run() -> Done:
            pairs = [(cams[0, i], cams[1, i]) for i in range(images if settings.full else 20)]
            for p, q in pairs:
                metrics(to_map(p).ravel(), to_map(q).ravel())
            return Done(len(pairs), values)

        return run

    return setup


def benchmark(name: str, title: str, models: int, goals: dict[int, float]) -> Comparison:
    return Comparison(
        name,
        title,
        unit="pairs of maps",
        sides={"augcam": ours(models), "numpy and scipy, one process": loop(models)},
        goals={"numpy and scipy, one process": goals},
        packages=("numba", "opencv-python"),
        rounds=(5, 11),
        tolerance=1e-6,
    )


BENCHMARKS = [
    benchmark(
        "similarity",
        "Similarity: seven map metrics at 224×224 from 7×7, 21 models and one baseline",
        21,
        {1: 17, 2: 28},
    ),
    benchmark(
        "similarity-condition",
        "The same for 3 models and one baseline: one job of the workflow",
        3,
        {},
    ),
]
