"""Pages of the report: sortable tables that can be downloaded, and the summary of the run.

Each page is one HTML file that needs nothing else, neither a network nor another file.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from augcam.config.schema import Training
from augcam.config.states import varied
from augcam.data.notes import counted
from augcam.entries import Table, entries
from augcam.files.tables import csv_text
from augcam.names import display_name, is_control
from augcam.report.recipe import recipe
from augcam.words import duration

TEXTS = {
    "claims": (
        "The paper's claims",
        "What the paper says, and whether it is so in this run. Where the paper gives no number, "
        "the criterion is ours.",
    ),
    "similarity_summary": (
        "Similarity in numbers",
        "Distribution over test images of each metric, averaged over starting states: the numbers "
        "behind the boxplots.",
    ),
    "excluded_values": (
        "What summaries leave out",
        "Undefined values, left out of summaries (a map that is constant has no correlation), and "
        "degenerate maps, which are kept (so flat that their top pixels are all pixels).",
    ),
    "performance": (
        "Performance of every model",
        "Measures on the test images; precision, recall and F1 are macro averages.",
    ),
    "chance": (
        "Better than chance?",
        "How often each model is right on the test images, against always naming the most frequent "
        "class (majority), and against naming classes as often as it does, but whatever the image "
        "(chance).",
    ),
    "extreme_images": (
        "Images at the extremes",
        "The test images whose metric has the highest mean, highest standard deviation and lowest "
        "mean over augmentations.",
    ),
    "segment_summary": (
        "Similarity by segment",
        "Each metric by which of the two models is right; n counts images times states.",
    ),
    "segment_tests": (
        "Do segments differ?",
        "Kruskal–Wallis test, one a model, of whether the segments differ in a metric. With many "
        "images the smallest difference is significant: read epsilon squared, the share of the "
        "ranks' variance that the segment explains (below .06: small).",
    ),
    "architectures": (
        "Comparison of architectures",
        "Each epoch of each architecture: training and validation images, time of training alone, "
        "and the measures on the test images.",
    ),
    "conclusions": (
        "What can be concluded",
        "From the numbers of this run alone; how each is found is in docs/statistics.md.",
    ),
    "effects": (
        "Effects against controls",
        "How much farther from the baseline each condition leads than a control (none: seed noise; "
        "identity: as many steps). Differences in the metric's own units.",
    ),
    "holds": (
        "Does it hold?",
        "Every further view of the same networks, metric by metric, against the main view of the "
        "same images: Kendall's τ-b of the order of conditions, with its interval; verdicts of "
        "effects that agree, are contrary (yes and no), or can be told in one view alone (gained, "
        "lost). same_as: a view that is an earlier one on this network, which counts once.",
    ),
    "view_effects": (
        "Effects in further views",
        "As effects against controls, view by view; differences in the metric's own units.",
    ),
    "view_score_effects": (
        "Effects on scores in further views",
        "As effects on scores, view by view; differences in the score's own units.",
    ),
    "trends": (
        "Dose and response",
        "Does a metric's mean change with the strength? slope: from the weakest to the strongest "
        "value, in the metric's own units; p by exchanging strengths within each starting state, "
        "p_holm over all rows.",
    ),
    "scores": (
        "Scores of maps",
        "What each model's maps say by themselves: mean of each score over the test images with a "
        "value; part: what the pixels show that the score is about.",
    ),
    "score_effects": (
        "Which way maps move",
        "How much higher each score is than a control's, paired by image and starting state, in "
        "the score's own units; verdict: higher or lower after Holm's correction, no where the "
        "interval lies within the smallest effect that matters.",
    ),
    "score_variance_split": (
        "Variance of one image's score",
        "Components of the variance over images, conditions and starting states, all conditions "
        "included.",
    ),
    "score_segments": (
        "Scores by segment",
        "Each score by which of model and baseline is right; n counts images times states.",
    ),
    "score_segment_tests": (
        "Do segments differ in a score?",
        "Kruskal–Wallis test, one a model; read epsilon squared, the share of the ranks' variance "
        "that the segment explains (below .06: small).",
    ),
    "score_trends": (
        "Dose and response of scores",
        "Does a score's mean change with the strength? slope: from the weakest to the strongest "
        "value; p by exchanging strengths within each starting state, p_holm over all rows.",
    ),
    "mask_parts": (
        "What masks show",
        "In how many test images each part is seen, how many have no mask, and the part's share of "
        "the image, which a map that is the same everywhere has on it.",
    ),
    "variance_split": (
        "Variance of one image's value",
        "Components of the variance over images, conditions and starting states; condition × state "
        "is what two trainings of one condition differ.",
    ),
    "behaviour": (
        "Predictions against the baseline's",
        "Disagreement, Jensen–Shannon divergence (bits) and error consistency (Cohen's kappa).",
    ),
    "class_changes": (
        "How much goes with another predicted class",
        "Each metric where model and baseline predict the same class, and where they do not.",
    ),
    "target_changes": (
        "How much is another class explained",
        "Each metric between maps that explain the models' own predictions, the true label, or the "
        "baseline's prediction; share_of_change is what is gone of the distance with this target.",
    ),
    "sanity": (
        "Do maps notice random weights?",
        "Likeness of the baseline's maps to those of the same network while its weights become "
        "random, from the head down to the layer; another image: the level of what has nothing in "
        "common.",
    ),
    "pair_significance": (
        "Strongest and weakest pairs, and chance",
        "p_any: how often any pair counts as many where conditions are exchangeable; frequency: "
        "the share of metrics in whose top pairs it is, over resamples.",
    ),
    "suggested_clusters": (
        "The paper's clusters, by correlation",
        "Are members more alike than others? Margin: mean r within minus mean r to the others.",
    ),
    "suggested_model_clusters": (
        "The paper's clusters, by distance between models",
        "Margin: how much closer members lie to each other than to the others.",
    ),
    "separation": (
        "Do conditions differ as groups of models?",
        "PERMANOVA on distances between models; smallest_p is what so few models can reach.",
    ),
    "planning": (
        "Starting states needed",
        "For a shift of the given share of the control's distance; −1: more than 1000.",
    ),
}
"""Title and explanation of each table; those that are entries bring their own."""


def table_page(name: str, table: pd.DataFrame) -> str:
    """HTML of one table: sorted by a click on a column's head, downloaded as CSV."""
    own = entries(Table).get(name)
    title, note = (own.display_name, own.note) if own else TEXTS[name]
    csv = csv_text(table).encode()
    rows = [
        [(_key(value), _shown(value)) for value in row]
        for row in table.itertuples(index=False, name=None)
    ]
    numeric = [pd.api.types.is_numeric_dtype(table[column]) for column in table.columns]
    return _render(
        "table.html.j2",
        name=name,
        title=title,
        note=note,
        columns=list(zip(table.columns, numeric)),
        rows=rows,
        csv=base64.b64encode(csv).decode(),
    )


def summary_page(
    provenance: Mapping[str, Any], claims: pd.DataFrame, warnings: pd.DataFrame
) -> str:
    """HTML of what is wrong with the run, and what was run: config, models, images, excluded
    values, hardware, time.

    `provenance`: the record of `augcam.run.provenance`; `claims` and `warnings`: these tables.
    """
    return _render(
        "summary.html.j2",
        run=provenance,
        notes=_by_level(warnings),
        title=provenance["config"]["experiment"],
        facts=facts(provenance, claims),
        excluded={display_name(k): v for k, v in provenance["excluded_values"].items() if v},
        config=yaml.safe_dump(provenance["config"], sort_keys=False, allow_unicode=True),
    )


def start_page(text: str, warnings: pd.DataFrame) -> str:
    """The first page of Snakemake's report (RST, a Jinja template): `text` under the warnings."""
    found = _by_level(warnings)["warning"]
    lines = ["**Warnings**", "", *(f"- {_as_rst(warning)}" for warning in found), "", ""]
    return "\n".join(lines if found else []) + text


def _as_rst(text: str) -> str:
    """Text that RST and Jinja show as it is."""
    return re.sub(r"([^\w\s{]|_)", r"\\\1", text).replace("{", "{{ '{' }}")


def _by_level(warnings: pd.DataFrame) -> dict[str, list[str]]:
    """The sentences of the table `warnings`: those that warn, and the notes."""
    levels = ("warning", "note")
    return {level: list(warnings.loc[warnings["level"] == level, "text"]) for level in levels}


def facts(provenance: Mapping[str, Any], claims: pd.DataFrame) -> dict[str, str]:
    """What a reader wants to know first, by name."""
    config, network = provenance["config"], provenance["network"]
    images, models, hardware = provenance["images"], provenance["models"], provenance["hardware"]
    counts = claims["holds"].value_counts()
    reference = models[0]
    is_trained = "seconds" in reference
    layer = f"{network['cam_layer']} ({'×'.join(map(str, network['feature_map']))})"
    gpus = ", ".join(hardware["gpus"]) or "no GPU"
    augmented = [name for name in config["conditions"] if not is_control(name)]
    studied = [*augmented, *config["controls"]]
    left_out = [f"{display_name(c)} {s}" for c in studied for s in config["without"].get(c, ())]
    duplicates = ", ".join(f"{n} of {pair}" for pair, n in provenance["duplicates"].items() if n)
    return {
        "Data set": config["dataset"]["name"],
        "Images": f"{images['train']} for training, {images['val']} for validation, "
        f"{images['test']} for testing",
        "Images in two splits": duplicates or "none",
        "Network": f"{display_name(network['architecture'])}, input {config['model']['input_size']}"
        f"×{config['model']['input_size']}, {network['parameters']:,} parameters",
        "Explained layer": layer,
        "Map": f"{config['cam']['method']} of the class: {config['cam']['target']}",
        "Augmentations": ", ".join(map(display_name, augmented)),
        "Controls": ", ".join(map(display_name, config["controls"])) or "none",
        "Starting states": f"{', '.join(map(str, config['starting_states']))}, which vary "
        f"{varied(config['variation']) or 'what is not known here'}",
        "Baseline": f"{display_name(reference['condition'])}, state {reference['state']}",
        **(_of_trainings(config, models) if is_trained else _of_brought(config, models)),
        "Models left out": ", ".join(left_out) or "none",
        "Hardware": f"{hardware['processor']}, {hardware['cores']} cores, "
        f"{hardware['memory_gib']} GiB, {gpus}",
        "The paper's claims": ", ".join(f"{n} {answer}" for answer, n in counts.items()),
    }


def _of_trainings(config: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    seconds = sum(model["seconds"] for model in models)
    return {
        "Training": recipe(Training(**config["training"])),
        "Models trained": f"{len(models)}, {_epochs(models)}",
        "Time of training": f"{duration(seconds)} in all, {duration(seconds / len(models))} a "
        "model (validation and explanation not counted)",
    }


def _of_brought(config: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    what = "checkpoints" if "checkpoints" in config else "maps"
    return {"Models": f"{len(models)}, brought as {what}; nothing was trained here"}


def _epochs(models: Sequence[Mapping[str, Any]]) -> str:
    """How many epochs models were trained for; not all as long where trainings ended early."""
    counts = [model["epochs"] for model in models]
    if len(set(counts)) == 1:
        return f"{counted(counts[0], 'epoch')} each"
    return f"{min(counts)} to {max(counts)} epochs"


def _key(value: Any) -> Any:
    """What a value is sorted by."""
    return "" if pd.isna(value) else value


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _render(template: str, **values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("augcam.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (
        resources.files("augcam.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    )
    return environment.get_template(template).render(style=style, **values)
