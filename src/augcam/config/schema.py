"""The sections of the configuration: types, defaults, documentation.

The defaults are the paper's protocol (arXiv 2505.12581, section 5.1) where the paper gives a value.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from augcam.config.choices import DataKindName, MethodName, MetricName
from augcam.config.fields import (
    SCENES,
    Background,
    Fraction,
    Grown,
    NonNegative,
    Pixels,
    Section,
    Seed,
    Share,
    Text,
    unique,
)
from augcam.config.recipe import (
    Adam,
    Constant,
    Optimizer,
    Schedule,
    check_kept_epoch,
    check_schedule,
)
from augcam.config.views import Target
from augcam.entries import DataKind, entries
from augcam.names import (
    PAPER_CLUSTERS,
    PAPER_DATA,
    PAPER_METHOD,
    PAPER_METRICS,
    SEED_CONTROL,
)


class Cue(Section):
    kind: Literal["none", "patch", "background", "texture"] = "none"
    """What can go with the class besides the object: a saturated `patch` in a corner whose hue is
    the class's (decoy-MNIST), the `background` (Waterbirds), or the `texture` that fills the
    object."""
    train: Share = 0.9
    """Share of the training and validation images whose cue is their class's. In each of the others
    it is that of a class drawn from all, its own included, so that 0 means independent of the
    class."""
    test: Share = 0.0
    """The same for the test images."""


MaskValue = Annotated[int, Field(ge=1, le=255)]


class MaskSource(Section):
    column: Text | None = None
    """`parquet`: the column with the encoded masks. `table`: the column with their paths, relative
    to the table or to `folder`."""
    folder: Text | None = None
    """`imagefolder`, `table`: the folder that holds a mask for each image under the same relative
    name, whatever its suffix."""
    boxes: (
        Annotated[list[Text], Field(min_length=4, max_length=4), AfterValidator(unique)] | None
    ) = None
    """`parquet`, `table`: the four columns of a box in pixels of the image as it is stored, in
    place of a mask."""
    box_format: Literal["corners", "size"] = "corners"
    """What `boxes` hold: left, top, right and bottom (`corners`), or left, top, width and height
    (`size`)."""
    labels: (
        Annotated[dict[Text, Annotated[int, Field(ge=1, le=255)]], Field(min_length=1)] | None
    ) = None
    """What the values of masks stand for, e.g. `{object: 1, shadow: 2, unsure: 255}`; 0 is nothing.
    When not given a single value is the `object`, and several have their numbers for names."""

    @property
    def given(self) -> bool:
        """Whether there are masks."""
        return bool(self.column or self.folder or self.boxes)

    @model_validator(mode="after")
    def _is_whole(self):
        where = "dataset.masks"
        if not self.given and self != MaskSource.model_construct():
            raise ValueError(f"{where}.column: name a column, a folder or boxes with the masks")
        if self.boxes and (self.column or self.folder or self.labels):
            raise ValueError(f"{where}.boxes: boxes take the place of column, folder and labels")
        values = list((self.labels or {}).values())
        if len(set(values)) < len(values):
            raise ValueError(f"{where}.labels: several names stand for one value")
        if bad := [name for name in self.labels or {} if "@" in name or name == "nothing"]:
            raise ValueError(f"{where}.labels: '{bad[0]}' cannot name a part; take another name")
        return self


class Dataset(Section):
    name: DataKindName = PAPER_DATA
    """Where the images come from."""
    root: Text = "data"
    """`cifar10`: the folder that holds, or receives, the download."""
    train: Text | None = None
    """`parquet`: file or folder of files; `imagefolder`: folder with one sub-folder per class;
    `table`: as `file`. A folder that holds several splits by their names (`train`, `validation`,
    `test`, and the like) is understood: every key takes its own, and `train` alone takes all."""
    validation: Text | None = None
    """The same for validation images; without it a share of the training images
    (`split.validation_fraction`) is kept for validation."""
    test: Text | None = None
    """The same for the test images; without it a share of the training images
    (`split.test_fraction`) is kept for testing."""
    file: Text | None = None
    """`table`: the file, CSV (comma, semicolon, tab or bar), TSV or parquet."""
    image: Text | None = None
    """`table`: the column with the paths of images, relative to the table or to `image_folder`."""
    label: Text | None = None
    """`table`: the column with the class, a name or a number, kept as it is written."""
    split: Text | None = None
    """`table`: the column that says train, validation or test, in words."""
    image_folder: Text | None = None
    """`table`: the folder to which paths of images are relative, itself relative to the table."""
    image_suffix: Text | None = None
    """`table`: what is to be added to names of images, e.g. `.png`."""
    group: Text | None = None
    """What images belong together (one patient, one video) and must not stand on both sides of a
    split. `parquet`, `table`: the column that says so. `imagefolder`: a regular expression whose
    one group, found in the path below the folder, is the group's name, e.g. `patient(\\d+)_`."""
    image_column: Text | None = None
    """`parquet`: the column with the encoded images; found by its type when not given."""
    label_column: Text = "label"
    """`parquet`: the column with the class, a number or a name."""
    masks: MaskSource = MaskSource()
    """`parquet`, `imagefolder`, `table`: what the pixels of the test images show."""
    class_names: Annotated[list[Text], Field(min_length=2), AfterValidator(unique)] | None = None
    """`parquet`, `imagefolder`, `table`: names of classes 0, 1, …; read from the data set when not
    given. Where the data set has names, too, these must be the same in another order, or, for
    numbered classes, other names for them in the same order."""
    image_size: Pixels | None = None
    """Side in pixels of the squares to which images are brought, as `model.fit` says; needed only
    when the files differ in size."""
    background: Background = "#ffffff"
    """The colour behind transparent images and, with `model.fit: pad`, around them: a name or
    `'#rrggbb'`. `composed`: what is behind objects, also `photographs`, `noise` or `textures`, at
    60 % of its brightness, so that every object is brighter."""
    frames: Literal["first", "refuse"] = "first"
    """Of files with several frames (GIF, TIFF, WebP, animated PNG, MPO) take the first and count
    them, or stop and name them."""
    grey: Literal["refuse", "convert"] = "refuse"
    """What to do with grey files among images that have colours: stop and count them, or convert
    them. A set that is all grey is fine, and so is a colour file that happens to be grey."""
    broken: Literal["refuse", "skip"] = "refuse"
    """What to do with files that cannot be decoded: stop and name them all, or leave them out,
    before the split is chosen, and count them."""
    objects: Literal["digits", "animals"] = "digits"
    """`composed`: what is to be recognised. 1,797 handwritten `digits` that scikit-learn ships, or
    10,000 silhouettes of `animals` from the package animal-mnist."""
    opacity: Annotated[float, Field(ge=0.2, le=1)] = 1
    """`composed`: how opaque objects are. The less, the harder they are to recognise, and the more
    tempting is the cue."""
    cue: Cue = Cue()
    """`composed`: what else goes with the class."""
    distractors: Annotated[int, Field(ge=0, le=10)] = 0
    """`composed`: so many further objects of any class in each image, half as large, less bright,
    and behind the object."""
    size: Annotated[int, Field(ge=24, le=1024)] = 32
    """`composed`: side of the images in pixels."""
    seed: Seed = 0
    """`composed`: seed of everything that is drawn. Objects, backgrounds, cues and distractors have
    streams of their own: to change one leaves the others as they are."""
    train_limit: PositiveInt | None = None
    """Use a stratified subset of this many training and validation images; of the training images
    alone where the data set has a validation set of its own."""
    test_limit: PositiveInt | None = None
    """Use a stratified subset of this many test images."""

    @property
    def ground(self) -> tuple[int, int, int]:
        """`background` as red, green and blue, 0 to 255; white where it is no colour."""
        if self.background in SCENES:
            return 255, 255, 255
        red, green, blue = bytes.fromhex(self.background[1:])
        return red, green, blue

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self):
        entries(DataKind)[self.name].check(self)
        return self

    @model_validator(mode="after")
    def _has_masks_of_its_kind(self):
        known = entries(DataKind)[self.name].masks
        for way in ("column", "folder", "boxes") if known else ():
            if getattr(self.masks, way) and way not in known:
                raise ValueError(
                    f"dataset.masks.{way}: '{self.name}' reads masks by {' or '.join(known)}"
                )
        return self

    @model_validator(mode="after")
    def _has_a_background_of_its_kind(self):
        if self.background in SCENES and self.name != "composed":
            raise ValueError(
                f"dataset.background: '{self.background}' is for dataset.name 'composed' alone; "
                "give a colour, or remove the key"
            )
        return self

    @model_validator(mode="after")
    def _reads_all_its_keys(self):
        fields = type(self).model_fields
        for key in fields:
            kinds = [kind.name for kind in entries(DataKind).values() if key in kind.keys]
            if kinds and self.name not in kinds and getattr(self, key) != fields[key].default:
                raise ValueError(
                    f"dataset.name: '{self.name}' does not read dataset.{key}; take "
                    f"{' or '.join(map(repr, kinds))} for it, or remove the key"
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
    """Seed of the training order, shared by all models (appendix B), or by those of one state
    (`variation`)."""


class Training(Grown):
    came_later = (
        "optimizer", "schedule", "label_smoothing", "class_weights", "gradient_clipping",
        "weights", "best_by", "early_stopping", "freeze",
    )  # fmt: skip

    epochs: Annotated[int, Field(gt=0, le=1_000_000)] = 30
    """Epochs of every training; `weights` says which is kept."""
    batch_size: Annotated[int, Field(ge=2, le=1_000_000)] = 32
    """Images a step."""
    learning_rate: PositiveFloat = 1e-3
    """The learning rate; the highest one where `schedule` varies it."""
    weight_decay: NonNegative = 1e-5
    """L2 penalty; `adamw`: decoupled weight decay."""
    optimizer: Optimizer = Adam()
    """`adam`, `adamw` (`betas`, `eps`) or `sgd` (`momentum: 0.9`, `nesterov: false`), torch's own:
    a name, or a map with its values, e.g. `{name: sgd, nesterov: true}`; see docs/recipes.md."""
    schedule: Schedule = Constant()
    """Course of the learning rate over all steps: `constant`, `cosine` (`eta_min: 0`), `step`
    (`step_size: 10` epochs, `gamma: 0.1`), each after `warmup: 0` epochs of a linear rise, or
    `one_cycle` (`pct_start: 0.3`, `div_factor: 25`, `final_div_factor: 1e4`): a name, or a map with
    its values, e.g. `{name: cosine, warmup: 3}`."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0
    """Share of every label that is spread evenly over all classes."""
    class_weights: Literal["equal", "balanced"] = "equal"
    """`balanced`: the loss of an image counts by the inverse frequency of its class among the
    training images."""
    gradient_clipping: PositiveFloat | None = None
    """Largest norm of a step's gradient; longer ones are scaled down to it."""
    weights: Literal["best", "last"] = "best"
    """The weights that are kept: of the `best` epoch on the validation images, the first on ties,
    or of the `last` one."""
    best_by: Literal["accuracy", "loss"] = "accuracy"
    """What makes an epoch the best: the highest validation accuracy or the lowest validation loss
    (cross-entropy, without smoothing and weights)."""
    early_stopping: PositiveInt | None = None
    """End a training once so many epochs in a row were no better than the best one."""
    reshuffle: bool = False
    """Draw the order anew in every epoch, the same for all models; the paper keeps one order."""
    refresh: Literal["epoch", "once"] = "epoch"
    """Draw the augmented copies anew in every `epoch`, or `once` for all epochs."""
    augmented: Literal["added", "replaced"] = "added"
    """Augmented copies are `added` to the originals (the paper's way), or have `replaced` them:
    every epoch shows each image once, augmented anew. Then `identity` would equal `none`, and is
    left out."""
    copies: Annotated[int, Field(gt=0, le=100)] = 1
    """Augmented copies of each image, where they are added."""
    augment_at: Literal["stored", "input"] = "stored"
    """Augment at the stored resolution, before resizing, or at the network's input resolution."""
    freeze: Annotated[list[Text], AfterValidator(unique)] = []
    """Parts of the network that stay as they start, by the beginnings of their dotted names, e.g.
    `[conv_stem, bn1, blocks.0]`: no gradient, batch normalisation and dropout as in evaluation."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """How exactly networks are trained: `tf32` rounds the factors of products on a GPU (the same
    as `float32` elsewhere), `bfloat16` is mixed precision. Explanations are made in float32."""
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    """CPU threads of one training. Results are bitwise repeatable for one value, so it belongs to
    the experiment; on a CPU, one thread a training and one training a core is fastest."""

    @model_validator(mode="after")
    def _recipe_makes_sense(self):
        check_schedule(self.schedule, self.epochs, self.learning_rate)
        check_kept_epoch(self.weights, self.best_by, self.early_stopping, self.epochs)
        return self

    @model_validator(mode="after")
    def _copies_are_added(self):
        if self.augmented == "replaced" and self.copies > 1:
            raise ValueError(
                f"training.copies: {self.copies} copies can only be added; set training.augmented "
                "to 'added', or remove the key"
            )
        return self

    @model_validator(mode="after")
    def _copies_stay_in_place(self):
        if self.refresh == "once" and self.reshuffle:
            raise ValueError("training.refresh: once needs training.reshuffle: false")
        return self


class Baseline(Section):
    condition: Text = SEED_CONTROL
    """The condition that everything is compared with: a control, or one of what is brought."""
    state: Seed | None = None
    """Its starting state; the first of `starting_states` when not given."""
    states: Annotated[list[Seed], AfterValidator(unique)] | None = None
    """Starting states of the further baselines that the statistics compare with; all of
    `starting_states` when not given. They need the baseline's condition among `controls`."""


class Cam(Section):
    method: MethodName = PAPER_METHOD
    """How maps are made: a method of `docs/explanations.md`."""
    target: Target = "predicted"
    """The class that is explained: the model's own prediction, the true label, or the baseline's
    prediction."""


class Similarity(Section):
    metrics: Annotated[list[MetricName], Field(min_length=1), AfterValidator(unique)] = list(
        PAPER_METRICS
    )
    """The metrics."""
    epsilon: PositiveFloat = 2.220446049250313e-16
    """ε of the class-prediction KLD."""


class Analysis(Section):
    pair_k: PositiveInt = 4
    """How many strongest and weakest pairs of each correlation map are counted (tables 1 and 2);
    fewer where that is not below half of all pairs, so that no pair is both."""


class Statistics(Grown):
    came_later = ("faithfulness_images", "sanity", "sanity_images")

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
    faithfulness_images: PositiveInt = 200
    """Test images (or all) for scores that ask networks again, drawn from `seed`, for all alike."""
    sanity: bool = False
    """Also compare the baseline's maps with those of its network with random weights."""
    sanity_images: PositiveInt = 200
    """Test images for this."""
    targets: bool = True
    """Also explain the true label and the baseline's prediction, from the same pass: how much of
    the change of maps is only another class explained?"""
    clusters: list[Annotated[list[Text], Field(min_length=1), AfterValidator(unique)]] = [
        list(cluster) for cluster in PAPER_CLUSTERS
    ]
    """Groups of augmentations to test for being alike; the paper's suggestions."""


class Execution(Section):
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""
    jobs_per_gpu: Annotated[int, Field(gt=0, le=100)] = 1
    """How many trainings or explanations share a GPU; each network here is small for a large one.
    Several GPUs: `snakemake --resources gpu=<GPUs × jobs_per_gpu>`."""
