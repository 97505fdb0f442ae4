# What maps say by themselves, without a baseline: which way they move.


rule scores:
    input:
        files_of_views("scores/{view}/{condition}/{state}.parquet") if scored(CONFIG) else [],
        DATA["stats"],


rule score:
    input:
        explained=explained("{condition}", "{state}", "{view}"),
        masks=MASKS or [],
        stats=DATA["stats"],
        code=code("score"),
    output:
        f"{OUT}/scores/{{view}}/{{condition}}/{{state}}.parquet",
    log:
        f"{OUT}/logs/score/{{view}}/{{condition}}/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/score/{{view}}/{{condition}}/{{state}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        scores=scored(CONFIG),
        input_size=CONFIG.model.input_size,
    message:
        "Scoring the maps of {wildcards.condition}, state {wildcards.state} ({wildcards.view})"
    script:
        "../scripts/score.py"


rule score_statistics:
    input:
        scores=model_files("scores/{view}/{condition}/{state}.parquet"),
        equal=EQUAL_MODELS,
        masks=MASKS or [],
        stats=DATA["stats"],
        code=code("score_statistics"),
    output:
        **{name: table(name) for name in SCORE_TABLES or ["scores"]},
    log:
        f"{OUT}/logs/score_statistics.log",
    benchmark:
        f"{OUT}/benchmarks/score_statistics.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(6000),
        runtime=growing(60),
    params:
        models=CONFIG.models,
        controls=score_controls(CONFIG),
        sweeps=CONFIG.sweeps,
        input_size=CONFIG.model.input_size,
        statistics=section("statistics", "resamples", "seed", "alpha", "smallest_effect"),
    message:
        "Setting scores of maps against the controls {params.controls}"
    script:
        "../scripts/score_statistics.py"


rule draw_scores:
    input:
        tables=[f"{OUT}/tables/{name}.parquet" for name in ["equal_models", *SCORE_TABLES]],
        code=code("draw_scores"),
    output:
        png=pictures("scores"),
        others=other_files("scores"),
    log:
        f"{OUT}/logs/draw_scores.log",
    benchmark:
        f"{OUT}/benchmarks/draw_scores.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        called=CALLED,
        conditions=trained_conditions(),
        controls=score_controls(CONFIG),
        dpi=CONFIG.figures.dpi,
    message:
        "Drawing scores of maps"
    script:
        "../scripts/draw_scores.py"
