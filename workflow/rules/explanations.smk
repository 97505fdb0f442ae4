rule explanations:
    input:
        model_files("explanations/{view}/{condition}/{state}/cams.npz"),
        targets_files(),
        DATA["stats"],


OF_ONE_CONDITION = [("{condition}", state) for state in CONFIG.starting_states]
OF_THE_BASELINES = [("{condition}", state) for state in [REFERENCE_STATE, *SEEDS]]


# One job a condition: its states share a process, which starts longer than it explains few images.
# With `statistics.targets` three classes are explained in one pass, written beside the one of
# `cam.target`, so that what is compared with the baseline stays as it is.
rule explain:
    input:
        **DATA,
        network=f"{OUT}/models/network.json",
        weights=model_files("models/{condition}/{state}/weights.safetensors", OF_ONE_CONDITION),
        # Also where it is not explained, so that switching `statistics.targets` off reruns nothing.
        baseline=f"{OUT}/explanations/{VIEW}/{REFERENCE_CONDITION}/{REFERENCE_STATE}/predictions.parquet",
        code=code("explain"),
    output:
        **explaining(OF_ONE_CONDITION),
    log:
        f"{OUT}/logs/explain/{{condition}}.log",
    benchmark:
        f"{OUT}/benchmarks/explain/{{condition}}.tsv"
    wildcard_constraints:
        condition=OTHER_CONDITIONS,
    conda:
        ENVIRONMENT
    threads: CONFIG.training.threads
    resources:
        gpu=gpus(),
        jobs_per_gpu=CONFIG.execution.jobs_per_gpu,
        device=CONFIG.execution.device,
        mem_mb=6000,
        runtime=480,
    params:
        network=network(),
        input_size=CONFIG.model.input_size,
        cam=section("cam"),
        threads=CONFIG.training.threads,
    message:
        "Explaining the models of {wildcards.condition}"
    script:
        "../scripts/explain.py"


# The first of its models is the baseline itself, whose predictions the others explain, too.
use rule explain as explain_seeds with:
    input:
        **DATA,
        network=f"{OUT}/models/network.json",
        weights=model_files("models/{condition}/{state}/weights.safetensors", OF_THE_BASELINES),
        code=code("explain"),
    output:
        **explaining(OF_THE_BASELINES),
    wildcard_constraints:
        condition=REFERENCE_CONDITION,
