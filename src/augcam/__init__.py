"""augcam: how does data augmentation change what an image classifier looks at?

One package a stage, in the order in which data flow; each imports only what stands before it:
errors → entries, names → config → files → data → augment → networks → train → explanation →
comparison → paper → statistics → report → results → page → run. None of them knows Snakemake.

For notebooks, imported when asked for: `explain`, `compare`, `compare_models` (`augcam.library`)
and `load` (`augcam.results`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augcam.library import compare, compare_models, explain
    from augcam.results import load

__version__ = "0.1.0"
__all__ = ["compare", "compare_models", "explain", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'augcam' has no attribute '{name}'")
    return getattr(import_module("augcam.results" if name == "load" else "augcam.library"), name)
