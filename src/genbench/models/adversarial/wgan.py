"""WGAN (Arjovsky et al., 2017), arXiv:1701.07875.  The Wasserstein game with clipped weights.

W(p, q) = sup E_p[f(x)] − E_q[f(x)] over 1-Lipschitz f (eq. 2).  The critic maximises it with weights kept in [−c, c],
so that f is K-Lipschitz and finds K times the distance at most; the generator descends what it finds.  Where the data
lies on a line the distance is known: critics trained further against several generators are held against it.
"""

import copy
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from genbench.capabilities import Measure
from genbench.core import Phase, Space, Splits
from genbench.nn.adversarial_losses import LOSSES
from genbench.nn.adversaries import NETWORKS, Sizes, perceptrons
from genbench.nn.composed_games import ComposedGame
from genbench.nn.games import checked_steps
from genbench.nn.regularisers import REGULARISERS, clipped

GENERATORS, CRITICS, STEPS, LATE, RATE = 12, 3, 60, 30, 2e-3
EDGE = 0.99  # of c: a weight this far from 0 counts as clipped


class WGAN(ComposedGame):
    """RMSProp, as momentum upsets a critic that changes (paper, section 4); five critic steps for one of the generator.

    network: flat elements, of shape (d,), have perceptrons in any case.  latent, width, hidden, layers, dropout: sizes.
    Batch norm in the generator alone.  clip: c.  warm_up: share of the steps that the critic first has to itself, for a
    generator should meet a critic near its best (official code: 100 steps of the critic for each of the first).
    lr: the critic's.
    """

    weakness = (
        "A critic with clipped weights is a very simple function, which misses what is fine in the data "
        "(Gulrajani et al., 2017, arXiv:1704.00028, section 3.1)."
    )
    tiny: ClassVar = {"latent": 6, "width": 8, "hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["perceptrons", "dcgan", "residual"] = "dcgan",
        latent: int = 128,
        width: int = 64,
        hidden: int = 512,
        layers: int = 3,
        dropout: float = 0.0,
        clip: float = 0.01,
        critic_steps: int = 5,
        warm_up: float = 0.0,
        lr: float = 5e-5,
        generator_lr: float = 5e-5,
    ) -> None:
        super().__init__(space)
        if not 0 <= warm_up < 1:
            raise ValueError(f"warm_up: got {warm_up}; expected a share of the steps, at least 0 and below 1")
        self.critic_steps = checked_steps(critic_steps)
        build = NETWORKS[network] if space.kind == "image" else perceptrons
        self.generator, self.critic = build(space, Sizes(latent, width, hidden, layers, dropout), bias=False)
        self.losses, self.regulariser = LOSSES["wasserstein"], REGULARISERS["weight_clipping"]
        self.latent, self.clip, self.warm_up = latent, clip, warm_up
        self.optimizer = partial(torch.optim.RMSprop, lr=lr)
        self.generator_optimizer = partial(torch.optim.RMSprop, lr=generator_lr)

    def phases(self) -> list[Phase]:
        """The critic alone, then both."""
        (game,) = super().phases()
        critic, generator = game.objectives
        generator = generator._replace(optimizer=self.generator_optimizer)
        game = game._replace(objectives=(critic, generator), share=1 - self.warm_up)
        return [Phase("critic", (critic,), self.warm_up), game] if self.warm_up else [game]

    def estimates(self, real: Tensor, data: Tensor, rng: Generator) -> Tensor:
        """(GENERATORS, 2): the exact distance of each generator from `real`, (n, 1), and a trained critic's −L_D.

        The generators lie on the straight way of transport from the model to the data: (1 − q) x' + q G(z), both in
        order, q from 1 to 0, x' drawn from `data`.  The critic starts as it is and goes on from one to the next; its
        estimate is the mean of its LATE last steps.
        """
        from scipy.stats import wasserstein_distance

        own, found = copy.deepcopy(self).train(), []
        optimizer = clipped(partial(torch.optim.RMSprop, lr=RATE), self.clip)(list(own.critic.parameters()))
        for q in torch.linspace(1, 0, GENERATORS).tolist():
            drawn = data[torch.randint(len(data), (len(real),), generator=rng, device=rng.device)]
            made = self.generate_signed(self.prior(len(real), rng=rng))
            fake = (1 - q) * drawn.sort(0).values + q * made.sort(0).values
            seen = []
            for _ in range(STEPS):
                with torch.enable_grad():
                    loss = own.critic_loss_between(real, fake)
                    optimizer.zero_grad()
                    loss.backward(inputs=list(own.critic.parameters()))
                optimizer.step()
                seen.append(-loss.detach())
            exact = wasserstein_distance(real[:, 0].cpu().numpy(), fake[:, 0].cpu().numpy())
            found.append(torch.stack([seen[0].new_tensor(exact), torch.stack(seen[-LATE:]).mean()]))
        return torch.stack(found)

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """How many weights stand at the bound, and on a line whether critics rank distances rightly."""
        weights = torch.cat([parameter.flatten() for parameter in self.critic.parameters()])
        share = (weights.abs() >= EDGE * self.clip).float().mean()
        meaning = f"Weights of the critic at the bound c = {self.clip:g}."
        found = {"weights at ±c": Measure(share[None], meaning)}
        if self.space.shape == (1,):
            real, data = (self.space.signed(part.some().x) for part in (splits.held_out, splits.train))
            from scipy.stats import spearmanr

            rows = [self.estimates(real, data, rng).cpu().numpy() for _ in range(CRITICS)]
            ranks = torch.tensor([float(spearmanr(row).statistic) for row in rows])
            meaning = (
                f"Spearman correlation of −L_D with the exact W₁ from the held-out data, over {GENERATORS} generators "
                f"from the model to the data, for {CRITICS} critics trained on against each."
            )
            found["−L_D ranks W₁"] = Measure(ranks, meaning, "up")
        return found
