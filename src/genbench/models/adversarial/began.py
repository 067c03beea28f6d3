"""BEGAN (Berthelot et al., 2017), arXiv:1703.10717.  The critic is an autoencoder; a balance holds the game in place.

L(x) = mean |x − D(x)|.  The critic minimises L(x) − k L(G(z)), the generator L(G(z)); after each step
k ← k + λ (γ L(x) − L(G(z))), in [0, 1], so that E[L(G(z))] nears γ E[L(x)]: γ low for fidelity, high for variety.
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from genbench.capabilities import Measure
from genbench.core import Batch, Space, Splits
from genbench.nn.autoencoding_critics import NETWORKS, AutoencodingGame, perceptrons
from genbench.nn.priors import UniformPrior


class BEGAN(UniformPrior, AutoencodingGame):
    """Uniform z.  network: flat elements, of shape (d,), have perceptrons in any case.

    latent, code: dimensions of z and of the autoencoder's bottleneck.  hidden: of perceptrons.  width: feature maps at
    full resolution.  gamma: γ.  rate: λ of k, which is kept with the model.
    """

    k: Tensor
    tiny: ClassVar = {"latent": 6, "code": 6, "width": 8, "hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["perceptrons", "convolutions"] = "convolutions",
        latent: int = 64,
        code: int = 64,
        hidden: int = 256,
        width: int = 64,
        gamma: float = 0.5,
        rate: float = 1e-3,
        lr: float = 1e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        if not 0 < gamma <= 1:
            raise ValueError(f"gamma: got {gamma}; expected more than 0, and at most 1")
        build = NETWORKS[network] if space.kind == "image" else perceptrons
        self.generator, self.critic = build(space, latent, code, hidden, width)
        self.latent, self.gamma, self.rate = latent, gamma, rate
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))
        self.register_buffer("k", torch.tensor(0.0))

    def error(self, x: Tensor) -> Tensor:
        """L of (n, *shape) in [0, 1]: (n,), the mean absolute error of a value, on the scale of [−1, 1]."""
        x = self.space.signed(x)
        return (x - self.critic(x)).abs().flatten(1).mean(1)

    def critic_loss(self, batch: Batch) -> Tensor:
        """And the step of k, from the same two errors."""
        with torch.no_grad():
            fake = self.generate(batch)
        real_error, fake_error = self.error(batch.x).mean(), self.error(fake).mean()
        loss = real_error - self.k.clone() * fake_error
        with torch.no_grad():
            self.k += self.rate * (self.gamma * real_error - fake_error)
            self.k.clamp_(0, 1)
        return loss

    def generator_loss(self, batch: Batch) -> Tensor:
        return self.error(self.generate(batch)).mean()

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """How far the game has come, and whether it stands where γ wants it."""
        x = splits.held_out.some().x
        real, fake = self.error(x), self.error(self.sample(len(x), rng=rng))
        balance, progress = fake / real.mean(), real + (self.gamma * real.mean() - fake.mean()).abs()
        return {
            "balance": Measure(
                balance, f"L(G(z)) / E[L(x)], x held out, whose mean γ = {self.gamma:g} asks for."
            ),
            "M_global": Measure(
                progress, "L(x) + |γ L(x) − L(G(z))|, x held out: how far the game has come.", "down"
            ),
        }
