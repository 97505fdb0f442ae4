"""Results that were copied, renamed or replaced are noticed by the records of the jobs."""

import os
import shutil

import pytest
from projects import handed_to_script

from augcam.files.arrays import write_arrays
from augcam.run.job import job
from augcam.run.origins import check, give_one_time, origins, settings

CAM = {"cam": {"method": "gradcam", "target": "predicted"}, "input_size": 16}
CAMS = "explanations/main/affine/1/cams.npz"
TABLE = "tables/performance.csv"


@pytest.fixture
def experiment(tmp_path, rng):
    """The results of two jobs, made as jobs make them."""
    folder = tmp_path / "results" / "a"
    code = tmp_path / "code.py"
    code.write_text("x = 1\n")
    weights = folder / "models/affine/1/weights.safetensors"
    explain(folder, rng, params=CAM, input={"weights": str(weights), "code": [str(code)]})
    log = folder / "logs" / "performance.log"
    with job(handed_to_script(log, [folder / TABLE], "performance")):
        (folder / TABLE).parent.mkdir()
        (folder / TABLE).write_text("accuracy\n0.5\n")
    return folder


def explain(folder, rng, **handed):
    path, log = folder / CAMS, folder / "logs/explain/affine.log"
    with job(handed_to_script(log, [path], "explain", wildcards={"condition": "affine"}, **handed)):
        write_arrays(path, cam=rng.normal(size=(4, 2, 2)), method="gradcam")


def checked(folder, params=CAM, code="x = 1\n", weights="weights", known=False, made=True):
    """What is noticed where the config says `params`; Snakemake knows all files, or none."""
    file = folder.parents[1] / "code_now.py"
    file.write_text(code)
    inputs = [f"{folder}/models/affine/1/{weights}.safetensors", "elsewhere.txt"]

    def current(rule, wildcards):
        if rule == "performance":
            return settings(folder, [], [], [])
        assert (rule, wildcards) == ("explain", {"condition": "affine"})
        return settings(folder, params.items(), inputs, [file])

    def known_time(name):
        return 1.0 if known else None  # another time than any file has

    return check(folder, lambda name: made, known_time, current)


def changed(**cam):
    return CAM | {"cam": CAM["cam"] | cam}


def copy_of(folder):
    return shutil.copytree(folder, folder.with_name("b"), copy_function=shutil.copyfile)


def test_a_copy_that_is_what_its_records_say_is_taken(experiment):
    for folder in (experiment, copy_of(experiment)):
        assert checked(folder).foreign == {}
    moved = experiment.rename(experiment.with_name("c"))
    assert checked(moved) == ({}, [CAMS, TABLE])
    assert checked(moved, known=True) == ({}, [])


@pytest.mark.parametrize(
    "now,reason",
    [
        (
            {"params": changed(method="hirescam")},
            "it was made with cam.method 'gradcam', which now is 'hirescam'",
        ),
        (
            {"params": CAM | {"layers": ["a name that is quite long"] * 9}},
            "it was made with another value of layers",
        ),
        ({"params": {}}, "it was made with cam.method 'gradcam', which now is None"),
        ({"code": "x = 2\n"}, "it was made by other code"),
        (
            {"weights": "others"},
            "it was made from other files (models/affine/1/others.safetensors)",
        ),
    ],
)
def test_a_copy_that_the_config_would_not_make_is_made_again(experiment, now, reason):
    copy = copy_of(experiment)
    assert checked(copy, **now).foreign == {CAMS: reason}
    # Where Snakemake has a record of its own, and where no rule makes the file, there is no need.
    assert checked(copy, **now, known=True).foreign == {}
    assert checked(copy, **now, made=False).foreign == {}


def test_the_place_of_a_file_is_no_setting(tmp_path):
    named = settings(tmp_path, [("checkpoint", f"{tmp_path}/checkpoint"), ("seed", 1)], [], [])
    assert named.params == {"seed": 1}


def test_a_file_that_another_was_copied_over_is_made_again(experiment, tmp_path, rng):
    """Also where Snakemake has a record: it goes by the path. What no step reads may be edited."""
    other = tmp_path / "results" / "other"
    explain(other, rng)
    shutil.copyfile(other / CAMS, experiment / CAMS)
    (experiment / TABLE).write_text("my own numbers\n")
    expected = {CAMS: "it is not the file that was made here"}
    assert checked(experiment, known=True).foreign == expected
    shutil.copystat(other / CAMS, experiment / CAMS)  # as `cp -p` and `rsync -a` do
    assert checked(experiment, known=True).foreign == expected


def test_files_without_a_record_are_made_again_unless_snakemake_has_one(experiment):
    copy = experiment.with_name("b")
    shutil.copytree(experiment / "explanations", copy / "explanations")
    (copy / "explanations/main/affine/1/.cams.host-1.partial.npz").touch()
    expected = {CAMS: "no job has a record of it"}
    assert checked(copy).foreign == expected
    assert checked(copy, known=True).foreign == {}
    shutil.copytree(experiment / "logs", copy / "logs")
    assert checked(copy).foreign == {}
    record = copy / "logs/explain/affine.json"
    record.write_text(record.read_text().replace("gradcam", "hirescam"))  # damaged: as if absent
    assert checked(copy).foreign == expected


def test_a_file_of_the_time_at_which_snakemake_saw_it_is_not_opened(experiment):
    """What is damaged there is named by the step that reads it."""
    before = (experiment / CAMS).stat()
    (experiment / CAMS).write_bytes(b"")
    os.utime(experiment / CAMS, ns=(before.st_mtime_ns, before.st_mtime_ns))
    found = check(experiment, lambda name: True, lambda name: before.st_mtime, lambda *job: None)
    assert CAMS not in found.foreign


def test_copied_files_get_one_time_that_lasts(experiment):
    os.utime(experiment / CAMS, (1, 1))
    os.utime(experiment / TABLE, (2, 2))
    found = checked(experiment)
    assert found == ({}, [CAMS, TABLE])
    give_one_time(experiment, found.copied)
    times = [(experiment / name).stat().st_mtime_ns for name in found.copied]
    assert times[0] == times[1] > 2e9
    give_one_time(experiment, checked(experiment).copied)
    assert [(experiment / name).stat().st_mtime_ns for name in found.copied] == times


def test_a_job_that_fails_leaves_no_record_and_one_without_files_neither(tmp_path):
    log = tmp_path / "a" / "logs" / "explain.log"
    with pytest.raises(ZeroDivisionError), job(handed_to_script(log, ["never"])):
        _ = 1 / 0
    with job(handed_to_script(log)):
        print("estimated")
    assert origins(tmp_path / "a") == {}


def test_every_script_is_recorded():
    from conftest import ROOT

    for script in ROOT.glob("workflow/scripts/*.py"):
        assert "with job(snakemake)" in script.read_text(), script


def test_large_files_are_told_apart_by_their_ends(tmp_path, rng):
    """Where only the middle differs the checksum at the end does, as in all formats of ours."""
    made, values = [], rng.normal(size=200_000)
    for middle in (0.0, 1.0):
        folder = tmp_path / str(middle)
        values[100_000] = middle
        log = folder / "logs" / "x.log"
        with job(handed_to_script(log, [folder / "x.npz"])):
            write_arrays(folder / "x.npz", x=values)
        made.append(origins(folder)["x.npz"].files["x.npz"])
    assert made[0] != made[1]
