"""Do the statistics keep their promises? Simulations with no effect and with planted effects.

    PYTHONPATH=src python benchmarks/calibration.py [simulations] [toy runs] [title]

Writes benchmarks/results/calibration.json and .md; with a title, only what begins with it is done
anew. All seeds are fixed; a rate from n simulations stands beside its binomial standard error.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from augcam.comparison.explained import Explained
from augcam.comparison.models import compare
from augcam.statistics.clusters import suggested_clusters
from augcam.statistics.decoupling import correlations, draw_weights
from augcam.statistics.distances import Distances
from augcam.statistics.effects import effects, variance_split
from augcam.statistics.modelspace import permanova
from augcam.statistics.pairs import pair_table, top_counts
from augcam.statistics.resampling import interval
from augcam.statistics.trends import Sweep, dose_response
from augcam.statistics.views import orders

AUGMENTATIONS = ["affine", "cutmix", "colorjitter", "elastic"]
CONDITIONS = [*AUGMENTATIONS, "identity", "none"]
METRICS = ["mad", "msd", "pearson"]
RESULTS = Path(__file__).parent / "results"


def models(
    rng: np.random.Generator,
    states: int,
    images: int = 150,
    size: int = 16,
    noise: float = 0.1,
    shift: float = 0.0,
    uneven: float = 1.0,
) -> np.ndarray:
    """Maps of every model, (conditions, states, images, size).

    What the image asks for, plus the model's own noise, larger on difficult images, whose strength
    differs from model to model (`noise`: the standard deviation of its logarithm). `shift` moves
    the first augmentation's maps, alike in all states; `uneven` multiplies its noise's spread.
    """
    shape = (len(CONDITIONS), states)
    common = rng.standard_normal((images, size))
    difficulty = np.exp(0.3 * rng.standard_normal((images, 1)))
    spread = noise * rng.standard_normal(shape)
    spread[0] *= uneven
    own = rng.standard_normal((*shape, images, size)) * difficulty
    maps = common + own * np.exp(spread)[..., None, None]
    direction = rng.standard_normal((images, size))
    maps[0] += shift * direction
    return maps


def distances(maps: np.ndarray, reference: np.ndarray | None = None) -> Distances:
    """Distances of all models from the `none` models, each of which is a baseline; or from a
    `reference` (images, size) alone, whose state is of its own."""
    states = maps.shape[1]
    base = maps[-1] if reference is None else reference[None]
    p, q = maps[:, :, None], base[None, None]
    gap = p - q
    centred = [x - x.mean(axis=-1, keepdims=True) for x in (p, q)]
    norm = [np.sqrt((x**2).sum(axis=-1)) for x in centred]
    r = (centred[0] * centred[1]).sum(axis=-1) / (norm[0] * norm[1])
    values = np.stack([np.abs(gap).mean(axis=-1), (gap**2).mean(axis=-1), r])
    names = list(range(1, states + 1))
    if reference is not None:
        return Distances(values, METRICS, CONDITIONS, names, "none", [0])
    for s in range(states):
        values[:, -1, s, s] = np.nan
    return Distances(values, METRICS, CONDITIONS, names, "none", names)


def rate(hits: list) -> dict[str, float]:
    """Share of hits among the defined, its standard error, and their number."""
    values = np.concatenate([np.atleast_1d(np.asarray(h, dtype=float)) for h in hits])
    values = values[~np.isnan(values)]
    share = float(values.mean()) if len(values) else float("nan")
    error = float(np.sqrt(share * (1 - share) / max(len(hits), 1)))
    return {"rate": round(share, 4), "se": round(error, 4), "simulations": len(hits)}


def effect_calibration(simulations: int, states: int, shift: float, uneven: float) -> dict:
    """Rates for the effect table; with `shift`, of the first augmentation on `msd`."""
    found: dict[str, list] = {}

    def note(name: str, value) -> None:
        found.setdefault(name, []).append(value)

    for seed in range(simulations):
        rng = np.random.default_rng([seed, states, int(shift * 100), int(uneven * 10)])
        d = distances(models(rng, states, shift=shift, uneven=uneven))
        table = effects(d, ["none", "identity"], resamples=200, seed=seed)
        tested = table[table["condition"].isin(AUGMENTATIONS)]
        for control, rows in tested.groupby("control"):
            name = "seed noise" if control == "none" else "identity"
            if shift:
                row = rows[(rows["condition"] == "affine") & (rows["metric"] == "msd")].iloc[0]
                truth = shift**2
                note(f"{name}: found ('yes')", row["farther_than_control"] == "yes")
                note(f"{name}: own interval covers", row["low"] <= truth <= row["high"])
                covered = row["pooled_low"] <= truth <= row["pooled_high"]
                note(f"{name}: pooled interval covers", covered)
                rest = rows[rows["condition"] != "affine"]
                note(f"{name}: any other 'yes'", (rest["farther_than_control"] == "yes").any())
                continue
            null = rows if uneven == 1 else rows[rows["condition"] == "affine"]
            note(f"{name}: p < .05, one test", (null["p"] < 0.05).mean())
            note(f"{name}: any p_holm < .05", (null["p_holm"] < 0.05).any())
            note(f"{name}: any 'yes'", (null["farther_than_control"] == "yes").any())
            if null["smallest_p_sign_flip"].iloc[0] <= 0.05:
                note(f"{name}: sign-flip p ≤ .05", (null["p_sign_flip"] <= 0.05).mean())
            zero = (null["low"] <= 0) & (null["high"] >= 0)
            note(f"{name}: own interval covers", zero.mean())
            zero = (null["pooled_low"] <= 0) & (null["pooled_high"] >= 0)
            note(f"{name}: pooled interval covers", zero.mean())
            half = (null["superiority_low"] <= 0.5) & (null["superiority_high"] >= 0.5)
            note(f"{name}: superiority interval covers ½", half.mean())
        if not shift and uneven == 1:
            split = variance_split(d)
            note("variance split: p_condition < .05", (split["p_condition"] < 0.05).mean())
    return {name: rate(hits) for name, hits in found.items()}


def equal_calibration(simulations: int, states: int) -> dict:
    """Rates where the models of one augmentation are equal at all states, and so count once; alone,
    and where those of the controls are equal, too, so that nothing is tested against these."""
    found: dict[str, list] = {}
    once = AUGMENTATIONS[-1]
    at, identity, none = (CONDITIONS.index(name) for name in (once, "identity", "none"))
    for seed in range(simulations):
        rng = np.random.default_rng([seed, states, 9])
        maps = models(rng, states)
        maps[at] = maps[at, :1]
        d = distances(maps)
        d.values[:, at, 1:] = np.nan
        table = effects(d, ["none", "identity"], resamples=20, seed=seed)
        tested = table[table["condition"].isin(AUGMENTATIONS)]
        for control, rows in tested.groupby("control"):
            name = "seed noise" if control == "none" else "identity"
            one = rows["condition"] == once
            hits = {"one model": rows[one], "the others": rows[~one]}
            for which, part in hits.items():
                found.setdefault(f"{name}, {which}: p < .05", []).append((part["p"] < 0.05).mean())
            any_yes = (rows["farther_than_control"] == "yes").any()
            found.setdefault(f"{name}: any 'yes'", []).append(any_yes)
        d = distances(maps, maps[none, 0])
        d.values[:, [at, identity], 1:] = np.nan
        d.values[:, none] = np.nan
        split = variance_split(d)
        hit = (split["p_condition"] < 0.05).mean()
        found.setdefault("controls equal: variance split: p_condition < .05", []).append(hit)
        weights = draw_weights(d, 1, rng)
        maps_of = {metric: correlations(d, metric, weights) for metric in METRICS}
        pairs = pair_table(d, maps_of, AUGMENTATIONS, 2, 200, rng)
        for kind, rows in pairs.groupby("kind"):
            name = f"controls equal: pair tables, {kind}"
            found.setdefault(f"{name}: p_any ≤ .05", []).append(rows["p_any"].min() <= 0.05)
            hit = rows["p_r"].min() <= 0.05
            found.setdefault(f"{name}: p_r ≤ .05 for any pair", []).append(hit)
    return {name: rate(hits) for name, hits in found.items()}


def map_calibration(simulations: int, states: int, r: float) -> dict:
    """Coverage of the intervals of correlation maps, from distances with known parts.

    Each distance is the image's own part (correlated `r` between augmentations, 1 the same for
    all), the baseline's, the model's and noise, each with variance 1 but the model's (½).
    """
    found: dict[str, list] = {}
    size, count = 200, len(CONDITIONS)
    for seed in range(simulations):
        rng = np.random.default_rng([seed, states, int(r * 100)])
        shared = rng.standard_normal((1, 1, 1, size))
        apart = rng.standard_normal((count, 1, 1, size))
        own = np.sqrt(r) * shared + np.sqrt(1 - r) * apart
        base = rng.standard_normal((1, 1, states, size))
        model = np.sqrt(0.5) * rng.standard_normal((count, states, 1, size))
        values = own + base + model + rng.standard_normal((count, states, states, size))
        values[-1] = np.nan  # `none` would be the baselines themselves
        names = list(range(1, states + 1))
        d = Distances(values[None], ["mad"], CONDITIONS, names, "none", names)
        maps = correlations(d, "mad", draw_weights(d, 200, rng))
        upper = np.triu_indices(len(AUGMENTATIONS), 1)
        # The variance of an average over states: own + baseline + (model + noise) / states.
        truth = {
            "decoupled": r / (2 + 1.5 / states),
            "corrected": r,
            "paper": (r + 1) / (2 + 1.5 / states),
        }
        for kind, value in truth.items():
            replicates = getattr(maps, kind)[:, *upper]
            low, high = interval(replicates, states, 0.05)
            hit = np.where(np.isnan(low), np.nan, (low <= value) & (value <= high))
            found.setdefault(f"{kind}: interval covers", []).append(np.nanmean(hit))
            found.setdefault(f"{kind}: bias", []).append(replicates[0].mean() - value)
            if kind == "corrected" and r == 0:
                wrong = np.where(np.isnan(low), np.nan, (low > 0) | (high < 0))
                found.setdefault("corrected: interval excludes 0", []).append(np.nanmean(wrong))
    result = {}
    for name, hits in found.items():
        if name.endswith("bias"):
            values = np.array(hits)
            result[name] = {
                "mean": round(float(np.nanmean(values)), 4),
                "se": round(float(np.nanstd(values) / np.sqrt(len(values))), 4),
                "simulations": len(values),
            }
        else:
            result[name] = rate(hits)
    return result


def label_calibration(simulations: int, states: int) -> dict:
    """Rates of the tests that permute labels: pair tables, suggested clusters, PERMANOVA."""
    found: dict[str, list] = {}
    for seed in range(simulations):
        rng = np.random.default_rng([seed, states, 7])
        maps = models(rng, states)
        d = distances(maps)
        weights = draw_weights(d, 1, rng)
        maps_of = {metric: correlations(d, metric, weights) for metric in METRICS}
        pairs = pair_table(d, maps_of, AUGMENTATIONS, 2, 200, rng)
        for kind, rows in pairs.groupby("kind"):
            name = f"pair tables, {kind}: p_any ≤ .05 for the top pair"
            found.setdefault(name, []).append(rows["p_any"].min() <= 0.05)
            name = f"pair tables, {kind}: p_r ≤ .05 for any pair"
            found.setdefault(name, []).append(rows["p_r"].min() <= 0.05)
        likeness = {("paper", m): c.paper for m, c in maps_of.items()}
        tested = suggested_clusters(
            likeness, CONDITIONS, AUGMENTATIONS, [["affine", "cutmix"]], 2, 0.05
        )
        # The smallest p of a pair among four is 1/6: the rate must be 1/6.
        hit = (tested["p"] <= 1 / 6 + 1e-9).mean()
        found.setdefault("suggested cluster: p ≤ 1/6", []).append(hit)
        flat = maps.reshape(-1, *maps.shape[2:])
        squared = ((flat[:, None] - flat) ** 2).mean(axis=(2, 3))
        labels = np.repeat(np.arange(len(CONDITIONS)), states)
        _, p, _ = permanova(squared, labels, 199, rng)
        found.setdefault("PERMANOVA of all conditions: p ≤ .05", []).append(p <= 0.05)
    return {name: rate(hits) for name, hits in found.items()}


def null_calibration(simulations: int, states: int) -> dict:
    """Rates of pairs of augmentations that do nothing, ranked among pairs with `identity` or `none`
    (nine, so that the smallest p is 1/10)."""
    found: dict[str, list] = {}
    for seed in range(simulations):
        rng = np.random.default_rng([seed, states, 8])
        maps = models(rng, states + 1)
        d = distances(maps[:, :states], maps[-1, states])
        weights = draw_weights(d, 1, rng)
        maps_of = {metric: correlations(d, metric, weights) for metric in METRICS}
        pairs = pair_table(d, maps_of, AUGMENTATIONS, 2, 200, rng)
        for kind, rows in pairs.groupby("kind"):
            hit = (rows["p_null"] <= 0.1 + 1e-9).mean()
            found.setdefault(f"pair tables, {kind}: p_null ≤ 1/10 for a given pair", []).append(hit)
            any_hit = rows["p_null"].min() <= 0.1 + 1e-9
            found.setdefault(f"pair tables, {kind}: p_null ≤ 1/10 for any", []).append(any_hit)
    return {name: rate(hits) for name, hits in found.items()}


def views_with_orders(
    rng: np.random.Generator, states: int, step: float, images: int = 150
) -> tuple[Distances, Distances, float]:
    """Two views of the same models, in which conditions lie `step` apart, in two orders; and
    Kendall's τ of these orders. Model, baseline and image noise are shared, and each view has its
    own besides."""
    count, noise = len(CONDITIONS), 0.05
    places = np.arange(count)
    shared = rng.standard_normal((1, 1, 1, images)) * 0.3
    shared = shared + rng.standard_normal((count, states, 1, 1)) * noise
    shared = shared + rng.standard_normal((1, 1, states, 1)) * noise
    orders_of = [places, rng.permutation(places)]
    found = []
    for order in orders_of:
        own = rng.standard_normal((count, states, 1, 1)) * noise / 2
        own = own + rng.standard_normal((count, 1, 1, images)) * 0.3
        own = own + rng.standard_normal((count, states, states, images)) * 0.3
        values = 1 + step * order[:, None, None, None] + shared + own
        names = list(range(1, states + 1))
        found.append(Distances(values[None], ["mad"], CONDITIONS, names, "", names))
    truth = float(kendalltau(*orders_of)[0])
    return found[0], found[1], truth


def view_calibration(simulations: int, states: int, step: float) -> dict:
    """How often the interval of τ between the orders of two views holds the true one."""
    found: dict[str, list] = {}
    for seed in range(simulations):
        rng = np.random.default_rng([seed, states, int(step * 1000), 10])
        main, view, truth = views_with_orders(rng, states, step)
        row = orders(main, view, 200, seed).iloc[0]
        covers = row["tau_low"] - 1e-9 <= truth <= row["tau_high"] + 1e-9
        found.setdefault("interval of τ covers", []).append(covers)
        found.setdefault("its width below 1", []).append(row["tau_high"] - row["tau_low"] < 1)
    return {name: rate(hits) for name, hits in found.items()}


def trend_calibration(simulations: int, states: int, shift: float) -> dict:
    """Rates of trends over the four augmentations as four strengths; with `shift`, the strongest
    moves all maps by so much, the others in proportion, the weakest not at all."""
    sweep = Sweep("sweep", "sweep", "strength", AUGMENTATIONS, [0, 1, 2, 4])
    none = pd.DataFrame({"condition": [], "state": [], "accuracy": []})
    found: dict[str, list] = {}
    for seed in range(simulations):
        rng = np.random.default_rng([seed, states, int(shift * 100), 9])
        maps = models(rng, states)
        direction = rng.standard_normal(maps.shape[2:])
        for k, position in enumerate(sweep.positions):
            maps[k] += shift * position * direction
        d = distances(maps)
        trends = dose_response(d, none, [sweep], ["none", "identity"], 0.05, seed)["trends"]
        trends = trends.set_index("metric").loc[METRICS]
        found.setdefault("msd: p < .05", []).append(trends.loc["msd", "p"] < 0.05)
        found.setdefault("any p_holm < .05", []).append((trends["p_holm"] < 0.05).any())
        grows = trends.loc["msd", "verdict"] == "grows"
        found.setdefault("msd: grows", []).append(grows)
        if not shift:
            covered = (trends["low"] <= 0) & (trends["high"] >= 0)
            found.setdefault("interval of the slope covers", []).append(covered.mean())
        else:
            table = effects(d, ["none"], resamples=100, seed=seed)
            strongest = table[(table["condition"] == AUGMENTATIONS[-1])]
            one = strongest.set_index("metric").loc["msd", "farther_than_control"] == "yes"
            found.setdefault("msd: strongest alone farther than seed noise", []).append(one)
    return {name: rate(hits) for name, hits in found.items()}


# ---------------------------------------------------------------------------------------- the toy

TOY_METRICS = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5"]
STATED = [0.71, 0.69, 0.62, 0.59, 0.48, 0.45, 0.43]
TOY_NOISE, TOY_SMOOTH, TOY_SIZE, TOY_IMAGES = 1.2, 0.5, 28, 300


def toy_run(seed: int) -> dict:
    """Seven augmentations that do nothing: mean r over pairs, coupled and decoupled, and how often
    the most frequent pair is among the top four of seven metrics."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)

    def fields() -> np.ndarray:
        x = rng.standard_normal((TOY_IMAGES, 7, 7))
        x = gaussian_filter(x, (0, TOY_SMOOTH, TOY_SMOOTH), mode="nearest")
        return x / x.std()

    common = fields()

    def model() -> Explained:
        cam = (common + TOY_NOISE * fields()).astype(np.float32)
        right = np.ones(TOY_IMAGES, dtype=bool)
        return Explained(np.arange(TOY_IMAGES), cam, np.zeros((TOY_IMAGES, 2)), right)

    baselines = [model(), model()]
    values = np.zeros((len(TOY_METRICS), 7, 2, TOY_IMAGES))
    for augmentation in range(7):
        for _ in range(3):
            other = model()
            for b, baseline in enumerate(baselines):
                (table,) = compare(baseline, [other], TOY_METRICS, TOY_SIZE, 1e-16)
                values[:, augmentation, b] += table[TOY_METRICS].to_numpy().T / 3
    values = values[..., ~np.isnan(values).any(axis=(0, 1, 2))]
    first, second = np.triu_indices(7, 1)
    coupled = np.array([np.corrcoef(v[:, 0])[first, second] for v in values])
    decoupled = np.array([np.corrcoef(v[:, 0], v[:, 1])[:7, 7:][first, second] for v in values])
    top = int(top_counts(coupled, 4).max())
    return {"paper": coupled.mean(axis=1), "decoupled": decoupled.mean(axis=1), "top": top}


def toy(runs: int) -> dict:
    found = [toy_run(seed) for seed in range(runs)]
    top = [run["top"] >= 5 for run in found]
    return {
        "metrics": TOY_METRICS,
        "stated": STATED,
        "paper": np.mean([run["paper"] for run in found], axis=0).round(3).tolist(),
        "decoupled": np.mean([run["decoupled"] for run in found], axis=0).round(3).tolist(),
        "a pair in the top four in at least 5 of 7 metrics": rate(top),
        "settings": {
            "noise": TOY_NOISE,
            "smoothing": TOY_SMOOTH,
            "map": "7×7",
            "size": TOY_SIZE,
            "images": TOY_IMAGES,
            "states": 3,
        },
    }


# ------------------------------------------------------------------------------------- the record


def markdown(record: dict) -> str:
    lines = ["# Calibration of the statistics", "", record["about"], ""]
    for title, rows in record["rates"].items():
        lines += [
            f"## {title}",
            "",
            "| quantity | value | s.e. | simulations |",
            "|---|---|---|---|",
        ]
        for name, row in rows.items():
            value = row.get("rate", row.get("mean"))
            lines.append(f"| {name} | {value:.3f} | {row['se']:.3f} | {row['simulations']} |")
        lines.append("")
    found = record["toy"]
    lines += [
        "## The toy: seven augmentations that do nothing", "",
        f"Settings: {found['settings']}. Mean r over the 21 pairs:", "",
        "| metric | paper's map | decoupled | stated |", "|---|---|---|---|",
    ]  # fmt: skip
    for row in zip(found["metrics"], found["paper"], found["decoupled"], found["stated"]):
        lines.append("| {} | {:.2f} | {:.2f} | {:.2f} |".format(*row))
    name = "a pair in the top four in at least 5 of 7 metrics"
    row = found[name]
    lines += ["", f"{name}: {row['rate']:.2f} ± {row['se']:.2f} of {row['simulations']} runs.", ""]
    return "\n".join(lines)


PARTS: dict[str, tuple] = {
    "No effect, 2 states": (effect_calibration, 2, 0, 1),
    "No effect, 3 states": (effect_calibration, 3, 0, 1),
    "One augmentation with equal models, no effect, 3 states": (equal_calibration, 3),
    "Planted effect on one augmentation, 3 states": (effect_calibration, 3, 0.8, 1),
    "Labels permuted, no effect, 3 states": (label_calibration, 3),
    "Null conditions beside the augmentations, no effect, 3 states": (null_calibration, 3),
    "Correlation maps, 3 states, true correlation 0.6": (map_calibration, 3, 0.6),
    "Correlation maps, 3 states, true correlation 0": (map_calibration, 3, 0.0),
    "No effect, 3 states, one condition with twice the noise": (effect_calibration, 3, 0, 2),
    "No effect, 6 states": (effect_calibration, 6, 0, 1),
    "Correlation maps, 6 states, true correlation 0.6": (map_calibration, 6, 0.6),
    "Trend over 4 strengths, no effect, 3 states": (trend_calibration, 3, 0.0),
    "Trend over 4 strengths, no effect, 2 states": (trend_calibration, 2, 0.0),
    "Trend over 4 strengths, shift 0.4, 3 states": (trend_calibration, 3, 0.4),
    "Trend over 4 strengths, shift 0.8, 3 states": (trend_calibration, 3, 0.8),
    "Views, conditions 1 standard deviation of a model apart, 3 states": (
        view_calibration,
        3,
        0.05,
    ),
    "Views, conditions 2 standard deviations of a model apart, 3 states": (
        view_calibration,
        3,
        0.1,
    ),
    "Views, conditions 1 standard deviation of a model apart, 6 states": (
        view_calibration,
        6,
        0.05,
    ),
}
"""What is simulated, by title: function and arguments."""


def main(simulations: int = 1000, toy_runs: int = 100, only: str = "") -> None:
    before = json.loads((RESULTS / "calibration.json").read_text(encoding="utf-8")) if only else {}
    about = (
        f"{simulations} simulations each, `python benchmarks/calibration.py {simulations} "
        f"{toy_runs}`. Nominal: tests 0.05, intervals 0.95, unless the row says otherwise."
    )
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        shown = None if only else pool.submit(toy, toy_runs)
        futures = {
            title: pool.submit(function, simulations, *arguments)
            for title, (function, *arguments) in PARTS.items()
            if title.startswith(only)
        }
        rates = {title: future.result() for title, future in futures.items()}
        known = before.get("rates", {}) | rates
        record = {
            "about": before.get("about", about),
            "rates": {title: known[title] for title in PARTS if title in known},
            "toy": shown.result() if shown else before["toy"],
        }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (RESULTS / "calibration.json").write_text(text, encoding="utf-8")
    (RESULTS / "calibration.md").write_text(markdown(record), encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
