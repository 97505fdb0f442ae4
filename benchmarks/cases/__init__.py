"""The benchmarks. Every module here with a list `BENCHMARKS` takes part.

Heavy imports stay inside the functions: the modules are also read to list what there is.
"""
