"""The chain rule with a small network for every conditional (Bengio & Bengio, NIPS 12, 2000), without sharing.

log p(x) = Σ_i log p(x_i | x_<i), where p(x_i | x_<i) is a softmax over levels of W_i max(0, V_i x_<i + b_i) + c_i.
The parameters grow with the square of the number of variables, where those of the joint table grow exponentially.
"""

from functools import partial

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.cells import categories
from genbench.nn.discrete import Levels
from genbench.nn.schedules import cosine


class NeuralChain(GenerativeModel):
    """Variables in their order; the first has no inputs and is a bias alone.  More than two levels go in one-hot."""

    exact = True

    def __init__(self, space: Space, *, hidden: int = 16, lr: float = 1e-2) -> None:
        super().__init__(space)
        if hidden < 1:
            raise ValueError(f"hidden: got {hidden}; expected at least 1")
        self.width = 1 if categories(space) == 2 else space.levels  # inputs of one variable
        self.levels, self.lr = Levels(space), lr
        outputs = self.levels.channels
        self.first = nn.Parameter(torch.zeros(outputs))
        self.rest = nn.ModuleList(
            nn.Sequential(nn.Linear(i * self.width, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
            for i in range(1, space.dimensions)
        )

    def seen(self, x: Tensor) -> Tensor:
        """(n, D) in [0, 1] -> (n, D·width), what the networks are shown."""
        if self.width == 1:
            return x
        return F.one_hot(self.space.to_levels(x), self.width).flatten(1).to(self.first.dtype)

    def link(self, i: int, seen: Tensor) -> Tensor:
        """Logits of x_i, (n, channels), from what is seen of x_<i, (n, i·width)."""
        logits: Tensor = self.rest[i - 1](seen) if i else self.first.expand(len(seen), -1)
        return logits

    def logits(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D, channels)."""
        seen = self.seen(x.flatten(1))
        return torch.stack([self.link(i, seen[:, : i * self.width]) for i in range(self.space.dimensions)], 1)

    def log_prob(self, x: Tensor) -> Tensor:
        return self.levels.log_prob(self.logits(x), x.flatten(1)).sum(1)

    def loss(self, batch: Batch) -> Tensor:
        return -self.log_prob(batch.x).mean()

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.Adam, lr=self.lr)
        return [
            Phase(
                "likelihood", (Objective("nll", list(self.parameters()), self.loss, adam, schedule=cosine),)
            )
        ]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        x = torch.zeros(n, self.space.dimensions, device=rng.device)
        for i in range(self.space.dimensions):
            x[:, i] = self.levels.sample(self.link(i, self.seen(x)[:, : i * self.width]), rng)
        return x.unflatten(1, self.space.shape)
