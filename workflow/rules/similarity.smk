rule similarity:
    input:
        model_files("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        DATA["stats"],


# One job a condition: its states share the baseline's ranks, a changed augmentation reruns itself.
rule compare:
    input:
        baseline=explained(REFERENCE_CONDITION, REFERENCE_STATE),
        others=explained("{condition}", *CONFIG.starting_states),
        code=code("compare"),
    output:
        [
            f"{OUT}/similarity/{VIEW}/{{condition}}/{state}.parquet"
            for state in CONFIG.starting_states
        ],
    log:
        f"{OUT}/logs/compare/{{condition}}.log",
    benchmark:
        f"{OUT}/benchmarks/compare/{{condition}}.tsv"
    wildcard_constraints:
        condition=OTHER_CONDITIONS,
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        similarity=section("similarity"),
        input_size=CONFIG.model.input_size,
    message:
        "Comparing the models of {wildcards.condition} with the baseline"
    script:
        "../scripts/compare.py"


if SEEDS:

    use rule compare as compare_seeds with:
        input:
            baseline=explained(REFERENCE_CONDITION, REFERENCE_STATE),
            others=explained("{condition}", *SEEDS),
            code=code("compare"),
        output:
            [f"{OUT}/similarity/{VIEW}/{{condition}}/{state}.parquet" for state in SEEDS],
        wildcard_constraints:
            condition=REFERENCE_CONDITION,
