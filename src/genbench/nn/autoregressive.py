"""What models of the form p(x) = Π_i p(x_i | x_<i) have in common, whatever gives the conditionals."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.discrete import Levels
from genbench.nn.schedules import cosine


class Autoregressive(GenerativeModel):
    """Maximum likelihood by AdamW; sampling is completion of an element of which nothing is shown.

    A subclass gives `logits` and `complete`, and `in_order` or `log_prob` where its values are in no raster order.
    """

    exact = True

    def __init__(
        self,
        space: Space,
        *,
        lr: float,
        weight_decay: float,
        clip: float | None = None,
        schedule: Callable[[float], float] = cosine,
    ) -> None:
        super().__init__(space)
        if space.levels < 2:
            raise ValueError(f"levels={space.levels}: the conditionals are over levels; expected 2 or more")
        self.levels = Levels(space)
        self.lr, self.weight_decay, self.clip, self.schedule = lr, weight_decay, clip, schedule

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Of every value given those before it: (n, *shape) in [0, 1] -> (n, D, channels), in the model's order."""

    @abstractmethod
    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """x with the values where mask is False drawn anew; mask: bool, broadcastable to x."""

    def in_order(self, x: Tensor) -> Tensor:
        """(n, *shape) -> (n, D), in the model's order: raster order, unless a subclass has another."""
        return x.flatten(1)

    def log_prob(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) nats."""
        return self.levels.log_prob(self.logits(x), self.in_order(x)).sum(1)

    def loss(self, batch: Batch) -> Tensor:
        """Nats per element."""
        return -self.log_prob(batch.x).mean()

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        own = list(self.parameters())
        nll = Objective("nll", own, self.loss, adam, clip=self.clip, schedule=self.schedule)
        return [Phase("likelihood", (nll,))]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        blank = torch.zeros(n, *self.space.shape, device=rng.device)
        return self.complete(blank, torch.zeros_like(blank, dtype=torch.bool), rng=rng)
