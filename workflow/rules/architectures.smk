# The comparison of architectures (section 5.1 of the paper), a target of its own.


rule architectures:
    input:
        table("architectures"),
        figure_files("png", "architectures"),
        page_files("architecture_page"),
        DATA["stats"],


use rule initial_weights as initial_weights_of_architecture with:
    input:
        stats=DATA["stats"],
        code=lambda wildcards: network_code("initial_weights", CANDIDATES[wildcards.architecture]),
    output:
        f"{OUT}/architectures/{{architecture}}/initial.safetensors",
    log:
        f"{OUT}/logs/initial_weights_of_architecture/{{architecture}}.log",
    benchmark:
        f"{OUT}/benchmarks/initial_weights_of_architecture/{{architecture}}.tsv"
    params:
        **pretrained_weights(),
        network=lambda wildcards: network(CANDIDATES[wildcards.architecture]),
        weight_seed=CONFIG.model.weight_seed,
    message:
        "Making the starting weights of {wildcards.architecture}"


# The paper's choice of an architecture: trained without augmentation, tested after every epoch.
use rule train as train_architecture with:
    input:
        **DATA,
        initial=f"{OUT}/architectures/{{architecture}}/initial.safetensors",
        code=lambda wildcards: training_code(SEED_CONTROL, CANDIDATES[wildcards.architecture]),
    output:
        weights=f"{OUT}/architectures/{{architecture}}/weights.safetensors",
        history=f"{OUT}/architectures/{{architecture}}/history.parquet",
    log:
        f"{OUT}/logs/train_architecture/{{architecture}}.log",
    benchmark:
        f"{OUT}/benchmarks/train_architecture/{{architecture}}.tsv"
    params:
        **normalisation(),
        condition=SEED_CONTROL,
        state=REFERENCE_STATE,
        seeds=CONFIG.seeds(REFERENCE_STATE),
        network=lambda wildcards: network(CANDIDATES[wildcards.architecture]),
        input_size=CONFIG.model.input_size,
        training=training_of_candidates(),
        steps=CONFIG.condition(SEED_CONTROL).steps,
        sampling_seed=CONFIG.split.sampling_seed,
        test_every_epoch=True,
        checkpoint=f"{OUT}/architectures/{{architecture}}/checkpoint.safetensors",
    message:
        "Training {wildcards.architecture} for comparison (progress: {log})"


rule compare_architectures:
    input:
        histories=[f"{OUT}/architectures/{name}/history.parquet" for name in CANDIDATES],
        code=code("compare_architectures"),
    output:
        table("architectures"),
    log:
        f"{OUT}/logs/compare_architectures.log",
    benchmark:
        f"{OUT}/benchmarks/compare_architectures.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        architectures=CONFIG.candidates,
    message:
        "Comparing {params.architectures}"
    script:
        "../scripts/compare_architectures.py"


rule draw_architectures:
    input:
        table=f"{OUT}/tables/architectures.parquet",
        code=code(
            "draw_architectures", network=[n for n in CONFIG.candidates if n in entries(Network)]
        ),
    output:
        png=pictures("architectures"),
        others=other_files("architectures"),
    log:
        f"{OUT}/logs/draw_architectures.log",
    benchmark:
        f"{OUT}/benchmarks/draw_architectures.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        dpi=CONFIG.figures.dpi,
    message:
        "Drawing the comparison of architectures"
    script:
        "../scripts/draw_architectures.py"


use rule write_pages as write_architecture_page with:
    input:
        tables=[f"{OUT}/tables/architectures.parquet"],
        code=[*code("write_pages", table=[]), *templates()],
    output:
        pages("architecture_page"),
    log:
        f"{OUT}/logs/write_architecture_page.log",
    benchmark:
        f"{OUT}/benchmarks/write_architecture_page.tsv"
    message:
        "Writing the page on architectures"
