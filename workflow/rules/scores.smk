# What maps say by themselves, without a baseline: which way they move.


rule scores:
    input:
        files_of_views("scores/{view}/{condition}/{state}.parquet") if scored(CONFIG) else [],
        faithfulness_files(VIEWS),
        DATA["stats"],


rule score:
    input:
        explained=explained("{condition}", "{state}", "{view}"),
        masks=MASKS or [],
        stats=DATA["stats"],
        code=code("score", score=scores_of_maps(CONFIG)),
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
        scores=scores_of_maps(CONFIG),
        input_size=CONFIG.model.input_size,
    message:
        "Scoring the maps of {wildcards.condition}, state {wildcards.state} ({wildcards.view})"
    script:
        "../scripts/score.py"


# Apart from the scores of all images, which do not wait for a GPU, and are not computed again where
# the sample changes.
if scores_of_networks(CONFIG):

    rule faithfulness:
        input:
            **DATA,
            weights=f"{OUT}/models/{{condition}}/{{state}}/weights.safetensors",
            cams=explained("{condition}", "{state}", "{view}")[0],
            code=lambda wildcards: network_code(
                "faithfulness", architecture_of(wildcards), score=scores_of_networks(CONFIG)
            ),
        output:
            f"{OUT}/faithfulness/{{view}}/{{condition}}/{{state}}.parquet",
        log:
            f"{OUT}/logs/faithfulness/{{view}}/{{condition}}/{{state}}.log",
        benchmark:
            f"{OUT}/benchmarks/faithfulness/{{view}}/{{condition}}/{{state}}.tsv"
        conda:
            ENVIRONMENT
        threads: CONFIG.training.threads
        resources:
            gpu=gpus(),
            jobs_per_gpu=CONFIG.execution.jobs_per_gpu,
            device=CONFIG.execution.device,
            mem_mb=growing(6000),
            runtime=growing(240),
        params:
            **normalisation(),
            network=lambda wildcards: network(architecture_of(wildcards)),
            input_size=CONFIG.model.input_size,
            scores=scores_of_networks(CONFIG),
            limit=CONFIG.statistics.faithfulness_images,
            seed=CONFIG.statistics.seed,
            threads=CONFIG.training.threads,
        message:
            "Asking {wildcards.condition}, state {wildcards.state}, about changed images ({wildcards.view})"
        script:
            "../scripts/faithfulness.py"


rule score_statistics:
    input:
        scores=model_files("scores/{view}/{condition}/{state}.parquet"),
        faithfulness=faithfulness_files([MAIN]),
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
