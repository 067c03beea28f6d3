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

    A subclass gives `logits`, and `order` where its values are in no raster order: where in the flattened element the
    i-th one stands, (D,).  It overrides `field` where a value sees fewer than all before it.  `complete` costs a whole
    pass for each value: a subclass that can do with less overrides it, and must draw the same values.
    """

    exact = True
    order: Tensor | None

    def __init__(
        self,
        space: Space,
        *,
        lr: float,
        weight_decay: float = 0.0,
        clip: float | None = None,
        schedule: Callable[[float], float] = cosine,
    ) -> None:
        super().__init__(space)
        if space.levels < 2:
            raise ValueError(f"levels={space.levels}: the conditionals are over levels; expected 2 or more")
        self.levels = Levels(space)
        self.register_buffer("order", None, persistent=False)
        self.lr, self.weight_decay, self.clip, self.schedule = lr, weight_decay, clip, schedule

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Of every value given those before it: (n, *shape) in [0, 1] -> (n, D, channels), in the model's order."""

    def field(self) -> Tensor:
        """Whether the i-th value's logits move with the j-th, in the model's order: bool (D, D), never for j ≥ i."""
        d = self.space.dimensions
        return torch.ones(d, d, dtype=torch.bool).tril(-1)

    def in_order(self, x: Tensor) -> Tensor:
        """(n, *shape) -> (n, D), in the model's order."""
        return x.flatten(1) if self.order is None else x.flatten(1)[:, self.order]

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

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """x with the values where mask is False drawn anew; mask: bool, broadcastable to x.

        Exact for what follows the last kept value in the model's order; earlier ones see only those before them.
        """
        x, keep = self.shown(x, mask)
        for i, place in enumerate(range(x.shape[1]) if self.order is None else self.order.tolist()):
            self.fill(x, keep, place, self.logits(x.unflatten(1, self.space.shape))[:, i], rng)
        return x.unflatten(1, self.space.shape)

    @staticmethod
    def shown(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """A copy of x, (n, D), without what is hidden, and which of its values are kept, (n, D)."""
        keep = mask.expand_as(x).flatten(1)
        return x.flatten(1) * keep, keep

    def fill(self, x: Tensor, keep: Tensor, place: int, logits: Tensor, rng: Generator) -> None:
        """Draws the values at a place of (n, D) from their logits (n, channels), in place, but for those to be kept."""
        x[:, place] = torch.where(keep[:, place], x[:, place], self.levels.sample(logits, rng))
