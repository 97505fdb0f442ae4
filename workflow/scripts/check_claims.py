"""Hold the paper's claims against this run."""

from augcam.claims import Run, check_claims
from augcam.files import read_table, write_table
from augcam.jobs import job

with job(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    names = ("performance", "mean", "maps", "pairs", "segment_tests")
    tables = {name: read_table(files[name]) for name in names}
    run = Run(**tables, augmentations=params.augmentations, reference=tuple(params.reference))
    write_table(check_claims(run), *snakemake.output)
