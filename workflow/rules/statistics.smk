# Controls, intervals, tests and clusters: the second half of the report.
#
# Priorities: the longest chain of jobs after the comparisons, up to the figures below, begins first,
# and that of the segments second; short jobs then fill the end.


rule statistics:
    input:
        every_statistic(),
        figure_files("png", "statistics"),
        other_files("statistics"),
        DATA["stats"],


# One job a baseline: all models share its ranks. It meets itself, too, which is then left out.
rule compare_further:
    input:
        baseline=explained(REFERENCE_CONDITION, "{baseline}", "{view}"),
        others=[file for model in CONFIG.models for file in explained(*model, "{view}")],
        code=code("compare"),
    output:
        further_files("{{baseline}}", "{view}"),
    log:
        f"{OUT}/logs/compare_further/{{view}}/{{baseline}}.log",
    benchmark:
        f"{OUT}/benchmarks/compare_further/{{view}}/{{baseline}}.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(3000),
        runtime=growing(480),
    params:
        similarity=section("similarity"),
        input_size=CONFIG.model.input_size,
    message:
        "Comparing all models with a further baseline, state {wildcards.baseline} ({wildcards.view})"
    script:
        "../scripts/compare.py"


rule null_levels:
    input:
        cams=f"{OUT}/explanations/{MAIN}/{REFERENCE_CONDITION}/{REFERENCE_STATE}/cams.npz",
        predictions=f"{OUT}/explanations/{MAIN}/{REFERENCE_CONDITION}/{REFERENCE_STATE}/predictions.parquet",
        code=code("null_levels"),
    output:
        table("null_levels"),
    log:
        f"{OUT}/logs/null_levels.log",
    benchmark:
        f"{OUT}/benchmarks/null_levels.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        similarity=section("similarity"),
        input_size=CONFIG.model.input_size,
        statistics=section("statistics", "null_images", "seed"),
    message:
        "Comparing maps that have nothing in common"
    script:
        "../scripts/null_levels.py"


if CONFIG.statistics.sanity:

    # Of the baseline alone: it says something of the way of explaining.
    rule randomise_weights:
        input:
            **DATA,
            network=lambda wildcards: network_of_baseline(
                NETWORK if wildcards.view == MAIN else NETWORK_OF_VIEWS
            ),
            weights=f"{OUT}/models/{REFERENCE_CONDITION}/{REFERENCE_STATE}/weights.safetensors",
            cams=f"{OUT}/explanations/{{view}}/{REFERENCE_CONDITION}/{REFERENCE_STATE}/cams.npz",
            code=lambda wildcards: network_code(
                "randomise_weights",
                architecture_of(REFERENCE),
                cammethod=[VIEWS[wildcards.view]["method"]],
            ),
        output:
            f"{OUT}/sanity/{{view}}.parquet",
        log:
            f"{OUT}/logs/randomise_weights/{{view}}.log",
        benchmark:
            f"{OUT}/benchmarks/randomise_weights/{{view}}.tsv"
        conda:
            ENVIRONMENT
        threads: CONFIG.training.threads
        resources:
            gpu=gpus(),
            jobs_per_gpu=CONFIG.execution.jobs_per_gpu,
            device=CONFIG.execution.device,
            mem_mb=growing(6000),
            runtime=growing(60),
        params:
            **normalisation(),
            network=network(architecture_of(REFERENCE)),
            input_size=CONFIG.model.input_size,
            method=lambda wildcards: VIEWS[wildcards.view]["method"],
            limit=CONFIG.statistics.sanity_images,
            seed=CONFIG.statistics.seed,
            threads=CONFIG.training.threads,
        message:
            "Explaining the baseline with random weights ({wildcards.view})"
        script:
            "../scripts/randomise_weights.py"

    rule sanity:
        input:
            views=[f"{OUT}/sanity/{view}.parquet" for view in VIEWS],
            code=code("sanity"),
        output:
            table("sanity"),
        log:
            f"{OUT}/logs/sanity.log",
        benchmark:
            f"{OUT}/benchmarks/sanity.tsv"
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        message:
            "Gathering what maps make of random weights"
        script:
            "../scripts/sanity.py"


# Where something goes with the class in most training images.
rule cue_use:
    input:
        predictions=model_files("explanations/{view}/{condition}/{state}/predictions.parquet"),
        index=DATA["index"],
        stats=DATA["stats"],
        code=code("cue_use"),
    output:
        table("cue_use"),
    log:
        f"{OUT}/logs/cue_use.log",
    benchmark:
        f"{OUT}/benchmarks/cue_use.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        models=CONFIG.models,
    message:
        "Looking how much models go by the cue"
    script:
        "../scripts/cue_use.py"


rule effects:
    input:
        **distance_files(),
        equal=EQUAL_MODELS,
        code=code("effects"),
    output:
        **{name: table(name) for name in EFFECT_TABLES},
    log:
        f"{OUT}/logs/effects.log",
    benchmark:
        f"{OUT}/benchmarks/effects.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(6000),
        runtime=growing(60),
    params:
        **distance_params(),
        statistics=section("statistics", "resamples", "seed", "alpha", "power", "smallest_effect"),
    message:
        "Setting augmentations against the controls {params.controls}"
    script:
        "../scripts/effects.py"


rule trends:
    input:
        **distance_files(),
        equal=EQUAL_MODELS,
        performance=f"{OUT}/tables/performance.parquet",
        code=code("trends"),
    output:
        **{name: table(name) for name in TREND_TABLES},
    log:
        f"{OUT}/logs/trends.log",
    benchmark:
        f"{OUT}/benchmarks/trends.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(6000),
        runtime=growing(60),
    params:
        **distance_params(),
        sweeps=CONFIG.sweeps,
        statistics=section("statistics", "alpha", "seed"),
    message:
        "Looking for what grows with strength"
    script:
        "../scripts/trends.py"


rule decouple:
    input:
        **distance_files(),
        equal=EQUAL_MODELS,
        code=code("decouple"),
    output:
        **{name: table(name) for name in DECOUPLED_TABLES},
    log:
        f"{OUT}/logs/decouple.log",
    benchmark:
        f"{OUT}/benchmarks/decouple.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(6000),
        runtime=growing(60),
    params:
        **distance_params(),
        augmentations=CONFIG.augmented,
        pair_k=CONFIG.counted_pairs,
        statistics=section("statistics", "resamples", "seed", "alpha", "clusters"),
    message:
        "Correlating augmentations without a shared baseline"
    script:
        "../scripts/decouple.py"


rule model_space:
    input:
        cams=model_files("explanations/{view}/{condition}/{state}/cams.npz"),
        equal=EQUAL_MODELS,
        code=code("model_space", metric=PAIR_METRICS),
    output:
        **{name: table(name) for name in MODEL_SPACE_TABLES},
    log:
        f"{OUT}/logs/model_space.log",
    benchmark:
        f"{OUT}/benchmarks/model_space.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        models=CONFIG.models,
        augmentations=CONFIG.augmented,
        controls=CONFIG.effect_controls,
        input_size=CONFIG.model.input_size,
        statistics=section("statistics", "resamples", "seed", "alpha", "clusters"),
    message:
        "Comparing every model with every other"
    script:
        "../scripts/model_space.py"


rule behaviour:
    input:
        predictions=model_files("explanations/{view}/{condition}/{state}/predictions.parquet"),
        similarity=model_files("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        equal=EQUAL_MODELS,
        code=code("behaviour"),
    output:
        **{name: table(name) for name in BEHAVIOUR_TABLES},
    log:
        f"{OUT}/logs/behaviour.log",
    benchmark:
        f"{OUT}/benchmarks/behaviour.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        models=CONFIG.models,
        compared=CONFIG.compared,
        metrics=CONFIG.similarity.metrics,
    message:
        "Comparing predictions with the baseline's"
    script:
        "../scripts/behaviour.py"


rule target_changes:
    input:
        cams=targets_files(),
        equal=EQUAL_MODELS,
        code=code("target_changes"),
    output:
        table("target_changes"),
    log:
        f"{OUT}/logs/target_changes.log",
    benchmark:
        f"{OUT}/benchmarks/target_changes.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        models=CONFIG.models,
        metrics=CONFIG.similarity.metrics,
        input_size=CONFIG.model.input_size,
    message:
        "Comparing maps that explain the same class"
    script:
        "../scripts/target_changes.py"


rule conclude:
    input:
        tables=[
            f"{OUT}/tables/{name}.parquet"
            for name in ["equal_models", *statistic_tables(), *VIEW_TABLES]
        ],
        warnings=f"{OUT}/tables/warnings.parquet",
        network=network_of_baseline(),
        code=code("conclude"),
    output:
        table("conclusions"),
    log:
        f"{OUT}/logs/conclude.log",
    benchmark:
        f"{OUT}/benchmarks/conclude.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        called=CALLED,
        study=dict(
            augmentations=CONFIG.augmented,
            controls=CONFIG.effect_controls,
            base=REFERENCE_CONDITION,
            n_states=len(CONFIG.starting_states),
            variation=CONFIG.known_variation,
            pair_k=CONFIG.counted_pairs,
            wanted_pair_k=CONFIG.analysis.pair_k,
            **section("statistics", "alpha", "smallest_effect"),
        ),
    message:
        "Saying what can be concluded"
    script:
        "../scripts/conclude.py"


rule draw_statistics:
    input:
        tables=[
            f"{OUT}/tables/{name}.parquet"
            for name in ["similarity_summary", "equal_models", *statistic_tables()]
        ],
        code=code("draw_statistics"),
    output:
        png=pictures("statistics"),
        others=other_files("statistics"),
    log:
        f"{OUT}/logs/draw_statistics.log",
    benchmark:
        f"{OUT}/benchmarks/draw_statistics.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        called=CALLED,
        metrics=CONFIG.similarity.metrics,
        conditions=trained_conditions(),
        compared=CONFIG.compared_conditions,
        controls=CONFIG.effect_controls,
        power=CONFIG.statistics.power,
        dpi=CONFIG.figures.dpi,
    message:
        "Drawing effects, correlations, clusters and models"
    script:
        "../scripts/draw_statistics.py"
