rule figures:
    input:
        every_figure(),
        DATA["stats"],


rule draw_examples:
    input:
        **(DATA | {"order": orders(CONFIG.starting_states)}),
        cams=f"{OUT}/explanations/{MAIN}/{REFERENCE_CONDITION}/{REFERENCE_STATE}/cams.npz",
        predictions=f"{OUT}/explanations/{MAIN}/{REFERENCE_CONDITION}/{REFERENCE_STATE}/predictions.parquet",
        code=[*code("draw_examples"), *own_files(*applied())],
    output:
        png=pictures("examples"),
        others=other_files("examples"),
    log:
        f"{OUT}/logs/draw_examples.log",
    benchmark:
        f"{OUT}/benchmarks/draw_examples.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        called=CALLED,
        steps={name: CONFIG.condition(name).steps for name in applied()},
        seeds={state: CONFIG.seeds(state) for state in CONFIG.starting_states},
        training=section("training"),
        input_size=CONFIG.model.input_size,
        sampling_seed=CONFIG.split.sampling_seed,
        dpi=CONFIG.figures.dpi,
    message:
        "Drawing examples of augmentations and of a class activation map"
    script:
        "../scripts/draw_examples.py"


rule draw_performance:
    input:
        table=f"{OUT}/tables/performance.parquet",
        equal=EQUAL_MODELS,
        code=code("draw_performance"),
    output:
        png=pictures("performance"),
        others=other_files("performance"),
    log:
        f"{OUT}/logs/draw_performance.log",
    benchmark:
        f"{OUT}/benchmarks/draw_performance.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        called=CALLED,
        conditions=CONFIG.conditions,
        reference=CONFIG.reference,
        dpi=CONFIG.figures.dpi,
    message:
        "Drawing the performance of the models"
    script:
        "../scripts/draw_performance.py"


rule draw_similarity:
    input:
        mean=f"{OUT}/tables/similarity_mean.parquet",
        maps=f"{OUT}/tables/correlation_maps.parquet",
        code=code("draw_similarity"),
    output:
        png=pictures("similarity"),
        others=other_files("similarity"),
    log:
        f"{OUT}/logs/draw_similarity.log",
    benchmark:
        f"{OUT}/benchmarks/draw_similarity.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        called=CALLED,
        figures=section("figures"),
        metrics=CONFIG.similarity.metrics,
        compared=CONFIG.compared_conditions,
    message:
        "Drawing boxplots and correlation maps"
    script:
        "../scripts/draw_similarity.py"


for FIGURE in entries(Figure).values():

    rule:
        name:
            f"draw_{FIGURE.name}"
        input:
            tables=[f"{OUT}/tables/{needed}.parquet" for needed in FIGURE.needs],
            code=code("draw_figure", figure=[FIGURE.name]),
        output:
            png=[path for path in pictures("entries") if Path(path).stem == FIGURE.name],
            others=[f for f in other_files("entries") if Path(f).stem == FIGURE.name],
        log:
            f"{OUT}/logs/draw_{FIGURE.name}.log",
        benchmark:
            f"{OUT}/benchmarks/draw_{FIGURE.name}.tsv"
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            called=CALLED,
            name=FIGURE.name,
            settings=settings(FIGURE),
            caption=escaped(FIGURE.caption),
            dpi=CONFIG.figures.dpi,
        message:
            "Drawing the figure {params.name}"
        script:
            "../scripts/draw_figure.py"


rule draw_extremes:
    input:
        images=DATA["images"],
        index=DATA["index"],
        stats=DATA["stats"],
        extremes=f"{OUT}/tables/extreme_images.parquet",
        mean=f"{OUT}/tables/similarity_mean.parquet",
        cams=model_files("explanations/{view}/{condition}/{state}/cams.npz"),
        predictions=model_files("explanations/{view}/{condition}/{state}/predictions.parquet"),
        similarity=model_files("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        equal=EQUAL_MODELS,
        code=code("draw_extremes"),
    output:
        png=pictures("extremes"),
        others=other_files("extremes"),
    log:
        f"{OUT}/logs/draw_extremes.log",
    benchmark:
        f"{OUT}/benchmarks/draw_extremes.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        called=CALLED,
        models=CONFIG.models,
        metrics=CONFIG.similarity.metrics,
        dpi=CONFIG.figures.dpi,
    message:
        "Drawing the images at the extremes, with the maps of all models"
    script:
        "../scripts/draw_extremes.py"


rule draw_segments:
    input:
        similarity=model_files("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        summary=f"{OUT}/tables/segment_summary.parquet",
        tests=f"{OUT}/tables/segment_tests.parquet",
        equal=EQUAL_MODELS,
        code=code("draw_segments"),
    output:
        png=pictures("segments"),
        others=other_files("segments"),
    log:
        f"{OUT}/logs/draw_segments.log",
    benchmark:
        f"{OUT}/benchmarks/draw_segments.tsv"
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        called=CALLED,
        models=CONFIG.compared,
        metrics=CONFIG.similarity.metrics,
        compared=CONFIG.compared_conditions,
        dpi=CONFIG.figures.dpi,
    message:
        "Drawing the metrics by segment"
    script:
        "../scripts/draw_segments.py"
