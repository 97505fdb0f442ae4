"""Data sets with masks, as users bring them."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import ExifTags, Image

from augcam.config.schema import Dataset, Split
from augcam.data.masks import read_masks
from augcam.data.store import prepare
from augcam.files.tables import read_table

HALF = np.repeat([[0], [255]], 4, axis=0).repeat(8, axis=1).astype(np.uint8)
TURNS = {None: None, 6: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180,
         5: Image.Transpose.TRANSPOSE}  # fmt: skip
"""EXIF orientation → what makes the image upright."""


def blocks(rng, height, width, scale, values=(0, 1, 3)):
    """A label map of blocks of `scale` pixels, so that smaller by this factor nothing is lost."""
    small = rng.choice(values, size=(height, width)).astype(np.uint8)
    return small.repeat(scale, 0).repeat(scale, 1)


def encoded(pixels, orientation=None, kind="PNG", **options):
    """The bytes of an image file."""
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, exif=exif, **options)
    return file.getvalue()


def coloured(mask):
    """An image of which the red channel is 80 × the mask."""
    return np.stack([80 * mask, 9 + mask, 255 - 80 * mask], axis=2)


class Brought:
    """A data set with masks, as a user brings it, in one of the layouts."""

    def __init__(self, folder, images, masks, labels=(0, 1)):
        self.folder, self.images, self.masks, self.labels = folder, images, masks, labels

    def parquet(self, **keys):
        rows = [
            {
                "image": {"bytes": image, "path": None},
                "label": self.labels[i % 2],
                "mask": None if mask is None else {"bytes": mask, "path": None},
            }
            for i, (image, mask) in enumerate(zip(self.images, self.masks))
        ]
        for name in ("train", "test"):
            pq.write_table(pa.Table.from_pylist(rows), self.folder / f"{name}.parquet")
        paths = {name: str(self.folder / f"{name}.parquet") for name in ("train", "test")}
        return Dataset(name="parquet", **paths, masks={"column": "mask"} | keys.pop("masks", {}),
                       **keys)  # fmt: skip

    def imagefolder(self, **keys):
        for i, (image, mask) in enumerate(zip(self.images, self.masks)):
            for split in ("train", "test"):
                place = self.folder / "images" / split / f"class{i % 2}"
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{i}.png").write_bytes(image)
            if mask is not None:
                place = self.folder / "masks" / "test" / f"class{i % 2}"
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{i}.png").write_bytes(mask)
        masks = {"folder": str(self.folder / "masks")} | keys.pop("masks", {})
        return Dataset(name="imagefolder", train=str(self.folder / "images"), masks=masks, **keys)

    def table(self, **keys):
        lines = ["image,label,split,mask"]
        for i, (image, mask) in enumerate(zip(self.images, self.masks)):
            (self.folder / f"{i}.png").write_bytes(image)
            if mask is not None:
                (self.folder / f"mask{i}.png").write_bytes(mask)
            for split in ("train", "test"):
                name = "" if mask is None else f"mask{i}.png"
                lines.append(f"{i}.png,class{i % 2},{split},{name}")
        (self.folder / "table.csv").write_text("\n".join(lines))
        masks = {"column": "mask"} | keys.pop("masks", {})
        return Dataset(name="table", file=str(self.folder / "table.csv"), image="image",
                       label="label", split="split", masks=masks, **keys)  # fmt: skip


def prepared(dataset, folder, how="crop"):
    """Images of the test part, their masks, and what was said."""
    names = ("images.npy", "index.parquet", "order.npy", "stats.json")
    said = []
    prepare(
        dataset, Split(validation_fraction=0.4), *(folder / "data" / name for name in names),
        masks_path=folder / "data" / "masks.npz", how=how, say=said.append,
    )  # fmt: skip
    index = read_table(folder / "data" / "index.parquet")
    tests = (index["split"] == "test").to_numpy()
    return (
        np.load(folder / "data" / "images.npy")[tests],
        read_masks(folder / "data" / "masks.npz"),
        said,
    )


def bad(folder, rng, **change):
    """A data set of six images of 8×8 with masks, of which the fourth is `change`d."""
    masks = [encoded(blocks(rng, 8, 8, 1)) for _ in range(6)]
    images = [encoded(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)) for _ in masks]
    masks[3] = change.get("mask", masks[3])
    return Brought(folder, images, masks)
