"""Masks in a folder, under the names of their images."""

import pytest
from maskcases import HALF, bad, encoded, prepared

from augcam.data.maskfolders import masks_in_folder
from augcam.errors import AugcamError


def folder_of(folder, *names):
    """A folder of image files; what is called `.json` is text."""
    folder.mkdir()
    for name in names:
        text = name.endswith(".json")
        (folder / name).write_bytes(b'{"shapes": []}' if text else encoded(HALF, kind="PNG"))
    return str(folder)


@pytest.mark.parametrize(
    "images,files,expected",
    [
        (["scan.000", "scan.001"], ["scan.000.png", "scan.png"], None),
        (["scan.000", "scan.001"], ["scan.000.png", "scan.001.png"], [0, 1]),
        (["scan.000", "scan.001"], ["scan.001"], ["", 0]),
        (["scan.000", "scan.png"], ["scan.png"], ["", 0]),
        (["a.jpg", "b.png"], ["a.png", "a.jpg.png", "b.bmp"], [1, 2]),
        (["a.jpg", "b.dat"], ["a.dat", "b.png"], [0, 1]),  # no suffix of an image, but no doubt
        (["01.png"], ["01.json", "01.png"], [1]),
        (["01.png", "02.png"], ["01.json", "02.png"], ["", 1]),
    ],
)
def test_a_mask_in_a_folder_has_the_name_of_its_image(tmp_path, images, files, expected):
    folder = folder_of(tmp_path / "masks", *files)
    if expected is None:
        said = r"scan\.png: it could be the mask of 'scan\.000' and of 'scan\.001'"
        with pytest.raises(AugcamError, match=said):
            masks_in_folder(folder, images)
        return
    found, _ = masks_in_folder(folder, images)
    assert [path and path.name for path in found] == [
        None if place == "" else files[place] for place in expected
    ]


def test_one_mask_for_many_images_that_differ_behind_a_dot_is_refused(tmp_path):
    folder = folder_of(tmp_path / "masks", "scan.png")
    with pytest.raises(AugcamError, match=r"name each mask as the whole image, 'scan\.000\.png'"):
        masks_in_folder(folder, [f"scan.{i:03}" for i in range(12)])


def test_files_beside_masks_that_are_no_images_are_said(tmp_path, rng):
    brought = bad(tmp_path, rng)
    dataset = brought.imagefolder()
    for i in (0, 2):
        (tmp_path / "masks" / "test" / "class0" / f"{i}.json").write_text("{}")
    _, found, said = prepared(dataset, tmp_path)
    assert len(found.image_id) == 6
    names = "test/class0/0.json, test/class0/2.json"
    assert f"masks: 2 files left out of the masks: 2 not an image ({names})." in "\n".join(said)
