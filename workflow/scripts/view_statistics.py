"""Ask of every further view whether the main view's answer holds there."""

from types import SimpleNamespace

import pandas as pd

from augcam.comparison.repeats import distinct, with_noise
from augcam.explanation.equal import same
from augcam.files.json import read_json
from augcam.files.tables import read_columns, read_table, write_tables
from augcam.names import MAIN
from augcam.run.job import job
from augcam.statistics.reading import read_distances
from augcam.statistics.scores import gathered, scores_and_effects
from augcam.statistics.views import against_main, by_view, holds, on_images, rows_of

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    equal, views = read_table(files.equal), [MAIN, *params.views]
    similarity, further = (by_view(paths, views) for paths in (files.similarity, files.further))

    def read(view):
        """A view's distances, and the ids of its images."""
        paths = SimpleNamespace(similarity=similarity[view], further=further[view])
        ids = read_columns(similarity[view][0], ["image_id"])["image_id"]
        return read_distances(paths, params, equal), ids

    main, every = read(MAIN)
    controls = with_noise(params.controls, equal)
    effects, held = {}, {}
    for view in params.views:
        own, ids = read(view)
        of_main = on_images(main, rows_of(ids, every))
        effects[view], held[view] = against_main(of_main, own, controls, **params.statistics)
    described = read_json(files.views)  # whose keys stand by the alphabet
    described = {view: described[view] for view in views}
    changes = read_table(files.targets) if files.get("targets") else None
    found = {
        "view_effects": pd.concat(effects, names=["view"]).reset_index("view"),
        "holds": holds(described, held, same, changes),
    }
    if files.get("scores"):
        tested = with_noise(params.score_controls, equal)
        asked = by_view(files.get("faithfulness", []), params.views)
        scores = {}
        for view, paths in by_view(files.scores, params.views).items():
            tables, sampled = (
                distinct(params.models, map(read_table, of), equal) for of in (paths, asked[view])
            )
            scores[view] = scores_and_effects(
                *gathered(tables, sampled), tested, **params.statistics
            )
        for name in ("scores", "score_effects"):
            by_name = {view: tables[name] for view, tables in scores.items()}
            found[f"view_{name}"] = pd.concat(by_name, names=["view"]).reset_index("view")
    write_tables(found, snakemake.output)
