"""Several ways to look at the same images, from as few passes through the network as will do.

A view is a method at a layer for a class. Views share one forward pass; a gradient is computed once
for a class and a layer, and only where a method needs it. Methods that need the network itself make
passes of their own, afterwards, once for each image and class.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from augcam.entries import CamMethod
from augcam.errors import AugcamError
from augcam.explanation.gradients import Asked, Pass, Site, class_logit, forward
from augcam.explanation.heads import describe_head
from augcam.explanation.subject import Batch, Subject

Shown = Callable[[Sequence[Tensor]], Iterator[Tensor]]
"""From chunks of rows, int64 (B,), to the images of each, (B, 3, s, s), as networks take them."""


class View(NamedTuple):
    """A method at one of several sites, for the classes `target`, int64 (N,), or None: those that
    are predicted. `rows`: which of N images, ascending int64; None: all."""

    cam: CamMethod
    site: int
    target: Tensor | None = None
    rows: np.ndarray | None = None


class Plan(NamedTuple):
    """How views are computed: `groups` of sites that share a pass, and the sites whose head is
    pooling and one linear layer, as far as a view asks."""

    model: nn.Module
    sites: list[Site]
    groups: list[tuple[int, ...]]
    pooled_linear: frozenset[int]

    def closed(self, view: View) -> bool:
        return view.cam.closed_form is not None and view.site in self.pooled_linear

    def takes_gradients(self, view: View) -> bool:
        return view.cam.needs == "gradients" or self.closed(view)

    def goes_alone(self, view: View) -> bool:
        """Whether the method makes passes of its own."""
        return view.cam.needs == "model" and not self.closed(view)


def plan(model: nn.Module, sites: Sequence[Site], views: Sequence[View], images: Tensor) -> Plan:
    """Find out with a batch of `images` how to compute `views`; `model` as for `forward`."""
    used = sorted({view.site for view in views})
    asking = {view.site for view in views if view.cam.closed_form}
    pooled = frozenset(
        site for site in asking if describe_head(model, *sites[site], images[:2]).pooled_linear
    )
    made = Plan(model, list(sites), [tuple(used)], pooled)
    for site in {view.site for view in views if made.goes_alone(view)}:
        layout = forward(model, [sites[site]], images[:1], []).layouts[0]
        made.sites[site] = sites[site]._replace(layout=layout)
    with_gradients = {view.site for view in views if made.takes_gradients(view)}
    if len(used) > 1 and not _alike(model, [sites[i] for i in used], images, with_gradients):
        return made._replace(groups=[(site,) for site in used])
    return made


def _alike(model: nn.Module, sites: Sequence[Site], images: Tensor, wanted: set[int]) -> bool:
    """Whether one pass for all layers gives what a pass for each gives, bit by bit: an attention,
    for one, may take another path once an earlier layer wants a gradient."""

    def tried(places: Sequence[int]) -> Pass:
        asked = Asked(None, class_logit, tuple(k for k, i in enumerate(places) if i in wanted))
        return forward(model, [sites[i] for i in places], images, [asked])

    together = tried(range(len(sites)))
    for i in range(len(sites)):
        alone = tried([i])
        pairs = [(together.logits, alone.logits), (together.activations[i], alone.activations[0])]
        if i in wanted:
            pairs.append((together.answers[0].gradients[i], alone.answers[0].gradients[0]))
        if not all(torch.equal(a, b) for a, b in pairs):
            return False
    return True


class Glance(NamedTuple):
    """One view of B images: logits (B, C), raw maps (B, h, w) unless the method goes alone, and the
    classes (B,) that it explains."""

    logits: Tensor
    cam: Tensor | None
    classes: Tensor


def glance(made: Plan, images: Tensor, views: Sequence[View]) -> list[Glance]:
    """Each view of one batch, its targets (B,) where the images are."""
    found: dict[int, Glance] = {}
    for group in made.groups:
        members = {i: view for i, view in enumerate(views) if view.site in group}
        if not members:
            continue
        asked: dict[tuple, Asked] = {}
        for view in members.values():
            known = asked.setdefault(_question(view), Asked(view.target, _score(view)))
            if made.takes_gradients(view):
                places = tuple(dict.fromkeys([*known.sites, group.index(view.site)]))
                asked[_question(view)] = known._replace(sites=places)
        done = forward(made.model, [made.sites[i] for i in group], images, list(asked.values()))
        drawn: dict[tuple, Tensor | None] = {}
        for i, view in members.items():
            answer, place = list(asked).index(_question(view)), group.index(view.site)
            key = (view.cam.name, place, answer if made.takes_gradients(view) else None)
            if key not in drawn:
                drawn[key] = _draw(made, view, done, answer, place)
            found[i] = Glance(done.logits, drawn[key], done.answers[answer].classes)
    return [found[i] for i in range(len(views))]


def _score(view: View) -> Callable[[Tensor, Tensor], Tensor]:
    return view.cam.score or class_logit


def _question(view: View) -> tuple:
    """What two views share a gradient by."""
    return (None if view.target is None else id(view.target), _score(view))


@torch.no_grad()
def _draw(made: Plan, view: View, done: Pass, answer: int, place: int) -> Tensor | None:
    if made.goes_alone(view):
        return None
    activations = done.activations[place]
    if view.cam.needs == "activations":
        return view.cam.function(activations)
    _, scores, gradients = done.answers[answer]
    if view.cam.closed_form and made.closed(view):
        return view.cam.closed_form(activations, gradients[place], scores)
    return view.cam.function(activations, gradients[place])


class Seen(NamedTuple):
    """Of one view's n images: logits (n, C), raw maps (n, h, w), float32, and classes (n,)."""

    logits: np.ndarray
    cam: np.ndarray
    classes: np.ndarray


def look(
    model: nn.Module,
    sites: Sequence[Site],
    views: Sequence[View],
    shown: Shown,
    numbers: Tensor,
    batch: int,
    diverged: str,
) -> list[Seen]:
    """Each view of N ≥ 1 images with these `numbers`, int64 (N,), `batch` images at a time.

    `model` as for `augcam.explanation.gradients.forward`. Raises AugcamError saying `diverged`
    where logits are not finite numbers, and one that names the method where maps are not.
    """
    views = _with_shared_targets(views)
    rows = [np.arange(len(numbers)) if view.rows is None else view.rows for view in views]
    chunks = torch.from_numpy(np.unique(np.concatenate(rows))).split(batch)
    parts: list[list[list[np.ndarray]]] = [[] for _ in views]
    made = None
    for chunk, images in zip(_told(chunks, "explaining"), shown(chunks)):
        made = made or plan(model, sites, views, images)
        inside = [np.flatnonzero(np.isin(chunk.numpy(), wanted)) for wanted in rows]
        present = [i for i, places in enumerate(inside) if len(places)]
        targets = {id(t): t[chunk].to(images.device) for t in _targets(views)}
        asked = [views[i]._replace(target=targets.get(id(views[i].target))) for i in present]
        for i, found in zip(present, glance(made, images, asked)):
            places = torch.from_numpy(inside[i]).to(images.device)
            parts[i].append([v[places].cpu().numpy() for v in found if v is not None])
    assert made is not None
    done = [[np.concatenate(values) for values in zip(*part)] for part in parts]
    if not all(np.isfinite(logits).all() for logits, *_ in done):
        raise AugcamError(diverged)
    alone = _alone(made, views, rows, [classes for *_, classes in done], shown, numbers, batch)
    maps = [alone[i] if made.goes_alone(view) else done[i][1] for i, view in enumerate(views)]
    for view, cam in zip(views, maps):
        refuse_no_numbers(view.cam.name, cam)
    return [Seen(found[0], cam.astype(np.float32), found[-1]) for found, cam in zip(done, maps)]


def refuse_no_numbers(method: str, cam: np.ndarray) -> None:
    """Raise AugcamError where maps (N, h, w) of a method are not finite numbers."""
    broken = int((~np.isfinite(cam)).any((1, 2)).sum())
    if broken:
        raise AugcamError(
            f"cam.method: the maps that '{method}' makes of {broken} of {len(cam)} images are not "
            "finite numbers (NaN or infinite), though the network's outputs are; take another one."
        )


def _told(chunks: Sequence[Tensor], what: str) -> Iterator[Tensor]:
    """The chunks, with a bar where they take long."""
    return iter(tqdm(chunks, unit="batch", mininterval=5, delay=2, ascii=True, desc=what))


def _targets(views: Sequence[View]) -> list[Tensor]:
    return [view.target for view in views if view.target is not None]


def _with_shared_targets(views: Sequence[View]) -> list[View]:
    """The views, equal targets being one and the same tensor."""
    known: list[Tensor] = []
    shared = []
    for view in views:
        if view.target is not None:
            equal = next((t for t in known if torch.equal(t, view.target)), view.target)
            known.append(equal)
            view = view._replace(target=equal)
        shared.append(view)
    return shared


def _alone(
    made: Plan,
    views: Sequence[View],
    rows: Sequence[np.ndarray],
    classes: Sequence[np.ndarray],
    shown: Shown,
    numbers: Tensor,
    batch: int,
) -> dict[int, np.ndarray]:
    """Maps of the views whose methods go alone: each image and class once per method and site."""
    together: dict[tuple[str, int], list[int]] = {}
    for i, view in enumerate(views):
        if made.goes_alone(view):
            together.setdefault((view.cam.name, view.site), []).append(i)
    found: dict[int, np.ndarray] = {}
    for (name, site), members in together.items():
        pairs = np.concatenate([np.stack([rows[i], classes[i]], 1) for i in members])
        unique, places = np.unique(pairs, axis=0, return_inverse=True)
        chunks = torch.from_numpy(unique).split(batch)
        in_turn = shown([chunk[:, 0] for chunk in chunks])
        maps = []
        with views[members[0]].cam.function(_subject(made, site)) as run:
            for chunk, images in zip(_told(chunks, f"explaining by {name}"), in_turn):
                row, wanted = chunk.unbind(1)
                maps.append(run(Batch(images, wanted.to(images.device), numbers[row])).cpu())
        every = torch.cat(maps).numpy()[places.reshape(-1)]
        ends = np.cumsum([len(rows[i]) for i in members])
        found |= dict(zip(members, np.split(every, ends[:-1])))
    return found


def _subject(made: Plan, site: int) -> Subject:
    layer, layout = made.sites[site]
    assert layout is not None  # found while planning
    return Subject(made.model, layer, layout)


def look_at_batch(
    model: nn.Module, site: Site, images: Tensor, cam: CamMethod, targets: Sequence[Tensor | None]
) -> list[Glance]:
    """One batch of images (B, 3, s, s) by one method, for each of `targets` (B,)."""
    views = [View(cam, 0, target) for target in targets]
    made = plan(model, [site], views, images)
    found = glance(made, images, views)
    if not made.goes_alone(views[0]):
        return found
    numbers = torch.arange(len(images))
    with cam.function(_subject(made, 0)) as run:
        return [seen._replace(cam=run(Batch(images, seen.classes, numbers))) for seen in found]
