"""The results of an experiment, for notebooks and for the page: tables, maps, images, masks.

run = augcam.load("results/quickstart")
run.tables["effects"]                                      # a DataFrame
run.maps(condition, state)                                 # (N, h, w), as `run.image_id`
run.overlay(run.image(7), run.map_of(7, condition, state)) # (size, size, 3), to be shown
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from augcam.comparison.maps import to_maps
from augcam.data.geometry import Fit, take
from augcam.data.masks import Masks, read_masks
from augcam.errors import AugcamError
from augcam.files.arrays import read_array, read_arrays
from augcam.files.json import read_json
from augcam.files.tables import read_table
from augcam.names import MAIN

Model = tuple[str, int]
"""Condition and starting state."""


def load(folder: str | Path) -> "Results":
    """The results in `folder`, `results/<experiment>`; nothing is read but what is asked for.

    Raises AugcamError where `folder` holds no finished experiment.
    """
    return Results(folder)


class Results:
    """What one experiment has made. A run that lacks something has empty lists in its place."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not (self.folder / "provenance.json").is_file():
            raise AugcamError(
                f"{self.folder}: there is no provenance.json, so this is no finished experiment; "
                "give the folder results/<experiment> of one."
            )
        self.tables: Mapping[str, pd.DataFrame] = _Tables(self.folder / "tables")

    @cached_property
    def provenance(self) -> dict:
        """What was run, with what, on what; `provenance["config"]` holds every setting."""
        return read_json(self.folder / "provenance.json")

    @property
    def config(self) -> dict:
        return self.provenance["config"]

    @cached_property
    def models(self) -> list[Model]:
        """(condition, state) of every model, the baseline first."""
        return [(model["condition"], model["state"]) for model in self.provenance["models"]]

    @property
    def baseline(self) -> Model:
        """The model that all others are compared with."""
        return self.models[0]

    @cached_property
    def views(self) -> list[str]:
        """Ways in which models were explained, the main one first; not what lies there of views
        that the config has no more."""
        named = [MAIN, *(self.config.get("views") or {})]
        return [view for view in named if (self.folder / "explanations" / view).is_dir()]

    @cached_property
    def input_size(self) -> int:
        """Side in pixels of what networks see, at which maps are compared."""
        return int(self.config["model"]["input_size"])

    # ------------------------------------------------------------------------------ of every model

    def explained(self, condition: str, state: int, view: str = MAIN) -> dict[str, np.ndarray]:
        """The file of a model's maps: `cam` float32 (N, h, w), raw and signed, `image_id` int64
        (N,), `target` (N,), `layer`, `method`. Raises AugcamError where there is none."""
        return read_arrays(self._of_model("explanations", view, condition, state) / "cams.npz")

    def maps(
        self, condition: str, state: int, view: str = MAIN, size: int | None = None
    ) -> np.ndarray:
        """The raw maps of a model, float32 (N, h, w), signed, at the layer's own resolution; with
        `size` as they are compared: (N, size, size) in [0, 1]."""
        cam = self.explained(condition, state, view)["cam"]
        return cam if size is None else to_maps(cam, size)

    def map_of(self, image: int, condition: str, state: int, view: str = MAIN) -> np.ndarray:
        """The raw map (h, w) of one test image. Raises AugcamError where it was not explained."""
        found = self.explained(condition, state, view)
        (rows,) = np.nonzero(found["image_id"] == image)
        if not len(rows):
            raise AugcamError(
                f"image {image}: '{condition}', state {state}, was not explained for it in view "
                f"'{view}'; image_id names the {len(found['image_id'])} that were."
            )
        return found["cam"][rows[0]]

    def predictions(self, condition: str, state: int) -> pd.DataFrame:
        """image_id, label, predicted and logit_0 … of a model, one row per test image."""
        folder = self._of_model("explanations", MAIN, condition, state)
        return read_table(folder / "predictions.parquet")

    def distances(self, condition: str, state: int, view: str = MAIN) -> pd.DataFrame:
        """Every metric between a model and the baseline, one row per test image."""
        return self._values("similarity", condition, state, view)

    def scores(self, condition: str, state: int, view: str = MAIN) -> pd.DataFrame:
        """Every score of a model's maps, one row per test image, where the run has scores. Those
        that ask the network are NaN where an image is not in their sample."""
        found = self._values("scores", condition, state, view)
        if not self.has("faithfulness", condition, state, view):
            return found
        sampled = self._values("faithfulness", condition, state, view)
        return found.merge(sampled, how="left", on="image_id")

    def has(self, kind: str, condition: str, state: int, view: str = MAIN) -> bool:
        """Whether there are `similarity`, `scores`, `faithfulness` or `explanations` of a model."""
        name = f"{state}/cams.npz" if kind == "explanations" else f"{state}.parquet"
        return (self.folder / kind / view / condition / name).is_file()

    def _values(self, kind: str, condition: str, state: int, view: str) -> pd.DataFrame:
        path = self._of_model(kind, view, condition, state)
        return read_table(path.with_name(f"{path.name}.parquet"))

    def _of_model(self, kind: str, view: str, condition: str, state: int) -> Path:
        if (condition, state) not in self.models:
            raise AugcamError(
                f"there is no model ('{condition}', {state}); the run has {_listed(self.models)}."
            )
        if view not in self.views:
            raise AugcamError(f"there is no view '{view}'; the run has {_listed(self.views)}.")
        return self.folder / kind / view / condition / str(state)

    # ------------------------------------------------------------------------------------- images

    @cached_property
    def index(self) -> pd.DataFrame:
        """Every image: split, label, class_name, source …, by image_id."""
        return read_table(self.folder / "data/index.parquet").set_index("image_id", drop=False)

    @cached_property
    def image_id(self) -> np.ndarray:
        """Ids of the test images, int64 (N,), in the order of maps of the main view."""
        return self.predictions(*self.baseline)["image_id"].to_numpy()

    @cached_property
    def _store(self) -> np.ndarray:
        return read_array(self.folder / "data/images.npy", mmap="r")

    @cached_property
    def stats(self) -> dict:
        """Statistics of the images, `data/stats.json`."""
        return read_json(self.folder / "data/stats.json")

    @property
    def fit(self) -> Fit:
        """What is left to do to stored images, see `augcam.data.geometry`."""
        return Fit(**self.stats["fit"])

    def image(self, image: int) -> np.ndarray:
        """What networks see of an image, uint8 (H, H, 3), at the resolution of the store."""
        if not 0 <= image < len(self._store):
            raise AugcamError(f"image {image}: ids are 0 to {len(self._store) - 1}.")
        return take(self._store[image], self.fit)

    @cached_property
    def masks(self) -> Masks | None:
        """Masks of the test images; None where the data set has none."""
        path = self.folder / "data/masks.npz"
        return read_masks(path) if path.is_file() else None

    def mask(self, image: int) -> np.ndarray:
        """What each pixel of an image shows, uint8 (size, size), as networks see it: positions in
        `masks.names`. Raises AugcamError where the image has no mask."""
        if self.masks is None:
            raise AugcamError(f"{self.folder}: its data set has no masks.")
        if image not in self.masks.image_id:
            raise AugcamError(f"image {image}: it has no mask.")
        return self.masks.of(np.array([image])).seen(self.input_size, self.fit)[0]

    @staticmethod
    def overlay(image: np.ndarray, map: np.ndarray, size: int = 224) -> np.ndarray:
        """An image (H, H, 3) in grey, coloured where its raw map (h, w) is high: uint8
        (size, size, 3)."""
        from augcam.report.pictures import overlay

        return overlay(image, map, size)


class _Tables(Mapping):
    """The tables of a run by name, read when asked for."""

    def __init__(self, folder: Path):
        self._folder = folder

    def __getitem__(self, name: str) -> pd.DataFrame:
        path = self._folder / f"{name}.parquet"
        if not path.is_file():
            raise AugcamError(f"{path}: there is no such table; the run has {_listed(self)}.")
        return read_table(path)

    def __contains__(self, name: object) -> bool:
        return (self._folder / f"{name}.parquet").is_file()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in self._folder.glob("[!.]*.parquet")))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"tables: {_listed(self)}"


def _listed(names) -> str:
    return ", ".join(map(str, names)) or "none"
