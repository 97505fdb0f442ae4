"""What the pages show is what is in force."""

import json
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


def long_form(step: str | dict) -> dict:
    """A step of a composition as a mapping with `use`."""
    if isinstance(step, str):
        return {"use": step}
    ((name, parameters),) = step.items()
    return {"use": name, **parameters}


def differing(shown: dict, used: dict, path: str = "") -> list[str]:
    """Dotted keys of `shown` whose value in `used` is another."""
    found = []
    for key, value in shown.items():
        if isinstance(value, list) and isinstance(used.get(key), dict):
            value = {"steps": value}
        if isinstance(value, str) and isinstance(used.get(key), dict):
            value = {"name" if "name" in used[key] else "file": value}
        if isinstance(value, dict) and isinstance(used.get(key), dict):
            found += differing(value, used[key], f"{path}{key}.")
        elif key == "steps":
            for shown_step, step in zip(map(long_form, value), used[key], strict=True):
                found += differing(shown_step, step, f"{path}{key}.")
        elif used[key] != value:
            found.append(f"{path}{key}")
    return found


@pytest.mark.parametrize("block", BLOCKS)
def test_a_config_on_a_page_is_valid_and_in_force(block, tmp_path):
    """Its keys have the values that the page shows, all others their documented defaults."""
    (tmp_path / "page.yaml").write_text(block, encoding="utf-8")
    used = read_config(str(tmp_path / "page.yaml")).model_dump(mode="json")
    shown, defaults = (
        json.loads(json.dumps(yaml.safe_load(block))),
        Config().model_dump(mode="json"),
    )
    assert differing(shown, used) == []
    follow = {"augmentations", "controls", "starting_states", "baseline", "statistics"}
    said = {*shown, *(follow if shown.keys() & {"checkpoints", "maps"} else ())}
    others = {key: value for key, value in defaults.items() if key not in said}
    assert differing(others, used) == []


# ------------------------------------------------------------------------------------ commands

SAYING = {
    *PAGES,
    *ROOT.glob("*.md"),
    ROOT / "Makefile",
    ROOT / "Snakefile",
    *(
        path
        for folder in ("src", "workflow", "profiles", "tools", "benchmarks", "config", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".smk", ".md", ".rst", ".yaml", ".sh", ".j2")
    ),
}
COMMAND = re.compile(r"(?:^|[`\"'(] ?|\$\(RUN\) |\$ )snakemake((?: +(?:\\\n *)?[^\s`|]+)+)", re.M)
# Options of plugins, which need not be installed here.
OF_PLUGINS = re.compile(
    r"--(executor|container-image|default-storage-\w+)[ =]\S+|--slurm-\S+|--cluster-\S+"
)
STANDING_FOR = {
    "$(CORES)": "4",
    "$(WITH_CONFIG)": "--configfile a.yaml",
    "<config>": "a.yaml",
    "gpu=<GPUs × jobs_per_gpu>": "gpu=4",
}


def commands(text: str) -> list[str]:
    """The arguments of each call of Snakemake in a text."""
    found = []
    for arguments in COMMAND.findall(text):
        for name, value in STANDING_FOR.items():
            arguments = arguments.replace(name, value)
        arguments = OF_PLUGINS.sub("", arguments.replace("\\\n", " "))
        words = re.sub(r"\s#.*", "", arguments).split()
        found.append(" ".join(w.strip("\"'.,;:)") for w in words if w not in ("…", "...")))
    return found


def swallowed(command: str) -> list[str]:
    """Targets without `--` before them, and what an option takes that is no value of it."""
    from snakemake.cli import get_argument_parser

    args = get_argument_parser().parse_args(command.split())
    targets = [] if " -- " in f" {command} " else list(args.targets)
    return targets + [str(file) for file in args.configfile or [] if file.suffix != ".yaml"]


def test_the_check_of_commands_finds_what_snakemake_swallows():
    text = "`snakemake --configfile mine.yaml a/b.json`, `snakemake architectures`.\n"
    assert [swallowed(command) for command in commands(text)] == [["a/b.json"], ["architectures"]]
    text = "snakemake --cores 1 \\\n    --configfile mine.yaml -- models  # stage\n"
    assert commands(text) == ["--cores 1 --configfile mine.yaml -- models"]
    assert swallowed(commands(text)[0]) == []


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=f"{path.relative_to(ROOT)}-{number}")
        for path in sorted(SAYING)
        for number, command in enumerate(commands(path.read_text(encoding="utf-8")))
    ],
)
def test_targets_stand_after_two_dashes_in_every_command(command):
    assert swallowed(command) == []
