"""Generative stochastic network (Bengio et al., 2014), arXiv:1306.1091, with walkback, arXiv:1305.6663.

A Markov chain whose step is learned: corrupt x, let noisy layers of units see it, draw x anew from what they say.

  x̃ ~ C(x),  h = tanh(W x̃ + Uᵀ g + c),  g' = tanh(U h + d + σ ξ),  h' = tanh(W x̃ + Uᵀ g' + c),
  x' ~ P(x|h') = Bernoulli, of logits Wᵀ h' + b.

Learning maximises log P(x|h') for the data x at every step.  With walkback the chain goes on from its own x', which it
learns to lead back: modes that lie between the data lose their hold.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.chains import class_changes
from genbench.nn.discrete import bernoulli
from genbench.nn.schedules import cosine

CHAINS, LENGTH = 50, 60  # that are measured, and their steps
ROWS, COLUMNS = 6, 16  # that are shown


class GSN(GenerativeModel):
    """Two layers with tied weights; data of two levels only.

    corruption: share of pixels that salt and pepper replace.  noise: σ, before the upper layer's tanh.
    sweeps: steps of a training chain.  walkback: how many of these, the last ones, go on from the chain's own x', 0 to
    sweeps − 1; the others see the data again, newly corrupted.  burn: steps from pixels of the base rates to a sample.
    """

    tiny: ClassVar = {"hidden": (24, 12), "burn": 5}
    base: Tensor

    def __init__(
        self,
        space: Space,
        *,
        hidden: tuple[int, ...] = (1500, 1500),
        corruption: float = 0.4,
        noise: float = 2.0,
        sweeps: int = 4,
        walkback: int = 3,
        burn: int = 100,
        lr: float = 1e-3,
    ) -> None:
        super().__init__(space)
        if space.levels != 2:
            raise ValueError(f"levels={space.levels}: a GSN of Bernoulli pixels needs 2")
        if len(hidden) != 2 or not 0 <= walkback < sweeps:
            raise ValueError(
                f"hidden={hidden}, walkback={walkback}: expected two layers, and 0 to sweeps − 1"
            )
        self.corruption, self.noise, self.burn, self.lr = corruption, noise, burn, lr
        self.sweeps, self.walkback = sweeps, walkback
        self.below = nn.Linear(space.dimensions, hidden[0])  # W, c
        self.above = nn.Linear(*hidden)  # U, d
        self.pixels = nn.Parameter(torch.zeros(space.dimensions))  # b
        self.register_buffer("base", torch.zeros(space.dimensions))

    def corrupted(self, x: Tensor, rng: Generator | None = None) -> Tensor:
        """Salt and pepper: pixels replaced by 0 or 1, each as likely."""
        replaced, bit = torch.rand((2, *x.shape), generator=rng, device=x.device)
        return torch.where(replaced < self.corruption, bit.round(), x)

    def sweep(self, x: Tensor, upper: Tensor, rng: Generator | None = None) -> tuple[Tensor, Tensor]:
        """x (n, D) and g (n, G) -> logits of P(x|h') and g'."""
        seen = self.below(self.corrupted(x, rng))
        h = torch.tanh(seen + upper @ self.above.weight)
        noise = torch.randn(upper.shape, generator=rng, device=x.device)
        upper = torch.tanh(self.above(h) + self.noise * noise)
        h = torch.tanh(seen + upper @ self.above.weight)
        return h @ self.below.weight + self.pixels, upper

    def loss(self, batch: Batch) -> Tensor:
        """−log P(x|h') of the data, a mean over steps and pixels."""
        x = batch.x.flatten(1)
        seen, upper, total = x, x.new_zeros(len(x), self.above.out_features), x.new_zeros(())
        for k in range(1, self.sweeps + 1):
            logits, upper = self.sweep(seen, upper)
            total = total + F.binary_cross_entropy_with_logits(logits, x)
            seen = bernoulli(logits.detach(), None) if k >= self.sweeps - self.walkback else x
        return total / self.sweeps

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.Adam, lr=self.lr)
        learn = Objective("reconstruction", list(self.parameters()), self.loss, adam, schedule=cosine)
        return [Phase("base rates", fit=self.start), Phase("chain", (learn,))]

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        """Logits of the pixels' base rates, smoothed by one more image of each colour: where chains begin."""
        lit = torch.stack([part.x.flatten(1).sum(0) for part in splits.train.blocks()]).sum(0)
        self.base.copy_(((lit + 1) / (len(splits.train.x) + 2)).logit())

    def run(self, x: Tensor, steps: int, rng: Generator, keep: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x' of so many steps from x (n, D), and P(x|h') that they were drawn from, (steps, n, D) each.

        keep: bool (n, D), pixels that stay as they are.
        """
        upper, states, means = x.new_zeros(len(x), self.above.out_features), [], []
        for _ in range(steps):
            logits, upper = self.sweep(x, upper, rng)
            drawn = bernoulli(logits, rng)
            x = drawn if keep is None else torch.where(keep, x, drawn)
            states.append(x)
            means.append(logits.sigmoid())
        return torch.stack(states), torch.stack(means)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        x = bernoulli(self.base.expand(n, -1), rng)
        return self.run(x, self.burn, rng)[0][-1].unflatten(1, self.space.shape)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """The chain with the kept pixels clamped, after as many steps as a sample takes."""
        keep, known = mask.expand_as(x).flatten(1), x.flatten(1)
        x = torch.where(keep, known, bernoulli(self.base.expand_as(known), rng))
        return self.run(x, self.burn, rng, keep)[0][-1].unflatten(1, self.space.shape)

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """How often chains from held-out images change their class, by the nearest training image."""
        train = splits.train.some()
        if train.label is None:
            return {}
        x = splits.held_out.some().x[:CHAINS].flatten(1)
        changes, seen = class_changes(self.run(x, LENGTH, rng)[0], train.x.flatten(1), train.label)
        by = f"in {LENGTH} steps of a chain from a held-out image, by the label of the nearest training image"
        return {
            "class changes a step": Measure(
                changes, f"Share of steps after which the class is another one, {by}."
            ),
            "classes seen by a chain": Measure(seen, f"Different classes {by}.", "up"),
        }

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Rows are chains, columns their steps."""
        x = splits.held_out.some().x[:ROWS]
        means = self.run(x.flatten(1), COLUMNS, rng)[1].unflatten(2, self.space.shape)
        rows = torch.cat([x[:, None], means.transpose(0, 1)], 1)
        return {"Held-out, then P(x|h) of consecutive steps of a chain from it": rows}
