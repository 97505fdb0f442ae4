# Further views of the same networks: does the answer hold? What is here is made where the config
# has `views`, and nothing else waits for it but the conclusions and the report.

if FURTHER_VIEWS:

    # Early, so that a view that cannot be explained is refused before anything is trained. Apart
    # from `describe_network`, so that a new view changes nothing that the main one depends on.
    rule describe_views:
        input:
            **before_views(),
            stats=DATA["stats"],
            code=lambda wildcards: network_code(
                "describe_views", architecture_of(wildcards), cammethod=VIEW_METHODS
            ),
        output:
            NETWORK_OF_VIEWS,
        log:
            f"{OUT}/logs/describe_views/{OF_NETWORK}.log",
        benchmark:
            f"{OUT}/benchmarks/describe_views/{OF_NETWORK}.tsv"
        priority: 9
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(4000),
            runtime=growing(20),
        params:
            network=lambda wildcards: network(architecture_of(wildcards)),
            model=lambda wildcards: explained_layer(own_layer(wildcards)),
            views=lambda wildcards: views_of(own_layer(wildcards)),
        message:
            "Finding the layers that views explain"
        script:
            "../scripts/describe_views.py"

    # One job a model: views share forward passes.
    rule explain_views:
        input:
            **DATA,
            views=NETWORK_OF_VIEWS,
            weights=f"{OUT}/models/{{condition}}/{{state}}/weights.safetensors",
            baseline=lambda wildcards: (
                predictions_of_baseline(wildcards) if explains_baselines_class() else []
            ),
            code=lambda wildcards: network_code(
                "explain_views", architecture_of(wildcards), cammethod=VIEW_METHODS
            ),
        output:
            [file for view in FURTHER_VIEWS for file in explained("{condition}", "{state}", view)],
        log:
            f"{OUT}/logs/explain_views/{{condition}}/{{state}}.log",
        benchmark:
            f"{OUT}/benchmarks/explain_views/{{condition}}/{{state}}.tsv"
        conda:
            ENVIRONMENT
        threads: CONFIG.training.threads
        resources:
            gpu=gpus(),
            jobs_per_gpu=CONFIG.execution.jobs_per_gpu,
            device=CONFIG.execution.device,
            mem_mb=growing(6000),
            runtime=growing(480),
        params:
            **normalisation(),
            network=lambda wildcards: network(architecture_of(wildcards)),
            input_size=CONFIG.model.input_size,
            views={name: VIEWS[name] for name in FURTHER_VIEWS},
            threads=CONFIG.training.threads,
        message:
            "Explaining {wildcards.condition}, state {wildcards.state}, in further views"
        script:
            "../scripts/explain_views.py"

    rule view_statistics:
        input:
            **distance_files(VIEWS),
            scores=files_of_scores(),
            faithfulness=faithfulness_files(FURTHER_VIEWS),
            targets=target_table(),
            equal=EQUAL_MODELS,
            views=network_of_baseline(NETWORK_OF_VIEWS),
            code=code("view_statistics"),
        output:
            **{name: table(name) for name in VIEW_TABLES},
        log:
            f"{OUT}/logs/view_statistics.log",
        benchmark:
            f"{OUT}/benchmarks/view_statistics.tsv"
        priority: 2
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(8000),
            runtime=growing(120),
        params:
            **distance_params(),
            views=FURTHER_VIEWS,
            models=CONFIG.models,
            score_controls=score_controls(CONFIG),
            statistics=section("statistics", "resamples", "seed", "alpha", "smallest_effect"),
        message:
            "Asking whether the answer holds in further views"
        script:
            "../scripts/view_statistics.py"

    rule draw_views:
        input:
            tables=[f"{OUT}/tables/{name}.parquet" for name in ("holds", "effects", "view_effects")],
            equal=EQUAL_MODELS,
            code=code("draw_views"),
        output:
            png=pictures("views"),
            others=other_files("views"),
        log:
            f"{OUT}/logs/draw_views.log",
        benchmark:
            f"{OUT}/benchmarks/draw_views.tsv"
        priority: 2
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            called=CALLED,
            controls=CONFIG.effect_controls,
            dpi=CONFIG.figures.dpi,
        message:
            "Drawing whether the answer holds"
        script:
            "../scripts/draw_views.py"
