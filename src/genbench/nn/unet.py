"""U-Nets (Ronneberger et al., 2015, arXiv:1505.04597): one form, and its parts for diffusion and for translation."""

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space
from genbench.nn.residual import conditioned
from genbench.nn.towers import RECTIFIER, halvings


class UNet(nn.Module):
    """Down to small sides and up again, what each side has seen handed across: `given` reaches every side.

    stem(x) -> h at full sides; encoders[k](h, given) -> h, kept for the way up; shrink[k](h) -> h at half the sides.
    The innermost encoder has no shrink.  Then grow[k](h) -> h at the sides of k, decoders[k](h, kept, given) -> h, and
    head(h).  The two of the way up stand under the names of their sides, 0 the outermost, in the order in which their
    weights are drawn.
    """

    def __init__(
        self,
        stem: nn.Module,
        encoders: Iterable[nn.Module],
        shrink: Iterable[nn.Module],
        grow: Mapping[str, nn.Module],
        decoders: Mapping[str, nn.Module],
        head: nn.Module,
    ) -> None:
        super().__init__()
        self.stem, self.encoders, self.shrink = stem, nn.ModuleList(encoders), nn.ModuleList(shrink)
        self.grow, self.decoders, self.head = nn.ModuleDict(grow), nn.ModuleDict(decoders), head

    def forward(self, x: Tensor, given: Any = None) -> Tensor:
        """(n, c, h, w) -> (n, c', h, w)."""
        h, kept = self.stem(x), []
        for encoder, shrink in zip(self.encoders, self.shrink, strict=False):
            kept.append(encoder(h, given))
            h = shrink(kept[-1])
        h = self.encoders[-1](h, given)
        for k in reversed(range(len(kept))):
            h = self.decoders[str(k)](self.grow[str(k)](h), kept[k], given)
        return self.head(h)


class Residuals(nn.ModuleList):
    """Residual blocks in a row, each given the same condition; none, and h stays what it is."""

    def forward(self, h: Tensor, condition: Any) -> Tensor:
        for block in self:
            h = block(h, condition)
        return h


class Joined(Residuals):
    """Residual blocks that see what was kept on the way down beside what comes up."""

    def forward(self, h: Tensor, kept: Tensor, condition: Any) -> Tensor:  # type: ignore[override]
        return super().forward(torch.cat([h, kept], 1), condition)


class NoisyJoin(nn.Module):
    """Dropout of what comes up, in training and sampling alike, beside what was kept (pix2pix, section 3.1)."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(self, h: Tensor, kept: Tensor, rng: Generator | None) -> Tensor:
        return torch.cat([noisy_dropout(h, self.dropout, rng), kept], 1)


def noisy_dropout(h: Tensor, rate: float, rng: Generator | None) -> Tensor:
    """Dropout that also drops when sampling; from `rng`, or from the training's own random state."""
    keep = torch.rand(h.shape, generator=rng, device=h.device) >= rate
    return h * keep / (1 - rate)


def diffusion_unet(space: Space, width: int, blocks: int, dropout: float) -> UNet:
    """`blocks` residual blocks a side, conditioned on (n, width); no attention (DDPM, arXiv:2006.11239, appendix B).

    Halved while both sides are even and 8 or more, with twice the maps.  At 4 × 4 to 7 × 7 places two convolutions see
    the whole image.
    """
    channels, *sides = space.shape
    widths = [width * 2**k for k in range(halvings(sides) + 1)]
    conv = partial(nn.Conv2d, kernel_size=3, padding=1)
    block = partial(conditioned, conv, partial(nn.GroupNorm, 4), condition=width, dropout=dropout)
    return UNet(
        stem=conv(channels, width),
        encoders=[Residuals(block(w, w) for _ in range(blocks)) for w in widths],
        shrink=[nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(widths)],
        grow={str(k): nn.ConvTranspose2d(b, a, 4, 2, 1) for k, (a, b) in enumerate(pairwise(widths))},
        decoders={
            str(k): Joined(block(w if i else 2 * w, w) for i in range(blocks))
            for k, w in enumerate(widths[:-1])
        },
        head=nn.Sequential(nn.GroupNorm(4, width), nn.SiLU(), conv(width, channels)),
    )


def translation_unet(
    inputs: int, outputs: int, sides: tuple[int, int], width: int, dropout: float, noisy: int
) -> UNet:
    """Halvings down to 2 pixels, doublings back up; given a random source or None (pix2pix, section 3.2.1).

    Dropout, the model's only noise, in the first `noisy` doublings.  width: feature maps after the first halving,
    doubled by each of the next three.  What comes out is to pass through tanh.
    """
    times = halvings(sides, least=2, most=8)
    widths = [width * min(8, 2**k) for k in range(times)]
    innermost = times - 2
    stem = nn.Conv2d(inputs, widths[0], 4, 2, 1)
    shrink = [
        nn.Sequential(RECTIFIER(), nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b))
        for a, b in pairwise(widths)
    ]
    grow = {  # from the innermost side outwards, as weights are drawn
        str(k): nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose2d(widths[k + 1] * (1 if k == innermost else 2), widths[k], 4, 2, 1, bias=False),
            nn.BatchNorm2d(widths[k]),
        )
        for k in reversed(range(times - 1))
    }
    joins = {str(k): NoisyJoin(dropout) if innermost - k < noisy else Joined() for k in range(times - 1)}
    last = nn.ConvTranspose2d(widths[0] * (2 if times > 1 else 1), outputs, 4, 2, 1)
    return UNet(stem, [Residuals() for _ in widths], shrink, grow, joins, nn.Sequential(nn.ReLU(), last))
