"""Progressive GAN (Karras et al., 2018), arXiv:1710.10196.  Both players grow, from 4 × 4 pixels to the whole image.

At every new side its layers fade in: G gives (1 − α) up(G_old(z)) + α G_new(z), α from 0 to 1, and f sees the images in
the same blend; then both are trained at that side.  The game is WGAN-GP's (arXiv:1704.00028) with a drift term:
the critic minimises E[f(G(z))] − E[f(x)] + λ E[(‖∇f(x̂)‖₂ − 1)²] + ε E[f(x)²], the generator −E[f(G(z))].
"""

from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.game import GaussianCodes
from genbench.nn.layers import Equalised, MinibatchDeviation, PixelNorm
from genbench.nn.wasserstein import steepness

START = 4  # pixels a side at the first stage


def convolution(inputs: int, outputs: int, side: int = 3, gain: float = 2**0.5) -> Equalised:
    return Equalised(nn.Conv2d(inputs, outputs, side, padding=side // 2), gain)


def enlarged(x: Tensor, times: int = 2) -> Tensor:
    """(n, c, h, w) -> (n, c, times·h, times·w), every pixel `times` squared times."""
    return x.repeat_interleave(times, 2).repeat_interleave(times, 3)


class GrowingGenerator(nn.Module):
    """`maps`: feature maps stage by stage.  Each stage has a block and a 1 × 1 convolution to the image's channels."""

    def __init__(self, channels: int, latent: int, maps: list[int]) -> None:
        super().__init__()

        def layers(inputs: int, outputs: int) -> list[nn.Module]:
            return [convolution(inputs, outputs), nn.LeakyReLU(0.2), PixelNorm()]

        first = maps[0]
        unfold = Equalised(nn.Linear(latent, first * START**2), gain=2**0.5 / 4)  # the official code's gain
        stem = [PixelNorm(), unfold, nn.Unflatten(1, (first, START, START)), nn.LeakyReLU(0.2), PixelNorm()]
        self.blocks: Any = nn.ModuleList([nn.Sequential(*stem, *layers(first, first))])
        for a, b in pairwise(maps):
            self.blocks.append(nn.Sequential(*layers(a, b), *layers(b, b)))
        self.paint: Any = nn.ModuleList(convolution(wide, channels, 1, gain=1.0) for wide in maps)

    def forward(self, z: Tensor, stage: int, alpha: Tensor | None) -> Tensor:
        """(n, k) -> (n, c, 4·2^stage, 4·2^stage); alpha: of a stage that fades in, or None."""
        h = before = self.blocks[0](z)
        for block in self.blocks[1 : stage + 1]:
            before, h = h, block(enlarged(h))
        new = self.paint[stage](h)
        return new if alpha is None else torch.lerp(enlarged(self.paint[stage - 1](before)), new, alpha)


class GrowingCritic(nn.Module):
    """The generator's mirror image: a 1 × 1 convolution from the image's channels and a block for each stage."""

    def __init__(self, channels: int, maps: list[int]) -> None:
        super().__init__()
        first = maps[0]
        self.look: Any = nn.ModuleList(
            nn.Sequential(convolution(channels, wide, 1), nn.LeakyReLU(0.2)) for wide in maps
        )
        last = [MinibatchDeviation(), convolution(first + 1, first), nn.LeakyReLU(0.2), nn.Flatten()]
        hidden = Equalised(nn.Linear(first * START**2, first))
        head = nn.Sequential(*last, hidden, nn.LeakyReLU(0.2), Equalised(nn.Linear(first, 1), gain=1.0))
        self.blocks: Any = nn.ModuleList([head])
        for a, b in pairwise(maps):
            layers = [convolution(b, b), nn.LeakyReLU(0.2), convolution(b, a), nn.LeakyReLU(0.2)]
            self.blocks.append(nn.Sequential(*layers, nn.AvgPool2d(2)))

    def forward(self, x: Tensor, stage: int, alpha: Tensor | None) -> Tensor:
        """(n, c, 4·2^stage, 4·2^stage) -> (n,) values of f."""
        h = self.look[stage](x)
        if alpha is not None:
            h = torch.lerp(self.look[stage - 1](F.avg_pool2d(x, 2)), self.blocks[stage](h), alpha)
            stage -= 1
        for block in reversed(self.blocks[: stage + 1]):
            h = block(h)
        return h[:, 0]


class Progressive(GaussianCodes, GenerativeModel):
    """Gaussian z on a sphere, equalised learning rates, pixel norm in the generator, minibatch deviation in the critic.

    Phases: 4 × 4, then fade-in and training for each doubling, in equal shares of the steps; the last takes `final` of
    these shares.  `stage` and `alpha` say how far it has grown, so that a model may be looked at on its way, when
    images of earlier stages are shown enlarged.
    latent: dimensions of z.  width: feature maps at full resolution, twice as many at half the side, up to `widest`.
    penalty: λ.  drift: ε, which keeps f near 0.
    """

    stage: Tensor
    alpha: Tensor

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
        if len(space.shape) != 3 or space.shape[1] != side or side < START or side & (side - 1):
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
        x = F.avg_pool2d(2 * x - 1, 2 ** (self.last - stage))
        return x if alpha is None else torch.lerp(enlarged(F.avg_pool2d(x, 2)), x, alpha)

    def critic_loss(self, batch: Batch, *, stage: int, fading: bool) -> Tensor:
        alpha = self.alpha if fading else None
        real = self.real(batch.x, stage, alpha)
        with torch.no_grad():
            fake = self.generator(self.prior(len(real), device=real.device), stage, alpha)
        critic = partial(self.critic, stage=stage, alpha=alpha)
        score = critic(real)
        loss: Tensor = critic(fake).mean() - score.mean() + self.drift * score.square().mean()
        return loss + self.penalty * steepness(critic, real, fake)

    def generator_loss(self, batch: Batch, *, stage: int, fading: bool) -> Tensor:
        alpha = self.alpha if fading else None
        fake = self.generator(self.prior(len(batch.x), device=batch.x.device), stage, alpha)
        loss: Tensor = -self.critic(fake, stage, alpha).mean()
        return loss

    def growing(self, stage: int, *, fading: bool) -> Phase:
        """One phase; its objectives own the parameters that the stage uses, and no later or earlier ones."""
        used = range(stage - 1 if fading else stage, stage + 1)
        players = []
        for name, network, edge, loss in (
            ("critic", self.critic, self.critic.look, self.critic_loss),
            ("generator", self.generator, self.generator.paint, self.generator_loss),
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
        return ((enlarged(x, 2 ** (self.last - stage)) + 1) / 2).clamp(0, 1)

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """The same codes at every moment, as far as the images have grown."""
        return {"x": self.sample(16, rng=rng)}

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))
