"""What a reader takes away: a paragraph on methods, and how to cite."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from augcam.config.schema import Training
from augcam.config.states import varied
from augcam.entries import CamMethod, entries
from augcam.names import display_name, is_control, metric_name
from augcam.report.pages import augmentations
from augcam.report.recipe import recipe


def studied(provenance: Mapping[str, Any]) -> str:
    """Data and network in words: "the data set digits with ResNet-20"."""
    config, network = provenance["config"], provenance["network"]
    return f"the data set {config['dataset']['name']} with {display_name(network['architecture'])}"


def methods(provenance: Mapping[str, Any]) -> str:
    """A paragraph to paste into an article: what was trained, explained, compared and tested, with
    counts, seeds and versions. What `provenance` lacks it does not say."""
    config, network, images = (provenance[name] for name in ("config", "network", "images"))
    cam, statistics = config.get("cam", {}), config.get("statistics", {})
    models, versions = provenance["models"], provenance["versions"]
    augmented = [display_name(name) for name in augmentations(provenance)]
    controls = [f"'{name}'" for name in config["conditions"] if is_control(name)]
    size = config["model"]["input_size"]
    states = config["starting_states"]
    baseline = models[0]
    sentences = [
        f"Class activation maps of {_count(len(models), 'network')} were compared with augcam "
        f"{versions['augcam']}, which implements the method of Dorneles, Garcia and Carbonera "
        "(arXiv 2505.12581) with controls.",
        f"Data set {config['dataset']['name']}: {images['train']:,} training, {images['val']:,} "
        f"validation and {images['test']:,} test images, seen at {size}×{size} pixels.",
        f"Each network was a {display_name(network['architecture'])} "
        f"({network['parameters']:,} parameters), {_origin(config, models)}.",
        f"Conditions were {_list(augmented)}"
        + (f", and the controls {_list(controls)}" if controls else "")
        + f", each at {_count(len(states), 'starting state')} "
        f"({_list([str(state) for state in states])}), which vary "
        f"{varied(config['variation']) or 'what is not known here'}.",
    ]
    if cam:
        own = entries(CamMethod).get(cam["method"])
        of_class = f" of the class '{cam['target']}'" if not own or own.class_dependent else ""
        grid = "×".join(map(str, network["feature_map"]))
        sentences.append(
            f"Maps are {own.display_name if own else cam['method']}{of_class} "
            f"at layer {network['cam_layer']} ({grid}), rectified, scaled to [0, 1] and enlarged "
            f"bilinearly to {size}×{size}."
        )
    metrics = config.get("similarity", {}).get("metrics")
    if metrics:
        sentences.append(
            f"Each was compared, image by image, with that of the baseline "
            f"('{baseline['condition']}', state {baseline['state']}) by "
            f"{_list([metric_name(name) for name in metrics])}."
        )
    if views := config.get("views"):
        named = [f"{name} ({_differing(view)})" for name, view in views.items()]
        sentences.append(
            f"The same was asked in {_count(len(views), 'further view')}: {_list(named)}; orders "
            "of conditions were compared with the main view's by Kendall's τ-b."
        )
    if statistics:
        sentences.append(
            "Effects are differences to a control at the same state, image and baseline; the unit "
            "of replication is the starting state, intervals are "
            f"{100 * (1 - statistics['alpha']):g} % intervals with the noise between states pooled "
            "over conditions, and p values are corrected after Holm over conditions and metrics "
            f"({statistics['resamples']:,} resamples, seed {statistics['seed']})."
        )
    packages = [f"{name} {versions[name]}" for name in ("python", "torch", "numpy", "scipy")
                if name in versions]  # fmt: skip
    commit = provenance.get("git_commit")
    sentences.append(
        f"Software: {', '.join(packages)}" + (f"; augcam commit {commit}" if commit else "") + "."
    )
    return " ".join(sentences)


def _differing(view: Mapping[str, Any]) -> str:
    """What a view does otherwise than the main one."""
    said = {key: value for key, value in view.items() if value is not None and key != "seed"}
    if "images" in said:
        said["seed of the sample"] = view.get("seed", 0)
    return ", ".join(f"{key} {value}" for key, value in said.items())


def _origin(config: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> str:
    """How the models came to be."""
    if "seconds" not in models[0]:
        return f"brought as {'checkpoints' if 'checkpoints' in config else 'maps'}"
    epochs = sorted({model["epochs"] for model in models})
    length = " to ".join(map(str, (epochs[0], epochs[-1])[: len(epochs)]))
    return f"trained for {length} epochs ({recipe(Training(**config['training']))})"


def citations(path: str | Path | None) -> list[str]:
    """What to cite, from a `CITATION.cff`: the preferred citation and the software; empty without
    a file."""
    if path is None or not Path(path).is_file():
        return []
    cff = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    found = [cff["preferred-citation"]] if "preferred-citation" in cff else []
    return [_reference(each) for each in [*found, cff]]


def _reference(cff: Mapping[str, Any]) -> str:
    authors = [
        author.get("name") or f"{author['given-names']} {author['family-names']}"
        for author in cff.get("authors", [])
    ]
    numbers = [str(each["value"]) for each in cff.get("identifiers", [])]
    year = f" ({cff['year']})" if "year" in cff else ""
    version = f"version {cff['version']}" if "version" in cff else ""
    places = ", ".join(filter(None, [*numbers, cff.get("doi", ""), version]))
    return f"{', '.join(authors)}{year}: {cff['title']}." + (f" {places}." if places else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
