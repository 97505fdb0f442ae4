"""Networks: built by name from one seed, and the layer whose feature map is explained."""

import bisect
import difflib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from augcam.config import CatalogueEntry
from augcam.errors import AugcamError
from augcam.files import atomic, compare_checksums, reading

SMALLEST_MAP = 4  # a coarser feature map localises nothing
_CHANNELS = 3


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut without parameters (He et al. 2016, 4.2, option A)."""

    def __init__(self, channels_in: int, channels: int, stride: int, drop_probability: float):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.padding = channels - channels_in
        self.drop_probability = drop_probability

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.padding:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.padding))
        residual = F.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        if self.training and self.drop_probability > 0:
            keep = 1 - self.drop_probability
            mask = torch.empty(len(x), 1, 1, 1, device=x.device).bernoulli_(keep)
            residual = residual * (mask / keep)
        return F.relu(residual + shortcut)


class ResNetCifar(nn.Module):
    """The CIFAR ResNet of He et al. 2016, section 4.2: 6·n + 2 layers, 16, 32 and 64 channels.

    `dropout` (before the classifier) and `stochastic_depth_prob` (of the last block, growing
    linearly with depth, as in torchvision's EfficientNet) are 0 in the original.
    """

    def __init__(
        self,
        blocks: int,
        num_classes: int,
        dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(_CHANNELS, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        channels_in = 16
        for stage, channels in enumerate((16, 32, 64)):
            layers = []
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                depth = (stage * blocks + block + 1) / (3 * blocks)
                layers.append(
                    ResidualBlock(channels_in, channels, stride, stochastic_depth_prob * depth)
                )
                channels_in = channels
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        return self.fc(self.dropout(self.avgpool(x).flatten(1)))


OWN_ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    f"resnet{6 * blocks + 2}": partial(ResNetCifar, blocks) for blocks in (3, 5, 7, 9)
}


def build(architecture: str, num_classes: int, arguments: dict[str, Any], seed: int) -> nn.Module:
    """Build a network with weights drawn from `seed` (float32, on the CPU, in training mode).

    `arguments` go to the architecture's builder. Raises AugcamError where the builder refuses them.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            if architecture in OWN_ARCHITECTURES:
                return OWN_ARCHITECTURES[architecture](num_classes=num_classes, **arguments)
            return _torchvision(architecture, num_classes, arguments)
        except (TypeError, ValueError) as error:
            raise AugcamError(
                f"architecture_arguments.{architecture}: {arguments} is refused by the "
                f"architecture's builder ({error})."
            ) from error


def _torchvision(architecture: str, num_classes: int, arguments: dict[str, Any]) -> nn.Module:
    from torchvision.models import DenseNet, get_model

    defaults: dict[str, Any] = {}
    if architecture in ("googlenet", "inception_v3"):  # otherwise several outputs in training
        defaults = {"aux_logits": False, "init_weights": True}
    model = get_model(architecture, weights=None, num_classes=num_classes, **defaults | arguments)
    pooling = getattr(model, "avgpool", None)
    if isinstance(pooling, nn.AdaptiveAvgPool2d) and pooling.output_size not in (1, (1, 1)):
        model.avgpool = RepeatablePool(pooling.output_size)  # AlexNet, VGG
    return _with_visible_relu(model) if isinstance(model, DenseNet) else model


def _with_visible_relu(model: nn.Module) -> nn.Module:
    """DenseNet with its last ReLU as a layer; names of weights and results stay the same.

    torchvision applies it as an in-place function after `features`, where no hook sees it and where
    it overwrites what a hook has kept.
    """
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(OrderedDict(model.features.named_children(), relu5=nn.ReLU())),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            classifier=model.classifier,
        )
    )


class RepeatablePool(nn.AdaptiveAvgPool2d):
    """Adaptive pooling of which the gradient repeats bit by bit on a GPU, too.

    torch's own adds it up there in any order wherever the output is larger than 1×1, and refuses
    to do so in deterministic mode.
    """

    def forward(self, x: Tensor) -> Tensor:
        return pooled_by_products(x, self.output_size) if x.is_cuda else super().forward(x)


def pooled_by_products(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Adaptive average pooling (B, C, H, W) → (B, C, *size) as two matrix products."""
    rows, columns = (pooling_matrix(n, m, x) for n, m in zip(x.shape[-2:], size))
    return rows @ x @ columns.T


def pooling_matrix(size: int, bins: int, like: Tensor) -> Tensor:
    """(bins, size): each row averages one bin, from ⌊i·size/bins⌋ to ⌈(i + 1)·size/bins⌉."""
    # Made where it is used, from nothing but kernels: a CUDA graph can record that.
    position = torch.arange(size, device=like.device)
    number = torch.arange(bins, device=like.device)[:, None]
    start, end = number * size // bins, ((number + 1) * size + bins - 1) // bins
    inside = ((position >= start) & (position < end)).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)


@contextmanager
def outputs_recorded(model: nn.Module) -> Iterator[list[tuple[str, nn.Module, Any]]]:
    """Collect (name, module, output) of every module in the order in which they finish."""
    record: list[tuple[str, nn.Module, Any]] = []
    handles = [
        module.register_forward_hook(
            lambda module, _inputs, output, name=name: record.append((name, module, output))
        )
        for name, module in model.named_modules()
    ]
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()


def find_cam_layer(model: nn.Module, input_size: int) -> str:
    """Dotted name of the last feature map before pooling, e.g. `layer4.1` of a ResNet-18.

    It is the last module to finish whose output is a map (N, C, h, w) and which is neither a
    pooling layer nor a plain `nn.Sequential`, which may end in one.
    Runs the model once on an input of zeros (on the model's device; `meta` costs nothing).
    Raises AugcamError for networks without such a map, such as vision transformers.
    """
    record = _run(model, input_size)
    maps = [
        i
        for i, (_, module, output) in enumerate(record)
        if _is_map(output) and type(module) is not nn.Sequential and not isinstance(module, _NO_MAP)
    ]
    if not maps or any(_is_sequence(output) for _, _, output in record[maps[-1] :]):
        raise AugcamError(
            "model.cam_layer: no feature map was found in this network; name the layer to explain."
        )
    return record[maps[-1]][0]


_NO_MAP = (
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout,
    nn.Dropout2d,
)


def _is_map(output: Any) -> bool:
    return isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1


def _is_sequence(output: Any) -> bool:
    """Tokens (N, L, C): what comes from a map after this is no longer one."""
    return isinstance(output, Tensor) and output.ndim == 3


def _run(model: nn.Module, input_size: int) -> list[tuple[str, nn.Module, Any]]:
    training = model.training
    device = next(model.parameters()).device
    model.eval()
    try:
        with torch.no_grad(), outputs_recorded(model) as record:
            model(torch.zeros(1, _CHANNELS, input_size, input_size, device=device))
    finally:
        model.train(training)
    return record


def get_layer(model: nn.Module, name: str) -> nn.Module:
    """The layer called `name`. Raises AugcamError with near names where there is none."""
    layers = dict(model.named_modules())
    if name in layers and name:
        return layers[name]
    close = difflib.get_close_matches(name, [n for n in layers if n], n=3, cutoff=0.3)
    raise AugcamError(
        f"model.cam_layer: the network has no layer '{name}'; near names: {', '.join(close)}."
    )


def map_size(model: nn.Module, layer: str, input_size: int) -> tuple[int, int]:
    """(h, w) of the output of `layer`. Raises AugcamError where it is not a map of 4×4 or more."""
    module = get_layer(model, layer)
    output = next((o for _, m, o in _run(model, input_size) if m is module), None)
    if not (isinstance(output, Tensor) and output.ndim == 4):
        raise AugcamError(f"model.cam_layer: the output of '{layer}' is no map (N, C, h, w).")
    height, width = output.shape[2:]
    if min(height, width) < SMALLEST_MAP:
        raise AugcamError(
            f"model.input_size {input_size} is too small: the feature map of '{layer}' is "
            f"{height}×{width}, and a CAM needs {SMALLEST_MAP}×{SMALLEST_MAP}; "
            "take a larger input or an earlier layer (model.cam_layer)."
        )
    return height, width


def describe_network(
    model: nn.Module, input_size: int, cam_layer: str | None = None
) -> dict[str, Any]:
    """The layer to explain (`cam_layer`, or the one found), its feature map [h, w], number of
    parameters and whether training draws random numbers inside the network.

    Raises AugcamError where the map is smaller than 4×4 or the network cannot be trained.
    """
    rehearse_training(model, input_size)
    layer = cam_layer or find_cam_layer(model, input_size)
    return {
        "cam_layer": layer,
        "feature_map": list(map_size(model, layer, input_size)),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "random_layers": has_random_layers(model),
    }


def rehearse_training(model: nn.Module, input_size: int) -> None:
    """Forward and backward pass of a training step on two images; changes running means.

    Raises AugcamError where that fails: which options a builder takes says not which ones work.
    """
    keys = f"model.input_size {input_size}, architecture_arguments"
    images = torch.rand(2, _CHANNELS, input_size, input_size)
    try:
        loss = F.cross_entropy(model.train()(images), torch.tensor([0, 1]))
        loss.backward()
    except Exception as error:  # whatever the network's layers raise
        reason = str(error).strip().partition("\n")[0]
        raise AugcamError(
            f"{keys}: the network cannot be trained with these values ({reason})."
        ) from error
    model.zero_grad()
    if not loss.isfinite():
        raise AugcamError(
            f"{keys}: with these values the first loss already is no finite number; see that all "
            "probabilities are below 1."
        )


def save_weights(model: nn.Module, path: str | Path, **record: Any) -> None:
    """Write all parameters and buffers as safetensors, atomically; equal weights, equal bytes."""
    write_tensors(model.state_dict(), path, record)


def write_tensors(tensors: dict[str, Tensor], path: str | Path, record: dict[str, Any]) -> None:
    """Write tensors and a record (plain values) as safetensors with a checksum, atomically."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    checksum = _tensor_digest(tensors, record)
    # One key: safetensors writes several in any order.
    metadata = {"augcam": json.dumps({"record": record, "sha256": checksum})}
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_weights(model: nn.Module, path: str | Path) -> nn.Module:
    """Fill `model` from `path`. Raises AugcamError naming a missing, broken or foreign file."""
    state = read_tensors(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise AugcamError(f"{path}: these are weights of another network ({reason}).") from error
    return model


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a file. Raises AugcamError naming a missing or damaged file."""
    return read_recorded(path)[0]


def read_recorded(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote. Raises AugcamError naming a missing or damaged file."""
    with reading(path), safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(file.metadata()["augcam"])
        compare_checksums(_tensor_digest(tensors, metadata["record"]), metadata["sha256"])
        return tensors, metadata["record"]


def _tensor_digest(tensors: dict[str, Tensor], record: dict[str, Any]) -> str:
    """Checksum of the record and of names, types, shapes and bytes of the tensors."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def has_random_layers(model: nn.Module) -> bool:
    """Whether training this network draws random numbers (dropout, stochastic depth)."""
    rates = ("p", "drop_probability")
    return any(
        isinstance(getattr(module, rate, None), float) and getattr(module, rate) > 0
        for module in model.modules()
        for rate in rates
    )


def describe(architecture: str) -> CatalogueEntry | None:
    """Layer to explain and smallest input of an architecture; None where there is no feature map.

    Works on shapes alone (torch's `meta` device), without weights.
    """
    largest = 512
    model = build(architecture, 10, {}, seed=0).to("meta")
    with torch.device("meta"):
        try:
            layer = find_cam_layer(model, largest)
        except (AugcamError, AssertionError, RuntimeError, ValueError):
            return None  # a transformer on patches: no map, or one fixed input size

        def works(size: int) -> bool:
            try:
                return bool(map_size(model, layer, size))
            except (AugcamError, RuntimeError, ValueError):
                return False

        smallest = bisect.bisect_left(range(largest), True, key=works)
        return CatalogueEntry(layer, smallest)


def describe_all() -> dict[str, dict[str, Any]]:
    """The catalogue of `augcam.config.catalogue`, worked out anew from torchvision."""
    from torchvision import models

    names = [*OWN_ARCHITECTURES, *models.list_models(module=models)]
    entries = {name: describe(name) for name in names}
    return {name: entry._asdict() for name, entry in entries.items() if entry}


if __name__ == "__main__":
    path = Path(__file__).with_name("architectures.json")
    path.write_text(json.dumps(describe_all(), indent=1) + "\n", encoding="utf-8")
