"""Networks that a class steers (Brock et al., 2019, arXiv:1809.11096, appendix B): residual, with attention.

The generator's batch norms have gains and biases made from the class and a part of z of their own ("skip-z"); the
discriminator adds ⟨e(y), φ(x)⟩ to its logit (Miyato & Koyama, 2018, arXiv:1802.05637).  All layers have spectral norm 1
(Miyato et al., 2018, arXiv:1802.05957) and start orthogonal (Saxe et al., 2014, arXiv:1312.6120).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from genbench.core import Batch, Space
from genbench.nn.towers import enlarged, features, halvings

L = TypeVar("L", nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def normed(layer: L) -> L:
    """An orthogonal start, no bias at first, and weights divided by their largest singular value."""
    nn.init.orthogonal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    spectral_norm(layer)
    return layer


def convolution(inputs: int, outputs: int, side: int = 3, *, bias: bool = True) -> nn.Conv2d:
    return normed(nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=bias))


def off_diagonal(network: nn.Module) -> Tensor:
    """Σ ‖W Wᵀ ⊙ (1 − I)‖² over all layers: rows at right angles, of any length (arXiv:1809.11096, eq. 3).

    Columns, where there are more rows than columns, so that not all of them can be at right angles.
    """
    matrices = (weight.flatten(1) for weight in network.parameters() if weight.ndim > 1)
    products = [w.T @ w if len(w) > w.shape[1] else w @ w.T for w in matrices]
    return torch.stack([(p - p.diagonal().diag()).square().sum() for p in products]).sum()


def truncated_normal(
    n: int, k: int, threshold: float, *, rng: Generator | None = None, device: torch.device | None = None
) -> Tensor:
    """(n, k) from N(0, 1) given |z| ≤ threshold: values beyond it are drawn again, never cut or scaled."""
    device = rng.device if rng is not None else device
    z = torch.randn(n, k, generator=rng, device=device)
    while bool((beyond := z.abs() > threshold).any()):
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng, device=device)
    return z


class Labelled:
    """Labels as one-hot vectors, (n, classes): a batch's, those that are asked for, or any."""

    space: Space

    def one_hot(self, labels: Tensor) -> Tensor:
        return F.one_hot(labels, self.space.classes).float()

    def labels_of(self, batch: Batch) -> Tensor:
        if batch.label is None:
            raise ValueError("label: None; expected a label for each element")
        return self.one_hot(batch.label)

    def any_labels(
        self, n: int, *, rng: Generator | None = None, device: torch.device | None = None
    ) -> Tensor:
        """Drawn uniformly, from `rng` on its device, or from the training's own random state."""
        device = rng.device if rng is not None else device
        return self.one_hot(torch.randint(self.space.classes, (n,), generator=rng, device=device))

    def asked(self, n: int, condition: Tensor | None, *, rng: Generator) -> Tensor:
        """Of n labels, or of labels drawn uniformly where there are none.

        Raises:
            ValueError: labels that are not n integers from 0 to classes − 1.
        """
        classes = self.space.classes
        if condition is None:
            return self.any_labels(n, rng=rng)
        if condition.shape != (n,) or not bool(((condition >= 0) & (condition < classes)).all()):
            raise ValueError(f"condition: expected {n} labels from 0 to {classes - 1}, shape ({n},)")
        return self.one_hot(condition.long())


class SelfAttention(nn.Module):
    """x + γ o(softmax(θ(x)ᵀ φ(x)) g(x)), γ learnt from `strength` (Zhang et al., 2019, arXiv:1805.08318).

    φ and g see each 2 × 2 pixels as one, their largest.
    """

    def __init__(self, maps: int, strength: float = 0.0) -> None:
        super().__init__()
        narrow, half = max(1, maps // 8), max(1, maps // 2)
        self.theta, self.phi = (convolution(maps, narrow, 1, bias=False) for _ in range(2))
        self.g, self.o = convolution(maps, half, 1, bias=False), convolution(half, maps, 1, bias=False)
        self.gamma = nn.Parameter(torch.tensor(strength))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> the same."""
        query = self.theta(x).flatten(2)  # (n, c/8, h·w)
        key, value = (F.max_pool2d(layer(x), 2).flatten(2) for layer in (self.phi, self.g))
        weight = (query.transpose(1, 2) @ key).softmax(2)  # (n, h·w, h·w/4)
        seen = (value @ weight.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.gamma * self.o(seen)


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose gains and biases follow from a condition (de Vries et al., 2017, arXiv:1707.00683).

    standing: means and variances of other laws of z than the one it is trained with, (laws, 2, maps).
    """

    standing: Tensor

    def __init__(self, maps: int, condition: int, laws: int) -> None:
        super().__init__()
        self.norm: Any = nn.BatchNorm2d(maps, affine=False)
        self.gain, self.bias = (normed(nn.Linear(condition, maps, bias=False)) for _ in range(2))
        self.register_buffer("standing", torch.ones(laws, 2, maps))

    def keep(self, law: int) -> None:
        """The norm's own statistics, as they stand, for this law."""
        self.standing[law] = torch.stack([self.norm.running_mean, self.norm.running_var])

    def forward(self, x: Tensor, condition: Tensor, law: int | None = None) -> Tensor:
        """(n, c, h, w), (n, k) -> (n, c, h, w); law: one of `standing`, or None for the norm's own statistics."""
        if law is None:
            h = self.norm(x)
        else:
            mean, var = self.standing[law]
            h = F.batch_norm(x, mean, var, eps=self.norm.eps)
        gain, bias = (layer(condition)[:, :, None, None] for layer in (self.gain, self.bias))
        return (1 + gain) * h + bias


class GeneratorBlock(nn.Module):
    """Norm, rectifier, a convolution that doubles the sides; norm, rectifier, a convolution; beside it 1 × 1.

    Enlarging before 3 × 3 is one transposed 4 × 4, with fewer operations; the discriminator's halvings likewise.
    """

    def __init__(self, inputs: int, outputs: int, condition: int, laws: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ConditionalBatchNorm(maps, condition, laws) for maps in (inputs, outputs))
        self.first = normed(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1))
        self.second, self.skip = convolution(outputs, outputs), convolution(inputs, outputs, 1)

    def forward(self, x: Tensor, condition: Tensor, law: int | None) -> Tensor:
        h = self.first(F.relu(self.norms[0](x, condition, law)))
        h = self.second(F.relu(self.norms[1](h, condition, law)))
        return h + enlarged(self.skip(x))


class ClassConditionalGenerator(nn.Module):
    """z in equal parts, one for the smallest sides and one for each block, which sees it beside the class's embedding.

    Attention follows the first block.  laws: of z, whose statistics are kept.
    """

    def __init__(
        self,
        channels: int,
        sides: Sequence[int],
        *,
        width: int,
        latent: int,
        classes: int,
        embedding: int,
        laws: int,
        strength: float,
    ) -> None:
        super().__init__()
        bottom, blocks = features(sides, width), halvings(sides)
        part, rest = divmod(latent, blocks + 1)
        if rest or not blocks:
            raise ValueError(
                f"latent: got {latent} for sides {tuple(sides)}; expected a multiple of {blocks + 1}"
            )
        self.part = part
        self.embedding = normed(nn.Linear(classes, embedding, bias=False))
        self.start = nn.Sequential(
            normed(nn.Linear(part, bottom[0] * bottom[1] * bottom[2])), nn.Unflatten(1, bottom)
        )
        maps = [bottom[0] >> k for k in range(blocks + 1)]
        self.blocks = nn.ModuleList(GeneratorBlock(a, b, part + embedding, laws) for a, b in pairwise(maps))
        self.attention = SelfAttention(maps[1], strength)
        self.norm = ConditionalBatchNorm(width, embedding, laws)
        self.to_rgb = convolution(width, channels)

    def forward(self, z: Tensor, y: Tensor, law: int | None = None) -> Tensor:
        """(n, k), one-hot (n, classes) -> (n, c, h, w) before tanh."""
        parts, label = z.split(self.part, 1), self.embedding(y)
        h = self.start(parts[0])
        for k, (block, part) in enumerate(zip(self.blocks, parts[1:], strict=True)):
            h = block(h, torch.cat([part, label], 1), law)
            h = h if k else self.attention(h)
        return self.to_rgb(F.relu(self.norm(h, label, law)))

    @torch.no_grad()
    def take_statistics(
        self, draws: tuple[Callable[[], Tensor], Callable[[], Tensor]], times: int, law: int | None
    ) -> None:
        """Standing statistics: means over so many batches, for a law of z (arXiv:1809.11096, appendix D).

        draws: of the inputs of a batch, z and y.
        """
        norms = [module for module in self.modules() if isinstance(module, ConditionalBatchNorm)]
        momentum, training = norms[0].norm.momentum, self.training
        for each in norms:
            each.norm.reset_running_stats()
            each.norm.momentum = None  # all batches count alike
        self.train()
        for _ in range(times):
            self(*(draw() for draw in draws))
        self.train(training)
        for each in norms:
            each.norm.momentum = momentum
            if law is not None:
                each.keep(law)


class DiscriminatorBlock(nn.Module):
    """Rectifier, convolve, rectifier, convolve, and halve the sides where told; beside it 1 × 1."""

    def __init__(self, inputs: int, outputs: int, *, first: bool = False, down: bool = True) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs)
        self.second = normed(nn.Conv2d(outputs, outputs, 4, 2, 1)) if down else convolution(outputs, outputs)
        self.skip = convolution(inputs, outputs, 1)
        self.of_image, self.down = first, down

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x if self.of_image else F.relu(x))
        return self.second(F.relu(h)) + self.skip(F.avg_pool2d(x, 2) if self.down else x)


class ProjectionDiscriminator(nn.Module):
    """D(x, y) = ψ(φ(x)) + ⟨e(y), φ(x)⟩, φ the sum over all places of the last feature maps.

    Attention comes before the last halving, or after the only one.
    """

    def __init__(
        self, channels: int, sides: Sequence[int], *, width: int, classes: int, strength: float
    ) -> None:
        super().__init__()
        times = halvings(sides)
        maps = [width << k for k in range(times)]
        body: list[nn.Module] = [DiscriminatorBlock(channels, width, first=True)]
        body += [DiscriminatorBlock(a, b) for a, b in pairwise(maps)]
        body.insert(max(1, times - 1), SelfAttention(maps[max(0, times - 2)], strength))
        self.body = nn.Sequential(*body, DiscriminatorBlock(maps[-1], maps[-1], down=False), nn.ReLU())
        self.logit = normed(nn.Linear(maps[-1], 1))
        self.embedding = normed(nn.Linear(classes, maps[-1], bias=False))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, c, h, w), one-hot (n, classes) -> (n,) logits."""
        h = self.body(x).sum((2, 3))
        return self.logit(h)[:, 0] + (self.embedding(y) * h).sum(1)
