rule tables:
    input:
        every_table(),
        DATA["stats"],


rule performance:
    input:
        predictions=model_files("explanations/{view}/{condition}/{state}/predictions.parquet"),
        stats=DATA["stats"],
        code=code("performance"),
    output:
        performance=table("performance"),
        chance=table("chance"),
        equal_models=table("equal_models"),
    log:
        f"{OUT}/logs/performance.log",
    benchmark:
        f"{OUT}/benchmarks/performance.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        models=CONFIG.models,
        variation=CONFIG.known_variation,
    message:
        "Measuring the performance of {params.models}, and holding it against chance"
    script:
        "../scripts/performance.py"


rule aggregate:
    input:
        similarity=model_files("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        equal=EQUAL_MODELS,
        code=code("aggregate"),
    output:
        similarity_mean=table("similarity_mean"),
        similarity_summary=table("similarity_summary"),
        excluded_values=table("excluded_values"),
        correlation_maps=table("correlation_maps"),
        extreme_images=table("extreme_images"),
    log:
        f"{OUT}/logs/aggregate.log",
    benchmark:
        f"{OUT}/benchmarks/aggregate.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        models=CONFIG.compared,
        metrics=CONFIG.similarity.metrics,
        augmentations=CONFIG.augmented,
    message:
        "Averaging over starting states and correlating augmentations"
    script:
        "../scripts/aggregate.py"


rule warnings:
    input:
        stats=DATA["stats"],
        notes=NOTES,
        chance=f"{OUT}/tables/chance.parquet",
        histories=histories(),
        excluded=f"{OUT}/tables/excluded_values.parquet",
        equal=EQUAL_MODELS,
        code=code("warnings"),
    output:
        table("warnings"),
    log:
        f"{OUT}/logs/warnings.log",
    benchmark:
        f"{OUT}/benchmarks/warnings.tsv"
    priority: 2
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        called=CALLED,
        models=CONFIG.models,
        left_out=CONFIG.left_out,
        variation=CONFIG.known_variation,
        remarks=remarks(CONFIG),
    message:
        "Saying what is wrong with data, trainings and maps"
    script:
        "../scripts/warnings.py"


for TABLE in entries(Table).values():

    rule:
        name:
            f"make_{TABLE.name}"
        input:
            tables=[f"{OUT}/tables/{needed}.parquet" for needed in TABLE.needs],
            code=code("make_table", table=[TABLE.name]),
        output:
            table(TABLE.name),
        log:
            f"{OUT}/logs/make_{TABLE.name}.log",
        benchmark:
            f"{OUT}/benchmarks/make_{TABLE.name}.tsv"
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            called=CALLED,
            name=TABLE.name,
            settings=settings(TABLE),
        message:
            "Making the table {params.name}"
        script:
            "../scripts/make_table.py"


rule segments:
    input:
        similarity=model_files("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        equal=EQUAL_MODELS,
        code=code("segments"),
    output:
        segment_summary=table("segment_summary"),
        segment_tests=table("segment_tests"),
    log:
        f"{OUT}/logs/segments.log",
    benchmark:
        f"{OUT}/benchmarks/segments.tsv"
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        models=CONFIG.compared,
        metrics=CONFIG.similarity.metrics,
    message:
        "Comparing the images that both, one or none of the models get right"
    script:
        "../scripts/segments.py"


rule check_claims:
    input:
        performance=f"{OUT}/tables/performance.parquet",
        mean=f"{OUT}/tables/similarity_mean.parquet",
        maps=f"{OUT}/tables/correlation_maps.parquet",
        pairs=f"{OUT}/tables/pair_counts.parquet",
        segment_tests=f"{OUT}/tables/segment_tests.parquet",
        warnings=f"{OUT}/tables/warnings.parquet",
        code=code("check_claims"),
    output:
        table("claims"),
    log:
        f"{OUT}/logs/check_claims.log",
    benchmark:
        f"{OUT}/benchmarks/check_claims.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        called=CALLED,
        study=dict(
            augmentations=CONFIG.of_paper,
            others=[name for name in CONFIG.augmented if name not in CONFIG.of_paper],
            reference=CONFIG.reference,
        ),
    message:
        "Holding the paper's claims against this run"
    script:
        "../scripts/check_claims.py"


rule provenance:
    input:
        histories=histories(),
        network=network_of_baseline(),
        stats=DATA["stats"],
        excluded=f"{OUT}/tables/excluded_values.parquet",
        code=code("provenance"),
    output:
        f"{OUT}/provenance.json",
    log:
        f"{OUT}/logs/provenance.log",
    benchmark:
        f"{OUT}/benchmarks/provenance.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        # Without what changes no number.
        config=CONFIG.record(),
        models=CONFIG.models,
    message:
        "Recording what was run"
    script:
        "../scripts/provenance.py"
