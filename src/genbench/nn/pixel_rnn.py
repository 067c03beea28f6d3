"""PixelRNN (van den Oord et al., 2016, arXiv:1601.06759) for any kind of recurrent layer."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Space, Splits
from genbench.nn.autoregressive import Autoregressive
from genbench.nn.recurrent import RecurrentLayer

MEASURED = 16  # held-out elements whose gradients are taken


class PixelRNN(Autoregressive):
    """A convolution that sees the pixels before its own (mask A), recurrent layers of `layer`, two 1×1 convolutions.

    units: memory cells at a place, h; the maps between layers have 2h features, as in the paper.  kernel: side of the
    first convolution.  margin: columns beyond the right edge that the layers go over, too.  input_dropout hides a
    share of the context in training.  A bias for each place tells positions apart in small, centred images.
    """

    def __init__(
        self,
        space: Space,
        layer: Callable[[int, int], RecurrentLayer],
        *,
        units: int,
        layers: int,
        kernel: int,
        margin: int,
        dropout: float,
        input_dropout: float,
        lr: float,
        weight_decay: float,
    ) -> None:
        super().__init__(space, lr=lr, weight_decay=weight_decay, clip=1.0)
        if space.kind != "image" or space.shape[0] != 1:
            raise ValueError(
                f"shape={space.shape}: PixelRNN orders the pixels of one channel; expected 1 channel"
            )
        if kernel % 2 == 0 or kernel < 3:
            raise ValueError(f"kernel: got {kernel}; expected an odd number from 3")
        self.reach, self.margin = kernel // 2, margin
        features = 2 * units
        # Of the kernel's places only those before the middle: (2 reach + 1)·reach above it and reach to the left.
        self.first = nn.Linear(2 * self.reach * (self.reach + 1), features)
        self.place = nn.Parameter(torch.zeros(space.shape[1], space.shape[2] + margin, 1, features))
        self.layers = nn.ModuleList([layer(features, units) for _ in range(layers)])
        self.input_dropout, self.dropout = nn.Dropout(input_dropout), nn.Dropout(dropout)
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Linear(features, features),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(features, self.levels.channels),
        )

    @property
    def own_parameters(self) -> int:
        """Of the biases for places all but those beyond the last pixel, which nothing comes after."""
        return self.place.numel() - self.margin * self.place.shape[3]

    def logits(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) in [0, 1] -> (n, D, channels)."""
        h = self.first(self.before(self.framed(self.input_dropout(self.space.signed(x))))) + self.place
        for layer in self.layers:
            h = layer(self.dropout(h))
        h = h[:, : self.space.shape[2]]  # (h, w, n, features)
        return self.head(h).flatten(0, 1).transpose(0, 1)

    def framed(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) -> (n, h + reach, w + margin + 2·reach), zeros around it but below."""
        return F.pad(x[:, 0], (self.reach, self.reach + self.margin, self.reach, 0))

    def before(self, framed: Tensor) -> Tensor:
        """What the first convolution reads at each place of a framed map, (h, w, n, its places before the middle)."""
        side = 2 * self.reach + 1
        windows = framed.unfold(1, self.reach + 1, 1).unfold(2, side, 1)  # (n, h, w, reach + 1, side)
        return windows.flatten(3)[..., : self.first.in_features].permute(1, 2, 0, 3)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """Each layer goes from place to place with what it remembers: D pixels cost about one pass."""
        x, keep = self.shown(x, mask)
        height, width = self.space.shape[1:]
        walks = [layer.walk(width + self.margin) for layer in self.layers]  # type: ignore[operator, union-attr]
        framed = self.framed(x.new_zeros(len(x), 1, height, width))
        for row in range(height):
            for column in range(width + self.margin):
                near = framed[:, row : row + self.reach + 1, column : column + 2 * self.reach + 1]
                h = self.first(near.flatten(1)[:, : self.first.in_features]) + self.place[row, column]
                for walk in walks:
                    h = walk(h)
                if column < width:
                    place = row * width + column
                    self.fill(x, keep, place, self.head(h), rng)
                    framed[:, row + self.reach, column + self.reach] = self.space.signed(x[:, place])
        return x.unflatten(1, self.space.shape)

    @torch.enable_grad()
    def gradients(self, x: Tensor, pixels: Sequence[int] | slice = slice(None)) -> Tensor:
        """|∂logits / ∂x| of some pixels, summed over the numbers of a logit: (n, 1, h, w) -> (n, pixels, D)."""
        x = x.detach().clone().requires_grad_()
        logits = self.logits(x).transpose(0, 1)  # (D, n, channels)
        rows = []
        for of_pixel in logits[pixels]:
            parts = [
                torch.autograd.grad(number.sum(), x, retain_graph=True)[0].flatten(1).abs()
                for number in of_pixel.unbind(1)
            ]
            rows.append(torch.stack(parts).sum(0))
        return torch.stack(rows, 1)

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        slopes = self.gradients(splits.held_out.x[:MEASURED])  # (n, D, D)
        before = torch.ones_like(slopes[0]).tril(-1).bool()
        return {
            "Gradient from later pixels": Measure(
                slopes.masked_fill(before, 0).flatten(1).sum(1),
                "Σ |∂ logit i / ∂ pixel j| over all j ≥ i, of a held-out image: 0, or pixels see what they predict",
            ),
            "Earlier pixels seen": Measure(
                (slopes > 0)[:, before].double().mean(1),
                "the share of pairs j < i in which the logit of pixel i moves with pixel j, of a held-out image",
            ),
        }

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Some pixels, and what each sees, by the gradients of its logit."""
        height, width = self.space.shape[1:]
        rows, columns = (height // 2, height - 1), (0, width // 2, width - 1)
        chosen = [row * width + column for row in rows for column in columns]
        seen = (self.gradients(splits.held_out.x[:MEASURED], chosen) > 0).any(0)
        alone = torch.eye(self.space.dimensions, device=seen.device)[chosen]
        both = torch.stack([alone, seen.float()]).unflatten(2, self.space.shape)
        return {"Above a pixel, below all pixels that its logit depends on, by gradients": both}
