"""What a trained model is asked to show: samples, walks between codes, completions, and pictures of its own."""

from collections.abc import Collection

import numpy as np
import torch
from torch import Generator, Tensor

from genbench.capabilities import Completion, Latent, Scatter, Shown, capability
from genbench.core import Data, GenerativeModel, Space, Splits, at_once
from genbench.runtime.cost import Meter
from genbench.storage.arrays import slices
from genbench.storage.files import InputError

CHUNK = 1000
WALKS, STEPS = 6, 10
TRAVERSED, VALUES = 8, 9  # numbers of a code that are varied, and values that each takes
CODES, REACH = 200, 0.05  # codes of the prior, of which the quantiles beyond this are left out
COMPLETED, COMPLETIONS = 6, 5


@torch.no_grad()
def draw(
    model: GenerativeModel,
    splits: Splits,
    *,
    run: str,
    pictures: Collection[str],
    rng: Generator,
    meter: Meter | None = None,
) -> dict[str, np.ndarray]:
    """x: as many samples as there are held-out elements, under their conditions if the model heeds any.

    Of the `pictures` that the kind of data asks for also those that the model can give: interpolation, completion, and
    its own, with a caption each in `captions`: as picture_0, picture_1, …, (rows, columns, *shape); all as stored data.
    A scatter plot has points_0, … (n, 2), and label_0, … (n,), −1 without labels, in its place.

    meter: stopped as soon as x is drawn, before anything else is.

    Raises:
        InputError: samples of the wrong shape, or not finite.
    """
    model.eval()
    space, held_out = model.space, splits.held_out
    arrays = {"x": _samples(model, held_out, run, rng)}
    if meter is not None:
        meter.stop()
    latent, completion = capability(model, Latent), capability(model, Completion)
    shown = capability(model, Shown)
    if latent is not None and "interpolation" in pictures:
        arrays["interpolation"] = _walks(latent, space, run, rng)
    if completion is not None and "completion" in pictures:
        arrays["completion"] = _completions(completion, held_out.x[:COMPLETED], space, run, rng)
    if shown is not None and "own" in pictures:
        found = shown.show(splits, rng=rng)
        arrays["captions"] = np.array(list(found))
        for i, own in enumerate(found.values()):
            if isinstance(own, Scatter):
                arrays |= _plotted(own, i)
            else:
                arrays[f"picture_{i}"] = _levels(own, (*own.shape[:2], *space.shape), space, run)
    if latent is not None and "traversal" in pictures:
        arrays["traversal"] = _traversals(latent, space, run, rng)
    return arrays


def _samples(model: GenerativeModel, held_out: Data, run: str, rng: Generator) -> np.ndarray:
    """As many as there are held-out elements, (n, *shape), as stored data."""
    space, n = model.space, len(held_out.x)
    condition = model.condition_of(held_out)
    parts = []
    for part in slices(n, at_once(space) if model.independent else n):
        count = part.stop - part.start
        drawn = model.sample(count, None if condition is None else condition[part], rng=rng)
        parts.append(_levels(drawn, (count, *space.shape), space, run))
    return np.concatenate(parts)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Spherical interpolation, (n, k), (n, k), (m,) -> (n, m, k): stays where a Gaussian prior has its mass."""
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=1).clamp(-1 + 1e-6, 1 - 1e-6)
    angle = cosine.acos()[:, None, None]
    t = t[None, :, None]
    return (((1 - t) * angle).sin() * a[:, None] + (t * angle).sin() * b[:, None]) / angle.sin()


def _walks(model: Latent, space: Space, run: str, rng: Generator) -> np.ndarray:
    start, end = (model.prior(WALKS, rng=rng) for _ in range(2))
    codes = slerp(start, end, torch.linspace(0, 1, STEPS, device=start.device)).flatten(0, 1)
    pictures = _levels(model.decode(codes), (WALKS * STEPS, *space.shape), space, run)
    return pictures.reshape(WALKS, STEPS, *space.shape)


def _traversals(model: Latent, space: Space, run: str, rng: Generator) -> np.ndarray:
    """(rows, VALUES, *shape): in each row one number of a code goes through the prior's range, the others stay.

    The numbers whose ends make the most different pictures, most different first; so no order of the code matters.
    """
    codes = model.prior(CODES, rng=rng)
    base, k = codes[0], codes.shape[1]
    reach = torch.tensor([REACH, 1 - REACH], device=codes.device)
    low, high = codes.quantile(reach, dim=0)  # (k,) each

    def decoded(numbers: Tensor, values: Tensor) -> Tensor:
        """numbers (m,), values (m, v) of each -> (m, v, *shape)."""
        z = base.repeat(*values.shape, 1).scatter_(
            2, numbers[:, None, None].expand(*values.shape, 1), values[..., None]
        )
        parts = [model.decode(part) for part in z.flatten(0, 1).split(at_once(space))]
        return torch.cat(parts).unflatten(0, values.shape)

    first, last = decoded(torch.arange(k, device=codes.device), torch.stack([low, high], 1)).unbind(1)
    changed = (last - first).square().flatten(1).mean(1)
    numbers = changed.argsort(descending=True, stable=True)[:TRAVERSED]
    way = torch.linspace(0, 1, VALUES, device=codes.device)
    values = low[numbers, None] + way * (high - low)[numbers, None]
    pictures = _levels(
        decoded(numbers, values).flatten(0, 1), (len(numbers) * VALUES, *space.shape), space, run
    )
    return pictures.reshape(len(numbers), VALUES, *space.shape)


def _completions(model: Completion, original: Tensor, space: Space, run: str, rng: Generator) -> np.ndarray:
    """(rows, 2 + completions, *shape): the original, what the model was shown, and its completions."""
    rows = len(original)
    keep = torch.zeros_like(original, dtype=torch.bool)
    keep[..., : space.shape[-2] // 2, :] = True  # the upper half is shown
    repeated, mask = (x.repeat_interleave(COMPLETIONS, 0) for x in (original, keep))
    completed = model.complete(repeated, mask, rng=rng)
    if not torch.equal(completed[mask], repeated[mask]):
        raise InputError(f"runs.{run}: complete() changed values it was told to keep")
    completed = completed.unflatten(0, (rows, COMPLETIONS))
    table = torch.cat([original[:, None], (original * keep)[:, None], completed], 1)
    shape = (rows * (2 + COMPLETIONS), *space.shape)
    return _levels(table.flatten(0, 1), shape, space, run).reshape(rows, 2 + COMPLETIONS, *space.shape)


def _plotted(scatter: Scatter, i: int) -> dict[str, np.ndarray]:
    points, label = scatter
    label = torch.full((len(points),), -1) if label is None else label
    return {f"points_{i}": points.float().cpu().numpy(), f"label_{i}": label.cpu().numpy()}


def _levels(x: Tensor, shape: tuple[int, ...], space: Space, run: str) -> np.ndarray:
    if tuple(x.shape) != shape:
        raise InputError(f"runs.{run}: the model gave shape {tuple(x.shape)}; expected {shape}")
    if not bool(torch.isfinite(x).all()):
        raise InputError(f"runs.{run}: the model gave values that are not finite; expected values in [0, 1]")
    return np.concatenate([space.stored(part) for part in x.split(at_once(space))])
