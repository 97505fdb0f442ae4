"""Hundreds of damaged configs: each is understood, or refused with sentences that name its keys.

The mutations come from one seeded generator: the same in every run, and in no way chosen.
"""

import copy
import datetime
import random
import re

import pytest
import yaml
from conftest import ROOT
from imagesets import picture, save
from projects import copy_project, run
from yaml import CSafeDumper, CSafeLoader

from augcam.config.definitions import BUILT_INS
from augcam.config.experiment import Config
from augcam.config.messages import parse_config, repeated_keys
from augcam.data.files import source_files
from augcam.errors import AugcamError

PRESETS = sorted((ROOT / "config").glob("*.yaml"))
MUTATIONS = 240  # of each preset
VALUES = [
    *[None, True, False, 0, 1, -1, 2, 7, 0.5, -0.0, 1e-300, 1e308, 10**30, 2**32, -(2**63)],
    *[float("nan"), float("inf"), float("-inf"), "nan", "inf", "1e-3", "1e400", "0x10", "1_000"],
    *["", " ", "yes", "no", "none", "None", "null", "affine", "Affine", "affin", "mad", "cuda"],
    *["..", "../x", "/etc/passwd", "~", "a/b", "a\\b", "C:\\x", "CON", "-rf", ".hidden", "a b"],
    *["ü", "名前", "🙂", "a\nb", "a\tb", "\x00", "\u202e", "x" * 300, "{condition}", "{", "$HOME"],
    *["%s", "'", '"', "`id`", "!!python/object:os.system", "<script>", "results/*"],
    *[[], [None], [1], [1, 1], [-1], [True], [[1]], ["affine"], ["affine", "affine"], ["x"] * 50],
    *[[0.1, 0.2], [0.2, 0.1], [0, 0], [1, 2, 3], ["a", "b"], {}, {"a": 1}, {1: 2}, {"": None}],
    *[{"affine": {}}, {"resnet20": {}}, {"resnet20": {"dropout": [1]}}, b"bytes"],
    datetime.date(2026, 1, 1),
]
NAMES = ["x", "", "experimnt", "batchsize", "name", "1", "ü", "a.b", "a\nb", "__class__", "true"]
NUMERIC_KEYS = [1, True, None, 1.5]


def everything(config):
    """The preset with every key spelled out."""
    return parse_config(config).model_dump(mode="json")


def places(value, path=()):
    """The path of every mapping, key and list item below `value`."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in items:
            yield from places(below, (*path, key))


def at(config, path):
    for key in path:
        config = config[key]
    return config


def misspelt(rng, name):
    place = rng.randrange(len(name))
    return name[:place] + rng.choice(["", name[place] * 2, "_", "é"]) + name[place + 1 :]


def mutated(rng, config):
    """A copy of `config` with one to three random mistakes, and what they are."""
    config, done = copy.deepcopy(config), []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        path = rng.choice([p for p in places(config) if p])
        parent, key = at(config, path[:-1]), path[-1]
        kind = rng.choice(["replace", "replace", "replace", "remove", "add", "rename", "wrap"])
        if kind == "replace":
            parent[key] = copy.deepcopy(rng.choice(VALUES))
        elif kind == "remove":
            del parent[key]
        elif kind == "wrap":
            parent[key] = rng.choice([[parent[key]], {"value": parent[key]}, str(parent[key])])
        elif isinstance(parent, list):
            parent.insert(rng.randrange(len(parent) + 1), copy.deepcopy(rng.choice(VALUES)))
        elif kind == "add":
            parent[rng.choice(NAMES + NUMERIC_KEYS)] = copy.deepcopy(rng.choice(VALUES))
        else:
            parent[misspelt(rng, str(key) or "x")] = parent.pop(key)
        done.append((kind, path))
    return config, done


def bases():
    """Configs to damage, by name: the presets, and one for each reader of files."""
    for preset in PRESETS:
        yield preset.stem, everything(yaml.safe_load(preset.read_text(encoding="utf-8")))
    for name in ("imagefolder", "parquet"):
        dataset = {"name": name, "train": "src", "validation": "docs", "test": "tests"}
        yield name, everything({"dataset": dataset})
    columns = {"image": "path", "label": "class", "split": "fold", "group": "patient"}
    yield "table", everything({"dataset": {"name": "table", "file": "README.md", **columns}})


def mutations():
    for name, base in bases():
        rng = random.Random(name)
        for _ in range(MUTATIONS):
            yield mutated(rng, base)


def mutated_paths():
    """The bases whose data set is files, with something else in place of each path."""
    for _, base in bases():
        if base["dataset"]["train"]:
            for key in ("train", "validation", "test"):
                for value in VALUES:
                    yield base | {"dataset": base["dataset"] | {key: value}}


def names_a_key(line):
    """Whether a sentence begins with a key of the config, or with one that is not known."""
    key = re.match(r"config: (\S*?):? ", line)[1].split(".")[0]
    return key in Config.model_fields or "unknown key" in line


@pytest.mark.slow
def test_every_mutation_is_understood_or_refused_with_sentences_that_name_keys():
    accepted = refused = 0
    for values, done in mutations():
        try:
            config = parse_config(values)
        except AugcamError as error:
            refused += 1
            for line in str(error).splitlines():
                assert names_a_key(line), (done, line)
                assert line.endswith((".", "?")), (done, line)
                assert len(line) < 700, (done, line)
            continue
        accepted += 1
        assert is_sound(config), (done, values)
    assert refused >= 500
    assert accepted >= 100


def test_every_path_of_a_data_set_is_found_or_refused_with_its_key():
    refused = 0
    for values in mutated_paths():
        try:
            source_files(parse_config(values).dataset)
        except AugcamError as error:
            refused += 1
            key = r"config: dataset(\.(train|validation|test)\b|: )"
            assert re.match(key, str(error)), values
            assert "\n" not in str(error)
    assert refused > 200


def is_sound(config):
    """What the workflow makes of an accepted config: paths, wildcards and numbers that work."""
    assert re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", config.experiment, re.ASCII)
    assert config.models[0] == config.reference
    assert len(set(config.models)) == len(config.models) >= 2
    for condition, state in config.models:
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*", condition, re.ASCII)
        assert 0 <= state < 2**32
        assert config.condition(condition).steps
    text = yaml.dump(config.model_dump(mode="json"), Dumper=CSafeDumper, allow_unicode=True)
    assert not re.search(r": -?\.(nan|inf)\b", text)
    return parse_config(yaml.load(text, CSafeLoader)) == config


CONTRADICTIONS = {
    "model.input_size": {"model": {"architecture": "resnet18", "input_size": 64}},
    "training.refresh": {"training": {"refresh": "once", "reshuffle": True}},
    "training.batch_size": {"dataset": {"train_limit": 30}, "training": {"batch_size": 32}},
    "dataset.name": {"dataset": {"name": "digits", "train": "photos"}},
    "dataset": {"dataset": {"name": "imagefolder"}},
    "starting_states": {"starting_states": [1, 2, 2]},
    "starting_states.0": {"starting_states": [2**32]},
    "training.epochs": {"training": {"epochs": True}},
    "training.learning_rate": {"training": {"learning_rate": float("inf")}},
    "similarity.metrics.0": {"similarity": {"metrics": ["overlap_1٣"]}},
    "statistics.resamples": {"statistics": {"resamples": 10**12}},
    "similarity.metrics.1": {"similarity": {"metrics": ["mad", "psnr"]}},
    "augmentation_parameters.affine.scale": {
        "augmentation_parameters": {"affine": {"scale": [1.1, 0.9]}}
    },
    "augmentation_parameters.noise.std": {"augmentation_parameters": {"noise": {"std": 3}}},
    "augmentation_parameters.posterize.bits": {
        "augmentation_parameters": {"posterize": {"bits": 2.5}}
    },
    "augmentation_parameters.erasing.area": {"augmentation_parameters": {"erasing": {"area": "x"}}},
    "augmentation_parameters.turned.std": {
        "augmentations": ["turned"],
        "augmentation_parameters": {"turned": {"sweep": "noise", "std": [0.1, 3, 0.2]}},
    },
    "architecture_arguments.resnet20.dropout": {
        "architecture_arguments": {"resnet20": {"dropout": [0.1]}}
    },
    "augmentations": {"augmentations": []},
    "baseline.condition": {"baseline": {"condition": "affine"}},
}


@pytest.mark.parametrize("key", CONTRADICTIONS)
def test_a_contradiction_is_one_sentence_that_begins_with_its_key(key):
    with pytest.raises(AugcamError) as caught:
        parse_config(CONTRADICTIONS[key])
    (line,) = str(caught.value).splitlines()
    assert re.match(rf"config: {re.escape(key)}(:| \d)", line), line


@pytest.mark.parametrize("values", [None, [], "text", 5, [1, 2]])
def test_a_config_that_is_no_mapping_is_refused(values):
    with pytest.raises(AugcamError, match="config: keys with values are needed"):
        parse_config(values)


def test_every_parameter_of_every_augmentation_is_bounded():
    """Whatever is accepted can be computed: nothing unbounded reaches the networks."""
    for section in BUILT_INS.values():
        for name, field in section.model_fields.items():
            if field.annotation is float or "float" in str(field.annotation):
                kinds = str(field.metadata) + str(field.annotation)
                assert re.search(r"\bl[te]=", kinds), name


def test_a_key_that_stands_twice_is_named_with_its_lines():
    text = "experiment: a\ntraining:\n  epochs: 1\n  epochs: 2\nexperiment: b\n"
    assert repeated_keys(text) == [
        "training.epochs: the key stands twice, in lines 3 and 4",
        "experiment: the key stands twice, in lines 1 and 5",
    ]
    for harmless in ("", "a: {b: 1}\nc: {b: 1}", "[1, 1]", "a: [", "text"):
        assert repeated_keys(harmless) == []


# ----------------------------------------------------------------------------- through Snakemake


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("configs") / "project")


FILES = {
    "nothing in it": "",
    "a list": "- 1\n- 2\n",
    "no YAML": "a: [1\nb: {",
    "a key twice": "training: {epochs: 1}\ntraining: {epochs: 2}\n",
    "a section that is a number": "training: 5\n",
    "a name that is a section": "experiment: {a: 1}\n",
    "a list that is a section": "augmentations: {affine: 1}\n",
    "a Python object": "experiment: !!python/object/apply:os.system ['touch pwned']\n",
    "a path as name": "experiment: ../../outside\n",
    "an absolute path as name": "experiment: /tmp/outside\n",
    "wildcards in a path": "dataset: {name: parquet, train: '{condition}.parquet'}\n",
    "true for a number": "training: {epochs: yes}\n",
}


@pytest.mark.workflow
@pytest.mark.parametrize("what", FILES)
def test_snakemake_refuses_a_bad_file_before_any_job_and_without_a_traceback(project, what):
    (project / "bad.yaml").write_text(FILES[what], encoding="utf-8")
    output = run(project, "--dry-run", "--configfile", "bad.yaml", check=False)
    assert "Error" in output
    assert "Traceback" not in output
    assert "Job stats" not in output
    assert not (project / "pwned").exists()
    assert not (project / "results").exists()


@pytest.mark.workflow
@pytest.mark.parametrize("key", ["checkpoints", "weights", "architecture"])
def test_braces_in_the_path_of_an_input_are_refused_in_a_sentence(project, key):
    """Snakemake has no way to write them: unlike data, these files are inputs of its rules."""
    path = {"architecture": "{x}/net.py"}.get(key, "{x}/a.pt")
    (project / "{x}").mkdir(exist_ok=True)
    (project / path).touch()
    values = {"experiment": "braces", "dataset": {"name": "digits"}}
    values["model"] = {"architecture": "resnet20", "input_size": 32}
    if key == "checkpoints":
        values[key] = {"a": {0: path, 1: path}, "b": {0: path, 1: path}}
    else:
        values["model"][key] = f"{path}:Net" if key == "architecture" else path
    (project / "braces.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    output = run(project, "--dry-run", "--configfile", "braces.yaml", check=False)
    assert f"'{path}': Snakemake takes what stands in braces for a wildcard; rename" in output
    assert "Traceback" not in output


@pytest.mark.workflow
def test_braces_in_the_path_of_a_table_are_no_wildcards(project, tmp_path):
    """And the table counts all the same: where it has changed, it is read again."""
    table = tmp_path / "{x}" / "t.csv"
    rows = [f"{i}.png,{i % 2}" for i in range(40)]
    for i in range(40):
        save(table.parent / f"{i}.png", picture(i))
    dataset = {"name": "table", "file": str(table), "image": "image", "label": "label"}
    model = {"architecture": "resnet20", "input_size": 32}
    values = {"experiment": "braces", "dataset": dataset, "model": model}
    (project / "braces.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    call = ("--configfile", "braces.yaml", "--", "results/braces/data/stats.json")
    for labels in ("label", "label\n"):
        table.write_text("\n".join([f"image,{labels}", *rows]), encoding="utf-8")
        assert "1 of 1 steps" in run(project, "--cores", "1", *call)
        assert "Nothing to be done" in run(project, "--cores", "1", *call)


@pytest.mark.workflow
def test_a_sample_of_the_mutations_in_snakemake(project):
    sample = random.Random(0).sample(list(mutations()), 12)
    for values, done in sample:
        (project / "mutated.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        output = run(project, "--dry-run", "--quiet", "--configfile", "mutated.yaml", check=False)
        assert "Traceback" not in output, done
        assert ("config: " in output) or ("dry-run" in output) or ("WorkflowError" in output), done
