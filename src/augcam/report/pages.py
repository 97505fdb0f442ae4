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
from augcam.report.tablepages import TABLE_PAGES
from augcam.words import duration

_PAGES = {page.name: page for page in TABLE_PAGES}


def texts(name: str) -> tuple[str, str]:
    """Title and explanation of a table; of one that is in no catalogue, its name in words."""
    if own := entries(Table).get(name):
        return own.display_name, own.note
    if page := _PAGES.get(name):
        return page.title, page.note
    return name.replace("_", " ").capitalize(), ""


def table_page(name: str, table: pd.DataFrame) -> str:
    """HTML of one table: sorted by a click on a column's head, downloaded as CSV."""
    title, note = texts(name)
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


def augmentations(provenance: Mapping[str, Any]) -> list[str]:
    """The conditions that are no controls, in the order of the models, which is the config's:
    that of `conditions` is lost in JSON, which sorts keys."""
    conditions = dict.fromkeys(model["condition"] for model in provenance["models"])
    return [name for name in conditions if not is_control(name)]


def facts(provenance: Mapping[str, Any], claims: pd.DataFrame) -> dict[str, str]:
    """What a reader wants to know first, by name."""
    config, network = provenance["config"], provenance["network"]
    images, models, hardware = provenance["images"], provenance["models"], provenance["hardware"]
    counts = claims["holds"].value_counts()
    reference = models[0]
    is_trained = "seconds" in reference
    layer = f"{network['cam_layer']} ({'×'.join(map(str, network['feature_map']))})"
    gpus = ", ".join(hardware["gpus"]) or "no GPU"
    augmented = augmentations(provenance)
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
