"""Speed of augcam against what people use today; `python -m benchmarks --help`."""
