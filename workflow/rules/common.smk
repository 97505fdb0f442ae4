import os
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Workflow and jobs use the library beside this workflow, whatever else is installed.
SOURCE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE))
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(SOURCE), os.getenv("PYTHONPATH")])))

try:
    from augcam.config import MEASURES, parse_config, repeated_keys
    from augcam.errors import AugcamError
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"Python cannot import '{error.name}': run `make setup`, then `source .venv/bin/activate`."
    ) from None

# glibc hands large buffers back to the kernel and faults them in again at every step unless told
# not to: worth 5 to 90 % of the speed on a CPU, and no result changes. Jobs inherit this.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**30))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**32))
os.environ.setdefault("MALLOC_TOP_PAD_", str(2**28))

for file in workflow.configfiles:
    if repeated := repeated_keys(Path(file).read_text(encoding="utf-8")):
        raise WorkflowError("\n".join(f"{file}: {sentence}." for sentence in repeated))

try:
    CONFIG = parse_config(config)
except AugcamError as error:
    raise WorkflowError(str(error)) from None

OUT = f"results/{CONFIG.experiment}"
REFERENCE_CONDITION, REFERENCE_STATE = CONFIG.reference

DATA = {
    # A rewritten but equal data set reruns nothing: what counts is the checksum in stats.json.
    "stats": f"{OUT}/data/stats.json",
    "images": ancient(f"{OUT}/data/images.npy"),
    "index": ancient(f"{OUT}/data/index.parquet"),
    "order": ancient(f"{OUT}/data/order.npy"),
}

MEAN_TABLES = ["similarity_mean", "similarity_summary", "excluded_values", "correlation_maps"]
FAMILY_TITLES = {
    "performance": "1 Performance",
    "boxplots": "2 Similarity to the baseline",
    "correlation_maps": "3 Correlation maps",
}


def code(*modules):
    """Modules of the library as inputs: a step runs again when one that it names is edited."""
    folder = os.path.relpath(SOURCE / "augcam")
    return [f"{folder}/{module}.py" for module in modules]


def section(name, *keys):
    """A section of the config, or some of its keys, as plain values for `params`."""
    values = getattr(CONFIG, name).model_dump(mode="json")
    return {key: values[key] for key in keys} if keys else values


def network():
    """What defines the network, for `params`."""
    return {
        "architecture": CONFIG.model.architecture,
        "arguments": CONFIG.model_arguments(),
    }


def model_files(pattern, models=CONFIG.models):
    """`pattern` filled in with condition and state of every model."""
    return [
        f"{OUT}/{pattern}".format(condition=condition, state=state) for condition, state in models
    ]


def table(name):
    """Both files of a table: for programs and for people."""
    return [f"{OUT}/tables/{name}.parquet", f"{OUT}/tables/{name}.csv"]


def every_table():
    names = ["performance", *MEAN_TABLES, "pair_counts"]
    return [file for name in names for file in table(name)]


def figure_names():
    """Name of each figure → labels that tell it in the report."""
    performance = {f"performance_{m}": {"measure": m} for m in MEASURES}
    boxplots = {f"boxplot_{m}": {"metric": m} for m in CONFIG.similarity.metrics}
    maps = {f"correlation_map_{m}": {"metric": m} for m in CONFIG.similarity.metrics}
    return {"performance": performance, "boxplots": boxplots, "correlation_maps": maps}


def every_figure():
    return [
        f"{OUT}/figures/{name}.{suffix}"
        for names in figure_names().values()
        for name in names
        for suffix in ("png", "pdf")
    ]


def baseline_predictions(wildcards):
    """The baseline's predictions, where its classes are what the other models explain."""
    is_baseline = (wildcards.condition, int(wildcards.state)) == CONFIG.reference
    if CONFIG.cam.target != "baseline" or is_baseline:
        return []
    return model_files("explanations/{condition}/{state}/predictions.parquet", [CONFIG.reference])


def source_files():
    """Files that the data set is read from, so that a changed one is read again."""
    dataset = CONFIG.dataset
    if dataset.name not in ("parquet", "imagefolder"):
        return []
    paths = {"dataset.train": dataset.train, "dataset.test": dataset.test}
    for key, path in paths.items():
        if path and not Path(path).exists():
            raise WorkflowError(f"config: {key}: there is no file or folder '{path}'.")
    files = [path for path in paths.values() if path and Path(path).is_file()]
    return [path.replace("{", "{{").replace("}", "}}") for path in files]  # no wildcards


def gpus():
    """GPUs that a training or explanation takes (counted by `--resources gpu=N`)."""
    device = CONFIG.execution.device
    return int(device == "cuda" or (device == "auto" and shutil.which("nvidia-smi") is not None))
