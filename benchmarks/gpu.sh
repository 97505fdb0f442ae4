#!/usr/bin/env bash
# All that is to be measured on a machine with one GPU, in one call, without a network: the tests
# that need a GPU, training in each precision, and how long the paper's run would take there.
#
#   benchmarks/gpu.sh [part ...]    parts: tests float32 tf32 bfloat16 estimate; all by default
#
# DATASET takes the place of the paper's data set in the estimate, where that cannot be downloaded:
#   DATASET='{name: parquet, train: train.parquet, test: test.parquet}' benchmarks/gpu.sh
#
# What each part says goes to benchmarks/results/gpu-<part>.txt, too. A part that takes longer than
# its time is stopped and the next one begins; the exit status is that of the last part that failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}"

if ! python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "benchmarks/gpu.sh: torch sees no GPU here, so there is nothing to measure." >&2
    exit 1
fi

run() {
    case $1 in
        tests)
            timeout 300 python -m pytest -k "gpu or cuda" tests/test_step.py \
                tests/test_torch_maps.py
            ;;
        float32 | tf32 | bfloat16)
            timeout 540 python -m benchmarks "training-gpu-$1"
            ;;
        estimate)
            timeout 300 snakemake --cores all --resources gpu=1 --configfile config/paper.yaml \
                --config experiment=gpu-estimate "dataset=${DATASET:-{\}}" --quiet -- estimate
            ;;
        *)
            echo "benchmarks/gpu.sh: there is no part '$1'; see the head of this file."
            false
            ;;
    esac
}

failed=0
[ $# -gt 0 ] || set -- tests float32 tf32 bfloat16 estimate
for part; do
    run "$part" 2>&1 | tee "benchmarks/results/gpu-$part.txt"
    status=${PIPESTATUS[0]}
    if [ "$status" -ne 0 ]; then
        echo "benchmarks/gpu.sh: $part failed (exit status $status; 124: it took too long)" >&2
        failed=$status
    fi
done
exit "$failed"
