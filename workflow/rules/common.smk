import contextlib
import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError
from snakemake.io import contains_wildcard

# Workflow and jobs use the library beside this workflow, whatever else is installed; also where
# another workflow imports this one as a module.
PROJECT = Path(str(workflow.current_basedir)).parents[1]
SOURCE = PROJECT / "src"
if os.pathsep in str(SOURCE):
    raise WorkflowError(
        f"augcam cannot run in '{PROJECT}': '{os.pathsep}' separates folders in PYTHONPATH; "
        "rename the folder."
    )
sys.path.insert(0, str(SOURCE))
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(SOURCE), os.getenv("PYTHONPATH")])))

try:
    from augcam.errors import AugcamError
    from augcam.config.brought import missing_files, named_files
    from augcam.config.checks import score_controls, scored, scores_of_maps, scores_of_networks
    from augcam.config.messages import parse_config, repeated_keys
    from augcam.config.network import absent_files, folder
    from augcam.config.states import note, remarks
    from augcam.data.files import source_files
    from augcam.data.listing import fingerprint_of_files
    from augcam.entries import FOLDERS, DataKind, Figure, Network, Table, entries
    from augcam.files.json import read_json
    from augcam.names import MAIN, PAIR_METRICS, SEED_CONTROL, introduce
    from augcam.report.catalogue import SECTIONS, figures, one_of_each_kind, tables
    from augcam.report.colours import condition_colours
    from augcam.run.closure import closure, with_neighbours
    from augcam.run.attempt import faults_of_foreign
    from augcam.run.ending import done, failed, without_failed
    from augcam.run.job import ALLOCATION
    from augcam.run.origins import make_again
    from augcam.run.record import DONE, FAILED, record_call
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"Python cannot import '{error.name}': run `make setup`, then `source .venv/bin/activate`."
    ) from None
except AugcamError as error:
    raise WorkflowError(str(error)) from None

# Snakemake writes Python's path into shell commands as it is, and a folder may have any name. Nothing
# else in this process starts Python by that path.
if Path(sys.executable).exists():  # not yet quoted
    sys.executable = shlex.quote(sys.executable)

# Jobs inherit this; what the user has set takes precedence.
os.environ.update(ALLOCATION | dict(os.environ))

for file in workflow.configfiles:
    made = Path(file).resolve().is_relative_to(Path("results").resolve())
    if made and Path(file).suffix == ".json":  # a target that --configfile has swallowed
        raise WorkflowError(
            f"{file}: this is a result, no config; put `--` before targets: "
            f"snakemake --configfile mine.yaml -- {os.path.relpath(file)}"
        )
    if repeated := repeated_keys(Path(file).read_text(encoding="utf-8")):
        raise WorkflowError("\n".join(f"{file}: {sentence}." for sentence in repeated))

try:
    CONFIG = parse_config(config)
except AugcamError as error:
    raise WorkflowError(str(error)) from None

# How conditions are shown, for the params of what draws and writes.
CALLED = {name: [CONFIG.titles[name], colour] for name, colour in condition_colours(CONFIG).items()}
if CONFIG.brought:  # no control by its name, but by what it is for
    CALLED[CONFIG.baseline.condition].append(True)
CALLED |= {sweep["name"]: [sweep["title"], ""] for sweep in CONFIG.sweeps}
introduce(CALLED)

if absent := absent_files(CONFIG.model, CONFIG.architectures or []):
    raise WorkflowError(absent)
if workflow.is_main_process and (faults := faults_of_foreign(CONFIG)):
    raise WorkflowError(faults)

if workflow.is_main_process and (missing := missing_files(CONFIG.brought)):
    raise WorkflowError(missing)

OUT = f"results/{CONFIG.experiment}"
REFERENCE_CONDITION, REFERENCE_STATE = CONFIG.reference
REFERENCE = SimpleNamespace(condition=REFERENCE_CONDITION, state=REFERENCE_STATE)
EXPLANATIONS = f"{OUT}/explanations/{MAIN}/{{condition}}/{{state}}"

# The ways in which models are explained, by name: the main one, which the whole report is about,
# and those that say whether its answer holds.
VIEWS = {name: look._asdict() for name, look in CONFIG.looks.items()}
FURTHER_VIEWS = [name for name in VIEWS if name != MAIN]
VIEW_METHODS = list(dict.fromkeys(look["method"] for look in VIEWS.values()))

DATA = {
    # A rewritten but equal data set reruns nothing: what counts is the checksum in stats.json. Every
    # target asks for it: what a failed preparation has removed is no reason by itself to repeat it.
    "stats": f"{OUT}/data/stats.json",
    "images": ancient(f"{OUT}/data/images.npy"),
    "index": ancient(f"{OUT}/data/index.parquet"),
    "order": ancient(f"{OUT}/data/order.npy"),
}
NOTES = f"{OUT}/data/notes.json"  # apart: what they say of files that are not used retrains nothing

# Of the test images, where the data set has some.
KIND = entries(DataKind)[CONFIG.dataset.name]
MASKS = f"{OUT}/data/masks.npz" if KIND.has_masks(CONFIG.dataset) else None

CUE_TABLES = ["cue_use"] if CONFIG.dataset.cue.kind != "none" else []

# The start of Snakemake's report: this text, with the warnings of the run above it once it is done.
REPORT_TEXT = os.path.relpath(PROJECT / "workflow/report/workflow.rst")
START_PAGE = f"{OUT}/pages/start.rst"

# Of all models, or of those of one state.
ORDER = f"{OUT}/data/order/{{state}}.npz" if CONFIG.varies("order", "split") else DATA["order"]
INITIAL_WEIGHTS = f"{OUT}/models/initial.safetensors"
if CONFIG.varies("weights"):
    INITIAL_WEIGHTS = f"{OUT}/models/initial/{{state}}.safetensors"

# Of all models, or of one; where maps are brought it says so.
NETWORK = f"{OUT}/models/network.json"
if CONFIG.brought:
    NETWORK = f"{OUT}/models/{{condition}}/{{state}}/network.json"

# Likewise of the layers of all views, and in the names of logs.
NETWORK_OF_VIEWS = NETWORK.replace("network.json", "views.json")
OF_NETWORK = "{condition}/{state}" if CONFIG.brought else "all"

# The networks that are compared, by the names of their folders.
CANDIDATES = {folder(name): name for name in CONFIG.candidates}

# Which models are another one again; these count once.
EQUAL_MODELS = f"{OUT}/tables/equal_models.parquet"

FIGURES = figures(CONFIG)
IN_REPORT = one_of_each_kind(FIGURES)  # Snakemake's; the page has all
PAGES = tables(CONFIG)

EFFECT_TABLES = ["effects", "variance_split", "planning"]
TREND_TABLES = ["doses", "trends"]
DECOUPLED_TABLES = [
    "decoupled_maps",
    "pair_significance",
    "correlation_trees",
    "suggested_clusters",
]
MODEL_SPACE_TABLES = [
    "model_pairs",
    "condition_similarity",
    "separation",
    "model_positions",
    "model_trees",
    "suggested_model_clusters",
]
BEHAVIOUR_TABLES = ["behaviour", "class_changes"]
SCORE_TABLES = ["scores", "score_effects", "score_variance_split"]
SCORE_TABLES += ["score_segments", "score_segment_tests"]
SCORE_TABLES += ["score_doses", "score_trends"] if CONFIG.sweeps else []
SCORE_TABLES += ["mask_parts"] if MASKS else []
SCORE_TABLES = SCORE_TABLES if scored(CONFIG) else []
VIEW_TABLES = ["view_effects", "holds"]
VIEW_TABLES += ["view_scores", "view_score_effects"] if SCORE_TABLES else []
VIEW_TABLES = VIEW_TABLES if FURTHER_VIEWS else []


# Keys that stand in no params where they say nothing, so that data sets without masks, prepared
# before there was the key, are not prepared again.
NOT_BROUGHT = {} if CONFIG.dataset.masks.given else {"dataset": {"masks"}}


def literal(path):
    """A path as an input. Snakemake takes what stands in braces for a wildcard, and no sign in
    front of them prevents it.

    Raises WorkflowError where there are such braces.
    """
    if contains_wildcard(str(path)):
        raise WorkflowError(
            f"'{path}': Snakemake takes what stands in braces for a wildcard; rename the file or "
            "folder, or name a link to it that has no braces."
        )
    return str(path)


def escaped(path):
    """A path where Snakemake formats text: for captions and environments."""
    return str(path).replace("{", "{{").replace("}", "}}")


# How to cite, where the project has its file beside it.
CITATION = PROJECT / "CITATION.cff"
CITATION = literal(os.path.relpath(CITATION)) if CITATION.is_file() else []

# What jobs need, for `--software-deployment-method conda`.
ENVIRONMENT = escaped(PROJECT / "envs/augcam.yaml")


def code(script, **others):
    """The modules and entries that a script uses, as inputs: an edited one runs the step again.

    Entries are those in use, or by kind those that this job uses: `network=["resnet20"]`.
    """
    kinds = {kind.__name__.lower(): kind for kind in FOLDERS}
    used = CONFIG.entries_in_use | {kinds[kind]: names for kind, names in others.items()}
    files = closure(PROJECT / f"workflow/scripts/{script}.py", used)
    return [literal(os.path.relpath(file)) for file in files]


def own_files(*conditions):
    """Files of the user's that conditions are made with."""
    return files_of(step["use"] for name in conditions for step in CONFIG.condition(name).foreign)


def files_of(uses):
    """The files of the user's among what a config names with `<file>.py:<name>`, and what these
    import from beside them."""
    files = {use.rpartition(":")[0] for use in uses if ":" in use}
    return sorted({literal(path) for file in files for path in with_neighbours(file)})


def network_code(script, *architectures, **others):
    """What a script uses that builds networks: modules, entries, and files of the user's."""
    names = architectures or [CONFIG.model.architecture]
    known = [name for name in names if name in entries(Network)]
    return [*code(script, network=known, **others), *files_of(names)]


def applied():
    """The conditions whose augmentation is known."""
    return [] if CONFIG.brought else CONFIG.augmented


def training_code(condition, architecture=CONFIG.model.architecture):
    """What a training uses: modules, built-ins, and files of the user's."""
    of = CONFIG.condition(condition)
    used = network_code("train", architecture, augmentation=of.built_ins)
    return [*used, *own_files(condition)]


def templates(*folders):
    """The templates of pages (and what else lies in `folders` of the library), as inputs."""
    files = [file for f in folders or ["report/templates"] for file in SOURCE.glob(f"augcam/{f}/*")]
    return sorted(literal(os.path.relpath(file)) for file in files)


def captions():
    """The captions of figures, as inputs."""
    names = dict.fromkeys(item.caption for item in FIGURES)
    return [literal(os.path.relpath(PROJECT / f"workflow/report/{name}.rst")) for name in names]


def section(name, *keys):
    """A section of the config, or some of its keys, as plain values for `params`."""
    values = getattr(CONFIG, name).model_dump(mode="json", exclude=NOT_BROUGHT.get(name))
    return {key: values[key] for key in keys} if keys else values


def settings(entry):
    """The values of the config that a table or figure takes, by name, for `params`."""
    return {key.rpartition(".")[2]: CONFIG.setting(key) for key in entry.settings}


def network(architecture=CONFIG.model.architecture):
    """What defines a network, for `params`."""
    return CONFIG.network(architecture)


def starting_weights():
    """Where starting weights come from, for `params`; nothing where they are drawn."""
    model = CONFIG.model
    given = {"weights": model.weights, "weights_root": model.weights_root}
    return given if model.weights != "random" else {}


def pretrained_weights():
    """The same for networks that are compared: a file is one network's."""
    return starting_weights() if CONFIG.model.weights == "pretrained" else {}


def weights_file():
    """The file of starting weights, as an input, where the config names one."""
    file = CONFIG.model.weights_file
    return {"weights": literal(file)} if file else {}


def described_weights():
    """Starting weights with what is said of them, as an input, where they are not drawn."""
    state = CONFIG.reference[1]
    return {"initial": INITIAL_WEIGHTS.format(state=state)} if starting_weights() else {}


def normalisation():
    """How inputs are normalised, for `params`; nothing where it is by the data set."""
    given = CONFIG.model.normalisation != "dataset"
    return section("model", "normalisation") if given else {}


def explained_layer(cam_layer=None):
    """Which layer is explained, for `params`: another one where it is given."""
    keys = ["input_size", "cam_layer", *(["cam_grid"] if CONFIG.model.cam_grid else [])]
    values = section("model", *keys)
    return values | {"cam_layer": cam_layer} if cam_layer else values


def brought(model):
    """What the config names for one model, by its `condition` and `state`, as wildcards are."""
    return CONFIG.brought[model.condition][int(model.state)]


def architecture_of(model):
    """The architecture of a model, by its `condition` and `state`; of all, if trained here."""
    own = brought(model).architecture if CONFIG.checkpoints else None
    return own or CONFIG.model.architecture


def frozen():
    """What training leaves as it is, for `params`; nothing where that is nothing."""
    return section("training", "freeze") if CONFIG.training.freeze else {}


def training_of_candidates():
    """`training`, without what names parts of one network."""
    return {key: value for key, value in section("training").items() if key != "freeze"}


def trained_conditions():
    """All conditions with a model; the baseline's, too, where it is no control."""
    return list(dict.fromkeys([*CONFIG.conditions, REFERENCE_CONDITION]))


def network_of_baseline(pattern=NETWORK):
    """What is known of the network, or of the baseline's where models are brought."""
    return pattern.format(condition=REFERENCE_CONDITION, state=REFERENCE_STATE)


def own_layer(wildcards):
    """The layer that a network which is brought is explained at, where it names one."""
    return brought(wildcards).cam_layer if CONFIG.checkpoints else None


def views_of(own_layer):
    """All that each view is, for `params`, of a network with a main layer of its own or without."""
    return {name: look._asdict() for name, look in CONFIG.looks_at(own_layer).items()}


def before_views():
    """What must have gone well before views are tried."""
    return {} if CONFIG.brought else {"rehearsal": f"{OUT}/models/rehearsal.json"}


def explains_baselines_class():
    """Whether a further view explains the class that the baseline predicts."""
    return any(VIEWS[name]["target"] == "baseline" for name in FURTHER_VIEWS)


def files_of_scores():
    """The scores of all models in each further view, where there are scores."""
    pattern = "scores/{view}/{condition}/{state}.parquet"
    return files_of_views(pattern, views=FURTHER_VIEWS) if SCORE_TABLES else []


def target_table():
    """The table of the three targets, which are views of their own, where they are explained."""
    return f"{OUT}/tables/target_changes.parquet" if CONFIG.statistics.targets else []


def histories():
    """The histories of all trainings."""
    return [] if CONFIG.brought else model_files("models/{condition}/{state}/history.parquet")


def model_files(pattern, models=CONFIG.models, view=MAIN):
    """`pattern` filled in with condition and state of every model, and with a view."""
    return [
        f"{OUT}/{pattern}".format(view=view, condition=condition, state=state)
        for condition, state in models
    ]


def files_of_views(pattern, models=CONFIG.models, views=VIEWS):
    """The same for every view, one after another."""
    return [file for view in views for file in model_files(pattern, models, view)]


def orders(states):
    """The training order at each state."""
    shared = ORDER == DATA["order"]
    return [ORDER if shared else ORDER.format(state=state) for state in states]


def explained(condition, state, view=MAIN):
    """What explaining wrote for one model: CAMs and predictions."""
    folder = f"{OUT}/explanations/{view}/{condition}/{state}"
    return [f"{folder}/cams.npz", f"{folder}/predictions.parquet"]


def predictions_of_baseline(wildcards):
    """The baseline's predictions, which all others explain too: not an input of the baseline's own.

    Also where it is not explained, so that switching `statistics.targets` off reruns nothing.
    """
    if (wildcards.condition, int(wildcards.state)) == CONFIG.reference:
        return []
    return explained(*CONFIG.reference)[1]


def table(name):
    """Both files of a table: for programs and for people."""
    return [f"{OUT}/tables/{name}.parquet", f"{OUT}/tables/{name}.csv"]


def every_table():
    names = ["performance", "similarity_mean", "similarity_summary", "excluded_values"]
    names += ["correlation_maps", "extreme_images", "segment_summary"]
    names += ["segment_tests", "claims", "chance", "warnings", *entries(Table)]
    return [file for name in names for file in table(name)]


def figure_files(suffix, *families):
    """The files of the figures of some families."""
    return [f"{OUT}/figures/{item.name}.{suffix}" for item in FIGURES if item.family in families]


def other_files(*families):
    """The same figures in the other formats that are wanted: the report shows PNG."""
    others = [suffix for suffix in CONFIG.figures.formats if suffix != "png"]
    return [file for suffix in others for file in figure_files(suffix, *families)]


def statistic_tables():
    """Names of the tables of the second half of the report."""
    targets = ["target_changes"] if CONFIG.statistics.targets else []
    names = [*EFFECT_TABLES, *DECOUPLED_TABLES, *MODEL_SPACE_TABLES, *BEHAVIOUR_TABLES, *targets]
    names += TREND_TABLES if CONFIG.sweeps else []
    names += ["sanity"] if CONFIG.statistics.sanity else []
    return ["null_levels", *names, *SCORE_TABLES, *CUE_TABLES]


def every_statistic():
    names = [*statistic_tables(), *VIEW_TABLES, "conclusions"]
    return [file for name in names for file in table(name)]


def further_files(baseline, view=MAIN):
    """The distances of every model from a further baseline."""
    pattern = f"similarity/{{view}}/further/{baseline}/{{condition}}/{{state}}.parquet"
    return model_files(pattern, view=view)


def further_states():
    return [state for _, state in CONFIG.baselines[1:]]


def distance_files(views=(MAIN,)):
    """Every metric between every model and every baseline, as inputs; view by view."""
    pattern = "similarity/{view}/{condition}/{state}.parquet"
    return {
        "similarity": files_of_views(pattern, CONFIG.compared, views),
        "further": [
            file for v in views for state in further_states() for file in further_files(state, v)
        ],
    }


def distance_params():
    """What these files hold, for `params`."""
    return {
        "reference": CONFIG.reference,
        "compared": CONFIG.compared,
        "further": [(state, *model) for state in further_states() for model in CONFIG.models],
        "metrics": CONFIG.similarity.metrics,
        "controls": CONFIG.effect_controls,
    }


def faithfulness_files(views):
    """What scores that ask the network say of a sample of images, of every model."""
    pattern = "faithfulness/{view}/{condition}/{state}.parquet"
    return files_of_views(pattern, views=views) if scores_of_networks(CONFIG) else []


def every_figure():
    """All but the comparison of architectures, which is a target of its own."""
    families = {item.family for item in FIGURES} - {"architectures"}
    return figure_files("png", *families) + other_files(*families)


def page_files(family):
    return [f"{OUT}/pages/{item.name}.html" for item in PAGES if item.family == family]


def pictures(family):
    """The figures of a family, one of each kind as it stands in the report."""
    own = [(f"{OUT}/figures/{i.name}.png", i) for i in FIGURES if i.family == family]
    return [entry(path, item) if item in IN_REPORT else path for path, item in own]


def pages(family):
    """The pages of a family, as they stand in the report."""
    return [entry(f"{OUT}/pages/{i.name}.html", i) for i in PAGES if i.family == family]


def entry(path, item):
    """A file that stands in the report: for the output of a rule in `rules/`."""
    place = {"category": SECTIONS[item.section], "subcategory": item.subsection or None}
    return report(path, caption=f"../report/{item.caption}.rst", labels=item.labels, **place)


def targets_files():
    """The maps of three targets of every model, if they are wanted."""
    wanted = CONFIG.statistics.targets and not CONFIG.maps
    return model_files("explanations/{view}/{condition}/{state}/targets.npz") if wanted else []


@cache
def files_of_data():
    """Files that the data set is read from."""
    try:
        return source_files(CONFIG.dataset)
    except AugcamError as error:
        raise WorkflowError(str(error)) from None


def data_files():
    """The same as inputs, so that a changed one is read again."""
    return [path for path in files_of_data() if not contains_wildcard(path)]


@cache
def data_listing():
    """What lies in folders of images, for `params`, so that changed folders are read again; and in
    files that cannot be inputs, as Snakemake would take what stands in braces for a wildcard.

    A job on a cluster, which Snakemake restricts to its own rule, does not look.
    """
    allowed = workflow.dag_settings.allowed_rules
    is_asked = not allowed or any(rule.endswith("prepare_data") for rule in allowed)
    if not is_asked:
        return None
    listing = KIND.contents and KIND.contents(CONFIG.dataset)
    if braced := [Path(path) for path in files_of_data() if contains_wildcard(path)]:
        return [listing, fingerprint_of_files(braced)]
    return listing


def with_check(files):
    """`files` as a function. Snakemake asks for them while it plans, before it decides what has to
    be done: the moment to look for results that came from elsewhere."""

    def checked(wildcards):
        if workflow.is_main_process:
            check_results()
        return files

    return checked


@cache
def check_results():
    """Have results made again that are not what this config would make, where only we can know."""
    for sentence in make_again(workflow, Path(OUT)):
        say(sentence)


def remove_checkpoints():
    """Delete the checkpoints of all trainings that this call needed."""
    for job in workflow.dag.jobs:
        if "checkpoint" in job.params.keys():
            Path(job.params.checkpoint).unlink(missing_ok=True)


def say(text):
    """Say something on the terminal, where there still is one."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr)


def last_words():
    """What to know of the results of this call, which has succeeded."""
    jobs = sorted(workflow.dag.jobs, key=lambda job: job.rule.name != "warnings")
    files = {
        "write_pages": ("Summary", f"{OUT}/pages/summary.html"),
        "warnings": ("Warnings and notes", f"{OUT}/tables/warnings.csv"),
    }
    made = {job.rule.name for job in jobs}
    return done(
        [log for job in jobs for log in job.log],
        dict(file for rule, file in files.items() if rule in made),
    )


def words_of_failure():
    """Why jobs of this call have failed, and where their logs are."""
    jobs = [job for one in workflow.scheduler.failed for job in getattr(one, "jobs", [one])]
    names = ["/".join([job.rule.name, *job.wildcards_dict.values()]) for job in jobs]
    models = [
        (job.wildcards.condition, int(job.wildcards.state))
        for job in jobs
        if job.rule.name in ("train", "explain", "explain_views", "compare")
    ]
    why = failed({name: list(job.log) for name, job in zip(names, jobs)})
    return why + without_failed(CONFIG, models)


def growing(amount):
    """A resource that a job gets, and as much again at each further attempt."""
    return lambda wildcards, attempt: amount * attempt


CALL = []  # the record of this call of Snakemake


def begin_call(log):
    """Record for `make status` that Snakemake runs; its own log is `log`."""
    CALL.append(record_call(Path(f"{OUT}/logs/snakemake.log"), f"Snakemake's own log: {log}"))


def end_call(state):
    """Record how it ended, and whether everything was wanted."""
    for record in filter(None, CALL):
        record.update(state=state, whole=any(job.rule.name == "all" for job in workflow.dag.jobs))


def let_the_scheduler_rest():
    """Snakemake (9.27, its issue 2967) selects jobs again a second after each time it has done so, and
    once more for each job that has ended: after some hundred jobs that alone takes a core. It does so for
    its limit of 100 jobs started a second, which what runs on this machine does not need."""
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def say_what_states_cannot_tell():
    """Say again what the rehearsal of training said when it was made."""
    rehearsal = Path(f"{OUT}/models/rehearsal.json")
    if rehearsal.exists() and (said := note(CONFIG, read_json(rehearsal)["random_layers"])):
        say(said)


def gpus():
    """GPUs that a training or explanation takes (counted by `--resources gpu=N`)."""
    device = CONFIG.execution.device
    return int(device == "cuda" or (device == "auto" and shutil.which("nvidia-smi") is not None))


def gpu_limit():
    """Jobs that may run at once on GPUs (`--resources gpu=N`); 0: no limit, or no GPU here."""
    limit = workflow.global_resources.get("gpu")
    return gpus() * int(getattr(limit, "value", limit) or 0)
