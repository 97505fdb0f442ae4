"""Lock, conda environment and container install the same; the profiles agree where they must."""

import re
import tomllib

import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def locked():
    """Package → the versions that the lock names for it (several: one a platform)."""
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", text("requirements.lock"), re.M):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def test_the_lock_holds_every_requirement_in_a_version_that_fits():
    versions = locked()
    extras = PROJECT["optional-dependencies"]
    for line in [*PROJECT["dependencies"], *extras["dev"]]:
        requirement = Requirement(line)
        assert versions[canonicalize_name(requirement.name)], line
        for version in versions[canonicalize_name(requirement.name)]:
            assert version in requirement.specifier, line


def test_the_conda_environment_takes_versions_that_the_lock_fits():
    environment = yaml.safe_load(text("envs/augcam.yaml"))
    versions = locked()
    for line in environment["dependencies"][-1]["pip"]:
        requirement = Requirement(line)
        for version in versions[canonicalize_name(requirement.name)]:
            assert version in requirement.specifier, line


def test_the_container_installs_the_lock_and_all_that_a_run_reads():
    recipe = text("Dockerfile")
    python = re.search(r"^FROM python:(\d+\.\d+)", recipe, re.M)[1]
    assert Version(f"{python}.0") in SpecifierSet(PROJECT["requires-python"])
    assert "pip install --no-cache-dir --require-hashes -r requirements.lock" in recipe
    copied = set(re.findall(r"[\w.]+", " ".join(re.findall(r"^COPY (.*) \S+$", recipe, re.M))))
    needed = {"requirements.lock", "pyproject.toml", "Snakefile", "src", "workflow", "config"}
    assert needed | {"profiles", "envs"} <= copied
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}\n" in text(".dockerignore")


def test_the_cluster_profile_repeats_what_must_hold_everywhere():
    default, slurm = (
        yaml.safe_load(text(f"profiles/{name}/config.yaml")) for name in ("default", "slurm")
    )
    assert default.items() <= slurm.items()


def test_the_cluster_profile_names_rules_that_exist():
    slurm = yaml.safe_load(text("profiles/slurm/config.yaml"))
    rules = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("workflow/rules/*.smk"))
    for rule in slurm["set-resources"]:
        assert re.search(rf"^(rule|use rule \w+ as) {rule}( with)?:", rules, re.M), rule
