"""Composed images: what is drawn, how often, and independently of what; their masks; bad values."""

import colorsys
import gzip
import pickle

import numpy as np
import pandas as pd
import pytest
from imagesets import assert_refused, prepared
from PIL import Image
from scipy.stats import binom, chisquare
from sklearn.datasets import load_digits, load_sample_images

from augcam.config.messages import parse_config
from augcam.config.schema import Dataset, Split
from augcam.data import silhouettes
from augcam.data.composed import composed
from augcam.data.masks import read_masks
from augcam.data.store import prepare
from augcam.errors import AugcamError

NOTHING, OBJECT, CUE, DISTRACTOR = range(4)
SOME = range(0, 1797, 90)


def made(**keys):
    """A composed data set: digits on photographs with a patch, or with other keys."""
    keys = {"background": "photographs", "cue": {"kind": "patch"}} | keys
    return composed(Dataset(name="composed", **keys))


def pixels(source, i):
    return source.decode(i).pixels.astype(int)


def patch(source, i):
    """The pixels of image i that are cue, by its mask, as (side·side, 3)."""
    return pixels(source, i)[source.mask(i) == CUE]


# -------------------------------------------------------------------------------- independence

OTHER_CUES = [{"kind": "patch", "train": 0.3, "test": 1}, {"kind": "none"}]
OTHER_BACKGROUNDS = ["noise", "textures", "black"]


@pytest.mark.parametrize("cue", OTHER_CUES)
def test_another_cue_leaves_object_background_and_split(cue):
    first, second = made(), made(cue=cue)
    np.testing.assert_array_equal(first.splits, second.splits)
    for i in SOME:
        same = first.mask(i) != CUE
        np.testing.assert_array_equal(pixels(first, i)[same], pixels(second, i)[same])
    assert sum((pixels(first, i) != pixels(second, i)).any() for i in SOME) > len(SOME) / 4


@pytest.mark.parametrize("background", OTHER_BACKGROUNDS)
def test_another_background_leaves_object_cue_and_split(background):
    first, second = made(), made(background=background)
    np.testing.assert_array_equal(first.splits, second.splits)
    np.testing.assert_array_equal(first.cues, second.cues)
    for i in SOME:
        np.testing.assert_array_equal(first.mask(i), second.mask(i))
        # Edges of the object let the background through.
        same = (first.mask(i) == CUE) | (pixels(first, i).min(axis=2) == 255)
        np.testing.assert_allclose(pixels(first, i)[same], pixels(second, i)[same], atol=1)
        assert (pixels(first, i) != pixels(second, i)).any()


def test_another_kind_of_cue_leaves_the_object_and_whose_cue_it_is():
    first = made()
    for kind in ("background", "texture"):
        second = made(cue={"kind": kind})
        np.testing.assert_array_equal(first.cues, second.cues)
        for i in SOME:
            np.testing.assert_array_equal(first.mask(i) == OBJECT, second.mask(i) == OBJECT)


def test_distractors_lie_behind_everything_and_change_nothing_else():
    none, two = made(), made(distractors=2)
    for i in SOME:
        before, after = none.mask(i), two.mask(i)
        np.testing.assert_array_equal(after[before == CUE], CUE)
        np.testing.assert_array_equal(after[before == OBJECT], OBJECT)
        elsewhere = after == NOTHING
        np.testing.assert_array_equal(pixels(none, i)[elsewhere], pixels(two, i)[elsewhere])
    assert np.mean([(two.mask(i) == DISTRACTOR).any() for i in SOME]) > 0.8


def test_a_larger_share_adds_to_the_cues_of_a_smaller_one():
    few, many = (made(cue={"kind": "patch", "train": share}) for share in (0.6, 0.9))
    own = few.cues == few.labels
    assert own.sum() < (many.cues == many.labels).sum()
    differ = few.cues != many.cues
    assert (many.cues == many.labels)[differ].all()


def test_cue_background_place_and_object_do_not_go_with_each_other():
    """Where the cue says nothing, hue, corner, photograph and class are pairwise independent."""
    source = made(cue={"kind": "patch", "train": 0})
    corners = []
    for i in range(600):
        rows, columns = np.nonzero(source.mask(i) == CUE)
        corners.append(2 * (rows.min() > 0) + (columns.min() > 0))
    drawn = {
        "label": (source.labels[:600], 10),
        "cue": (source.cues[:600], 10),
        "corner": (np.array(corners), 4),
    }
    names = list(drawn)
    for k, a in enumerate(names):
        for b in names[k + 1 :]:
            (x, n), (y, m) = drawn[a], drawn[b]
            counts = np.bincount(x * m + y, minlength=n * m).astype(float)
            table = counts.reshape(n, m)
            expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
            p = chisquare(counts, expected.ravel(), ddof=n + m - 2).pvalue
            assert p > 1e-3, (a, b)


def test_the_same_seed_gives_the_same_images_and_another_one_others():
    first, again, other = made(), made(), made(seed=1)
    for i in SOME:
        np.testing.assert_array_equal(pixels(first, i), pixels(again, i))
        assert (pixels(first, i) != pixels(other, i)).any()
    np.testing.assert_array_equal(first.cues, again.cues)
    assert (first.splits != other.splits).any()


# -------------------------------------------------------------------------------------- the cue


@pytest.mark.parametrize("train, test", [(0.9, 0.0), (0.6, 1.0), (1.0, 0.5), (0.0, 0.0)])
@pytest.mark.parametrize("kind", ["patch", "background", "texture"])
def test_the_cue_is_the_classs_in_the_share_that_is_asked_for(kind, train, test):
    source = made(cue={"kind": kind, "train": train, "test": test})
    own = source.cues == source.labels
    for part, share in (("train", train), ("test", test)):
        of = own[source.splits == part]
        expected = share + (1 - share) / 10  # drawn from all classes, the own one included
        low, high = binom.ppf([1e-4, 1 - 1e-4], len(of), expected)
        assert low <= of.sum() <= high


def test_cues_that_are_not_the_classs_are_drawn_from_all_classes_alike():
    source = made(cue={"kind": "patch", "train": 0})
    assert chisquare(np.bincount(source.cues, minlength=10)).pvalue > 1e-3


def test_the_patch_has_the_hue_of_its_class_and_covers_no_object():
    source, without = made(), made(cue={"kind": "none"})
    for i in SOME:
        colour = np.multiply(colorsys.hsv_to_rgb(source.cues[i] / 10, 1, 1), 255)
        found = patch(source, i)
        assert len(found) == 4 * 4
        np.testing.assert_allclose(found, np.broadcast_to(colour, found.shape), atol=0.5)
        rows, columns = np.nonzero(source.mask(i) == CUE)
        assert {rows.min(), rows.max()} in ({0, 3}, {28, 31})
        assert {columns.min(), columns.max()} in ({0, 3}, {28, 31})
        np.testing.assert_array_equal(source.mask(i) == OBJECT, without.mask(i) == OBJECT)


@pytest.mark.slow
@pytest.mark.parametrize("background", ["photographs", "noise", "textures"])
def test_backgrounds_as_cues_tell_classes_apart_and_others_do_not(background):
    """A nearest mean on what is no object knows the class from the background, where it goes
    along, and only there."""
    right = {}
    for kind in ("background", "patch"):
        source = made(background=background, cue={"kind": kind, "train": 1, "test": 1})
        features = []
        for i in range(800):
            grey = pixels(source, i).astype(float)
            spectrum = np.abs(np.fft.fft2(grey[:, :4].mean(axis=2), axes=(0,)))[1:12].mean(axis=1)
            features.append(
                [*grey[4:28, :4].mean((0, 1)), *grey[4:28, 28:].mean((0, 1)), *spectrum]
            )
        features, labels = np.array(features), source.labels[:800]
        features /= features.std(axis=0)
        means = np.stack([features[:400][labels[:400] == k].mean(0) for k in range(10)])
        nearest = ((features[400:, None] - means) ** 2).sum(2).argmin(1)
        right[kind] = (nearest == labels[400:]).mean()
    assert right["background"] > 0.35
    assert right["patch"] < 0.25


def test_a_texture_fills_the_object_and_nothing_else():
    source, plain = made(cue={"kind": "texture", "train": 1}), made(cue={"kind": "none"})
    for i in SOME:
        np.testing.assert_array_equal(source.mask(i), plain.mask(i))
        outside = plain.mask(i) == NOTHING
        np.testing.assert_array_equal(pixels(source, i)[outside], pixels(plain, i)[outside])
        inside = pixels(plain, i).min(axis=2) == 255
        levels = pixels(source, i)[inside]
        assert levels.min() >= 0.6 * 255 - 1
        assert np.ptp(levels) > 50
    # One class, one grating: the same direction and width, whatever the phase.
    assert {CUE} & set(np.unique(source.mask(0))) == set()


# -------------------------------------------------------------------------- objects, backgrounds


def test_objects_are_scikit_learns_digits_each_once():
    source = made(background="black", cue={"kind": "none"}, size=64)
    digits = load_digits()
    np.testing.assert_array_equal(source.labels, digits.target)
    assert source.class_names == [str(i) for i in range(10)]
    for i in SOME:
        rows, columns = np.nonzero(source.mask(i) == OBJECT)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        shown = Image.fromarray(source.decode(i).pixels[..., 0]).crop(box).resize((32, 32))
        inked = np.nonzero(digits.images[i] > 4)
        wanted = digits.images[i][
            inked[0].min() : inked[0].max() + 1, inked[1].min() : inked[1].max() + 1
        ]
        wanted = Image.fromarray(np.uint8(wanted * 15.9)).resize((32, 32))
        r = np.corrcoef(np.asarray(shown, float).ravel(), np.asarray(wanted, float).ravel())[0, 1]
        assert r > 0.7


def test_a_quarter_of_each_class_is_for_testing():
    source = made()
    for label in range(10):
        of_class = source.splits[source.labels == label]
        assert (of_class == "test").mean() == pytest.approx(0.25, abs=0.01)
    assert any("split.test_fraction is not used" in note["text"] for note in source.notes)


def test_photographs_are_crops_of_scikit_learns():
    """Without object and patch each image is somewhere in one of the two, at 60 % of its light."""
    source = made(cue={"kind": "none"}, size=64)
    photographs = [0.6 * p.astype(float) for p in load_sample_images().images]
    colours = [p.reshape(-1, 3) for p in photographs]
    seen = set()
    for i in SOME:
        ground = pixels(source, i)[source.mask(i) == NOTHING]
        assert ground.max() <= 153
        distance = [np.abs(np.median(ground, 0) - c).sum(1).min() for c in colours]
        assert min(distance) < 12
        seen.add(int(np.argmin(distance)))
    assert seen == {0, 1}


def test_plain_backgrounds_have_the_colour_at_60_percent():
    source = made(background="#ff8000", cue={"kind": "none"})
    ground = pixels(source, 0)[source.mask(0) == NOTHING]
    np.testing.assert_array_equal(ground, np.broadcast_to([153, 77, 0], ground.shape))


def test_less_opaque_objects_let_the_background_through():
    """Half way between background and full object at opacity .5; nothing else changes."""
    ground = made(background="black", cue={"kind": "none"})
    full, half = made(background="teal"), made(background="teal", opacity=0.5)
    for i in SOME:
        mask = full.mask(i)
        np.testing.assert_array_equal(mask, half.mask(i))
        inner = pixels(ground, i).min(axis=2) == 255
        np.testing.assert_allclose(
            pixels(half, i)[inner], [[127.5, 165.9, 165.9]] * inner.sum(), atol=1
        )
        np.testing.assert_array_equal(
            pixels(half, i)[mask != OBJECT], pixels(full, i)[mask != OBJECT]
        )


def test_a_grey_picture_says_so():
    grey = made(background="black", cue={"kind": "none"})
    assert grey.decode(0).grey
    assert not made().decode(0).grey


@pytest.mark.parametrize("size", [24, 31, 32, 100])
def test_all_sizes_have_their_parts(size):
    source = made(size=size, distractors=3, background="noise")
    for i in SOME:
        assert source.decode(i).pixels.shape == (size, size, 3)
        assert (source.mask(i) == CUE).sum() == (size // 8) ** 2
        assert (source.mask(i) == OBJECT).sum() > size


@pytest.mark.parametrize("opacity", [1, 0.4, 0.2])
def test_masks_hold_exactly_what_differs_from_the_background(opacity):
    for background, colour in (("black", [0, 0, 0]), ("white", [153] * 3), ("lime", [0, 153, 0])):
        source = made(background=background, distractors=1, opacity=opacity)
        for i in SOME:
            differs = (pixels(source, i) != colour).any(axis=2)
            np.testing.assert_array_equal(source.mask(i) != NOTHING, differs)


# ------------------------------------------------------------------------------------- animals


def animal_package(folder, images, labels):
    """The package animal-mnist as it is on disk, in a folder."""
    data = folder / "animal_mnist" / "data" / "Animal_MNIST"
    data.mkdir(parents=True)
    (folder / "animal_mnist" / "__init__.py").write_text("raise ImportError('TensorFlow')")
    for name, array in (("data", images), ("label", labels)):
        content = gzip.compress(pickle.dumps(array, protocol=4), 1)
        (data / f"animal_{name}_version_3.gz").write_bytes(content)


@pytest.fixture
def animals(tmp_path, monkeypatch):
    images = np.zeros((10_000, 28, 28), np.uint8)
    images[:, 4:24, 10:18] = 255
    images[:, 0, 0] = np.arange(10_000) % 256
    labels = np.repeat(np.arange(10), 1000)
    animal_package(tmp_path, images, labels)
    monkeypatch.syspath_prepend(tmp_path)
    return images, labels


def test_silhouettes_are_read_without_importing_or_unpickling(animals, monkeypatch):
    def refuse(*_):
        raise AssertionError("unpickled")

    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    images, labels = silhouettes.silhouettes()
    np.testing.assert_array_equal(images, animals[0])
    np.testing.assert_array_equal(labels, animals[1])
    source = made(objects="animals", size=28)
    assert source.class_names[0] == "bear"
    assert len(source.labels) == 10_000
    assert source.decode(0).pixels.shape == (28, 28, 3)


@pytest.mark.parametrize(
    "content",
    [
        np.zeros((100, 28, 28), np.uint8),
        np.zeros((10_000, 28, 28), np.int16),
        np.zeros((10_000, 784), np.uint8),
        {"a": 1},
    ],
)
def test_other_silhouettes_are_refused_by_name(tmp_path, monkeypatch, content):
    animal_package(tmp_path, content, np.repeat(np.arange(10), 1000))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AugcamError, match=r"animal_data_version_3\.gz: .*no array of 10000×28×28"):
        silhouettes.silhouettes()


def test_without_the_package_a_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(AugcamError) as caught:
        silhouettes.silhouettes()
    (line,) = str(caught.value).splitlines()
    assert line.endswith("uv pip install --python .venv/bin/python --no-deps animal-mnist==0.4")


# ------------------------------------------------------------------------------------ the store


def with_masks(folder, **keys):
    """The store of a composed data set, with its masks."""
    paths = [folder / n for n in ("images.npy", "index.parquet", "order.npy", "stats.json")]
    keys = {"background": "photographs", "cue": {"kind": "patch"}, "train_limit": 120} | keys
    dataset = Dataset(name="composed", test_limit=30, **keys)
    prepare(dataset, Split(), *paths, masks_path=folder / "masks.npz", say=str)
    return np.load(paths[0]), read_masks(folder / "masks.npz"), dataset


def test_masks_are_those_of_the_test_images(tmp_path):
    images, masks, dataset = with_masks(tmp_path, distractors=1)
    source = composed(dataset)
    assert masks.names == ("nothing", "object", "cue", "distractor")
    assert masks.mask.dtype == np.uint8
    assert masks.mask.shape == (30, 32, 32)
    assert len(masks.image_id) == 30
    index = pd.read_parquet(tmp_path / "index.parquet").set_index("image_id")
    for image_id, mask in zip(masks.image_id, masks.mask):
        i = source.names.index(index.loc[image_id, "source"])
        assert source.splits[i] == index.loc[image_id, "split"] == "test"
        np.testing.assert_array_equal(images[image_id], source.decode(i).pixels)
        np.testing.assert_array_equal(mask, source.mask(i))


def test_masks_follow_their_images_to_another_size(tmp_path):
    small = with_masks(tmp_path / "a", background="black")
    large = with_masks(tmp_path / "b", background="black", image_size=64)
    assert large[0].shape[1:] == (64, 64, 3)
    np.testing.assert_array_equal(large[1].mask, small[1].mask.repeat(2, 1).repeat(2, 2))


def test_the_index_says_whose_cue_an_image_has(tmp_path):
    keys = {"background": "black", "train_limit": 120, "test_limit": 30}
    cue = {"kind": "patch", "train": 1, "test": 1}
    _, index, _, stats = prepared(tmp_path / "a", name="composed", cue=cue, **keys)
    np.testing.assert_array_equal(index["cue"], index["label"])
    assert stats["counts"]["test"]["3"] == 3
    _, index, _, _ = prepared(tmp_path / "b", name="composed", **keys)
    assert "cue" not in index


def test_the_same_config_gives_the_same_files(tmp_path):
    with_masks(tmp_path / "a")
    with_masks(tmp_path / "b")
    for name in ("images.npy", "index.parquet", "masks.npz", "stats.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_too_large_limits_are_refused(tmp_path):
    options = {"name": "composed", "test_limit": 1000}
    assert_refused(tmp_path, "dataset.test_limit: 1000 images are", prepared, **options)


# ----------------------------------------------------------------------------------- bad values

BAD = {
    "dataset.cue.train: input should be less than or equal to 1": {"cue": {"train": 1.2}},
    "dataset.cue.test: input should be greater than or equal to 0": {"cue": {"test": -0.1}},
    "dataset.cue.kind: unknown value 'colour'": {"cue": {"kind": "colour"}},
    "dataset.cue.tran: unknown key; did you mean 'train'?": {"cue": {"tran": 0.9}},
    "dataset.cue: keys with values are needed (it is 'patch')": {"cue": "patch"},
    "dataset.cue: it says how often": {"cue": {"train": 0.5}},
    "dataset.cue.kind: the background '#008080' is the same for all": {
        "cue": {"kind": "background"},
        "background": "teal",
    },
    "dataset.objects: unknown value 'animal'; did you mean 'animals'?": {"objects": "animal"},
    "dataset.background: unknown colour 'photograph'": {"background": "photograph"},
    "dataset.size: input should be greater than or equal to 24 (it is 8)": {"size": 8},
    "dataset.opacity: input should be greater than or equal to 0.2": {"opacity": 0.1},
    "dataset.distractors: input should be greater than or equal to 0": {"distractors": -1},
    "dataset.name: 'composed' does not read dataset.train": {"train": "photos"},
    "dataset.name: 'digits' does not read dataset.cue": {
        "name": "digits",
        "cue": {"kind": "patch"},
    },
    "dataset.background: 'noise' is for dataset.name 'composed'": {
        "name": "digits",
        "background": "noise",
    },
}


@pytest.mark.parametrize("line", BAD)
def test_bad_values_are_one_sentence(line):
    with pytest.raises(AugcamError) as caught:
        parse_config({"dataset": {"name": "composed"} | BAD[line]})
    (said,) = str(caught.value).splitlines()
    assert said.startswith(f"config: {line}")
