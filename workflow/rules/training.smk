rule models:
    input:
        model_files("models/{condition}/{state}/weights.safetensors"),
        DATA["stats"],


# On this machine, as it also says what states cannot tell. Training depends on it by way of the
# starting weights, so nothing in it may change that does not change a training.
rule rehearse_network:
    input:
        stats=DATA["stats"],
        code=network_code("rehearse_network"),
    output:
        f"{OUT}/models/rehearsal.json",
    log:
        f"{OUT}/logs/rehearse_network.log",
    benchmark:
        f"{OUT}/benchmarks/rehearse_network.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        **frozen(),
        network=network(),
        input_size=CONFIG.model.input_size,
    message:
        "Rehearsing a step of training"
    script:
        "../scripts/rehearse_network.py"


# First, so that a layer that cannot be explained is refused before anything is trained.
rule describe_network:
    input:
        **described_weights(),
        stats=DATA["stats"],
        rehearsal=f"{OUT}/models/rehearsal.json",
        code=network_code("describe_network", cammethod=[]),  # tried, and no part of the result
    output:
        f"{OUT}/models/network.json",
    log:
        f"{OUT}/logs/describe_network.log",
    benchmark:
        f"{OUT}/benchmarks/describe_network.tsv"
    priority: 9
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        **normalisation(),
        network=network(),
        model=explained_layer(),
    message:
        "Finding the layer to explain"
    script:
        "../scripts/describe_network.py"


rule initial_weights:
    input:
        **weights_file(),
        stats=DATA["stats"],
        rehearsal=f"{OUT}/models/rehearsal.json",
        code=network_code("initial_weights"),
    output:
        f"{OUT}/models/initial.safetensors",
    log:
        f"{OUT}/logs/initial_weights.log",
    benchmark:
        f"{OUT}/benchmarks/initial_weights.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        **starting_weights(),
        network=network(),
        weight_seed=CONFIG.model.weight_seed,
    message:
        "Making the starting weights that all models share"
    script:
        "../scripts/initial_weights.py"


use rule initial_weights as initial_weights_of_state with:
    output:
        f"{OUT}/models/initial/{{state}}.safetensors",
    log:
        f"{OUT}/logs/initial_weights/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/initial_weights/{{state}}.tsv"
    params:
        **starting_weights(),
        network=network(),
        weight_seed=CONFIG.model.weight_seed,
        state=lambda wildcards: int(wildcards.state),
    message:
        "Making the starting weights of state {wildcards.state}"


rule train:
    input:
        **(DATA | {"order": ORDER}),
        initial=INITIAL_WEIGHTS,
        code=lambda wildcards: training_code(wildcards.condition),
    output:
        weights=f"{OUT}/models/{{condition}}/{{state}}/weights.safetensors",
        history=f"{OUT}/models/{{condition}}/{{state}}/history.parquet",
    log:
        f"{OUT}/logs/train/{{condition}}/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/train/{{condition}}/{{state}}.tsv"
    conda:
        ENVIRONMENT
    threads: CONFIG.training.threads
    resources:
        gpu=gpus(),
        jobs_per_gpu=CONFIG.execution.jobs_per_gpu,
        device=CONFIG.execution.device,
        mem_mb=growing(6000),
        runtime=growing(1440),
    params:
        **normalisation(),
        condition=lambda wildcards: wildcards.condition,
        state=lambda wildcards: int(wildcards.state),
        network=network(),
        input_size=CONFIG.model.input_size,
        training=section("training"),
        steps=lambda wildcards: CONFIG.condition(wildcards.condition).steps,
        seeds=lambda wildcards: CONFIG.seeds(int(wildcards.state)),
        sampling_seed=CONFIG.split.sampling_seed,
        test_every_epoch=False,
        checkpoint=f"{OUT}/models/{{condition}}/{{state}}/checkpoint.safetensors",
    message:
        "Training {wildcards.condition}, state {wildcards.state} (progress: {log})"
    script:
        "../scripts/train.py"
