"""Translation of images: its batches, the residual network, and the patch-wise discriminator of both models."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Data, Space
from genbench.nn.residual import Residual
from genbench.nn.towers import halvings

Sides = tuple[int, int]
LEAST_SIDE = 8


def check_translation(space: Space) -> None:
    """Raises ValueError unless elements and sources are images with the same sides, large enough to be halved."""
    shape, source = space.shape, space.source
    if space.kind != "image" or not source:
        raise ValueError(f"shape={shape}, source={source}: expected a translation dataset of images")
    if shape[1:] != source[1:] or min(shape[1:]) < LEAST_SIDE or any(side % 2 for side in shape[1:]):
        raise ValueError(
            f"shape={shape}, source={source}: expected equal sides, even and at least {LEAST_SIDE}"
        )


def sources_of(batch: Batch, shape: tuple[int, ...] | None = None) -> Tensor:
    """The source images of a batch, (n, *source), brought from [0, 1] to [−1, 1].

    Raises:
        ValueError: there are none, or not as many as elements of `shape`, where that is given.
    """
    given = batch.source
    if given is None or given.ndim != 4 or (shape is not None and given.shape != (len(batch.x), *shape)):
        found = "None" if given is None else f"shape {tuple(given.shape)}"
        wanted = "one for each element" if shape is None else f"shape {(len(batch.x), *shape)}"
        raise ValueError(f"source: {found}; expected the images to translate, {wanted}")
    return Space.signed(given)


def conditions(condition: Tensor | None, n: int, space: Space) -> Tensor:
    """What n samples are asked to translate, (n, *source) in [0, 1] -> the same in [−1, 1].

    Raises:
        ValueError: no source images, or not n of the right shape.
    """
    return sources_of(Batch(torch.empty(n), source=condition), space.source)


def cycle_errors(
    data: Data, to_target: Callable[[Tensor], Tensor], to_source: Callable[[Tensor], Tensor]
) -> dict[str, Measure]:
    """What two translators, of images in [−1, 1], lose of an image of either domain on the way there and back."""
    errors: dict[str, list[Tensor]] = {"Cycle error, source": [], "Cycle error, target": []}
    for part in data.blocks():
        source, x = sources_of(part), Space.signed(part.x)
        ways = (source, to_source(to_target(source))), (x, to_target(to_source(x)))
        for found, (original, cycled) in zip(errors.values(), ways, strict=True):
            found.append((original - cycled).abs().flatten(1).mean(1) / 2)
    meaning = (
        "Mean |difference| of a held-out image of that domain from itself, translated to the other and back."
    )
    return {title: Measure(torch.cat(found), meaning, "down") for title, found in errors.items()}


def as_shown(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(n, c, h, w) with the channels of `shape`, (n, *shape): grey where the numbers of channels differ."""
    return x if x.shape[1] == shape[0] else x.mean(1, keepdim=True).expand(-1, shape[0], -1, -1)


def reflected(x: Tensor, p: int) -> Tensor:
    """(n, c, h, w) -> (n, c, h + 2p, w + 2p), mirrored at the outermost pixels.

    `F.pad` does the same, but its gradient is not deterministic on a GPU.
    """
    for axis in (-2, -1):
        side = x.shape[axis]
        before, after = x.narrow(axis, 1, p).flip(axis), x.narrow(axis, side - 1 - p, p).flip(axis)
        x = torch.cat([before, x, after], axis)
    return x


class PatchGAN(nn.Module):
    """Scores overlapping patches, not images: 3 strided layers see 70×70 pixels each (pix2pix, section 3.2.2).

    layers: of 4×4 convolutions with stride 2, fewer where the side would fall below 4 pixels; two without stride
    follow.  0 layers see patches of 7×7.
    """

    def __init__(self, inputs: int, sides: Sides, width: int, layers: int, norm: type[nn.Module]) -> None:
        super().__init__()
        times = halvings(sides, most=layers)
        widths = [width * min(8, 2**k) for k in range(times + 1)]
        body: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2 if times else 1, 1), nn.LeakyReLU(0.2)]
        for k, (a, b) in enumerate(pairwise(widths)):
            stride = 2 if k + 1 < times else 1
            body += [nn.Conv2d(a, b, 4, stride, 1, bias=False), norm(b), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*body, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, rows, columns) logits, one for each patch."""
        return self.body(x)[:, 0]


class Convolution(nn.Module):
    """A convolution with mirrored borders, a norm, and a rectifier or none."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        *,
        norm: type[nn.Module],
        active: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.norm = norm(outputs)
        self.pad, self.active = kernel // 2, active

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.convolution(reflected(x, self.pad)))
        return F.relu(h) if self.active else h


class ResNet(nn.Module):
    """c7-d-d-R…R-u-u-c7 (CycleGAN, appendix 7.2): so many halvings, to 4 pixels or more, around residual blocks."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        sides: Sides,
        width: int,
        blocks: int,
        *,
        halved: int = 2,
        norm: type[nn.Module] = nn.InstanceNorm2d,
    ) -> None:
        super().__init__()
        convolution = partial(Convolution, norm=norm)
        widths = [width * 2**k for k in range(halvings(sides, most=halved) + 1)]
        body: list[nn.Module] = [convolution(inputs, width, 7)]
        body += [convolution(a, b, 3, 2) for a, b in pairwise(widths)]
        top = widths[-1]
        body += [
            Residual(convolution(top, top, 3), convolution(top, top, 3, active=False)) for _ in range(blocks)
        ]
        for a, b in pairwise(widths[::-1]):
            body += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), norm(b), nn.ReLU()]
        self.body = nn.Sequential(*body)
        self.last = nn.Conv2d(width, outputs, 7)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h, w), before tanh."""
        return self.last(reflected(self.body(x), 3))
