"""DeepFakes (public code of 2017, no paper).  One encoder for two people, a decoder for each: faces are swapped.

min E‖D_A(E(w(s))) − s‖₁ + E‖D_B(E(w(x))) − x‖₁, s a picture of A, x one of B, w a random warp that is drawn anew each
time: warped in, clean out.  Of A's picture, D_B ∘ E makes one of B with A's pose and expression.
A mean over pixels stands for the norm.
"""

from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.schedules import cosine
from genbench.nn.shuffled import decoder, encoder
from genbench.nn.towers import features
from genbench.nn.translation import check_translation, conditions, sources_of
from genbench.nn.transport import transport_map
from genbench.nn.warping import warped

SHOWN = 10
A, B = 0, 1  # the person of the sources, the person of the elements


LOSSES = {"mae": F.l1_loss, "mse": F.mse_loss}


class DeepFakes(GenerativeModel):
    """Sources are pictures of A, elements pictures of B; a sample is D_B of a source's code.  It has no noise.

    width: feature maps at full sides, doubled with each halving.  code: units of the code.  warp: spread of the shifts
    of the warp's grid, as a share of the side.  loss: of the public code the mean absolute error; the squared error
    learns small features, as where the eyes look, sooner.  detail: weight of the same error of the differences between
    neighbouring pixels (Mathieu et al., 2016, arXiv:1511.05440, section 3.2), for features smaller still, as a smile.
    Not in the public code: codes are standardised person by person, and after training a linear map carries the
    covariance of either person's to that of the other's, so that a decoder is given codes like those that it was
    trained with.  Nothing else ties what one person's smile is in the code to what the other's is, and what changes few
    pixels comes out too weak or too strong.
    """

    to_other: Tensor
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
        self.register_buffer("to_other", torch.eye(code).repeat(2, 1, 1))
        if detail < 0:
            raise ValueError(f"detail: got {detail}; expected at least 0")
        self.warp, self.detail, self.distance = warp, detail, LOSSES[loss]
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def loss(self, batch: Batch) -> Tensor:
        """The error of either person's pictures, each through the own decoder."""
        source, x = sources_of(batch), self.elements_of(batch)
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
        standard = self.norms[who](code)
        if who != as_whom:
            standard = standard @ self.to_other[who]
        return self.decoders[as_whom](self.unfold(standard)).tanh()

    def swapped(self, x: Tensor, who: int, as_whom: int) -> Tensor:
        """Pictures of `who`, (n, *shape) in [0, 1] -> the same of `as_whom`."""
        return self.space.unsigned(self.decoded(self.encoder(self.space.signed(x)), who, as_whom))

    def phases(self) -> list[Phase]:
        objective = Objective(
            "reconstruction", list(self.parameters()), self.loss, self.optimizer, schedule=cosine
        )
        return [Phase("two people", (objective,)), Phase("laws of codes", fit=self.match_codes)]

    @torch.no_grad()
    def match_codes(self, splits: Splits) -> None:
        """Means and variances of either person's codes over the training data, and the maps between their laws."""
        covariances = []
        for norm, pictures in zip(self.norms, (sources_of, self.elements_of), strict=True):
            codes = torch.cat([self.encoder(pictures(part)) for part in splits.train.blocks()])
            norm.running_mean.copy_(codes.mean(0))
            norm.running_var.copy_(codes.var(0))
            covariances.append(((codes - codes.mean(0)) / (codes.var(0) + norm.eps).sqrt()).T.cov())
        for who, law in enumerate(covariances):
            self.to_other[who] = transport_map(law, covariances[1 - who])

    def elements_of(self, batch: Batch) -> Tensor:
        """B's pictures, (n, *shape) in [−1, 1]."""
        return self.space.signed(batch.x)

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
