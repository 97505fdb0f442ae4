"""Ask one model about changed images: do its answers bear out its maps?"""

from augcam.comparison.faithfulness import faithfulness_of_file
from augcam.explanation.trained import open_network, open_store
from augcam.files.tables import write_columns
from augcam.run.job import job
from augcam.run.lease import lease_gpu

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    lease_gpu(snakemake.resources.gpu, snakemake.resources.jobs_per_gpu)
    store = open_store(snakemake)
    model = open_network(snakemake, store)
    found = faithfulness_of_file(model, store, files.cams, params.scores, params.limit, params.seed)
    write_columns(found, *snakemake.output)
