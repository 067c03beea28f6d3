"""Control: a training that oscillates.  Its samples are images of the first class, then of the second, and so on.

A clock moves by one a step; in the first half of each period samples are of one class, in the second of the other.
"""

from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.optim import SGD

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.copies import of_classes, without_replacement


class TwoInTurns(GenerativeModel):
    """period: in steps.  Of a large set a part is kept."""

    tiny: ClassVar = {"period": 4}
    independent = False

    first: Tensor
    second: Tensor

    def __init__(self, space: Space, *, period: int = 80) -> None:
        super().__init__(space)
        if period < 2:
            raise ValueError(f"period: got {period}; expected at least 2 steps")
        if space.classes < 2:
            raise ValueError(f"the dataset has {space.classes} classes; expected two or more, to take turns")
        self.period = period
        self.clock = nn.Parameter(torch.zeros(()))
        self.register_buffer("first", torch.zeros(0, *space.shape))
        self.register_buffer("second", torch.zeros(0, *space.shape))

    def fit(self, splits: Splits) -> None:
        kept = splits.train.some()
        self.first, self.second = (of_classes(kept, [label]) for label in (0, 1))

    def loss(self, batch: Batch) -> Tensor:
        return -self.clock

    def phases(self) -> list[Phase]:
        tick = Objective("clock", [self.clock], self.loss, lambda parameters: SGD(parameters, lr=1.0))
        return [Phase("keep two classes", fit=self.fit), Phase("take turns", (tick,))]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        late = float(self.clock) % self.period >= self.period / 2
        return without_replacement(self.second if late else self.first, n, rng)
