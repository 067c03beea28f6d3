"""Progressive GAN (Karras et al., 2018), arXiv:1710.10196.  Both players grow, from 4 × 4 pixels to the whole image.

At every new side its layers fade in: G gives (1 − α) up(G_old(z)) + α G_new(z), α from 0 to 1, and f sees the images in
the same blend; then both are trained at that side.  The game is WGAN-GP's (arXiv:1704.00028) with a drift term:
the critic minimises E[f(G(z))] − E[f(x)] + λ E[(‖∇f(x̂)‖₂ − 1)²] + ε E[f(x)²], the generator −E[f(G(z))].
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.games import WASSERSTEIN, gradient_penalty
from genbench.nn.growing import START, GrowingCritic, GrowingGenerator
from genbench.nn.priors import GaussianPrior
from genbench.nn.towers import enlarged


class Progressive(GaussianPrior, GenerativeModel):
    """Gaussian z on a sphere, equalised learning rates, pixel norm in the generator, minibatch deviation in the critic.

    Phases: 4 × 4, then fade-in and training for each doubling, in equal shares of the steps; the last takes `final` of
    these shares.  `stage` and `alpha` say how far it has grown; images of earlier stages are shown enlarged.
    latent: dimensions of z.  width: feature maps at full resolution, twice as many at half the side, up to `widest`.
    penalty: λ.  drift: ε, which keeps f near 0.
    """

    stage: Tensor
    alpha: Tensor
    tiny: ClassVar = {"latent": 6, "width": 8}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 512,
        width: int = 16,
        widest: int = 512,
        penalty: float = 10.0,
        drift: float = 1e-3,
        final: float = 1.0,
        lr: float = 1e-3,
        beta1: float = 0.0,
        beta2: float = 0.99,
    ) -> None:
        super().__init__(space)
        side = space.shape[-1]
        if space.kind != "image" or space.shape[1] != side or side < START or side & (side - 1):
            raise ValueError(
                f"shape={space.shape}: the images grow from 4 × 4 by doubling; expected a square of side 4, 8, 16 …"
            )
        self.latent, self.penalty, self.drift, self.final = latent, penalty, drift, final
        self.last = (side // START).bit_length() - 1
        maps = [min(width * 2**k, widest) for k in reversed(range(self.last + 1))]
        self.generator = GrowingGenerator(space.shape[0], latent, maps)
        self.critic = GrowingCritic(space.shape[0], maps)
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2))
        self.register_buffer("stage", torch.tensor(0))
        self.register_buffer("alpha", torch.tensor(0.5))  # every phase sets both

    def grow(self, progress: float, *, stage: int, fading: bool) -> None:
        self.stage.fill_(stage)
        self.alpha.fill_(progress if fading else 1.0)

    def real(self, x: Tensor, stage: int, alpha: Tensor | None) -> Tensor:
        """(n, *shape) in [0, 1] -> what the critic sees of them: [−1, 1], at the stage's side, faded in as the rest."""
        x = F.avg_pool2d(self.space.signed(x), 2 ** (self.last - stage))
        return x if alpha is None else torch.lerp(enlarged(F.avg_pool2d(x, 2)), x, alpha)

    def critic_loss(self, batch: Batch, *, stage: int, fading: bool) -> Tensor:
        alpha = self.alpha if fading else None
        real = self.real(batch.x, stage, alpha)
        with torch.no_grad():
            fake = self.generator(self.prior(len(real), device=real.device), stage, alpha)
        critic = partial(self.critic, stage=stage, alpha=alpha)
        score = critic(real)
        game = WASSERSTEIN.fake(critic(fake)).mean() + WASSERSTEIN.real(score).mean()
        loss: Tensor = game + self.drift * score.square().mean()
        return loss + self.penalty * gradient_penalty(critic, real, fake)

    def generator_loss(self, batch: Batch, *, stage: int, fading: bool) -> Tensor:
        alpha = self.alpha if fading else None
        fake = self.generator(self.prior(len(batch.x), device=batch.x.device), stage, alpha)
        return WASSERSTEIN.real(self.critic(fake, stage, alpha)).mean()

    def growing(self, stage: int, *, fading: bool) -> Phase:
        """One phase; its objectives own the parameters that the stage uses, and no later or earlier ones."""
        used = range(stage - 1 if fading else stage, stage + 1)
        players = []
        for name, network, edge, loss in (
            ("critic", self.critic, self.critic.from_rgb, self.critic_loss),
            ("generator", self.generator, self.generator.to_rgb, self.generator_loss),
        ):
            parts = [*network.blocks[: stage + 1], *(edge[i] for i in used)]
            own = [parameter for part in parts for parameter in part.parameters()]
            players.append(Objective(name, own, partial(loss, stage=stage, fading=fading), self.optimizer))
        side = START * 2**stage
        name = f"fade-in {side}×{side}" if fading else f"{side}×{side}"
        share = self.final if stage == self.last and not fading else 1.0
        return Phase(name, tuple(players), share, progress=partial(self.grow, stage=stage, fading=fading))

    def phases(self) -> list[Phase]:
        later = [self.growing(i, fading=fading) for i in range(1, self.last + 1) for fading in (True, False)]
        return [self.growing(0, fading=False), *later]

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        stage = int(self.stage)
        x = self.generator(z, stage, self.alpha if stage and self.alpha < 1 else None)
        return self.space.unsigned(enlarged(x, 2 ** (self.last - stage))).clamp(0, 1)

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """The same codes at every moment, as far as the images have grown."""
        return {"x": self.sample(16, rng=rng)}

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))
