"""EBGAN (Zhao et al., 2017), arXiv:1609.03126.  The critic is an energy, an autoencoder's error.

E(x) = mean (x − Dec(Enc(x)))².  The critic minimises E(x) + max(0, m − E(G(z))), the generator E(G(z)) + λ PT, where
PT = mean over pairs i ≠ j of cos²(s_i, s_j), s the codes of a batch of generated elements, pulls these apart.
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Space, Splits
from genbench.nn.autoencoding_critics import NETWORKS, AutoencodingGame, perceptrons
from genbench.nn.priors import GaussianPrior


def pulling_away(codes: Tensor) -> Tensor:
    """1 / n(n − 1) Σ_i Σ_{j≠i} cos²(s_i, s_j) of codes (n, k): an element with itself does not count (eq. 4)."""
    units = F.normalize(codes, dim=1)
    n = len(units)
    return ((units @ units.T).square().sum() - n) / (n * (n - 1))


class EBGAN(GaussianPrior, AutoencodingGame):
    """network: flat elements, of shape (d,), have perceptrons in any case.

    latent, code: dimensions of z and of the autoencoder's bottleneck.  hidden: of perceptrons.  width: feature maps at
    full resolution.  margin: m, above the error of good reconstructions.  pull: λ, 0 for plain EBGAN.
    """

    tiny: ClassVar = {"latent": 6, "code": 6, "width": 8, "hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["perceptrons", "convolutions"] = "convolutions",
        latent: int = 100,
        code: int = 32,
        hidden: int = 256,
        width: int = 64,
        margin: float = 1.0,
        pull: float = 0.1,
        lr: float = 1e-3,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        if margin <= 0:
            raise ValueError(f"margin: got {margin}; expected more than 0")
        build = NETWORKS[network] if space.kind == "image" else perceptrons
        self.generator, self.critic = build(space, latent, code, hidden, width)
        self.latent, self.margin, self.pull = latent, margin, pull
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def coded(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [0, 1] -> codes (n, code) and energies (n,), on the scale of [−1, 1]."""
        x = self.space.signed(x)
        codes = self.critic.encoder(x)
        return codes, (x - self.critic.decoder(codes)).square().flatten(1).mean(1)

    def error(self, x: Tensor) -> Tensor:
        """E: (n, *shape) in [0, 1] -> (n,)."""
        return self.coded(x)[1]

    def critic_loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            fake = self.generate(batch)
        return self.error(batch.x).mean() + F.relu(self.margin - self.error(fake)).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        codes, energy = self.coded(self.generate(batch))
        return energy.mean() + self.pull * pulling_away(codes)

    def discriminate(self, x: Tensor, batch: Batch) -> Tensor:
        """−E: what is higher for what looks real."""
        return -self.error(x)

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Energies of held-out, of generated elements, and of uniform noise."""
        x = splits.held_out.some().x
        noise = torch.rand(x.shape, generator=rng, device=x.device)
        shown = {"held-out": x, "generated": self.sample(len(x), rng=rng), "noise": noise}
        meaning = "Mean squared error with which the critic reconstructs them, margin {:g}: {} elements."
        return {
            f"energy, {name}": Measure(self.error(values), meaning.format(self.margin, name))
            for name, values in shown.items()
        }
