"""What names in a config stand for: built-ins, compositions, sweeps, things from elsewhere."""

import pytest

from augcam.config.conditions import built_in_step
from augcam.config.messages import parse_config
from augcam.config.states import remarks
from augcam.errors import AugcamError
from augcam.names import PAPER_AUGMENTATIONS, condition_name, introduce
from augcam.report.colours import condition_colours

FOG = {"use": "my_augmentations.py:Fog", "severity": 3}


def config(*names, **definitions):
    return parse_config({"augmentations": list(names), "augmentation_parameters": definitions})


def steps(name, **definitions):
    return list(config(name, **definitions).condition(name).steps)


def test_a_built_in_has_its_defaults_and_what_is_given():
    assert steps("affine") == [built_in_step("affine")]
    assert steps("affine", affine={"degrees": 15}) == [built_in_step("affine", degrees=15)]


@pytest.mark.parametrize(
    "definition",
    [
        ["elastic", {"affine": {"degrees": 45}}],
        {"steps": ["elastic", {"affine": {"degrees": 45}}], "title": "Both"},
        [{"use": "elastic"}, {"use": "affine", "degrees": 45}],
        [{"elastic": None}, {"affine": {"degrees": 45}}],
    ],
)
def test_a_composition_is_its_steps_in_order(definition):
    assert steps("both", both=definition) == [
        built_in_step("elastic"),
        built_in_step("affine", degrees=45),
    ]


def test_what_is_from_elsewhere_keeps_its_arguments():
    assert steps("fog", fog=FOG) == [{**FOG, "batched": False}]
    assert steps("both", both=["affine", FOG])[1] == {**FOG, "batched": False}


def test_a_built_in_may_be_defined_anew_under_its_own_name():
    path = "torchvision.transforms.v2.RandomAffine"
    assert steps("affine", affine={"use": path, "degrees": 9})[0]["use"] == path


def test_a_sweep_is_one_condition_per_value():
    found = config("turned", turned={"sweep": "affine", "degrees": [5, 15.5], "shear": 0})
    assert found.augmented == ["turned_5", "turned_15.5"]
    assert [c.value for c in found.all_conditions[:2]] == [5, 15.5]
    assert found.condition("turned_5").steps == (built_in_step("affine", degrees=5, shear=0),)


def test_a_sweep_may_vary_what_is_defined_beside_it():
    fogs = config("fogs", fog=FOG, fogs={"sweep": "fog", "severity": [1, 2]})
    assert [c.steps[0]["severity"] for c in fogs.all_conditions[:2]] == [1, 2]
    many = {"sweep": "both", "affine.degrees": [5, 10]}
    both = config("many", both=["elastic", "affine"], many=many)
    assert [c.steps[1]["degrees"] for c in both.all_conditions[:2]] == [5, 10]


def test_a_list_that_is_one_value_is_no_sweep():
    found = config("t", t={"sweep": "affine", "scale": [1, 1.2], "degrees": [5, 10]})
    assert found.augmented == ["t_5", "t_10"]
    ranges = config("t", t={"sweep": "affine", "scale": [[0.9, 1.1], [0.5, 1.5]]})
    assert ranges.augmented == ["t_1", "t_2"]
    assert ranges.condition("t_2").steps[0]["scale"] == [0.5, 1.5]


@pytest.mark.parametrize(
    "names,definitions,sentence",
    [
        (["fog"], {}, "augmentations.0: unknown augmentation 'fog'; known: affine, cutmix,"),
        (["b"], {"b": ["afine"]}, "augmentation_parameters.b.steps.0: unknown augmentation"),
        (
            ["b"],
            {"b": [{"affine": {"degree": 3}}]},
            "augmentation_parameters.b.steps.0.degree: unknown key; did you mean 'degrees'?",
        ),
        (["b"], {"b": []}, "augmentation_parameters.b.steps: list should have at least 1 item"),
        (["b"], {"b": [3]}, "augmentation_parameters.b.steps.0: a step is the name of a built-in"),
        (["b"], {"b": 3}, "augmentation_parameters.b: no built-in has this name; give parameters"),
        (
            ["affine"],
            {"affin": {"degrees": 3}},
            "augmentation_parameters.affin: no built-in has this name (did you mean 'affine'?)",
        ),
        (["b"], {"b": {"use": "fog"}}, "augmentation_parameters.b.use: unknown augmentation 'fog'"),
        (["none"], {"none": ["affine"]}, "augmentation_parameters.none: 'none' has a meaning"),
        (["a/b"], {"a/b": ["affine"]}, "augmentation_parameters.a/b: 'a/b' cannot name"),
        (
            ["b"],
            {"b": ["cutmix", "affine"]},
            "augmentation_parameters.b: 'cutmix' mixes two images, so it must be the last step",
        ),
        (
            ["t"],
            {"t": {"sweep": "affine", "angle": [1, 2]}},
            "augmentation_parameters.t.angle: 'affine' has no parameter 'angle'; known: degrees",
        ),
        (
            ["t"],
            {"t": {"sweep": "affine", "degrees": [1, 200]}},
            "augmentation_parameters.t.degrees: input should be less than or equal to 180 (it is 2",
        ),
        (
            ["t"],
            {"t": {"sweep": "affine", "degrees": [1, 2], "shear": [1, 2]}},
            "augmentation_parameters.t: one parameter must have a list of values, e.g. `degrees: "
            "[5, 15]`; degrees and shear do: name one with `over`",
        ),
        (
            ["t"],
            {"t": {"sweep": "gaussblur", "sigma": [0.1, 2.0]}},
            "augmentation_parameters.t: one parameter must have a list of values, e.g. `degrees: "
            "[5, 15]`; if sigma: [0.1, 2.0] are two values and not one range, say so with `over",
        ),
        (["t"], {"t": {"sweep": "affine"}}, "augmentation_parameters.t: one parameter must have"),
        (
            ["t"],
            {"t": {"sweep": "affine", "degrees": [5, 5]}},
            "augmentation_parameters.t.degrees: a value stands twice",
        ),
        (
            ["t"],
            {"t": {"sweep": "affine", "over": "degrees", "degrees": 5}},
            "augmentation_parameters.t.degrees: a sweep needs a list of two values or more",
        ),
        (["t"], {"t": {"sweep": "fog"}}, "augmentation_parameters.t.sweep: unknown augmentation"),
        (["t"], {"t": {"sweep": "t"}}, "augmentation_parameters.t.sweep: 't' is a sweep itself"),
        (
            ["t"],
            {"both": ["affine", "elastic"], "t": {"sweep": "both", "degrees": [1, 2]}},
            "augmentation_parameters.t.degrees: which step is meant? write affine.degrees",
        ),
        (
            ["t", "t_1"],
            {"t": {"sweep": "affine", "degrees": [1, 2]}, "t_1": ["affine"]},
            "augmentations.1: 't_1' gives the condition 't_1', which is there already (t)",
        ),
        (
            ["affine", "Affine"],
            {"Affine": ["elastic"]},
            "augmentations.1: 'Affine' gives the condition 'Affine', which differs only in case",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(names, definitions, sentence):
    with pytest.raises(AugcamError) as caught:
        config(*names, **definitions)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"config: {sentence}"), line


def test_names_for_people_and_colours_tell_forty_conditions_apart():
    own = {f"own{i}": ["affine"] for i in range(29)}
    sweep = {"turned": {"sweep": "affine", "degrees": [5, 15, 30, 60], "title": "Turned by"}}
    found = config(*PAPER_AUGMENTATIONS, *own, "turned", **own, **sweep)
    colours = condition_colours(found)
    assert len(colours) == len(set(colours.values())) == 42
    assert colours["affine"] == condition_colours(parse_config({}))["affine"]
    introduce({name: (found.titles[name], colour) for name, colour in colours.items()})
    try:
        assert condition_name("turned_5") == "Turned by 5"
        assert (condition_name("own1"), condition_name("affine")) == ("own1", "Affine")
    finally:
        introduce({})


def test_replaced_originals_leave_no_control_of_steps():
    replaced = parse_config({"training": {"augmented": "replaced"}})
    assert replaced.controls == ["none"]
    assert {replaced.images_shown(c) for c in replaced.conditions} == {1}
    assert any("'identity' would equal 'none'" in text for text in remarks(replaced))
    added = parse_config({"training": {"copies": 3}})
    assert added.controls == ["none", "identity"]
    assert {c: added.images_shown(c) for c in ("none", "identity", "affine")} == {
        "none": 1,
        "identity": 4,
        "affine": 4,
    }


def test_what_is_defined_but_not_studied_is_said():
    text = remarks(config("affine", fog=FOG))[-1]
    assert text.startswith("augmentation_parameters defines 'fog', which augmentations does not")
    (of_claims,) = remarks(config("t", both=["affine"], t={"sweep": "both", "degrees": [1, 2]}))
    assert of_claims.endswith("this run has none; they say nothing about 't_1' and 't_2'.")
    assert remarks(parse_config({})) == []
