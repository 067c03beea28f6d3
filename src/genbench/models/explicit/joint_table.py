"""The full joint table (Koller & Friedman, 2009, chapter 3): one probability for every element.

p(x) = (N(x) + c) / (N + c·Lᴰ), N(x) of N training elements being x.

It assumes nothing, and pays with Lᴰ − 1 free parameters: the count that a graph of conditional independences
(`bayes_net`) exists to avoid.  Maximum likelihood of a multinomial; c > 0 is a symmetric Dirichlet prior.
"""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.nn.cells import cell_of, count_cells, levels_of


class JointTable(GenerativeModel):
    """pseudo_count: what is added to every count.  0 is maximum likelihood: log p = −∞ for elements never seen."""

    exact = True

    log_p: Tensor

    def __init__(self, space: Space, *, pseudo_count: float = 0.0) -> None:
        super().__init__(space)
        if not 0 <= pseudo_count < float("inf"):
            raise ValueError(f"pseudo_count: got {pseudo_count}; expected 0 or more")
        self.pseudo_count = pseudo_count
        cells = count_cells(space)
        self.register_buffer("log_p", torch.full((cells,), 1 / cells).log())

    @property
    def free_parameters(self) -> int:
        return len(self.log_p) - 1  # the probabilities sum to 1

    def fit(self, splits: Splits) -> None:
        counted = torch.zeros(len(self.log_p), dtype=torch.long, device=self.log_p.device)
        for part in splits.train.blocks():
            counted += torch.bincount(cell_of(self.space, part.x), minlength=len(counted))
        counts = counted.double() + self.pseudo_count
        self.log_p.copy_((counts / counts.sum()).log())

    def phases(self) -> list[Phase]:
        return [Phase("counting", fit=self.fit)]

    def log_prob(self, x: Tensor) -> Tensor:
        return self.log_p[cell_of(self.space, x)]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        drawn = torch.multinomial(self.log_p.exp(), n, replacement=True, generator=rng)
        return self.space.to_unit(levels_of(self.space, drawn)).unflatten(1, self.space.shape)
