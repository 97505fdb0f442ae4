"""Reading distances: what the jobs that compare models have written, for the statistics."""

from functools import partial
from typing import Any

import pandas as pd

from augcam.comparison.repeats import distinct
from augcam.files.tables import read_table
from augcam.statistics.distances import Distances, gather


def read_distances(files: Any, params: Any, equal: pd.DataFrame) -> Distances:
    """The distances of a run, without models that are an earlier one again.

    `files`, `params`: a script's input and params, as `distance_files` and `distance_params` of the
    workflow give them; `equal`: the table `equal_models`.
    """
    read = partial(read_table, columns=params.metrics)
    compared = distinct(params.compared, map(read, files.similarity), equal)
    further = dict(zip(map(tuple, params.further), map(read, files.further)))
    return gather(tuple(params.reference), compared, further, params.metrics)
