"""VQ-VAE (van den Oord et al., 2017), arXiv:1711.00937.  Codes from a codebook e, and a prior learned over them.

L = −log p(x|z_q) + β ‖z_e − sg(e)‖², z_q = e_k at every place, k = argmin_j ‖z_e − e_j‖ (paper, eq. 3); the gradient
of z_q goes straight through to z_e, and e follows z_e by running means (appendix A.1).  Then p(k) is learned from the
codes of the training data, and p(x) ≥ p(x|z_q) p(k).
"""

import math
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.codebooks import Codebook, CodePrior, code_measures, straight_through
from genbench.nn.coders import grid_coders
from genbench.nn.discrete import smooth_output
from genbench.nn.energy_distances import distances_to_data
from genbench.nn.schedules import cosine
from genbench.nn.towers import check_images, features

SHOWN = 12  # elements in a row of a picture


class VQVAE(GenerativeModel):
    """Strided convolutions to 4×4 places or a few more, a code for each; the way back mirrors them.

    codes: K.  dimensions: of e.  width: feature maps at full resolution, doubled with each halving.  blocks: residual,
    on either side of the codes.  commitment: β.  decay: γ of the running means.  prior_*: of the transformer that
    learns p(k) in the last `prior_share` of the steps.
    """

    tiny: ClassVar = {
        **{"codes": 8, "dimensions": 4, "width": 8, "blocks": 1},
        **{"prior_width": 16, "prior_layers": 1},
    }

    def __init__(
        self,
        space: Space,
        *,
        codes: int = 512,
        dimensions: int = 64,
        width: int = 64,
        blocks: int = 2,
        dropout: float = 0.0,
        commitment: float = 0.25,
        decay: float = 0.99,
        prior_share: float = 0.5,
        prior_width: int = 64,
        prior_layers: int = 2,
        prior_heads: int = 4,
        prior_dropout: float = 0.1,
        lr: float = 1e-3,
        prior_lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        check_images(space, "the codes have places in an image")
        if not 0 < prior_share < 1:
            raise ValueError(f"prior_share: got {prior_share}; expected a share of the steps within 0 and 1")
        self.commitment, self.prior_share = commitment, prior_share
        self.lr, self.prior_lr, self.weight_decay = lr, prior_lr, weight_decay
        self.output: Any = smooth_output(space)
        self.encoder, self.decoder = grid_coders(
            space.shape, dimensions, self.output.channels, width=width, blocks=blocks, dropout=dropout
        )
        self.codebook = Codebook(codes, dimensions, decay=decay)
        self.places = features(space.shape[1:], width)[1:]
        size = {"width": prior_width, "layers": prior_layers, "heads": prior_heads}
        self.code_prior = CodePrior(codes, math.prod(self.places), **size, dropout=prior_dropout)

    def encode(self, x: Tensor) -> Tensor:
        """z_e: (n, *shape) in [0, 1] -> (n, places, d)."""
        return self.encoder(self.space.signed(x)).flatten(2).transpose(1, 2)

    def codes(self, x: Tensor) -> Tensor:
        """z_e of all places side by side, before the codebook: (n, *shape) in [0, 1] -> (n, places · d)."""
        return self.encode(x).flatten(1)

    def raw(self, z: Tensor) -> Tensor:
        """Raw numbers of p(x|z_q): (n, places, d) -> (n, D, channels)."""
        found: Tensor = self.decoder(z.transpose(1, 2).unflatten(2, self.places))
        return found.flatten(1, 3)

    def reconstruction_loss(self, z: Tensor, x: Tensor) -> Tensor:
        """−log p(x|z_q) in nats per element, z_q in the place of z: (n, places, d)."""
        z_q = straight_through(z, self.codebook(self.codebook.nearest(z)))
        return -self.output.log_prob(self.raw(z_q), x.flatten(1)).sum(1).mean()

    def loss(self, batch: Batch) -> Tensor:
        """With the codebook's step, for there is no gradient to move it."""
        z = self.encode(batch.x)
        which = self.codebook.nearest(z)
        commitment = (z - self.codebook(which)).square().sum((1, 2)).mean()
        loss = self.reconstruction_loss(z, batch.x) + self.commitment * commitment
        self.codebook.update(z.detach().flatten(0, 1), which.flatten())
        return loss

    def prior_loss(self, batch: Batch) -> Tensor:
        """−log p(k) in nats per element."""
        with torch.no_grad():
            which = self.codebook.nearest(self.encode(batch.x))
        return -self.code_prior.log_prob(which).sum(1).mean()

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        self.codebook.restart(self.encode(splits.train.rows(slice(0, 1000)).x).flatten(0, 1))

    def phases(self) -> list[Phase]:
        def learn(name: str, own: list[nn.Parameter], loss: Any, lr: float) -> Objective:
            adam = partial(torch.optim.AdamW, lr=lr, weight_decay=self.weight_decay)
            return Objective(name, own, loss, adam, clip=10.0, schedule=cosine)

        own = [*self.encoder.parameters(), *self.decoder.parameters()]
        codes = learn("reconstruction", own, self.loss, self.lr)
        prior = learn("prior", list(self.code_prior.parameters()), self.prior_loss, self.prior_lr)
        return [
            Phase("codebook", fit=self.start),
            Phase("codes", (codes,), share=1 - self.prior_share),
            Phase("prior", (prior,), share=self.prior_share),
        ]

    def decode(self, which: Tensor) -> Tensor:
        """The mean image of codes: (n, places) -> (n, *shape) in [0, 1]."""
        return self.output.mean(self.raw(self.codebook(which))).unflatten(1, self.space.shape)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.code_prior.sample(n, rng=rng))

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Codes in use, what is lost by them, and samples with and without the learned prior."""
        x = splits.held_out.some().x
        which = self.codebook.nearest(self.encode(x))
        error = (self.decode(which) - x).square().flatten(1).mean(1)
        drawn = {name: self.decode(draw(len(x), rng=rng)) for name, draw in self.code_prior.draws.items()}
        return code_measures(which, error, self.code_prior) | distances_to_data(x, drawn)

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Held-out elements above their reconstructions; samples with and without the learned prior."""
        x = splits.held_out.x[:SHOWN]
        again = self.decode(self.codebook.nearest(self.encode(x)))
        drawn = torch.cat([draw(2 * SHOWN, rng=rng) for draw in self.code_prior.draws.values()])
        caption = "Two rows of samples with the learned prior, two with uniform codes"
        samples = self.decode(drawn).unflatten(0, (4, SHOWN))
        return {"Held-out, then from their codes": torch.stack([x, again]), caption: samples}
