rule similarity:
    input:
        model_files("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        DATA["stats"],


rule compare:
    input:
        baseline=explained(REFERENCE_CONDITION, REFERENCE_STATE),
        others=explained("{condition}", "{state}"),
        code=code("compare"),
    output:
        f"{OUT}/similarity/{VIEW}/{{condition}}/{{state}}.parquet",
    log:
        f"{OUT}/logs/compare/{{condition}}/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/compare/{{condition}}/{{state}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        similarity=section("similarity"),
        input_size=CONFIG.model.input_size,
    message:
        "Comparing {wildcards.condition}, state {wildcards.state}, with the baseline"
    script:
        "../scripts/compare.py"
