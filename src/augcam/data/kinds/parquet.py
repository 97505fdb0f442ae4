"""Parquet files in the layout of Hugging Face's image data sets."""

from augcam.entries import DataKind


def read(dataset):
    from augcam.data.parquet import read_parquet

    return read_parquet(dataset)


def check(dataset):
    if not dataset.train:
        raise ValueError("'parquet' needs dataset.train, the path of the training images")


def held(key, path):
    from augcam.data.shards import parquet_files

    return parquet_files(key, path)


def below(path):
    from augcam.data.shards import parquet_below

    return parquet_below(path)


_SPLITS = ("train", "validation", "test", "group")


ENTRY = DataKind(
    name="parquet",
    display_name="Hugging Face image layout",
    read=read,
    keys=(*_SPLITS, "class_names", "image_column", "label_column", "masks"),
    masks=("column", "boxes"),
    check=check,
    held=held,
    below=below,
)
