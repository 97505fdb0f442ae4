"""Where default weights of torchvision and timm come from, and the folder that keeps them."""

import re
from pathlib import Path
from typing import NamedTuple

from augcam.entries import TIMM
from augcam.errors import AugcamError
from augcam.files.atomic import atomic
from augcam.files.checksums import sha256_of_file
from augcam.files.usercode import one_line


class Source(NamedTuple):
    """A file of weights: its place below the folder that keeps them, where it can be had, and the
    beginning of its SHA-256 as far as its name tells it."""

    place: str
    url: str
    sha256: str


def pretrained_source(architecture: str) -> Source:
    """Raises AugcamError where nobody has published weights under this name."""
    if architecture.startswith(TIMM):
        found = _of_timm(architecture.removeprefix(TIMM))
    else:
        found = _of_torchvision(architecture)
    if found is None:
        raise AugcamError(
            f"model.weights: there are no pretrained weights of '{architecture}'; name a file, or "
            "take 'random'."
        )
    return found


def _of_torchvision(architecture: str) -> Source | None:
    from torchvision.models import get_model_weights

    try:
        url = get_model_weights(architecture).DEFAULT.url
    except ValueError:
        return None
    name = url.rpartition("/")[2]  # resnet18-f37072fd.pth
    return Source(name, url, _hash_in(name))


def _of_timm(name: str) -> Source | None:
    import timm

    known = timm.get_pretrained_cfg(name, allow_unregistered=True)
    if known is None or not (known.hf_hub_id or known.url):
        return None
    if known.hf_hub_id:
        from huggingface_hub import hf_hub_url

        file = known.hf_hub_filename or "model.safetensors"
        return Source(f"{known.hf_hub_id}/{file}", hf_hub_url(known.hf_hub_id, file), "")
    url = str(known.url)
    file = url.rpartition("/")[2]
    return Source(file, url, _hash_in(file))


def _hash_in(name: str) -> str:
    found = re.search(r"-([0-9a-f]{8,})\.\w+$", name)
    return found[1] if found else ""


def fetched(source: Source, root: str | Path) -> Path:
    """The file in the folder `root`, downloaded where it is not there yet.

    What is known of its checksum is checked each time; of a file from a hub, whose name tells none,
    when it is downloaded. Raises AugcamError that says which file to put where.
    """
    path = Path(root) / source.place
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _download(source, path)
        except AugcamError:
            raise
        except Exception as error:  # whatever urllib and the hub raise without a network
            raise AugcamError(
                f"model.weights: the pretrained weights are neither at '{path}' nor can they be "
                f"downloaded ({one_line(error)}); download {source.url} elsewhere and put it there "
                f"as '{path.resolve()}'."
            ) from error
    found = sha256_of_file(path)
    if not found.startswith(source.sha256):
        raise AugcamError(
            f"{path}: wrong checksum (SHA-256 {found}, but its name says {source.sha256}); the "
            "file is damaged or incomplete: delete it and run again, which downloads it anew."
        )
    return path


def _download(source: Source, path: Path) -> None:
    """To its own name only once it is whole."""
    from torch.hub import download_url_to_file

    expected = source.sha256 or _hash_at_hub(source.url)
    with atomic(path) as temporary:
        # It compares SHA-256, and raises where that is another one.
        download_url_to_file(source.url, str(temporary), expected or None, progress=False)
    print(f"downloaded {source.url} to {path} (SHA-256 {sha256_of_file(path)})")


def _hash_at_hub(url: str) -> str:
    """The SHA-256 that the hub keeps of a large file."""
    from huggingface_hub import get_hf_file_metadata

    tag = get_hf_file_metadata(url).etag or ""
    return tag if re.fullmatch("[0-9a-f]{64}", tag) else ""
