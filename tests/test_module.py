"""Another repository's workflow that imports this one as a module."""

import pytest
from conftest import ROOT
from projects import run

from augcam.files.json import read_json

pytestmark = pytest.mark.workflow

SNAKEFILE = """
configfile: "mine.yaml"

module augcam:
    snakefile: "{snakefile}"
    config: config["augcam"]

use rule * from augcam as looks_*
"""
CONFIG = """
augcam:
  experiment: elsewhere
  dataset: {name: digits, train_limit: 120, test_limit: 40}
  model: {architecture: resnet20, input_size: 32}
"""


def test_another_workflow_imports_this_one(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(snakefile=ROOT / "Snakefile"))
    (tmp_path / "mine.yaml").write_text(CONFIG)
    plan = run(tmp_path, "--dry-run", "--quiet", "rules", "--", "looks_all")
    assert "looks_train" in plan and "looks_conclude" in plan
    run(tmp_path, "--cores", "1", "--", "looks_prepare_data")
    stats = read_json(tmp_path / "results" / "elsewhere" / "data" / "stats.json")
    assert sum(stats["counts"]["test"].values()) == 40
