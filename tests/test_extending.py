"""Entries as a user adds them: the files of docs/extending.md, run through the config, and what an
edit of any file runs again."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest
from extensions import add
from projects import copy_project, planned, run, write_config

from augcam.entries import FOLDERS
from augcam.run.closure import INFRASTRUCTURE

pytestmark = pytest.mark.workflow

CONFIG = {
    "experiment": "toy",
    "dataset": {"name": "squares", "train_limit": 120, "test_limit": 40},
    "model": {"architecture": "plain", "input_size": 16},
    "architecture_arguments": {"plain": {"width": 4}},
    "architectures": ["plain", "resnet20"],
    "training": {"epochs": 1},
    "augmentations": ["affine", "vignette"],
    "augmentation_parameters": {"vignette": {"strongest": 0.8}},
    "controls": ["identity"],
    "starting_states": [1],
    "cam": {"method": "elementwise"},
    "similarity": {"metrics": ["mad", "bray_curtis"]},
    "scores": ["spread", "peak"],
    "statistics": {"resamples": 100, "clusters": [["affine", "vignette"]]},
}
EVERYTHING = ("--configfile", "toy.yaml", "--", "all", "architectures")

RECORDER = r"""
import atexit, os, pathlib, re, sys

for name in ("posix_fallocate", "posix_fadvise", "sched_getaffinity", "sched_setaffinity"):
    if hasattr(os, name):
        delattr(os, name)

def record():
    script = re.search(r"scripts/tmp\w+\.(\w+)\.py$", sys.argv[0] if sys.argv else "")
    if script:
        path = pathlib.Path(__file__).parents[1] / "imported" / script[1]
        with path.open("a") as file:
            file.writelines(f"{name}\n" for name in list(sys.modules) if name.startswith("augcam."))

atexit.register(record)
"""
"""Has every job write down which modules of the library it has imported; and takes away what Python
lacks on macOS, so that all rules are seen to do without."""

READER = r"""
import json, grimp

graph = grimp.build_graph("augcam", cache_dir=None)
print(json.dumps({name: sorted(graph.find_modules_directly_imported_by(name))
                  for name in graph.modules}))
"""
"""Prints which modules of the library each one imports: another reading than ours."""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project with the page's files, after a run of all that there is to run."""
    project = copy_project(tmp_path_factory.mktemp("extended") / "copy")
    add(project)
    write_config(project, CONFIG)
    (project / "imported").mkdir()
    (project / "src" / "sitecustomize.py").write_text(RECORDER, encoding="utf-8")
    run(project, "--cores", "2", *EVERYTHING)
    return project


@pytest.fixture(scope="module")
def code(project) -> pd.DataFrame:
    """rule, output file, and the modules of the library that are inputs of its job."""
    said = run(project, "--detailed-summary", *EVERYTHING)
    lines = said[said.index("output_file\t") :].splitlines()
    header, *rows = (line.split("\t") for line in lines if line.count("\t") >= 7)
    table = pd.DataFrame([row[:5] for row in rows], columns=header[:5])
    modules = table["input-file(s)"].str.findall(r"\bsrc/(augcam/[\w/]+)\.py")
    table["modules"] = [{name.replace("/", ".") for name in names} for names in modules]
    return table.set_index("output_file")[["rule", "modules"]]


def test_results_hold_what_the_page_adds(project):
    results = project / "results" / "toy"
    table = pd.read_parquet(results / "similarity" / "main" / "vignette" / "1.parquet")
    assert table["bray_curtis"].between(0, 1).all() or table["bray_curtis"].isna().any()
    assert table["bray_curtis"].notna().any()
    scores = pd.read_csv(results / "tables" / "scores.csv")
    assert set(scores["score"]) == {"spread", "peak"}
    assert scores["n_images"].max() > 0 and scores["mean"].dropna().between(0, 1).all()
    effects = pd.read_csv(results / "tables" / "similarity_summary.csv")
    assert set(effects["condition"]) == {"affine", "vignette", "identity"}
    assert set(effects["metric"]) == {"mad", "bray_curtis"}
    for name in (
        "augmentation_vignette",
        "boxplot_bray_curtis",
        "segments_bray_curtis_vignette",
        "spread",
    ):
        assert (results / "figures" / f"{name}.png").is_file()
    spread = pd.read_csv(results / "tables" / "spread.csv")
    assert spread["condition"].tolist() == ["none", "affine", "vignette", "identity"]
    assert (spread["min"] == spread["max"]).all()
    assert "Spread of accuracies" in (results / "pages" / "spread.html").read_text(encoding="utf-8")
    assert "elementwise" in (results / "pages" / "summary.html").read_text(encoding="utf-8")
    assert "Plain, 3 blocks" in (results / "pages" / "summary.html").read_text(encoding="utf-8")


SCRIPT_OF = {
    **{f"make_{name}": "make_table" for name in ("pair_counts", "spread")},
    **{f"draw_{name}": "draw_figure" for name in ("pair_counts", "spread")},
    "compare_further": "compare",
    "train_architecture": "train",
    "initial_weights_of_architecture": "initial_weights",
    "write_architecture_page": "write_pages",
}


LAST = {"write_pages": 1, "page": 1}


ONE_ANEW = {"train": 1, "explain": 1, "compare": 1, "score": 1}
"""Jobs of a model that is trained again."""


NOT_CALLED = {
    # By jobs that ask entries for their properties alone, and are made from what others make.
    "augment.pixels", "comparison.defined", "comparison.kernels", "comparison.maps",
    "comparison.rawmaps",
    "comparison.score_kernels", "networks.residual",
    "paper.aggregation",
    "report.texts",  # where a font lacks characters
    "report.colours", "report.pictures", "report.style", "data.notes",  # in notebooks
    "comparison.explained", "paper.segments", "report.charts",  # by figures
}  # fmt: skip
"""What is imported inside functions that some job lists, but does not call in this run."""


ENTRY_PACKAGES = {f"augcam.{folder.replace('/', '.')}" for folder in FOLDERS.values()}
ENTRIES_IN_USE = {
    *(
        f"augcam.augment.augmentations.{name}"
        for name in ("affine", "vignette", "identity", "none")
    ),
    *(
        f"augcam.comparison.metrics.{name}" for name in ("mad", "bray_curtis", "msd", "pearson")
    ),  # two: of models with each other
    *(f"augcam.comparison.scores.{name}" for name in ("spread", "peak")),
    *(f"augcam.networks.families.{name}" for name in ("plain", "resnet")),
    *(f"augcam.report.tables.{name}" for name in ("pair_counts", "spread")),
    *(f"augcam.report.figures.{name}" for name in ("pair_counts", "spread")),
    "augcam.data.kinds.squares",
    "augcam.explanation.methods.elementwise",
}


def serves_all(module: str) -> bool:
    """Whether a module is infrastructure, or an entry, which is imported with all of its kind."""
    package, parts = module.rpartition(".")[0], module.split(".")
    return len(parts) < 3 or parts[1] in INFRASTRUCTURE or package in ENTRY_PACKAGES


def test_whatever_a_job_imports_is_among_its_inputs(project, code):
    """All rules: what was really imported while they ran, against what Snakemake lists."""
    library = project / "src"
    jobs = code.groupby(code["rule"].replace(SCRIPT_OF))
    assert set(jobs.groups) == {path.name for path in (project / "imported").iterdir()}
    for script, table in jobs:
        names = (project / "imported" / script).read_text().split()
        imported = {n for n in names if (library / f"{n.replace('.', '/')}.py").is_file()}
        listed = set().union(*table["modules"])
        assert {name for name in imported if not serves_all(name)} <= listed, script
        rest = {name for name in listed - imported if not serves_all(name)}
        assert {name.removeprefix("augcam.") for name in rest} <= NOT_CALLED, script


@pytest.fixture(scope="module")
def imports(project) -> nx.DiGraph:
    """Module → what it imports, without infrastructure."""
    environment = os.environ | {"PYTHONPATH": str(project / "src")}
    command = [sys.executable, "-c", READER]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    graph = nx.DiGraph(json.loads(said.stdout))
    parts = {name: name.split(".") for name in graph}
    graph.remove_nodes_from([n for n, p in parts.items() if len(p) > 1 and p[1] in INFRASTRUCTURE])
    return graph


def imported_names(script: Path) -> set[str]:
    """All dotted names that a script imports."""
    nodes = list(ast.walk(ast.parse(script.read_text(encoding="utf-8"))))
    statements = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {f"{node.module}.{alias.name}" for node in statements for alias in node.names}
    return names | {node.module for node in statements}


def test_an_edit_of_any_module_reruns_the_jobs_that_use_it_and_no_other(project, code, imports):
    """All jobs × all modules: what Snakemake lists, against the graph of imports. The entries of a
    job are those that it lists; the tests below say which these are."""
    library = project / "src"
    files = {n for n in imports if (library / f"{n.replace('.', '/')}.py").is_file()}
    used = {n: nx.descendants(imports, n) | {n} for n in imports}
    for path, (rule, listed) in code.iterrows():
        script = project / "workflow" / "scripts" / f"{SCRIPT_OF.get(rule, rule)}.py"
        own = {name for name in listed if name.rpartition(".")[0] in ENTRY_PACKAGES}
        roots = (imported_names(script) & set(imports)) | own
        assert listed == set().union(*(used[root] for root in roots)) & files, path
    every = set().union(*code["modules"])
    assert {name for name in every if name.rpartition(".")[0] in ENTRY_PACKAGES} == ENTRIES_IN_USE


def test_jobs_list_the_entries_that_they_use(code):
    augmentations = "augcam.augment.augmentations."
    for condition in ("affine", "vignette", "identity", "none"):
        modules = code.loc[f"results/toy/models/{condition}/1/weights.safetensors", "modules"]
        used = {name for name in modules if name.startswith(augmentations)}
        assert used == {augmentations + condition}
        assert ("augcam.augment.pixels" in modules) == (condition == "affine")
        assert "augcam.networks.families.plain" in modules
        assert "augcam.networks.families.resnet" not in modules
    for architecture in ("plain", "resnet20"):
        path = f"results/toy/architectures/{architecture}/weights.safetensors"
        uses_it = "augcam.networks.residual" in code.loc[path, "modules"]
        assert uses_it == (architecture == "resnet20")


@pytest.mark.parametrize(
    "edited,jobs",
    [
        # An augmentation: its own training; a method: the explanations; a metric: the comparisons.
        (["augment/augmentations/vignette"], ONE_ANEW),
        (["augment/pixels"], ONE_ANEW),
        (
            ["explanation/methods/elementwise"],
            {"explain": 4, "compare": 3, "score": 4, "null_levels": 1},
        ),
        (["comparison/scores/peak"], {"score": 4}),
        (["comparison/metrics/bray_curtis"], {"compare": 3, "null_levels": 1}),
        # A table: itself, its page and what is drawn from it.
        (["report/tables/spread"], {"make_spread": 1, "draw_spread": 1} | LAST),
        (["comparison/nulls"], {"null_levels": 1}),
        # What serves all and changes no result.
        (["entries", "names", "errors", "config/schema", "files/atomic", "run/job"], {}),
        # What this experiment does not use, in all kinds at once.
        (
            [
                "augment/augmentations/cutmix",
                "comparison/metrics/spearman",
                "comparison/scores/gini",
                "explanation/methods/layercam",
                "networks/families/torchvision",
                "networks/adapted",
                "data/kinds/digits",
                "data/parquet",
            ],
            {},
        ),
    ],
)
def test_an_edited_file_reruns_what_uses_it(project, edited, jobs):
    paths = [project / "src" / "augcam" / f"{name}.py" for name in edited]
    contents = [path.read_text(encoding="utf-8") for path in paths]
    for path, content in zip(paths, contents):
        path.write_text(f"{content}# edited\n", encoding="utf-8")
    plan = planned(project, *EVERYTHING)
    for path, content in zip(paths, contents):
        path.write_text(content, encoding="utf-8")
    first = {"train", "explain", "compare", "score", "null_levels", "train_architecture"}
    shown = first & set(plan) or set(plan) - {"all"}  # all that follows the first stages reruns
    assert {name: plan[name] for name in shown} == jobs


def test_another_entry_of_every_kind_reruns_nothing_but_makes_its_own(project):
    """Those of the page once more, under other names."""
    for folder, name in [
        ("augment/augmentations", "vignette"),
        ("comparison/metrics", "bray_curtis"),
        ("comparison/scores", "peak"),
        ("explanation/methods", "elementwise"),
        ("networks/families", "plain"),
        ("data/kinds", "squares"),
        ("report/tables", "spread"),
        ("report/figures", "spread"),
    ]:
        path = project / "src" / "augcam" / folder / f"{name}.py"
        text = path.read_text(encoding="utf-8").replace(f'name="{name}"', f'name="{name}_2"')
        path.with_stem(f"{name}_2").write_text(text, encoding="utf-8")
    own = {"make_spread_2": 1, "draw_spread_2": 1, "all": 1} | LAST
    assert planned(project, *EVERYTHING) == own
