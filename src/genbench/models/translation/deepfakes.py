"""DeepFakes (public code of 2017, no paper).  One encoder for two people, a decoder for each: faces are swapped.

min E‖D_A(E(w(s))) − s‖₁ + E‖D_B(E(w(x))) − x‖₁, s a picture of A, x one of B, w a random warp that is drawn anew each
time: warped in, clean out.  Of A's picture, D_B ∘ E makes one of B with A's pose and expression.
A mean over pixels stands for the norm.
"""

from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.schedules import cosine
from genbench.nn.towers import RECTIFIER, features, halvings
from genbench.nn.translation import check_translation, conditions, sources_of
from genbench.nn.warping import warped

SHOWN = 10
A, B = 0, 1  # the person of the sources, the person of the elements


LOSSES = {"mae": F.l1_loss, "mse": F.mse_loss}


def encoder(channels: int, sides: tuple[int, int], width: int, code: int) -> nn.Sequential:
    """Strided 5×5 convolutions down to 4 pixels, and a linear layer."""
    maps, height, side = features(sides, width)
    widths = [channels, *(width * 2 ** (k + 1) for k in range(halvings(sides)))]
    body: list[nn.Module] = []
    for a, b in pairwise(widths):
        body += [nn.Conv2d(a, b, 5, 2, 2), RECTIFIER()]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(maps * height * side, code, bias=False))


def decoder(channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """A 3×3 convolution, shuffled into pixels, doubles the sides each time."""
    maps = features(sides, width)[0]
    body: list[nn.Module] = []
    while maps > width:
        body += [nn.Conv2d(maps, 2 * maps, 3, padding=1), RECTIFIER(), nn.PixelShuffle(2)]
        maps //= 2
    return nn.Sequential(*body, nn.Conv2d(maps, channels, 5, padding=2))


class DeepFakes(GenerativeModel):
    """Sources are pictures of A, elements pictures of B; a sample is D_B of a source's code.  It has no noise.

    width: feature maps at full sides, doubled with each halving.  code: units of the code.  warp: spread of the shifts
    of the warp's grid, as a share of the side.  loss: of the public code the mean absolute error; the squared error
    learns small features, as where the eyes look, sooner.  detail: weight of the same error of the differences between
    neighbouring pixels (Mathieu et al., 2016, arXiv:1511.05440, section 3.2), for features smaller still, as a smile.
    Not in the public code: codes are standardised person by person, so that a decoder is given the other person's codes
    with the means and spreads of those that it was trained with.
    """

    conditional = "source"
    noiseless = True
    tiny: ClassVar = {"width": 8, "code": 16}

    def __init__(
        self,
        space: Space,
        *,
        width: int = 64,
        code: int = 1024,
        warp: float = 0.03,
        loss: Literal["mae", "mse"] = "mae",
        detail: float = 0.0,
        lr: float = 5e-5,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        check_translation(space)
        if space.paired or space.source != space.shape:
            raise ValueError(
                f"shape={space.shape}, source={space.source}, paired={space.paired}: "
                "expected pictures of two people, unpaired and of one shape"
            )
        if warp < 0:
            raise ValueError(f"warp: got {warp}; expected at least 0")
        (channels, *sides) = space.shape
        square = (sides[0], sides[1])
        self.encoder = encoder(channels, square, width, code)
        self.decoders: Any = nn.ModuleList(decoder(channels, square, width) for _ in range(2))
        inner = maps, height, side = features(sides, width)
        self.unfold = nn.Sequential(nn.Linear(code, maps * height * side), nn.Unflatten(1, inner))
        self.norms: Any = nn.ModuleList(nn.BatchNorm1d(code, affine=False) for _ in range(2))
        if detail < 0:
            raise ValueError(f"detail: got {detail}; expected at least 0")
        self.warp, self.detail, self.distance = warp, detail, LOSSES[loss]
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def loss(self, batch: Batch) -> Tensor:
        """The error of either person's pictures, each through the own decoder."""
        source, x = sources_of(batch), self.space.signed(batch.x)
        codes = self.encoder(warped(torch.cat([source, x]), self.warp)).split([len(source), len(x)])
        error = self.error(self.decoded(codes[A], A, A), source)
        return error + self.error(self.decoded(codes[B], B, B), x)

    def error(self, found: Tensor, x: Tensor) -> Tensor:
        """Of pictures, and of what distinguishes neighbouring pixels in them."""
        error = self.distance(found, x)
        if self.detail:
            error = error + self.detail * sum(self.distance(found.diff(dim=i), x.diff(dim=i)) for i in (2, 3))
        return error

    def decoded(self, code: Tensor, who: int, as_whom: int) -> Tensor:
        """Codes (n, k) of pictures of `who` -> pictures of `as_whom`, (n, *shape) in [−1, 1]."""
        return self.decoders[as_whom](self.unfold(self.norms[who](code))).tanh()

    def swapped(self, x: Tensor, who: int, as_whom: int) -> Tensor:
        """Pictures of `who`, (n, *shape) in [0, 1] -> the same of `as_whom`."""
        return self.space.unsigned(self.decoded(self.encoder(self.space.signed(x)), who, as_whom))

    def phases(self) -> list[Phase]:
        objective = Objective(
            "reconstruction", list(self.parameters()), self.loss, self.optimizer, schedule=cosine
        )
        return [Phase("two people", (objective,))]

    def reconstructed(self, source: Tensor) -> Tensor:
        """A's pictures by A's decoder: (n, *source) in [0, 1] -> the same."""
        return self.swapped(source, A, A)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """condition: (n, *source) in [0, 1], A's pictures, of which B's decoder makes B's.

        Raises:
            ValueError: no source images, or not n of the right shape.
        """
        return self.swapped(self.space.unsigned(conditions(condition, n, self.space)), A, B)

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        few = splits.held_out.rows(slice(SHOWN))
        faces = {"first": (self.space.unsigned(sources_of(few)), A, B), "second": (few.x, B, A)}
        return {
            f"Held-out pictures of the {which} person, reconstructed, and with the other's face": torch.stack(
                [x, self.swapped(x, own, own), self.swapped(x, own, other)]
            )
            for which, (x, own, other) in faces.items()
        }
