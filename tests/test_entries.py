"""Entries: found by their files, complete, and read without anything heavy."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from extensions import FILES, add

from augcam.config.messages import parse_config
from augcam.entries import (
    FOLDERS,
    Augmentation,
    CamMethod,
    DataKind,
    Figure,
    Metric,
    Network,
    Score,
    Table,
    augmentation_named,
    entries,
    entry_file,
)
from augcam.errors import AugcamError
from augcam.names import PAPER_AUGMENTATIONS, PAPER_METRICS
from augcam.report.catalogue import SECTIONS

KINDS = [DataKind, Augmentation, Metric, Score, CamMethod, Network, Table, Figure]
READ = "from augcam.config.messages import parse_config; parse_config({})"


@pytest.fixture
def copied(tmp_path):
    """A copy of the library, to which files may be added."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    return tmp_path


def python(folder, code):
    """Run `code` with the library in `folder`; what it prints."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_names_for_people_tell_entries_apart(kind):
    shown = [entry.display_name for entry in entries(kind).values()]
    assert len(set(shown)) == len(shown)
    assert all(entry_file(kind, name).is_file() for name in entries(kind))


def test_the_papers_augmentations_have_colours_of_their_own():
    colours = [augmentation_named(name).colour for name in PAPER_AUGMENTATIONS]
    assert len(set(colours)) == len(PAPER_AUGMENTATIONS)
    used = [entry.colour for entry in entries(Augmentation).values()]
    assert all(re.fullmatch(r"#[0-9A-F]{6}|", colour) for colour in used)


def test_every_metric_stands_in_a_section_and_has_its_value_at_equality_in_its_range():
    for metric in entries(Metric).values():
        assert metric.section in SECTIONS
        assert metric.range[0] <= metric.at_equality <= metric.range[1]


def test_reading_all_entries_imports_nothing_heavy():
    code = f"import sys\n{READ}\nprint([m for m in sys.modules if '.' not in m])"
    found = set(re.findall(r"'(\w+)'", python(ROOT, code)))
    assert "augcam" in found
    assert not found & {"torch", "torchvision", "numpy", "scipy", "pandas", "matplotlib", "numba"}


def test_a_file_is_all_that_a_new_entry_takes(copied):
    """The config takes the names of the files in docs/extending.md, defaults stay as they are."""
    add(copied)
    config = {
        "augmentations": ["affine", "vignette"],
        "augmentation_parameters": {"vignette": {"strongest": 0.8}},
        "similarity": {"metrics": ["mad", "bray_curtis"]},
        "scores": ["peak"],
        "cam": {"method": "elementwise"},
        "model": {"architecture": "plain", "input_size": 32},
        "dataset": {"name": "squares"},
    }
    for values in (config, {"augmentations": ["vignete"]}):
        with pytest.raises(AugcamError):
            parse_config(values)
    code = f"""
from augcam.config.messages import parse_config
from augcam.names import display_name
from augcam.report.catalogue import figures
print(parse_config({config}).condition("vignette").steps)
print(sorted(i.name for i in figures(parse_config({config})) if "vignette" in i.name))
print(*map(display_name, ["vignette", "bray_curtis", "peak", "plain"]), sep=" | ")
plain = parse_config({{}})
print(plain.augmentations, plain.similarity.metrics, plain.cam.method)
try:
    parse_config({{"augmentations": ["vignete"]}})
except Exception as error:
    print(error)
"""
    printed = python(copied, code).splitlines()
    assert printed == [
        "({'use': 'vignette', 'strongest': 0.8},)",
        "['augmentation_vignette', 'segments_bray_curtis_vignette', 'segments_mad_vignette']",
        "Vignette | Bray–Curtis dissimilarity | Peak | Plain, 3 blocks",
        f"{list(PAPER_AUGMENTATIONS)} {list(PAPER_METRICS)} gradcam",
        "config: augmentations.0: unknown augmentation 'vignete'; did you mean 'vignette'?",
    ]


def test_the_pages_examples_are_short():
    assert sorted({path.split("/")[2] for path in FILES}) == [
        "augment", "comparison", "data", "explanation", "networks", "report"
    ]  # fmt: skip
    assert all(len(content.splitlines()) <= 30 for content in FILES.values())


@pytest.mark.parametrize(
    "content,message",
    [
        ("import nowhere\n", "cannot be imported (ModuleNotFoundError: No module named 'nowhere')"),
        ("def broken(:\n", "cannot be imported (SyntaxError"),
        ("ENTRIE = 3\n", "ENTRY, or each of ENTRIES, must be a Metric"),
        ("ENTRY = 3\n", "ENTRY, or each of ENTRIES, must be a Metric"),
        ("from augcam.comparison.metrics.mad import ENTRY\n", "the name 'mad' is taken, by mad.py"),
        (
            FILES["src/augcam/comparison/metrics/bray_curtis.py"].replace('"bray_curtis"', '"a/b"'),
            "the name 'a/b' does not do",
        ),
    ],
)
def test_a_bad_entry_is_one_sentence_that_names_the_file(copied, content, message):
    path = copied / "src" / "augcam" / "comparison" / "metrics" / "new.py"
    path.write_text(content, encoding="utf-8")
    said = python(copied, READ).splitlines()[-1]
    assert said.startswith(f"augcam.errors.AugcamError: {path}: ")
    assert message in said
    assert said.endswith(".")


def test_an_unknown_name_is_a_sentence():
    with pytest.raises(AugcamError, match="there is no entry called 'afine'"):
        augmentation_named("afine")


ELSEWHERE = ("none", "identity", "rotation", "grey", "noise", "cosine", "jensen_shannon")
"""Names that are words of their own, too."""
QUOTED = [
    re.escape(name)
    for kind in (Metric, Score, Augmentation, CamMethod)
    for name in entries(kind)
    if name not in ELSEWHERE
]


def test_a_name_is_written_in_its_entry_and_where_the_paper_is_quoted():
    """Elsewhere whatever holds for one name asks its entry, so that it holds for new ones, too."""
    quoting = {"names.py", "catalogue.py", "claims.py"}
    library = ROOT / "src" / "augcam"
    pattern = rf"[\"']({'|'.join(QUOTED)})[\"']"
    homes = [library / FOLDERS[kind] for kind in (Metric, Score, Augmentation, CamMethod)]
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for folder in (library, ROOT / "workflow")
        for path in folder.rglob("*.*")
        if path.suffix in (".py", ".smk") and path.name not in quoting and path.parent not in homes
        for name in re.findall(pattern, path.read_text(encoding="utf-8"))
    ]
    assert found == []
