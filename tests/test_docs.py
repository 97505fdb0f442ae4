"""What the pages show is what is in force."""

import re

import pytest
import yaml
from conftest import ROOT

from augcam.config.experiment import Config
from augcam.run.status import read_config

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "config" / "README.md"]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    )
]


def differing(shown: dict, used: dict, path: str = "") -> list[str]:
    """Dotted keys of `shown` whose value in `used` is another."""
    found = []
    for key, value in shown.items():
        if isinstance(value, dict) and isinstance(used.get(key), dict):
            found += differing(value, used[key], f"{path}{key}.")
        elif used[key] != value:
            found.append(f"{path}{key}")
    return found


@pytest.mark.parametrize("block", BLOCKS)
def test_a_config_on_a_page_is_valid_and_in_force(block, tmp_path):
    """Its keys have the values that the page shows, all others their documented defaults."""
    (tmp_path / "page.yaml").write_text(block, encoding="utf-8")
    used = read_config(str(tmp_path / "page.yaml")).model_dump(mode="json")
    shown, defaults = yaml.safe_load(block), Config().model_dump(mode="json")
    assert differing(shown, used) == []
    others = {key: value for key, value in defaults.items() if key not in shown}
    assert differing(others, used) == []
