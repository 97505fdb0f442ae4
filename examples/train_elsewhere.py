"""Networks that were trained without augcam: an example for docs/checkpoints.md.

A plain loop in torch: handwritten digits, a small network, each condition twice. Afterwards

    snakemake --cores all --configfile examples/checkpoints.yaml

compares what is in `runs/`, and trains nothing.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torchvision.models import resnet18

SIZE = 64
FOLDER = Path("runs")


def images_of(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The digits as class folders for augcam, and as tensors for this loop: every fourth is for
    testing."""
    from PIL import Image

    digits = load_digits()
    for i, (pixels, label) in enumerate(zip(digits.images, digits.target)):
        part = "test" if i % 4 == 0 else "train"
        path = folder / part / str(label) / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15.9).astype("uint8")).resize((16, 16)).save(path)
    keep = [i for i in range(len(digits.target)) if i % 4]
    pixels = torch.tensor(digits.images[keep] * 15.9, dtype=torch.uint8)[:, None].float() / 255
    return pixels.expand(-1, 3, -1, -1), torch.tensor(digits.target[keep])


def train(images: torch.Tensor, labels: torch.Tensor, flip: bool, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    model = resnet18(num_classes=10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(2):
        for rows in torch.randperm(len(images)).split(64):
            batch = F.interpolate(images[rows], SIZE, mode="bilinear")
            if flip:
                flipped = torch.rand(len(batch)) < 0.5
                batch[flipped] = batch[flipped].flip(-1)
            loss = F.cross_entropy(model((batch - MEAN) / STD), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


if __name__ == "__main__":
    images, labels = images_of(FOLDER / "digits")
    # What augcam does with `model.normalisation: dataset`.
    MEAN, STD = images.mean(), images.std()
    for name, flip in (("plain", False), ("flip", True)):
        for seed in (0, 1):
            model = train(images, labels, flip, seed)
            torch.save(model.state_dict(), FOLDER / f"{name}_{seed}.pt")
            print(f"{FOLDER}/{name}_{seed}.pt")
