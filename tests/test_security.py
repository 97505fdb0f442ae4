"""What users and their files may not do: run code, fill the memory, or write outside results/."""

import io
import pickle
import re
import struct
import zlib

import pytest
from conftest import ROOT

from augcam.config.messages import parse_config
from augcam.config.schema import Dataset
from augcam.data.decoding import decode_image
from augcam.data.kinds.cifar10 import read
from augcam.errors import AugcamError

OURS = [*ROOT.glob("src/**/*.py"), *ROOT.glob("workflow/**/*.py"), *ROOT.glob("workflow/**/*.smk")]
FORBIDDEN = {
    "pickle": r"\b(c?[Pp]ickle|joblib|shelve|marshal)\b",
    "torch.load that unpickles": r"torch\.load\((?!.*weights_only=True)",
    "np.load that unpickles": r"allow_pickle=True",
    "evaluated text": r"(?<![\w.])(eval|exec)\(",
    "unsafe YAML": r"yaml\.(unsafe_load|load)\(",
    "a shell": r"shell=True|os\.system\(|os\.popen\(",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_code_of_ours_uses(what):
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in OURS
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(FORBIDDEN[what], line)
    ]
    assert not found


def png(width, height):
    """A PNG of a few bytes that claims to be of any size."""

    def chunk(name, data):
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("width,height", [(10_000, 10_000), (60_000, 60_000), (1, 2**31 - 1)])
def test_decompression_bombs_are_refused_before_they_are_unpacked(width, height):
    with pytest.raises(AugcamError, match=r"^bomb\.png: the image cannot be decoded \(.*exceeds"):
        decode_image(png(width, height), "bomb.png")


def test_text_that_unpacks_to_much_is_refused():
    from PIL import Image, PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 100_000_000, zip=True)
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "png", pnginfo=text)
    assert len(file.getvalue()) < 200_000
    with pytest.raises(AugcamError, match=r"^a\.png: the image cannot be decoded"):
        decode_image(file.getvalue(), "a.png")


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a file was unpickled",))


def offline(*_args, **_kwargs):
    raise OSError("no network")


def test_a_changed_cifar_batch_is_not_unpickled(tmp_path, monkeypatch):
    """CIFAR-10 is published as pickles: torchvision reads them where their md5 is the known one."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    for name, _ in [*CIFAR10.train_list, *CIFAR10.test_list, [CIFAR10.meta["filename"], None]]:
        (folder / name).write_bytes(pickle.dumps(Trap()))
    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(AugcamError, match=r"dataset\.name: cifar10 is neither in"):
        read(Dataset(name="cifar10", root=str(tmp_path)))


@pytest.mark.parametrize(
    "name", ["../x", "..", ".", "/tmp/x", "a/b", "a\\b", "~", "", "a\x00b", "-x", ".x", "x" * 101]
)
def test_an_experiment_stays_in_its_folder(name):
    with pytest.raises(AugcamError, match="config: experiment: "):
        parse_config({"experiment": name})
