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
    python, _, packages = environment["dependencies"]
    assert python.replace(" ", "") == f"python{PROJECT['requires-python']}"
    # Snakemake itself is not needed inside a job.
    ours = {line for line in PROJECT["dependencies"] if not line.startswith("snakemake")}
    assert set(packages["pip"]) == ours
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


def asked():
    """Rule → (megabytes, minutes) that it asks for; what it is derived from counts, too."""
    found, bases = {}, {}
    for path in ROOT.glob("workflow/rules/*.smk"):
        head = r"^(?= *(?:use rule|rule|checkpoint) )"
        for block in re.split(head, path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            kinds = r" *(?:use rule (\w+) as|rule|checkpoint) (\w+)"
            base, rule = re.match(kinds, block).groups()
            numbers = re.search(r"mem_mb=growing\((\d+)\),\s+runtime=growing\((\d+)\)", block)
            if numbers:
                found[rule] = int(numbers[1]), int(numbers[2])
            elif base:
                bases[rule] = base
    return found | {rule: found[base] for rule, base in bases.items()}


def test_every_rule_with_a_script_asks_for_memory_and_time_that_grow():
    """So that an attempt after the first, also on a cluster, has more of both."""
    rules = {}
    for path in ROOT.glob("workflow/rules/*.smk"):
        for block in re.split(r"^(?= *rule )", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            if "    script:" in block:
                rules[re.match(r" *rule (\w+)", block)[1]] = path.name
    here = {"estimate"}  # on the machine of the call alone, as `localrules` says
    assert set(rules) - set(asked()) == here


def test_the_profile_of_a_cluster_says_where_gpus_are_and_nothing_that_a_rule_says():
    resources = yaml.safe_load(text("profiles/slurm/config.yaml"))["set-resources"]
    text_of_rules = "".join(path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    blocks = re.split(r"^(?= *rule )", text_of_rules, flags=re.M)
    on_gpus = {re.match(r" *rule (\w+)", block)[1] for block in blocks if "gpu=gpus()" in block}
    on_nodes = on_gpus - {"estimate"} | {"train_architecture"}  # which inherits from `train`
    assert resources == {rule: {"gpu": 1} for rule in on_nodes}


def test_the_table_of_what_jobs_ask_for_is_that_of_the_rules():
    rows = re.findall(
        r"^\| `?([\w ]+)`? \|.*\| (\d+) GB.* \| (\d+) h.*\|$", text("docs/cluster.md"), re.M
    )
    said = {rule: (1000 * int(memory), 60 * int(hours)) for rule, memory, hours in rows}
    most = said.pop("all others")
    rules = asked()
    assert said == {rule: rules[rule] for rule in said}
    others = [numbers for rule, numbers in rules.items() if rule not in said]
    assert most == tuple(map(max, zip(*others)))
