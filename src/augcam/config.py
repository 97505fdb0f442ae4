"""The configuration: one pydantic model a section; types, defaults, documentation and errors.

The defaults are the paper's protocol (arXiv 2505.12581, section 5.1) where the paper gives a
value. `config/schema.json` and the key table in `config/README.md` are generated from this module:

    python -m augcam.config
"""

import difflib
import json
import re
import stat
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from augcam.errors import AugcamError

MEASURES = ("accuracy", "precision", "recall", "f1")
METRICS = (
    "mad",
    "msd",
    "pearson",
    "spearman",
    "overlap_20",
    "overlap_10",
    "overlap_5",
    "class_kld",
)
CONTROLS = ("none", "identity")
PAPER_ARCHITECTURES = ("efficientnet_b0", "resnet18", "densenet121")
SMALL_ARCHITECTURES = ("resnet20", "resnet32", "resnet44")


class Section(BaseModel):
    """A config section: unknown keys are refused, and values cannot change after validation."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic would take `true`, or YAML's `yes`, for 1."""
        takes_it = "bool" in str(cls.model_fields[info.field_name].annotation)
        if not takes_it and True in map(_is_bool, value if isinstance(value, list) else [value]):
            raise ValueError(f"a number or a name is needed, not true or false (it is {value})")
        return value


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(known: Iterable[str], what: str):
    """A validator that refuses names outside `known`, with the nearest known name."""
    known = tuple(known)

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"unknown {what} '{name}'{_suggestion(name, known)}")
        return name

    return AfterValidator(check)


def _suggestion(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if len(known) <= 20 else ""


def _unique(values: list) -> list:
    repeated = sorted({str(v) for v in values if values.count(v) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} is named more than once")
    return values


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} exceeds the upper bound {bounds[1]}")
    return bounds


def _text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError(f"a name or path is needed, not {value!r}")
    return value


def _metric_name(name: str) -> str:
    if name in METRICS or re.fullmatch(r"overlap_([1-9]|[1-9][0-9])", name):
        return name
    raise ValueError(
        f"unknown metric '{name}'{_suggestion(name, METRICS)} "
        "(overlap_Y takes any whole percentage Y from 1 to 99)"
    )


class CatalogueEntry(NamedTuple):
    """What is known of an architecture without building it."""

    cam_layer: str
    smallest_input: int


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """The architectures that have a feature map to explain, by name.

    Generated from torchvision by `python -m augcam.models`, so that the config can be checked
    without importing torch.
    """
    text = resources.files("augcam").joinpath("architectures.json").read_text(encoding="utf-8")
    return {name: CatalogueEntry(**entry) for name, entry in json.loads(text).items()}


Architecture = Annotated[str, _one_of(catalogue(), "architecture")]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Pixels = Annotated[int, Field(gt=0, le=4096)]
Text = Annotated[str, AfterValidator(_text)]
Factor = Annotated[float, Field(ge=0.01, le=100)]
Range = Annotated[tuple[Factor, Factor], AfterValidator(_ordered)]
ShareRange = Annotated[
    tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]],
    AfterValidator(_ordered),
]


class Dataset(Section):
    name: Literal["digits", "cifar10", "parquet", "imagefolder"] = "cifar10"
    """`digits` (scikit-learn's, embedded), `cifar10` (downloaded by torchvision), `parquet`
    (Hugging Face image layout) or `imagefolder` (one folder a class)."""
    root: Text = "data"
    """`cifar10`: the folder that holds, or receives, the download."""
    train: Text | None = None
    """`parquet`: file or folder of files; `imagefolder`: folder with one sub-folder a class."""
    test: Text | None = None
    """The same for the test images; without it a share of the training images
    (`split.test_fraction`) is kept for testing."""
    image_column: Text | None = None
    """`parquet`: the column with the encoded images; found by its type when not given."""
    label_column: Text = "label"
    """`parquet`: the column with the class, a number or a name."""
    class_names: Annotated[list[Text], Field(min_length=2), AfterValidator(_unique)] | None = None
    """Names of classes 0, 1, …; read from the data set when not given."""
    image_size: Pixels | None = None
    """Side in pixels to which images are brought (shorter side resized, centre cropped); needed
    only when the files differ in size."""
    grey: Literal["refuse", "convert"] = "refuse"
    """What to do with a grey image among colour ones: stop and name it, or convert it."""
    train_limit: PositiveInt | None = None
    """Use a stratified subset of this many training and validation images."""
    test_limit: PositiveInt | None = None
    """Use a stratified subset of this many test images."""

    @model_validator(mode="after")
    def _has_files(self):
        if self.name in ("parquet", "imagefolder") and not self.train:
            raise ValueError(f"'{self.name}' needs dataset.train, the path of the training images")
        if self.name in ("digits", "cifar10") and (self.train or self.test):
            raise ValueError(
                f"dataset.name: '{self.name}' does not read the files of dataset.train and "
                "dataset.test; take 'parquet' or 'imagefolder' for them, or remove these keys"
            )
        return self


class Split(Section):
    validation_fraction: Fraction = 0.1
    """Share of the training images kept for choosing the best epoch (stratified)."""
    test_fraction: Fraction = 0.2
    """Share of all images kept for testing where the data set has no test set (stratified)."""
    split_seed: Seed = 0
    """Seed of subset, split and test choice."""
    sampling_seed: Seed = 0
    """Seed of the training order, shared by all models (appendix B)."""


class Model(Section):
    architecture: Architecture = "efficientnet_b0"
    """A torchvision classifier by name, or `resnet20`, `resnet32`, `resnet44`, `resnet56` (the
    CIFAR networks of He et al. 2016)."""
    input_size: Pixels = 224
    """Side in pixels of the network's input; images are resized to it."""
    cam_layer: Text | None = None
    """Dotted name of the layer to explain; found automatically (the last feature map before
    pooling) when not given."""
    weight_seed: Seed = 0
    """Seed of the starting weights, shared by all models."""

    @model_validator(mode="after")
    def _feature_map_is_large_enough(self):
        smallest = catalogue()[self.architecture].smallest_input
        # Another layer has another resolution: it is checked where the network is at hand.
        if self.cam_layer is None and self.input_size < smallest:
            raise ValueError(
                f"model.input_size {self.input_size} is too small for '{self.architecture}': its "
                f"last feature map would be smaller than 4×4; the smallest that works is {smallest}"
            )
        return self


class Training(Section):
    epochs: Annotated[int, Field(gt=0, le=1_000_000)] = 30
    """Epochs of every training; the one with the best validation accuracy is kept."""
    batch_size: Annotated[int, Field(ge=2, le=1_000_000)] = 32
    """Images a step."""
    learning_rate: PositiveFloat = 1e-3
    """Adam's learning rate."""
    weight_decay: NonNegative = 1e-5
    """Adam's weight decay (L2 penalty)."""
    reshuffle: bool = False
    """Draw the order anew in every epoch, the same for all models; the paper keeps one order."""
    refresh: Literal["epoch", "once"] = "epoch"
    """Draw the augmented copies anew in every `epoch`, or `once` for all epochs."""
    augment_at: Literal["stored", "input"] = "stored"
    """Augment at the stored resolution, before resizing, or at the network's input resolution."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """How exactly networks are trained: `tf32` rounds the factors of products on a GPU (the same
    as `float32` elsewhere), `bfloat16` is mixed precision. Explanations are made in float32."""
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    """CPU threads of one training. Results are bitwise repeatable for one value, so it belongs to
    the experiment; on a CPU, one thread a training and one training a core is fastest."""

    @model_validator(mode="after")
    def _copies_stay_in_place(self):
        if self.refresh == "once" and self.reshuffle:
            raise ValueError("training.refresh: once needs training.reshuffle: false")
        return self


class AffineParameters(Section):
    degrees: Annotated[float, Field(ge=0, le=180)] = 30
    """Rotation is uniform in ± this many degrees."""
    translate: tuple[Share, Share] = (0.1, 0.1)
    """Largest shift, horizontal and vertical, as shares of the image's width and height."""
    scale: Range = (0.9, 1.1)
    """Range of the scale factor."""
    shear: Annotated[float, Field(ge=0, lt=90)] = 10
    """Horizontal shear is uniform in ± this many degrees."""


class CutmixParameters(Section):
    alpha: Factor = 1.0
    """The pasted share of the image is `max_area` × Beta(alpha, alpha)."""
    max_area: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Largest pasted share; 1 is Yun et al. 2019, 0.5 leaves the label's image the larger part."""
    label: Literal["source", "mixed"] = "source"
    """`source`: the first image's label (section 2.2); `mixed`: both, by area (Yun et al. 2019)."""


class ColorjitterParameters(Section):
    brightness: Share = 0.4
    """Brightness factor uniform in 1 ± this."""
    contrast: Share = 0.4
    """Contrast factor uniform in 1 ± this."""
    saturation: Share = 0.4
    """Saturation factor uniform in 1 ± this."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Hue shift uniform in ± this share of the colour circle."""


class ElasticParameters(Section):
    alpha: Annotated[float, Field(ge=0, le=10_000)] = 50.0
    """Magnitude of the displacements (torchvision's definition)."""
    sigma: Factor = 5.0
    """Standard deviation in pixels of the Gaussian that smooths the displacements."""


class EqualizeParameters(Section):
    pass


class GaussblurParameters(Section):
    kernel_size: Annotated[int, Field(ge=3, le=999)] = 5
    """Side of the kernel in pixels, odd."""
    sigma: Range = (0.1, 2.0)
    """Range of the kernel's standard deviation in pixels."""

    @model_validator(mode="after")
    def _odd(self):
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, not {self.kernel_size}")
        return self


class RandcropParameters(Section):
    scale: ShareRange = (0.3, 1.0)
    """Range of the crop's share of the image's area."""
    ratio: Range = (3 / 4, 4 / 3)
    """Range of the crop's width / height."""


class AugmentationParameters(Section):
    affine: AffineParameters = AffineParameters()
    cutmix: CutmixParameters = CutmixParameters()
    colorjitter: ColorjitterParameters = ColorjitterParameters()
    elastic: ElasticParameters = ElasticParameters()
    equalize: EqualizeParameters = EqualizeParameters()
    gaussblur: GaussblurParameters = GaussblurParameters()
    randcrop: RandcropParameters = RandcropParameters()


AUGMENTATIONS = tuple(AugmentationParameters.model_fields)


class Baseline(Section):
    condition: Annotated[str, _one_of(CONTROLS, "baseline condition")] = "none"
    """The condition that everything is compared with."""
    state: Seed | None = None
    """Its starting state; the first of `starting_states` when not given."""
    states: Annotated[list[Seed], AfterValidator(_unique)] | None = None
    """Starting states of the further baselines that the statistics compare with; all of
    `starting_states` when not given. They need the baseline's condition among `controls`."""


class Cam(Section):
    method: Literal["gradcam", "gradcam++", "xgradcam", "hirescam", "layercam"] = "gradcam"
    """How gradients and activations become a map."""
    target: Literal["predicted", "label", "baseline"] = "predicted"
    """The class that is explained: the model's own prediction, the true label, or the baseline's
    prediction."""


class Similarity(Section):
    metrics: Annotated[
        list[Annotated[str, AfterValidator(_metric_name)]],
        Field(min_length=1),
        AfterValidator(_unique),
    ] = list(METRICS)
    """The metrics; `overlap_Y` takes any whole percentage Y."""
    epsilon: PositiveFloat = 2.220446049250313e-16
    """ε of the class-prediction KLD."""


class Analysis(Section):
    pair_k: PositiveInt = 4
    """How many strongest and weakest pairs of each correlation map are counted (tables 1 and 2)."""


class Statistics(Section):
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Bootstrap resamples and permutations."""
    seed: Seed = 0
    """Their seed."""
    alpha: Fraction = 0.05
    """Significance level; intervals cover 1 − alpha."""
    power: Fraction = 0.8
    """Power that the planning of starting states aims at."""
    smallest_effect: Fraction = 0.1
    """The smallest shift that matters, as a share of the control's own distance from the baseline:
    an effect that is surely smaller counts as none."""
    null_images: PositiveInt = 2000
    """Images used for the null levels (mismatched images, mean map, random map)."""
    targets: bool = True
    """Also explain the true label and the baseline's prediction, to see how much of the change of
    maps is only another class explained. From the same pass over the test images."""
    clusters: list[
        Annotated[
            list[Annotated[str, _one_of(AUGMENTATIONS, "augmentation")]],
            Field(min_length=1),
            AfterValidator(_unique),
        ]
    ] = [["cutmix", "affine", "colorjitter"], ["gaussblur", "elastic"], ["equalize"]]
    """Groups of augmentations to test for being alike; the paper's suggestions."""


class Figures(Section):
    dpi: Annotated[int, Field(ge=50, le=600)] = 150
    """Resolution of the PNG files."""
    outliers: bool = True
    """Draw the points beyond the whiskers of the boxplots."""


class Execution(Section):
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""
    jobs_per_gpu: Annotated[int, Field(gt=0, le=100)] = 1
    """How many trainings or explanations share a GPU; each network here is small for a large one.
    Several GPUs: `snakemake --resources gpu=<GPUs × jobs_per_gpu>`."""


class Config(Section):
    """One experiment."""

    experiment: Annotated[str, Field(max_length=100)] = "paper"
    """Name of the results folder, `results/<experiment>`."""
    dataset: Dataset = Dataset()
    """Where the images come from."""
    split: Split = Split()
    """Training, validation and test images, and the training order."""
    model: Model = Model()
    """The network."""
    architectures: (
        Annotated[list[Architecture], Field(min_length=1), AfterValidator(_unique)] | None
    ) = None
    """Networks that `snakemake architectures` compares on the original images (figures 9 to 13);
    when not given the paper's three, or `resnet20`, `resnet32` and `resnet44` for inputs that are
    too small for them."""
    architecture_arguments: dict[Architecture, dict[str, bool | int | float | str]] = {}
    """Options of an architecture's builder, e.g. `resnet20: {dropout: 0.2}`."""
    training: Training = Training()
    """The protocol of every training."""
    augmentations: Annotated[
        list[Annotated[str, _one_of(AUGMENTATIONS, "augmentation")]],
        Field(min_length=1),
        AfterValidator(_unique),
    ] = list(AUGMENTATIONS)
    """The augmentations to study."""
    augmentation_parameters: AugmentationParameters = AugmentationParameters()
    """Their parameters."""
    controls: Annotated[
        list[Annotated[str, _one_of(CONTROLS, "control")]], AfterValidator(_unique)
    ] = list(CONTROLS)
    """`none`: no augmented copies, at every starting state; `identity`: unchanged copies."""
    starting_states: Annotated[list[Seed], Field(min_length=1), AfterValidator(_unique)] = [1, 2, 3]
    """Seeds of everything random in a training but weights and order: X of section 4."""
    baseline: Baseline = Baseline()
    """The model that all others are compared with: B of section 4."""
    cam: Cam = Cam()
    """The class activation maps."""
    similarity: Similarity = Similarity()
    """The comparison of maps."""
    analysis: Analysis = Analysis()
    """The tables."""
    statistics: Statistics = Statistics()
    """Intervals, tests, clusters and planning: the second half of the report."""
    figures: Figures = Figures()
    """The figures; nothing here changes a number."""
    execution: Execution = Execution()
    """How to compute; nothing here starts a rerun."""

    @model_validator(mode="after")
    def _a_batch_is_in_the_training_set(self):
        limit = self.dataset.train_limit
        if limit and self.training.batch_size > limit * (1 - self.split.validation_fraction):
            raise ValueError(
                f"training.batch_size: {self.training.batch_size} is larger than the training set "
                f"that dataset.train_limit {limit} and split.validation_fraction "
                f"{self.split.validation_fraction} leave"
            )
        return self

    @model_validator(mode="after")
    def _experiment_is_a_folder_name(self):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.experiment):
            raise ValueError(
                f"experiment: '{self.experiment}' cannot name a folder; use letters, digits, "
                "'.', '_' and '-', starting with a letter or digit"
            )
        return self

    @model_validator(mode="after")
    def _compared_networks_could_be_explained(self):
        for name in self.architectures or []:
            smallest = catalogue()[name].smallest_input
            if self.model.input_size < smallest:
                raise ValueError(
                    f"architectures: '{name}' is no candidate at model.input_size "
                    f"{self.model.input_size}, as its last feature map would be smaller than 4×4; "
                    f"the smallest that works is {smallest}"
                )
        return self

    @model_validator(mode="after")
    def _further_baselines_are_trained(self):
        states = self.baseline.states or []
        trained = {
            state for condition, state in self.models if condition == self.baseline.condition
        }
        missing = sorted(set(states) - trained)
        if missing:
            raise ValueError(
                f"baseline.states: {missing[0]} is not a state of '{self.baseline.condition}'; "
                f"known: {', '.join(map(str, sorted(trained)))}"
            )
        return self

    @property
    def reference(self) -> tuple[str, int]:
        """(condition, state) of the baseline B."""
        state = self.baseline.state
        return self.baseline.condition, self.starting_states[0] if state is None else state

    @property
    def baselines(self) -> list[tuple[str, int]]:
        """(condition, state) of the reference, then of the further baselines."""
        condition = self.baseline.condition
        chosen = self.starting_states if self.baseline.states is None else self.baseline.states
        further = [(condition, state) for state in chosen if condition in self.controls]
        return list(dict.fromkeys([self.reference, *further]))

    @property
    def effect_controls(self) -> list[str]:
        """What effects are set against: seed noise (the baseline's condition), then `identity`."""
        trained = {condition for condition, _ in self.compared}
        both = dict.fromkeys([self.baseline.condition, "identity"])
        return [condition for condition in both if condition in trained]

    @property
    def conditions(self) -> list[str]:
        """Augmentations, then controls: what is compared with the baseline."""
        return [*self.augmentations, *self.controls]

    @property
    def models(self) -> list[tuple[str, int]]:
        """(condition, state) of every model to train, the baseline first."""
        return [self.reference, *self.compared]

    @property
    def compared(self) -> list[tuple[str, int]]:
        """(condition, state) of every model but the baseline."""
        every = [(c, s) for c in self.conditions for s in self.starting_states]
        return [model for model in every if model != self.reference]

    @property
    def compared_conditions(self) -> list[str]:
        """The conditions of `compared`; `none` is not there if it has the baseline's state only."""
        return list(dict.fromkeys(condition for condition, _ in self.compared))

    @property
    def candidates(self) -> list[str]:
        """The architectures to compare."""
        if self.architectures is not None:
            return self.architectures
        smallest = max(catalogue()[name].smallest_input for name in PAPER_ARCHITECTURES)
        fit = self.model.input_size >= smallest
        return list(PAPER_ARCHITECTURES if fit else SMALL_ARCHITECTURES)

    def condition_parameters(self, condition: str) -> dict[str, Any]:
        """The parameters that define `condition`; empty for controls."""
        if condition in CONTROLS:
            return {}
        return getattr(self.augmentation_parameters, condition).model_dump(mode="json")

    def builder_arguments(self, architecture: str) -> dict[str, Any]:
        """Options for the builder of `architecture`."""
        return self.architecture_arguments.get(architecture, {})


def source_files(dataset: Dataset) -> list[str]:
    """The files that a data set is read from, as far as they are few enough to be named.

    Raises AugcamError naming the key of a path that is not there.
    """
    if dataset.name not in ("parquet", "imagefolder"):
        return []
    files = []
    for key, path in (("dataset.train", dataset.train), ("dataset.test", dataset.test)):
        if path is None:
            continue
        try:
            mode = Path(path).stat().st_mode
        except OSError as error:  # also a name that no file can have
            reason = "" if isinstance(error, FileNotFoundError) else f" ({error.strerror})"
            raise AugcamError(
                f"config: {key}: there is no file or folder '{_short_path(path)}'{reason}."
            ) from None
        if not stat.S_ISDIR(mode):
            files.append(path)
        elif dataset.name == "parquet":
            files += sorted(map(str, Path(path).glob("*.parquet")))
    return files


def _short_path(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:197]}..."


def parse_config(values: Mapping[str, Any]) -> Config:
    """Validate a configuration as read from YAML.

    Raises AugcamError with one line per mistake, each beginning with the dotted key.
    """
    if not isinstance(values, Mapping):
        raise AugcamError(f"config: keys with values are needed, not {_short(values)}.")
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        sentences = (" ".join(_sentence(e).split()) for e in error.errors())
        lines = dict.fromkeys(sentences)  # each once
        raise AugcamError("\n".join(f"config: {_ended(line)}" for line in lines)) from None


def repeated_keys(text: str) -> list[str]:
    """Sentences that name each key which stands twice in one place of a YAML text.

    YAML's readers take the last one and drop the others without a word. A text that is no YAML
    gives none: that is said when it is read.
    """
    import yaml

    def walk(node: yaml.Node, path: tuple[str, ...]) -> Iterable[str]:
        first: dict[str, int] = {}
        for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
            name, line = str(key.value), key.start_mark.line + 1
            if name in first:
                dotted = ".".join((*path, name))
                yield f"{dotted}: the key stands twice, in lines {first[name]} and {line}"
            first[name] = line
            yield from walk(value, (*path, name))

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return []
    return list(walk(node, ()))


def _sentence(error: Mapping[str, Any]) -> str:
    where = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(where)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{_suggestion(where[-1], _known_keys(where[:-1]))}"
    if error["type"] == "invalid_key":
        return f"{key}: unknown key; names are text (it is {_short(error['input'])})"
    if error["type"] == "literal_error":
        options = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        value = _short(error["input"])
        return f"{key}: unknown value {value}{_suggestion(error['input'], options)}"
    if error["type"] == "value_error":
        # A check of a whole section names its keys by itself.
        by_itself = not key or message.startswith(f"{key}.")
        return message if by_itself else f"{key}: {message}"
    if where[0] == "architecture_arguments" and len(where) > 3:
        key = ".".join(where[:3])  # pydantic says so for each type that would do
        return f"{key}: a number, a name, true or false is needed (it is {_short(error['input'])})"
    return f"{key}: {message[0].lower()}{message[1:]} (it is {_short(error['input'])})"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known_keys(path: list[str]) -> list[str]:
    section: Any = Config
    for part in path:
        section = section.model_fields[part].annotation
    return list(section.model_fields)


def _key_rows(section: type[BaseModel], prefix: str = "") -> Iterable[tuple[str, str, str]]:
    for name, field in section.model_fields.items():
        key = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _key_rows(field.annotation, f"{key}.")
        else:
            default = (
                field.default.model_dump()
                if isinstance(field.default, BaseModel)
                else (field.default)
            )
            text = " ".join((field.description or "").split())
            yield key, json.dumps(default, ensure_ascii=False), text


def key_table() -> str:
    """Markdown table of every key with its default and meaning."""
    rows = [f"| `{key}` | `{default}` | {text} |" for key, default, text in _key_rows(Config)]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows])


def with_generated(page: str, what: str, module: str, content: str) -> str:
    """`page` with `content` between the two comments that mark what `module` generates there."""
    opening, closing = (
        f"<!-- {what}: generated by python -m {module} -->",
        f"<!-- end of {what} -->",
    )
    before, _, rest = page.partition(opening)
    _, _, after = rest.partition(closing)
    return f"{before}{opening}\n{content}\n{closing}{after}"


def schema_text() -> str:
    """The JSON schema of the config, as stored in `config/schema.json`."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write `config/schema.json` and the table of `config/README.md`, from the project root."""
    folder = Path("config")
    (folder / "schema.json").write_text(schema_text(), encoding="utf-8")
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(
        with_generated(text, "key table", "augcam.config", key_table()), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
