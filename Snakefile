# augcam: how does data augmentation change what an image classifier looks at?
#
# One experiment = one config = one folder. A model is (condition, state); conditions are the
# augmentations and the controls `none` and `identity`; the baseline is `none` at one state.
#
#   results/<experiment>/
#     data/            images.npy, index.parquet, order.npy (order/<state>.npz), stats.json,
#                      report.parquet, notes.json, masks.npz (where there are masks)
#     models/          initial.safetensors (initial/<state>.safetensors), network.json
#     architectures/<architecture>/        history.parquet, weights.safetensors
#     models/<condition>/<state>/          weights.safetensors, history.parquet (network.json
#                                          instead where the config brings networks or maps)
#     models/          views.json, with the layers of all views (or likewise)
#     explanations/<view>/<condition>/<state>/   cams.npz, predictions.parquet (the view main, and
#                                          those of the config's `views`)
#     similarity/<view>/<condition>/<state>.parquet
#     similarity/<view>/further/<baseline's state>/<condition>/<state>.parquet
#     scores/<view>/<condition>/<state>.parquet
#     faithfulness/<view>/<condition>/<state>.parquet   (with scores that ask the network)
#     tables/          *.parquet and *.csv
#     figures/         *.png and *.pdf
#     pages/           *.html and start.rst, for Snakemake's report
#     index.html, explorer.html            the report that people read, and every image beside it
#     logs/            *.log and *.json: what jobs said and did, what they made and from what
#     provenance.json  config, versions, hardware, times

from snakemake.utils import min_version

min_version("9.10")


# The quickstart. A user's config is laid over the documented defaults and inherits nothing from it.
if not workflow.configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


wildcard_constraints:
    condition="|".join(map(re.escape, {*CONFIG.conditions, CONFIG.baseline.condition})),
    state="|".join({str(state) for _, state in CONFIG.models}),
    view="|".join(map(re.escape, VIEWS)),
    architecture="|".join(map(re.escape, CANDIDATES)),
    baseline="|".join(map(str, further_states())) or "none",


report: os.path.abspath(START_PAGE if os.path.exists(START_PAGE) else REPORT_TEXT)


onstart:
    say_what_states_cannot_tell()
    begin_call(log)
    let_the_scheduler_rest()


# Now Snakemake has recorded that the trainings are done: a kill can no longer lose them.
onsuccess:
    remove_checkpoints()
    end_call(DONE)
    say(last_words())


onerror:
    end_call(FAILED)
    say(words_of_failure())


# GPUs are counted on this machine; a cluster's scheduler counts its own.
resource_scopes:
    gpu="local",


localrules:
    all,
    rehearse_network,
    models,
    explanations,
    similarity,
    scores,
    tables,
    figures,
    report_pages,
    architectures,
    statistics,


rule all:
    input:
        every_table(),
        every_figure(),
        page_files("pages"),
        every_statistic(),
        f"{OUT}/index.html",
        f"{OUT}/provenance.json",
        DATA["stats"],


include: "workflow/rules/data.smk"
include: f"workflow/rules/{'brought' if CONFIG.brought else 'training'}.smk"
include: "workflow/rules/explanations.smk"
include: "workflow/rules/similarity.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/views.smk"


if not CONFIG.brought:

    include: "workflow/rules/architectures.smk"
    include: "workflow/rules/estimate.smk"
