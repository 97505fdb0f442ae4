"""One experiment: all sections of the configuration together, and what follows from them."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from augcam.config.brought import BroughtMaps, Checkpoint, Checkpoints, Maps, with_brought
from augcam.config.checks import CHECKS, scored
from augcam.config.choices import CONTROLS, Architecture, ControlName, ScoreName
from augcam.config.conditions import Condition, conditions, control
from augcam.config.definitions import Definitions
from augcam.config.fields import OneOf, Section, Seed, Text, in_order_of, unique
from augcam.config.network import Model
from augcam.config.report import Explorer, Figures
from augcam.config.schema import (
    Analysis,
    Baseline,
    Cam,
    Dataset,
    Execution,
    Similarity,
    Split,
    Statistics,
    Training,
)
from augcam.config.views import Look, Views, looks
from augcam.entries import (
    Augmentation,
    CamMethod,
    DataKind,
    Figure,
    Metric,
    Network,
    Score,
    Table,
    entries,
)
from augcam.names import (
    BOTH_CONTROLS,
    PAPER_ARCHITECTURES,
    PAPER_AUGMENTATIONS,
    SMALL_ARCHITECTURES,
    SOURCES,
    STEP_CONTROL,
)


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
        Annotated[list[Architecture], Field(min_length=1), AfterValidator(unique)] | None
    ) = None
    """Networks that `snakemake … -- architectures` compares on the original images (figures 9 to
    13), from random weights, or all from `pretrained` ones; when not given the paper's three, or
    `resnet20`, `resnet32` and `resnet44` for inputs that are too small for them."""
    architecture_arguments: dict[Architecture, dict[str, bool | int | float | str]] = {}
    """Options of an architecture's builder, e.g. `resnet20: {dropout: 0.2}`."""
    training: Training = Training()
    """The protocol of every training."""
    checkpoints: Checkpoints = {}
    """Networks that were trained elsewhere, instead of any training: condition → state → file, or
    `{file, architecture, cam_layer}`. See docs/checkpoints.md."""
    maps: Maps = {}
    """Their maps alone, from any method and framework: condition → state → file, or
    `{file, predictions}`. See docs/checkpoints.md."""
    augmentations: Annotated[list[Text], Field(min_length=1), AfterValidator(unique)] = list(
        PAPER_AUGMENTATIONS
    )
    """The augmentations to study: built-ins, and names that `augmentation_parameters` defines."""
    augmentation_parameters: Definitions = {}
    """What names in `augmentations` stand for: parameters of a built-in (below), a composition, a
    class or function from elsewhere, or a sweep; see docs/augmentations.md."""
    controls: Annotated[list[ControlName], AfterValidator(unique)] = list(BOTH_CONTROLS)
    """`none`: no augmented copies, at every starting state; `identity`: unchanged copies."""
    starting_states: Annotated[list[Seed], Field(min_length=1), AfterValidator(unique)] = [1, 2, 3]
    """Seeds of what `variation` names: X of section 4."""
    variation: Annotated[
        list[Annotated[str, OneOf(SOURCES, "source of variation")]],
        Field(min_length=1),
        AfterValidator(unique),
        in_order_of(SOURCES),
    ] = ["augmentation", "network"]
    """What a starting state varies: `augmentation` (the draws of copies), `network` (dropout,
    stochastic depth), `order` (of training), `weights` (at the start), `split` (which images train
    and which validate; test images stay). What it does not name is the same at all states. In one
    state all conditions share order, weights and split. A network without random layers needs one
    of the last three, or all its `none` models are equal."""
    without: dict[str, Annotated[list[Seed], Field(min_length=1), AfterValidator(unique)]] = {}
    """Models to leave out of everything, by condition, such as those whose training failed:
    `{cutmix: [2]}` is CutMix at state 2. The report names them."""
    baseline: Baseline = Baseline()
    """The model that all others are compared with: B of section 4."""
    cam: Cam = Cam()
    """The class activation maps: the main view."""
    views: Views = {}
    """Further ways to explain the same networks, each under a name, to see whether the answer
    holds: `{early: {layer: layer2.2}, true_class: {target: label}}`; see docs/views.md. What a view
    does not name is as in the main one."""
    similarity: Similarity = Similarity()
    """The comparison of maps."""
    scores: Annotated[list[ScoreName], AfterValidator(unique)] | None = None
    """What each map says by itself, without a baseline: which way maps move. When not given
    `spread`, `gini`, `centre_distance`, `border` and `negative`, and where the test images have
    masks also `inside`, `pointing`, `pointing_near`, `top_area` and `auc`; `[]`: none. Those that
    ask the network again, for `statistics.faithfulness_images`, are never among them by themselves:
    `deletion`, `insertion`, `road`, `average_drop`, `increase`."""
    analysis: Analysis = Analysis()
    """The tables."""
    statistics: Statistics = Statistics()
    """Intervals, tests, clusters and planning: the second half of the report."""
    figures: Figures = Figures()
    """The figures; nothing here changes a number."""
    explorer: Explorer = Explorer()
    """The page on which every image can be looked at; nothing here changes a number."""
    execution: Execution = Execution()
    """How to compute; nothing here starts a rerun."""

    @model_validator(mode="before")
    @classmethod
    def _what_is_brought_is_not_trained(cls, values: Any) -> Any:
        return with_brought(values)

    @model_validator(mode="before")
    @classmethod
    def _identity_needs_added_copies(cls, values: Any) -> Any:
        """Where augmented images replace the originals, `identity` would be `none` once more."""
        training = values.get("training") if isinstance(values, dict) else None
        if not isinstance(training, dict) or training.get("augmented") != "replaced":
            return values
        controls = values.get("controls", list(BOTH_CONTROLS))
        if not isinstance(controls, list):
            return values
        return values | {"controls": [name for name in controls if name != STEP_CONTROL]}

    @model_validator(mode="after")
    def _sections_fit_each_other(self):
        for check in CHECKS:
            check(self)
        return self

    @property
    def brought(self) -> dict[str, dict[int, Checkpoint]] | dict[str, dict[int, BroughtMaps]]:
        """What stands for trainings: condition → state → file; empty where all is trained."""
        return self.checkpoints or self.maps

    @property
    def reference(self) -> tuple[str, int]:
        """(condition, state) of the baseline B."""
        state = self.baseline.state
        return self.baseline.condition, self.starting_states[0] if state is None else state

    @property
    def looks(self) -> dict[str, Look]:
        """All that each view is, by name, the main one first."""
        return self.looks_at()

    def looks_at(self, own_layer: str | None = None) -> dict[str, Look]:
        """The same for a network that has a main layer of its own."""
        layer = own_layer or self.model.cam_layer
        return looks(self.views, self.cam.method, self.cam.target, layer)

    @property
    def baselines(self) -> list[tuple[str, int]]:
        """(condition, state) of the reference, then of the further baselines."""
        condition = self.baseline.condition
        chosen = self.starting_states if self.baseline.states is None else self.baseline.states
        further = [(condition, state) for state in chosen if (condition, state) in self.compared]
        return list(dict.fromkeys([self.reference, *further]))

    @property
    def effect_controls(self) -> list[str]:
        """What effects are set against: seed noise (the baseline's condition), then the steps."""
        trained = {condition for condition, _ in self.compared}
        both = dict.fromkeys([self.baseline.condition, STEP_CONTROL])
        return [condition for condition in both if condition in trained]

    @cached_property
    def all_conditions(self) -> list[Condition]:
        """What is trained: augmentations in order, sweeps by their values, controls, baseline."""
        if self.brought:
            return [Condition(name, name, ()) for name in self.brought]
        studied = conditions(self.augmentations, self.augmentation_parameters)
        controls = dict.fromkeys([*self.controls, self.baseline.condition])
        return [*studied, *map(control, controls)]

    def condition(self, name: str) -> Condition:
        """The condition of this name, studied or a control."""
        every = {condition.name: condition for condition in self.all_conditions}
        return every.get(name) or control(name)

    @property
    def titles(self) -> dict[str, str]:
        """The name for people of every condition, in their order."""
        return {condition.name: condition.title for condition in self.all_conditions}

    @property
    def sweeps(self) -> list[dict[str, Any]]:
        """The fields of `augcam.statistics.trends.Sweep` of each sweep."""
        names = dict.fromkeys(c.sweep for c in self.all_conditions if c.sweep)
        of = {name: [c for c in self.all_conditions if c.sweep == name] for name in names}
        return [
            {
                "name": name,
                "title": self.augmentation_parameters[name].title or name,
                "key": parts[0].key,
                "conditions": [c.name for c in parts],
                "values": [c.value for c in parts],
            }
            for name, parts in of.items()
        ]

    @property
    def augmented(self) -> list[str]:
        """The names of the conditions that are no controls; what is brought is set against the
        baseline's condition."""
        controls = [self.baseline.condition] if self.brought else CONTROLS
        return [c.name for c in self.all_conditions if c.name not in controls]

    @property
    def of_paper(self) -> list[str]:
        """Those of them that are the paper's, whatever their parameters."""
        built_in = {c.name for c in self.all_conditions if c.built_ins == [c.name]}
        return [name for name in self.augmented if name in PAPER_AUGMENTATIONS and name in built_in]

    @property
    def conditions(self) -> list[str]:
        """Augmentations, then controls: what is compared with the baseline."""
        controls = [self.baseline.condition] if self.brought else self.controls
        return [*self.augmented, *controls]

    def images_shown(self, condition: str) -> int:
        """How often an epoch shows each training image, itself or a copy."""
        adds = self.training.augmented == "added" and self.condition(condition).has_copies
        return 1 + self.training.copies if adds else 1

    @property
    def models(self) -> list[tuple[str, int]]:
        """(condition, state) of every model to train, the baseline first."""
        return [self.reference, *self.compared]

    @property
    def compared(self) -> list[tuple[str, int]]:
        """(condition, state) of every model but the baseline."""
        every = [
            (c, s)
            for c in self.conditions
            for s in self.starting_states
            if not self.brought or s in self.brought[c]
        ]
        return [model for model in every if model not in (self.reference, *self.left_out)]

    @property
    def left_out(self) -> list[tuple[str, int]]:
        """(condition, state) of the models that `without` leaves out of what is studied."""
        return [(c, s) for c in self.conditions for s in self.without.get(c, ())]

    @property
    def compared_conditions(self) -> list[str]:
        """The conditions of `compared`; `none` is not there if it has the baseline's state only."""
        return list(dict.fromkeys(condition for condition, _ in self.compared))

    @property
    def candidates(self) -> list[str]:
        """The architectures to compare."""
        if self.architectures is not None:
            return self.architectures
        smallest = max(entries(Network)[name].smallest_input for name in PAPER_ARCHITECTURES)
        fit = self.model.input_size >= smallest
        return list(PAPER_ARCHITECTURES if fit else SMALL_ARCHITECTURES)

    @property
    def has_masks(self) -> bool:
        """Whether the test images have masks."""
        return entries(DataKind)[self.dataset.name].has_masks(self.dataset)

    @property
    def entries_in_use(self) -> dict[type, list[str]]:
        """The names of the entries that this experiment uses, by kind."""
        return {
            DataKind: [self.dataset.name],
            Augmentation: list(
                dict.fromkeys(name for c in self.all_conditions for name in c.built_ins)
            ),
            Metric: self.similarity.metrics,
            Score: scored(self),
            CamMethod: [self.cam.method],
            Network: [n for n in [self.model.architecture] if n in entries(Network)],
            Table: list(entries(Table)),
            Figure: list(entries(Figure)),
        }

    def setting(self, key: str) -> Any:
        """The value of a dotted key, or of what follows from the config, such as `conditions`."""
        *sections, last = key.split(".")
        holder: Any = self
        for section in sections:
            holder = getattr(holder, section)
        if isinstance(holder, Section) and last in type(holder).model_fields:
            dumped = holder.model_dump(mode="json", include={last})
            if last in dumped:
                return dumped[last]
        value = getattr(holder, last)
        return value.model_dump(mode="json") if isinstance(value, Section) else value

    def record(self) -> dict[str, Any]:
        """All values that results depend on: nothing on figures, execution or what is not used."""
        unused = ("figures", "explorer", "execution", "augmentation_parameters")
        exclude: Any = dict.fromkeys(unused, True)
        if not self.brought:
            exclude |= {"checkpoints": True, "maps": True}
        exclude |= {"scores": True} if self.scores is None else {}
        exclude |= {} if self.views else {"views": True}
        exclude |= {"dataset": {"masks"}} if not self.dataset.masks.given else {}
        studied = {c.name: {"title": c.title, "steps": c.steps} for c in self.all_conditions}
        record = self.model_dump(mode="json", exclude=exclude) | {"conditions": studied}
        return record | {"variation": self.known_variation}

    def varies(self, *sources: str) -> bool:
        """Does a starting state vary any of `sources`?"""
        return not set(sources).isdisjoint(self.variation)

    def seeds(self, state: int) -> dict[str, int]:
        """Seeds of the trainings at `state`, by source: where it does not vary, the baseline's."""
        sources = ("augmentation", "network")
        return {name: state if self.varies(name) else self.reference[1] for name in sources}

    @property
    def known_variation(self) -> list[str]:
        """What states vary; of what is brought nothing is known."""
        return [] if self.brought else self.variation

    def repeating(self, random_layers: bool) -> list[str]:
        """Conditions of which all models will be equal, as nothing that states vary reaches them;
        `random_layers`: whether training the network draws random numbers."""
        if self.brought:
            return []
        if self.varies("order", "weights", "split") or (random_layers and self.varies("network")):
            return []
        trained = [condition for condition, _ in self.models]
        drawn = [
            condition
            for condition in trained
            if self.varies("augmentation") and self.condition(condition).is_random
        ]
        return [c for c in dict.fromkeys(trained) if trained.count(c) > 1 and c not in drawn]

    @property
    def counted_pairs(self) -> int:
        """k of the tables of pairs: `analysis.pair_k`, but below half of the pairs that there are,
        so that none counts as both strong and weak; 0 where that leaves none."""
        count = len(self.augmented)
        return min(self.analysis.pair_k, max(0, (count * (count - 1) // 2 - 1) // 2))

    def network(self, architecture: str) -> dict[str, Any]:
        """What `augcam.networks.build.build` takes to build `architecture`, but classes and seed;
        the input's size only where the network may be built for one."""
        known = entries(Network).get(architecture)
        sized = {"input_size": self.model.input_size} if known is None or known.sized else {}
        arguments = self.builder_arguments(architecture)
        return {"architecture": architecture, "arguments": arguments, **sized}

    def builder_arguments(self, architecture: str) -> dict[str, Any]:
        """Options for the builder of `architecture`."""
        return self.architecture_arguments.get(architecture, {})
