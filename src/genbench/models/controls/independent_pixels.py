"""Control: every value drawn independently from its own histogram, log p(x) = Σ_d log p_d(x_d).

The likelihood that any model of dependence has to beat.
"""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits


class IndependentPixels(GenerativeModel):
    """Histograms with add-one smoothing (Laplace): p_d(l) = (n_dl + 1) / (n + L)."""

    exact = True

    log_p: Tensor

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.register_buffer("log_p", torch.zeros(space.dimensions, space.levels))

    @property
    def free_parameters(self) -> int:
        return self.log_p.shape[0] * (self.log_p.shape[1] - 1)  # each histogram sums to 1

    def fit(self, splits: Splits) -> None:
        pixels, bins = torch.arange(self.space.dimensions), self.log_p.numel()
        first = (pixels * self.space.levels).to(self.log_p.device)  # a histogram's place among all, (D,)
        counted = torch.zeros(bins, dtype=torch.long, device=self.log_p.device)
        for part in splits.train.blocks():
            levels = self.space.to_levels(part.x).flatten(1)  # (n, D)
            counted += torch.bincount((levels + first).flatten(), minlength=bins)
        counts = counted.view_as(self.log_p) + 1.0  # (D, L)
        self.log_p.copy_((counts / counts.sum(1, keepdim=True)).log())

    def phases(self) -> list[Phase]:
        return [Phase("histograms", fit=self.fit)]

    def log_prob(self, x: Tensor) -> Tensor:
        levels = self.space.to_levels(x).flatten(1)
        pixels = torch.arange(self.space.dimensions, device=x.device)
        return self.log_p[pixels, levels].sum(1)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        drawn = torch.multinomial(self.log_p.exp(), n, replacement=True, generator=rng).T  # (n, D)
        return self.space.to_unit(drawn).unflatten(1, self.space.shape)
