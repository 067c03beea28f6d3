"""A game in which both players learn from one batch of generated elements a step, as in pytorch/examples' DCGAN."""

from torch import Tensor

from genbench.core import Batch
from genbench.nn.games import NON_SATURATING, NonSaturatingGame


class SharedSamples(NonSaturatingGame):
    """The discriminator's loss draws elements and keeps them for the generator's, which saves a pass of the generator.

    Whether that is as good is a matter for validation data: see `games.Duel`.
    """

    _drawn: Tensor | None = None

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """−log D(x) − log(1 − D(G(z))); real and generated elements in batches of their own."""
        fake = self._drawn = self.generate(batch)
        real_loss = NON_SATURATING.real(self.discriminate(batch.x, batch))
        return (real_loss + NON_SATURATING.fake(self.discriminate(fake.detach(), batch))).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        """−log D(G(z)), of elements that are used once."""
        fake, self._drawn = self._drawn, None
        return NON_SATURATING.real(
            self.discriminate(self.generate(batch) if fake is None else fake, batch)
        ).mean()
