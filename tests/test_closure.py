"""What a rule names as its code: what its script imports, and the entries that its config names."""

import ast
import re

import pytest
from conftest import ROOT

from augcam.config.messages import parse_config
from augcam.entries import FOLDERS, Augmentation, Metric, Network, entries
from augcam.run.closure import INFRASTRUCTURE, LIBRARY, closure, imported

SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
MODULES = sorted(LIBRARY.rglob("*.py"))
CONFIG = parse_config({"augmentations": ["affine", "cutmix"], "similarity": {"metrics": ["mad"]}})


def names(script, **used):
    """Dotted names, without `augcam.`, of the code of a script."""
    kinds = {"augmentation": Augmentation, "metric": Metric, "network": Network}
    chosen = CONFIG.entries_in_use | {kinds[kind]: wanted for kind, wanted in used.items()}
    files = closure(ROOT / "workflow" / "scripts" / f"{script}.py", chosen)
    return {".".join(file.relative_to(LIBRARY).with_suffix("").parts) for file in files}


@pytest.mark.parametrize("path", [*SCRIPTS, *MODULES], ids=lambda path: path.stem)
def test_reading_lines_finds_what_reading_all_of_a_file_finds(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    ours = {name for name in found if re.match(r"augcam\b", name)}
    # Code that stands in a text, for another process, counts, too.
    assert ours <= imported(path)
    assert all(name.rpartition(".")[2] in path.read_text() for name in imported(path) - ours)


def test_every_module_is_code_of_some_script_or_serves_all():
    """Whatever is neither, nothing uses."""
    every = {kind: list(entries(kind)) for kind in FOLDERS}
    code = {path for script in SCRIPTS for path in closure(script, every)}
    rest = [
        path.relative_to(LIBRARY)
        for path in MODULES
        if path not in code and path.name != "__init__.py"
    ]
    unused = [str(p) for p in rest if p.parts[0].removesuffix(".py") not in INFRASTRUCTURE]
    # Read by the Snakefile, or by hand.
    assert unused == [
        "augment/check.py",
        "data/files.py",
        "library.py",
        "networks/catalogue.py",
    ]


def test_a_training_depends_on_its_own_augmentation_and_network():
    code = names("train", augmentation=["affine"], network=["resnet20"])
    assert {"augment.augmentations.affine", "augment.pixels", "augment.draws"} <= code
    assert {"networks.families.resnet", "networks.residual", "train.loop"} <= code
    assert not {"augment.augmentations.cutmix", "networks.families.torchvision"} & code
    assert not {"networks.adapted", "comparison.models", "report.style"} & code
    assert "augment.pixels" not in names("train", augmentation=["none"], network=["resnet20"])


def test_comparisons_depend_on_the_metrics_in_use_and_on_no_network():
    code = names("compare")
    assert {"comparison.metrics.mad", "comparison.models", "comparison.kernels"} <= code
    assert not {"comparison.metrics.pearson", "comparison.metrics.overlap"} & code
    assert not any(name.startswith(("networks", "augment", "explanation")) for name in code)
    assert "comparison.metrics.overlap" in names("compare", metric=["overlap_7"])


def test_explanations_depend_on_their_method_and_on_no_augmentation():
    code = names("explain")
    assert "explanation.methods.gradcam" in code
    assert not {"explanation.methods.layercam", "augment.draws", "comparison.maps"} & code


def test_figures_depend_on_the_entries_that_they_name():
    shown = {"augment.augmentations.cutmix", "comparison.metrics.mad"}
    assert shown <= names("draw_similarity")
    assert shown & names("draw_performance") == {"augment.augmentations.cutmix"}
    assert shown & names("draw_examples") == {"augment.augmentations.cutmix"}
    assert not shown & names("draw_architectures") - {"augment.augmentations.cutmix"}


def test_infrastructure_is_left_out():
    for script in SCRIPTS:
        packages = {name.split(".")[0] for name in names(script.stem)}
        assert not packages & set(INFRASTRUCTURE)
