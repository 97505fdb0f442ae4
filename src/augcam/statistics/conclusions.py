"""What can be concluded: plain sentences from the tables, each with the numbers that carry it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from augcam.config.states import varied
from augcam.names import PAIR_METRICS, STEP_CONTROL, display_name, headline
from augcam.statistics.clusters import CONSENSUS
from augcam.statistics.effects import NO, YES
from augcam.statistics.sanity import sanity
from augcam.statistics.sentences import (
    control_called,
    list_of,
    metrics,
    score_trends,
    scores,
    views,
)
from augcam.statistics.trends import ACCURACY, FALLS, GROWS

_SUPPORTED = 0.95  # share of resamples in which a node must be found


def conclude(
    tables: Mapping[str, pd.DataFrame],
    augmentations: list[str],
    controls: list[str],
    base: str,
    n_states: int,
    alpha: float,
    smallest_effect: float,
    variation: Sequence[str] = ("augmentation", "network"),
    random_layers: bool = True,
    pair_k: int = 4,
    wanted_pair_k: int = 4,
) -> pd.DataFrame:
    """Findings as sentences: topic, finding. `tables`: by name, as in `tables/`; target_changes is
    there if three targets were explained. `variation`: what states vary; `random_layers`: whether
    training the network draws random numbers; `pair_k`: how many pairs are counted, where
    `wanted_pair_k` were asked for.

    What cannot be told gives no sentence, or one that says so: undefined metrics, too few pairs.
    Controls whose models are equal have none: `augcam.statistics.warnings.of_states` says so.
    """
    reaching = [s for s in variation if s in ("order", "weights", "split")] if variation else None
    if reaching is not None and random_layers and "network" in variation:
        reaching.insert(0, "network")
    repeated = list(dict.fromkeys(tables["equal_models"]["condition"]))
    findings = [
        *sanity(tables.get("sanity")),
        *([] if base in repeated else _scale(tables, base, base in controls, reaching)),
        *_effects(
            tables["effects"], augmentations, controls, base, n_states, smallest_effect, repeated
        ),
        *scores(tables.get("score_effects"), augmentations, base),
        *_trends(tables.get("trends"), alpha),
        *score_trends(tables.get("score_trends")),
        *views(tables.get("holds")),
        *_variance(tables["variance_split"], alpha),
        *_decoupling(tables["decoupled_maps"], augmentations, base in repeated),
        *_pairs(tables["pair_significance"], len(augmentations), alpha, pair_k, wanted_pair_k),
        *_models(tables["separation"], alpha),
        *_trees(tables["correlation_trees"], tables["model_trees"], n_states),
        *_suggested(tables["suggested_clusters"], tables["suggested_model_clusters"]),
        *_behaviour(tables["behaviour"], tables["class_changes"], augmentations, base),
        *_targets(tables.get("target_changes"), augmentations),
        *_size(tables["planning"], tables["effects"], n_states, alpha),
    ]
    return pd.DataFrame(findings, columns=["topic", "finding"])


def _scale(tables, base, trained_again, reaching):
    effects, nulls = tables["effects"], tables["null_levels"]
    rows = effects[effects["control"] == base]
    if not trained_again:
        text = (
            f"There is no second training of '{base}': the distance between two trainings of "
            f"'{base}' is unknown. Add the control and a second starting state."
        )
        yield "scale", text
        return
    known = rows.dropna(subset="control_mean")
    if known.empty:
        yield "scale", f"No metric is defined between two trainings of '{base}'."
        return
    metric = headline(known["metric"])
    floor = known[known["metric"] == metric]["control_mean"].iloc[0]
    levels = nulls[nulls["metric"] == metric].set_index("null")["mean"].dropna()
    titles = {"other_image": "two different images", "mean_map": "a map and the model's mean map"}
    ends = [f"{title} {levels[null]:.3f}" for null, title in titles.items() if null in levels]
    if reaching is None:
        two = f"two networks of '{base}'"
    else:
        which = "" if reaching == ["network"] else f" ({varied(reaching) or 'of other hardware'})"
        two = f"two trainings that differ in nothing but random numbers{which}"
    text = f"{display_name(metric)}: {two} reach {floor:.3f} on average" + (
        f"; {', '.join(ends)}. Values must be read between these." if ends else "."
    )
    yield "scale", text


def _effects(effects, augmentations, controls, base, n_states, smallest_effect, equal):
    for control in controls:
        if control in equal:
            continue
        rows = effects[effects["control"] == control]
        what = control_called(control, base)
        undefined = sorted(set(rows["metric"]) - set(rows.dropna(subset="difference")["metric"]))
        rows = rows.dropna(subset="difference")
        if rows.empty:
            yield "effects", f"No metric has a value to set against {what}."
            continue
        total = rows["metric"].nunique()
        yes, no, open_ = [], [], []
        for name in augmentations:
            verdicts = rows.loc[rows["condition"] == name, "farther_than_control"]
            count = int((verdicts == YES).sum())
            if count:
                yes.append(f"{display_name(name)} ({count} of {total} metrics)")
            elif len(verdicts) and (verdicts == NO).all():
                no.append(name)
            else:
                open_.append(name)
        if yes:
            yield "effects", f"Farther from the baseline than {what}: {', '.join(yes)}."
        else:
            yield "effects", f"No augmentation is shown to lead farther than {what}."
        if no:
            most = f"{100 * smallest_effect:.0f} %"
            yield "effects", f"At most {most} farther than {what} in every metric: {list_of(no)}."
        if open_:
            states = f"{n_states} state{'s' if n_states > 1 else ''}"
            yield "effects", f"Cannot be told with {states} against {what}: {list_of(open_)}."
        if undefined:
            yield (
                "effects",
                f"Undefined, and so without a test against {what}: {list_of(undefined)}.",
            )
        steps = rows[rows["condition"] == STEP_CONTROL]
        if control == base and len(steps):
            count = int((steps["farther_than_control"] == YES).sum())
            meaning = (
                "what an augmentation does beyond seed noise is partly its larger number of steps; "
                "the comparison with identity is the fair one."
                if count
                else "no effect of the step count is shown."
            )
            text = (
                "More steps with nothing new to see (identity) lead farther than "
                f"seed noise in {count} of {total} metrics: {meaning}"
            )
            yield "step count", text


def _trends(trends, alpha):
    for sweep, rows in [] if trends is None else trends.groupby("sweep", sort=False):
        told = rows.dropna(subset="p")
        first, last = rows[["weakest", "strongest"]].iloc[0]
        of = f"{display_name(sweep)}, from {first} to {last}"
        models = f"{rows['n_models'].max()} models"
        if told.empty:
            yield "dose and response", f"{of}: no metric varies between {models}."
            continue
        for verdict, words in ((GROWS, "grows"), (FALLS, "falls")):
            found = told[told["verdict"] == verdict]
            distances = found[found["metric"] != ACCURACY]
            total = told.loc[told["metric"] != ACCURACY, "metric"].nunique()
            if len(distances):
                metric = headline(distances["metric"])
                row = distances.set_index("metric").loc[metric]
                yield (
                    "dose and response",
                    f"{of}: the distance from the baseline {words} with the strength in "
                    f"{len(distances)} of {metrics(total)} ({display_name(metric)} changes by "
                    f"{row.slope:+.3f}, interval {row.low:+.3f} to {row.high:+.3f}, corrected "
                    f"p {row.p_holm:.2g}; {models}).",
                )
            if ACCURACY in set(found["metric"]):
                row = found.set_index("metric").loc[ACCURACY]
                yield (
                    "dose and response",
                    f"{of}: accuracy {words} with the strength, by {row.slope:+.3f} (interval "
                    f"{row.low:+.3f} to {row.high:+.3f}, corrected p {row.p_holm:.2g}).",
                )
        if not told["verdict"].isin([GROWS, FALLS]).any():
            yield (
                "dose and response",
                f"{of}: no trend with the strength is shown by {models} (smallest corrected p "
                f"{told['p_holm'].min():.2g}).",
            )


def _variance(split, alpha):
    if split.empty:
        return
    shares = split.pivot(index="metric", columns="component", values="share") * 100
    p = split.drop_duplicates("metric").set_index("metric")["p_condition"]
    shown = [metric for metric in p.index if p[metric] < alpha]

    def between(component: str) -> str:
        low, high = f"{shares[component].min():.1f}", f"{shares[component].max():.1f}"
        return f"{low} to {high} %" if len(p) > 1 else f"{low} %"

    text = (
        f"Which augmentation was used explains {between('condition')} of the variance of one "
        f"image's value (by metric), which training of it {between('condition × state')}, which "
        f"image {between('image')}. Conditions differ at all (p < {alpha:g}, uncorrected) in "
        f"{len(shown)} of {len(p)} metrics."
    )
    yield "variance", text


def _decoupling(maps, augmentations, no_noise):
    inside = maps["condition_a"].isin(augmentations) & maps["condition_b"].isin(augmentations)
    pairs = maps[inside & (maps["condition_a"] != maps["condition_b"])]
    if pairs.empty:
        return
    mean = pairs.groupby("kind")["r"].mean()
    if np.isnan(mean["paper"]):
        yield "shared baseline", "No correlation between augmentations is defined."
        return
    if np.isnan(mean["decoupled"]):
        missing = "that differ from the first" if no_noise else "(`none` at two states at least)"
        text = (
            "All distances share one baseline, which correlates them by itself. How much cannot be "
            f"told without further baselines {missing}."
        )
        yield "shared baseline", text
        return
    text = (
        f"Correlations between augmentations are {mean['paper']:.2f} on average with the one "
        f"baseline of the paper, {mean['decoupled']:.2f} with different baselines: the difference "
        "is the baseline's, not the augmentations'."
    )
    of_identity = maps[
        (maps["condition_a"] == STEP_CONTROL) & maps["condition_b"].isin(augmentations)
    ]
    control = of_identity.groupby("kind")["r"].mean()
    if len(control) and control[["paper", "decoupled"]].notna().all():
        text += (
            f" Identity, which shows nothing new, correlates with them at {control['paper']:.2f} "
            f"and {control['decoupled']:.2f}: so much is common to any two trainings."
        )
    yield "shared baseline", text


def _pairs(pairs, augmentations, alpha, k, wanted):
    number = augmentations * (augmentations - 1) // 2
    if number and not k:
        few = "one pair" if number == 1 else f"{number} pairs"
        yield "pairs", f"{augmentations} augmentations make {few}: none is strongest or weakest."
    elif number and not pairs["count"].any():
        yield "pairs", "No pair is strongest or weakest: no two defined correlations differ."
    for kind in ("strongest", "weakest"):
        rows = pairs[(pairs["kind"] == kind) & (pairs["count"] > 0)]
        if rows.empty:
            continue
        best, rows = rows.iloc[0], pairs[pairs["kind"] == kind]
        shown = rows[(rows["p_any"] < alpha) | (rows["p_r"] < alpha)]
        names = [list_of(pair) for pair in shown[["condition_a", "condition_b"]].to_numpy()]
        verdict = (
            f"beyond chance by count or by r (p < {alpha:g}): {'; '.join(names)}"
            if names
            else "no pair stands out beyond what chance gives some pair"
        )
        pair = list_of([best["condition_a"], best["condition_b"]])
        by_r = "" if np.isnan(best["p_r"]) else f", and its mean r with p = {best['p_r']:.2g}"
        counted = f", counting {k} of {number} in each metric," if k < wanted else ""
        text = (
            f"The most frequent of the {kind} pairs{counted} is {pair} ({metrics(best['count'])}; "
            "where conditions are exchangeable some pair reaches this count with "
            f"p = {best['p_any']:.2g}{by_r}; it keeps its place in "
            f"{100 * best['frequency']:.0f} % of resamples): {verdict}."
        )
        yield "pairs", text


def _models(separation, alpha):
    tested = separation[(separation["conditions"] == "all") & separation["p"].notna()]
    for row in tested.itertuples():
        holds = "lie closer together" if row.p < alpha else "are not shown to lie closer together"
        text = (
            f"{display_name(row.metric)} of all models with all others: models of one condition "
            f"{holds} than models of different conditions ({row.within:.3f} within, "
            f"{row.between:.3f} between, p = {row.p:.2g})."
        )
        yield "models", text


def _trees(correlation_trees, model_trees, n_states):
    parts = (
        ("different baselines", correlation_trees, "decoupled", CONSENSUS),
        ("distances between models", model_trees, "models", headline(PAIR_METRICS)),
    )
    images = " (images only: fewer than three states cannot be resampled)" if n_states < 3 else ""
    for title, trees, source, metric in parts:
        nodes = trees[(trees["source"] == source) & (trees["metric"] == metric)]
        if nodes["support"].isna().all():
            continue
        left_out = nodes["left_out"].iloc[0]
        without = f" (without {list_of(left_out.split(' + '))}: undefined)" if left_out else ""
        found = nodes[nodes["support"] >= _SUPPORTED]
        groups = [list_of(text.split(" + ")) for text in found["members"]]
        verdict = (
            f"supported in 95 % of resamples: {'; '.join(groups)}"
            if groups
            else "no group is found in 95 % of resamples"
        )
        yield "clusters", f"By {title}{without}, {verdict}{images}."


def _suggested(by_maps, by_models):
    rows = pd.concat([by_maps[by_maps["metric"] == CONSENSUS], by_models])
    names = {"paper": "the paper's maps", "decoupled": "different baselines"}
    for cluster in dict.fromkeys(rows["cluster"]):
        verdicts = []
        for row in rows[rows["cluster"] == cluster].itertuples():
            if row.kind == "corrected" or np.isnan(row.margin):
                continue
            where = names.get(row.kind, f"models, {display_name(row.metric)}")
            if np.isnan(row.low):
                word = "no interval"
            else:
                word = "yes" if row.low > 0 else "reversed" if row.high < 0 else "not shown"
            verdicts.append(f"{where}: {word} (margin {row.margin:+.3f}, p = {row.p:.2g})")
        members = cluster.split(" + ")
        claim = "are a group" if len(members) > 1 else "stands alone"
        if verdicts:
            yield "clusters of the paper", f"{list_of(members)} {claim}? {'; '.join(verdicts)}."


def _behaviour(behaviour, changes, augmentations, base):
    mean = behaviour.groupby("condition")[["disagreement", "error_consistency"]].mean()
    shown = mean.loc[[a for a in augmentations if a in mean.index], "disagreement"]
    noise = (
        f"; seed noise: {100 * mean.loc[base, 'disagreement']:.1f} %" if base in mean.index else ""
    )
    text = (
        "Augmented models predict another class than the baseline for "
        f"{100 * shown.min():.1f} to {100 * shown.max():.1f} % of the images{noise}."
    )
    yield "behaviour", text
    if changes.empty:
        return
    rows = changes[changes["condition"].isin(augmentations)].dropna(subset="share_of_change")
    if rows.empty:
        return
    metric = headline(rows["metric"])
    rows = rows[rows["metric"] == metric]
    text = (
        f"{round(100 * rows['share_of_change'].mean())} % of the mean distance in "
        f"{display_name(metric)} would vanish if images predicted as another class were like the "
        "others."
    )
    yield "behaviour", text


def _targets(changes, augmentations):
    if changes is None or changes.empty:
        return
    changes = changes[changes["condition"].isin(augmentations)]
    means = changes.groupby(["metric", "target"])["mean"].mean().unstack().dropna()
    if means.empty:
        return
    metric = headline(means.index)
    mean = means.loc[metric]
    text = (
        f"{display_name(metric)} with the baseline's maps is {mean['predicted']:.3f} on average "
        f"where every model explains its own prediction, {mean['label']:.3f} where all explain the "
        f"true label, and {mean['baseline']:.3f} where all explain the baseline's prediction."
    )
    yield "class explained", text


def _size(planning, effects, n_states, alpha):
    smallest = 2 / 2**n_states
    if smallest > alpha and effects["p"].notna().any():
        text = (
            f"With {n_states} starting state{'s' if n_states > 1 else ''} the sign-flip test "
            f"cannot give p below {min(1, smallest):.2g}; every p below it here rests on the "
            "assumption that the noise between trainings is alike in all conditions."
        )
        yield "size of the run", text
    if planning.empty:
        return
    control = planning["control"].iloc[0]
    rows = planning[planning["control"] == control]
    metric = headline(rows["metric"])
    rows = rows[rows["metric"] == metric]
    row = rows[np.isclose(rows["shift"], 0.1)].iloc[0]
    states = [f"{n}" if n > 0 else "more than 1000" for n in (row["states"], row["states_holm"])]
    text = (
        f"To see a shift of 10 % of the distance of '{display_name(control)}' in "
        f"{display_name(metric)} takes {states[0]} starting states for one test, {states[1]} when "
        "corrected for all augmentations and metrics."
    )
    yield "size of the run", text
