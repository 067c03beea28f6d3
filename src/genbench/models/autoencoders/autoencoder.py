"""Autoencoder (Hinton & Salakhutdinov, 2006, Science 313).  min E‖x − g(f(x))‖² through a code f(x) of k dimensions.

Where f and g are linear the best code spans the first k principal components (Bourlard & Kamp, 1988), which are what
its error is held against.  It is no model of densities by itself: a Gaussian mixture on the codes of the training data
is what it samples from.
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.capabilities import Measure, Scatter
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.coders import Coders, convolutions, perceptrons
from genbench.nn.priors import GaussianMixture
from genbench.nn.probes import neighbour_labels, plane, principal_components
from genbench.nn.schedules import cosine

SHOWN = 12  # held-out elements in a picture
NETWORKS: dict[str, Callable[..., Coders]] = {
    "perceptrons": perceptrons,
    "convolutions": convolutions,
}


class Autoencoder(GenerativeModel):
    """SiLU units, a linear code, σ for the values.

    latent: k.  network: perceptrons of `widths` units, or, for images, convolutions with `width` maps at full
    resolution, doubled with each halving.  dropout: on hidden units; of the convolutions on those before the code.
    components: of the mixture, with full covariances; ridge: what is added to their diagonals, as a share of the
    codes' mean variance.
    """

    tiny: ClassVar = {"widths": (24, 12), "width": 8, "latent": 2, "components": 5}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 30,
        network: Literal["perceptrons", "convolutions"] = "perceptrons",
        widths: tuple[int, ...] = (1000, 500, 250),
        width: int = 32,
        dropout: float = 0.0,
        components: int = 10,
        ridge: float = 0.01,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        self.latent, self.ridge, self.lr, self.weight_decay = latent, ridge, lr, weight_decay
        self.encoder, self.decoder = NETWORKS[network](space, latent, widths, width, dropout)
        self.mixture = GaussianMixture(components, latent)

    def encode(self, x: Tensor) -> Tensor:
        """f: (n, *shape) in [0, 1] -> (n, k)."""
        return self.encoder(self.space.signed(x))

    def decode(self, z: Tensor) -> Tensor:
        """g: (n, k) -> (n, *shape) in [0, 1]."""
        return self.decoder(z).sigmoid()

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error of a value."""
        return F.mse_loss(self.decode(self.encode(batch.x)), batch.x)

    @torch.no_grad()
    def fit_mixture(self, splits: Splits) -> None:
        self.eval()
        self.mixture.fit(self.training_codes(splits), ridge=self.ridge)

    def codes(self, x: Tensor) -> Tensor:
        """f(x), (n, k)."""
        return self.encode(x)

    def training_codes(self, splits: Splits) -> Tensor:
        """(n, k)."""
        return torch.cat([self.encode(part.x) for part in splits.train.blocks()])

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        own = [*self.encoder.parameters(), *self.decoder.parameters()]
        learn = Objective("reconstruction", own, self.loss, adam, schedule=cosine)
        return [Phase("reconstruction", (learn,)), Phase("mixture", fit=self.fit_mixture)]

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        """Codes from the mixture."""
        return self.mixture.sample(n, rng=rng)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Error and class of held-out elements by their codes, and by as many principal components."""
        train, held_out = splits.train.some(), splits.held_out.some()
        x = held_out.x
        linear = principal_components(train.x, self.latent)
        own, pca = (
            (back - x).square().flatten(1).mean(1)
            for back in (self.decode(self.encode(x)), linear.reconstruct(x))
        )
        error = f"Mean squared error of a value of a held-out element through {self.latent} numbers and back"
        found = {
            "reconstruction error": Measure(own, f"{error}.", "down"),
            "reconstruction error of PCA": Measure(
                pca, f"{error}, principal components of the training data."
            ),
            "below PCA": Measure(pca - own, "How much lower the error is than PCA's, in pairs.", "up"),
        }
        if train.label is None or held_out.label is None:
            return found
        for name, encode in (("codes", self.encode), ("PCA", linear.encode)):
            right = neighbour_labels(encode(train.x), train.label, encode(x)) == held_out.label
            meaning = f"Share of held-out elements with the label of most of their 5 nearest in training, by {name}."
            found[f"5-NN accuracy of {name}"] = Measure(right.float(), meaning, "up")
        return found

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor | Scatter]:
        """Held-out elements above their reconstructions; for codes of the plane also what lies where."""
        (held_out, label, *_), train = splits.held_out.some(), splits.train.some().x
        x, linear = held_out[:SHOWN], principal_components(train, self.latent)
        rows = [x, linear.reconstruct(x).clamp(0, 1), self.decode(self.encode(x))]
        caption = (
            f"Held-out, then through {self.latent} principal components and through {self.latent} code units"
        )
        pictures: dict[str, Tensor | Scatter] = {caption: torch.stack(rows)}
        if self.latent == 2:
            places, codes = plane(self.training_codes(splits)), self.encode(held_out)
            nearest = torch.cdist(places.flatten(0, 1), codes).argmin(1).unflatten(0, places.shape[:2])
            decoded = self.decode(places.flatten(0, 1)).unflatten(0, places.shape[:2])
            pictures["Codes of held-out elements, by class"] = Scatter(codes, label)
            pictures["The plane of codes, decoded place by place"] = decoded
            pictures["The same plane: the held-out element whose code is nearest to each place"] = held_out[
                nearest
            ]
        return pictures
