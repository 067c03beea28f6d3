"""SD-GAN (Donahue, Balsubramani, McAuley & Lipton, 2018), arXiv:1705.07904.  Who is seen, apart from how.

min_G max_D E[log D(x, x')] + E[log(1 − D(G(z_I, z_O), G(z_I, z_O')))], x and x' two pictures of one person, z_I a code
of identity and z_O, z_O' two codes of observation: D is fooled by pictures that are real and show one person.
The generator ascends log D instead.  The network is that of SD-DCGAN.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.games import NON_SATURATING, snapshot
from genbench.nn.init import normal_weights
from genbench.nn.priors import uniform
from genbench.nn.siamese import SiameseDiscriminator
from genbench.nn.standing import take_statistics
from genbench.nn.towers import built, halvings, up_tower
from genbench.nn.translation import sources_of

BATCHES, CODES = 5, 200  # of standing statistics
SHOWN, OBSERVATIONS = 6, 10  # identities, and pictures of each


class SDGAN(GenerativeModel):
    """Uniform codes; DCGAN's generator and a Siamese discriminator.  The pictures come in pairs of element and source.

    A code of the model is z_I and z_O side by side.  identity, observation: their dimensions.  width: feature maps at
    full sides.  dropout: in the discriminator.  mismatched: w, of real pictures of two people in the discriminator's
    loss, whom it then has to tell apart (Reed et al., 2016, arXiv:1605.05396); 0 in the paper.
    """

    tiny: ClassVar = {"identity": 3, "observation": 3, "width": 8}

    def __init__(
        self,
        space: Space,
        *,
        identity: int = 50,
        observation: int = 50,
        width: int = 64,
        dropout: float = 0.0,
        mismatched: float = 0.0,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        if not space.paired or space.source != space.shape:
            raise ValueError(
                f"source={space.source}, paired={space.paired}: expected pairs, shape={space.shape} twice"
            )
        channels, *sides = space.shape
        if len(set(sides)) != 1 or not halvings(sides):
            raise ValueError(f"shape={space.shape}: SD-GAN doubles a square; expected an even side ≥ 8")
        self.identity, self.observation, self.mismatched = identity, observation, mismatched
        (up,) = built(up_tower(identity + observation, sides, width))
        self.generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
        self.discriminator = SiameseDiscriminator(channels, sides, width, dropout)
        self.apply(normal_weights)
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, identity + observation) codes, from `rng` on its device, or from the training's own random state."""
        return uniform(n, self.identity + self.observation, rng=rng, device=device)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1], by way of tanh."""
        return self.space.unsigned(self.generator(z).tanh())

    def siblings(self, z: Tensor, *, rng: Generator | None = None) -> Tensor:
        """Codes (n, k) -> codes of the same identities, their observations drawn anew."""
        drawn = uniform(len(z), self.observation, rng=rng, device=z.device)
        return torch.cat([z[:, : self.identity], drawn], 1)

    def generated(self, n: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Pairs in [−1, 1], in one pass, so that batch norm sees both pictures of all."""
        z = self.prior(n, device=device)
        one, other = self.generator(torch.cat([z, self.siblings(z)])).tanh().chunk(2)
        return one, other

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """−log D(x, x') − log(1 − D(G(z_I, z_O), G(z_I, z_O'))) − w log(1 − D(x, x'')), x'' of another person."""
        n = len(batch.x)
        with torch.no_grad():
            first, second = self.generated(n, batch.x.device)
        images = torch.cat([self.space.signed(batch.x), sources_of(batch), first, second])
        one, other, *fake = self.discriminator.tower(images).split(n)
        compare = self.discriminator.compare
        loss = NON_SATURATING.real(compare(one, other)) + NON_SATURATING.fake(compare(*fake))
        if self.mismatched:
            loss = loss + self.mismatched * NON_SATURATING.fake(compare(one, other.roll(1, 0)))
        return loss.mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        """−log D(G(z_I, z_O), G(z_I, z_O'))."""
        return NON_SATURATING.real(self.discriminator(*self.generated(len(batch.x), batch.x.device))).mean()

    def phases(self) -> list[Phase]:
        own, other = list(self.discriminator.parameters()), list(self.generator.parameters())
        players = (
            Objective("discriminator", own, self.discriminator_loss, self.optimizer),
            Objective("generator", other, self.generator_loss, self.optimizer),
        )
        return [Phase("game", players), Phase("standing statistics", fit=self.standing_statistics)]

    def standing_statistics(self, splits: Splits) -> None:
        """Batch norm's, taken once more when the game is over, from the averaged weights."""
        device = next(self.parameters()).device
        take_statistics(self.generator, lambda: self.prior(CODES, device=device), BATCHES)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def pairs(self, n: int, *, rng: Generator) -> tuple[Tensor, Tensor]:
        """(n, *shape) twice, in [0, 1]; row i of both: one identity, two observations."""
        z = self.prior(n, rng=rng)
        return self.decode(z), self.decode(self.siblings(z, rng=rng))

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        return snapshot(self.space, self.sample, rng=rng)

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """A row for each identity, and the pictures again whose observations are alike."""
        identities = self.prior(SHOWN, rng=rng)[:, None, : self.identity]
        observations = self.prior(OBSERVATIONS, rng=rng)[None, :, self.identity :]
        parts = (z.expand(SHOWN, OBSERVATIONS, -1) for z in (identities, observations))
        z = torch.cat(list(parts), 2).flatten(0, 1)
        rows = self.decode(z).unflatten(0, (SHOWN, OBSERVATIONS))
        return {"A row for each identity code, a column for each observation code": rows}
