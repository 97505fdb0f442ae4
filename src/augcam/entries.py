"""Entries: what the project has several of, each in a file of its own that owns all about it.

An entry is found because its file lies in the folder of its kind: no list names it. The file
defines `ENTRY`, or `ENTRIES` where one definition has several names (overlap_1 to overlap_99).

The Snakefile reads entries at every start, to check the config: they import numpy, torch and the
like inside their functions. They are imported by names made at run time, so that the code of a rule
holds those that its config names, and not all that there are (`augcam.run.closure`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar

from augcam.errors import AugcamError


def _nothing(*_arguments: Any) -> dict[str, Any]:
    return {}


def _source_label(*_arguments: Any) -> None:
    return None


def _never(_parameters: Any) -> bool:
    return False


def _no_objection(_section: Any) -> None:
    return None


def _brought_masks(section: Any) -> bool:
    return section.masks.given


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """Where images come from; a file in `data/kinds`. `display_name` explains its name.

    `read(dataset)`: from the config's section `dataset` to an `augcam.data.source.Source`. `keys`:
    those of the section that it reads and not every kind does; where it does not read one, a config
    that sets it is refused. `check(dataset)` raises ValueError where its keys do not do.
    `has_masks(dataset)`: whether its `Source` has masks of the test images; `masks`: the ways in
    which it reads those that a user brings, keys of `dataset.masks`.

    Of kinds that are read from paths: `held(key, path)`, the paths in a path that a key names, by
    the split that their names mean (`augcam.data.layout.Held`); `below(path)`, all that could be
    meant; `classes_are_folders`, so that no split may lie in another. `contents(dataset)`: a text
    that changes with the files, where these are too many for Snakemake to list.
    """

    name: str
    display_name: str
    read: Callable[..., Any]
    keys: tuple[str, ...] = ()
    check: Callable[[Any], None] = _no_objection
    has_masks: Callable[[Any], bool] = _brought_masks
    masks: tuple[Literal["column", "folder", "boxes"], ...] = ()
    held: Callable[..., Any] | None = None
    below: Callable[..., Any] | None = None
    classes_are_folders: bool = False
    contents: Callable[..., Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How the copies of a condition differ from their originals; a file in `augment/augmentations`.

    `draw(rng, count, (height, width), parameters)`: one set of random parameters per image from a
    NumPy generator, arrays (count, …) by name. `apply(images, **drawn)`: images (B, 3, H, W),
    float32 in [0, 1], and what was drawn, as tensors on their device → images of the same kind;
    None: copies are copies. `parameters`: the section of the config that holds them.

    `mixes`: `apply` also takes the pixels of one other image for each, `partners` (B, 3, H, W).
    `label_share(drawn, (height, width), parameters)`: the partner's share of the label, (B,), or
    None where the label stays.

    `fixed(parameters)`: whether these leave nothing to draw, so that all copies of an image are
    equal. `reference`: its source, a paper or what it is the same as.

    `control`: what the condition controls for; empty for augmentations. `copies` per original.
    """

    name: str
    display_name: str
    apply: Callable[..., Any] | None = None
    draw: Callable[..., Mapping[str, Any]] = _nothing
    parameters: type | None = None
    fixed: Callable[[Any], bool] = _never
    colour: str = ""
    reference: str = ""
    mixes: bool = False
    label_share: Callable[..., Any] = _source_label
    control: str = ""
    copies: Literal[0, 1] = 1

    def is_random(self, parameters: Mapping[str, Any]) -> bool:
        """Whether copies are drawn; if not, all copies of an image are equal."""
        return self.draw is not _nothing and not self.fixed(parameters)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A distance between two maps of one image, or two predictions; a file in `comparison/metrics`.

    `function(p, q)` takes the `augcam.comparison.maps.Maps` of the baseline and of another model;
    if it `needs` logits, `function(p, q, epsilon)` takes these, (N, C). It returns float64 (N,),
    NaN where it is undefined.

    `definition`: in Markdown. `range` of its values; its value `at_equality` of two maps (that are
    not constant) or predictions: 0 for differences, 1 for likeness; whether P and Q may be swapped
    (`symmetric`); whether constant maps leave it undefined. `section`: key of its section in the
    report; metrics of one section say nearly the same.

    `linear_below`: its axis is linear up to this value and logarithmic above; None: all linear.
    `top`: the share in % of a map's pixels that it looks at, 0 for all; a map with fewer pixels
    above 0 is degenerate. `headline`: of several metrics a sentence takes the one with the highest.
    `family`: the common form of the names in its file, where these are many. `between(moments)`:
    its values for every two models, where they follow from `augcam.comparison.moments.Moments`.
    """

    name: str
    display_name: str
    definition: str
    function: Callable[..., Any]
    range: tuple[float, float]
    at_equality: Literal[0, 1]
    section: str
    needs: Literal["maps", "logits"] = "maps"
    symmetric: bool = True
    undefined_on_constant: bool = False
    linear_below: float | None = None
    top: int = 0
    headline: int = 0
    family: str = ""
    between: Callable[..., Any] | None = None

    @property
    def direction(self) -> int:
        """+1 where a larger value lies farther from the baseline, −1 where a smaller one does."""
        return 1 if self.at_equality == 0 else -1


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number that says something of one map by itself; a file in `comparison/scores`.

    `function(maps)` takes `augcam.comparison.rawmaps.RawMaps` and returns float64 (N,), NaN where
    the score is undefined. One that `needs` masks, `function(maps, inside)`, also takes which
    pixels show one part of the images, bool (N, size, size); it has a value for each part. One that
    `needs` the network, `function(maps, probe)`, asks it about changed images by way of an
    `augcam.comparison.probe.Probe`, and is computed for a sample of the test images.

    `definition`: in Markdown; `source`: where it was published. `range` of its values. `neutral`:
    the value that says nothing, from which shifts are measured. `higher`, `lower`: what a sentence
    says of maps with larger or smaller values; `{part}`: what the pixels show. `of_area`: whether a
    map that is the same everywhere has the part's area; `undefined_on_constant`: whether it has no
    value, as one that is positive nowhere has none (unless `signed`: negative parts count, too).
    """

    name: str
    display_name: str
    definition: str
    source: str
    function: Callable[..., Any]
    range: tuple[float, float]
    higher: str
    lower: str
    needs: Literal["maps", "masks", "network"] = "maps"
    neutral: float = 0
    of_area: bool = False
    undefined_on_constant: bool = False
    signed: bool = False


@dataclass(frozen=True, kw_only=True)
class CamMethod:
    """How maps are made; a file in `explanation/methods`. `reference`: its source.

    `function` returns raw maps (B, h, w), signed. It `needs` gradients: `function(activations,
    gradients)`, both (B, C, h, w), of `score(logits, classes)`, (B,), or of the logit of the class;
    activations alone: `function(activations)`; or the model: `function(subject)`, a context manager
    (`augcam.explanation.subject`) set up once, which gives a function from batches to maps.
    `closed_form(activations, gradients, scores)`: the same maps on a head of global average pooling
    and one linear layer, where one that needs the model has none of its `passes`.

    `class_dependent`: whether the class makes a difference. `passes(channels, cells)`: of an image
    through the network, beyond the one that all methods share; a gradient down to the pixels counts
    as two. `extra`: the optional dependency of augcam that it needs. `equal_if_pooled_linear`,
    `equal_if_nonnegative`: what it is another name of on such a head, or without values below 0.
    """

    name: str
    display_name: str
    function: Callable[..., Any]
    reference: str = ""
    needs: Literal["gradients", "activations", "model"] = "gradients"
    score: Callable[..., Any] | None = None
    closed_form: Callable[..., Any] | None = None
    class_dependent: bool = True
    passes: Callable[[int, int], int] = lambda channels, cells: 0
    extra: str = ""
    equal_if_pooled_linear: str = ""
    equal_if_nonnegative: str = ""

    def cost(self, channels: int, cells: int, pooled_linear: bool) -> int:
        """Passes of one image through the network, beyond the one that all methods share."""
        return 0 if self.closed_form and pooled_linear else self.passes(channels, cells)


@dataclass(frozen=True, kw_only=True)
class Network:
    """An architecture; families of them are files in `networks/families`.

    `build(num_classes=…, **arguments)`: the network, with weights from torch's global generator;
    `arguments` are those of `architecture_arguments`. `cam_layer`: dotted name of the last feature
    map before pooling; `smallest_input`: side in pixels from which on that map has 4×4 cells.
    `multiple_of` above 1: it is built for inputs of one size, a multiple of it, which `build` takes
    as `input_size`. `pretrained`: whether weights are known (`augcam.networks.pretrained`).
    """

    name: str
    display_name: str
    build: Callable[..., Any]
    cam_layer: str
    smallest_input: int
    multiple_of: int = 1
    pretrained: bool = False

    @property
    def sized(self) -> bool:
        return self.multiple_of > 1


TIMM = "timm/"
"""How the name of a network of timm begins."""


def is_elsewhere(architecture: str) -> bool:
    """Whether a network is timm's (`timm/<name>`) or the user's own (`<file>.py:<name>`): nothing
    is known of it before it is built."""
    return architecture.startswith(TIMM) or is_own(architecture)


def is_own(architecture: str) -> bool:
    return ":" in architecture


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that is made from other tables, and its page; a file in `report/tables`.

    `make(*tables, **settings)`: a DataFrame, from the tables called `needs` and the values of the
    config's dotted keys `settings`, by the last part of their names. `note`: what stands below its
    title. `section`: key of its section in the report; `label` tells it apart there.
    """

    name: str
    display_name: str
    note: str
    section: str
    make: Callable[..., Any]
    needs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    label: str = "table"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that is drawn from tables; a file in `report/figures`.

    `draw(*tables, **settings)`: a matplotlib figure, from arguments as a `Table`'s. `caption`: what
    the report says of it, in reStructuredText. `section`, `label`: as a `Table`'s.
    """

    name: str
    display_name: str
    caption: str
    section: str
    draw: Callable[..., Any]
    needs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    label: str = "–"


FOLDERS: dict[type, str] = {
    DataKind: "data/kinds",
    Augmentation: "augment/augmentations",
    Metric: "comparison/metrics",
    Score: "comparison/scores",
    CamMethod: "explanation/methods",
    Network: "networks/families",
    Table: "report/tables",
    Figure: "report/figures",
}
"""Where the entries of each kind lie, below the library."""


Entry = TypeVar("Entry", DataKind, Augmentation, Metric, Score, CamMethod, Network, Table, Figure)


def data_kind_named(name: str) -> DataKind:
    return entry(DataKind, name)


def augmentation_named(name: str) -> Augmentation:
    return entry(Augmentation, name)


def metric_named(name: str) -> Metric:
    return entry(Metric, name)


def score_named(name: str) -> Score:
    return entry(Score, name)


def method_named(name: str) -> CamMethod:
    return entry(CamMethod, name)


def network_named(name: str) -> Network:
    return entry(Network, name)


def table_named(name: str) -> Table:
    return entry(Table, name)


def figure_named(name: str) -> Figure:
    return entry(Figure, name)


def entry(kind: type[Entry], name: str) -> Entry:
    """The entry called `name`. Raises AugcamError where there is none."""
    if name not in entries(kind):
        raise AugcamError(f"{kind.__name__}: there is no entry called '{name}'.")
    return entries(kind)[name]


def entries(kind: type[Entry]) -> dict[str, Entry]:
    """All entries of a kind by name, by the order of their files.

    Raises AugcamError naming a file that holds no entry of this kind, or one with a taken name.
    """
    return _found(kind)[0]


def in_order(kind: type[Entry], first: Iterable[str]) -> list[Entry]:
    """All entries of a kind, those named `first` in front."""
    known: dict[str, Entry] = entries(kind)
    return [known[name] for name in dict.fromkeys([*first, *known])]


def entry_file(kind: type[Entry], name: str) -> Path:
    """The file that holds the entry called `name`."""
    return _found(kind)[1][name]


_READ: dict[type, tuple[dict[str, Any], dict[str, Path]]] = {}  # each kind once


def _found(kind: type[Entry]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Entry and file by name."""
    if kind in _READ:
        return _READ[kind]
    found: dict[str, Any] = {}
    files: dict[str, Path] = {}
    for path in sorted((Path(__file__).parent / FOLDERS[kind]).glob("[!_]*.py")):
        for each in _read(path, kind):
            if each.name in found:
                other = files[each.name].name
                raise AugcamError(f"{path}: the name '{each.name}' is taken, by {other}.")
            found[each.name], files[each.name] = each, path
    return _READ.setdefault(kind, (found, files))


def _read(path: Path, kind: type[Entry]) -> list[Entry]:
    """The entries that one file defines."""
    package = f"augcam.{FOLDERS[kind].replace('/', '.')}"
    try:
        module = import_module(f"{package}.{path.stem}")
    except Exception as error:  # whatever a file raises that somebody has just written
        raise AugcamError(
            f"{path}: this entry cannot be imported ({type(error).__name__}: {error})."
        ) from error
    found = getattr(module, "ENTRIES", None) or [getattr(module, "ENTRY", None)]
    for each in found:
        if not isinstance(each, kind):
            raise AugcamError(f"{path}: ENTRY, or each of ENTRIES, must be a {kind.__name__}.")
        if not re.fullmatch(r"\w[\w+.]*", each.name):
            raise AugcamError(
                f"{path}: the name {each.name!r} does not do; use letters, digits, '_', '+', '.'."
            )
    return found
