"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 images, 32×32, downloaded by torchvision."""

from pathlib import Path

from augcam.entries import DataKind
from augcam.errors import AugcamError

ARCHIVE = "cifar-10-python.tar.gz"


MD5 = "c58f30108f718f92721af3b95e74349a"


def read(dataset):
    import numpy as np

    from augcam.data.decoding import Picture
    from augcam.data.source import Source

    parts = downloaded(Path(dataset.root))
    pixels = np.concatenate([part.data for part in parts])
    sizes = [len(part.data) for part in parts]
    return Source(
        labels=np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in parts]),
        class_names=list(parts[0].classes),
        names=[f"cifar10/{s}[{i}]" for s, n in zip(("train", "test"), sizes) for i in range(n)],
        decode=lambda i: Picture(pixels[i], grey=False),
        splits=np.repeat(["train", "test"], sizes),
    )


def downloaded(root):
    """torchvision's data sets of training and test images, downloaded where they are not there."""
    from hashlib import md5

    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import download_url

    from augcam.files.atomic import atomic

    archive = root / ARCHIVE
    if archive.exists() and (found := md5(archive.read_bytes()).hexdigest()) != MD5:
        raise AugcamError(
            f"{archive}: wrong checksum (md5 {found}, not {MD5}); the file is damaged or "
            "incomplete: delete it and run again, which downloads it anew."
        )
    try:
        return [CIFAR10(root, train=train) for train in (True, False)]
    except RuntimeError:  # not there, or damaged
        try:
            if not archive.exists():
                # Not to its own name: if killed, what is there would be taken for the whole.
                with atomic(archive) as temporary:
                    download_url(CIFAR10.url, root, temporary.name, MD5)
            # Unpacks; it downloads nothing, as the archive is there.
            return [CIFAR10(root, train=train, download=True) for train in (True, False)]
        except Exception as error:  # whatever urllib or torchvision raise without a network
            raise AugcamError(
                f"dataset.name: cifar10 is neither in '{root}' nor can it be downloaded ({error}); "
                f"put {ARCHIVE} (md5 {MD5}) into '{root}', or set dataset.root to "
                "the folder that holds it."
            ) from error


ENTRY = DataKind(
    name="cifar10", display_name="downloaded by torchvision", read=read, keys=("root",)
)
