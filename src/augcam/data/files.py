"""The files that a data set is read from."""

from augcam.config.schema import Dataset
from augcam.data.layout import parts
from augcam.entries import data_kind_named
from augcam.errors import AugcamError


def source_files(dataset: Dataset) -> list[str]:
    """The files that a data set is read from, as far as they are few enough to be named.

    Raises AugcamError naming the key of a path that is not there, or that cannot be understood.
    """
    if not data_kind_named(dataset.name).held:
        return []
    try:
        found, _ = parts(dataset)
    except AugcamError as error:
        raise AugcamError(f"config: {error}") from None
    return [str(path) for part in found for path in part.paths if path.is_file()]
