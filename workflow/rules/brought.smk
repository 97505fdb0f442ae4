# Instead of training, and of explaining where only maps are brought (docs/checkpoints.md).

# Refused here, as an input function would add a traceback.
for _, FILE, _ in named_files(CONFIG.brought):
    literal(FILE)


rule models:
    input:
        model_files("models/{condition}/{state}/weights.safetensors") if CONFIG.checkpoints else [],
        DATA["stats"],


# Networks are compared elsewhere: nothing is trained here.
rule architectures:
    input:
        DATA["stats"],


rule estimate:
    input:
        DATA["stats"],
    shell:
        "echo 'Nothing is trained here: what is to do takes seconds per network, and minutes in all.'"


if CONFIG.checkpoints:

    rule bring_checkpoint:
        input:
            file=lambda wildcards: brought(wildcards).file,
            stats=DATA["stats"],
            code=lambda wildcards: network_code(
                "bring_checkpoint", architecture_of(wildcards), cammethod=[]
            ),
        output:
            weights=f"{OUT}/models/{{condition}}/{{state}}/weights.safetensors",
            network=f"{OUT}/models/{{condition}}/{{state}}/network.json",
        log:
            f"{OUT}/logs/bring_checkpoint/{{condition}}/{{state}}.log",
        benchmark:
            f"{OUT}/benchmarks/bring_checkpoint/{{condition}}/{{state}}.tsv"
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(4000),
            runtime=growing(20),
        params:
            network=lambda wildcards: network(architecture_of(wildcards)),
            model=lambda wildcards: explained_layer(brought(wildcards).cam_layer),
        message:
            "Reading the network of {wildcards.condition}, state {wildcards.state}, from {input.file}"
        script:
            "../scripts/bring_checkpoint.py"

else:

    rule bring_maps:
        input:
            maps=lambda wildcards: brought(wildcards).file,
            predictions=lambda wildcards: brought(wildcards).predictions_file,
            index=DATA["index"],
            stats=DATA["stats"],
            code=code("bring_maps"),
        output:
            cams=f"{EXPLANATIONS}/cams.npz",
            predictions=f"{EXPLANATIONS}/predictions.parquet",
            network=f"{OUT}/models/{{condition}}/{{state}}/network.json",
        log:
            f"{OUT}/logs/bring_maps/{{condition}}/{{state}}.log",
        benchmark:
            f"{OUT}/benchmarks/bring_maps/{{condition}}/{{state}}.tsv"
        conda:
            ENVIRONMENT
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        message:
            "Reading the maps of {wildcards.condition}, state {wildcards.state}, from {input.maps}"
        script:
            "../scripts/bring_maps.py"
