"""Stacked autoencoder (Hinton & Salakhutdinov, 2006; Vincent et al., 2010, JMLR 11): layers trained one by one.

Layer l learns to give back the codes of the layers below it, min ‖h_{l−1} − g_l(f_l(h̃_{l−1}))‖², from a corrupted
copy h̃ where it is a denoising autoencoder.  Then the whole, f = f_L ∘ … ∘ f_1 and g = g_1 ∘ … ∘ g_L, is fine-tuned.
It is no model of densities by itself: a Gaussian mixture on the codes of the training data is what it samples from.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.priors import GaussianMixture
from genbench.nn.probes import classification_errors
from genbench.nn.schedules import cosine
from genbench.nn.snapshots import Snapshot
from genbench.nn.stack import LayerStack

SHOWN = 8  # held-out images in a picture


class Stacked(GenerativeModel):
    """SiLU units, a linear code, σ for the pixels; cross-entropy for pixels and squared error for codes.

    widths: units of the hidden layers.  latent: dimensions of the code.  corruption: share of a layer's inputs that
    are set to zero, 0 for plain autoencoders.  pretraining: share of the steps that the layers get, in equal parts.
    components: of the mixture, with full covariances; ridge: what is added to their diagonals, as a share of the
    codes' mean variance.  The weights before the fine-tuning stay in a buffer: to say on held-out data what it gained.
    """

    tiny: ClassVar = {"widths": (24, 12), "latent": 6, "components": 5}

    def __init__(
        self,
        space: Space,
        *,
        widths: tuple[int, ...] = (1000, 500, 250),
        latent: int = 30,
        corruption: float = 0.25,
        pretraining: float = 0.5,
        components: int = 10,
        ridge: float = 0.01,
        dropout: float = 0.0,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        if not 0 <= pretraining < 1:
            raise ValueError(f"pretraining: got {pretraining}; expected a share of the steps, 0 to below 1")
        self.pretraining, self.ridge = pretraining, ridge
        self.corruption, self.lr, self.weight_decay = corruption, lr, weight_decay
        self.layers = LayerStack(space.shape, [*widths, latent], dropout)
        self.mixture = GaussianMixture(components, latent)
        self.pretrained = Snapshot(self.layers)

    def codes(self, x: Tensor) -> Tensor:
        """f(x), (n, k)."""
        return self.layers.encode(x)

    def corrupted(self, h: Tensor) -> Tensor:
        """Masking noise: values set to zero."""
        return h * (torch.rand_like(h) >= self.corruption)

    def layer_loss(self, batch: Batch, layer: int) -> Tensor:
        """How well one layer gives back its uncorrupted input, which the layers below it compute."""
        with torch.no_grad():
            h = self.layers.encode(batch.x, layer)
        back = self.layers.down(self.layers.up(self.corrupted(h), layer), layer)
        if layer == 0:
            return F.binary_cross_entropy_with_logits(back, h)
        return F.mse_loss(back, h)

    def whole_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the pixels through all layers and back."""
        logits = self.layers.logits(self.layers.encode(self.corrupted(batch.x)))
        return F.binary_cross_entropy_with_logits(logits, batch.x.flatten(1))

    def remember(self, splits: Splits) -> None:
        self.pretrained.take(self.layers)

    @torch.no_grad()
    def fit_mixture(self, splits: Splits) -> None:
        self.eval()
        codes = torch.cat([self.layers.encode(part.x) for part in splits.train.blocks()])
        self.mixture.fit(codes, ridge=self.ridge)

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        layers, share = [], self.pretraining / self.layers.depth
        for i in range(self.layers.depth):
            own, loss = self.layers.layer(i), partial(self.layer_loss, layer=i)
            learn = Objective(f"layer_{i + 1}", own, loss, adam, schedule=cosine)
            layers.append(Phase(f"layer {i + 1}", (learn,), share))
        whole = Objective("reconstruction", list(self.parameters()), self.whole_loss, adam, schedule=cosine)
        return [
            *layers,
            Phase("pretrained", fit=self.remember),
            Phase("fine-tuning", (whole,), share=1 - self.pretraining),
            Phase("mixture", fit=self.fit_mixture),
        ]

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        """Codes from the mixture."""
        return self.mixture.sample(n, rng=rng)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        return self.layers.logits(z).sigmoid().unflatten(1, self.space.shape)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Errors by depth on held-out data, before and after the fine-tuning, and what it gained."""
        pretrained = self.pretrained.as_it_was(self.layers)
        before, after = (
            torch.cat([layers.reconstruction_errors(part.x) for part in splits.held_out.blocks()], 1)
            for layers in (pretrained, self.layers)
        )
        meaning = "Mean squared error of a value of a held-out element through so many layers and back."
        errors = {
            f"{when}, depth {depth}": Measure(values, meaning, "down")
            for when, found in (("pretrained", before), ("fine-tuned", after))
            for depth, values in enumerate(found, 1)
        }
        meaning = "How much lower the fine-tuning makes the mean squared error through all layers, on held-out data."
        errors |= {"gained by fine-tuning": Measure(before[-1] - after[-1], meaning, "up")}
        # As in Vincent et al., 2010, table 3, but for the layers, which stay as they are and learn no labels.
        return errors | classification_errors(
            pretrained.encode, self.layers.depth, "pretrained layers", splits
        )

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Rows are held-out elements; columns the element, then depths 1 … L."""
        x = splits.held_out.x[:SHOWN]
        pictures = {}
        for when, layers in (("before", self.pretrained.as_it_was(self.layers)), ("after", self.layers)):
            columns = [x, *(layers.reconstruct(x, depth) for depth in range(1, self.layers.depth + 1))]
            pictures[f"Held-out, then through 1 … {self.layers.depth} layers, {when} fine-tuning"] = (
                torch.stack(columns, 1)
            )
        return pictures
