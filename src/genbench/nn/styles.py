"""Networks of StyleGAN (Karras et al., 2019, arXiv:1812.04948): a mapping to styles, and layers that styles modulate.

Styles scale the inputs of convolutions whose outputs are brought back to unit variance, as in StyleGAN2 (Karras et al.,
2020, arXiv:1912.04958, section 2.2); adaptive instance normalisation leaves traces in the images.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.nn.init import Equalised
from genbench.nn.norms import MinibatchDeviation, PixelNorm
from genbench.nn.towers import RECTIFIER, features, halvings

Noise = Sequence[Tensor]  # one (n, 1, h, w) for each layer
GAIN = 2**0.5  # of layers that a rectifier follows


class SlowLinear(nn.Module):
    """A linear layer that learns at `pace` times the rate of the others: pace·(W c x + b), W from N(0, 1/pace²)."""

    def __init__(self, inputs: int, outputs: int, pace: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / pace)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.pace, self.scale = pace, GAIN / inputs**0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.pace * F.linear(self.scale * x, self.weight, self.bias)


class MappingNetwork(nn.Sequential):
    """f: z, brought to unit length per dimension, -> w; its layers learn slowly (section 2; appendix C: λ = .01)."""

    def __init__(self, latent: int, style: int, layers: int, *, pace: float = 0.01) -> None:
        body: list[nn.Module] = [PixelNorm()]
        for a, b in pairwise([latent, *[style] * layers]):
            body += [SlowLinear(a, b, pace), RECTIFIER()]
        super().__init__(*body)


class ModulatedConvolution(nn.Module):
    """w″ = s w / √(Σ (s w)² + ε), s an affine map of the style (arXiv:1912.04958, eq. 1 and 3).

    Computed as conv(x · s) / √(…), one convolution for the whole batch.  up: doubles the sides, by a transposed 4×4.
    """

    def __init__(self, inputs: int, outputs: int, style: int, *, up: bool = False) -> None:
        super().__init__()
        side, self.stride = (4, 2) if up else (3, 1)
        shape = (inputs, outputs) if up else (outputs, inputs)
        self.weight = nn.Parameter(torch.randn(*shape, side, side))
        self.style = Equalised(nn.Linear(style, inputs), gain=1.0)
        self.convolve = F.conv_transpose2d if up else F.conv2d
        self.inputs_first = up

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(n, inputs, h, w) and styles (n, k) -> (n, outputs, h, w), or twice the sides."""
        s = 1 + self.style(w)  # (n, inputs)
        power = self.weight.square().sum((2, 3)) / self.stride**2  # taps that meet one output
        power = power if self.inputs_first else power.T  # (inputs, outputs)
        norm = (s.square() @ power + 1e-8).rsqrt()
        h = self.convolve(x * s[:, :, None, None], self.weight, stride=self.stride, padding=1)
        return h * norm[:, :, None, None]


class StyledLayer(nn.Module):
    """A modulated convolution, noise of learnt strength, biases, a rectifier."""

    def __init__(self, inputs: int, outputs: int, style: int, *, up: bool = False) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, style, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))
        self.activation = RECTIFIER()

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        h = self.convolution(x, w) + self.strength * noise + self.bias
        return GAIN * self.activation(h)


class SynthesisNetwork(nn.Module):
    """g: a learnt constant of the smallest sides, two styled layers there and at each doubling, then 1 × 1 to pixels.

    The last convolution has no style: one that shared a layer's would mix coarse and fine.
    """

    def __init__(self, channels: int, sides: Sequence[int], width: int, style: int) -> None:
        super().__init__()
        maps, height, breadth = features(sides, width)
        self.constant = nn.Parameter(torch.randn(1, maps, height, breadth))
        layers = [StyledLayer(maps, maps, style), StyledLayer(maps, maps, style)]
        self.sides = [(height, breadth)] * 2
        for k in range(1, halvings(sides) + 1):
            narrow = maps >> k
            layers += [StyledLayer(2 * narrow, narrow, style, up=True), StyledLayer(narrow, narrow, style)]
            self.sides += [(height << k, breadth << k)] * 2
        self.layers = nn.ModuleList(layers)
        self.to_rgb = Equalised(nn.Conv2d(width, channels, 1), gain=1.0)
        for i, noise in enumerate(self.noise(1)):
            self.register_buffer(f"noise_{i}", noise)

    def noise(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Noise:
        """N(0, 1) for each layer, from `rng` on its device, or from the training's own random state."""
        device = rng.device if rng is not None else device
        return [torch.randn(n, 1, *sides, generator=rng, device=device) for sides in self.sides]

    def fixed_noise(self, n: int) -> Noise:
        """The same for every element and every time."""
        return [self.get_buffer(f"noise_{i}").expand(n, -1, -1, -1) for i in range(len(self.layers))]

    def forward(self, styles: Tensor, noise: Noise) -> Tensor:
        """(layers, n, k) -> (n, c, h, w)."""
        h = self.constant.expand(styles.shape[1], -1, -1, -1)
        for layer, w, each in zip(self.layers, styles, noise, strict=True):
            h = layer(h, w, each)
        return self.to_rgb(h)


class StyleDiscriminator(nn.Module):
    """Convolutions with equalised rates that halve the sides, the deviation over the batch, two linear layers."""

    def __init__(self, channels: int, sides: Sequence[int], width: int) -> None:
        super().__init__()
        maps, height, breadth = features(sides, width)
        body: list[nn.Module] = [Equalised(nn.Conv2d(channels, width, 3, padding=1)), RECTIFIER()]
        for a, b in pairwise(width << k for k in range(halvings(sides) + 1)):
            body += [Equalised(nn.Conv2d(a, b, 4, 2, 1)), RECTIFIER()]
        body += [MinibatchDeviation(), Equalised(nn.Conv2d(maps + 1, maps, 3, padding=1)), RECTIFIER()]
        body += [nn.Flatten(), Equalised(nn.Linear(maps * height * breadth, maps)), RECTIFIER()]
        self.body = nn.Sequential(*body, Equalised(nn.Linear(maps, 1), gain=1.0))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n,) logits."""
        return self.body(x)[:, 0]


def mixing_grid(images: Callable[[Tensor], Tensor], a: Tensor, b: Tensor, layers: Tensor) -> Tensor:
    """Styles a (n, k) down, b (m, k) across -> (n + 1, m + 1, *shape): the layers that are true follow b, others a.

    images: styles (layers, n, k) -> (n, *shape).  The first column and row show the sources, the corner is empty.
    """
    n, m = len(a), len(b)
    mixed = torch.where(layers[:, None, None], b.repeat(n, 1), a.repeat_interleave(m, 0))
    sources = torch.cat([a, b]).expand(len(layers), -1, -1)
    x = images(torch.cat([sources, mixed], 1))
    down, across, inside = x.split([n, m, n * m])
    top = torch.cat([torch.ones_like(x[:1]), across])
    return torch.cat([top[None], torch.cat([down[:, None], inside.unflatten(0, (n, m))], 1)])
