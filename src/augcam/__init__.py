"""augcam: how does data augmentation change what an image classifier looks at?

One package a stage, in the order in which data flow; each imports only what stands before it:
errors → entries, names → config → files → data → augment → networks → train → explain → compare
→ paper → statistics → report → results → page → run. None of them knows Snakemake.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augcam.results import Results

__version__ = "0.1.0"


def load(folder: str) -> "Results":
    """The results in `folder`, `results/<experiment>`, for a notebook: see `augcam.results`."""
    from augcam.results import load as load_results

    return load_results(folder)
