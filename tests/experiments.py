"""Whole experiments without training: invented maps and predictions, then all that follows."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from augcam.comparison.explained import Explained
from augcam.comparison.models import compare
from augcam.comparison.nulls import null_levels
from augcam.comparison.repeats import distinct, equal_models, with_noise
from augcam.comparison.scoring import score_maps
from augcam.config.checks import score_controls, scored, scores_of_maps, scores_of_networks
from augcam.config.experiment import Config
from augcam.data.geometry import Fit
from augcam.paper.aggregation import aggregate, pair_counts
from augcam.paper.claims import check_claims
from augcam.paper.run import Run
from augcam.paper.segments import by_segment
from augcam.report import charts, extremes
from augcam.report import performance as performances
from augcam.report.scores import score_figures
from augcam.report.statistics import draw_all
from augcam.statistics.behaviour import predicted_otherwise
from augcam.statistics.chance import chance
from augcam.statistics.conclusions import conclude
from augcam.statistics.decoupled import decouple
from augcam.statistics.distances import gather
from augcam.statistics.effects import against_controls
from augcam.statistics.modelspace import model_space
from augcam.statistics.scores import score_statistics
from augcam.statistics.targets import target_changes
from augcam.statistics.trends import Sweep
from augcam.train.measures import performance

SIZE, CLASSES = 12, 3
Model = tuple[str, int]


def invented(
    config: Config, images: int, seed: int = 0, kinds: Mapping[str, str] | None = None
) -> dict[Model, Explained]:
    """What every model explains: the image's own map and logits, plus the model's own noise.

    `kinds`: condition → `noise` (the default), `equal` (all states alike), `flat` (constant maps),
    `sure` (the same class for all images).
    """
    rng = np.random.default_rng(seed)
    common, shared = rng.standard_normal((images, 4, 4)), rng.standard_normal((images, CLASSES))
    labels = rng.integers(CLASSES, size=images)
    found: dict[Model, Explained] = {}
    for condition, state in config.models:
        kind = (kinds or {}).get(condition, "noise")
        own = np.random.default_rng([seed, *condition.encode(), 0 if kind == "equal" else state])
        cam = common + own.standard_normal(common.shape)
        logits = shared + own.standard_normal(shared.shape)
        if kind == "flat":
            cam[:] = 0
        if kind == "sure":
            logits[:, 0] += 100
        right = logits.argmax(axis=1) == labels
        arrays = cam.astype(np.float32), logits.astype(np.float32)
        found[condition, state] = Explained(np.arange(images), *arrays, right)
    return found


def predictions(model: Explained) -> pd.DataFrame:
    """The table that explaining writes beside the maps."""
    predicted = model.logits.argmax(axis=1)
    wrong = (predicted + 1) % CLASSES
    head = {"image_id": model.image_id, "label": np.where(model.right, predicted, wrong)}
    logits = {f"logit_{i}": column for i, column in enumerate(model.logits.T)}
    return pd.DataFrame(head | {"predicted": predicted} | logits)


def followed(config: Config, models: Mapping[Model, Explained]) -> dict[str, pd.DataFrame]:
    """Every table that follows from what the models explain, by name, as the rules make them."""
    metrics, reference = config.similarity.metrics, config.reference
    options = config.statistics.model_dump()
    shared = {name: options[name] for name in ("resamples", "seed", "alpha")}
    epsilon = config.similarity.epsilon
    seen = {model: predictions(explained) for model, explained in models.items()}
    equal = equal_models({model: explained.logits.tobytes() for model, explained in models.items()})

    def distances_from(baseline: Model, others: list[Model]) -> list[pd.DataFrame]:
        rest = [models[model] for model in others]
        return compare(models[baseline], rest, metrics, SIZE, epsilon)

    similarity = distinct(config.compared, distances_from(reference, config.compared), equal)
    further = {
        (state, *model): table
        for condition, state in config.baselines[1:]
        for model, table in zip(config.models, distances_from((condition, state), config.models))
    }
    distances = gather(reference, similarity, further, metrics)
    once = distinct(models, models.values(), equal)
    rows = [
        {"condition": c, "state": s, **performance(t["label"], t["predicted"], CLASSES)}
        for (c, s), t in seen.items()
    ]
    cams = {model: {"image_id": e.image_id, "cam": e.cam} for model, e in once.items()}
    targets = {
        model: {"image_id": e.image_id}
        | {f"cam_{t}": e.cam for t in ("predicted", "label", "baseline")}
        for model, e in once.items()
    }
    tables = {"performance": pd.DataFrame(rows), "equal_models": equal}
    tables["chance"] = chance(seen, ["a", "b", "c"])
    tables |= aggregate(similarity, metrics, config.augmentations)
    tables["pair_counts"] = pair_counts(
        tables["correlation_maps"], config.augmentations, config.counted_pairs
    )
    tables |= by_segment(similarity, metrics)
    tables["claims"] = check_claims(
        Run(
            tables["performance"], tables["similarity_mean"], tables["correlation_maps"],
            tables["pair_counts"], tables["segment_tests"], config.augmentations, reference,
        )
    )  # fmt: skip
    tables["null_levels"] = null_levels(
        models[reference], metrics, SIZE, epsilon, 100, np.random.default_rng(0)
    )
    more = {name: options[name] for name in ("power", "smallest_effect")}
    controls = with_noise(config.effect_controls, equal)
    tables |= against_controls(distances, controls, **shared, **more)
    grouped = shared | {"clusters": options["clusters"]}
    tables |= decouple(distances, config.augmentations, config.counted_pairs, **grouped)
    tables |= model_space(cams, config.augmentations, config.effect_controls, SIZE, **grouped)
    tables |= scores_followed(config, once, reference, equal)
    kept = {model: seen[model] for model in once}
    tables |= predicted_otherwise(kept, similarity, reference, metrics)
    tables["target_changes"] = target_changes(targets, reference, metrics, SIZE)
    tables["conclusions"] = conclude(
        tables,
        config.augmentations,
        config.effect_controls,
        reference[0],
        len(config.starting_states),
        options["alpha"],
        options["smallest_effect"],
        variation=config.variation,
        pair_k=config.counted_pairs,
        wanted_pair_k=config.analysis.pair_k,
    )
    return tables


def scores_followed(
    config: Config, models: Mapping[Model, Explained], reference: Model, equal: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Every table of scores, by name, of models that differ, with masks of one part of images."""
    names = scored(config)
    if not names:
        return {}
    found = {}
    for model, explained in models.items():
        inside = np.random.default_rng(0).random((len(explained.cam), SIZE, SIZE)) < 0.3
        columns = score_maps(explained.cam, SIZE, scores_of_maps(config), {"object": inside})
        head = {"image_id": explained.image_id, "right": explained.right.astype(np.int8)}
        found[model] = pd.DataFrame(head | columns)
    options = config.statistics.model_dump()
    kept = {name: options[name] for name in ("resamples", "seed", "alpha", "smallest_effect")}
    sweeps = [Sweep(**sweep) for sweep in config.sweeps]
    asked = scores_of_networks(config)
    sampled = {model: invented_answers(model, found[model], asked) for model in found if asked}
    return score_statistics(
        found, reference, score_controls(config), equal, sweeps, **kept, sampled=sampled
    )


def invented_answers(model: Model, table: pd.DataFrame, scores: list[str]) -> pd.DataFrame:
    """What asking a network says of every third image, but that the first is undefined."""
    ids = table["image_id"].to_numpy()[::3]
    rng = np.random.default_rng([*model[0].encode(), model[1]])
    columns = {name: np.append(np.nan, rng.random(len(ids) - 1)) for name in scores}
    return pd.DataFrame({"image_id": ids} | columns)


def drawn(
    config: Config, models: Mapping[Model, Explained], tables: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of all that is drawn from these tables."""
    metrics, compared = config.similarity.metrics, config.compared_conditions
    equal = tables["equal_models"]
    others = [models[model] for model in config.compared]
    epsilon = config.similarity.epsilon
    distances = compare(models[config.reference], others, metrics, SIZE, epsilon)
    similarity = distinct(config.compared, distances, equal)
    yield from performances.performance_figures(
        tables["performance"], equal, config.conditions, config.reference
    )
    yield from charts.similarity_figures(
        tables["similarity_mean"], tables["correlation_maps"], metrics, compared, outliers=True
    )
    counts = tables["pair_counts"]
    yield "pair_counts", charts.pair_bars(counts, config.counted_pairs, len(metrics))
    yield from charts.segment_figures(
        similarity, tables["segment_summary"], tables["segment_tests"], metrics, compared
    )
    images = next(iter(models.values())).image_id
    index = pd.DataFrame({"image_id": images, "label": 0, "class_name": "a"})
    classes = pd.DataFrame({"image_id": -1, "label": range(CLASSES), "class_name": list("abc")})
    yield from extremes.extreme_figures(
        tables["extreme_images"],
        metrics,
        distinct(models, models.values(), equal),
        similarity,
        tables["similarity_mean"],
        np.zeros((len(images), 8, 8, 3), np.uint8),
        pd.concat([index, classes]),
        Fit(),
    )
    conditions = list(dict.fromkeys([*config.conditions, config.reference[0]]))
    if scored(config):
        kept = {name: t for name, t in tables.items() if name.startswith("score")}
        yield from score_figures(kept | {"equal_models": equal}, conditions, score_controls(config))
    controls = config.effect_controls
    yield from draw_all(tables, metrics, conditions, compared, controls, config.statistics.power)
