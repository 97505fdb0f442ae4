"""The files that a data set is read from."""

import stat
from pathlib import Path

from augcam.config.schema import Dataset
from augcam.errors import AugcamError


def source_files(dataset: Dataset) -> list[str]:
    """The files that a data set is read from, as far as they are few enough to be named.

    Raises AugcamError naming the key of a path that is not there.
    """
    if dataset.name not in ("parquet", "imagefolder"):
        return []
    files = []
    for key, path in (("dataset.train", dataset.train), ("dataset.test", dataset.test)):
        if path is None:
            continue
        try:
            mode = Path(path).stat().st_mode
        except OSError as error:  # also a name that no file can have
            reason = "" if isinstance(error, FileNotFoundError) else f" ({error.strerror})"
            raise AugcamError(
                f"config: {key}: there is no file or folder '{_short_path(path)}'{reason}."
            ) from None
        if not stat.S_ISDIR(mode):
            files.append(path)
        elif dataset.name == "parquet":
            files += sorted(map(str, Path(path).glob("*.parquet")))
    return files


def _short_path(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:197]}..."
