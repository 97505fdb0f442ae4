"""Image files become pixels: what a viewer shows of them, or a sentence."""

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from imagecases import CASES
from imagefiles import GREY, RGB, RGB_ALPHA, png, tiff

from augcam.data.decoding import decode_image
from augcam.errors import BrokenImage

# Silent, without a network, without the computer's own colours.
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--force-color-profile=srgb", "--dump-dom"]  # fmt: skip
SCRIPT = """<script>
function read(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  pen.fillStyle = "#ffffff"; pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  return [canvas.height, canvas.width, Array.from(pixels)];
}
function readAll() {
  const found = Array.from(document.images).map(image => image.naturalWidth ? read(image) : null);
  document.body.innerHTML = "<pre id=found>" + JSON.stringify(found) + "</pre>";
}
</script>"""


@pytest.fixture(scope="module")
def in_chromium(tmp_path_factory):
    """What Chromium shows of each case that browsers show: name → uint8 (H, W, 3)."""
    if not shutil.which("chromium"):
        pytest.skip("needs Chromium")
    folder = tmp_path_factory.mktemp("chromium")
    names = [name for name, case in CASES.items() if case.in_browsers]
    # The type does not matter: browsers go by the content, too.
    sources = (base64.b64encode(CASES[name].content).decode() for name in names)
    images = "".join(f'<img src="data:image/png;base64,{source}">' for source in sources)
    page = folder / "page.html"
    page.write_text(f'{SCRIPT}<body onload="readAll()">{images}</body>', encoding="utf-8")
    command = [*CHROMIUM, f"--user-data-dir={folder / 'user'}", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    found = json.loads(re.search('<pre id="found">(.*?)</pre>', shown, re.DOTALL).group(1))
    return {
        name: np.array(pixels, np.uint8).reshape(height, width, 4)[..., :3]
        for name, (height, width, pixels) in zip(names, found)
    }


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_what_a_viewer_shows(name):
    case = CASES[name]
    picture = decode_image(case.content, "file")
    assert picture.pixels.dtype == np.uint8
    np.testing.assert_allclose(picture.pixels.astype(int), case.seen, rtol=0, atol=case.tolerance)
    assert picture.changes == case.changes


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.in_browsers])
def test_chromium_shows_the_same(name, in_chromium):
    tolerance = max(1, CASES[name].tolerance)
    ours = decode_image(CASES[name].content, "file").pixels.astype(int)
    np.testing.assert_allclose(in_chromium[name], ours, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["PNG, RGB and opacity, 8 bits", "PNG, grey with a key, 4 bits"])
def test_opacity_is_before_the_ground_that_was_asked_for(name):
    """Black, white and a mixture tell the opacity of each pixel, the same by each pair of them."""
    content, ground = CASES[name].content, np.array([255, 0, 128])
    on_black, on_white, mixed = (
        decode_image(content, "a.png", each).pixels.astype(int)
        for each in ((0, 0, 0), (255, 255, 255), tuple(ground.tolist()))
    )
    expected = on_black + (on_white - on_black) * ground / 255
    assert (on_white != on_black).any() and (mixed != on_white).any()
    np.testing.assert_allclose(mixed, expected, rtol=0, atol=1.5)


def test_what_is_wholly_transparent_is_ground_whatever_colours_it_hides():
    hidden = np.full((4, 6, 4), 77) * (1, 1, 1, 0)
    picture = decode_image(png(hidden, 8, RGB_ALPHA), "a.png", (1, 2, 3))
    assert (picture.pixels == (1, 2, 3)).all()
    assert picture.changes == ("alpha", "invisible")


def test_opacity_that_is_full_changes_nothing():
    samples = np.random.default_rng(1).integers(0, 256, (4, 6, 4))
    samples[..., 3] = 255
    picture = decode_image(png(samples, 8, RGB_ALPHA), "a.png", (1, 2, 3))
    np.testing.assert_array_equal(picture.pixels, samples[..., :3])
    assert picture.changes == ()


def test_twelve_bits_stored_in_sixteen_are_said_to_be_dark():
    samples = np.random.default_rng(1).integers(0, 4096, (4, 6, 1))
    assert decode_image(png(samples, 16, GREY), "a.png").changes == ("depth", "dark")
    assert decode_image(png(samples << 4, 16, GREY), "a.png").changes == ("depth",)


@pytest.mark.parametrize("comment", [b"", b"# 9 9 9\n"])
@pytest.mark.parametrize("maximum,changes", [(255, ()), (1023, ("depth",)), (65535, ("depth",))])
def test_deep_ppm_is_counted_in_colour_too(comment, maximum, changes):
    values = np.random.default_rng(1).integers(0, maximum + 1, (4, 6, 3))
    data = values.astype(">u2" if maximum > 255 else "u1").tobytes()
    content = b"P6\n" + comment + b"6 4\n" + comment + b"%d\n" % maximum + data
    picture = decode_image(content, "a.ppm")
    assert picture.changes == changes
    np.testing.assert_allclose(picture.pixels, values / maximum * 255, atol=1)


SAME_SHADE = np.random.default_rng(1).integers(0, 256, (4, 6, 1)).repeat(3, axis=2)


@pytest.mark.parametrize("one_channel", [True, False])
def test_grey_is_a_matter_of_pixels(one_channel):
    content = png(SAME_SHADE[..., :1], 8, GREY) if one_channel else png(SAME_SHADE, 8, RGB)
    picture = decode_image(content, "a.png")
    assert (picture.grey, picture.one_channel) == (True, one_channel)
    assert not decode_image(png(SAME_SHADE ^ (0, 0, 1), 8, RGB), "a.png").grey


VALUES = np.zeros((4, 6, 3))
HEIC = b"\0\0\0\x18ftypheic" + bytes(50)
REFUSED = {
    "float": (tiff(VALUES[..., :1], 32, 1, sample_format=3), "floating-point numbers, so that"),
    "signed": (tiff(VALUES[..., :1], 16, 1, sample_format=2), "its values are signed, so that"),
    "32 bits": (tiff(VALUES[..., :1].astype(int), 32, 1), "its values are of more than 16 bits"),
    "float in colour": (tiff(VALUES, 32, sample_format=3), "it is a TIFF that is damaged, or has"),
    "32 bits in colour": (tiff(VALUES.astype(int), 32), "it is a TIFF that is damaged, or has"),
    "PFM": (b"Pf 2 2 -1.0\n" + bytes(16), "floating-point numbers"),
    "preview": (tiff(VALUES.astype(int), tags={254: (4, [1])}), "its first picture is a preview"),
    "HEIC": (HEIC, "it is HEIC; convert it to PNG or JPEG"),
    "PDF": (b"%PDF-1.7\n" + bytes(99), "it is PDF; convert it to PNG or JPEG"),
    "PSD": (b"8BPS\0\1" + bytes(99), "it is PSD; convert it"),
    "ICO": (b"\0\0\1\0\1\0" + bytes(99), "it is ICO; convert it"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "it is EPS; convert it"),
    "DICOM": (bytes(128) + b"DICM" + bytes(99), "it is DICOM; convert it"),
    "EXR": (b"v/1\1" + bytes(99), "it is OpenEXR; convert it"),
    "web page": (b"\n<!DOCTYPE html><html>Not found</html>", "it is a web page"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    "nothing": (b"", "the file is empty"),
    "text": (b"this is no image", "its content is no image"),
    "cut off": (CASES["PNG, RGB, 8 bits"].content[:-40], "cannot be decoded"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shown_is_refused_in_a_sentence(name):
    content, reason = REFUSED[name]
    with pytest.raises(BrokenImage, match=r"^a\.jpg: the image cannot be decoded \(") as caught:
        decode_image(content, "a.jpg")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value) and " at 0x" not in str(caught.value)
