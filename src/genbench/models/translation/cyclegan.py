"""CycleGAN (Zhu, Park, Isola & Efros, 2017), arXiv:1703.10593.  Translation between two domains without pairs.

G: S → X and F: X → S play least-squares games against D_X and D_S, whose losses are ½E[(D(x) − 1)²] + ½E[D(G(s))²];
(G, F) minimise E[(D_X(G(s)) − 1)²] + E[(D_S(F(x)) − 1)²] + λ(E‖F(G(s)) − s‖₁ + E‖G(F(x)) − x‖₁)
+ λ'(E‖G(x) − x‖₁ + E‖F(s) − s‖₁), with means over pixels for the norms.
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.games import LEAST_SQUARES, halved_loss
from genbench.nn.image_pool import ImagePool
from genbench.nn.init import normal_weights, zero_biases
from genbench.nn.norms import NORMS
from genbench.nn.schedules import late_linear
from genbench.nn.translation import (
    PatchGAN,
    ResNet,
    as_shown,
    check_translation,
    conditions,
    cycle_errors,
    sources_of,
)

SHOWN = 10


class CycleGAN(GenerativeModel):
    """Two residual generators and two discriminators of patches.  A sample is G of a source image: it has no noise.

    width, blocks, halved: feature maps, residual blocks and halvings of a generator.  critic_width, layers: of a
    discriminator, 3 strided layers for patches of 70×70 pixels.  norm, critic_norm: instance norm forgets how bright
    its picture is, which matters where the domains differ in that.  cycle: λ.  identity: λ', left out where the two
    domains differ in shape.  pool: generated images that a discriminator is shown again.
    """

    conditional = "source"
    noiseless = True
    tiny: ClassVar = {"width": 8, "blocks": 1, "critic_width": 8}

    def __init__(
        self,
        space: Space,
        *,
        width: int = 64,
        blocks: int = 6,
        halved: int = 2,
        norm: Literal["instance", "batch"] = "instance",
        critic_width: int = 64,
        layers: int = 3,
        critic_norm: Literal["instance", "none"] = "instance",
        cycle: float = 10.0,
        identity: float = 5.0,
        pool: int = 50,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        check_translation(space)
        for option, value in (("cycle", cycle), ("identity", identity), ("pool", pool)):
            if value < 0:
                raise ValueError(f"{option}: got {value}; expected at least 0")
        (channels, *sides), inputs = space.shape, space.source[0]
        square = (sides[0], sides[1])
        self.forth = ResNet(inputs, channels, square, width, blocks, halved=halved, norm=NORMS[norm])
        self.back = ResNet(channels, inputs, square, width, blocks, halved=halved, norm=NORMS[norm])
        self.target_critic = PatchGAN(channels, square, critic_width, layers, NORMS[critic_norm])
        self.source_critic = PatchGAN(inputs, square, critic_width, layers, NORMS[critic_norm])
        self.target_pool, self.source_pool = ImagePool(pool, space.shape), ImagePool(pool, space.source)
        self.apply(normal_weights).apply(zero_biases)
        self.cycle, self.identity = cycle, identity if space.source == space.shape else 0.0
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def to_target(self, source: Tensor) -> Tensor:
        """G: (n, *source) -> (n, *shape), both in [−1, 1]."""
        return self.forth(source).tanh()

    def to_source(self, x: Tensor) -> Tensor:
        """F: (n, *shape) -> (n, *source), both in [−1, 1]."""
        return self.back(x).tanh()

    def generator_loss(self, batch: Batch) -> Tensor:
        source, x = sources_of(batch), self.space.signed(batch.x)
        fake_x, fake_source = self.to_target(source), self.to_source(x)
        game = LEAST_SQUARES.real(self.target_critic(fake_x)).mean()
        game = game + LEAST_SQUARES.real(self.source_critic(fake_source)).mean()
        cycled = F.l1_loss(self.to_source(fake_x), source) + F.l1_loss(self.to_target(fake_source), x)
        loss = game + self.cycle * cycled
        if self.identity:
            unchanged = F.l1_loss(self.to_target(x), x) + F.l1_loss(self.to_source(source), source)
            loss = loss + self.identity * unchanged
        return loss

    def target_critic_loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            fake = self.target_pool.exchange(self.to_target(sources_of(batch)))
        return halved_loss(LEAST_SQUARES, self.target_critic, self.space.signed(batch.x), fake)

    def source_critic_loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            fake = self.source_pool.exchange(self.to_source(self.space.signed(batch.x)))
        return halved_loss(LEAST_SQUARES, self.source_critic, sources_of(batch), fake)

    def phases(self) -> list[Phase]:
        translators = [*self.forth.parameters(), *self.back.parameters()]
        players = (
            ("generators", translators, self.generator_loss),
            ("target critic", list(self.target_critic.parameters()), self.target_critic_loss),
            ("source critic", list(self.source_critic.parameters()), self.source_critic_loss),
        )
        return [
            Phase("game", tuple(Objective(*each, self.optimizer, schedule=late_linear) for each in players))
        ]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """condition: (n, *source) in [0, 1], the images to translate.

        Raises:
            ValueError: no source images, or not n of the right shape.
        """
        return self.space.unsigned(self.to_target(conditions(condition, n, self.space)))

    def reconstructed(self, source: Tensor) -> Tensor:
        """F(G(s)): (n, *source) in [0, 1] -> the same, translated there and back."""
        return self.space.unsigned(self.to_source(self.to_target(self.space.signed(source))))

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        return cycle_errors(splits.held_out, self.to_target, self.to_source)

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        few = splits.held_out.rows(slice(SHOWN))
        source, x = sources_of(few), self.space.signed(few.x)
        fake_x, fake_source = self.to_target(source), self.to_source(x)
        strips = {
            "Held-out sources, translated, and back again": (source, fake_x, self.to_source(fake_x)),
            "Held-out targets, translated, and back again": (x, fake_source, self.to_target(fake_source)),
        }
        shape = self.space.shape
        return {
            caption: self.space.unsigned(torch.stack([as_shown(row, shape) for row in rows]))
            for caption, rows in strips.items()
        }
